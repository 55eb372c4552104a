//! Small competitions for tests that name their numbers, as documents.

use serde_json::{Value, json};

pub(crate) const GIB: u128 = 1 << 30;
pub(crate) const TIB: u128 = 1 << 40;
pub(crate) const PIB: u128 = 1 << 50;

/// So many whole coins, in atto.
pub(crate) fn fil(coins: u128) -> u128 {
    coins * 10_u128.pow(18)
}

/// `12.5` as atto.
pub(crate) fn atto(text: &str) -> u128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    fil(whole.parse().unwrap()) + format!("{part:0<18}").parse::<u128>().unwrap()
}

/// A competition of 100 epochs without anything in it.
pub(crate) fn empty() -> Value {
    let observed = |name| json!({"name": name, "reading": "cumulative", "unit": "count"});
    json!({
        "facts": {
            "network": "testnet", "participants": [], "deals": [], "sectors": [],
            "series": [
                series("power.raw", "level", "bytes", "chain"),
                series("reward.block", "cumulative", "atto", "chain"),
                series("reward.gas", "cumulative", "atto", "chain"),
                series("probe.ok", "cumulative", "count", "observed"),
                series("probe.failed", "cumulative", "count", "observed"),
                series("shortfall", "cumulative", "atto", "observed"),
            ],
        },
        "entities": [], "decisions": [], "at": 50, "seq": 0,
        "rules": {
            "competition": {
                "id": "race", "name": {"en": "Race", "zh": "竞赛"}, "network": "testnet", "start": 0, "end": 100,
                "regions": [], "tracks": [],
            },
            "version": {"number": 1, "from": 0, "retroactive": false, "reason": {"en": "First", "zh": "首版"}},
            "series": [
                observed("probe.ok"), observed("probe.failed"),
                {"name": "shortfall", "reading": "cumulative", "unit": "atto"},
            ],
            "entities": {"history": "whole", "same_region": true},
            "metrics": [{"id": "power", "kind": "level", "series": "power.raw"}],
            "eligibility": [], "boards": [], "pools": [], "vesting": {"kind": "none"},
        },
    })
}

fn series(name: &str, reading: &str, unit: &str, source: &str) -> Value {
    json!({"name": name, "reading": reading, "unit": unit, "source": source, "steps": {}})
}

/// Add a participant with a value from epoch 1 on in each of some series.
pub(crate) fn join(case: &mut Value, id: &str, region: Option<&str>, values: &[(&str, u128)]) {
    let mut row = json!({"id": id, "seen": 0});
    if let Some(region) = region {
        row["region"] = json!(region);
    }
    push(&mut case["facts"]["participants"], row);
    for (name, value) in values {
        let all = case["facts"]["series"].as_array_mut().unwrap();
        let series = all.iter_mut().find(|series| series["name"] == *name).unwrap();
        series["steps"][id] = json!([[1, value.to_string()]]);
    }
}

pub(crate) fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

pub(crate) fn board(id: &str, metric: &str, top: Option<u64>, cutoff: &str) -> Value {
    let mut board =
        json!({"id": id, "metric": metric, "population": "eligible", "partition": "none", "cutoff": cutoff});
    if let Some(top) = top {
        board["top"] = json!(top);
    }
    board
}

/// A pool that is divided by weight and rounded down.
pub(crate) fn pool(id: &str, board: &str, amount: Value, weight: &str) -> Value {
    json!({"id": id, "board": board, "amount": amount, "divide": {"kind": "weight", "metric": weight}, "rounding": "floor"})
}

pub(crate) fn fixed(amount: u128) -> Value {
    json!({"kind": "fixed", "amount": amount.to_string()})
}

pub(crate) fn tiers(mode: &str, metric: &str, population: &str, base: u128, tiers: &[(u128, u128)]) -> Value {
    let tiers: Vec<Value> = tiers
        .iter()
        .map(|(at, coins)| json!({"at": at.to_string(), "amount": fil(*coins).to_string()}))
        .collect();
    json!({
        "kind": "tiers", "mode": mode, "metric": metric, "population": population, "base": base.to_string(), "tiers": tiers,
    })
}
