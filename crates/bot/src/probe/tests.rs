use std::sync::atomic::{AtomicI64, Ordering};

use apogee_domain::{Clock, ManualClock, Timestamp};

use super::*;
use crate::settings::Patience;

fn prober(reach: Reach, clock: Arc<dyn Clock>) -> Prober {
    let nobody = "127.0.0.1:9".parse().unwrap();
    Prober::new(Basis::new(reach, &[nobody], Patience::default(), b"test", clock).unwrap()).unwrap()
}

async fn code(reach: Reach, clock: Arc<dyn Clock>) -> &'static str {
    let prober = prober(reach, clock);
    let task = Task::Gateway {
        url: "http://127.0.0.1:1/".into(),
        root: "bafkqaaa".into(),
        size: 1,
        part: apogee_dealbot::protocol::Part::Whole,
        private: true,
    };
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

#[tokio::test]
async fn a_look_that_takes_too_long_ends_where_it_is() {
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let prober = prober(Reach::AlsoPrivate, Arc::new(ManualClock::default()));
    let key = apogee_market_libp2p::Keypair::ed25519_from_bytes([9; 32]).unwrap();
    let peer = key.public().to_peer_id().to_string();
    let at = Place::Libp2p { peer, addresses: vec![format!("/ip4/127.0.0.1/tcp/{}", address.port())] };
    let greeting = apogee_dealbot::protocol::Greeting { miner: "t01000".into(), at, private: true };
    let file = Task::Gateway {
        url: format!("http://{address}/"),
        root: "bafkqaaa".into(),
        size: 1,
        part: apogee_dealbot::protocol::Part::Whole,
        private: true,
    };
    for (task, code) in [(Task::Greet(Box::new(greeting)), "TCP_TIMEOUT"), (file, "TTFB_TIMEOUT")] {
        let begun = Instant::now();
        let seen = prober.look(&task, Duration::from_millis(300)).await;
        assert_eq!(seen.code(), code, "{seen:?}");
        assert!(seen.notes.trace.stages.iter().all(|timing| timing.ended.is_some()));
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}
