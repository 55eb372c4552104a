use apogee_domain::{Digest, Epoch, NetworkId, ProbeKind, Timestamp};

use super::{add, applied, apply, both, cursor};
use crate::{
    AttemptCount, Canary, Evidence, FOLLOWED, Lane, LaneClaim, LaneKey, MAX_CHECKPOINT, MAX_DOCUMENT,
    MAX_RECORD, MinerAttempts, Page, PinnedRace, ProbeAgent, ProbeAttempt, ProbeBatch, ProbeEntry, ProbeRest,
    ProbeSlot, SlotCount, SlotOutcome, SlotVerdict, Store, StoreError,
};

const RACE: &str = "sprint";

fn devnet() -> NetworkId {
    "devnet-a".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn key(kind: ProbeKind, miner: &str) -> LaneKey {
    LaneKey { network: devnet(), race: RACE.to_owned(), kind, miner: miner.to_owned() }
}

fn lane(key: LaneKey) -> Lane {
    Lane {
        key,
        slot: 7,
        due: at(100),
        ends: at(200),
        region: "eu".to_owned(),
        anywhere: at(150),
        attempt: 1,
        avoid: Default::default(),
        fence: 0,
        lease: None,
        checkpoint: vec![0, 255],
    }
}

const BOTH: &[ProbeKind] = ProbeKind::ALL;

fn claim<'a>(network: &'a NetworkId, bot: &'a str, region: &'a str, second: i64) -> LaneClaim<'a> {
    LaneClaim {
        network,
        race: RACE,
        bot,
        region,
        kinds: BOTH,
        now: at(second),
        expires: at(second + 60),
        limit: 10,
    }
}

async fn put(store: &dyn Store, lanes: &[Lane]) {
    let mut work = store.begin().await.unwrap();
    for lane in lanes {
        work.put_lane(lane).await.unwrap();
    }
    work.commit().await.unwrap();
}

async fn take(store: &dyn Store, claim: &LaneClaim<'_>) -> Vec<Lane> {
    let mut work = store.begin().await.unwrap();
    let lanes = work.claim_lanes(claim).await.unwrap();
    work.commit().await.unwrap();
    lanes
}

fn miners(lanes: &[Lane]) -> Vec<&str> {
    lanes.iter().map(|lane| lane.key.miner.as_str()).collect()
}

pub async fn lanes_are_given_to_whoever_may_have_them_and_never_twice(store: &dyn Store) {
    let network = devnet();
    let plain = lane(key(ProbeKind::Retrieval, "t01000"));
    let stored = Lane { due: at(90), ..lane(key(ProbeKind::Storage, "t01001")) };
    let tried = Lane {
        avoid: ["ada".to_owned(), String::new()],
        region: "as".to_owned(),
        anywhere: at(0),
        ..lane(key(ProbeKind::Retrieval, "t01002"))
    };
    put(store, &[plain.clone(), stored.clone(), tried.clone()]).await;
    put(store, &[Lane { slot: 99, ..plain.clone() }]).await;
    assert_eq!(store.lane(&plain.key).await.unwrap(), Some(plain.clone()), "what is there stays");
    let page = Page { after: None, limit: 2 };
    assert_eq!(store.lanes(&network, RACE, page).await.unwrap(), [plain.clone(), tried.clone()]);
    let page = Page { after: Some((ProbeKind::Retrieval, "t01002".to_owned())), limit: 2 };
    assert_eq!(store.lanes(&network, RACE, page).await.unwrap(), std::slice::from_ref(&stored));

    assert_eq!(take(store, &claim(&network, "ada", "eu", 89)).await, [], "nothing is due");
    assert_eq!(take(store, &claim(&network, "ada", "eu", 200)).await, [], "all slots have ended");
    assert_eq!(take(store, &LaneClaim { race: "other", ..claim(&network, "ada", "eu", 100) }).await, []);
    assert_eq!(take(store, &claim(&network, "ada", "us", 149)).await, [], "others come first");
    let only = LaneClaim { kinds: &[ProbeKind::Storage], ..claim(&network, "ada", "eu", 100) };
    let given = take(store, &only).await;
    assert_eq!(miners(&given), ["t01001"]);
    let lease = given[0].lease.as_ref().unwrap();
    assert_eq!((lease.bot.as_str(), lease.since, lease.expires, lease.beat), ("ada", at(100), at(160), 0));
    assert_eq!(Lane { lease: None, fence: 0, ..given[0].clone() }, stored);
    assert_eq!(given[0].fence, 1);
    assert_eq!(miners(&take(store, &claim(&network, "ada", "eu", 100)).await), ["t01000"]);
    assert_eq!(take(store, &claim(&network, "ada", "eu", 199)).await, [], "who has tried does not try again");
    assert_eq!(miners(&take(store, &claim(&network, "bob", "us", 199)).await), ["t01002"]);
    assert_eq!(take(store, &claim(&network, "eve", "us", 199)).await, []);

    let mut work = store.begin().await.unwrap();
    let large = Lane { checkpoint: vec![0; MAX_CHECKPOINT + 1], ..plain };
    assert!(matches!(work.put_lane(&large).await, Err(StoreError::TooLarge { .. })));
}

pub async fn of_two_who_ask_each_gets_other_lanes(store: &dyn Store) {
    let network = devnet();
    let lanes: Vec<_> =
        (0..40).map(|n| lane(key(ProbeKind::Retrieval, &format!("t0{}", 1_000 + n)))).collect();
    put(store, &lanes).await;
    let ada = LaneClaim { limit: 7, ..claim(&network, "ada", "eu", 100) };
    let bob = LaneClaim { limit: 5, ..claim(&network, "bob", "eu", 100) };
    let mut all = Vec::new();
    for _ in 0..6 {
        let (first, second) = both(take(store, &ada), take(store, &bob)).await;
        assert!(first.len() <= 7 && second.len() <= 5, "more than was asked for");
        all.extend(first);
        all.extend(second);
    }
    // Passed over is not given: whoever asks again gets it.
    all.extend(take(store, &ada).await);
    assert_eq!(all.len(), 40);
    let mut names = miners(&all);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 40, "a lane was given twice");
}

pub async fn a_lane_is_held_by_who_has_its_fence(store: &dyn Store) {
    let network = devnet();
    let key = key(ProbeKind::Storage, "t01000");
    put(store, &[lane(key.clone())]).await;
    let given = take(store, &claim(&network, "ada", "eu", 100)).await.remove(0);

    let mut work = store.begin().await.unwrap();
    assert_eq!(work.hold_lane(&key, 0, Some("ada")).await.unwrap(), None, "an older fence");
    assert_eq!(work.hold_lane(&key, 1, Some("bob")).await.unwrap(), None, "somebody else");
    assert_eq!(work.hold_lane(&key, 1, None).await.unwrap(), None, "it is not free");
    let mut held = work.hold_lane(&key, 1, Some("ada")).await.unwrap().unwrap();
    assert_eq!(held, given);
    let lease = held.lease.as_mut().unwrap();
    (lease.beat, lease.stage, lease.expires) = (3, "propose".to_owned(), at(175));
    held.checkpoint = b"uuid".to_vec();
    work.set_lane(&held).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.lane(&key).await.unwrap(), Some(held.clone()));

    assert_eq!(store.lapsed(&network, RACE, at(174), 10).await.unwrap(), []);
    assert_eq!(store.lapsed(&network, RACE, at(175), 10).await.unwrap(), std::slice::from_ref(&held));
    assert_eq!(store.missed(&network, RACE, at(500), 10).await.unwrap(), [], "somebody has it");
    let free = Lane { lease: None, attempt: 2, ..held.clone() };
    let mut work = store.begin().await.unwrap();
    work.hold_lane(&key, 1, Some("ada")).await.unwrap().unwrap();
    work.set_lane(&free).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.lapsed(&network, RACE, at(500), 10).await.unwrap(), []);
    assert_eq!(store.missed(&network, RACE, at(199), 10).await.unwrap(), []);
    assert_eq!(store.missed(&network, RACE, at(200), 10).await.unwrap(), std::slice::from_ref(&free));
    let again = take(store, &claim(&network, "bob", "eu", 180)).await.remove(0);
    assert_eq!((again.fence, again.checkpoint.as_slice()), (2, &b"uuid"[..]));
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.hold_lane(&key, 1, Some("ada")).await.unwrap(), None);
    let stale = work.set_lane(&free).await.unwrap_err();
    assert!(matches!(stale, StoreError::Conflict { .. }), "{stale}");
}

fn attempt(key: LaneKey, slot: u64, number: u32, ended: i64) -> ProbeAttempt {
    ProbeAttempt {
        key,
        slot,
        attempt: number,
        fence: slot * 10 + u64::from(number),
        bot: "ada".to_owned(),
        region: "eu".to_owned(),
        leased: at(ended - 5),
        ended: at(ended),
        code: "TCP_REFUSED".to_owned(),
        evidence: Some(Evidence {
            cid: format!("bafy-{slot}-{number}"),
            record: vec![0xa0],
            signature: vec![7; 64],
        }),
        late: None,
        entry: 0,
    }
}

async fn made(store: &dyn Store, attempts: &[ProbeAttempt]) {
    let mut work = store.begin().await.unwrap();
    for attempt in attempts {
        work.put_attempt_made(attempt).await.unwrap();
    }
    work.commit().await.unwrap();
}

pub async fn an_attempt_is_read_back_with_what_came_late(store: &dyn Store) {
    let key = key(ProbeKind::Retrieval, "t01000");
    let told = attempt(key.clone(), 1, 1, 100);
    let lost =
        ProbeAttempt { evidence: None, code: "LEASE_EXPIRED".to_owned(), ..attempt(key.clone(), 1, 2, 120) };
    let good = ProbeAttempt { code: String::new(), ..attempt(key.clone(), 2, 1, 130) };
    made(store, &[told.clone(), lost.clone(), good.clone()]).await;
    let page = Page { after: None, limit: 2 };
    assert_eq!(store.probe_attempts(&key, page).await.unwrap(), [good.clone(), lost.clone()]);
    let page = Page { after: Some((1, 2)), limit: 2 };
    assert_eq!(store.probe_attempts(&key, page).await.unwrap(), std::slice::from_ref(&told));

    let mut work = store.begin().await.unwrap();
    let late = Evidence { cid: "bafy-late".to_owned(), record: vec![1], signature: vec![2; 64] };
    assert!(work.put_late(&key, 1, lost.fence, &late, 7).await.unwrap());
    let other = Evidence { cid: "bafy-later".to_owned(), ..late.clone() };
    assert!(!work.put_late(&key, 1, lost.fence, &other, 8).await.unwrap(), "the first one stays");
    assert!(!work.put_late(&key, 9, lost.fence, &late, 9).await.unwrap(), "no such attempt");
    let large = Evidence { record: vec![0; MAX_RECORD + 1], ..late.clone() };
    let refused = work.put_late(&key, 1, told.fence, &large, 10).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    work.commit().await.unwrap();
    let lost = ProbeAttempt { late: Some(late), ..lost };
    let page = Page { after: Some((2, 1)), limit: 1 };
    assert_eq!(store.probe_attempts(&key, page).await.unwrap(), std::slice::from_ref(&lost));

    let between = store.attempts_ended(&devnet(), RACE, at(100), at(130), 10).await.unwrap();
    let bare = |of: ProbeAttempt| ProbeAttempt { evidence: None, late: None, ..of };
    assert_eq!(between, [bare(told.clone()), bare(lost)]);
    let mut work = store.begin().await.unwrap();
    assert!(matches!(work.put_attempt_made(&told).await, Err(StoreError::Conflict { .. })));
}

fn verdict(outcome: SlotOutcome, code: &str, epoch: i64) -> SlotVerdict {
    SlotVerdict { outcome, code: code.to_owned(), at: at(300), epoch: Epoch::new(epoch).unwrap() }
}

/// A slot that ended, and is to be looked at, as many seconds after 100 as its number says.
fn tried(key: &LaneKey, number: u64) -> ProbeSlot {
    let ended = at(100 + i64::try_from(number).unwrap());
    ProbeSlot { key: key.clone(), slot: number, due: at(100), ended, attempts: 2, look: ended, verdict: None }
}

pub async fn a_slot_is_judged_once_and_counted_from_then_on(store: &dyn Store) {
    let network = devnet();
    let key = key(ProbeKind::Storage, "t01000");
    let slot = |number: u64| tried(&key, number);
    let mut work = store.begin().await.unwrap();
    for number in 0..5 {
        work.put_slot(&slot(number)).await.unwrap();
    }
    let missed = verdict(SlotOutcome::Excluded, "MISSED_NO_WORKER", 9);
    let missed = ProbeSlot { attempts: 0, verdict: Some(missed), ..slot(5) };
    work.put_slot(&missed).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.unjudged(&network, RACE, at(102), 10).await.unwrap(), [slot(0), slot(1), slot(2)]);
    let again = ProbeSlot { ended: at(90), attempts: 3, look: at(91), ..slot(2) };
    for row in [&again, &slot(2)] {
        let mut work = store.begin().await.unwrap();
        work.put_slot(row).await.unwrap();
        work.commit().await.unwrap();
        assert!(store.unjudged(&network, RACE, at(102), 10).await.unwrap().contains(row));
    }
    assert_eq!(store.slots(&key, Page { after: None, limit: 2 }).await.unwrap(), [missed, slot(4)]);

    let failed = verdict(SlotOutcome::Fail, "HTTP_404", 10);
    let judge = async |number: u64, verdict: SlotVerdict| {
        let mut work = store.begin().await.unwrap();
        let counted = work.judge_slot(&key, number, &verdict).await?;
        work.commit().await.map(|()| counted)
    };
    judge(0, verdict(SlotOutcome::Ok, "", 10)).await.unwrap();
    judge(1, verdict(SlotOutcome::Ok, "", 10)).await.unwrap();
    judge(2, failed.clone()).await.unwrap();
    judge(3, verdict(SlotOutcome::Ok, "", 12)).await.unwrap();
    assert!(matches!(judge(3, failed.clone()).await, Err(StoreError::Conflict { .. })), "it was judged");
    assert!(matches!(judge(17, failed.clone()).await, Err(StoreError::Conflict { .. })), "there is none");
    let counted = judge(4, verdict(SlotOutcome::Ok, "", 11)).await.unwrap();
    assert_eq!(counted.height(), 12);
    assert_eq!(store.unjudged(&network, RACE, at(999), 10).await.unwrap(), []);
    let last = store.slots(&key, Page { after: Some(5), limit: 1 }).await.unwrap().remove(0);
    assert_eq!(last.verdict, Some(verdict(SlotOutcome::Ok, "", 12)), "what was counted at an epoch stays");
    let judged = ProbeSlot { verdict: Some(failed), ..slot(2) };
    assert_eq!(store.slots(&key, Page { after: Some(3), limit: 1 }).await.unwrap(), [judged]);

    let row = |outcome, code: &str, epoch, count| SlotCount {
        kind: ProbeKind::Storage,
        miner: "t01000".to_owned(),
        outcome,
        code: code.to_owned(),
        epoch: Epoch::new(epoch).unwrap(),
        count,
    };
    let all = [
        row(SlotOutcome::Excluded, "MISSED_NO_WORKER", 9, 1),
        row(SlotOutcome::Fail, "HTTP_404", 10, 1),
        row(SlotOutcome::Ok, "", 10, 2),
        row(SlotOutcome::Ok, "", 12, 4),
    ];
    assert_eq!(store.slot_counts(&network, RACE, Page { after: None, limit: 10 }).await.unwrap(), all);
    let after = Some((ProbeKind::Storage, "t01000".to_owned(), SlotOutcome::Ok, String::new(), all[2].epoch));
    assert_eq!(store.slot_counts(&network, RACE, Page { after, limit: 10 }).await.unwrap(), all[3..]);
}

/// Add an entry with nothing else.
async fn noted(store: &dyn Store, race: &str, document: &[u8]) -> u64 {
    let network = devnet();
    let mut work = store.begin().await.unwrap();
    let number = work.next_log_entry(&network, race).await.unwrap();
    work.put_log_entry(&network, race, number, document).await.unwrap();
    work.commit().await.unwrap();
    number
}

pub async fn entries_are_numbered_without_gaps_and_know_their_records(store: &dyn Store) {
    let network = devnet();
    let key = key(ProbeKind::Retrieval, "t01000");
    assert_eq!(store.newest_entry(&network, RACE).await.unwrap(), 0);
    assert_eq!(noted(store, RACE, b"settings").await, 1);
    let mut work = store.begin().await.unwrap();
    let told = ProbeAttempt {
        entry: work.next_log_entry(&network, RACE).await.unwrap(),
        ..attempt(key.clone(), 1, 1, 100)
    };
    work.put_log_entry(&network, RACE, told.entry, b"attempt").await.unwrap();
    work.put_attempt_made(&told).await.unwrap();
    let entry = work.next_log_entry(&network, RACE).await.unwrap();
    work.put_log_entry(&network, RACE, entry, b"lapse").await.unwrap();
    let lost = ProbeAttempt { evidence: None, entry, ..attempt(key.clone(), 1, 2, 120) };
    work.put_attempt_made(&lost).await.unwrap();
    work.commit().await.unwrap();
    // What is taken back leaves no gap.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.next_log_entry(&network, RACE).await.unwrap(), 4);
    drop(work);
    let mut work = store.begin().await.unwrap();
    let entry = work.next_log_entry(&network, RACE).await.unwrap();
    work.put_log_entry(&network, RACE, entry, b"late").await.unwrap();
    let late = Evidence { cid: "bafy-late".to_owned(), record: vec![5], signature: vec![2; 64] };
    assert!(work.put_late(&key, 1, lost.fence, &late, entry).await.unwrap());
    let number = work.next_log_entry(&network, RACE).await.unwrap();
    work.put_log_entry(&network, RACE, number, b"canary").await.unwrap();
    let canary = Canary { bot: "ada".to_owned(), at: at(99), code: String::new(), entry: number };
    assert!(work.put_canary(&network, RACE, &canary, &[6]).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(noted(store, "other", b"elsewhere").await, 1, "each race has its own");
    let row = |number, document: &[u8], record: Option<u8>| ProbeEntry {
        number,
        document: document.to_vec(),
        record: record.map(|byte| vec![byte]),
    };
    let all = [
        row(1, b"settings", None),
        row(2, b"attempt", Some(0xa0)),
        row(3, b"lapse", None),
        row(4, b"late", Some(5)),
        row(5, b"canary", Some(6)),
    ];
    assert_eq!(store.log_entries(&network, RACE, Page { after: None, limit: 9 }).await.unwrap(), all);
    assert_eq!(
        store.log_entries(&network, RACE, Page { after: Some(2), limit: 2 }).await.unwrap(),
        all[2..4]
    );
    assert_eq!(store.newest_entry(&network, RACE).await.unwrap(), 5);
    let page = Page { after: None, limit: 9 };
    let rows = store.probe_attempts(&key, page).await.unwrap();
    assert_eq!((rows[0].entry, rows[1].entry), (3, 2));
    let mut work = store.begin().await.unwrap();
    let number = work.next_log_entry(&network, RACE).await.unwrap();
    let large = vec![0; MAX_DOCUMENT + 1];
    let refused = work.put_log_entry(&network, RACE, number, &large).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    let taken = work.put_log_entry(&network, RACE, 5, b"another").await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })));
}

pub async fn a_batch_has_one_place(store: &dyn Store) {
    let network = devnet();
    assert_eq!(store.newest_batch(&network, RACE).await.unwrap(), None);
    let batch = |seq: u64| ProbeBatch {
        seq,
        hash: Digest([u8::try_from(seq).unwrap(); 32]),
        epoch: Epoch::new(4).unwrap(),
        at: at(200),
        last: seq * 10,
        document: vec![1, 2, 3],
        signature: vec![9; 64],
    };
    let append = async |batch: ProbeBatch| {
        let mut work = store.begin().await.unwrap();
        work.put_batch(&network, RACE, &batch).await?;
        work.commit().await
    };
    append(batch(1)).await.unwrap();
    assert!(matches!(append(batch(1)).await, Err(StoreError::Conflict { .. })));
    append(batch(2)).await.unwrap();
    assert_eq!(store.newest_batch(&network, RACE).await.unwrap(), Some(batch(2)));
    assert_eq!(store.batches(&network, RACE, Page { after: Some(1), limit: 5 }).await.unwrap(), [batch(2)]);
    let large = ProbeBatch { document: vec![0; MAX_DOCUMENT + 1], ..batch(3) };
    assert!(matches!(append(large).await, Err(StoreError::TooLarge { .. })));
}

pub async fn canaries_are_kept_by_bot_and_moment(store: &dyn Store) {
    let network = devnet();
    let canary = |bot: &str, second: i64, code: &str| Canary {
        bot: bot.to_owned(),
        at: at(second),
        code: code.to_owned(),
        entry: 0,
    };
    let all = [canary("ada", 10, ""), canary("ada", 20, "TCP_TIMEOUT"), canary("bob", 15, "")];
    let mut work = store.begin().await.unwrap();
    for canary in &all {
        assert!(work.put_canary(&network, RACE, canary, b"record").await.unwrap());
    }
    let again = work.put_canary(&network, RACE, &canary("ada", 20, ""), b"another").await.unwrap();
    assert!(!again, "the first one stands");
    let large = vec![0; MAX_RECORD + 1];
    let refused = work.put_canary(&network, RACE, &canary("ada", 30, ""), &large).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    drop(work);
    let mut work = store.begin().await.unwrap();
    for canary in &all {
        work.put_canary(&network, RACE, canary, b"record").await.unwrap();
    }
    work.commit().await.unwrap();
    assert_eq!(store.canaries(&network, RACE, at(10), at(20)).await.unwrap(), all);
    assert_eq!(store.canaries(&network, RACE, at(11), at(15)).await.unwrap(), all[2..]);
}

pub async fn a_slot_is_looked_at_when_it_is_time(store: &dyn Store) {
    let network = devnet();
    let (early, late) = (key(ProbeKind::Retrieval, "t01000"), key(ProbeKind::Storage, "t01001"));
    let mut work = store.begin().await.unwrap();
    for slot in [tried(&early, 1), tried(&early, 2), tried(&late, 3)] {
        work.put_slot(&slot).await.unwrap();
    }
    assert!(work.look_again(&early, 1, 2, at(500)).await.unwrap());
    assert!(!work.look_again(&early, 2, 1, at(500)).await.unwrap(), "there was an attempt since");
    assert!(!work.look_again(&early, 7, 2, at(500)).await.unwrap(), "there is none");
    work.commit().await.unwrap();
    let put_off = ProbeSlot { look: at(500), ..tried(&early, 1) };
    let look =
        async |second: i64, limit: u32| store.unjudged(&network, RACE, at(second), limit).await.unwrap();
    assert_eq!(look(101, 10).await, []);
    assert_eq!(look(499, 10).await, [tried(&early, 2), tried(&late, 3)]);
    assert_eq!(look(500, 10).await, [tried(&early, 2), tried(&late, 3), put_off.clone()]);
    assert_eq!(look(500, 1).await, [tried(&early, 2)], "who has waited longest comes first");

    let mut work = store.begin().await.unwrap();
    for (key, slot) in [(&late, 3), (&early, 2)] {
        assert!(work.look_again(key, slot, 2, FOLLOWED).await.unwrap());
    }
    work.commit().await.unwrap();
    assert_eq!(look(i64::MAX / 2_000_000, 10).await, std::slice::from_ref(&put_off), "others see to them");
    let followed = async |after| store.followed(&network, RACE, Page { after, limit: 1 }).await.unwrap();
    let first = ProbeSlot { look: FOLLOWED, ..tried(&early, 2) };
    assert_eq!(followed(None).await, [first]);
    let after = Some((ProbeKind::Retrieval, "t01000".to_owned(), 2));
    assert_eq!(followed(after).await, [ProbeSlot { look: FOLLOWED, ..tried(&late, 3) }]);
    assert_eq!(followed(Some((ProbeKind::Storage, "t01001".to_owned(), 3))).await, []);

    let mut work = store.begin().await.unwrap();
    work.judge_slot(&late, 3, &verdict(SlotOutcome::Ok, "", 4)).await.unwrap();
    assert!(!work.look_again(&late, 3, 2, at(1)).await.unwrap(), "it was judged");
    work.commit().await.unwrap();
    assert_eq!(followed(Some((ProbeKind::Retrieval, "t01000".to_owned(), 2))).await, []);
    // An attempt more is looked at when that says.
    let again = ProbeSlot { attempts: 3, ended: at(120), look: at(120), ..put_off };
    let mut work = store.begin().await.unwrap();
    work.put_slot(&again).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(look(120, 10).await, [again]);
}

pub async fn nothing_counts_at_an_epoch_that_is_indexed(store: &dyn Store) {
    let id = add(store, &["devnet-a"]).await.remove(0);
    let key = key(ProbeKind::Storage, "t01000");
    let mut work = store.begin().await.unwrap();
    for number in 0..4 {
        work.put_slot(&tried(&key, number)).await.unwrap();
    }
    work.judge_slot(&key, 0, &verdict(SlotOutcome::Ok, "", 1)).await.unwrap();
    work.commit().await.unwrap();
    apply(store, &id, None, &cursor(5, None), &[applied(5, vec![])]).await.unwrap();
    let judge = async |number: u64, epoch: i64| {
        let mut work = store.begin().await.unwrap();
        work.judge_slot(&key, number, &verdict(SlotOutcome::Ok, "", epoch)).await?;
        work.commit().await
    };
    let passed = |refused: Result<(), StoreError>, at: i64, to: i64| {
        let (at, to) = (Epoch::new(at).unwrap(), Epoch::new(to).unwrap());
        assert!(
            matches!(refused, Err(StoreError::Passed { epoch, indexed }) if (epoch, indexed) == (at, to)),
            "{refused:?}"
        );
    };
    passed(judge(1, 5).await, 5, 5);
    passed(judge(1, 4).await, 4, 5);
    let missed =
        ProbeSlot { verdict: Some(verdict(SlotOutcome::Excluded, "MISSED_NO_WORKER", 5)), ..tried(&key, 9) };
    let mut work = store.begin().await.unwrap();
    passed(work.put_slot(&missed).await, 5, 5);
    drop(work);

    // A verdict is on its way: the index waits until it counts.
    let mut work = store.begin().await.unwrap();
    work.judge_slot(&key, 1, &verdict(SlotOutcome::Ok, "", 6)).await.unwrap();
    let judging = async {
        for _ in 0..30 {
            assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(5, None)), "the index went on");
        }
        work.commit().await.unwrap();
    };
    let (to_6, epoch_6) = (cursor(6, None), [applied(6, vec![])]);
    let from_5 = cursor(5, None);
    both(judging, async { apply(store, &id, Some(&from_5), &to_6, &epoch_6).await.unwrap() }).await;
    let counted = store.slot_counts(&id, RACE, Page { after: None, limit: 9 }).await.unwrap();
    assert_eq!(counted.last().map(|row| (row.epoch.height(), row.count)), Some((6, 2)));

    // An epoch is on its way: the verdict waits, and is refused.
    let mut work = store.begin().await.unwrap();
    work.apply(&id, Some(&to_6), &cursor(7, None), &[applied(7, vec![])]).await.unwrap();
    let indexing = async {
        for _ in 0..30 {
            assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(6, None)));
        }
        work.commit().await.unwrap();
    };
    let ((), refused) = both(indexing, judge(2, 7)).await;
    passed(refused, 7, 7);
    judge(2, 8).await.unwrap();
}

pub async fn attempts_are_counted_as_they_are_added(store: &dyn Store) {
    let network = devnet();
    let (one, two) = (key(ProbeKind::Retrieval, "t01000"), key(ProbeKind::Retrieval, "t01001"));
    let good = ProbeAttempt { code: String::new(), ..attempt(one.clone(), 2, 1, 110) };
    let other =
        ProbeAttempt { bot: "bob".to_owned(), region: "as".to_owned(), ..attempt(one.clone(), 2, 2, 120) };
    let all = [
        attempt(one.clone(), 1, 1, 100),
        good,
        other,
        attempt(two, 1, 1, 130),
        attempt(one.clone(), 3, 1, 140),
    ];
    made(store, &all).await;
    let mut work = store.begin().await.unwrap();
    work.put_attempt_made(&attempt(one.clone(), 4, 1, 150)).await.unwrap();
    drop(work);
    let row = |region: &str, bot: &str, code: &str, count| AttemptCount {
        kind: ProbeKind::Retrieval,
        region: region.to_owned(),
        bot: bot.to_owned(),
        code: code.to_owned(),
        count,
    };
    let counts = store.attempt_counts(&network, RACE).await.unwrap();
    assert_eq!(
        counts,
        [row("as", "bob", "TCP_REFUSED", 1), row("eu", "ada", "", 1), row("eu", "ada", "TCP_REFUSED", 3)]
    );
    assert_eq!(store.attempt_counts(&network, "other").await.unwrap(), []);
    let row = |miner: &str, region: &str, count| MinerAttempts {
        kind: ProbeKind::Retrieval,
        miner: miner.to_owned(),
        region: region.to_owned(),
        count,
    };
    let of_miners = store.attempts_of_miners(&network, RACE).await.unwrap();
    assert_eq!(of_miners, [row("t01000", "as", 1), row("t01000", "eu", 3), row("t01001", "eu", 1)]);
}

pub async fn what_miners_run_is_what_was_seen_last(store: &dyn Store) {
    let network = devnet();
    let seen = |miner: &str, kind, agent: &str, second| ProbeAgent {
        miner: miner.to_owned(),
        kind,
        agent: agent.to_owned(),
        protocols: if agent.is_empty() { vec![] } else { vec!["/a/1".to_owned(), "/b \"2\"".to_owned()] },
        seen: at(second),
    };
    let newer = seen("t01000", ProbeKind::Storage, "boost-2", 20);
    let all = [
        seen("t01000", ProbeKind::Storage, "boost-1", 10),
        newer.clone(),
        seen("t01000", ProbeKind::Storage, "boost-0", 19),
        seen("t01000", ProbeKind::Retrieval, "", 5),
        seen("t01001", ProbeKind::Storage, "venus", 1),
    ];
    let mut work = store.begin().await.unwrap();
    for agent in &all {
        work.put_agent(&network, RACE, agent).await.unwrap();
    }
    work.commit().await.unwrap();
    let agents = async |after| store.agents(&network, RACE, Page { after, limit: 2 }).await.unwrap();
    assert_eq!(agents(None).await, [all[3].clone(), newer]);
    assert_eq!(agents(Some(("t01000".to_owned(), ProbeKind::Storage))).await, all[4..]);
}

pub async fn rests_are_kept_as_they_were_said_first_and_those_of_the_chain_grow(store: &dyn Store) {
    let network = devnet();
    let rest = |miner: &str, from: i64, to: i64, why: &str| ProbeRest {
        miner: miner.to_owned(),
        from: at(from),
        to: at(to),
        why: why.to_owned(),
        said: at(from - 5),
        statement: format!("until {to}"),
        signature: "c2ln".to_owned(),
        entry: 3,
    };
    let put = async |rest: &ProbeRest| {
        let mut work = store.begin().await.unwrap();
        let written = work.put_rest(&network, RACE, rest).await.unwrap();
        work.commit().await.unwrap();
        written
    };
    let (mine, stall) = (rest("t01000", 100, 200, "maintenance"), rest("", 150, 160, "chain_stall"));
    let pause = rest("", 400, 500, "pause");
    for one in [&mine, &stall, &pause] {
        assert!(put(one).await);
        assert!(!put(one).await, "said again it is the same");
    }
    assert!(!put(&rest("t01000", 100, 300, "maintenance")).await, "no miner rests longer than it said");
    assert!(!put(&rest("", 150, 155, "chain_stall")).await);
    let longer = rest("", 150, 190, "chain_stall");
    assert!(put(&longer).await, "as long as it stands still");
    let rests = async |from, to| store.rests(&network, RACE, at(from), at(to)).await.unwrap();
    assert_eq!(rests(0, 1_000).await, [mine.clone(), longer.clone(), pause.clone()]);
    assert_eq!(rests(199, 399).await, std::slice::from_ref(&mine), "an end is not in it");
    assert_eq!(rests(200, 400).await, std::slice::from_ref(&pause), "a beginning is");
    assert_eq!(rests(150, 150).await, [mine, longer]);
    assert_eq!(store.rests(&network, "other", at(0), at(1_000)).await.unwrap(), []);
    let mut work = store.begin().await.unwrap();
    let large = ProbeRest { statement: "x".repeat(MAX_DOCUMENT + 1), ..pause };
    assert!(matches!(work.put_rest(&network, RACE, &large).await, Err(StoreError::TooLarge { .. })));
}

pub async fn a_race_keeps_the_settings_that_it_began_with(store: &dyn Store) {
    let network = devnet();
    let pin = async |race: &str, document: &str, second: i64| {
        let mut work = store.begin().await.unwrap();
        let pinned = work.pin_race(&network, race, document, "c0ffee", at(second)).await.unwrap();
        work.commit().await.unwrap();
        pinned
    };
    assert_eq!(store.pinned_race(&network, RACE).await.unwrap(), None);
    let first = PinnedRace { document: "{\"a\":1}".to_owned(), commitment: "c0ffee".to_owned(), at: at(1) };
    assert_eq!(pin(RACE, "{\"a\":1}", 1).await, first);
    assert_eq!(pin(RACE, "{\"a\":2}", 2).await, first);
    assert_eq!(pin("other", "{}", 3).await.at, at(3));
    assert_eq!(store.pinned_race(&network, RACE).await.unwrap(), Some(first));
    let (one, two) = both(pin("third", "1", 4), pin("third", "2", 4)).await;
    assert_eq!(one, two, "of two who begin at once one does");
    let mut work = store.begin().await.unwrap();
    let large = " ".repeat(MAX_DOCUMENT + 1);
    let refused = work.pin_race(&network, "large", &large, "", at(1)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
}
