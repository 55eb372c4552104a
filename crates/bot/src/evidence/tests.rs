use std::sync::Arc;

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::{Held, Part};
use apogee_domain::ManualClock;
use apogee_outbound::Timing;

use super::*;

fn witness() -> Witness {
    Witness { name: "eu-1".into(), region: "eu".into(), key: SigningKey::from_bytes(&[7; 32]) }
}

fn lease() -> Lease {
    let of = Held {
        network: "testnet".into(),
        race: "race".into(),
        kind: "retrieval".into(),
        miner: "t01000".into(),
        slot: 1,
        fence: 2,
    };
    let task =
        Task::Gateway { url: String::new(), root: String::new(), size: 0, part: Part::Whole, private: false };
    Lease { of, attempt: 3, expires: 0, task, checkpoint: String::new() }
}

/// More of everything than a record may hold, at times that cannot be.
fn excessive() -> Seen {
    let mut trace = Trace::new(Arc::new(ManualClock::default()));
    let timing = |number: i64| Timing {
        stage: Seeing::L4,
        started: Timestamp(500 - number * 100),
        ended: (number % 2 == 0).then_some(Timestamp(number * 300 - 700)),
    };
    trace.stages = (0..200).map(timing).collect();
    trace.resolved = vec!["192.0.2.1".parse().unwrap(); 100];
    trace.status = Some(799);
    trace.headers = vec![("server".into(), "ä".repeat(2000)); 100];
    trace.error_body = vec![0xff; 5000];
    let errors = vec!["€".repeat(3000); 100];
    let broken = Broken { code: Code::Unclassified, circumstances: Circumstances::default(), errors };
    let (started, ended) = (Timestamp(100), Timestamp(400));
    let deal = Deal { id: "€".repeat(100), proposal: None, piece: None };
    let notes = Notes {
        target: "€".repeat(3000),
        trace,
        agent: Some("€".repeat(3000)),
        protocols: vec!["€".repeat(3000); 1000],
        deal: Some(deal),
    };
    Seen { started, ended, notes, outcome: Err(broken) }
}

#[test]
fn whatever_was_seen_becomes_a_record_within_bounds_and_signed() {
    for status in [0, 99, 100, 200, 599, 600, 799] {
        let mut seen = excessive();
        seen.notes.trace.status = Some(status);
        let complete = witness().complete(&lease(), seen).unwrap();
        let record = Record::decode(&STANDARD.decode(&complete.record).unwrap()).unwrap();
        let signature: [u8; 64] = STANDARD.decode(&complete.signature).unwrap().try_into().unwrap();
        let key = witness().key.verifying_key().to_bytes();
        assert!(Signed::Record.verifies(&record.cid(), &key, &signature));
        assert_eq!(record.answer.is_some(), (100..600).contains(&status));
        assert_eq!((record.attempt, record.fence, complete.attempt), (3, 2, 3));
    }
}

#[test]
fn what_is_only_looked_at_is_as_bounded() {
    let checked = checked(excessive());
    assert!(checked.stages.len() <= most::STAGES && checked.errors.len() == most::ERRORS);
    assert!(checked.errors.iter().all(|error| error.len() <= most::ERROR));
    assert!(checked.protocols.len() == most::PROTOCOLS && checked.resolved.len() == most::RESOLVED);
    assert!(checked.agent.is_some_and(|agent| agent.len() <= most::AGENT));
    assert_eq!((checked.failure, checked.status), (Some(Code::Unclassified), None));
}

#[test]
fn a_lease_of_which_no_record_could_be_made_is_known_as_such() {
    assert!(witness().can(&lease()).is_ok());
    let changed = |change: fn(&mut Held)| {
        let mut lease = lease();
        change(&mut lease.of);
        witness().can(&lease)
    };
    assert!(
        matches!(changed(|of| of.kind = "x".repeat(9000)), Err(Unusable::Kind(kind)) if kind.len() == 40)
    );
    for change in [(|of| of.race.clear()) as fn(&mut Held), |of| of.miner = "x".repeat(129)] {
        assert!(matches!(changed(change), Err(Unusable::Bounds(_))));
    }
}
