//! What the shared tests need of this adapter, and what only a file can show.

use apogee_domain::series::POWER_RAW;
use apogee_store::conformance::{add, applied, apply, change, cursor};
use apogee_store::{Result, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::SqliteStore;

pub(crate) const DIALECT: &str = include_str!("dialect.rs");

pub(crate) async fn open() -> Option<(SqliteStore, TempDir)> {
    let folder = TempDir::new().unwrap();
    let store = reopen(&folder).await.unwrap();
    Some((store, folder))
}

/// A database without any table.
pub(crate) async fn unmigrated() -> Option<(SqliteStore, TempDir)> {
    let folder = TempDir::new().unwrap();
    let file = SqliteConnectOptions::new().filename(folder.path().join("apogee.db"));
    let pool = sqlx::Pool::connect_with(file.create_if_missing(true).foreign_keys(true)).await.unwrap();
    Some((SqliteStore { reads: pool.clone(), writes: pool }, folder))
}

pub(crate) async fn reopen(folder: &TempDir) -> Result<SqliteStore> {
    SqliteStore::open(&folder.path().join("apogee.db")).await
}

/// Every column: its kind, whether it may be NULL, its place in the primary key.
pub(crate) async fn columns(pool: &sqlx::Pool<sqlx::Sqlite>) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT t.name || '.' || c.name || ' '
           || CASE WHEN instr(t.sql, 'length(' || c.name || ') = 39') > 0 THEN 'amount'
                WHEN c.type IN ('BIGINT', 'INTEGER') THEN 'integer' WHEN c.type = 'BLOB' THEN 'bytes' ELSE lower(c.type) END
           || iif(c.\"notnull\" OR c.pk > 0, '', ' or null') || iif(c.pk > 0, ' key ' || c.pk, '')
         FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Every row of a table.
pub(crate) async fn rows(pool: &sqlx::Pool<sqlx::Sqlite>, table: &str) -> Vec<String> {
    let quoted: String = sqlx::query_scalar(
        "SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info($1)",
    )
    .bind(table)
    .fetch_one(pool)
    .await
    .unwrap();
    let rows = sqlx::AssertSqlSafe(format!("SELECT {quoted} AS line FROM {table} ORDER BY line"));
    sqlx::query_scalar(rows).fetch_all(pool).await.unwrap()
}

/// Every unique constraint beside the primary keys.
pub(crate) async fn unique(pool: &sqlx::Pool<sqlx::Sqlite>) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT t.name || ' unique ' || (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c)
         FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'u'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_nothing_is_written() {
    let (store, _folder) = open().await.unwrap();
    let id = add(&store, &["devnet-a"]).await.remove(0);
    // There is one connection that writes: what is set on it stays.
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writes).await.unwrap();
    let limit = async |pages: i64| {
        let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(pragma).execute(&store.writes).await.unwrap();
    };
    limit(pages + 2).await;
    let steps = (0..5_000).map(|height| change(POWER_RAW, "t01000", height, Some(1))).collect();
    let epochs = [applied(5_000, steps)];
    let refused = apply(&store, &id, None, &cursor(5_000, None), &epochs).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Unavailable(cause) if cause.to_string().contains("full")),
        "{refused:?}"
    );
    assert_eq!(store.cursor(&id).await.unwrap(), None);
    assert_eq!(store.board(&id, &POWER_RAW, apogee_domain::Epoch::MAX).await.unwrap(), []);
    limit(1_000_000).await;
    apply(&store, &id, None, &cursor(5_000, None), &epochs).await.unwrap();
}

#[tokio::test]
async fn a_read_only_file_is_unavailable_and_can_be_read() {
    let (store, _folder) = open().await.unwrap();
    let id = crate::tests::filled(&store).await;
    sqlx::query("PRAGMA query_only = 1").execute(&store.writes).await.unwrap();
    let next = [applied(2, vec![change(POWER_RAW, "t01000", 2, Some(6))])];
    let refused = apply(&store, &id, Some(&cursor(1, None)), &cursor(2, None), &next).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(1, None)));
}

#[tokio::test]
async fn a_damaged_page_is_damaged_and_never_another_value() {
    let (store, folder) = open().await.unwrap();
    let id = add(&store, &["devnet-a"]).await.remove(0);
    let steps = (0..5_000).map(|height| change(POWER_RAW, "t01000", height, Some(1))).collect();
    apply(&store, &id, None, &cursor(5_000, None), &[applied(5_000, steps)]).await.unwrap();
    store.reads.close().await;
    store.writes.close().await;
    let path = folder.path().join("apogee.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Half of the file, behind the first pages with the schema.
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let again = reopen(&folder).await;
    let refused = match again {
        Err(refused) => refused,
        Ok(store) => {
            let page = apogee_store::Page { after: None, limit: 10_000 };
            store.steps(&id, &POWER_RAW, &"t01000".parse().unwrap(), page).await.unwrap_err()
        }
    };
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
}
