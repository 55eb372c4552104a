//! What a database that is not well answers.

use apogee_domain::{Epoch, NetworkId, series::POWER_RAW};
use apogee_store::conformance::{add, applied, apply, change, cursor};
use apogee_store::{Store, StoreError};

use crate::Adapter;
use crate::testing::{open, reopen};

/// A network with one step.
pub(crate) async fn filled(store: &Adapter) -> NetworkId {
    let id = add(store, &["devnet-a"]).await.remove(0);
    let steps = vec![change(POWER_RAW, "t01000", 1, Some(5))];
    apply(store, &id, None, &cursor(1, None), &[applied(1, steps)]).await.unwrap();
    id
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let Some((store, guard)) = open().await else { return };
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(newer).execute(&store.writes).await.unwrap();
    let newest = crate::MIGRATOR.iter().map(|migration| migration.version).max().unwrap();
    let newer = |error: &StoreError| matches!(error, StoreError::Schema { found: 9999, expected } if *expected == newest);
    let refused = store.check().await.unwrap_err();
    assert!(newer(&refused), "{refused:?}");
    let refused = reopen(&guard).await.unwrap_err();
    assert!(newer(&refused), "{refused:?}");
    let kept: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&store.writes)
        .await
        .unwrap();
    assert_eq!(kept, 9999);
}

#[tokio::test]
async fn a_row_that_does_not_decode_names_its_table() {
    let Some((store, _guard)) = open().await else { return };
    let id = filled(&store).await;
    sqlx::query("UPDATE cursors SET document = '{'").execute(&store.writes).await.unwrap();
    let refused = store.cursor(&id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { table: "cursors", .. }), "{refused:?}");
    sqlx::query("UPDATE epochs SET document = '[]'").execute(&store.writes).await.unwrap();
    let refused = store.epoch(&id, Epoch::new(1).unwrap()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { table: "epochs", .. }), "{refused:?}");
    sqlx::query("UPDATE subjects SET name = 'not a subject'").execute(&store.writes).await.unwrap();
    let refused = store.board(&id, &POWER_RAW, Epoch::MAX).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { table: "subjects", .. }), "{refused:?}");
}
