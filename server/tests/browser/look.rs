//! Looking at pages: in which sizes, colours and languages, and what is wrong with them.

use std::fs;
use std::path::PathBuf;

use crate::cdp::Browser;

const AUDIT: &str = include_str!("audit.js");
const SCHEMES: [&str; 2] = ["light", "dark"];
const LANGUAGES: [(&str, &str); 2] = [("en", ""), ("zh", "/zh")];

/// A width with the colours and the languages that are seen in it.
type View = (u32, &'static [&'static str], &'static [(&'static str, &'static str)]);

/// Just wide enough for two columns is where wide tables have the least room; its colours and words are seen elsewhere.
pub(crate) const PUBLIC: [View; 3] =
    [(390, &SCHEMES, &LANGUAGES), (1100, &["light"], &[("en", "")]), (1440, &SCHEMES, &LANGUAGES)];

/// The narrowest telephones that are still sold, usual ones, and the usual screen.
pub(crate) const OWN: [View; 3] =
    [(360, &SCHEMES, &LANGUAGES), (390, &["light"], &[("en", "")]), (1280, &SCHEMES, &LANGUAGES)];

/// Where pictures are left: `target/screens`, of whichever target folder this test was built into.
pub(crate) fn screens() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let target = binary.ancestors().nth(3).unwrap().join("screens");
    fs::create_dir_all(&target).unwrap();
    target
}

/// What is wrong with the page as it stands, and what it complained about so far.
pub(crate) async fn faults(browser: &mut Browser, place: &str) -> Vec<String> {
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)").await;
    let found = browser.ask(AUDIT).await;
    let found = found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned());
    let said = browser.complaints.drain(..).map(|said| format!("console: {said}"));
    let faults = found.chain(said).map(|fault| format!("{place}: {fault}")).collect();
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = false)").await;
    faults
}

/// Leave a picture of the page.
pub(crate) async fn picture(browser: &mut Browser, name: &str) {
    fs::write(screens().join(format!("{name}.png")), browser.picture().await).unwrap();
}

/// Look at the page as it stands in several ways: nothing but style depends on them. `None`: whatever its language.
pub(crate) async fn around(
    browser: &mut Browser,
    views: &[View],
    language: Option<&str>,
    name: &str,
) -> Vec<String> {
    let mut all = Vec::new();
    for (width, schemes, languages) in views {
        let is_seen = |wanted| languages.iter().any(|(language, _)| *language == wanted);
        if !language.is_none_or(is_seen) {
            continue;
        }
        for scheme in *schemes {
            browser.look(*width, scheme).await;
            let place =
                format!("{name}-{width}-{scheme}{}", language.map_or(String::new(), |tag| format!("-{tag}")));
            all.extend(faults(browser, &place).await);
            if *scheme == "light" || (language != Some("zh") && *width > 1200) {
                picture(browser, &place).await;
            }
        }
    }
    all
}

/// Look at pages below an address in several ways. Every fault is collected before the test fails.
pub(crate) async fn look(
    browser: &mut Browser,
    home: &str,
    views: &[View],
    pages: &[(&str, &str)],
    prefix: &str,
) -> Vec<String> {
    let mut all = Vec::new();
    for (language, below) in LANGUAGES {
        for (name, path) in pages {
            let path = if *path == "/" && !below.is_empty() { "" } else { path };
            browser.open(&format!("{home}{below}{path}")).await;
            all.extend(around(browser, views, Some(language), &format!("{prefix}{name}")).await);
        }
    }
    all
}

pub(crate) fn none(faults: &[String]) {
    let (count, folder) = (faults.len(), screens());
    assert!(faults.is_empty(), "{count} faults; pictures are in {}\n{}", folder.display(), faults.join("\n"));
}
