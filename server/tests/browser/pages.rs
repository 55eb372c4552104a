use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use apogee_testkit::workspace;
use serde_json::json;

use crate::cdp::Browser;
use crate::crowd;

const SCHEMES: [&str; 2] = ["light", "dark"];
const LANGUAGES: [(&str, &str); 2] = [("en", ""), ("zh", "/zh")];
const AUDIT: &str = include_str!("audit.js");

/// A server of its own, which ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Run the program; it says where it answers.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_apogee"))
            .args(arguments)
            .current_dir(workspace())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.find(|line| line.starts_with("http://")).expect("the server says where it answers");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.trim_end_matches('/').to_owned() }
    }

    fn demo() -> Self {
        Self::start(&["demo", "--listen", "127.0.0.1:0"])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where pictures are left: `target/screens`, of whichever target folder this test was built into.
fn screens() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let target = binary.ancestors().nth(3).unwrap().join("screens");
    fs::create_dir_all(&target).unwrap();
    target
}

/// Look at pages in both widths, colours and languages. Every fault is collected before the test fails.
async fn look(browser: &mut Browser, server: &Server, pages: &[(&str, &str)], prefix: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // Just wide enough for two columns is where wide tables have the least room; its colours and words are seen elsewhere.
    for (width, schemes, languages) in [
        (390, &SCHEMES[..], &LANGUAGES[..]),
        (1100, &SCHEMES[..1], &LANGUAGES[..1]),
        (1440, &SCHEMES, &LANGUAGES),
    ] {
        for scheme in schemes {
            browser.look(width, scheme).await;
            for (language, home) in languages {
                for (name, path) in pages {
                    let address = match (*home, *path) {
                        ("/zh", "/") => format!("{}/zh", server.address),
                        _ => format!("{}{home}{path}", server.address),
                    };
                    browser.open(&address).await;
                    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)").await;
                    let found = browser.ask(AUDIT).await;
                    let place = format!("{name} {width} {scheme} {language}");
                    for fault in found.as_array().unwrap() {
                        faults.push(format!("{place}: {}", fault.as_str().unwrap()));
                    }
                    faults
                        .extend(browser.complaints.drain(..).map(|said| format!("{place}: console: {said}")));
                    if *scheme == "light" || (*language == "en" && width == 1440) {
                        browser
                            .ask("document.querySelectorAll('details').forEach(d => d.open = false)")
                            .await;
                        let file = format!("{prefix}{name}-{width}-{scheme}-{language}.png");
                        fs::write(screens().join(file), browser.picture().await).unwrap();
                    }
                }
            }
        }
    }
    faults
}

fn none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults; pictures are in {}\n{}",
        faults.len(),
        screens().display(),
        faults.join("\n")
    );
}

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
    let faults = look(&mut browser, &server, &pages, "").await;
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
    let mut faults = look(&mut browser, &server, &pages, "awkward-").await;
    // Chromium itself says on the console that a page was answered 404.
    let problems = [
        ("nobody", "/n/nobody/board"),
        ("future", "/n/lonely/board?at=e:900"),
        ("nowhere", "/n/elsewhere/board"),
        ("unknown-miner", "/n/lonely/m/t04"),
        ("unreadable", "/n/lonely/board?at=yesterday"),
        ("explained", "/problems/epoch-in-future"),
    ];
    let said = look(&mut browser, &server, &problems, "problem-").await;
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
    focus(&mut browser, "#f").await;
    browser.call("Input.insertText", json!({ "text": "1001" })).await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = html(&mut browser).await;
    assert!(page.contains(">t01001<") && !page.contains(">t01000<"), "{page}");
    assert!(page.contains("at=e:250"), "the epoch is kept: {page}");

    let loads = browser.loads();
    focus(&mut browser, "tbody th.who a").await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = html(&mut browser).await;
    assert!(page.contains("<h1><bdi>t01001</bdi></h1>") && page.contains("<path class=\"l1\""), "{page}");

    let loads = browser.loads();
    focus(&mut browser, ".prefs a[lang=zh-CN]").await;
    browser.press("Enter", 13).await;
    browser.loaded(loads).await;
    let page = html(&mut browser).await;
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

async fn focus(browser: &mut Browser, selector: &str) {
    let document = browser.call("DOM.getDocument", json!({})).await;
    let query = json!({ "nodeId": document["root"]["nodeId"], "selector": selector });
    let found = browser.call("DOM.querySelector", query).await;
    assert!(found["nodeId"] != 0, "no {selector}");
    browser.call("DOM.focus", json!({ "nodeId": found["nodeId"] })).await;
}

async fn html(browser: &mut Browser) -> String {
    let document = browser.call("DOM.getDocument", json!({})).await;
    let whole = json!({ "nodeId": document["root"]["children"][1]["nodeId"] });
    let text = browser.call("DOM.getOuterHTML", whole).await;
    text["outerHTML"].as_str().unwrap().to_owned()
}
