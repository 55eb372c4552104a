//! The cases that every adapter passes, on SQLite, and what only a file can show.

use apogee_store::conformance::{add, applied, apply, change, cursor, entry, write};
use apogee_store::{Page, Store, StoreError};
use apogee_store_sqlite::SqliteStore;
use tempfile::TempDir;

async fn open() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    (SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap(), folder)
}

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (store, _folder) = open().await;
                apogee_store::conformance::$case(&store).await;
            }
        )*
    };
}

apogee_store::conformance!(cases);

#[tokio::test]
async fn what_is_committed_is_there_after_opening_again() {
    let (store, folder) = open().await;
    let id = add(&store, &["devnet-a"]).await.remove(0);
    let steps = vec![change(apogee_domain::series::POWER_RAW, "t01000", 1, Some(1))];
    apply(&store, &id, None, &cursor(1, None), &[applied(1, steps)]).await.unwrap();
    write(&store, "sr1", 1).await.unwrap();
    drop(store);
    let again = SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap();
    assert_eq!(again.cursor(&id).await.unwrap(), Some(cursor(1, None)));
    again.check().await.unwrap();
    assert_eq!(again.entries("sr1", Page { after: None, limit: 10 }).await.unwrap(), [entry(1)]);
    write(&again, "sr1", 2).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "these are notes, and no database at all. ".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let refused = SqliteStore::open(&path).await;
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_is_absent_is_unavailable() {
    let folder = TempDir::new().unwrap();
    let refused = SqliteStore::open(&folder.path().join("absent/apogee.db")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
