use apogee_competition::{Act, Competition, Phase, Signed, check_claims};
use apogee_leaderboard::compare;
use apogee_package::verify;
use apogee_rules::{RuleSet, canonical};
use serde_json::json;
use sr1_history::{LAST, Signatures};

use crate::shared::{at, contents, founded, history, package, shadow, shadow_stands, standings};

#[test]
fn the_file_in_the_repository_is_what_the_story_makes() {
    let made = history().package().unwrap();
    assert!(made == package(), "`cargo run --release -p sr1-history` writes it again");
    let size =
        std::fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/sr1-history.apogee.zst")).unwrap().len();
    assert!(size < 1_500_000, "{size}");
}

#[test]
fn both_readers_accept_it_and_its_results_are_the_final_ones() {
    let report = verify(package()).unwrap();
    let pin = &history().competition.finals()[0].pin;
    assert_eq!(report.standings, pin.root);
    let said = shadow(package());
    assert_eq!(said[0], format!("OK root={}", report.root));
    assert!(said[1].ends_with(&format!("root {}", pin.root)), "{}", said[1]);
}

#[test]
fn the_ledger_of_the_package_stands_and_says_what_else_is_in_it() {
    let founded = founded(contents()).unwrap();
    assert_eq!(founded.entries, history().entries);
    assert_eq!(founded.competition, history().competition);
    assert_eq!(founded.competition.phase(), Phase::Final);
    let claims = contents().claims.len() as u64;
    let joins =
        contents().claims.iter().filter(|claim| claim.effect.action.as_str() == "join").count() as u64;
    assert!(claims > 400 && joins > 30, "{claims} {joins}");
    assert_eq!(check_claims(&founded.entries, &Signatures).unwrap(), claims + joins);
}

/// What a decision or a version of the rules does is computed again from what the package holds.
#[test]
fn every_report_that_the_ledger_names_follows_from_the_package() {
    let mut before = Competition::new(contents().about.competition.clone());
    let mut reports = 0;
    for signed in &history().entries {
        let Signed { entry, .. } = signed;
        let mut after = before.clone();
        after.append(signed).unwrap();
        // Both sides are read at the last epoch before the entry's.
        let at = entry.epoch.minus(1);
        let report = |old: &RuleSet, new: &RuleSet| {
            let (old, new) = (standings(&before, at, old), standings(&after, at, new));
            Some(canonical::hash(&compare(&old, &new)).unwrap())
        };
        let named = match &entry.act {
            Act::PublishRules { rules, simulation } if rules.0.version.number > 1 => {
                assert_eq!(
                    *simulation,
                    report(&before.rules().last().unwrap().rules, &rules.0),
                    "#{}",
                    entry.seq
                );
                true
            }
            act if act.is_decision() => {
                let holds = &before.rules_at(entry.epoch).unwrap().rules;
                assert_eq!(entry.preview, report(holds, holds), "#{}", entry.seq);
                true
            }
            _ => false,
        };
        reports += usize::from(named);
        before = after;
    }
    assert_eq!(reports, 5 + 7);
}

/// The root that `finalize` names for the second implementation is what that one computes, from the ledger as it was before.
#[test]
fn the_second_implementation_has_the_root_that_is_final() {
    let entries = &history().entries;
    let place = entries.iter().position(|signed| matches!(signed.entry.act, Act::Finalize { .. })).unwrap();
    let Act::Finalize { pin, shadow } = &entries[place].entry.act else { unreachable!() };
    let competition =
        apogee_competition::fold(contents().about.competition.clone(), &entries[..place]).unwrap();
    assert_eq!((pin.at, pin.seq, pin.root), (at(LAST), place as u64, *shadow));
    let case = json!({
        "facts": contents().facts,
        "entities": competition.entities_document().unwrap().list(),
        "rules": contents().rules.last().unwrap(),
        "decisions": competition.decisions_document().unwrap().list(),
        "at": pin.at,
        "seq": pin.seq,
    });
    let answer: serde_json::Value = serde_json::from_str(&shadow_stands(&case)).unwrap();
    assert_eq!(answer["root"], json!(shadow));
}
