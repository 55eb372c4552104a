use std::time::Duration;

use apogee_domain::{Digest, Timestamp};

use super::{account, both, meet};
use crate::{Challenge, DeviceAnswer, DeviceSignIn, IdentityId, MAX_PENDING, PendingSignIn, Session, Store};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const HOUR: i64 = 3600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

fn session(byte: u8, identity: IdentityId, created: i64) -> Session {
    Session {
        id: Digest([byte; 32]),
        identity,
        created: at(created),
        last_used: at(created),
        expires: at(created + 7 * 24 * HOUR),
        step_up_until: None,
    }
}

async fn open(store: &dyn Store, session: &Session) {
    let mut work = store.begin().await.unwrap();
    work.open_session(session).await.unwrap();
    work.commit().await.unwrap();
}

async fn sweep(store: &dyn Store, now: Timestamp) -> u64 {
    let mut work = store.begin().await.unwrap();
    let gone = work.sweep(now).await.unwrap();
    work.commit().await.unwrap();
    gone
}

pub async fn a_session_ends_when_it_is_idle_and_after_a_week(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let first = session(1, ada, 0);
    open(store, &first).await;
    open(store, &Session { step_up_until: Some(at(60)), ..session(2, ada, 1) }).await;
    assert_eq!(store.session(first.id, at(12 * HOUR - 1)).await.unwrap(), Some(first.clone()));
    assert_eq!(store.session(first.id, at(12 * HOUR)).await.unwrap(), None);
    assert_eq!(store.session(Digest([3; 32]), NOW).await.unwrap(), None);
    let found = store.sessions(ada, at(12 * HOUR)).await.unwrap();
    assert_eq!(found, [Session { step_up_until: Some(at(60)), ..session(2, ada, 1) }]);
    let mut last = 0;
    for use_at in (10 * HOUR..7 * 24 * HOUR).step_by(10 * 3600) {
        let mut work = store.begin().await.unwrap();
        work.touch_session(first.id, at(use_at)).await.unwrap();
        work.touch_session(first.id, at(use_at - 5)).await.unwrap();
        work.commit().await.unwrap();
        last = use_at;
    }
    let used = Session { last_used: at(last), ..first.clone() };
    assert_eq!(store.session(first.id, at(7 * 24 * HOUR - 1)).await.unwrap(), Some(used));
    assert_eq!(store.session(first.id, at(7 * 24 * HOUR)).await.unwrap(), None);
    assert_eq!(sweep(store, at(7 * 24 * HOUR - 1)).await, 1, "the idle one");
    assert_eq!(sweep(store, at(7 * 24 * HOUR)).await, 1);
}

pub async fn a_session_is_ended_by_its_owner(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let bob = meet(store, &account("2", "bob"), NOW).await.id;
    for (byte, owner) in [(1, ada), (2, ada), (3, ada), (4, bob)] {
        open(store, &session(byte, owner, byte.into())).await;
    }
    let mut work = store.begin().await.unwrap();
    assert!(!work.end_session(bob, Digest([1; 32])).await.unwrap(), "of another");
    assert!(work.end_session(ada, Digest([1; 32])).await.unwrap());
    assert!(!work.end_session(ada, Digest([1; 32])).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.session(Digest([1; 32]), at(5)).await.unwrap(), None);
    assert_eq!(store.sessions(ada, at(5)).await.unwrap(), [session(3, ada, 3), session(2, ada, 2)]);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.end_sessions(ada).await.unwrap(), 2);
    work.commit().await.unwrap();
    assert_eq!(store.sessions(bob, at(5)).await.unwrap(), [session(4, bob, 4)]);
}

fn pending(byte: u8) -> PendingSignIn {
    PendingSignIn {
        state: Digest([byte; 32]),
        browser: Digest([0xbb; 32]),
        provider: "github".to_owned(),
        verifier: "v".repeat(43),
        nonce: String::new(),
        next: "/faucet?a=区".to_owned(),
        expires: at(600),
    }
}

async fn take(store: &dyn Store, state: u8, browser: u8, now: Timestamp) -> Option<PendingSignIn> {
    let mut work = store.begin().await.unwrap();
    let taken = work.take_pending(Digest([state; 32]), Digest([browser; 32]), now).await.unwrap();
    work.commit().await.unwrap();
    taken
}

pub async fn of_two_callbacks_with_one_state_one_gets_in(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    for byte in 0..14 {
        assert!(work.put_pending(&pending(byte), NOW).await.unwrap());
    }
    work.commit().await.unwrap();
    for byte in 0..10 {
        let (one, other) = both(take(store, byte, 0xbb, NOW), take(store, byte, 0xbb, NOW)).await;
        assert_eq!([one, other].into_iter().flatten().collect::<Vec<_>>(), [pending(byte)]);
    }
    assert_eq!(take(store, 10, 0xcc, NOW).await, None, "another browser");
    assert_eq!(take(store, 10, 0xbb, at(599)).await, Some(pending(10)), "which does not spoil it");
    assert_eq!(take(store, 11, 0xbb, at(600)).await, None, "too late");
    assert_eq!(take(store, 11, 0xbb, NOW).await, None, "and gone");
    assert_eq!(take(store, 99, 0xbb, NOW).await, None);
    // A unit of work that is dropped has taken nothing.
    let mut work = store.begin().await.unwrap();
    assert!(work.take_pending(Digest([12; 32]), Digest([0xbb; 32]), NOW).await.unwrap().is_some());
    drop(work);
    assert_eq!(take(store, 12, 0xbb, NOW).await, Some(pending(12)));
    assert_eq!(sweep(store, at(599)).await, 0);
    assert_eq!(sweep(store, at(600)).await, 1);
}

pub async fn sign_ins_under_way_are_bounded(store: &dyn Store) {
    let mut work = store.begin().await.unwrap();
    for number in 0..MAX_PENDING {
        let mut state = [0; 32];
        state.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, n)| *byte = n);
        let pending = PendingSignIn { state: Digest(state), ..pending(0) };
        assert!(work.put_pending(&pending, NOW).await.unwrap());
    }
    assert!(!work.put_pending(&pending(1), NOW).await.unwrap());
    assert!(work.put_pending(&pending(1), at(600)).await.unwrap(), "those have expired");
}

fn device(byte: u8) -> DeviceSignIn {
    DeviceSignIn {
        device: Digest([byte; 32]),
        user: Digest([byte + 100; 32]),
        name: "a laptop".to_owned(),
        expires: at(900),
    }
}

async fn poll(store: &dyn Store, byte: u8, now: i64) -> DeviceAnswer {
    let mut work = store.begin().await.unwrap();
    let answer = work.poll_device(Digest([byte; 32]), Duration::from_secs(5), at(now)).await.unwrap();
    work.commit().await.unwrap();
    answer
}

async fn decide(store: &dyn Store, byte: u8, identity: Option<IdentityId>, now: i64) -> bool {
    let mut work = store.begin().await.unwrap();
    let decided = work.decide_device(Digest([byte + 100; 32]), identity, at(now)).await.unwrap();
    work.commit().await.unwrap();
    decided
}

pub async fn a_program_is_told_once_that_it_is_let_in(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let mut work = store.begin().await.unwrap();
    for byte in 1..=4 {
        assert!(work.put_device(&device(byte), NOW).await.unwrap());
    }
    work.commit().await.unwrap();
    assert_eq!(store.device(Digest([101; 32]), at(1)).await.unwrap(), Some(device(1)));
    assert_eq!(store.device(Digest([101; 32]), at(900)).await.unwrap(), None);
    assert_eq!(poll(store, 9, 0).await, DeviceAnswer::Unknown);
    assert_eq!(poll(store, 1, 0).await, DeviceAnswer::Pending);
    assert_eq!(poll(store, 1, 4).await, DeviceAnswer::TooOften);
    assert_eq!(poll(store, 1, 5).await, DeviceAnswer::Pending);
    assert!(decide(store, 1, Some(ada), 6).await);
    assert!(!decide(store, 1, None, 7).await, "decided once");
    assert_eq!(store.device(Digest([101; 32]), at(7)).await.unwrap(), None);
    let (one, other) = both(poll(store, 1, 10), poll(store, 1, 10)).await;
    let answers = if one == DeviceAnswer::Unknown { [other, one] } else { [one, other] };
    assert_eq!(answers, [DeviceAnswer::Approved(ada), DeviceAnswer::Unknown]);
    assert!(decide(store, 2, None, 10).await);
    assert_eq!(poll(store, 2, 11).await, DeviceAnswer::Denied);
    assert_eq!(poll(store, 2, 20).await, DeviceAnswer::Unknown);
    assert!(!decide(store, 3, Some(ada), 900).await, "too late");
    assert_eq!(poll(store, 3, 900).await, DeviceAnswer::Unknown);
    assert_eq!(sweep(store, at(900)).await, 2);
}

pub async fn a_challenge_is_taken_once(store: &dyn Store) {
    let challenge = |bytes: &[u8]| Challenge {
        session: Digest([1; 32]),
        bytes: bytes.to_vec(),
        purpose: "step-up".to_owned(),
        expires: at(300),
    };
    let take = async |now| {
        let mut work = store.begin().await.unwrap();
        let taken = work.take_challenge(Digest([1; 32]), at(now)).await.unwrap();
        work.commit().await.unwrap();
        taken
    };
    let put = async |bytes: &[u8]| {
        let mut work = store.begin().await.unwrap();
        work.put_challenge(&challenge(bytes)).await.unwrap();
        work.commit().await.unwrap();
    };
    put(b"first").await;
    put(b"second").await;
    let (one, other) = both(take(0), take(0)).await;
    assert_eq!([one, other].into_iter().flatten().collect::<Vec<_>>(), [challenge(b"second")]);
    put(b"late").await;
    assert_eq!(take(300).await, None);
    assert_eq!(take(0).await, None);
}
