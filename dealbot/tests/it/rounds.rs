//! What rounds do with slots that wait, are late, rest, or are followed.

use apogee_dealbot::deals::Word;
use apogee_dealbot::desk::{Changed, Desk, Fate, Judged};
use apogee_dealbot::entry::Settings;
use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::plan::{Bot, Plan, SuccessAt};
use apogee_dealbot::record::Record;
use apogee_dealbot::schedule::{Kind, Seed};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::conformance::{add, applied, apply, cursor};
use apogee_store::{Lane, Page, ProbeRest, ProbeSlot, SlotOutcome, Store, StoreError};
use apogee_store_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::desk::{SECOND, at, bot, canary, complete, epoch, log_key, one, plan, record, slots};

async fn open() -> (Box<dyn Store>, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    (Box::new(store), folder)
}

/// What the chain says of a deal that was made then.
fn fate(made: Timestamp, word: Word) -> Fate {
    Fate {
        id: "c0ffee".into(),
        deal: Some(7),
        word,
        state: epoch(made),
        made,
        start: later(made, 43_200),
        fetched: 0,
        size: 100,
    }
}

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    Timestamp(from.0 + seconds * SECOND)
}

/// The verdict of a slot, once there is one.
fn found(slot: &ProbeSlot) -> Option<(SlotOutcome, &str)> {
    slot.verdict.as_ref().map(|verdict| (verdict.outcome, verdict.code.as_str()))
}

/// A bot gets the lane of a kind of the miner, finds something in five seconds, and its canaries before and after it are good.
async fn tries(desk: &Desk<'_>, bot: &Bot, kind: Kind, now: Timestamp, finds: Option<Code>) -> Lane {
    let lane = desk.lease(bot, &[kind], 1, now).await.unwrap().remove(0);
    canary(desk.store, desk.plan, bot, later(now, -1), "").await;
    let record = record(&lane, bot, (now, later(now, 5)), finds);
    assert!(complete(desk, &lane, bot, &record, later(now, 5)).await.unwrap());
    canary(desk.store, desk.plan, bot, later(now, 6), "").await;
    lane
}

async fn lane(store: &dyn Store, plan: &Plan, kind: Kind) -> Lane {
    store.lane(&plan.key(kind, "t01000")).await.unwrap().unwrap()
}

/// A plan whose first slots are due early enough to be tried from everywhere, and whose second retrieval is due soon.
fn close(slots: u64, fleet: u32) -> Plan {
    let plans = (0..=255).map(|byte| Plan { seed: Seed::new([byte; 32]), ..plan(slots, fleet) });
    let fits = |plan: &Plan| {
        let lane = |kind, slot| plan.lane(&plan.key(kind, "t01000"), slot, 0);
        let early = |kind| lane(kind, 0).anywhere < later(lane(kind, 0).ends, -300);
        let next = lane(Kind::Retrieval, 1).due;
        early(Kind::Storage) && early(Kind::Retrieval) && next < later(lane(Kind::Retrieval, 0).ends, 300)
    };
    plans.into_iter().find(fits).unwrap()
}

#[tokio::test]
async fn what_is_due_at_the_end_of_an_interval_is_confirmed_and_the_slot_after_it_is_not_lost() {
    let (store, _folder) = open().await;
    let plan = close(3, 2);
    let desk = Desk { store: &*store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    let first = lane(&*store, &plan, Kind::Retrieval).await;
    let next = plan.lane(&first.key, 1, 0);
    // The last moment at which it may be tried.
    let now = later(first.ends, -1);
    tries(&desk, &ada, Kind::Retrieval, now, Some(Code::TcpRefused)).await;
    let ended = later(now, 5);
    desk.sweep(ended, epoch(ended)).await.unwrap();
    assert_eq!(lane(&*store, &plan, Kind::Retrieval).await.slot, 0, "it waits to be judged");
    assert_eq!(desk.judge(ended, epoch(ended)).await.unwrap().again, 1);
    let looked = lane(&*store, &plan, Kind::Retrieval).await;
    assert_eq!(looked.ends, later(first.ends, 600), "for as long as was agreed");
    // The slot after it is due while the other bot still has to look.
    let now = later(next.due, 10);
    assert!(now < looked.ends);
    assert_eq!(desk.lease(&ada, &[Kind::Retrieval], 5, now).await.unwrap(), []);
    tries(&desk, &bob, Kind::Retrieval, now, Some(Code::TcpRefused)).await;
    let looked = later(now, 5);
    assert_eq!(desk.judge(looked, epoch(looked)).await.unwrap().open, 1, "others may see it otherwise");
    let now = later(looked, plan.measures.lease / SECOND);
    desk.sweep(now, epoch(now)).await.unwrap();
    let second = lane(&*store, &plan, Kind::Retrieval).await;
    assert_eq!((second.slot, second.due, second.attempt), (1, next.due, 1), "it waited, no more");
    tries(&desk, &ada, Kind::Retrieval, now.max(next.anywhere), None).await;
    let now = later(looked, plan.measures.around() / SECOND);
    assert_eq!(desk.judge(now, epoch(now)).await.unwrap().settled, 2);
    let of_lane = slots(&*store, &first.key).await;
    assert_eq!(found(&of_lane[0]), Some((SlotOutcome::Fail, "TCP_REFUSED")));
    assert_eq!(found(&of_lane[1]), Some((SlotOutcome::Ok, "")));
}

#[tokio::test]
async fn the_next_slot_is_tried_though_it_was_due_while_the_one_before_was_confirmed() {
    let (store, _folder) = open().await;
    let plan = close(3, 2);
    let desk = Desk { store: &*store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    let first = lane(&*store, &plan, Kind::Retrieval).await;
    let now = later(first.ends, -1);
    tries(&desk, &ada, Kind::Retrieval, now, Some(Code::TcpRefused)).await;
    let now = later(now, 5);
    assert_eq!(desk.judge(now, epoch(now)).await.unwrap().again, 1);
    // Nobody looks: bob is away until that is over.
    let over = later(first.ends, 600);
    desk.sweep(later(over, -1), epoch(over)).await.unwrap();
    assert_eq!(lane(&*store, &plan, Kind::Retrieval).await.slot, 0);
    assert_eq!(desk.sweep(over, epoch(over)).await.unwrap().missed, 0);
    let next = lane(&*store, &plan, Kind::Retrieval).await;
    assert_eq!((next.slot, next.attempt, next.avoid), (1, 1, Default::default()));
    assert_eq!(desk.judge(over, epoch(over)).await.unwrap().settled, 1);
    let now = over.max(next.anywhere);
    assert!(now < next.ends, "there is time left");
    tries(&desk, &bob, Kind::Retrieval, now, None).await;
    assert_eq!(desk.judge(later(now, 6), epoch(now)).await.unwrap().settled, 1);
    let of_lane = slots(&*store, &first.key).await;
    assert_eq!(found(&of_lane[0]), Some((SlotOutcome::Excluded, "UNCONFIRMED")));
    assert_eq!(found(&of_lane[1]), Some((SlotOutcome::Ok, "")));
}

#[tokio::test]
async fn whose_attempt_was_in_vain_stands_back_while_there_are_others() {
    for fleet in [1, 2] {
        let (store, _folder) = open().await;
        let plan = close(3, fleet);
        let desk = Desk { store: &*store, plan: &plan };
        let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
        let (lane, now) = one(&*store, &plan, &ada).await;
        let lost = later(now, plan.measures.lease / SECOND);
        assert_eq!(desk.sweep(lost, epoch(lost)).await.unwrap().lapsed, 1);
        assert_eq!(desk.judge(lost, epoch(lost)).await.unwrap().again, 1);
        let again = later(lost, plan.measures.apart / SECOND);
        assert!(again < plan.ends(Kind::Retrieval, lane.slot).1);
        let who = if fleet == 1 { &ada } else { &bob };
        let other = if fleet == 1 { &bob } else { &ada };
        if fleet > 1 {
            assert_eq!(desk.lease(other, &[Kind::Retrieval], 5, again).await.unwrap(), []);
        }
        assert_eq!(desk.lease(who, &[Kind::Retrieval], 5, again).await.unwrap().len(), 1, "{fleet}");
    }
}

#[tokio::test]
async fn a_slot_that_waits_is_in_nobodys_way() {
    let (store, _folder) = open().await;
    let plan = close(3, 2);
    let desk = Desk { store: &*store, plan: &plan };
    let ada = bot("ada", "eu");
    let (lane, now) = one(&*store, &plan, &ada).await;
    canary(&*store, &plan, &ada, later(now, -1), "").await;
    let good = record(&lane, &ada, (now, now), None);
    complete(&desk, &lane, &ada, &good, now).await.unwrap();
    let waits =
        async |at: Timestamp| store.unjudged(&plan.network, &plan.race, at, 10).await.unwrap().is_empty();
    let (mut at, mut looks) = (now, 0);
    let last = later(now, (plan.measures.canary + plan.measures.grace) / SECOND);
    while at < last {
        let judged = desk.judge(at, epoch(at)).await.unwrap();
        assert_eq!(judged, Judged { open: 1, ..Judged::default() });
        assert!(waits(at).await, "it is not looked at in the next round");
        let look = store.unjudged(&plan.network, &plan.race, last, 10).await.unwrap().remove(0).look;
        assert!(look > at && look <= last);
        (at, looks) = (look, looks + 1);
    }
    assert!(looks < 10, "what waits long is looked at seldom: {looks}");
    let judged = desk.judge(last, epoch(last)).await.unwrap();
    assert_eq!((judged.again + judged.settled, judged.open), (1, 0), "no canary came");
}

#[tokio::test]
async fn an_epoch_that_passed_meanwhile_leaves_slots_to_the_next_round() {
    let (store, _folder) = open().await;
    let id = add(&*store, &["devnet-a"]).await.remove(0);
    let plan = close(3, 1);
    assert_eq!(plan.network, id);
    let desk = Desk { store: &*store, plan: &plan };
    let ada = bot("ada", "eu");
    apply(&*store, &id, None, &cursor(500, None), &[applied(500, vec![])]).await.unwrap();
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    let first = lane(&*store, &plan, Kind::Retrieval).await;
    tries(&desk, &ada, Kind::Retrieval, first.anywhere, None).await;
    let now = later(first.anywhere, 10);
    let epoch = |height| Epoch::new(height).unwrap();
    assert_eq!(desk.judge(now, epoch(500)).await.unwrap(), Judged::default());
    assert_eq!(found(&slots(&*store, &first.key).await[0]), None);
    assert_eq!(lane(&*store, &plan, Kind::Retrieval).await.slot, 0, "nothing was written");
    assert_eq!(desk.judge(now, epoch(501)).await.unwrap().settled, 1);
    // The same of slots that nobody tried.
    let now = at(3 * 1_200);
    assert_eq!(desk.sweep(now, epoch(499)).await.unwrap().missed, 0);
    assert_eq!(slots(&*store, &first.key).await.len(), 1);
    assert_eq!(desk.sweep(now, epoch(501)).await.unwrap().missed, 5, "two retrievals, three deals");
    let refused = desk.settle_followed(&first.key, 0, fate(now, Word::Active), (now, epoch(501))).await;
    assert!(!refused.unwrap(), "it is judged");
}

fn rest(miner: &str, (from, to): (Timestamp, Timestamp), why: &str, said: Timestamp) -> ProbeRest {
    let (miner, why) = (miner.to_owned(), why.to_owned());
    ProbeRest { miner, from, to, why, said, statement: String::new(), signature: String::new(), entry: 0 }
}

async fn put(store: &dyn Store, plan: &Plan, rest: &ProbeRest) {
    assert!(Desk { store, plan }.rest(rest, rest.said).await.unwrap());
}

#[tokio::test]
async fn nothing_counts_in_a_rest_of_the_miner_or_of_everybody() {
    let broken = Code::HashMismatch;
    let cases = [
        ("t01000", "maintenance", -60, Kind::Retrieval, "MINER_MAINTENANCE"),
        // Said when it had begun, or of another miner, or of the chain alone.
        ("t01000", "maintenance", 1, Kind::Retrieval, ""),
        ("t01001", "maintenance", -60, Kind::Retrieval, ""),
        ("", "chain_stall", 90, Kind::Retrieval, ""),
        ("", "chain_stall", 90, Kind::Storage, "CHAIN_STALL"),
        ("", "pause", 0, Kind::Retrieval, "COMPETITION_PAUSED"),
    ];
    for (miner, why, said, kind, code) in cases {
        let (store, _folder) = open().await;
        let plan = close(3, 1);
        let desk = Desk { store: &*store, plan: &plan };
        desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
        let first = lane(&*store, &plan, kind).await;
        let now = first.anywhere;
        let (from, to) = (later(now, 2), later(now, 90));
        put(&*store, &plan, &rest(miner, (from, to), why, later(from, said))).await;
        tries(&desk, &bot("ada", "eu"), kind, now, Some(broken)).await;
        let now = later(now, 10);
        assert_eq!(desk.judge(now, epoch(now)).await.unwrap().settled, 1);
        let of_lane = slots(&*store, &first.key).await;
        let fails = Some((SlotOutcome::Fail, broken.as_str()));
        let expected = if code.is_empty() { fails } else { Some((SlotOutcome::Excluded, code)) };
        assert_eq!(found(&of_lane[0]), expected, "{why} of {miner:?}, of {kind:?}");
    }
}

#[tokio::test]
async fn a_slot_of_a_rest_that_nobody_tried_is_of_the_rest() {
    let (store, _folder) = open().await;
    let plan = close(3, 1);
    let desk = Desk { store: &*store, plan: &plan };
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    put(&*store, &plan, &rest("", (at(0), at(1_200)), "pause", at(-10))).await;
    let now = at(2_400);
    assert_eq!(desk.sweep(now, epoch(now)).await.unwrap().missed, 4);
    let of_lane = slots(&*store, &plan.key(Kind::Storage, "t01000")).await;
    assert_eq!(found(&of_lane[0]), Some((SlotOutcome::Excluded, "COMPETITION_PAUSED")));
    assert_eq!(found(&of_lane[1]), Some((SlotOutcome::Excluded, "MISSED_NO_WORKER")));
    put(&*store, &plan, &rest("", (at(2_400), at(3_600)), "a whim", at(-10))).await;
    let refused = desk.sweep(at(3_600), epoch(now)).await.unwrap_err();
    assert_eq!(refused.to_string(), "a rest has the reason `a whim`, which is not known");
    assert!(!refused.is_away());
}

#[tokio::test]
async fn a_race_goes_on_with_the_settings_that_it_began_with() {
    let (store, _folder) = open().await;
    let plan = plan(3, 1);
    let desk = Desk { store: &*store, plan: &plan };
    let settings = r#"{"bots":{"ada":"eu"},"data":[1,2],"retrieval":{"seconds":900,"slots":8}}"#;
    let by = |plan: &Plan, document: &str| {
        Settings::of(plan, document.to_owned(), Vec::new(), &log_key().verifying_key())
    };
    desk.pin(&by(&plan, settings), at(0)).await.unwrap();
    desk.pin(&by(&plan, settings), at(1)).await.unwrap();
    let spaced = settings.replace(',', ", ");
    desk.pin(&by(&plan, &spaced), at(1)).await.unwrap();
    let entries = || store.newest_entry(&plan.network, &plan.race);
    assert_eq!(entries().await.unwrap(), 3, "each start is in the log");
    let others = r#"{"bots":{"ada":"eu","bob":"as"},"data":[1],"retrieval":{"seconds":600,"slots":8}}"#;
    let refused = desk.pin(&by(&plan, others), at(2)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "these settings of sprint are not those that it began with: bots.bob (was absent, is \"as\"), \
         data (was [1,2], is [1]), retrieval.seconds (was 900, is 600)"
    );
    let refused = desk.pin(&by(&plan, "{"), at(2)).await.unwrap_err();
    assert!(matches!(refused, Changed::Settings { differ, .. } if differ == ["all of them"]));
    let reseeded = Plan { seed: Seed::new([99; 32]), ..plan.clone() };
    let refused = desk.pin(&by(&reseeded, settings), at(2)).await.unwrap_err();
    let first = plan.seed.commitment().to_string();
    assert!(matches!(refused, Changed::Seed { committed, .. } if committed == first));
    assert_eq!(entries().await.unwrap(), 3, "and nothing that was refused");
}

#[tokio::test]
async fn what_a_miner_runs_is_kept_as_plain_text() {
    let (store, _folder) = open().await;
    let plan = plan(3, 1);
    let desk = Desk { store: &*store, plan: &plan };
    let ada = bot("ada", "eu");
    let (lane, now) = one(&*store, &plan, &ada).await;
    let names = ["/b/2", "/a/1\n<x>", "", "/b/2", "/ü"].map(str::to_owned);
    let protocols = names.into_iter().chain((0..90).map(|number| format!("/z/{number}"))).collect();
    let told = Record {
        agent: Some("boost-2.3\u{202e}\r\nX".to_owned()),
        protocols,
        ..record(&lane, &ada, (now, now), None)
    };
    complete(&desk, &lane, &ada, &told, now).await.unwrap();
    let page = || Page { after: None, limit: 10 };
    let seen = store.agents(&plan.network, &plan.race, page()).await.unwrap().remove(0);
    assert_eq!((seen.miner.as_str(), seen.kind, seen.seen), ("t01000", Kind::Retrieval, now));
    assert_eq!(seen.agent, "boost-2.3???X");
    assert_eq!(seen.protocols.len(), 64);
    assert_eq!(seen.protocols[..3], ["/?", "/a/1?<x>", "/b/2"]);
    let counted = store.attempt_counts(&plan.network, &plan.race).await.unwrap();
    assert_eq!((counted.len(), counted[0].bot.as_str(), counted[0].count), (1, "ada", 1));
}

#[tokio::test]
async fn a_deal_that_is_followed_keeps_no_slot_waiting_and_is_settled_once() {
    let (store, _folder) = open().await;
    let plan = Plan { success_at: SuccessAt::Active, ..close(3, 1) };
    let desk = Desk { store: &*store, plan: &plan };
    let ada = bot("ada", "eu");
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    let first = lane(&*store, &plan, Kind::Storage).await;
    let now = first.anywhere;
    let given = desk.lease(&ada, &[Kind::Storage], 1, now).await.unwrap().remove(0);
    canary(&*store, &plan, &ada, now, "").await;
    let good = record(&given, &ada, (now, later(now, 5)), None);
    complete(&desk, &given, &ada, &good, later(now, 5)).await.unwrap();
    let ok = || fate(now, Word::Active);
    let day = later(now, 86_400);
    assert!(!desk.settle_followed(&first.key, 0, ok(), (day, epoch(day))).await.unwrap(), "no canary yet");
    canary(&*store, &plan, &ada, later(now, 6), "").await;
    let judged = desk.judge(later(now, 30), epoch(now)).await.unwrap();
    assert_eq!(judged, Judged { followed: 1, ..Judged::default() });
    assert_eq!(lane(&*store, &plan, Kind::Storage).await.slot, 1, "the next slot is at hand");
    let followed = store.followed(&plan.network, &plan.race, Page { after: None, limit: 5 }).await.unwrap();
    assert_eq!((followed.len(), followed[0].slot, followed[0].attempts), (1, 0, 1));
    assert_eq!(desk.judge(day, epoch(day)).await.unwrap(), Judged::default(), "others see to it");
    let open = fate(now, Word::Published);
    assert!(
        !desk.settle_followed(&first.key, 0, open, (day, epoch(day))).await.unwrap(),
        "it may still come"
    );
    let late = Fate { fetched: 100, ..fate(now, Word::Late { published: false }) };
    assert!(desk.settle_followed(&first.key, 0, late, (day, epoch(day))).await.unwrap());
    assert!(!desk.settle_followed(&first.key, 0, ok(), (day, epoch(day))).await.unwrap(), "once");
    assert!(!desk.settle_followed(&first.key, 1, ok(), (day, epoch(day))).await.unwrap(), "there is none");
    let of_lane = slots(&*store, &first.key).await;
    assert_eq!(found(&of_lane[0]), Some((SlotOutcome::Fail, Code::NotPublishedByDeadline.as_str())));
    // What is read back is settled by the attempt alone, and so is a deal where to be accepted is all that is asked.
    assert!(!plan.follows(Kind::Retrieval));
    assert!(!Plan { success_at: SuccessAt::Accepted, ..plan }.follows(Kind::Storage));
}

#[test]
fn of_what_the_controller_decides_its_word_stands() {
    let bots = Circumstances {
        rate_kept: Some(false),
        cap_published: Some(true),
        chain_stalled: Some(true),
        retried: Some(true),
        node_synced: Some(false),
        protocol_required: Some(false),
        ..Circumstances::default()
    };
    let known = Circumstances {
        rate_kept: Some(true),
        chain_stalled: Some(false),
        node_synced: Some(true),
        retried: Some(false),
        protocol_required: Some(true),
        bots_published: Some(true),
        ..Circumstances::default()
    };
    let expected = Circumstances { retried: Some(true), node_synced: Some(false), ..known };
    assert_eq!(bots.beside(known), Circumstances { cap_published: Some(true), ..expected });
}

#[test]
fn a_database_that_is_away_is_not_one_that_refuses() {
    let away = apogee_dealbot::desk::DeskError::from(StoreError::Unavailable("gone".into()));
    assert!(away.is_away());
}
