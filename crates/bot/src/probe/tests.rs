use std::sync::atomic::{AtomicI64, Ordering};

use apogee_domain::ManualClock;
use ed25519_dalek::SigningKey;

use super::*;
use crate::settings::Canary;

fn settings(reach: Reach) -> Settings {
    Settings {
        controller: "http://127.0.0.1:1".into(),
        name: "eu-1".into(),
        region: "eu".into(),
        key: SigningKey::from_bytes(&[7; 32]),
        outbox: "unused".into(),
        attempts: 1,
        canary: Canary { url: String::new(), root: String::new(), size: 0 },
        reach,
        resolvers: vec!["127.0.0.1:9".parse().unwrap()],
        patience: Patience::default(),
    }
}

async fn code(reach: Reach, clock: Arc<dyn Clock>) -> &'static str {
    let prober = Prober::new(&settings(reach), clock).unwrap();
    let task =
        Task::Gateway { url: "http://127.0.0.1:1/".into(), root: "bafkqaaa".into(), size: 1, private: true };
    prober.probe(&task).await.code()
}

/// What a clock shows when it is looked at for the first, second, … time.
#[derive(Debug)]
struct Odd(AtomicI64, fn(i64) -> i64);

impl Clock for Odd {
    fn now(&self) -> Timestamp {
        Timestamp(self.1(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn a_clock_that_is_set_while_an_attempt_is_made_spoils_it() {
    let still = Arc::new(ManualClock::default());
    assert_eq!(code(Reach::AlsoPrivate, still).await, "TCP_REFUSED");
    let hasty = |looked| looked * 6_000_000;
    assert_eq!(code(Reach::AlsoPrivate, Arc::new(Odd(AtomicI64::new(0), hasty))).await, "CLOCK_SKEW");
    let backwards = |looked| 60_000_000 - looked * 6_000_000;
    assert_eq!(code(Reach::AlsoPrivate, Arc::new(Odd(AtomicI64::new(0), backwards))).await, "CLOCK_SKEW");
}

#[tokio::test]
async fn what_breaks_in_an_attempt_is_the_bots_and_ends_nothing_else() {
    let breaks = |looked| if looked == 1 { panic!("a bug, as a test wants it") } else { looked };
    assert_eq!(code(Reach::AlsoPrivate, Arc::new(Odd(AtomicI64::new(0), breaks))).await, "BOT_PANIC");
}

#[tokio::test]
async fn a_task_that_may_reach_further_than_the_bot_is_not_held_against_the_miner() {
    assert_eq!(code(Reach::Global, Arc::new(ManualClock::default())).await, "UNCLASSIFIED");
}
