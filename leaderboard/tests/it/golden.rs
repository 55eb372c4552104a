//! The golden cases of the real competitions, exact to the atto: what they are made of and what has to come out, for any program that works cases out.
//! What they are: `docs/rules.md`, and the sources named with the data.

use serde_json::{Value, json};

use crate::race::{GIB, PIB, TIB, atto, board, empty, fil, fixed, join, pool, push, tiers};

/// One who works cases out.
pub(crate) trait Program {
    /// The standings of a case, as they are published.
    fn standings(&self, case: &Value) -> Value;

    /// What is vested of an amount, in atto, `elapsed` epochs after the start of a linear vesting over `epochs`.
    fn vested(&self, amount: u128, epochs: u64, elapsed: u64) -> u128;
}

/// Works a case out and compares it with what has to come out.
type Check = fn(&dyn Program, &Value);

/// By their names in the file.
const CASES: [(&str, Check); 17] = [
    ("SR1-A", the_official_example_comes_out_exactly),
    ("SR1-B", block_rewards_divide_their_prize),
    ("SR1-C-global", global_tiers_open_at_their_level_and_behind_their_gate),
    ("SR1-C-region", regional_tiers_hold_in_both_versions),
    ("SR1-D", rates_of_combined_miners_are_pooled),
    ("SR1-E-exclude-before", the_ineligible_unlock_and_do_not_divide),
    ("SR1-E-include-in-denominator", the_ineligible_weigh_and_are_not_paid),
    ("SR1-F", a_tie_for_the_last_place_goes_to_the_lower_id),
    ("SL-A", only_eligible_clients_unlock),
    ("SL-B-tiers", tiers_of_the_first_phase),
    ("SL-C", the_second_phase_pays_what_a_window_unlocks_and_a_booster),
    ("SL-D", replicas_beyond_the_tenth_and_early_deals_do_not_count),
    ("SL-E", a_share_of_exactly_the_bar_is_allowed),
    ("OB-A", what_is_vested_is_rounded_down),
    ("OB-B", top_up_and_bonus_are_paid_as_they_are),
    ("OB-C", the_announced_pool_is_divided_by_rewards_and_gas),
    ("VEST", vesting_is_rounded_down_at_every_epoch),
];

/// What else is in the file, and why it is no case for rules.
const LEFT_OUT: [(&str, &str); 4] = [
    ("PCR-", "costs of proofs are paid back by a wallet, not by a pool"),
    ("DB-", "quotas of the bot that makes deals"),
    ("FC-", "limits of a faucet"),
    ("SM-", "rewards of a network without tipsets"),
];

/// Work every golden case out, where the file is there.
pub(crate) fn work_out(program: &dyn Program) {
    a_sector_outlives_thirteen_faulty_periods_and_not_fourteen(program);
    let Some(path) = apogee_testkit::data("golden/space-race.json") else { return };
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, check) in CASES {
        println!("{name}");
        assert!(all.get(name).is_some(), "{name} is in the file");
        check(program, &all[name]);
    }
    for name in all.as_object().unwrap().keys().filter(|name| CASES.iter().all(|(case, _)| case != name)) {
        let left_out = LEFT_OUT.iter().find(|(part, _)| name.starts_with(part));
        let (_, why) = left_out.unwrap_or_else(|| panic!("nobody looks at {name}"));
        println!("LEFT OUT: {name}: {why}");
    }
}

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

/// Whole coins, or a decimal number of them, in atto.
pub(crate) fn coins(value: &Value) -> u128 {
    value.as_u64().map_or_else(|| atto(value.as_str().unwrap()), |whole| fil(whole.into()))
}

/// A quantity, in a document or in the file.
fn whole(value: &Value) -> u128 {
    value.as_u64().map_or_else(|| value.as_str().unwrap().parse().unwrap(), Into::into)
}

fn result<'s>(standings: &'s Value, pool: &str, region: Option<&str>) -> &'s Value {
    let pools = standings["pools"].as_array().unwrap();
    pools.iter().find(|row| row["pool"] == pool && row["region"].as_str() == region).unwrap()
}

fn share(pool: &Value, entity: &str) -> u128 {
    let shares = pool["shares"].as_array().unwrap();
    shares.iter().find(|share| share["entity"] == entity).map_or(0, |share| whole(&share["amount"]))
}

fn entity<'s>(standings: &'s Value, id: &str) -> &'s Value {
    standings["entities"].as_array().unwrap().iter().find(|entity| entity["id"] == id).unwrap()
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

fn the_official_example_comes_out_exactly(program: &dyn Program, expected: &Value) {
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

    let standings = program.standings(&case);
    let (global, south) = (result(&standings, "global", None), result(&standings, "regional", Some("SA")));
    assert_eq!(whole(&global["reached"]), whole(&expected["total_TiB"]) * TIB);
    for (region, size) in expected["regions_TiB"].as_object().unwrap() {
        let reached = whole(&result(&standings, "regional", Some(region))["reached"]);
        assert_eq!(reached, whole(size) * TIB, "{region}");
    }
    assert_eq!(whole(&global["amount"]), coins(&expected["global_pool"]));
    assert_eq!(whole(&south["amount"]), coins(&expected["region_pool"]));
    assert_eq!(share(global, "ARG"), coins(&expected["ARG_global"]));
    assert_eq!(share(south, "ARG"), coins(&expected["ARG_region"]));
    let payouts = standings["payouts"].as_array().unwrap();
    let owed = payouts.iter().find(|payout| payout["entity"] == "ARG").unwrap();
    assert_eq!(whole(&owed["total"]), coins(&expected["ARG_total"]));
    let won = |row: &&Value| row["wins"] == "1/1";
    let first: u128 = standings["boards"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(won)
        .map(|row| whole(&row["value"]))
        .sum();
    assert_eq!(first, whole(&expected["top100_TiB"]) * TIB);
    assert_eq!(whole(&global["undistributed"]), whole(&expected["dust_global_atto"]));
    assert_eq!(whole(&south["undistributed"]), whole(&expected["dust_region_atto"]));
}

fn block_rewards_divide_their_prize(program: &dyn Program, expected: &Value) {
    let mut case = empty();
    case["rules"]["metrics"] = json!([{"id": "earned", "kind": "window", "series": "reward.block"}]);
    case["rules"]["boards"] = json!([board("miners", "earned", Some(20), "by-id")]);
    case["rules"]["pools"] = json!([pool("prize", "miners", fixed(fil(100_000)), "earned")]);
    join(&mut case, "me", None, &[("reward.block", fil(100_000))]);
    join(&mut case, "rest", None, &[("reward.block", fil(1_900_000))]);
    let standings = program.standings(&case);
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

fn global_tiers_open_at_their_level_and_behind_their_gate(program: &dyn Program, expected: &Value) {
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
        let standings = program.standings(&case);
        let global = result(&standings, "global", None);
        assert_eq!((whole(&global["reached"]), whole(&global["amount"])), (total, coins(&row[1])), "{label}");
    }
}

fn regional_tiers_hold_in_both_versions(program: &dyn Program, expected: &Value) {
    for row in expected.as_array().unwrap() {
        for (version, amounts) in [(1, REGIONAL_FIRST), (2, REGIONAL)] {
            let mut case = space_race();
            case["rules"]["pools"][1]["amount"] = tiers("highest", "power", "all", 0, &amounts);
            join(&mut case, "f01", Some("EU"), &[("power.raw", bytes(row[0].as_str().unwrap()))]);
            let standings = program.standings(&case);
            let amount = whole(&result(&standings, "regional", Some("EU"))["amount"]);
            assert_eq!(amount, coins(&row[version]), "{row} version {version}");
        }
    }
}

fn rates_of_combined_miners_are_pooled(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    let team = entity(&standings, "team");
    assert_eq!(team["metrics"]["pooled"]["value"], expected["pooled"]);
    assert_eq!(team["metrics"]["mean"]["value"], expected["mean_of_means"]);
    assert_eq!(team["eligible"], expected["eligible"]);
    let below = entity(&standings, "f03");
    assert_eq!(json!([below["metrics"]["pooled"]["value"], below["eligible"]]), expected["just_below"]);
    // (799 + 5) / (1000 + 5) = 4/5: five more.
    assert_eq!(below["checks"][0]["need"], "5");
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

/// One of four is not eligible.
pub(crate) fn three_of_four() -> Value {
    four_miners([700, 500, 300, 100], &["f02"])
}

/// Rank all of them, and leave to nobody what would go to those who are not eligible.
pub(crate) fn let_all_weigh(rules: &mut Value) {
    rules["boards"][0]["population"] = json!("all");
    rules["pools"][0]["ineligible"] = json!("forfeit");
}

fn the_ineligible_unlock_and_do_not_divide(program: &dyn Program, expected: &Value) {
    let standings = program.standings(&three_of_four());
    let prize = result(&standings, "prize", None);
    assert_eq!(whole(&prize["amount"]), coins(&expected["pool"]));
    for who in ["f01", "f02", "f03", "f04"] {
        assert_eq!(share(prize, who), expected["shares"].get(who).map_or(0, coins), "{who}");
    }
    assert_eq!(whole(&prize["undistributed"]), whole(&expected["dust"]));
}

fn the_ineligible_weigh_and_are_not_paid(program: &dyn Program, expected: &Value) {
    let mut case = three_of_four();
    let_all_weigh(&mut case["rules"]);
    let standings = program.standings(&case);
    let prize = result(&standings, "prize", None);
    let mut paid = 0;
    for who in ["f01", "f02", "f03", "f04"] {
        assert_eq!(share(prize, who), coins(&expected[who]), "{who}");
        paid += coins(&expected[who]);
    }
    assert_eq!(whole(&prize["undistributed"]), whole(&prize["amount"]) - paid);
}

fn a_tie_for_the_last_place_goes_to_the_lower_id(program: &dyn Program, expected: &Value) {
    let mut case = four_miners([500, 300, 300, 100], &[]);
    case["rules"]["boards"][0]["top"] = json!(2);
    let standings = program.standings(&case);
    let prize = result(&standings, "prize", None);
    assert_eq!((whole(&prize["amount"]), whole(&prize["undistributed"])), (coins(&expected["pool"]), 0));
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

fn only_eligible_clients_unlock(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    let prize = result(&standings, "prize", None);
    assert_eq!(whole(&prize["reached"]), 21 * TIB / 2);
    assert_eq!(whole(&prize["amount"]), coins(&expected["pool"]));
    for who in ["A", "B", "C", "D"] {
        assert_eq!(share(prize, who), expected["shares"].get(who).map_or(0, coins), "{who}");
    }
    assert_eq!(whole(&prize["undistributed"]), whole(&expected["dust"]));
}

fn tiers_of_the_first_phase(program: &dyn Program, expected: &Value) {
    for row in expected.as_array().unwrap() {
        let mut case = slingshot();
        let amount = tiers("highest", "data", "eligible", 0, &PHASE_1);
        case["rules"]["pools"] = json!([pool("prize", "clients", amount, "data")]);
        join(&mut case, "A", None, &[]);
        deal(&mut case, "A", "f0p", "piece", bytes(row[0].as_str().unwrap()), 170_000);
        assert_eq!(
            whole(&result(&program.standings(&case), "prize", None)["amount"]),
            coins(&row[1]),
            "{row}"
        );
    }
}

fn the_second_phase_pays_what_a_window_unlocks_and_a_booster(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    let window = result(&standings, "window", None);
    assert_eq!(whole(&window["amount"]), coins(&expected["window_pool"]));
    let unlocked = coins(&expected["cum_after"]) - coins(&expected["cum_before"]);
    assert_eq!(whole(&window["amount"]), unlocked);
    let boost = result(&standings, "boost", None);
    for who in ["X", "Y"] {
        assert_eq!(share(window, who), coins(&expected["shares"][who]));
        assert_eq!(share(boost, who), coins(&expected["booster_each"]));
    }
    assert_eq!(share(boost, "Z"), 0);
    assert_eq!(whole(&boost["amount"]), 2 * coins(&expected["booster_each"]));
    assert_eq!(whole(&window["undistributed"]), whole(&expected["dust"]));
}

fn replicas_beyond_the_tenth_and_early_deals_do_not_count(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    let client = entity(&standings, "A");
    let found = |metric: &str| whole(&client["metrics"][metric]["value"]);
    assert_eq!(found("data"), whole(&expected["data_GiB"]) * GIB);
    assert_eq!(found("n"), whole(&expected["num_deals"]));
    assert_eq!(found("cids"), whole(&expected["num_cids"]));
    assert_eq!(found("same"), whole(&expected["max_same_cid"]));
}

fn a_share_of_exactly_the_bar_is_allowed(program: &dyn Program, expected: &Value) {
    let mut case = slingshot();
    push(&mut case["rules"]["metrics"], deals("largest", "provider-share"));
    case["rules"]["eligibility"] =
        json!([{"id": "spread", "kind": "at-most", "metric": "largest", "value": "3/10", "per": "entity"}]);
    join(&mut case, "A", None, &[]);
    for (provider, size) in [("f01", 96), ("f02", 96), ("f03", 64), ("f04", 64)] {
        deal(&mut case, "A", provider, provider, size * GIB, 170_000);
    }
    let standings = program.standings(&case);
    let client = entity(&standings, "A");
    assert_eq!(whole(&client["metrics"]["data"]["value"]), whole(&expected["total"]) * GIB);
    assert_eq!(client["metrics"]["largest"]["value"], expected["max_share"]);
    assert_eq!(client["eligible"], expected["ok"]);
}

const DAY: u64 = 2880;

fn what_is_vested_is_rounded_down(program: &dyn Program, expected: &Value) {
    assert_eq!(program.vested(fil(540), 180 * DAY, 60 * DAY), coins(&expected["vest_540_day60"]));
    assert_eq!(program.vested(fil(100), 180 * DAY, DAY), coins(&expected["vest_100_sixmonths_day1"]));
}

fn vesting_is_rounded_down_at_every_epoch(program: &dyn Program, expected: &Value) {
    for row in expected.as_array().unwrap() {
        assert_eq!(program.vested(fil(1000), 180 * DAY, row[0].as_u64().unwrap()), coins(&row[1]), "{row}");
    }
}

fn top_up_and_bonus_are_paid_as_they_are(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    assert_eq!(share(result(&standings, "top-up", None), "f01"), coins(&expected["topup"]));
    assert_eq!(share(result(&standings, "bonus", None), "f01"), coins(&expected["bonus"]));
}

fn the_announced_pool_is_divided_by_rewards_and_gas(program: &dyn Program, expected: &Value) {
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
    let standings = program.standings(&case);
    for who in ["m1", "m2", "m3"] {
        assert_eq!(share(result(&standings, "sprint", None), who), coins(&expected[who]), "{who}");
    }
}

fn a_sector_outlives_thirteen_faulty_periods_and_not_fourteen(program: &dyn Program) {
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
        let standings = program.standings(&case);
        let found = &entity(&standings, "f01")["metrics"]["sectors"]["value"];
        assert_eq!(whole(found), lives, "{periods}");
    }
}
