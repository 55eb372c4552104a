//! A process that writes to PostgreSQL, or the server itself, is killed at any moment: nothing is lost, nothing is double.

#![cfg(test)]

#[path = "../../../store-sql/kill/mod.rs"]
mod kill;

use apogee_store::Result;
use apogee_store_postgres::PostgresStore;
use apogee_testkit::postgres::{self, Server};

type Adapter = PostgresStore;
type Db = sqlx::Postgres;

/// Network, series, subject, epoch, digits.
const UPSERT_STEP: &str = "
    INSERT INTO steps (network_id, series_id, subject_id, epoch, value)
    SELECT n.network_id, r.series_id, u.subject_id, $4, CAST($5 AS NUMERIC)
    FROM networks n JOIN series r ON r.name = $2 JOIN subjects u ON u.network_id = n.network_id AND u.name = $3
    WHERE n.name = $1
    ON CONFLICT (network_id, series_id, subject_id, epoch) DO UPDATE SET value = excluded.value";

async fn open(address: &str) -> Result<Adapter> {
    PostgresStore::connect(address).await
}

/// Wait for what a killed process has left behind: its commit may be under way in the server.
async fn settle(address: &str) {
    use sqlx::Connection;
    let mut db = sqlx::PgConnection::connect(address).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut db).await.unwrap() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
#[ignore = "the process that the other tests start and kill"]
async fn the_process_that_is_killed() {
    kill::write().await;
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_and_doubles_nothing() {
    let (Some(address), Some(fresh)) = (postgres::database(), postgres::database()) else { return };
    kill::survive(&address, &fresh, kill::share(80, 4), || ()).await;
}

#[tokio::test]
async fn a_killed_server_loses_nothing_and_doubles_nothing() {
    let Some(mut server) = Server::start().unwrap() else { return };
    let (address, fresh) = (server.database().unwrap(), server.database().unwrap());
    kill::survive(&address, &fresh, kill::share(20, 2), || server.crash().unwrap()).await;
}

#[tokio::test]
async fn a_cursor_that_is_committed_before_its_rows_is_caught() {
    let Some(address) = postgres::database() else { return };
    kill::a_cursor_first_is_caught(&address).await;
}

#[tokio::test]
async fn rows_that_are_committed_before_their_cursor_are_caught() {
    let Some(address) = postgres::database() else { return };
    kill::rows_first_are_caught(&address).await;
}
