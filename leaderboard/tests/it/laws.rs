//! What holds for every competition, tried on random ones.

use std::collections::BTreeMap;

use apogee_leaderboard::{BoardRow, PayoutPart, Standings};
use apogee_rules::canonical;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::cases::{answer, standings};
use crate::generator;
use crate::race::{board, empty, fixed, join, pool, push};
use crate::second::full;
use crate::stood::{result, run, share};

/// Random cases that have standings.
fn cases() -> impl Iterator<Item = (u64, Value, Standings)> {
    cases_of(600)
}

/// Those of the first so many seeds; of 10,000 when tests run in full.
fn cases_of(count: u64) -> impl Iterator<Item = (u64, Value, Standings)> {
    let count = if full() { 10_000 } else { count };
    (0..count).filter_map(|seed| {
        let case = generator::case(seed);
        let standings = standings(&case).ok()?;
        Some((seed, case, standings))
    })
}

#[test]
fn every_pool_is_its_shares_and_what_is_undistributed() {
    let mut paid = 0;
    for (seed, _, standings) in cases() {
        let mut owed: BTreeMap<&str, u128> = BTreeMap::new();
        for pool in &standings.pools {
            let shares: u128 = pool.shares.iter().map(|share| share.amount.0).sum();
            assert_eq!(shares + pool.undistributed.0, pool.amount.0, "seed {seed}");
            assert!(pool.shares.windows(2).all(|pair| pair[0].entity < pair[1].entity), "seed {seed}");
            for share in &pool.shares {
                assert!(share.amount.0 > 0, "seed {seed}");
                *owed.entry(share.entity.as_str()).or_default() += share.amount.0;
            }
            paid += pool.shares.len();
        }
        for payout in &standings.payouts {
            let parts: u128 = payout.parts.iter().map(|part| part.amount().0).sum();
            assert_eq!(parts, payout.total.0, "seed {seed}");
            let shares = payout.parts.iter().filter(|part| matches!(part, PayoutPart::Share { .. }));
            let shares: u128 = shares.map(|part| part.amount().0).sum();
            assert_eq!(shares, owed.remove(payout.entity.as_str()).unwrap_or(0), "seed {seed}");
        }
        assert!(owed.is_empty(), "seed {seed}");
    }
    assert!(paid > 1000, "the cases pay {paid} shares");
}

#[test]
fn the_order_of_the_input_never_matters() {
    for (seed, mut case, _) in cases() {
        let before = answer(&case);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for path in [
            "/facts/participants",
            "/facts/series",
            "/facts/deals",
            "/facts/sectors",
            "/entities",
            "/decisions",
        ] {
            case.pointer_mut(path).unwrap().as_array_mut().unwrap().shuffle(&mut rng);
        }
        for entity in case["entities"].as_array_mut().unwrap() {
            for list in ["members", "attested", "tracks"] {
                entity[list].as_array_mut().unwrap().shuffle(&mut rng);
            }
        }
        assert_eq!(answer(&case), before, "seed {seed}");
    }
}

#[test]
fn standings_are_written_canonically_and_every_row_is_a_leaf_under_the_root() {
    for (seed, _, standings) in cases().take(300) {
        let text = standings.canonical().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(canonical::text(&value).unwrap(), text, "seed {seed}");

        let leaf =
            |value: &Value| apogee_leaderboard::merkle::leaf(canonical::text(value).unwrap().as_bytes());
        let mut leaves = vec![leaf(&value["scope"])];
        leaves.extend(value["entities"].as_array().unwrap().iter().map(leaf));
        for list in value["boards"].as_array().unwrap() {
            leaves.push(leaf(&json!({"board": list["board"], "region": list["region"]})));
            leaves.extend(list["rows"].as_array().unwrap().iter().map(leaf));
        }
        for list in ["pools", "payouts"] {
            leaves.extend(value[list].as_array().unwrap().iter().map(leaf));
        }
        assert_eq!(standings.leaves().unwrap(), leaves, "seed {seed}");
        assert_eq!(apogee_leaderboard::merkle::Tree::new(leaves).root(), standings.root, "seed {seed}");
    }
}

#[test]
fn equals_share_a_rank_and_the_next_one_counts_them() {
    for (seed, _, standings) in cases() {
        for list in &standings.boards {
            for (index, row) in list.rows.iter().enumerate() {
                let value = |row: &BoardRow| (row.value.whole(), row.value.fraction().cloned());
                let equal = |other: &&BoardRow| value(other) == value(row);
                let first = list.rows.iter().position(|other| equal(&other)).unwrap();
                let known = row.value.is_known();
                assert_eq!(row.rank, known.then_some(first as u64 + 1), "seed {seed} row {index}");
                assert_eq!(row.tied, known && list.rows.iter().filter(equal).count() > 1, "seed {seed}");
            }
        }
    }
}

/// The case with more decisions, all of them looked at.
fn with(case: &Value, effects: &[Value]) -> Value {
    let mut case = case.clone();
    // Everything that was not looked at before is made nothing.
    let seen = case["seq"].as_u64().unwrap();
    let decisions = case["decisions"].as_array_mut().unwrap();
    for decision in decisions.iter_mut().filter(|decision| decision["seq"].as_u64() > Some(seen)) {
        decision["effect"] = json!({"kind": "note"});
    }
    for effect in effects {
        decisions.push(json!({"seq": decisions.len() + 1, "effect": effect}));
    }
    case["seq"] = json!(decisions.len());
    case
}

#[test]
fn what_is_decided_and_reverted_leaves_no_trace() {
    let (mut tried, mut changed) = (0, 0);
    for (seed, case, _) in cases_of(1_000) {
        tried += 1;
        let next = case["decisions"].as_array().unwrap().len() + 1;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let from = rng.random_range(0..30);
        let metrics: Vec<&Value> = case["rules"]["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|_| rng.random_ratio(1, 4))
            .map(|metric| &metric["id"])
            .collect();
        let regions = if rng.random() { json!([]) } else { json!(["asia"]) };
        let until = from + rng.random_range(1..40);
        let remove = json!({"kind": "remove-interval", "from": from, "until": until, "metrics": metrics, "regions": regions});
        let revert = |seq: usize| json!({"kind": "revert", "seq": seq});
        let never = run(&with(&case, &[]));
        let undone = run(&with(&case, &[remove.clone(), revert(next)]));
        assert_eq!(undone, never, "seed {seed}");
        let Ok(done) = standings(&with(&case, std::slice::from_ref(&remove))) else { continue };
        assert_ne!(done.root, never.root, "seed {seed}");
        changed += u32::from(done.entities != never.entities);
        let redone = run(&with(&case, &[remove, revert(next), revert(next + 1)]));
        assert_eq!(redone, done, "seed {seed}");
    }
    assert!(tried > 900 && changed > 150, "{changed} of {tried} change anything");
}

/// How much less somebody else may have after a disqualification, by the policies of a pool and its board; `None` where nothing is promised.
fn promised_loss(rules: &Value, pool: &str) -> Option<u128> {
    let pool = rules["pools"].as_array().unwrap().iter().find(|row| row["id"] == pool).unwrap();
    let board = rules["boards"].as_array().unwrap().iter().find(|row| row["id"] == pool["board"]).unwrap();
    match pool["divide"]["kind"].as_str().unwrap() {
        "flat" | "metric" => return Some(0),
        "weight" if pool["divide"]["metric"] != board["metric"] => return None,
        _ => {}
    }
    let open_ended = board.get("top").is_none();
    if !open_ended && matches!(board["cutoff"].as_str(), Some("include-all" | "none")) {
        return None;
    }
    match pool["rounding"].as_str().unwrap() {
        "floor" => Some(0),
        _ if pool.get("floor").is_some() || pool.get("cap").is_some() => None,
        _ => Some(1),
    }
}

#[test]
fn a_disqualification_takes_nothing_from_others_where_the_policies_promise_it() {
    let (mut held, mut by_policy) = (0, BTreeMap::<String, u32>::new());
    for (seed, case, _) in cases() {
        let base = run(&with(&case, &[json!({"kind": "note"})]));
        for entity in &base.entities {
            let effect = json!({"kind": "disqualify", "entities": [entity.id]});
            let after = run(&with(&case, &[effect]));
            for (before, after) in base.pools.iter().zip(&after.pools) {
                let unchanged = before.amount == after.amount;
                let pool = before.pool.as_str();
                let open = case["rules"]["pools"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|row| row["id"] == pool && row["amount"]["kind"] == "open");
                let Some(loss) = promised_loss(&case["rules"], pool).filter(|_| unchanged || open) else {
                    continue;
                };
                for share in before.shares.iter().filter(|share| share.entity != entity.id) {
                    let now = after.shares.iter().find(|other| other.entity == share.entity);
                    let now = now.map_or(0, |share| share.amount.0);
                    assert!(
                        now + loss >= share.amount.0,
                        "seed {seed} {pool} {} without {}",
                        share.entity,
                        entity.id
                    );
                    held += 1;
                    *by_policy.entry(format!("{loss}")).or_default() += 1;
                }
            }
        }
    }
    assert!(held > 4000, "{held} shares were compared");
    assert!(by_policy.values().all(|count| *count > 100), "{by_policy:?}");
}

/// Shares of `b` before and after `a` is disqualified.
fn before_and_after(case: &Value) -> (u128, u128) {
    let base = run(&with(case, &[json!({"kind": "note"})]));
    let after = run(&with(case, &[json!({"kind": "disqualify", "entities": ["a"]})]));
    assert_eq!(base.pools[0].amount, after.pools[0].amount);
    (share(result(&base, "prize", None), "b"), share(result(&after, "prize", None), "b"))
}

fn contest(values: &[(&str, u128)], top: Option<u64>, cutoff: &str, divide: Value, amount: u128) -> Value {
    let mut case = empty();
    case["rules"]["boards"] = json!([board("all", "power", top, cutoff)]);
    let mut prize = pool("prize", "all", fixed(amount), "power");
    prize["divide"] = divide;
    case["rules"]["pools"] = json!([prize]);
    for (id, value) in values {
        join(&mut case, id, None, &[("power.raw", *value)]);
    }
    case
}

#[test]
fn a_disqualification_can_cost_others_where_ties_at_the_cut_off_come_in_together() {
    let field = [("a", 10), ("b", 10), ("c", 9), ("d", 9), ("e", 9)];
    for (cutoff, top) in [("include-all", 2), ("none", 4)] {
        let case = contest(&field, Some(top), cutoff, json!({"kind": "weight", "metric": "power"}), 1000);
        let (before, after) = before_and_after(&case);
        assert_eq!((before, after), (500, 1000 * 10 / 37), "{cutoff}");
    }
    for cutoff in ["by-id", "split", "earliest"] {
        let case = contest(&field, Some(2), cutoff, json!({"kind": "weight", "metric": "power"}), 1000);
        let (before, after) = before_and_after(&case);
        assert_eq!((before, after), (500, 1000 * 10 / 19), "{cutoff}");
    }
}

#[test]
fn a_disqualification_can_cost_others_where_the_successor_weighs_more() {
    let mut case = contest(&[("a", 10), ("b", 9), ("c", 8)], Some(2), "by-id", Value::Null, 1000);
    case["rules"]["metrics"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "earned", "kind": "window", "series": "reward.block"}));
    case["rules"]["pools"][0]["divide"] = json!({"kind": "weight", "metric": "earned"});
    for (id, earned) in [("a", 1), ("b", 1), ("c", 8)] {
        let series = case["facts"]["series"].as_array_mut().unwrap();
        let series = series.iter_mut().find(|series| series["name"] == "reward.block").unwrap();
        series["steps"][id] = json!([[1, earned.to_string()]]);
    }
    assert_eq!(before_and_after(&case), (500, 1000 / 9));
}

#[test]
fn the_largest_remainder_can_cost_one_unit() {
    // 5 and 5 of 10 for everybody alone; the unit that rounding leaves goes elsewhere when the fractions change.
    let weight = json!({"kind": "weight", "metric": "power"});
    let lost = (1..9_u128).flat_map(|a| (1..9).flat_map(move |b| (1..9).map(move |c| (a, b, c)))).find(
        |(a, b, c)| {
            let mut case =
                contest(&[("a", *a), ("b", *b), ("c", *c), ("d", 7)], None, "by-id", weight.clone(), 10);
            case["rules"]["pools"][0]["rounding"] = json!("largest-remainder");
            let (before, after) = before_and_after(&case);
            assert!(after + 1 >= before);
            after < before
        },
    );
    assert!(lost.is_some());
}

#[test]
fn an_entity_that_leaves_makes_its_members_compete_alone() {
    let mut case = contest(&[("a", 10), ("b", 9)], None, "by-id", json!({"kind": "equal"}), 100);
    push(
        &mut case["entities"],
        json!({
            "id": "team", "name": "Team", "tracks": [], "attested": [],
            "members": [{"participant": "a", "from": 0, "until": 60}, {"participant": "b", "from": 0}],
        }),
    );
    let ids = |case: &Value| run(case).entities.iter().map(|row| row.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&case), ["team"]);
    case["at"] = json!(60);
    assert_eq!(ids(&case), ["a", "team"]);
}
