use apogee_dealbot::canonical::{Bytes, Link, Unreadable, name};
use apogee_dealbot::deals::Word;
use apogee_dealbot::entry::{
    Attempted, Basis, Entry, Fact, Followed, Judged, Late, Looked, NoEntry, Rested, Settings, Settled, Told,
};
use apogee_dealbot::fault::Code;
use apogee_dealbot::judge::{Rest, Rests, Why};
use apogee_dealbot::record::SlotId;
use apogee_dealbot::schedule::Kind;
use apogee_domain::{Epoch, Timestamp};
use apogee_store::SlotOutcome;

use crate::desk::{at, log_key, plan};

fn slot() -> SlotId {
    SlotId { miner: "t01000".into(), kind: Kind::Storage, number: 7 }
}

fn told() -> Told {
    Told { record: Link(name(b"record")), signature: Bytes(vec![7; 64]) }
}

/// One of every kind.
fn all() -> Vec<Fact> {
    let basis = Basis { seen: 6, first: at(1), last: at(2) };
    let settings = Settings::of(&plan(3, 2), "{}".into(), vec![], &log_key().verifying_key());
    let attempt = Attempted {
        slot: slot(),
        attempt: 1,
        fence: 9,
        bot: "ada".into(),
        region: "eu".into(),
        leased: at(1),
        ended: at(2),
        code: Some(Code::LeaseExpired),
        told: None,
    };
    let deal = Settled {
        id: "c0ffee".into(),
        deal: Some(3),
        word: Word::Late { published: true },
        state: Epoch::new(5).unwrap(),
        made: at(1),
        start: at(2),
        fetched: 1,
        size: 2,
        away: false,
    };
    vec![
        Fact::Settings(Box::new(settings)),
        Fact::Attempt(attempt.clone()),
        Fact::Attempt(Attempted { code: None, told: Some(told()), ..attempt }),
        Fact::Late(Late { slot: slot(), attempt: 1, fence: 9, bot: "ada".into(), told: told() }),
        Fact::Canary(Looked { bot: "ada".into(), ended: at(1), code: None, told: told() }),
        Fact::Rest(Rested {
            miner: String::new(),
            from: at(1),
            to: at(2),
            why: "pause".into(),
            said: at(0),
            statement: "so be it".into(),
            signature: String::new(),
        }),
        Fact::Followed(Followed { slot: slot(), due: at(1), basis }),
        Fact::Verdict(Judged {
            slot: slot(),
            due: at(1),
            outcome: SlotOutcome::Fail,
            code: Some(Code::NotActiveByStartEpoch),
            epoch: Epoch::new(8).unwrap(),
            basis,
            deal: Some(deal),
        }),
    ]
}

#[test]
fn every_entry_has_one_writing_and_reads_back_from_it() {
    for (number, fact) in (1..).zip(all()) {
        let entry = Entry { number, at: at(3), fact };
        let bytes = entry.encode();
        assert_eq!(Entry::decode(&bytes).unwrap(), entry);
        assert_eq!(entry.cid(), name(&bytes));
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry, "{json}");
        // One byte more is another writing, or none.
        assert!(Entry::decode(&[&bytes[..], &[0]].concat()).is_err());
        for end in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..end]).is_err());
        }
    }
}

#[test]
fn what_is_too_long_or_unknown_is_no_entry() {
    let entry = |bot: String| {
        let fact = Fact::Canary(Looked { bot, ended: at(1), code: None, told: told() });
        Entry { number: 1, at: at(1), fact }.encode()
    };
    assert!(Entry::decode(&entry("a".repeat(128))).is_ok());
    assert!(matches!(Entry::decode(&entry("a".repeat(129))), Err(NoEntry::Name(129))));
    let long = entry("a".repeat(300_000));
    assert!(matches!(Entry::decode(&long), Err(NoEntry::Unreadable(Unreadable::TooLong(_)))));
    let verdict = Entry { number: 1, at: at(1), fact: all().pop().unwrap() };
    let text = serde_json::to_string(&verdict).unwrap();
    for (from, to) in [("\"fail\"", "\"lost\""), ("\"due\"", "\"do\""), ("\"verdict\"", "\"word\"")] {
        assert!(serde_json::from_str::<Entry>(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn of_rests_that_differ_by_their_end_the_longer_stands_and_late_excuses_do_not() {
    let rest = |why, from, to| Rest { from: at(from), to: at(to), why };
    let mut rests = Rests::default();
    rests.add("", rest(Why::ChainStall, 10, 40), at(50));
    rests.add("", rest(Why::ChainStall, 10, 30), at(60));
    rests.add("t01000", rest(Why::Maintenance, 5, 8), at(4));
    rests.add("t01000", rest(Why::Maintenance, 100, 120), at(101));
    rests.add("t01001", rest(Why::Maintenance, 5, 9), at(4));
    let of = |kind, miner| rests.of(kind, miner);
    let stall = rest(Why::ChainStall, 10, 40);
    assert_eq!(of(Kind::Storage, "t01000"), [rest(Why::Maintenance, 5, 8), stall]);
    assert_eq!(of(Kind::Retrieval, "t01000"), [rest(Why::Maintenance, 5, 8)]);
    assert_eq!(of(Kind::Storage, "t01002"), [stall]);
    let basis = Basis { seen: 1, first: Timestamp(5), last: Timestamp(i64::MAX) };
    assert_eq!(basis.within(7), (Timestamp(-2), Timestamp(i64::MAX)));
}
