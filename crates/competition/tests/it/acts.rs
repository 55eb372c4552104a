//! What is refused of acts: each with its kind and its place, and nothing changes.

use apogee_competition::operator::{Operator, public_key};
use apogee_competition::{Act, Draft, Hex, Kind, Opening, Outcome, Pin, Words};
use apogee_rules::Quantity;

use crate::world::{SALT, World, at, hash, id, operator, rule_set, rules_json, secret, words};

fn refused(world: &mut World, draft: Draft, kind: Kind, path: &str) {
    let before = world.competition.clone();
    let Err(refusal) = world.put(draft.clone()) else { panic!("{:?} was taken", draft.act) };
    assert_eq!((refusal.kind, &*refusal.path), (kind, path), "{:?}: {refusal}", draft.act);
    assert!(!refusal.wrong.is_empty() && !refusal.remedy.is_empty());
    assert_eq!(world.competition, before);
}

#[test]
fn acts_that_cannot_be_taken_are_refused_with_kind_and_place() {
    let mut world = World::running();
    world.head = 2000;
    let everybody = &["alice", "bob", "carol"][..];
    let none = Vec::new;
    let text = |text: &str| Words { en: text.to_owned(), zh: "文".to_owned() };
    let interval = |from, until, metric: &str| Act::RemoveInterval {
        from: at(from),
        until: at(until),
        metrics: vec![id(metric)],
        regions: none(),
    };
    let incident = |title: Words, from| Act::Incident { title, text: words("text"), from: at(from) };
    let pin = |at_, rules: &str, seq| Pin { at: at(at_), root: hash("r"), rules: hash(rules), seq };
    let held = Pin { rules: world.competition.rules()[0].hash, ..pin(1500, "", 3) };
    let mut other = rules_json(2, 3000, Some(world.competition.rules()[0].hash), false);
    other["competition"]["network"] = "calibration".into();
    let mut strange = other.clone();
    strange["competition"]["id"] = "sr2".into();
    let publish = |value| Act::PublishRules { rules: rule_set(value), simulation: Some(hash("s")) };
    let cases: Vec<(Act, Kind, &str)> = vec![
        (World::founding(), Kind::NotFounded, "act"),
        (Act::OpenRegistration, Kind::WrongState, "act"),
        (Act::Start, Kind::WrongState, "act"),
        (Act::Resume { from: at(1500) }, Kind::WrongState, "act"),
        (Act::Pause { incident: 1, from: at(1500) }, Kind::NoSuchEntry, "act.incident"),
        (Act::Thaw, Kind::WrongState, "act"),
        (Act::Freeze { pin: pin(1500, "x", 3) }, Kind::BadPin, "act.pin"),
        (Act::Freeze { pin: Pin { at: at(2001), ..held.clone() } }, Kind::BadPin, "act.pin"),
        (Act::Freeze { pin: Pin { at: at(999), ..held.clone() } }, Kind::BadPin, "act.pin"),
        (Act::Freeze { pin: Pin { seq: 99, ..held.clone() } }, Kind::BadPin, "act.pin"),
        (Act::Freeze { pin: Pin { seq: 1, ..held.clone() } }, Kind::BadPin, "act.pin"),
        (Act::End, Kind::TooEarly, "entry.epoch"),
        (Act::Provisional { until: at(9500) }, Kind::WrongState, "act"),
        (Act::Finalize { pin: held.clone(), shadow: hash("r") }, Kind::WrongState, "act"),
        (Act::Amend { pin: held, shadow: hash("r") }, Kind::WrongState, "act"),
        (Act::ApprovePayout { version: 1, root: hash("t"), total: Quantity(1) }, Kind::WrongState, "act"),
        (
            Act::Pay { amount: Quantity(1), transactions: vec!["x".into()], payees: None },
            Kind::WrongState,
            "act",
        ),
        (
            Act::OpenPayoutAddresses {
                openings: vec![Opening { entity: id("6block"), address: "t1".into(), salt: SALT }],
            },
            Kind::WrongState,
            "act",
        ),
        (Act::Archive, Kind::WrongState, "act"),
        (Act::SetEnd { until: at(2100), emergency: false }, Kind::NoticeTooShort, "act.until"),
        (Act::SetEnd { until: at(1000), emergency: true }, Kind::UnknownInRules, "act"),
        (Act::Disqualify { entities: none() }, Kind::Malformed, "act.entities"),
        (Act::Disqualify { entities: vec![id("nobody")] }, Kind::UnknownEntity, "act"),
        (Act::Disqualify { entities: vec![id("t01000"), id("6block")] }, Kind::Malformed, "act.entities"),
        (
            Act::Disqualify { entities: (0..1001).map(|n| id(&format!("e{n:04}"))).collect() },
            Kind::Malformed,
            "act.entities",
        ),
        (Act::Waive { entity: id("6block"), check: id("nothing") }, Kind::UnknownInRules, "act"),
        (Act::Waive { entity: id("nobody"), check: id("rate") }, Kind::UnknownEntity, "act"),
        (interval(1500, 1500, "power"), Kind::BadInterval, "act.until"),
        (interval(1500, 1400, "power"), Kind::BadInterval, "act.until"),
        (interval(1400, 1500, "luck"), Kind::UnknownInRules, "act"),
        (Act::SetRegion { target: id("nobody"), region: id("asia") }, Kind::UnknownEntity, "act"),
        (Act::Attest { entity: id("nobody"), what: id("kyc") }, Kind::UnknownEntity, "act"),
        (Act::SetAmount { pool: id("main"), amount: Quantity(1) }, Kind::UnknownInRules, "act"),
        (Act::SetAmount { pool: id("none"), amount: Quantity(1) }, Kind::UnknownInRules, "act"),
        (
            Act::Award { entity: id("nobody"), amount: Quantity(1), title: words("x") },
            Kind::UnknownEntity,
            "act",
        ),
        (
            Act::Award { entity: id("6block"), amount: Quantity(1), title: text("") },
            Kind::BadText,
            "act.title.en",
        ),
        (Act::Revert { seq: 1 }, Kind::NoSuchEntry, "act.seq"),
        (Act::Revert { seq: 99 }, Kind::NoSuchEntry, "act.seq"),
        (
            Act::AnswerAppeal { appeal: 1, outcome: Outcome::Upheld, decision: None },
            Kind::NoSuchEntry,
            "act.appeal",
        ),
        (Act::CloseIncident { incident: 1, until: at(1500) }, Kind::NoSuchEntry, "act.incident"),
        (incident(words("x"), 2001), Kind::TooEarly, "act.from"),
        (incident(text("   "), 1500), Kind::BadText, "act.title.en"),
        (incident(text(&"x".repeat(121)), 1500), Kind::BadText, "act.title.en"),
        (incident(text("a\u{202e}b"), 1500), Kind::BadText, "act.title.en"),
        (incident(text("a\u{0}b"), 1500), Kind::BadText, "act.title.en"),
        (Act::Announce { title: words("x"), text: text(&"x".repeat(2001)) }, Kind::BadText, "act.text.en"),
        (publish(&other), Kind::OtherNetwork, "act.rules.competition"),
        (publish(&strange), Kind::OtherCompetition, "act.rules.competition"),
        (Act::Appoint { operator: operator("bob") }, Kind::BadOperators, "act.operator"),
        (
            Act::Appoint { operator: Operator { id: id("dave"), key: public_key(&secret("bob")) } },
            Kind::BadOperators,
            "act.operator",
        ),
        (
            Act::Appoint { operator: Operator { id: id("dave"), key: Hex([0xff; 32]) } },
            Kind::BadOperators,
            "act.operator",
        ),
        (Act::Dismiss { operator: id("dave") }, Kind::NotAnOperator, "act.operator"),
    ];
    assert!(cases.len() >= 50);
    for (act, kind, path) in cases {
        let draft = world.draft(act, everybody);
        refused(&mut world, draft, kind, path);
    }
    let adjust = |participant, series: &str| Act::Adjust {
        participant: id(participant),
        series: id(series),
        from: at(1100),
        delta: "-3".to_owned().try_into().unwrap(),
    };
    for (act, kind) in [
        (adjust("t01000", "power.raw"), Kind::UnknownInRules),
        (adjust("t09999", "deals.passed"), Kind::UnknownParticipant),
    ] {
        let draft = world.draft(act, everybody);
        refused(&mut world, draft, kind, "act");
    }
    world.all(adjust("t01000", "deals.passed")).unwrap();
}

#[test]
fn what_stands_around_an_act_is_checked_as_well() {
    let mut world = World::running();
    let thaw = || Act::Thaw;
    let award = || Act::Award { entity: id("6block"), amount: Quantity(5), title: words("Bounty") };
    let two = &["alice", "bob"][..];
    let cases = [
        (Draft { reason: String::new(), ..world.draft(thaw(), two) }, Kind::BadText, "entry.reason"),
        (Draft { reason: "x".repeat(2001), ..world.draft(thaw(), two) }, Kind::BadText, "entry.reason"),
        (
            Draft { reason: "a\u{200b}b".to_owned(), ..world.draft(thaw(), two) },
            Kind::BadText,
            "entry.reason",
        ),
        (
            Draft { evidence: vec![String::new()], ..world.draft(thaw(), two) },
            Kind::BadText,
            "entry.evidence",
        ),
        (
            Draft { evidence: vec!["a\nb".to_owned()], ..world.draft(thaw(), two) },
            Kind::BadText,
            "entry.evidence",
        ),
        (
            Draft { evidence: vec!["x".to_owned(); 1001], ..world.draft(thaw(), two) },
            Kind::Malformed,
            "entry.evidence",
        ),
        (Draft { approvers: vec![], ..world.draft(thaw(), two) }, Kind::BadOperators, "entry.approvers"),
        (Draft { actor: id("carol"), ..world.draft(thaw(), two) }, Kind::BadOperators, "entry.approvers"),
        (
            Draft { approvers: vec![id("alice"), id("alice")], ..world.draft(award(), two) },
            Kind::BadOperators,
            "entry.approvers",
        ),
        (
            Draft { approvers: vec![id("alice"), id("mallory")], ..world.draft(award(), two) },
            Kind::NotAnOperator,
            "entry.approvers",
        ),
        (world.draft(award(), &["alice"]), Kind::MoreOperatorsNeeded, "entry.approvers"),
        (Draft { preview: None, ..world.draft(award(), two) }, Kind::EffectMissing, "entry.preview"),
    ];
    for (draft, kind, path) in cases {
        refused(&mut world, draft, kind, path);
    }
    let mut early = World::registering();
    let draft = Draft {
        preview: None,
        ..early.draft(Act::SetRegion { target: id("t01000"), region: id("asia") }, two)
    };
    early.put(draft).unwrap();
    let claim =
        world.ledger.iter().find(|signed| matches!(signed.entry.act, Act::Claim { .. })).unwrap().clone();
    let draft = world.draft(claim.entry.act, two);
    refused(&mut world, draft, Kind::NotAnAct, "act");
}

#[test]
fn a_founding_names_two_people_with_keys_of_their_own() {
    let found = |operators: Vec<Operator>, threshold| Act::Found {
        network: "testnet".parse().unwrap(),
        domain: "apogee.example".to_owned(),
        operators,
        threshold,
        notice: 0,
    };
    let same = Operator { id: id("bob"), key: operator("alice").key };
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let cases = [
        found(vec![operator("alice")], 1),
        found(vec![operator("alice"), operator("bob")], 1),
        found(vec![operator("alice"), operator("bob")], 3),
        found(vec![operator("alice"), same], 2),
        found(vec![operator("alice"), Operator { id: id("bob"), key: Hex(neutral) }], 2),
    ];
    for act in cases {
        let mut world = World::empty();
        let Act::Found { operators, .. } = &act else { panic!() };
        let names: Vec<String> = operators.iter().map(|operator| operator.id.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let draft = world.draft(act, &names);
        refused(&mut world, draft, Kind::BadOperators, "act.operators");
    }
    let mut world = World::empty();
    let draft = world.draft(Act::OpenRegistration, &["alice"]);
    refused(&mut world, draft, Kind::NotFounded, "act");
    let draft = world.draft(World::founding(), &["alice", "bob"]);
    refused(&mut world, draft, Kind::MoreOperatorsNeeded, "entry.approvers");
}

#[test]
fn nothing_starts_without_rules_collectors_and_its_epoch() {
    let mut world = World::founded();
    let draft = world.draft(Act::OpenRegistration, &["alice"]);
    refused(&mut world, draft, Kind::NoSuchRules, "act");
    let mut world = World::registering();
    let start = world.draft(Act::Start, &["alice", "bob"]);
    refused(&mut world, start.clone(), Kind::TooEarly, "entry.epoch");
    world.head = 1000;
    world.collectors = 0;
    refused(&mut world, start.clone(), Kind::NoCollector, "act");
    world.collectors = 1;
    world.put(start).unwrap();
}

#[test]
fn an_act_that_was_signed_for_another_head_is_not_next() {
    let mut world = World::running();
    let announce = || Act::Announce { title: words("x"), text: words("y") };
    let draft = world.draft(announce(), &["alice"]);
    let entry = apogee_competition::propose(&world.competition, draft, &world.context()).unwrap();
    world.one(announce()).unwrap();
    assert_eq!(crate::world::kind(world.admit(crate::world::signed(entry))), Kind::NotNext);
    // A head or a clock that fell back does not turn the ledger back.
    world.head = 900;
    let seq = world.one(announce()).unwrap();
    assert_eq!(world.competition.head().unwrap().0.epoch, at(1000));
    assert_eq!(seq, world.competition.seq());
    // An entry of tomorrow waits.
    world.head = 2000;
    let draft = world.draft(announce(), &["alice"]);
    let entry = apogee_competition::propose(&world.competition, draft, &world.context()).unwrap();
    world.head = 1500;
    assert_eq!(crate::world::kind(world.admit(crate::world::signed(entry))), Kind::TooEarly);
}
