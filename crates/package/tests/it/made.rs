//! A small competition with something in every section.

use std::io::Write as _;

use apogee_package::{Contents, FORMAT, Section, export};
use apogee_rules::{RuleSet, canonical};
use serde_json::{Value, json};

/// The epoch of the results.
pub(crate) const AT: i64 = 10_100;

fn rules(number: u64, from: i64, supersedes: Option<&RuleSet>) -> RuleSet {
    let text = |text: &str| json!({"en": text, "zh": text});
    let pool = |id: &str, board: &str, amount: Value, rounding: &str| json!({"id": id, "board": board, "amount": amount, "divide": {"kind": "weight", "metric": "power"}, "rounding": rounding});
    let bar = if number == 1 { "1/2" } else { "2/3" };
    let mut rules = json!({
        "competition": {
            "id": "race", "name": text("Race"), "network": "testnet", "start": 100, "end": 20_101,
            "regions": ["asia", "europe"], "tracks": [],
        },
        "version": {"number": number, "from": from, "retroactive": false, "reason": text("Because")},
        "series": [
            {"name": "probe.ok", "unit": "count", "reading": "cumulative"},
            {"name": "probe.failed", "unit": "count", "reading": "cumulative"},
        ],
        "entities": {"history": "whole", "same_region": false},
        "metrics": [
            {"id": "power", "kind": "level", "series": "power.raw"},
            {"id": "rate", "kind": "rate", "passed": "probe.ok", "failed": "probe.failed", "aggregation": "pooled"},
            {"id": "sealed", "kind": "sectors", "measure": "bytes", "fault_periods": 14, "period": 60},
            {"id": "pieces", "kind": "deals", "measure": "pieces", "excess": "counted", "own": "counted"},
        ],
        "eligibility": [{"id": "bar", "kind": "at-least", "metric": "rate", "value": bar, "per": "entity"}],
        "boards": [
            {"id": "global", "metric": "power", "population": "all", "partition": "none", "cutoff": "include-all"},
            {"id": "regional", "metric": "power", "population": "eligible", "partition": "region", "cutoff": "by-id", "top": 2},
        ],
        "pools": [
            pool("main", "global", json!({"kind": "fixed", "amount": "1000000000000000000000"}), "largest-remainder"),
            pool("region", "regional", json!({"kind": "by-decision"}), "floor"),
        ],
        "vesting": {"kind": "linear", "epochs": 518_400},
    });
    if let Some(before) = supersedes {
        rules["version"]["supersedes"] = json!(before.hash().unwrap());
    }
    RuleSet::from_value(&rules).unwrap()
}

/// A chain of entries for acts, with what they mean.
pub(crate) fn ledger(acts: &[(Value, Value)]) -> Vec<Value> {
    let mut previous: Option<String> = None;
    let mut rows = Vec::new();
    for (seq, (act, effect)) in (1..).zip(acts) {
        let mut entry = json!({"competition": "race", "seq": seq, "act": act, "actor": "op-1", "reason": "Because – 因为"});
        let mut row = json!({"effect": effect, "seq": seq, "signatures": [{"key": "k", "signature": "s"}]});
        if let Some(previous) = &previous {
            entry["previous"] = json!(previous);
            row["previous"] = json!(previous);
        }
        let hash = canonical::hash(&entry).unwrap().to_string();
        row["entry"] = entry;
        row["hash"] = json!(hash);
        previous = Some(hash);
        rows.push(row);
    }
    rows
}

/// The competition, with everything in some other order than that of the file.
pub(crate) fn contents() -> Contents {
    let first = rules(1, 0, None);
    let second = rules(2, 500, Some(&first));
    let amount = |pool: &str| json!({"kind": "set-amount", "pool": pool, "amount": "12345678901234567890"});
    let note = json!({"kind": "note"});
    let mut act = amount("region");
    act["evidence"] = json!(["a page"]);
    let award =
        json!({"kind": "award", "entity": "team", "amount": "7", "title": {"en": "Help", "zh": "帮助"}});
    let acts = [
        (json!({"kind": "found"}), note.clone()),
        (act, amount("region")),
        (award.clone(), award),
        (
            json!({"kind": "resume", "from": 300}),
            json!({"kind": "remove-interval", "from": 200, "until": 300, "metrics": [], "regions": []}),
        ),
    ];
    // More steps than a row holds; values beyond 64 bits.
    let many = |count: i64, step: u128| {
        (0..count).map(|i| json!([i, (u128::from(i.unsigned_abs()) * step).to_string()])).collect::<Vec<_>>()
    };
    let facts = json!({
        "network": "testnet",
        "participants": [
            {"id": "f02000", "seen": 5, "region": "europe"},
            {"id": "f01000", "seen": 0, "region": "asia"},
            {"id": "f01500", "seen": 9},
        ],
        "series": [
            {"name": "probe.ok", "reading": "cumulative", "unit": "count", "source": "observed", "steps": {
                "f01000": [[150, "95"]], "f02000": [[150, "2"], [400, "9"]], "f01500": []}},
            {"name": "probe.failed", "reading": "cumulative", "unit": "count", "source": "observed", "steps": {
                "f01000": [[160, "5"], [30_000, "6"]], "f02000": [[150, "8"]]}},
            {"name": "made.unread", "reading": "level", "unit": "bytes", "source": "chain", "steps": {"f01000": [[0, "1"]]}},
            {"name": "power.raw", "reading": "level", "unit": "bytes", "source": "chain", "steps": {
                "f02000": many(20, 1 << 72), "f01000": many(10_500, 1 << 63), "f01500": [[3, null]]}},
        ],
        "deals": [
            {"id": 12, "participant": "f01000", "provider": "f0999", "piece": "baga2", "bytes": "2048", "start": 3},
            {"id": 7, "participant": "f01000", "provider": "f02000", "piece": "baga1", "bytes": "1024", "start": 3, "sealed": 9},
        ],
        "sectors": [
            {"participant": "f02000", "number": 10, "bytes": "34359738368", "from": 3, "faults": [[5, 9], [11, null]]},
            {"participant": "f02000", "number": 9, "bytes": "34359738368", "from": 3, "until": 900, "faults": []},
            {"participant": "f01000", "number": 1, "bytes": "34359738368", "from": 3, "faults": []},
        ],
    });
    let entities = json!([
        {"id": "zeta", "name": "Zeta \"\\\n", "tracks": [], "attested": [], "members": [{"participant": "f02000", "from": 120, "until": 20_000}]},
        {"id": "team", "name": "团队", "region": "asia", "registered": 90, "tracks": [], "attested": [{"what": "kyc", "from": 3}],
         "members": [{"participant": "f01000", "from": 100}]},
    ]);
    let claims = json!([
        {"effect": {"action": "claim", "entity": "team", "participant": "f01000"}, "epoch": 100, "message": "apogee\nclaim", "signature": "01aa"},
        {"effect": {"action": "rename", "entity": "team"}, "epoch": 100, "message": "apogee\nrename", "signature": "01ab"},
    ]);
    let observation = |series: &str, id: &str| json!({"attempt": {"outcome": "passed"}, "bot": "k1", "epoch": 150, "id": id, "participant": "f01000", "series": series, "signature": "02bb"});
    let provenance = |epoch: i64| {
        let digest = canonical::sha256(epoch.to_string().as_bytes());
        json!({"checks": {"failed": 0, "not_made": 2, "passed": 40}, "digest": digest, "epoch": epoch, "key": ["bafy1", "bafy2"]})
    };
    let mut granted = provenance(0);
    granted["granted"] = json!(true);
    let about = json!({"at": AT, "clock": {"epoch_seconds": 30, "genesis": 1_598_306_400}, "competition": "race", "genesis": "bafygenesis", "network": "testnet", "producer": "apogee 0.1.0", "seq": 4});
    let observations =
        json!([observation("probe.ok", "b"), observation("probe.ok", "a"), observation("probe.failed", "c")]);
    Contents {
        about: serde_json::from_value(about).unwrap(),
        rules: vec![second, first],
        facts: serde_json::from_value(facts).unwrap(),
        entities: serde_json::from_value(entities).unwrap(),
        claims: serde_json::from_value(claims).unwrap(),
        decisions: serde_json::from_value(json!(ledger(&acts))).unwrap(),
        observations: serde_json::from_value(observations).unwrap(),
        provenance: serde_json::from_value(json!([provenance(2), granted])).unwrap(),
    }
}

pub(crate) fn exported(contents: Contents) -> Vec<u8> {
    let mut bytes = Vec::new();
    export(contents, &mut bytes).unwrap();
    bytes
}

/// The rows of a file, by section.
pub(crate) fn rows(bytes: &[u8]) -> Vec<(Section, Vec<Value>)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut sections: Vec<(Section, Vec<Value>)> = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.starts_with("root ")) {
        if line.starts_with("section ") {
            sections.push((Section::ALL[sections.len()], Vec::new()));
        } else {
            sections.last_mut().unwrap().1.push(serde_json::from_str(&line[65..]).unwrap());
        }
    }
    sections
}

/// A file with these rows, with counts, hashes and root that are right: what a forger would hand in.
pub(crate) fn sealed(sections: &[(Section, Vec<Value>)]) -> Vec<u8> {
    let mut bytes = format!("{FORMAT}\n").into_bytes();
    for (section, rows) in sections {
        writeln!(bytes, "section {section} {}", rows.len()).unwrap();
        for row in rows {
            let json = canonical::text(row).unwrap();
            writeln!(bytes, "{} {json}", canonical::sha256(json.as_bytes())).unwrap();
        }
    }
    let root = canonical::sha256(&bytes);
    writeln!(bytes, "root {root}").unwrap();
    bytes
}
