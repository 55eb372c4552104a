//! The golden cases of the real competitions, exact to the atto. What they are: `docs/rules.md`, and the sources named with the data.

use apogee_leaderboard::vested;
use apogee_rules::Quantity;
use serde_json::{Value, json};

use crate::race::{
    GIB, PIB, TIB, atto, board, empty, fil, fixed, join, pool, push, result, run, share, tiers,
};

const GLOBAL: [(u128, u128); 6] = [
    (5 * PIB, 100_000),
    (10 * PIB, 200_000),
    (25 * PIB, 300_000),
    (50 * PIB, 500_000),
    (100 * PIB, 1_000_000),
    (200 * PIB, 1_500_000),
];
const REGIONAL_FIRST: [(u128, u128); 5] =
    [(100 * TIB, 25_000), (500 * TIB, 50_000), (PIB, 100_000), (5 * PIB, 250_000), (10 * PIB, 500_000)];
const REGIONAL: [(u128, u128); 5] =
    [(10 * TIB, 25_000), (100 * TIB, 50_000), (PIB, 100_000), (5 * PIB, 250_000), (10 * PIB, 500_000)];
const REGIONS: [&str; 6] = ["SA", "AS", "EU", "NA", "AF", "OC"];

fn golden(name: &str) -> Option<Value> {
    let file = std::fs::read(apogee_testkit::data("golden/space-race.json")?).unwrap();
    let all: Value = serde_json::from_slice(&file).unwrap();
    assert!(!all[name].is_null(), "{name} is in the file");
    Some(all[name].clone())
}

fn coins(value: &Value) -> u128 {
    value.as_u64().map_or_else(|| atto(value.as_str().unwrap()), |whole| fil(whole.into()))
}

/// Space Race 1: the global pool with gates from 100 PiB on, and one for each region.
fn space_race() -> Value {
    let mut case = empty();
    let rules = &mut case["rules"];
    rules["competition"]["regions"] = json!(REGIONS);
    let mut global = tiers("highest", "power", "all", 0, &GLOBAL);
    for tier in global["tiers"].as_array_mut().unwrap().iter_mut().skip(4) {
        tier["gate"] = json!({"metric": "power", "population": "all", "each_region": PIB.to_string()});
    }
    let mut regional = board("regional", "power", Some(50), "by-id");
    regional["partition"] = json!("region");
    rules["boards"] = json!([board("global", "power", Some(100), "by-id"), regional]);
    rules["pools"] = json!([
        pool("global", "global", global, "power"),
        pool("regional", "regional", tiers("highest", "power", "all", 0, &REGIONAL), "power"),
    ]);
    case
}

#[test]
fn sr1_a_the_official_example_comes_out_exactly() {
    let Some(expected) = golden("SR1-A") else { return };
    let mut case = space_race();
    join(&mut case, "ARG", Some("SA"), &[("power.raw", 1536 * TIB)]);
    let south = [(48, 31), (1, 48), (68, 30), (1, 8)];
    let mut number = 0;
    for (count, size) in south {
        for _ in 0..count {
            number += 1;
            join(&mut case, &format!("sa{number:03}"), Some("SA"), &[("power.raw", size * TIB)]);
        }
    }
    let others = [(98, 1018), (33, 512)];
    for (count, size) in others {
        for (index, region) in (0..count).zip(REGIONS[1..].iter().cycle()) {
            join(&mut case, &format!("x{size}-{index:03}"), Some(region), &[("power.raw", size * TIB)]);
        }
    }
    join(&mut case, "first", Some("AS"), &[("power.raw", 1100 * TIB)]);

    let standings = run(&case);
    let (global, south) = (result(&standings, "global", None), result(&standings, "regional", Some("SA")));
    assert_eq!(global.reached.unwrap().0, u128::from(expected["total_TiB"].as_u64().unwrap()) * TIB);
    for (region, size) in expected["regions_TiB"].as_object().unwrap() {
        let reached = result(&standings, "regional", Some(region)).reached.unwrap().0;
        assert_eq!(reached, u128::from(size.as_u64().unwrap()) * TIB, "{region}");
    }
    assert_eq!(global.amount.0, coins(&expected["global_pool"]));
    assert_eq!(south.amount.0, coins(&expected["region_pool"]));
    assert_eq!(share(global, "ARG"), coins(&expected["ARG_global"]));
    assert_eq!(share(south, "ARG"), coins(&expected["ARG_region"]));
    assert_eq!(standings.payout("ARG").unwrap().total.0, coins(&expected["ARG_total"]));
    assert_eq!(global.undistributed.0, u128::from(expected["dust_global_atto"].as_u64().unwrap()));
    assert_eq!(south.undistributed.0, u128::from(expected["dust_region_atto"].as_u64().unwrap()));
}

#[test]
fn sr1_b_block_rewards_divide_their_prize() {
    let Some(expected) = golden("SR1-B") else { return };
    let mut case = empty();
    case["rules"]["metrics"] = json!([{"id": "earned", "kind": "window", "series": "reward.block"}]);
    case["rules"]["boards"] = json!([board("miners", "earned", Some(20), "by-id")]);
    case["rules"]["pools"] = json!([pool("prize", "miners", fixed(fil(100_000)), "earned")]);
    join(&mut case, "me", None, &[("reward.block", fil(100_000))]);
    join(&mut case, "rest", None, &[("reward.block", fil(1_900_000))]);
    let standings = run(&case);
    for who in ["me", "rest"] {
        assert_eq!(share(result(&standings, "prize", None), who), coins(&expected[who]));
    }
}

/// Bytes of labels such as `5PiB-1B`, `24.99..PiB` and `100PiB,one region short`.
fn bytes(label: &str) -> u128 {
    let label = label.split(',').next().unwrap();
    let (size, less) = label.strip_suffix("-1B").map_or((label, 0), |size| (size, 1));
    let (number, unit) = size.split_at(size.len() - 3);
    let unit = if unit == "PiB" { PIB } else { TIB };
    let (whole, part) = number.trim_end_matches("..").split_once('.').unwrap_or((number, ""));
    let part_value =
        part.parse::<u128>().unwrap_or(0) * unit / 10_u128.pow(u32::try_from(part.len()).unwrap());
    whole.parse::<u128>().unwrap() * unit + part_value - less
}

#[test]
fn sr1_c_global_tiers_open_at_their_level_and_behind_their_gate() {
    let Some(expected) = golden("SR1-C-global") else { return };
    for row in expected.as_array().unwrap() {
        let label = row[0].as_str().unwrap();
        let mut case = space_race();
        let total = bytes(label);
        let short = if label.contains("one region") { PIB - 1 } else { PIB };
        let others = if total > 30 * PIB { [short, PIB, PIB, PIB, PIB] } else { [0; 5] };
        for (region, size) in REGIONS[1..].iter().zip(others) {
            join(&mut case, &format!("f-{region}"), Some(region), &[("power.raw", size)]);
        }
        let rest = total - others.iter().sum::<u128>();
        join(&mut case, "f-SA", Some("SA"), &[("power.raw", rest)]);
        let standings = run(&case);
        let global = result(&standings, "global", None);
        assert_eq!((global.reached.unwrap().0, global.amount.0), (total, coins(&row[1])), "{label}");
    }
}

#[test]
fn sr1_c_regional_tiers_hold_in_both_versions() {
    let Some(expected) = golden("SR1-C-region") else { return };
    for row in expected.as_array().unwrap() {
        for (version, amounts) in [(1, REGIONAL_FIRST), (2, REGIONAL)] {
            let mut case = space_race();
            case["rules"]["pools"][1]["amount"] = tiers("highest", "power", "all", 0, &amounts);
            join(&mut case, "f01", Some("EU"), &[("power.raw", bytes(row[0].as_str().unwrap()))]);
            let standings = run(&case);
            let amount = result(&standings, "regional", Some("EU")).amount.0;
            assert_eq!(amount, coins(&row[version]), "{row} version {version}");
        }
    }
}

#[test]
fn sr1_d_rates_of_combined_miners_are_pooled() {
    let Some(expected) = golden("SR1-D") else { return };
    let mut case = empty();
    let rate = |id, aggregation| json!({"id": id, "kind": "rate", "passed": "probe.ok", "failed": "probe.failed", "aggregation": aggregation});
    case["rules"]["metrics"] = json!([rate("pooled", "pooled"), rate("mean", "mean")]);
    case["rules"]["eligibility"] =
        json!([{"id": "deals", "kind": "at-least", "metric": "pooled", "value": "4/5", "per": "entity"}]);
    join(&mut case, "f01", None, &[("probe.ok", 90), ("probe.failed", 10)]);
    join(&mut case, "f02", None, &[("probe.ok", 30), ("probe.failed", 20)]);
    join(&mut case, "f03", None, &[("probe.ok", 799), ("probe.failed", 201)]);
    let members = json!([{"participant": "f01", "from": 0}, {"participant": "f02", "from": 0}]);
    push(
        &mut case["entities"],
        json!({"id": "team", "name": "Team", "tracks": [], "attested": [], "members": members}),
    );
    let standings = run(&case);
    let team = standings.entity("team").unwrap();
    assert_eq!(
        team.metric("pooled").unwrap().fraction().unwrap().to_string(),
        expected["pooled"].as_str().unwrap()
    );
    assert_eq!(
        team.metric("mean").unwrap().fraction().unwrap().to_string(),
        expected["mean_of_means"].as_str().unwrap()
    );
    assert_eq!(team.eligible, expected["eligible"].as_bool().unwrap());
    let below = standings.entity("f03").unwrap();
    let rate = below.metric("pooled").unwrap().fraction().unwrap().to_string();
    assert_eq!(json!([rate, below.eligible]), expected["just_below"]);
    // (799 + 5) / (1000 + 5) = 4/5: five more.
    assert_eq!(below.checks().next().unwrap().need(), Some(Quantity(5)));
}

fn four_miners(sizes: [u128; 4], ineligible: &[&str]) -> Value {
    let mut case = empty();
    case["rules"]["eligibility"] = json!([{"id": "kyc", "kind": "attested", "what": "kyc"}]);
    case["rules"]["boards"] = json!([board("miners", "power", None, "by-id")]);
    let amount = tiers("highest", "power", "all", 0, &REGIONAL);
    case["rules"]["pools"] = json!([pool("prize", "miners", amount, "power")]);
    case["seq"] = json!(4);
    for ((id, size), seq) in ["f01", "f02", "f03", "f04"].into_iter().zip(sizes).zip(1..) {
        join(&mut case, id, None, &[("power.raw", size * TIB)]);
        let kind = if ineligible.contains(&id) {
            json!({"kind": "note"})
        } else {
            json!({"kind": "attest", "entity": id, "what": "kyc"})
        };
        push(&mut case["decisions"], json!({"seq": seq, "effect": kind}));
    }
    case
}

#[test]
fn sr1_e_the_ineligible_unlock_and_do_not_divide() {
    let (Some(excluded), Some(included)) =
        (golden("SR1-E-exclude-before"), golden("SR1-E-include-in-denominator"))
    else {
        return;
    };
    let mut case = four_miners([700, 500, 300, 100], &["f02"]);
    let standings = run(&case);
    let prize = result(&standings, "prize", None);
    assert_eq!(prize.amount.0, coins(&excluded["pool"]));
    for who in ["f01", "f02", "f03", "f04"] {
        let expected = excluded["shares"].get(who).map_or(0, coins);
        assert_eq!(share(prize, who), expected, "{who}");
    }
    assert_eq!(prize.undistributed.0, u128::from(excluded["dust"].as_u64().unwrap()));

    case["rules"]["boards"][0]["population"] = json!("all");
    case["rules"]["pools"][0]["ineligible"] = json!("forfeit");
    let standings = run(&case);
    let prize = result(&standings, "prize", None);
    for who in ["f01", "f02", "f03", "f04"] {
        assert_eq!(share(prize, who), coins(&included[who]), "{who}");
    }
    let paid: u128 = prize.shares.iter().map(|share| share.amount.0).sum();
    assert_eq!(prize.undistributed.0, coins(&excluded["pool"]) - paid);
}

#[test]
fn sr1_f_a_tie_for_the_last_place_goes_to_the_lower_id() {
    let Some(expected) = golden("SR1-F") else { return };
    let mut case = four_miners([500, 300, 300, 100], &[]);
    case["rules"]["boards"][0]["top"] = json!(2);
    let standings = run(&case);
    let prize = result(&standings, "prize", None);
    assert_eq!((prize.amount.0, prize.undistributed.0), (coins(&expected["pool"]), 0));
    for who in ["f01", "f02", "f03", "f04"] {
        assert_eq!(share(prize, who), expected["shares"].get(who).map_or(0, coins), "{who}");
    }
}

/// Slingshot: clients by the bytes of their deals.
fn slingshot() -> Value {
    let mut case = empty();
    case["rules"]["competition"]["end"] = json!(400_000);
    case["at"] = json!(300_000);
    case["rules"]["metrics"] = json!([deals("data", "bytes")]);
    case["rules"]["boards"] = json!([board("clients", "data", None, "by-id")]);
    case
}

fn deals(id: &str, measure: &str) -> Value {
    json!({
        "id": id, "kind": "deals", "measure": measure, "start_after": 166_560, "max_replicas": 10, "excess": "not-counted",
        "own": "not-counted",
    })
}

fn deal(case: &mut Value, client: &str, provider: &str, piece: &str, bytes: u128, start: u64) {
    let id = case["facts"]["deals"].as_array().unwrap().len();
    push(
        &mut case["facts"]["deals"],
        json!({
            "id": id, "participant": client, "provider": provider, "piece": piece, "bytes": bytes.to_string(),
            "start": start, "sealed": 200_000,
        }),
    );
}

const PHASE_1: [(u128, u128); 6] = [
    (10 * TIB, 10_000),
    (100 * TIB, 20_000),
    (500 * TIB, 50_000),
    (PIB, 100_000),
    (5 * PIB, 250_000),
    (10 * PIB, 500_000),
];

#[test]
fn sl_a_only_eligible_clients_unlock() {
    let Some(expected) = golden("SL-A") else { return };
    let mut case = slingshot();
    let amount = tiers("highest", "data", "eligible", 0, &PHASE_1);
    case["rules"]["pools"] = json!([pool("prize", "clients", amount, "data")]);
    case["rules"]["eligibility"] = json!([{"id": "size", "kind": "attested", "what": "valid"}]);
    for (client, halves, valid) in [("A", 10, true), ("B", 11, true), ("C", 10, false), ("D", 1, false)] {
        join(&mut case, client, None, &[]);
        for half in 0..halves {
            deal(&mut case, client, "f0p", &format!("{client}{half}"), TIB / 2, 170_000);
        }
        if valid {
            let seq = case["decisions"].as_array().unwrap().len() + 1;
            let effect = json!({"kind": "attest", "entity": client, "what": "valid"});
            push(&mut case["decisions"], json!({"seq": seq, "effect": effect}));
        }
    }
    case["seq"] = json!(2);
    let standings = run(&case);
    let prize = result(&standings, "prize", None);
    assert_eq!(prize.reached.unwrap().0, 21 * TIB / 2);
    assert_eq!(prize.amount.0, coins(&expected["pool"]));
    for who in ["A", "B", "C", "D"] {
        assert_eq!(share(prize, who), expected["shares"].get(who).map_or(0, coins), "{who}");
    }
    assert_eq!(prize.undistributed.0, u128::from(expected["dust"].as_u64().unwrap()));
}

#[test]
fn sl_b_tiers_of_the_first_phase() {
    let Some(expected) = golden("SL-B-tiers") else { return };
    for row in expected.as_array().unwrap() {
        let mut case = slingshot();
        let amount = tiers("highest", "data", "eligible", 0, &PHASE_1);
        case["rules"]["pools"] = json!([pool("prize", "clients", amount, "data")]);
        join(&mut case, "A", None, &[]);
        deal(&mut case, "A", "f0p", "piece", bytes(row[0].as_str().unwrap()), 170_000);
        assert_eq!(result(&run(&case), "prize", None).amount.0, coins(&row[1]), "{row}");
    }
}

#[test]
fn sl_c_the_second_phase_pays_what_a_window_unlocks_and_a_booster() {
    let Some(expected) = golden("SL-C") else { return };
    let steps = [
        (500 * TIB, 50_000),
        (PIB, 100_000),
        (3 * PIB / 2, 125_000),
        (2 * PIB, 150_000),
        (5 * PIB / 2, 175_000),
        (3 * PIB, 200_000),
    ];
    let mut case = slingshot();
    let mut booster = board("booster", "data", None, "by-id");
    booster["above"] = json!((50 * GIB).to_string());
    push(&mut case["rules"]["boards"], booster);
    let mut boost = pool("boost", "booster", json!({"kind": "open"}), "data");
    boost["divide"] = json!({"kind": "flat", "each": fil(10).to_string()});
    let window =
        pool("window", "clients", tiers("newly-unlocked", "data", "eligible", 730 * TIB, &steps), "data");
    case["rules"]["pools"] = json!([window, boost]);
    for (client, size) in [("X", 600 * TIB), ("Y", 300 * TIB), ("Z", 50 * GIB)] {
        join(&mut case, client, None, &[]);
        // Z has exactly what the booster wants more of, and nothing that counts for the window.
        let start = if client == "Z" { 166_560 } else { 170_000 };
        deal(&mut case, client, "f0p", client, size, start);
    }
    let standings = run(&case);
    let window = result(&standings, "window", None);
    assert_eq!(window.amount.0, coins(&expected["window_pool"]));
    let unlocked = coins(&expected["cum_after"]) - coins(&expected["cum_before"]);
    assert_eq!(window.amount.0, unlocked);
    let boost = result(&standings, "boost", None);
    for who in ["X", "Y"] {
        assert_eq!(share(window, who), coins(&expected["shares"][who]));
        assert_eq!(share(boost, who), coins(&expected["booster_each"]));
    }
    assert_eq!(share(boost, "Z"), 0);
    assert_eq!(boost.amount.0, 2 * coins(&expected["booster_each"]));
    assert_eq!(window.undistributed.0, u128::from(expected["dust"].as_u64().unwrap()));
}

#[test]
fn sl_d_replicas_beyond_the_tenth_and_early_deals_do_not_count() {
    let Some(expected) = golden("SL-D") else { return };
    let mut case = slingshot();
    let measures = [("data", "bytes"), ("n", "deals"), ("cids", "pieces"), ("same", "replicas")];
    case["rules"]["metrics"] = measures.iter().map(|(id, measure)| deals(id, measure)).collect();
    join(&mut case, "A", None, &[]);
    for (piece, count, size, start) in [("P", 13, 32, 170_000), ("Q", 4, 16, 170_000), ("R", 1, 32, 166_560)]
    {
        for _ in 0..count {
            deal(&mut case, "A", "f0p", piece, size * GIB, start);
        }
    }
    let standings = run(&case);
    let client = standings.entity("A").unwrap();
    let found = |metric| client.metric(metric).unwrap().whole().unwrap();
    assert_eq!(found("data"), u128::from(expected["data_GiB"].as_u64().unwrap()) * GIB);
    assert_eq!(found("n"), u128::from(expected["num_deals"].as_u64().unwrap()));
    assert_eq!(found("cids"), u128::from(expected["num_cids"].as_u64().unwrap()));
    assert_eq!(found("same"), u128::from(expected["max_same_cid"].as_u64().unwrap()));
}

#[test]
fn sl_e_a_share_of_exactly_the_bar_is_allowed() {
    let Some(expected) = golden("SL-E") else { return };
    let mut case = slingshot();
    push(&mut case["rules"]["metrics"], deals("largest", "provider-share"));
    case["rules"]["eligibility"] =
        json!([{"id": "spread", "kind": "at-most", "metric": "largest", "value": "3/10", "per": "entity"}]);
    join(&mut case, "A", None, &[]);
    for (provider, size) in [("f01", 96), ("f02", 96), ("f03", 64), ("f04", 64)] {
        deal(&mut case, "A", provider, provider, size * GIB, 170_000);
    }
    let standings = run(&case);
    let client = standings.entity("A").unwrap();
    assert_eq!(
        client.metric("data").unwrap().whole().unwrap() / GIB,
        u128::from(expected["total"].as_u64().unwrap())
    );
    let largest = client.metric("largest").unwrap().fraction().unwrap().to_string();
    assert_eq!(json!(largest), expected["max_share"]);
    assert_eq!(json!(client.eligible), expected["ok"]);
}

#[test]
fn ob_a_and_vest_what_is_vested_is_rounded_down() {
    let (Some(expected), Some(table)) = (golden("OB-A"), golden("VEST")) else { return };
    const DAY: u64 = 2880;
    let vested = |coins, elapsed| vested(Quantity(fil(coins)), elapsed, 180 * DAY).0;
    assert_eq!(vested(540, 60 * DAY), coins(&expected["vest_540_day60"]));
    assert_eq!(vested(100, DAY), coins(&expected["vest_100_sixmonths_day1"]));
    for row in table.as_array().unwrap() {
        assert_eq!(vested(1000, row[0].as_u64().unwrap()), coins(&row[1]), "{row}");
    }
}

#[test]
fn ob_b_top_up_and_bonus_are_paid_as_they_are() {
    let Some(expected) = golden("OB-B") else { return };
    let mut case = empty();
    push(&mut case["rules"]["metrics"], json!({"id": "missing", "kind": "window", "series": "shortfall"}));
    case["rules"]["boards"] = json!([board("all", "power", None, "by-id")]);
    let open = |id: &str, divide: Value| json!({"id": id, "board": "all", "amount": {"kind": "open"}, "divide": divide, "rounding": "floor"});
    case["rules"]["pools"] = json!([
        open("top-up", json!({"kind": "metric", "metric": "missing"})),
        open("bonus", json!({"kind": "flat", "each": fil(100).to_string()})),
    ]);
    let missing = atto(expected["avail"].as_str().unwrap().trim_start_matches('-'));
    join(&mut case, "f01", None, &[("power.raw", 32 * GIB), ("shortfall", missing)]);
    let standings = run(&case);
    assert_eq!(share(result(&standings, "top-up", None), "f01"), coins(&expected["topup"]));
    assert_eq!(share(result(&standings, "bonus", None), "f01"), coins(&expected["bonus"]));
}

#[test]
fn ob_c_the_announced_pool_is_divided_by_rewards_and_gas() {
    let Some(expected) = golden("OB-C") else { return };
    let mut case = empty();
    case["rules"]["metrics"] = json!([
        {"id": "earned", "kind": "sum", "of": ["blocks", "gas"]},
        {"id": "blocks", "kind": "window", "series": "reward.block"},
        {"id": "gas", "kind": "window", "series": "reward.gas"},
    ]);
    case["rules"]["boards"] = json!([board("miners", "earned", None, "by-id")]);
    case["rules"]["pools"] = json!([pool("sprint", "miners", json!({"kind": "by-decision"}), "earned")]);
    let effect = json!({"kind": "set-amount", "pool": "sprint", "amount": fil(50_000).to_string()});
    case["decisions"] = json!([{"seq": 1, "effect": effect}]);
    case["seq"] = json!(1);
    for (id, blocks, gas) in [("m1", 599_000, 1_000), ("m2", 300_000, 0), ("m3", 1, 99_999)] {
        join(&mut case, id, None, &[("reward.block", fil(blocks)), ("reward.gas", fil(gas))]);
    }
    let standings = run(&case);
    for who in ["m1", "m2", "m3"] {
        assert_eq!(share(result(&standings, "sprint", None), who), coins(&expected[who]), "{who}");
    }
}

#[test]
fn ob_d_a_sector_outlives_thirteen_faulty_periods_and_not_fourteen() {
    const DAY: u64 = 2880;
    for (periods, lives) in [(13, 1), (14, 0)] {
        let mut case = empty();
        case["rules"]["competition"]["end"] = json!(100 * DAY);
        case["rules"]["metrics"] = json!([{"id": "sectors", "kind": "sectors", "measure": "count", "fault_periods": 14, "period": DAY}]);
        join(&mut case, "f01", None, &[]);
        let faults = json!([[DAY, DAY + 5], [2 * DAY, (2 + periods) * DAY]]);
        let sector =
            json!({"participant": "f01", "number": 7, "bytes": "34359738368", "from": 0, "faults": faults});
        push(&mut case["facts"]["sectors"], sector);
        case["at"] = json!(50 * DAY);
        let standings = run(&case);
        assert_eq!(
            standings.entity("f01").unwrap().metric("sectors").unwrap().whole(),
            Some(lives),
            "{periods}"
        );
    }
}
