use apogee_domain::Digest;
use apogee_store::{Page, Store};

use super::run::{NAME, PAYMENTS, Run};
use crate::world::database;

/// The seeds of the schedules that are wanted here: `few`, or 1,000 (25,000 payments) with `APOGEE_FULL` set, or those of `APOGEE_SEED`, written
/// `7` or `60..600`.
fn seeds(few: u64) -> std::ops::Range<u64> {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment how long they may take")]
    let some = std::env::var("APOGEE_SEED");
    let number = |text: &str| text.parse::<u64>().unwrap();
    match some.ok() {
        Some(some) => some
            .split_once("..")
            .map_or_else(|| number(&some)..number(&some) + 1, |(from, to)| number(from)..number(to)),
        None if full() => 0..1_000,
        None => 0..few,
    }
}

/// Whether everything is wanted.
pub(crate) fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment how long they may take")]
    std::env::var("APOGEE_FULL").is_ok()
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
            (seq, previous) = (entry.seq, entry.hash);
        }
    }
}

#[test]
fn under_random_faults_every_payment_is_paid_once_and_the_ledger_is_the_chain() {
    const THREADS: u64 = 2;
    let seeds = seeds(8);
    let worker = |thread: u64| {
        let seeds = seeds.clone();
        move || {
            runtime().block_on(async move {
                let (store, _folder) = database().await;
                let (mut paid, mut skipped) = (0, 0);
                for seed in seeds.filter(|seed| seed % THREADS == thread) {
                    let mut run = Run::new(seed, &format!("m{seed}"), store.clone(), 2).await;
                    run.trouble(80).await;
                    run.calm().await;
                    let counts = store.counts(&run.network, NAME).await.unwrap();
                    paid += counts.iter().map(|(_, count)| count.payments).sum::<u64>();
                    skipped += run.skipped;
                }
                the_audit_chain_holds(&*store).await;
                (paid, skipped)
            })
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| std::thread::spawn(worker(thread))).collect();
    let all = threads.into_iter().map(|thread| thread.join().unwrap());
    let (paid, skipped) = all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let count = seeds.end - seeds.start;
    assert_eq!(paid, count * PAYMENTS);
    eprintln!("{count} schedules, {paid} payments, {skipped} nonces left out");
}
