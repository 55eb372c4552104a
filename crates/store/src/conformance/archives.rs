use apogee_domain::Digest;

use super::{add, both};
use crate::{Archive, ArchiveHead, MAX_ARCHIVE, Result, Store, StoreError};

/// An archive with a root of these bytes.
#[must_use]
pub fn archive(root: u8, bytes: &[u8]) -> Archive {
    Archive { root: Digest([root; 32]), bytes: bytes.to_vec() }
}

/// Keep an archive and commit.
pub async fn keep(store: &dyn Store, competition: &str, archive: &Archive) -> Result<()> {
    let mut work = store.begin().await?;
    work.put_archive(competition, archive).await?;
    work.commit().await
}

pub async fn an_archive_is_read_back_byte_by_byte(store: &dyn Store) {
    assert_eq!(store.archives().await.unwrap(), []);
    assert_eq!(store.archive("sr1").await.unwrap(), None);
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let (large, empty) = (archive(7, &bytes), archive(0, &[]));
    keep(store, "sr1", &large).await.unwrap();
    keep(store, "Alpha.2", &empty).await.unwrap();
    let head = |name: &str, of: &Archive| ArchiveHead {
        competition: name.to_owned(),
        root: of.root,
        size: of.bytes.len() as u64,
    };
    let heads = [head("Alpha.2", &empty), head("sr1", &large)];
    // It is of no network: clearing one leaves it.
    let id = add(store, &["devnet-a"]).await.remove(0);
    let mut work = store.begin().await.unwrap();
    work.clear(&id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.archives().await.unwrap(), heads);
    assert_eq!(store.archive("sr1").await.unwrap(), Some(large));
    assert_eq!(store.archive("Alpha.2").await.unwrap(), Some(empty));
    assert_eq!(store.archive("sr").await.unwrap(), None);
}

pub async fn a_competition_keeps_its_first_archive(store: &dyn Store) {
    keep(store, "sr1", &archive(1, b"first")).await.unwrap();
    keep(store, "sr1", &archive(1, b"packed otherwise")).await.unwrap();
    let refused = keep(store, "sr1", &archive(2, b"first")).await.unwrap_err();
    let roots = [1, 2].map(|root| Digest([root; 32]).to_string());
    assert!(
        matches!(&refused, StoreError::Conflict { found, expected, .. } if [found, expected] == [&roots[0], &roots[1]]),
        "{refused:?}"
    );
    keep(store, "sr2", &archive(2, b"second")).await.unwrap();
    assert_eq!(store.archive("sr1").await.unwrap(), Some(archive(1, b"first")));
    assert_eq!(store.archives().await.unwrap().len(), 2);
}

pub async fn of_two_archives_one_is_kept(store: &dyn Store) {
    for round in 0..10 {
        let name = format!("sr{round}");
        let mut work = store.begin().await.unwrap();
        work.put_archive(&name, &archive(1, b"first")).await.unwrap();
        let other = archive(2, b"second");
        let (first, second) = both(work.commit(), keep(store, &name, &other)).await;
        first.unwrap();
        assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
        assert_eq!(store.archive(&name).await.unwrap(), Some(archive(1, b"first")));
    }
}

pub async fn an_archive_above_the_bound_is_refused(store: &dyn Store) {
    let size = MAX_ARCHIVE + 1;
    let archive = Archive { root: Digest([1; 32]), bytes: vec![0; usize::try_from(size).unwrap()] };
    let refused = keep(store, "sr1", &archive).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::TooLarge { size: found, limit: MAX_ARCHIVE, .. } if found == size),
        "{refused:?}"
    );
    assert_eq!(store.archives().await.unwrap(), []);
}

pub async fn an_archive_that_is_dropped_was_never_there(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    work.put_archive("sr1", &archive(1, b"first")).await.unwrap();
    drop(work);
    assert_eq!(store.archive("sr1").await.unwrap(), None);
    keep(store, "sr1", &archive(2, b"second")).await.unwrap();
}
