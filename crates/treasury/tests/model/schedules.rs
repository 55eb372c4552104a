use std::sync::Arc;

use apogee_domain::Digest;
use apogee_store::{Page, Store};
use apogee_store_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::run::{NAME, Run};

/// A database in memory, where there is such a folder.
pub(crate) async fn database() -> (Arc<dyn Store>, TempDir) {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
    (Arc::new(SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap()), folder)
}

/// The seeds of the schedules that are wanted here: `few`, or 4,000 (100,000 payments) with `APOGEE_FULL` set, or those of `APOGEE_SEED`, written
/// `7` or `60..600`.
fn seeds(few: u64) -> std::ops::Range<u64> {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment how long they may take")]
    let (full, some) = (std::env::var("APOGEE_FULL").is_ok(), std::env::var("APOGEE_SEED"));
    let number = |text: &str| text.parse::<u64>().unwrap();
    match some.ok() {
        Some(some) => some
            .split_once("..")
            .map_or_else(|| number(&some)..number(&some) + 1, |(from, to)| number(from)..number(to)),
        None if full => 0..4_000,
        None => 0..few,
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// I16.
async fn the_audit_chain_holds(store: &dyn Store) {
    let (mut seq, mut previous) = (0, Digest([0; 32]));
    loop {
        let page = store.audit(Page { after: Some(seq), limit: 1_000 }).await.unwrap();
        if page.is_empty() {
            return;
        }
        for entry in page {
            assert!(entry.follows(seq, previous), "I16: entry {} does not follow", entry.seq);
            assert!(!entry.event.actor.is_empty() && !entry.event.action.is_empty());
            assert!(entry.event.actor == "treasury" || !entry.event.reason.is_empty(), "{:?}", entry.event);
            (seq, previous) = (entry.seq, entry.hash);
        }
    }
}

#[test]
fn under_random_faults_every_payment_is_paid_once_and_the_ledger_is_the_chain() {
    const THREADS: u64 = 2;
    let seeds = seeds(60);
    let worker = |thread: u64| {
        let seeds = seeds.clone();
        move || {
            runtime().block_on(async move {
                let (store, _folder) = database().await;
                let mut paid = 0;
                for seed in seeds.filter(|seed| seed % THREADS == thread) {
                    let mut run = Run::new(seed, &format!("m{seed}"), store.clone(), 2).await;
                    run.trouble(80).await;
                    run.calm().await;
                    let counts = store.counts(&run.network, NAME).await.unwrap();
                    paid += counts.iter().map(|(_, count)| count.payments).sum::<u64>();
                }
                the_audit_chain_holds(&*store).await;
                paid
            })
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| std::thread::spawn(worker(thread))).collect();
    let paid: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let count = seeds.end - seeds.start;
    assert_eq!(paid, count * crate::run::PAYMENTS);
    eprintln!("{count} schedules, {paid} payments");
}
