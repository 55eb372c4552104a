use apogee_domain::{Digest, Timestamp};

use super::both;
use crate::{AuditEntry, AuditEvent, Page, Result, Store};

fn event(action: &str) -> AuditEvent {
    AuditEvent {
        at: Timestamp::from_seconds(1_790_000_000),
        actor: "operator:ada".to_owned(),
        action: action.to_owned(),
        subject: "devnet-a/wallet/drip".to_owned(),
        reason: "看一看 \"x\"".to_owned(),
        document: "{}".to_owned(),
    }
}

async fn record(store: &dyn Store, event: &AuditEvent) -> Result<AuditEntry> {
    let mut work = store.begin().await?;
    let entry = work.record(event).await?;
    work.commit().await?;
    Ok(entry)
}

pub async fn audit_events_are_a_chain(store: &dyn Store) {
    let mut head = (0, Digest::default());
    for number in 1..=5 {
        let entry = record(store, &event(&format!("act-{number}"))).await.unwrap();
        assert!(entry.follows(head.0, head.1));
        head = (entry.seq, entry.hash);
    }
    let mut dropped = store.begin().await.unwrap();
    dropped.record(&event("dropped")).await.unwrap();
    drop(dropped);
    let all = store.audit(Page { after: None, limit: 10 }).await.unwrap();
    assert_eq!(all.len(), 5);
    let mut head = (0, Digest::default());
    for entry in &all {
        assert!(entry.follows(head.0, head.1));
        let changed = AuditEntry { event: event("other"), ..entry.clone() };
        assert!(!changed.follows(head.0, head.1));
        head = (entry.seq, entry.hash);
    }
    assert_eq!(store.audit(Page { after: Some(3), limit: 1 }).await.unwrap(), all[3..4]);
    let newest = store.newest_audit(2).await.unwrap();
    assert_eq!(newest, [all[4].clone(), all[3].clone()]);
}

pub async fn of_two_audit_events_one_follows_the_other(store: &dyn Store) {
    for _ in 0..10 {
        let mut work = store.begin().await.unwrap();
        work.record(&event("first")).await.unwrap();
        let second = event("second");
        let (first, second) = both(work.commit(), record(store, &second)).await;
        first.unwrap();
        second.unwrap();
    }
    let all = store.audit(Page { after: None, limit: 100 }).await.unwrap();
    assert_eq!(all.len(), 20);
    let mut head = (0, Digest::default());
    for entry in all {
        assert!(entry.follows(head.0, head.1), "{entry:?}");
        head = (entry.seq, entry.hash);
    }
}
