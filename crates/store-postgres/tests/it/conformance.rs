//! The cases that every adapter passes, on PostgreSQL. Skipped, and said so, where PostgreSQL is not installed.

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
