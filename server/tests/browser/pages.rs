use std::fs;

use serde_json::json;

use crate::cdp::Browser;
use crate::crowd;
use crate::look::{OWN, PUBLIC, look, none, screens};
use crate::probed::{RACE, probed};
use crate::process::Server;

#[tokio::test]
async fn the_pages_of_the_recording_are_whole_and_readable() {
    let (server, mut browser) = (Server::demo(), Browser::start().await);
    let pages = [
        ("home", "/"),
        ("board", "/n/devnet-a/board"),
        ("board-past", "/n/devnet-a/board/sectors.faulty?at=e:250"),
        ("participant", "/n/devnet-a/m/t01001"),
        ("participant-past", "/n/devnet-a/m/t01000?at=e:60"),
        ("epoch", "/n/devnet-a/e/60"),
        ("epoch-null", "/n/devnet-a/e/29"),
        ("epoch-genesis", "/n/devnet-a/e/0"),
        ("epoch-head", "/n/devnet-a/e/313"),
        ("epochs", "/n/devnet-a/epochs"),
        ("status", "/status"),
    ];
    let faults = look(&mut browser, &server.address, &PUBLIC, &pages, "").await;
    none(&faults);
}

/// A message to be signed, by somebody who would rather be a script.
const CLAIM: &str = "/c/devnet-sprint/claim?action=claim&miner=t01000&role=owner&entity=abc&name=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%26";

#[tokio::test]
async fn the_pages_of_competitions_are_whole_and_readable() {
    let (server, mut browser) = (Server::demo(), Browser::start().await);
    let mut pages = Vec::new();
    for (competition, board, entity) in
        [("devnet-sprint", "power", "t01000"), ("sr1-history", "global", "invented-001")]
    {
        let home = format!("/c/{competition}");
        pages.push((format!("{competition}-overview"), home.clone()));
        for page in ["regions", "decisions", "timeline", "rules", "payout", "simulate", "claim", "verify"] {
            pages.push((format!("{competition}-{page}"), format!("{home}/{page}")));
        }
        for (name, page) in [
            ("board", format!("board/{board}?open={entity}")),
            ("entity", format!("e/{entity}")),
            ("decision", "decisions/2".to_owned()),
            ("proof", format!("payout/{entity}")),
        ] {
            pages.push((format!("{competition}-{name}"), format!("{home}/{page}")));
        }
    }
    for (name, address) in [
        ("devnet-sprint-simulated", "/c/devnet-sprint/simulate?at=310&set.eligibility.some-power.value=1MiB"),
        ("sr1-history-simulated", "/c/sr1-history/simulate?with=1"),
        ("sr1-history-rules-diff", "/c/sr1-history/rules/v5..v6"),
        ("sr1-history-disqualified", "/c/sr1-history/decisions/495"),
        ("devnet-sprint-claim-message", CLAIM),
    ] {
        pages.push((name.to_owned(), address.to_owned()));
    }
    let pages: Vec<(&str, &str)> = pages.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let faults = look(&mut browser, &server.address, &OWN, &pages, "").await;
    none(&faults);
}

#[tokio::test]
async fn what_bots_saw_is_whole_and_readable_whatever_miners_say() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("probed.sqlite");
    // It serves when it has made everything.
    let recording = apogee_testkit::example("devnet-a");
    let demo = ["demo", "--recording", recording.to_str().unwrap(), "--listen", "127.0.0.1:0", "--data"];
    drop(Server::start(&[&demo[..], &[database.to_str().unwrap()]].concat()));
    let probed = probed(folder.path(), &database).await;
    let settings = probed.settings.to_str().unwrap();
    let serve = ["serve", "--config", settings, "--listen", "127.0.0.1:0"];
    let (server, mut browser) = (Server::start_in(folder.path(), &serve), Browser::start().await);
    let home = format!("/c/{RACE}");
    let declare = "maintenance?miner=t01002&role=owner&from=2030-05-24T09:12:00Z&minutes=30";
    let pages = [
        ("fairness", format!("{home}/probes")),
        ("versions", format!("{home}/probes/versions")),
        ("log", format!("{home}/m/t01000/attempts")),
        ("log-open", format!("{home}/m/t01000/attempts?open=22")),
        ("log-hostile", format!("{home}/m/t01001/attempts?open=30&show=fail")),
        ("log-none", format!("{home}/m/t01002/attempts?before=0")),
        ("log-earlier", format!("{home}/m/t01002/attempts?at=e:250")),
        ("maintenance", format!("{home}/maintenance")),
        ("maintenance-sign", format!("{home}/{declare}")),
        ("probed-entity", format!("{home}/e/t01001")),
    ];
    let pages: Vec<(&str, &str)> = pages.iter().map(|(name, path)| (*name, path.as_str())).collect();
    let faults = look(&mut browser, &server.address, &OWN, &pages, "probes-").await;
    none(&faults);
}

#[tokio::test]
async fn awkward_networks_and_problems_are_whole_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crowd.sqlite");
    crowd::build(&file).await;
    let settings = folder.path().join("apogee.toml");
    fs::write(&settings, format!("store = \"sqlite:{}\"\n", file.display())).unwrap();
    let server = Server::start(&["serve", "--config", settings.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let mut browser = Browser::start().await;
    let long = crowd::LONGEST;
    let pages = [
        ("home", "/".to_owned()),
        ("crowd", format!("/n/{long}/board")),
        ("crowd-last", format!("/n/{long}/board?sort=-reward.block&page=101")),
        ("crowd-found", format!("/n/{long}/board?q=t0599")),
        ("crowd-not-found", format!("/n/{long}/board?q=%3Cscript%3Ealert(1)")),
        ("crowd-long-name", format!("/n/{long}/m/{}", crowd::NAME)),
        ("crowd-unknown", format!("/n/{long}/m/t0999")),
        ("crowd-epoch", format!("/n/{long}/e/2")),
        ("lonely", "/n/lonely/board".to_owned()),
        ("lonely-nothing", "/n/lonely/board/penalty".to_owned()),
        ("status", "/status".to_owned()),
    ];
    let pages: Vec<(&str, &str)> = pages.iter().map(|(name, path)| (*name, path.as_str())).collect();
    let mut faults = look(&mut browser, &server.address, &PUBLIC, &pages, "awkward-").await;
    // Chromium itself says on the console that a page was answered 404.
    let problems = [
        ("nobody", "/n/nobody/board"),
        ("future", "/n/lonely/board?at=e:900"),
        ("nowhere", "/n/elsewhere/board"),
        ("unknown-miner", "/n/lonely/m/t04"),
        ("unreadable", "/n/lonely/board?at=yesterday"),
        ("explained", "/problems/epoch-in-future"),
    ];
    let said = look(&mut browser, &server.address, &PUBLIC, &problems, "problem-").await;
    faults.extend(said.into_iter().filter(|fault| !fault.contains("console: \"Failed to load resource")));
    none(&faults);
}

#[tokio::test]
async fn everything_works_without_script_and_by_keyboard() {
    let (server, mut browser) = (Server::demo(), Browser::start().await);
    browser.look(1440, "light").await;
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.open(&format!("{}/n/devnet-a/board?at=e:250", server.address)).await;
    let loads = browser.loads();
    browser.focus("#f").await;
    browser.call("Input.insertText", json!({ "text": "1001" })).await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = browser.html().await;
    assert!(page.contains(">t01001<") && !page.contains(">t01000<"), "{page}");
    assert!(page.contains("at=e:250"), "the epoch is kept: {page}");

    let loads = browser.loads();
    browser.focus("tbody th.who a").await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = browser.html().await;
    assert!(page.contains("<h1><bdi>t01001</bdi></h1>") && page.contains("<path class=\"l1\""), "{page}");

    let loads = browser.loads();
    browser.focus(".prefs a[lang=zh-CN]").await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = browser.html().await;
    assert!(page.starts_with("<html lang=\"zh-CN\"") && page.contains("at=e:250"), "{page}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;

    // Wherever the focus goes, it is seen.
    for scheme in ["light", "dark"] {
        browser.look(1440, scheme).await;
        browser.open(&format!("{}/n/devnet-a/board", server.address)).await;
        for step in 1..30 {
            browser.press("Tab", 9).await;
            let outline = browser
                .ask(
                    "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
                       return [e.tagName, s.outlineStyle, parseFloat(s.outlineWidth), r.left >= 0 && r.width > 0]; })()",
                )
                .await;
            let seen = outline[1] == "solid" && outline[2].as_f64() >= Some(2.0) && outline[3] == true;
            assert!(seen || outline[0] == "BODY", "{scheme}, step {step}: {outline}");
        }
    }

    let printed = browser.print().await;
    fs::write(screens().join("board.pdf"), &printed).unwrap();
    assert!(printed.starts_with(b"%PDF"));
}
