//! Boards, entities, payouts and packages of a competition, as they are served.

use std::io::Write;
use std::process::{Command, Stdio};

use apogee_domain::Digest;
use apogee_leaderboard::merkle;
use apogee_testkit::example;
use serde_json::Value;

use crate::served::{Served, database};

const C: &str = "/c/devnet-sprint";

fn json(served: &Served, path: &str) -> Value {
    let answer = served.get(&format!("{C}{path}"));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

fn page(served: &Served, path: &str) -> String {
    let answer = served.ask("GET", path, &[("accept", "text/html")]);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.text()
}

#[test]
fn pages_of_a_competition_are_there_in_both_languages() {
    let served = Served::new();
    for path in [
        "/board",
        "/board/earned?open=t01000&me=t01001",
        "/regions",
        "/e/t01000",
        "/e/t01001",
        "/payout",
        "/payout/t01000",
        "/verify",
    ] {
        let english = page(&served, &format!("{C}{path}"));
        let chinese = page(&served, &format!("/zh{C}{path}"));
        assert!(english.contains("<html lang=\"en\"") && chinese.contains("<html lang=\"zh-CN\""));
        let missing = |text: &str| text.contains("cb-") && text.contains(">cb-");
        assert!(!missing(&english) && !missing(&chinese), "{path} has a message without words");
    }
}

#[test]
fn a_board_says_what_the_command_line_works_out() {
    let served = Served::new();
    let (store, rules) =
        (format!("sqlite:{}", database().display()), example("rules").join("devnet-sprint.toml"));
    let folder = tempfile::tempdir().unwrap();
    let apogee = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_apogee")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let rules = rules.to_str().unwrap();
    let facts = folder.path().join("facts.json");
    std::fs::write(&facts, apogee(&["competition", "facts", "--rules", rules, "--store", &store])).unwrap();
    let standings = apogee(&[
        "competition",
        "standings",
        "--rules",
        rules,
        "--facts",
        facts.to_str().unwrap(),
        "--format",
        "json",
    ]);
    let standings: Value = serde_json::from_slice(&standings).unwrap();
    for (place, name) in ["power", "earned"].into_iter().enumerate() {
        let board = json(&served, &format!("/board/{name}.json"));
        let rows = standings["boards"][place]["rows"].as_array().unwrap();
        assert_eq!(board["total"], rows.len());
        for (served, row) in board["rows"].as_array().unwrap().iter().zip(rows) {
            assert_eq!(served["entity"], row["entity"]);
            assert_eq!((&served["rank"], &served["wins"]), (&row["rank"], &row["wins"]));
            assert_eq!(served["value"]["value"], row["value"]);
        }
    }
    let payout = json(&served, "/payout.json");
    for row in payout["rows"].as_array().unwrap() {
        let payouts = standings["payouts"].as_array().unwrap();
        let paid = payouts.iter().find(|payout| payout["entity"] == row["entity"]).unwrap();
        assert_eq!(row["amount"], paid["total"]);
        let entity = json(&served, &format!("/e/{}.json", row["entity"].as_str().unwrap()));
        assert_eq!(entity["total"], paid["total"]);
    }
    let number = |name: &str| payout[name].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(number("total") + number("undistributed"), number("amount"));
}

#[test]
fn a_served_proof_leads_to_the_served_root() {
    let served = Served::new();
    let answer = json(&served, "/payout/t01000.json");
    let proof = &answer["proof"];
    let digest = |text: &Value| text.as_str().unwrap().parse::<Digest>().unwrap();
    let path: Vec<Digest> = proof["path"].as_array().unwrap().iter().map(digest).collect();
    let leaf = merkle::leaf(proof["row"].as_str().unwrap().as_bytes());
    let (index, size) = (proof["index"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
    let root = digest(&json(&served, "/board.json")["meta"]["snapshot"]);
    assert!(merkle::includes(&root, &leaf, index, size, &path));
    assert!(!merkle::includes(&root, &leaf, index.wrapping_sub(1), size, &path));

    // The lines that the page shows say the same.
    let page = page(&served, &format!("{C}/payout/t01000"));
    let code = page.split("aria-label").last().unwrap();
    let code =
        code.split("<pre class=\"code\" tabindex=\"0\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let code = code.replace("&gt;", ">").replace("&amp;", "&").replace("&#34;", "\"");
    let child =
        Command::new("python3").args(["-c", &code]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("SKIPPED: python3 is absent");
        return;
    };
    write!(child.stdin.take().unwrap(), "{answer}").unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim(), "True");
}

#[test]
fn a_served_package_is_recomputed_by_both_implementations() {
    let served = Served::new();
    let answer = served.get(&format!("{C}/package"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.header("content-disposition").unwrap().starts_with("attachment; filename=\"devnet-sprint-")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sprint.apogee");
    std::fs::write(&file, &answer.body).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_apogee")).args(["package", "verify"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let shadow = example("rules").join("../../shadow/apogee_package.py");
    if let Ok(output) = Command::new("python3").arg(shadow).arg("verify").arg(&file).output() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let root = answer.text().trim_end().rsplit(' ').next().unwrap().to_owned();
        assert!(said.starts_with(&format!("OK root={root}")), "{said}");
    } else {
        println!("SKIPPED: python3 is absent");
    }
}

#[test]
fn a_miner_leads_to_the_entity_that_it_competes_for() {
    let served = Served::new();
    for (asked, to) in [
        ("/m/t01000", "/e/t01000"),
        ("/m/t01000.json", "/e/t01000.json"),
        ("/e/f01000", "/e/t01000"),
        ("/m/t01000?at=e:100", "/e/t01000?at=e:100"),
    ] {
        let answer = served.get(&format!("{C}{asked}"));
        assert_eq!((answer.status, answer.header("location")), (303, Some(&*format!("{C}{to}"))), "{asked}");
    }
    let unknown = served.get(&format!("{C}/e/t09999.json"));
    assert_eq!((unknown.status, &unknown.json()["type"]), (404, &Value::from("/problems/unknown-entity")));
    let unknown = served.get(&format!("{C}/board/none.json"));
    assert_eq!((unknown.status, &unknown.json()["type"]), (404, &Value::from("/problems/unknown-board")));
}

#[test]
fn what_a_visitor_writes_is_text_and_never_markup() {
    let served = Served::new();
    let page = page(&served, &format!("{C}/board?q=%3Cscript%3Ealert(1)%3C/script%3E"));
    assert!(!page.contains("<script") && page.contains("&#60;script"));
    let refused = served.get(&format!("{C}/board.json?sort=%3Cb%3E"));
    assert_eq!(refused.status, 400);
}

#[test]
fn who_is_not_eligible_reads_why_what_to_do_and_by_when() {
    let served = Served::new();
    // At the end t01001 has three faulty sectors, one more than the rules allow, and less power than they ask for.
    let entity = json(&served, "/e/t01001.json");
    assert_eq!((&entity["eligible"], &entity["status"]), (&Value::from(false), &Value::from("ineligible")));
    let failed =
        entity["checks"].as_array().unwrap().iter().find(|check| check["id"] == "few-faults").unwrap();
    assert_eq!((&failed["state"], &failed["bar"]), (&Value::from("fail"), &Value::from("2")));
    assert_eq!(failed["value"]["value"], "3");
    let page = page(&served, &format!("{C}/e/t01001"));
    assert!(page.contains("verdict is-bad") && page.contains("id=\"why\""));
    let csv = served.get(&format!("{C}/e/t01001.csv")).text();
    assert!(csv.contains("few-faults,fail,faulty,3,,2,,311"), "{csv}");
}
