use apogee_domain::Epoch;
use apogee_leaderboard::{Decisions, Entities, Facts, Standings, compare, stand};
use apogee_rules::RuleSet;

const FACTS: &str = r#"{"network":"n","deals":[],"sectors":[],
 "participants":[{"id":"a","seen":0},{"id":"b","seen":0},{"id":"c","seen":0}],
 "series":[{"name":"power.raw","reading":"level","unit":"bytes","source":"chain",
   "steps":{"a":[[0,"600"]],"b":[[0,"300"]],"c":[[0,"100"]]}}]}"#;

const RULES: &str = r#"
[competition]
id = "x"
name = { en = "X", zh = "X" }
network = "n"
start = 0
end = 100
regions = []
[version]
number = 1
from = 0
reason = { en = "first", zh = "第一版" }
[[metrics]]
id = "power"
kind = "level"
series = "power.raw"
[[boards]]
id = "all"
metric = "power"
[[pools]]
id = "prize"
board = "all"
amount = { kind = "fixed", amount = "1000FIL" }
divide = { kind = "weight", metric = "power" }
"#;

fn standings(decisions: &str) -> Standings {
    let facts = Facts::parse(FACTS.as_bytes()).unwrap();
    let entities = Entities::parse(b"[]").unwrap();
    let decisions = Decisions::parse(decisions.as_bytes()).unwrap();
    let rules = RuleSet::from_toml(RULES).unwrap();
    let seq = decisions.list().len() as u64;
    stand(&facts, &entities, &rules, &decisions, Epoch::new(50).unwrap(), seq).unwrap()
}

#[test]
fn a_comparison_says_what_changes_for_everybody_and_how_concentrated_the_money_is() {
    let before = standings("[]");
    let after = standings(
        r#"[{"seq":1,"effect":{"kind":"award","entity":"c","amount":"5","title":{"en":"t","zh":"t"}}}]"#,
    );
    let comparison = compare(&before, &after);
    let changed: Vec<&str> = comparison
        .entities
        .iter()
        .filter(|entity| entity.is_any())
        .map(|entity| entity.entity.as_str())
        .collect();
    assert_eq!(changed, ["c"]);
    let (old, new) = &comparison.concentration;
    assert_eq!((old.entities, old.nakamoto), (3, 1), "600 of 1,000 are more than half");
    assert_eq!(old.top_ten.as_ref().unwrap().to_string(), "1/1");
    // Σ(2i − 4)·x over 100, 300, 600 = −200 + 0 + 1200 = 1000; n·Σx = 3000.
    assert_eq!(old.gini.as_ref().unwrap().to_string(), "1/3");
    assert_eq!(new.paid.0, old.paid.0 + 5);
    assert_eq!(comparison.entities.len(), 3);
    assert!(comparison.entities.iter().all(|entity| entity.ranks.len() == 1));
}

#[test]
fn standings_do_not_differ_from_themselves() {
    let standings = standings("[]");
    let comparison = compare(&standings, &standings);
    assert_eq!(comparison.before, comparison.after);
    assert!(!comparison.entities.iter().any(apogee_leaderboard::EntityChange::is_any));
}
