use std::collections::BTreeMap;

use apogee_domain::{Finality, Network, NetworkKind, Timestamp};
use apogee_rules::{Lang, Reworded, RuleSet, Section, Voice, diff};
use serde_json::{Value, json};

use crate::examples::read;
use crate::refused::BASE;

const EN: Voice = Voice { lang: Lang::En, schedule: None };
const ZH: Voice = Voice { lang: Lang::Zh, schedule: None };

fn testnet() -> Network {
    Network {
        id: "testnet".parse().expect("a network's name"),
        kind: NetworkKind::Filecoin,
        genesis: "genesis".into(),
        genesis_time: Timestamp::from_seconds(1_598_306_400),
        epoch_seconds: 30,
        address_prefix: "t".into(),
        finality: Finality { depth: 900, certificates: false },
    }
}

fn lines(sections: &[Section]) -> Vec<String> {
    let clauses = sections.iter().flat_map(|section| &section.clauses);
    clauses.map(|clause| format!("{}{}", "  ".repeat(clause.depth), clause.text)).collect()
}

/// Pointers to every member and item that is not an object or a list.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| leaves(member, &format!("{pointer}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| leaves(item, &format!("{pointer}/{i}"), found));
        }
        _ => found.push(pointer.to_owned()),
    }
}

/// What could stand there instead: larger and smaller numbers, other words of the language, other names of the document.
fn candidates(leaf: &Value) -> Vec<Value> {
    const WORDS: &[&str] = &[
        "whole",
        "dated",
        "bytes",
        "atto",
        "gas",
        "count",
        "nano",
        "level",
        "cumulative",
        "pooled",
        "mean",
        "deals",
        "pieces",
        "counted",
        "not-counted",
        "entity",
        "member",
        "claimed",
        "region",
        "all",
        "any",
        "eligible",
        "none",
        "include-all",
        "by-id",
        "earliest",
        "split",
        "highest",
        "newly-unlocked",
        "open",
        "by-decision",
        "equal",
        "floor",
        "largest-remainder",
        "undistributed",
        "redistribute",
        "at-least",
        "at-most",
        "power.raw",
        "power.qa",
        "reward.block",
        "reward.gas",
        "probe.ok",
        "probe.failed",
        "probe.other",
        "sectors.live",
        "wincount",
        "power",
        "stored",
        "reward",
        "share",
        "rate",
        "global",
        "local",
        "storage",
        "retrieval",
        "1/3",
        "2/3",
        "other-id",
        "AF",
        "7777777777777777777777777777777777777777777777777777777777777777",
    ];
    let mut candidates: Vec<Value> = WORDS.iter().map(|&word| json!(word)).collect();
    match leaf {
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or_default();
            candidates = vec![json!(number + 1), json!(number.saturating_sub(1))];
        }
        Value::Bool(truth) => candidates = vec![json!(!truth)],
        Value::String(text) => {
            if let Ok(number) = text.parse::<u128>() {
                candidates =
                    vec![json!((number + 1).to_string()), json!(number.saturating_sub(1).to_string())];
            }
        }
        _ => {}
    }
    candidates.retain(|candidate| candidate != leaf);
    candidates
}

/// Every valid rule set that differs from `base` in one leaf, with the pointer to it.
fn neighbours(base: &RuleSet) -> (Vec<(String, RuleSet)>, Vec<String>) {
    let document: Value = serde_json::from_str(&base.canonical().expect("canonical")).expect("JSON");
    let mut pointers = Vec::new();
    leaves(&document, "", &mut pointers);
    let (mut found, mut stuck) = (Vec::new(), Vec::new());
    for pointer in pointers {
        let before = found.len();
        let mut changed = document.clone();
        for candidate in candidates(document.pointer(&pointer).expect("a leaf")) {
            *changed.pointer_mut(&pointer).expect("a leaf") = candidate;
            found.extend(RuleSet::from_value(&changed).ok().map(|rules| (pointer.clone(), rules)));
            if found.len() >= before + 2 {
                break;
            }
        }
        let (parent, name) = pointer.rsplit_once('/').expect("a parent");
        let mut changed = document.clone();
        if let Some(Value::Object(parent)) = changed.pointer_mut(parent) {
            parent.remove(name);
            found.extend(RuleSet::from_value(&changed).ok().map(|rules| (pointer.clone(), rules)));
        }
        if found.len() == before {
            stuck.push(pointer);
        }
    }
    (found, stuck)
}

/// The pointer without the places in lists: which member it is in the type.
fn member(pointer: &str) -> String {
    let part = |part: &str| if part.parse::<usize>().is_ok() { "*".to_owned() } else { part.to_owned() };
    pointer.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Members that change nothing in a document where others are absent.
fn idle(pointer: &str, rules: &RuleSet) -> bool {
    let document = serde_json::to_value(rules).expect("JSON");
    let beside = |name: &str| {
        let parent = pointer.rsplit_once('/').map(|(parent, _)| parent).unwrap_or_default();
        document.pointer(&format!("{parent}/{name}")).is_some()
    };
    pointer.ends_with("/excess") && pointer.starts_with("/metrics") && !beside("max_replicas")
        || pointer.ends_with("/cutoff") && !beside("top")
}

#[test]
fn a_change_of_any_member_is_in_the_difference_and_in_the_words() {
    let mut seen = 0;
    let mut moved = BTreeMap::new();
    for base in [read("sr1-v3.toml"), RuleSet::from_toml(BASE).unwrap()] {
        let (neighbours, stuck) = neighbours(&base);
        let words = [EN, ZH].map(|voice| lines(&base.words(&voice)));
        for (pointer, rules) in neighbours {
            seen += 1;
            moved.insert(member(&pointer), true);
            let changes = diff(&base, &rules).unwrap();
            assert!(!changes.is_empty(), "{pointer}");
            assert_ne!(base.hash().unwrap(), rules.hash().unwrap(), "{pointer}");
            for (voice, words) in [EN, ZH].into_iter().zip(&words) {
                let foreign = if voice.lang == Lang::En { "/zh" } else { "/en" };
                if pointer.ends_with(foreign) || idle(&pointer, &base) {
                    continue;
                }
                assert_ne!(&lines(&rules.words(&voice)), words, "{:?} {pointer}: {changes:?}", voice.lang);
                assert!(!base.reworded(&rules, &voice).is_empty(), "{:?} {pointer}", voice.lang);
            }
        }
        moved.extend(
            stuck
                .iter()
                .map(|pointer| (member(pointer), false))
                .filter(|(m, _)| !moved.contains_key(m))
                .collect::<Vec<_>>(),
        );
    }
    let held: Vec<_> = moved.into_iter().filter_map(|(member, moved)| (!moved).then_some(member)).collect();
    // Others refer to metrics and boards by their ids, parts of a sum are of one unit, and a kind brings members of its own.
    let names = [
        "/boards/*/id",
        "/metrics/*/id",
        "/metrics/*/of/*",
        "/pools/*/amount/kind",
        "/pools/*/divide/kind",
        "/vesting/kind",
    ];
    assert_eq!(held, names);
    assert!(seen > 300, "{seen}");
}

#[test]
fn the_lower_tiers_of_the_first_race_read_as_they_were() {
    let (one, two) = (read("sr1-v1.toml"), read("sr1-v2.toml"));
    let network = testnet();
    let changes = one.reworded(&two, &Voice { lang: Lang::En, schedule: Some(network.schedule()) });
    let of = |path: &str, before: Option<&str>, after: Option<&str>| Reworded {
        path: path.into(),
        before: before.map(Into::into),
        after: after.map(Into::into),
    };
    assert!(changes.contains(&of(
        "version.from",
        Some("It applies from epoch 0 (2020-08-24T22:00:00Z) on."),
        Some("It applies from epoch 19452 (2020-08-31T16:06:00Z) on.")
    )));
    let tiers: Vec<_> = changes.into_iter().filter(|change| change.path.contains("tiers")).collect();
    assert_eq!(
        tiers,
        [
            of("pools[region].amount.tiers[10995116277760]", None, Some("From 10 TiB on: 25,000 FIL.")),
            of(
                "pools[region].amount.tiers[109951162777600]",
                Some("From 100 TiB on: 25,000 FIL."),
                Some("From 100 TiB on: 50,000 FIL.")
            ),
            of("pools[region].amount.tiers[549755813888000]", Some("From 500 TiB on: 50,000 FIL."), None),
        ]
    );
}

#[test]
fn the_difference_names_members_by_what_they_are_called() {
    let (one, two) = (read("sr1-v1.toml"), read("sr1-v2.toml"));
    let changes = diff(&one, &two).unwrap();
    let shown: Vec<_> = changes
        .iter()
        .filter(|change| change.path.starts_with("pools"))
        .map(|change| format!("{} {:?} {:?}", change.path, change.before.is_some(), change.after.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            "pools[region].amount.tiers[109951162777600].amount true true",
            "pools[region].amount.tiers[549755813888000] true false",
            "pools[region].amount.tiers[10995116277760] false true",
        ]
    );
    assert_eq!(diff(&one, &one).unwrap(), []);
    let mut turned = one.clone();
    turned.boards.reverse();
    let changes = diff(&one, &turned).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].path, "boards");
    assert_eq!(changes[0].after, Some(json!(["block-reward", "region", "global"])));
}

#[test]
fn the_rules_of_the_first_race_are_said_in_both_languages() {
    let rules = read("sr1-v3.toml");
    let network = testnet();
    let english = lines(&rules.words(&Voice { lang: Lang::En, schedule: Some(network.schedule()) }));
    for line in [
        "Space Race 1 (sr1)",
        "It begins at epoch 0 (2020-08-24T22:00:00Z).",
        "storage: the share of successes (deals.storage.ok) among successes and failures (deals.storage.failed) since the start; all members' samples taken together; no least number of samples.",
        "  storage: storage is at least 80 %.",
        "  upgrade: of each member alone, upgrades is at least 1.",
        "  registered: it is registered before epoch 20160 (2020-08-31T22:00:00Z); or before epoch 48960 (2020-09-10T22:00:00Z), if its one member, the only one it ever had, was not on the chain before epoch 20160 (2020-08-31T22:00:00Z).",
        "global: eligible entities of all tracks are ranked by power, largest first, in one list.",
        "  The first 100 with a value above 0 B win.",
        "    From 200 PiB on: 1,500,000 FIL, if the sum of power over all entities (eligible or not) is at least 1 PiB in every region.",
        "  It is divided among the winners in proportion to their power.",
        "Payouts vest evenly over 518400 epochs (180 days).",
    ] {
        assert!(english.iter().any(|said| said == line), "{line}\n\n{}", english.join("\n"));
    }
    let chinese = lines(&rules.words(&ZH));
    for line in [
        "太空竞赛一期（sr1）",
        "  storage：storage 不低于 80 %。",
        "  数值大于 0 B 的前 100 名获奖。",
        "    达到 5 PiB：100,000 FIL。",
    ] {
        assert!(chinese.iter().any(|said| said == line), "{line}\n\n{}", chinese.join("\n"));
    }
    assert_eq!(english.len(), chinese.len());
}
