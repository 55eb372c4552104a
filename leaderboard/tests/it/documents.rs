//! Documents that are refused, each with where and why.

use std::collections::BTreeSet;

use apogee_leaderboard::{Decisions, Effect, Entities, Facts};
use serde_json::{Value, json};

use crate::cases::standings;
use crate::race::{empty, fixed, join, pool, push};

fn refused(case: &Value) -> String {
    standings(case).expect_err("it is refused").to_string()
}

fn facts() -> Value {
    let mut case = empty();
    join(&mut case, "f01", Some("asia"), &[("power.raw", 5)]);
    case["facts"].take()
}

fn facts_with(change: impl FnOnce(&mut Value)) -> String {
    let mut facts = facts();
    change(&mut facts);
    Facts::parse(facts.to_string().as_bytes()).expect_err("it is refused").to_string()
}

#[test]
fn facts_are_refused_with_the_place_and_the_reason() {
    let starts =
        |text: String, start: &str| assert!(text.starts_with(start), "{text:?} should start with {start:?}");
    assert!(Facts::parse(facts().to_string().as_bytes()).is_ok());
    starts(facts_with(|f| f["extra"] = json!(1)), "extra: unknown field");
    starts(
        facts_with(|f| f["participants"][0]["region"] = json!(null)),
        "participants[0].region: invalid type: null",
    );
    starts(facts_with(|f| f["participants"][0]["seen"] = json!(-1)), "participants[0].seen: ");
    starts(facts_with(|f| f["participants"][0]["seen"] = json!(1.5)), "participants[0].seen: ");
    starts(facts_with(|f| f["participants"][0]["id"] = json!("a b")), "participants[0].id: ");
    starts(
        facts_with(|f| f["participants"][0]["seen"] = json!(1_i64 << 53)),
        "participants.f01.seen: epoch 9007199254740992 is 2^53 or more",
    );
    starts(
        facts_with(|f| push(&mut f["participants"], json!({"id": "f01", "seen": 3}))),
        "participants: f01 stands",
    );
    starts(
        facts_with(|f| f["series"][0]["steps"]["f01"][0][1] = json!("007")),
        "series[0].steps.f01[0][1]: ",
    );
    starts(
        facts_with(|f| f["series"][0]["steps"]["f01"] = json!([[3, "1"], [3, "2"]])),
        "series.power.raw.steps.f01: epoch 3 does not ascend",
    );
    starts(
        facts_with(|f| f["series"][1]["steps"]["f01"] = json!([[3, "2"], [4, null], [5, "1"]])),
        "series.reward.block.steps.f01: it falls at epoch 5",
    );
    starts(
        facts_with(|f| f["series"][0]["steps"]["f09"] = json!([])),
        "series.power.raw.steps.f09: it is not among the participants",
    );
    let sector =
        |faults: Value| json!({"participant": "f01", "number": 1, "bytes": "1", "from": 3, "faults": faults});
    starts(
        facts_with(|f| f["sectors"] = json!([sector(json!([[5, 5]]))])),
        "sectors.f01.1: the interval from 5",
    );
    starts(
        facts_with(|f| f["sectors"] = json!([sector(json!([[5, 7], [7, 9]]))])),
        "sectors.f01.1: the fault at 7",
    );
    starts(
        facts_with(|f| f["sectors"] = json!([sector(json!([[5, null], [7, 9]]))])),
        "sectors.f01.1: the fault at 7",
    );
    starts(
        facts_with(|f| f["sectors"] = json!([sector(json!([])), sector(json!([]))])),
        "sectors: 1 of f01 stands there more than once",
    );
    let twice = r#"{"network":"a","network":"a"}"#;
    starts(Facts::parse(twice.as_bytes()).unwrap_err().to_string(), "duplicate field `network`");
    starts(Facts::parse(b"{").unwrap_err().to_string(), "EOF");
    starts(Facts::parse(format!("{} ,", facts()).as_bytes()).unwrap_err().to_string(), "trailing characters");
    let steps = facts().to_string().replace(r#""f01":[[1,"5"]]"#, r#""f01":[[1,"5"]],"f01":[]"#);
    starts(
        Facts::parse(steps.as_bytes()).unwrap_err().to_string(),
        "series.power.raw.steps.f01: it stands there more",
    );
}

#[test]
fn entities_are_refused_with_the_place_and_the_reason() {
    let entity = |id: &str, members: Value| json!({"id": id, "name": id, "tracks": [], "attested": [], "members": members});
    let refused =
        |list: Value| Entities::parse(list.to_string().as_bytes()).expect_err("it is refused").to_string();
    let member = |from: u32, until: Option<u32>| match until {
        Some(until) => json!({"participant": "f01", "from": from, "until": until}),
        None => json!({"participant": "f01", "from": from}),
    };
    assert!(
        Entities::parse(
            json!([entity("a", json!([member(0, Some(5)), member(5, None)]))]).to_string().as_bytes()
        )
        .is_ok()
    );
    assert_eq!(
        refused(json!([entity("a", json!([])), entity("a", json!([]))])),
        "a: it stands there more than once"
    );
    assert_eq!(
        refused(json!([entity("a", json!([member(0, None)])), entity("b", json!([member(9, None)]))])),
        "members.f01: two memberships hold at epoch 9"
    );
    assert_eq!(
        refused(json!([entity("a", json!([member(5, Some(5))]))])),
        "a.members.f01: the interval from 5 until 5 is empty"
    );
    let mut tracks = entity("a", json!([]));
    tracks["tracks"] = json!(["x", "x"]);
    assert_eq!(refused(json!([tracks])), "a: track x stands there more than once");
    let mut name = entity("a", json!([]));
    name["name"] = json!("x".repeat(5000));
    assert_eq!(refused(json!([name])), "a: 5000 bytes of text, where 4096 are allowed");
}

#[test]
fn decisions_are_refused_with_the_place_and_the_reason() {
    let refused =
        |list: Value| Decisions::parse(list.to_string().as_bytes()).expect_err("it is refused").to_string();
    let note = |seq: u32| json!({"seq": seq, "effect": {"kind": "note"}});
    assert!(Decisions::parse(json!([note(2), note(1)]).to_string().as_bytes()).is_ok());
    assert_eq!(refused(json!([note(1), note(3)])), "3: it stands where 2 belongs");
    assert_eq!(refused(json!([note(1), note(1)])), "1: it stands where 2 belongs");
    let effect = |effect: Value| json!([{"seq": 1, "effect": effect}]);
    assert_eq!(refused(effect(json!({"kind": "revert", "seq": 1}))), "1: decision 1 is not an earlier one");
    assert!(refused(effect(json!({"kind": "note", "more": 1}))).starts_with("[0].effect"));
    assert!(refused(effect(json!({"kind": "pardon"}))).starts_with("[0].effect"));
    let removal = json!({"kind": "remove-interval", "from": 5, "until": 4, "metrics": [], "regions": []});
    assert_eq!(refused(effect(removal)), "1: the interval from 5 until 4 is empty");
    let adjust = json!({"kind": "adjust", "participant": "f01", "series": "x", "from": 1, "delta": "+4"});
    assert!(refused(effect(adjust)).contains("a delta is a whole number"));
}

/// One good effect of each kind.
fn effects() -> Value {
    let title = json!({"en": "Bug", "zh": "漏洞"});
    json!([
        {"kind": "disqualify", "entities": ["f01"]},
        {"kind": "waive", "entity": "f01", "check": "kyc"},
        {"kind": "remove-interval", "from": 1, "until": 2, "metrics": ["power"], "regions": ["asia"]},
        {"kind": "set-region", "target": "f01", "region": "asia"},
        {"kind": "adjust", "participant": "f01", "series": "probe.ok", "from": 1, "delta": "-1"},
        {"kind": "attest", "entity": "f01", "what": "kyc"},
        {"kind": "set-amount", "pool": "prize", "amount": "5"},
        {"kind": "award", "entity": "f01", "amount": "5", "title": title},
        {"kind": "set-end", "until": 9},
        {"kind": "revert", "seq": 1},
        {"kind": "note"},
    ])
}

#[test]
fn every_malformed_decision_is_answered_with_path_and_reason() {
    let effects = effects();
    let good = effects.as_array().unwrap();
    let list = |effect: &Value| json!([{"seq": 1, "effect": {"kind": "note"}}, {"seq": 2, "effect": effect}]);
    let mut answers = BTreeSet::new();
    let mut count = 0;
    let mut refuse = |what: String, list: Value| {
        let problem = match Decisions::parse(list.to_string().as_bytes()) {
            Ok(_) => panic!("{what}: accepted"),
            Err(problem) => problem,
        };
        let here = problem.path.starts_with("[1]") || problem.path == "2";
        assert!(here && !problem.reason.is_empty(), "{what}: {problem}");
        count += 1;
        answers.insert(problem.to_string());
    };
    let kinds: Vec<&Value> = good.iter().map(|effect| &effect["kind"]).collect();
    assert_eq!(kinds[..10], Effect::KINDS);
    for effect in good {
        assert!(Decisions::parse(list(effect).to_string().as_bytes()).is_ok(), "{effect}");
        let mut more = effect.clone();
        more["stranger"] = json!(1);
        refuse(format!("{more}"), list(&more));
        for member in effect.as_object().unwrap().keys() {
            let mut less = effect.clone();
            less.as_object_mut().unwrap().remove(member);
            refuse(format!("{less}"), list(&less));
            for other in [Value::Null, json!(true), json!(-1), json!(1.5), json!("a b"), json!({})] {
                let mut changed = effect.clone();
                changed[member] = other;
                refuse(format!("{changed}"), list(&changed));
            }
        }
    }
    let late = 1_u64 << 53;
    for (kind, member, value) in [
        ("remove-interval", "from", json!(2)),
        ("remove-interval", "until", json!(late)),
        ("remove-interval", "metrics", json!(["a b"])),
        ("disqualify", "entities", json!([""])),
        ("adjust", "from", json!(late)),
        ("adjust", "delta", json!("+1")),
        ("adjust", "delta", json!("--1")),
        ("adjust", "delta", json!("01")),
        ("set-amount", "amount", json!("340282366920938463463374607431768211456")),
        ("set-amount", "amount", json!("1e3")),
        ("award", "title", json!({"en": "only"})),
        ("award", "title", json!({"en": "x".repeat(4097), "zh": "x"})),
        ("set-end", "until", json!(late)),
        ("revert", "seq", json!(0)),
        ("revert", "seq", json!(2)),
    ] {
        let mut effect = good.iter().find(|effect| effect["kind"] == kind).unwrap().clone();
        effect[member] = value;
        refuse(format!("{effect}"), list(&effect));
    }
    for row in [
        json!({"seq": 2}),
        json!({"effect": {"kind": "note"}}),
        json!({"seq": 2, "effect": {"kind": "note"}, "by": "x"}),
    ] {
        refuse(format!("{row}"), json!([{"seq": 1, "effect": {"kind": "note"}}, row]));
    }
    assert!(count >= 200 && answers.len() >= 40, "{count} cases with {} answers", answers.len());
}

#[test]
fn the_kinds_of_effects_are_those_that_are_read() {
    let told = serde_json::from_value::<Effect>(json!({"kind": "pardon"})).unwrap_err().to_string();
    let mut kinds: Vec<&str> = told.split('`').skip(3).step_by(2).collect();
    assert_eq!(kinds.pop(), Some("note"));
    assert_eq!(kinds, Effect::KINDS);
}

#[test]
fn the_impossible_has_no_standings() {
    let ask = |change: &dyn Fn(&mut Value)| {
        let mut case = empty();
        join(&mut case, "f01", Some("asia"), &[("power.raw", 5)]);
        case["rules"]["boards"] = json!([crate::race::board("all", "power", None, "by-id")]);
        case["rules"]["pools"] = json!([pool("prize", "all", fixed(10), "power")]);
        change(&mut case);
        refused(&case)
    };
    let decide = |effect: Value| {
        ask(&|case| {
            case["decisions"] = json!([{"seq": 1, "effect": effect}]);
            case["seq"] = json!(1);
        })
    };
    assert_eq!(
        ask(&|c| c["facts"]["network"] = json!("other")),
        "facts.network: other where the rules say testnet"
    );
    assert_eq!(
        ask(&|c| c["rules"]["competition"]["start"] = json!(60)),
        "at: epoch 50 is before the start at 60"
    );
    assert_eq!(
        ask(&|c| c["facts"]["series"] = json!([])),
        "metrics[0].series: the facts have no series power.raw"
    );
    assert_eq!(
        ask(&|c| c["facts"]["series"][0]["source"] = json!("observed")),
        "metrics[0].series: the rules do not declare observed series power.raw as it is"
    );
    assert_eq!(
        ask(&|c| {
            c["entities"] = json!([{"id": "f01", "name": "x", "tracks": [], "attested": [], "members": []}]);
        }),
        "entities.f01: a participant has this id"
    );
    assert_eq!(
        ask(&|c| {
            let members = json!([{"participant": "f77", "from": 0}]);
            c["entities"] =
                json!([{"id": "a", "name": "x", "tracks": [], "attested": [], "members": members}]);
        }),
        "entities.a.members: f77 is not among the participants of the facts"
    );
    assert_eq!(
        ask(&|c| {
            join(c, "f02", None, &[("power.raw", u128::MAX)]);
            c["rules"]["pools"][0]["amount"] = crate::race::tiers("highest", "power", "all", 0, &[(1, 1)]);
        }),
        "pools.prize.amount: a level adds up to 2^128 or more"
    );
    let disqualify = |who: &str| json!({"kind": "disqualify", "entities": [who]});
    assert_eq!(decide(disqualify("f02")), "decisions.1: there is no entity or participant f02");
    let waive = json!({"kind": "waive", "entity": "f01", "check": "kyc"});
    assert_eq!(decide(waive), "decisions.1: there is no check kyc");
    let amount = |pool: &str| json!({"kind": "set-amount", "pool": pool, "amount": "5"});
    assert_eq!(decide(amount("prize")), "decisions.1: the rules fix the amount of pool prize");
    assert_eq!(decide(amount("other")), "decisions.1: there is no pool other");
    let adjust = |series: &str| json!({"kind": "adjust", "participant": "f01", "series": series, "from": 0, "delta": "-1"});
    assert_eq!(decide(adjust("power.raw")), "decisions.1: power.raw is not an observed cumulative series");
    assert_eq!(decide(json!({"kind": "set-end", "until": 0})), "decisions.1: 0 is not after the start at 0");
    let removal = json!({"kind": "remove-interval", "from": 5, "until": 9, "metrics": ["x"], "regions": []});
    assert_eq!(decide(removal), "decisions.1: there is no metric x");
}
