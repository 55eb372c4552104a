//! What the shared tests need of this adapter, and what only a server can show.

use apogee_store::{Result, Store, StoreError};
use apogee_testkit::postgres::{self, Server};

use crate::PostgresStore;

pub(crate) const DIALECT: &str = include_str!("dialect.rs");

/// A store and its address.
pub(crate) async fn open() -> Option<(PostgresStore, String)> {
    let url = postgres::database()?;
    Some((reopen(&url).await.unwrap(), url))
}

/// A database without any table, and its address.
pub(crate) async fn unmigrated() -> Option<(PostgresStore, String)> {
    let url = postgres::database()?;
    let pool = sqlx::Pool::connect(&url).await.unwrap();
    Some((PostgresStore { reads: pool.clone(), writes: pool }, url))
}

pub(crate) async fn reopen(url: &str) -> Result<PostgresStore> {
    PostgresStore::connect(url).await
}

/// Every column: its kind, whether it may be NULL, its place in the primary key.
pub(crate) async fn columns(pool: &sqlx::Pool<sqlx::Postgres>) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT c.table_name || '.' || c.column_name || ' '
           || CASE c.data_type WHEN 'numeric' THEN 'amount' WHEN 'bigint' THEN 'integer' WHEN 'bytea' THEN 'bytes' ELSE c.data_type END
           || CASE c.is_nullable WHEN 'YES' THEN ' or null' ELSE '' END || coalesce(' key ' || k.ordinal_position, '')
         FROM information_schema.columns c
         LEFT JOIN information_schema.table_constraints p
           ON p.table_schema = c.table_schema AND p.table_name = c.table_name AND p.constraint_type = 'PRIMARY KEY'
         LEFT JOIN information_schema.key_column_usage k
           ON k.constraint_schema = p.constraint_schema AND k.constraint_name = p.constraint_name AND k.column_name = c.column_name
         WHERE c.table_schema = 'public'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Every row of a table.
pub(crate) async fn rows(pool: &sqlx::Pool<sqlx::Postgres>, table: &str) -> Vec<String> {
    let rows = sqlx::AssertSqlSafe(format!("SELECT CAST(t AS TEXT) AS line FROM {table} t ORDER BY line"));
    sqlx::query_scalar(rows).fetch_all(pool).await.unwrap()
}

/// Every unique constraint beside the primary keys.
pub(crate) async fn unique(pool: &sqlx::Pool<sqlx::Postgres>) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT k.table_name || ' unique ' || string_agg(k.column_name, ',' ORDER BY k.ordinal_position)
         FROM information_schema.table_constraints p
         JOIN information_schema.key_column_usage k
           ON k.constraint_schema = p.constraint_schema AND k.constraint_name = p.constraint_name
         WHERE p.table_schema = 'public' AND p.constraint_type = 'UNIQUE' GROUP BY k.table_name, p.constraint_name",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_read_only_server_is_unavailable() {
    let Some((store, url)) = open().await else { return };
    let read_only = "DO $$ BEGIN EXECUTE
        format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$";
    sqlx::query(read_only).execute(&store.writes).await.unwrap();
    let refused = reopen(&url).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_went_away_is_unavailable_until_it_is_back() {
    let Some(mut server) = Server::start().unwrap() else { return };
    let url = server.database().unwrap();
    let store = reopen(&url).await.unwrap();
    let id = crate::tests::filled(&store).await;
    let mut work = store.begin().await.unwrap();
    work.put_objects(&id, &[(vec![1], vec![2])]).await.unwrap();
    server.crash().unwrap();
    let refused = work.commit().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(store.cursor(&id).await.unwrap().is_some(), "a new connection is made");
    assert_eq!(store.objects(&id, &[vec![1]]).await.unwrap(), []);
    drop(server);
    let refused = store.cursor(&id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
}
