use apogee_domain::Digest;

use super::{add, both};
use crate::{LedgerEntry, LedgerHead, Page, Result, Store, StoreError};

/// An entry of that number.
#[must_use]
pub fn entry(seq: u64) -> LedgerEntry {
    let mut hash = [0x1e; 32];
    hash.iter_mut().zip(seq.to_be_bytes()).for_each(|(byte, s)| *byte = s);
    LedgerEntry {
        seq, hash: Digest(hash), document: format!("{{\"seq\":{seq},\"why\":\"区块 \\\"x\\\"\"}}")
    }
}

fn head(seq: u64) -> Option<(u64, Digest)> {
    (seq > 0).then(|| (seq, entry(seq).hash))
}

/// Append the entry of number `seq`, on top of the one before, and commit.
pub async fn write(store: &dyn Store, competition: &str, seq: u64) -> Result<()> {
    let mut work = store.begin().await?;
    work.append(competition, head(seq - 1), &entry(seq)).await?;
    work.commit().await
}

async fn read(store: &dyn Store, competition: &str, after: Option<u64>, limit: u32) -> Vec<LedgerEntry> {
    store.entries(competition, Page { after, limit }).await.unwrap()
}

pub async fn a_ledger_is_read_back_in_order(store: &dyn Store) {
    assert_eq!(store.competitions().await.unwrap(), []);
    assert_eq!(read(store, "sr1", None, 10).await, []);
    for seq in 1..=12 {
        write(store, "sr1", seq).await.unwrap();
    }
    write(store, "Alpha.2", 1).await.unwrap();
    let all: Vec<LedgerEntry> = (1..=12).map(entry).collect();
    assert_eq!(read(store, "sr1", None, 100).await, all);
    assert_eq!(read(store, "sr1", None, 2).await, [entry(1), entry(2)]);
    assert_eq!(read(store, "sr1", Some(9), 2).await, [entry(10), entry(11)]);
    assert_eq!(read(store, "sr1", Some(12), 2).await, []);
    assert_eq!(read(store, "sr1", Some(u64::MAX), 2).await, []);
    assert_eq!(read(store, "sr", None, 2).await, []);
    let competition =
        |name: &str, seq| LedgerHead { competition: name.to_owned(), seq, hash: entry(seq).hash };
    assert_eq!(store.competitions().await.unwrap(), [competition("Alpha.2", 1), competition("sr1", 12)]);
    // It is of no network: clearing one leaves it.
    let id = add(store, &["devnet-a"]).await.remove(0);
    let mut work = store.begin().await.unwrap();
    work.clear(&id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(read(store, "sr1", None, 100).await, all);
}

pub async fn an_entry_that_is_not_next_is_a_conflict(store: &dyn Store) {
    for seq in 1..=3 {
        write(store, "sr1", seq).await.unwrap();
    }
    let other = Some((3, entry(2).hash));
    let cases = [
        (None, entry(1)),
        (None, entry(4)),
        (head(2), entry(3)),
        (head(2), entry(4)),
        (head(4), entry(5)),
        (other, entry(4)),
        (head(3), entry(3)),
        (head(3), entry(5)),
        (head(3), entry(0)),
        (head(3), entry(u64::MAX)),
    ];
    for (head, entry) in cases {
        let mut work = store.begin().await.unwrap();
        let refused = work.append("sr1", head, &entry).await.unwrap_err();
        assert!(matches!(refused, StoreError::Conflict { .. }), "{head:?} {entry:?}: {refused:?}");
    }
    assert_eq!(read(store, "sr1", None, 100).await, [entry(1), entry(2), entry(3)]);
    write(store, "sr1", 4).await.unwrap();
}

pub async fn of_two_writers_one_gets_the_entry(store: &dyn Store) {
    for seq in 1..=10 {
        let mut work = store.begin().await.unwrap();
        work.append("sr1", head(seq - 1), &entry(seq)).await.unwrap();
        let (first, second) = both(work.commit(), write(store, "sr1", seq)).await;
        first.unwrap();
        assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    }
    assert_eq!(read(store, "sr1", None, 100).await.len(), 10);
}

pub async fn an_entry_that_is_dropped_was_never_there(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    work.append("sr1", None, &entry(1)).await.unwrap();
    work.append("sr1", head(1), &entry(2)).await.unwrap();
    drop(work);
    assert_eq!(store.competitions().await.unwrap(), []);
    let mut work = store.begin().await.unwrap();
    work.append("sr1", None, &entry(1)).await.unwrap();
    work.append("sr1", head(1), &entry(2)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(read(store, "sr1", None, 100).await, [entry(1), entry(2)]);
}
