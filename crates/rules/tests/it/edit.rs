//! Rules with some members changed.

use apogee_rules::{Edit, EditProblem, RuleSet, diff};

fn rules() -> RuleSet {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rules/sr1-v1.toml");
    RuleSet::from_toml(&std::fs::read_to_string(file).expect("an example")).expect("rules")
}

fn edits(list: &[(&str, &str)]) -> Vec<Edit> {
    list.iter().map(|(path, value)| Edit { path: (*path).to_owned(), value: (*value).to_owned() }).collect()
}

fn refused(list: &[(&str, &str)]) -> Vec<(Option<usize>, String)> {
    let refused = rules().edited(&edits(list), Some(30)).expect_err("what does not fit");
    refused.0.iter().map(|EditProblem { edit, problem }| (*edit, problem.to_string())).collect()
}

#[test]
fn members_are_changed_by_path_and_in_the_words_of_authors() {
    let rules = rules();
    assert_eq!(rules.edited(&[], None).unwrap(), rules);
    let pool = rules.pools.iter().position(|pool| pool.id.as_str() == "region").unwrap();
    let by_name = rules.edited(&edits(&[("pools.region.amount.tiers.0.at", "10TiB")]), None).unwrap();
    let by_place =
        rules.edited(&edits(&[(&format!("pools.{pool}.amount.tiers.0.at"), "10 TiB")]), None).unwrap();
    assert_eq!(by_name, by_place);
    assert!(by_name.canonical().unwrap().contains("\"at\":\"10995116277760\""));
    let more =
        rules.edited(&edits(&[("competition.end", "60000"), ("vesting.epochs", "30d")]), Some(30)).unwrap();
    let changed: Vec<String> = diff(&rules, &more).unwrap().into_iter().map(|change| change.path).collect();
    assert_eq!(changed, ["competition.end", "vesting.epochs"]);
}

#[test]
fn members_come_and_go() {
    let rules = rules();
    let capped = rules
        .edited(&edits(&[("pools.region.cap", r#"{"share":"5%","excess":"redistribute"}"#)]), None)
        .unwrap();
    let cap = |rules: &RuleSet| rules.pools.iter().find(|pool| pool.id.as_str() == "region").unwrap().cap;
    assert_eq!(cap(&capped).unwrap().share.to_string(), "1/20");
    assert_eq!(cap(&capped.edited(&edits(&[("pools.region.cap", "-")]), None).unwrap()), None);
}

#[test]
fn what_does_not_fit_is_said_of_the_edit_it_is_about() {
    let unit = refused(&[("competition.end", "60000"), ("pools.region.amount.tiers.0.at", "0.00001FIL")]);
    assert_eq!(unit.len(), 1, "{unit:?}");
    assert_eq!(unit[0].0, Some(1));
    assert!(unit[0].1.contains("where bytes are expected"), "{unit:?}");
    let bare = refused(&[("pools.region.amount.tiers.0.at", "10995116277760")]);
    assert!(bare[0].1.contains("the unit is missing"), "{bare:?}");
    for (path, value) in [
        ("", "1"),
        ("metrics", "-"),
        ("pools.nobody.cap", "-"),
        ("pools.region.amount.tiers.99.at", "1TiB"),
        ("pools.region.amount.tiers.0.at.more", "1TiB"),
        ("pools.region.amount.tiers.0.at", "lots"),
        ("pools.region.cap", "{\"share\""),
        ("competition.end", "soon"),
        ("unheard-of", "1"),
        ("eligibility.0", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"),
    ] {
        let refused = refused(&[(path, value)]);
        assert_eq!(refused[0].0, Some(0), "{path}: {refused:?}");
        assert!(refused.iter().all(|(_, text)| text.len() < 400), "{refused:?}");
    }
    let deep = "[".repeat(10_000);
    assert!(refused(&[("pools.region.cap", &deep)])[0].1.contains("it is not JSON"));
    // Tiers that no longer ascend are said of the next one, which nobody touched.
    assert!(!refused(&[("pools.region.amount.tiers.0.at", "1000PiB")]).is_empty());
}
