use apogee_domain::{Epoch, Timestamp};

use super::add;
use crate::{MAX_RECOUNT, Recount, RecountState, Store, StoreError};

fn recount(input: &str, verified: i64) -> Recount {
    let layer = |height| Epoch::new(height).unwrap();
    Recount {
        input: input.to_owned(),
        first: layer(32),
        last: layer(95),
        verified: layer(verified),
        opinion: "0xab".to_owned(),
        at: Timestamp::from_seconds(7),
        state: RecountState::Open,
    }
}

pub async fn a_recount_is_kept_once_and_decided_once(store: &dyn Store) {
    let ids = add(store, &["devnet-a", "devnet-b"]).await;
    let (id, other) = (&ids[0], &ids[1]);
    assert_eq!(store.recounts(id).await.unwrap(), []);
    let (first, second) = (recount("bb", 60), recount("aa", 90));
    let mut work = store.begin().await.unwrap();
    assert!(work.put_recount(id, &first, "{\"layers\":1}").await.unwrap());
    assert!(!work.put_recount(id, &recount("bb", 61), "{}").await.unwrap(), "it stays as it is");
    assert!(work.put_recount(id, &second, "{}").await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.recounts(id).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(store.recounts(other).await.unwrap(), []);
    assert_eq!(store.recount_report(id, "bb").await.unwrap().as_deref(), Some("{\"layers\":1}"));
    assert_eq!(store.recount_report(other, "bb").await.unwrap(), None);
    // Dropped, nothing is decided; committed, it is for good.
    let mut work = store.begin().await.unwrap();
    assert!(work.decide_recount(id, "bb", RecountState::Cancelled).await.unwrap());
    drop(work);
    let mut work = store.begin().await.unwrap();
    assert!(work.decide_recount(id, "bb", RecountState::Applied).await.unwrap());
    assert!(!work.decide_recount(id, "bb", RecountState::Cancelled).await.unwrap());
    assert!(!work.decide_recount(id, "cc", RecountState::Applied).await.unwrap());
    work.commit().await.unwrap();
    let states: Vec<_> = store.recounts(id).await.unwrap().into_iter().map(|one| one.state).collect();
    assert_eq!(states, [RecountState::Open, RecountState::Applied]);
    // Clearing what is indexed decides nothing.
    let mut work = store.begin().await.unwrap();
    work.clear(id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.recounts(id).await.unwrap().len(), 2);
}

pub async fn a_report_above_the_bound_is_refused(store: &dyn Store) {
    let id = add(store, &["devnet-a"]).await.remove(0);
    let report = "x".repeat(usize::try_from(MAX_RECOUNT).unwrap() + 1);
    let mut work = store.begin().await.unwrap();
    let refused = work.put_recount(&id, &recount("aa", 60), &report).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { limit: MAX_RECOUNT, .. })), "{refused:?}");
    drop(work);
    assert_eq!(store.recounts(&id).await.unwrap(), []);
}
