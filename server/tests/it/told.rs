//! Rules, timeline, decisions and what-ifs of the demo's competitions.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::served::Served;

const SPRINT: &str = "/c/devnet-sprint";

fn good(served: &Served, address: &str) -> Value {
    let answer = served.get(address);
    assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    answer.json()
}

fn page(served: &Served, address: &str) -> String {
    let answer = served.ask("GET", address, &[("accept", "text/html")]);
    assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    answer.text()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sorted keys and no space: what is here holds no number beyond 2⁵³ and no escape that serde writes differently.
fn canonical(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn a_version_of_the_rules_is_the_data_that_its_hash_names() {
    let served = Served::new();
    for address in [format!("{SPRINT}/rules.json"), format!("{SPRINT}/rules/v1.json")] {
        let rules = good(&served, &address);
        assert_eq!(
            hash(&canonical(&rules["rules"])),
            rules["version"]["hash"].as_str().unwrap(),
            "{address}"
        );
        assert_eq!(rules["version"]["number"], 1);
    }
    let english = page(&served, &format!("{SPRINT}/rules"));
    let chinese = page(&served, &format!("/zh{SPRINT}/rules"));
    assert!(english.contains("at least 8 KiB"), "{english}");
    assert!(
        chinese.contains("8 KiB") && chinese.contains("资格") && !chinese.contains("at least"),
        "{chinese}"
    );
    assert_eq!(served.get(&format!("{SPRINT}/rules/v99.json")).status, 404);
    assert_eq!(served.get(&format!("{SPRINT}/rules/2.json")).status, 404);
}

#[test]
fn every_entry_of_the_ledger_is_shown_with_its_hash_and_what_it_does() {
    let served = Served::new();
    let last = good(&served, &format!("{SPRINT}.json"))["meta"]["seq"].as_u64().unwrap();
    assert!(last >= 5);
    let mut previous = Value::Null;
    for seq in 1..=last {
        let entry = good(&served, &format!("{SPRINT}/decisions/{seq}.json"));
        assert_eq!(hash(&canonical(&entry["record"]["entry"])), entry["hash"].as_str().unwrap(), "{seq}");
        assert_eq!(entry["previous"], previous);
        previous = entry["hash"].clone();
        if let Some(attached) = entry["attached"].as_object() {
            assert_eq!(attached["same"], true, "entry {seq}: {attached:?}");
        }
        page(&served, &format!("{SPRINT}/decisions/{seq}"));
        page(&served, &format!("/zh{SPRINT}/decisions/{seq}"));
    }
    assert_eq!(served.get(&format!("{SPRINT}/decisions/{}.json", last + 1)).status, 404);
    assert_eq!(served.get(&format!("{SPRINT}/decisions/0.json")).status, 404);
    // With the ledger up to an entry, those after it are not there.
    assert_eq!(served.get(&format!("{SPRINT}/decisions/4.json?seq=3")).status, 404);
}

#[test]
fn the_timeline_tells_what_happened_and_what_the_chain_shows() {
    let served = Served::new();
    let timeline = good(&served, &format!("{SPRINT}/timeline.json"));
    let seqs = |value: &Value| value["events"].as_array().unwrap().len();
    assert!(seqs(&timeline) >= 5);
    assert_eq!(timeline["looked_at"]["from"], 0);
    let told = good(&served, &format!("{SPRINT}/timeline.json?kind=announcement"));
    assert!(seqs(&told) >= 1 && seqs(&told) < seqs(&timeline));
    assert_eq!(served.get(&format!("{SPRINT}/timeline?kind=gossip")).status, 400);
    for sign in timeline["signs"].as_array().unwrap() {
        if let Some(remove) = sign["remove"].as_str() {
            let simulated = good(&served, &format!("{SPRINT}/simulate.json?remove={remove}"));
            assert!(simulated["effect"].is_object(), "{remove}: {simulated}");
        }
    }
    let chart = page(&served, &format!("{SPRINT}/timeline"));
    assert!(chart.contains("lanes-t") && chart.contains("k-dot"));
}

#[test]
fn a_what_if_is_an_address_and_the_same_address_the_same_bytes() {
    let served = Served::new();
    let nothing = good(&served, &format!("{SPRINT}/simulate.json"));
    assert_eq!((&nothing["effect"], &nothing["meta"]["simulated"]), (&Value::Null, &Value::Bool(false)));
    let address = format!(
        "{SPRINT}/simulate.json?at=e:310&rules=1&seq=4&set.pools.capacity.amount.tiers.1.at=32KiB&set.eligibility.few-faults.value=9&set.eligibility.some-power.value=6KiB"
    );
    let changed = good(&served, &address);
    assert_eq!(changed["meta"]["simulated"], true);
    assert_eq!(changed["problems"], Value::Array(Vec::new()));
    let effect = &changed["effect"];
    // The second tier is open at 46 KiB now, and whoever had too many faults and too little power is eligible.
    assert_eq!(effect["pools"][0]["before"], "1000000000000000000000");
    assert_eq!(effect["pools"][0]["after"], "5000000000000000000000");
    assert_eq!(effect["newly_eligible"][0]["entity"], "t01001");
    let checks = effect["newly_eligible"][0]["checks"].as_array().unwrap();
    assert!(checks.contains(&"few-faults".into()) && checks.contains(&"some-power".into()), "{checks:?}");
    assert_eq!(served.get(&address).body, Served::new().get(&address).body);
    let html = page(&served, &address.replace(".json", ""));
    assert!(html.contains("SIMULATION, not official"), "{html}");
    assert!(html.contains("class=\"changed\""));
    let csv = served.get(&address.replace(".json", ".csv")).text();
    assert_eq!(csv.lines().count(), 4, "{csv}");

    // What a form sends without a change asks nothing.
    let form = good(
        &served,
        &format!("{SPRINT}/simulate.json?set.eligibility.few-faults.value=2&remove=&disqualify="),
    );
    assert_eq!((&form["effect"], &form["changes"]), (&Value::Null, &Value::Array(Vec::new())));
    let out = good(&served, &format!("{SPRINT}/simulate.json?disqualify=t01000"));
    assert_eq!(out["effect"]["newly_ineligible"][0]["entity"], "t01000");
    let same = good(&served, &format!("{SPRINT}/simulate.json?at=e:300&with=1"));
    assert_eq!(same["effect"]["gain"], 0);
}

#[test]
fn a_bad_question_is_answered_with_the_path_and_the_reason() {
    let served = Served::new();
    for (question, path, change) in [
        ("set.pools.capacity.amount.tiers.0.at=10FIL", "pools[0].amount.tiers[0].at", Some(0)),
        ("set.pools.capacity.amount.tiers.0.at=lots", "pools[0].amount.tiers[0].at", Some(0)),
        ("set.pools.nobody.cap=1", "pools.nobody.cap", Some(0)),
        ("set.boards.power.metric=unheard-of", "boards[0].metric", Some(0)),
        ("set.metrics.power.series=deals.made", "", None),
        ("disqualify=nobody", "", None),
    ] {
        let answer = good(&served, &format!("{SPRINT}/simulate.json?{question}"));
        let problem = &answer["problems"][0];
        assert_eq!(answer["effect"], Value::Null, "{question}");
        assert!(!problem["reason"].as_str().unwrap().is_empty(), "{question}");
        if !path.is_empty() {
            assert_eq!(
                (problem["path"].as_str(), problem["change"].as_u64()),
                (Some(path), change),
                "{question}"
            );
        }
        page(&served, &format!("{SPRINT}/simulate?{question}"));
    }
    let script =
        page(&served, &format!("{SPRINT}/simulate?set.pools.capacity.amount.tiers.0.at=%3Cscript%3E"));
    assert!(!script.contains("<script") && script.contains("aria-invalid"), "{script}");
    let many: String = (0..65).map(|n| format!("set.a{n}=1&")).collect();
    for question in
        [&*many, "set.a=1&set.a=2", "remove=1", "remove=2..x", "disqualify=a%20b", "with=no", "seat=1"]
    {
        let answer = served.get(&format!("{SPRINT}/simulate.json?{question}"));
        assert_eq!(answer.status, 400, "{question:.40}: {answer:?}");
    }
    let long = "x".repeat(5_000);
    assert_eq!(served.get(&format!("{SPRINT}/simulate.json?set.a={long}")).status, 400);
}

#[test]
fn the_tier_change_of_31_august_is_a_link() {
    let served = Served::new();
    let diff = good(&served, "/c/sr1-history/rules/v3..v4.json");
    assert_eq!(diff["simulation"]["same"], true, "{}", diff["simulation"]);
    let tiers: Vec<&str> =
        diff["words"].as_array().unwrap().iter().filter_map(|word| word["path"].as_str()).collect();
    assert!(tiers.contains(&"pools[region].amount.tiers[0]"), "{tiers:?}");
    let pool = &diff["effect"]["pools"][0];
    assert_eq!((&pool["before"], &pool["after"]), (&"0".into(), &"25000000000000000000000".into()));
    let what_if = good(&served, "/c/sr1-history/simulate.json?at=e:19452&rules=3&with=4&rows=changed");
    assert_eq!(what_if["effect"]["report"], diff["effect"]["report"]);
    assert_eq!(what_if["effect"]["rows"], diff["effect"]["rows"]);
    // The same said member by member: other rules have another root, and everybody gets the same.
    let members = good(
        &served,
        "/c/sr1-history/simulate.json?at=e:19452&rules=3&rows=changed&set.pools.region.amount.tiers.0.at=10TiB&set.pools.region.amount.tiers.1.at=100TiB",
    );
    assert_eq!(members["problems"], Value::Array(Vec::new()));
    assert_eq!(members["effect"]["rows"], diff["effect"]["rows"]);
    assert_eq!(members["effect"]["concentration"], diff["effect"]["concentration"]);
    // Decisions with a report: each is made again as it was.
    for seq in [445, 495, 509] {
        let entry = good(&served, &format!("/c/sr1-history/decisions/{seq}.json"));
        assert_eq!(entry["attached"]["same"], true, "{seq}");
    }
    assert_eq!(good(&served, "/c/sr1-history/decisions/445.json")["reverted_by"], 450);
}
