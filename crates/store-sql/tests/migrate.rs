//! A filled database of every older version is brought up to date with nothing lost.

use std::collections::BTreeSet;

use apogee_domain::series::{POWER_RAW, REWARD_BLOCK};
use apogee_domain::{Epoch, NetworkId};
use apogee_store::conformance::{add, applied, apply, archive, change, cursor, entry, keep, write};
use apogee_store::{CertificateRecord, Page, Store, StoreError};

use crate::testing::{columns, reopen, rows, unmigrated};
use crate::{Adapter, MIGRATOR};

/// Rows in every table that this version has. What later versions add to these tables, they have to fill.
async fn fill(store: &Adapter, version: i64) -> NetworkId {
    let id = add(store, &["devnet-a", "empty"]).await.remove(0);
    let steps = |height| {
        vec![
            change(POWER_RAW, "t01000", height, Some(u128::MAX)),
            change(POWER_RAW, "t01001", height, None),
            change(REWARD_BLOCK, "network", height, Some(0)),
        ]
    };
    let epochs: Vec<_> = (1..=5).map(|height| applied(height, steps(height))).collect();
    apply(store, &id, None, &cursor(5, Some(3)), &epochs).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let certificate = CertificateRecord {
        instance: 4,
        epoch: Epoch::new(3).unwrap(),
        key: "bafy-3".to_owned(),
        document: "{\"why\":\"区块 \\\"x\\\"\"}".to_owned(),
    };
    work.put_certificates(&id, &[certificate]).await.unwrap();
    work.put_objects(&id, &[(vec![1, 0x71, 0], vec![0, 255, 7])]).await.unwrap();
    work.commit().await.unwrap();
    if version >= 2 {
        write(store, "sr1", 1).await.unwrap();
        write(store, "sr1", 2).await.unwrap();
    }
    id
}

/// Every row of these tables.
async fn dump(store: &Adapter, tables: &BTreeSet<String>) -> Vec<(String, Vec<String>)> {
    let mut dump = Vec::new();
    for table in tables {
        dump.push((table.clone(), rows(&store.writes, table).await));
    }
    dump
}

async fn tables(store: &Adapter) -> BTreeSet<String> {
    let columns = columns(&store.writes).await;
    let names = columns.iter().filter_map(|column| column.split('.').next());
    names.filter(|name| !name.starts_with("_sqlx")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_filled_database_of_every_older_version_is_migrated_whole() {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max().unwrap();
    let all: BTreeSet<_> =
        include_str!("schema.txt").split_whitespace().filter_map(|word| word.split_once('.')).collect();
    let all: BTreeSet<_> = all.into_iter().map(|(table, _)| table.to_owned()).collect();
    for version in [1, 2] {
        let Some((old, guard)) = unmigrated().await else { return };
        MIGRATOR.run_to(version, &old.writes).await.unwrap();
        let id = fill(&old, version).await;
        let refused = old.check().await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Schema { found, expected } if found == version && expected == newest),
            "{refused:?}"
        );
        let tables_before = tables(&old).await;
        let before = dump(&old, &tables_before).await;
        assert_eq!(before.len(), [10, 11][usize::from(version == 2)]);
        assert!(before.iter().all(|(_, rows)| !rows.is_empty()), "every table has rows: {before:?}");
        old.reads.close().await;
        old.writes.close().await;

        let store = reopen(&guard).await.unwrap();
        store.check().await.unwrap();
        assert_eq!(dump(&store, &tables_before).await, before, "version {version}");
        assert_eq!(tables(&store).await, all);
        // It is not only there, it goes on.
        assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(5, Some(3))));
        let next = [applied(6, vec![change(POWER_RAW, "t01000", 6, Some(6))])];
        apply(&store, &id, Some(&cursor(5, Some(3))), &cursor(6, Some(3)), &next).await.unwrap();
        let mut work = store.begin().await.unwrap();
        let gone = work.unwind(&id, &cursor(6, Some(3)), &cursor(4, Some(3))).await.unwrap();
        assert_eq!(gone, 4);
        work.commit().await.unwrap();
        let all = Page { after: None, limit: 100 };
        let kept = if version >= 2 { vec![entry(1), entry(2)] } else { vec![] };
        assert_eq!(store.entries("sr1", all).await.unwrap(), kept);
        write(&store, "sr1", kept.len() as u64 + 1).await.unwrap();
        keep(&store, "sr1", &archive(1, b"package")).await.unwrap();
        assert_eq!(store.archive("sr1").await.unwrap(), Some(archive(1, b"package")));
    }
}
