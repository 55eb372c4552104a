//! The cases that every adapter passes, on PostgreSQL. Skipped, and said so, where PostgreSQL is not installed.

use apogee_store::conformance::{entry, write};
use apogee_store::{Page, Store};
use apogee_store_postgres::PostgresStore;
use apogee_testkit::postgres;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(url) = postgres::database() else { return };
                apogee_store::conformance::$case(&PostgresStore::connect(&url).await.unwrap()).await;
            }
        )*
    };
}

apogee_store::conformance!(cases);

#[tokio::test]
async fn a_ledger_is_there_after_connecting_again() {
    let Some(url) = postgres::database() else { return };
    write(&PostgresStore::connect(&url).await.unwrap(), "sr1", 1).await.unwrap();
    let again = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(again.entries("sr1", Page { after: None, limit: 10 }).await.unwrap(), [entry(1)]);
    write(&again, "sr1", 2).await.unwrap();
}
