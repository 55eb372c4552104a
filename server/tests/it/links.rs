//! Every page that a visitor can be led to answers.

use std::collections::{BTreeSet, VecDeque};

use crate::served::Served;

/// Pages that are looked at; there are more, of the same few kinds.
const PAGES: usize = 300;

/// The addresses of this service that a page links to.
fn links(page: &str) -> Vec<String> {
    let hrefs = page.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = hrefs.filter(|href| href.starts_with('/')).map(|href| href.replace("&#38;", "&"));
    own.map(|href| href.split('#').next().unwrap().to_owned()).collect()
}

#[test]
fn no_link_leads_to_a_problem() {
    let served = Served::new();
    let mut known: BTreeSet<String> = ["/", "/zh", "/n/devnet-a/m/t01000?at=e:60"].map(Into::into).into();
    let mut waiting: VecDeque<String> = known.iter().cloned().collect();
    let mut seen = 0;
    while let Some(address) = waiting.pop_front().filter(|_| seen < PAGES) {
        seen += 1;
        let answer = served.ask("GET", &address, &[("accept", "text/html")]);
        assert_eq!(answer.status, 200, "{address}");
        if answer.header("content-type") != Some("text/html; charset=utf-8") {
            continue;
        }
        for link in links(&answer.text()) {
            if known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    assert!(seen > 200, "{seen} pages, of {known:?}");
}
