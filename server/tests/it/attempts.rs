//! What miners see of the probes: everything that was, and no moment that is to come.

use std::process::Command;

use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::probed::{Probed, RACE, RUNNING, SCRIPT, probed};
use crate::served::{Served, copy};

/// A server of a competition whose miners were probed.
pub(crate) fn probing() -> (Served, Probed, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = copy(folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let probed = runtime.block_on(probed(folder.path(), &database));
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.arg("serve").arg("--config").arg(&probed.settings).current_dir(folder.path());
    (Served::start(command.env("APOGEE_LOG__FILTER", "warn")), probed, folder)
}

fn get(served: &Served, path: &str) -> String {
    let answer = served.ask("GET", path, &[("accept", "text/html")]);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.text()
}

fn json(served: &Served, path: &str) -> Value {
    serde_json::from_str(&get(served, path)).unwrap()
}

#[test]
fn no_page_tells_a_moment_that_is_to_come() {
    let (served, probed, _folder) = probing();
    let mut pages = Vec::new();
    for below in ["", "/zh"] {
        for path in [
            "",
            "/probes",
            "/probes/versions",
            "/maintenance",
            "/e/t01000",
            "/m/t01000/attempts?open=30",
            "/m/f01001/attempts?show=open",
        ] {
            pages.push(format!("{below}/c/{RACE}{path}"));
        }
    }
    for path in ["", "/probes", "/probes/versions", "/maintenance", "/e/t01000", "/m/t01000/attempts"] {
        pages.push(format!("/c/{RACE}{path}.json"));
        if !path.is_empty() {
            pages.push(format!("/c/{RACE}{path}.csv"));
        }
    }
    pages.push(format!("/c/{RACE}/evidence.ndjson"));
    for page in pages {
        let text = get(&served, &page);
        for secret in &probed.secrets {
            assert!(!text.contains(secret.as_str()), "{page} tells {secret}");
        }
    }
    // The interval that runs is told, what is in it is not.
    let log = json(&served, &format!("/c/{RACE}/m/t01000/attempts.json"));
    assert_eq!(log["next"]["running"]["slot"], RUNNING);
    assert_eq!(log["next"]["following"]["slot"], RUNNING + 1);
    assert_eq!(log["slots"][0]["slot"], RUNNING - 1);
    let seed = json(&served, &format!("/c/{RACE}/probes.json"))["seed"].clone();
    assert_eq!(
        (seed["commitment"].as_str(), &seed["seed"]),
        (Some(probed.commitment.as_str()), &Value::Null)
    );
}

#[test]
fn a_miner_finds_every_slot_with_its_attempts_why_it_counts_and_what_to_do() {
    let (served, _probed, _folder) = probing();
    let path = format!("/c/{RACE}/m/t01000/attempts");
    let log = json(&served, &format!("{path}.json"));
    let tally = &log["tally"];
    let count = |name: &str| tally[name].as_u64().unwrap();
    assert_eq!(count("ok") + count("fail") + count("excluded"), RUNNING);
    assert_eq!(tally["verdict"], "insufficient");
    assert_eq!(tally["failures"]["TCP_REFUSED"], tally["fail"]);
    assert_eq!((&log["slots"][1]["outcome"], log["fleet"].as_u64()), (&Value::Null, Some(2)));
    assert_eq!(log["slots"].as_array().unwrap().len(), 20);

    // What failed: that of the interval that runs is counted, and not told.
    let failed = json(&served, &format!("{path}.json?show=fail"));
    let failed: Vec<&Value> = failed["slots"].as_array().unwrap().iter().collect();
    let numbers: Vec<u64> = failed.iter().map(|slot| slot["slot"].as_u64().unwrap()).collect();
    assert_eq!((numbers.as_slice(), count("fail")), (&[31, 22, 13, 4][..], 5));
    for slot in failed {
        assert_eq!((&slot["code"], &slot["title"]), (&"TCP_REFUSED".into(), &"The port is closed".into()));
        assert!(slot["advice"].as_str().unwrap().contains("firewall"));
        let attempts = slot["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2);
        assert_eq!((&attempts[0]["bot"], &attempts[1]["bot"]), (&"ada".into(), &"bob".into()));
        assert_eq!(attempts[0]["fault"], "ambiguous");
    }

    // Page by page.
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = json(&served, &format!("/c/{RACE}/m/t01001/attempts.json?show=fail{before}"));
        let slots = page["slots"].as_array().unwrap();
        all.extend(slots.iter().map(|slot| slot["slot"].as_u64().unwrap()));
        let Some(older) = page["older"].as_u64() else { break };
        before = format!("&before={older}");
    }
    let expected: Vec<u64> =
        (0..RUNNING).rev().filter(|slot| slot % 13 != 7 && *slot != RUNNING - 2).collect();
    assert_eq!(all, expected);
    assert_eq!(json(&served, &format!("/zh{path}.json?show=fail"))["slots"][0]["title"], "端口已关闭");

    let page = get(&served, &format!("{path}?open=31"));
    for told in ["boost-2.4.8", "192.0.2.7:443", "1.109 s", "bafyr", "HTTP 404", "aria-expanded=\"true\""] {
        assert!(page.contains(told), "{told} is missing");
    }
    let csv = get(&served, &format!("{path}.csv"));
    assert!(
        csv.starts_with("kind,miner,slot,from,to,due,outcome,") && csv.contains(",TCP_REFUSED,ambiguous,")
    );

    // What counted by an earlier epoch.
    let earlier = json(&served, &format!("{path}.json?at=e:250"));
    assert_eq!((&earlier["next"], earlier["found"].as_u64()), (&Value::Null, Some(20)));
    assert_eq!(earlier["slots"][0]["slot"], 19);

    for (path, kind) in [
        (format!("/c/{RACE}/m/t01099/attempts"), "not-probed"),
        ("/c/sr1-history/m/t01000/attempts".to_owned(), "no-probes"),
        ("/c/sr1-history/probes".to_owned(), "no-probes"),
    ] {
        let answer = served.get(&path);
        assert_eq!((answer.status, &answer.json()["type"]), (404, &format!("/problems/{kind}").into()));
    }
    assert!(!get(&served, "/c/sr1-history").contains("/c/sr1-history/probes"));
    assert!(get(&served, &format!("/c/{RACE}")).contains(&format!("/c/{RACE}/probes")));
    assert!(get(&served, &format!("/c/{RACE}/e/t01000")).contains("/m/t01000/attempts?kind=retrieval"));
}

#[test]
fn what_a_miner_says_is_text_and_nothing_else() {
    let (served, _probed, _folder) = probing();
    let path = format!("/c/{RACE}/m/t01001/attempts");
    for page in
        [format!("{path}?open=30"), format!("/zh{path}?open=30&show=fail"), format!("/c/{RACE}/probes")]
    {
        let text = get(&served, &page);
        assert!(!text.contains(SCRIPT) && !text.contains("<img src=x"), "{page}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{7}'), "{page}");
    }
    assert!(get(&served, &format!("{path}?open=30")).contains("&#60;script&#62;alert(1)"));
    let log = json(&served, &format!("{path}.json"));
    let told =
        log["slots"].as_array().unwrap().iter().find_map(|slot| slot["attempts"][0]["told"].as_object());
    assert!(told.unwrap()["agent"].as_str().unwrap().contains(SCRIPT), "JSON has what was said");
    let csv = get(&served, &format!("{path}.csv"));
    assert!(csv.contains("'=1+1;") && !csv.contains(",=1+1;"), "no cell is a formula");
    let longest = csv.split("\r\n").map(str::len).max().unwrap();
    assert!(longest > 10_000, "{longest}");
    // The longest outage is from the first slot to the last that counts.
    let seconds = log["longest_outage"]["seconds"].as_u64().unwrap();
    assert!(seconds >= 38 * 600, "{seconds}");
}

#[test]
fn the_report_on_fairness_adds_up() {
    let (served, _probed, _folder) = probing();
    let report = json(&served, &format!("/c/{RACE}/probes.json"));
    let kind = &report["kinds"][0];
    let miners = kind["miners"].as_array().unwrap();
    assert_eq!(miners.len(), 3);
    let sum = |name: &str| miners.iter().map(|miner| miner["tally"][name].as_u64().unwrap()).sum::<u64>();
    for name in ["ok", "fail", "excluded"] {
        assert_eq!(kind["tally"][name].as_u64(), Some(sum(name)), "{name}");
    }
    assert!(
        kind["least"].as_u64() <= kind["median"].as_u64() && kind["median"].as_u64() <= kind["most"].as_u64()
    );
    let bots = report["bots"].as_array().unwrap();
    assert_eq!((&bots[0]["bot"], &bots[1]["bot"]), (&"ada".into(), &"bob".into()));
    assert_eq!(bots[1]["looks"].as_u64().unwrap() - bots[1]["good"].as_u64().unwrap(), 40);
    assert_eq!(bots[1]["last_code"], "TCP_TIMEOUT");
    let gaps = report["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["bot"] == "bob" && gap["seconds"] == 41 * 60), "{gaps:?}");
    assert_eq!((&report["log"]["seq"], &report["downloadable"]), (&2.into(), &1.into()));
    let page = get(&served, &format!("/zh/c/{RACE}/probes"));
    assert!(page.contains("机器人探测是否公平") && !page.contains(">fair-") && !page.contains(">pr-"));
    let vantages = report["vantages"].as_array().unwrap();
    let tried = |bot: &str| {
        let of = vantages.iter().filter(|vantage| vantage["bot"] == bot);
        of.map(|vantage| vantage["attempts"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(tried("ada") > tried("bob") && tried("bob") > 0);
    let region = &kind["regions"][0];
    assert_eq!(region["from"]["eu"].as_u64(), Some(tried("ada") + tried("bob")));
    assert!(kind["least_attempts"].as_u64().unwrap() > 30);

    let versions = json(&served, &format!("/c/{RACE}/probes/versions.json"));
    let agents = versions["kinds"][0]["agents"].as_array().unwrap();
    assert_eq!(versions["kinds"][0]["miners"], 3);
    let named = |name: &str| agents.iter().find(|agent| agent["name"] == name).unwrap();
    assert_eq!(named("boost-2.4.8")["miners"], 1);
    assert_eq!(named("")["miners"], 1, "who does not say is there too");
    let power = |agent: &Value| agent["raw"].as_str().unwrap().parse::<u128>().unwrap();
    let sum: u128 = agents.iter().map(power).sum();
    assert_eq!(versions["kinds"][0]["raw"], sum.to_string());
    assert!(power(named("boost-2.4.8")) > 0);
    let hostile = get(&served, &format!("/c/{RACE}/probes/versions"));
    assert!(!hostile.contains(SCRIPT) && !hostile.contains('\u{202e}'));
    let table = get(&served, &format!("/c/{RACE}/probes/versions.csv"));
    assert!(table.contains("'=1+1;"), "{table}");

    let entity = json(&served, &format!("/c/{RACE}/e/t01002.json"));
    assert_eq!(entity["probes"][0]["fail"], 3);
}

#[test]
fn a_report_on_four_thousand_miners_is_made_in_no_time() {
    let (served, _probed, folder) = probing();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", folder.path().join("copy.sqlite").display());
        let mut db = SqliteConnection::connect(&url).await.unwrap();
        // 72 slots of each miner, as they are counted: by outcome and by the epoch from which on they count.
        let counts = "WITH RECURSIVE miner(m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM miner WHERE m < 3999),
                 epoch(e) AS (SELECT 0 UNION ALL SELECT e + 1 FROM epoch WHERE e < 11)
             INSERT INTO probe_counts (network, race, kind, miner, outcome, code, epoch, count)
             SELECT 'devnet-a', 'devnet-sprint', 'retrieval', 't0' || (20000 + m), 'ok', '', 320 + e, 1 + (m + e) % 9
             FROM miner, epoch";
        let attempts = "WITH RECURSIVE miner(m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM miner WHERE m < 3999)
             INSERT INTO probe_attempt_counts (network, race, kind, miner, region, bot, code, count)
             SELECT 'devnet-a', 'devnet-sprint', 'retrieval', 't0' || (20000 + m), 'eu', 'ada', '', 60 FROM miner";
        for statement in [counts, attempts] {
            sqlx::query(statement).execute(&mut db).await.unwrap();
        }
    });
    let begun = std::time::Instant::now();
    let report = get(&served, "/c/devnet-sprint/probes");
    let first = begun.elapsed();
    println!("a report on 4,000 miners: {} ms, {} KiB", first.as_millis(), report.len() / 1024);
    assert!(report.contains("4,003") || report.contains("4,000"), "the miners are counted");
    assert!(first < std::time::Duration::from_secs(3), "{first:?}");
}
