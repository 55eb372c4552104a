//! `docs/competition.md` is normative: it names everything there is.

use apogee_competition::Kind;

fn page() -> String {
    std::fs::read_to_string(apogee_testkit::workspace().join("docs/competition.md")).unwrap()
}

#[test]
fn every_kind_of_refusal_stands_on_the_page() {
    let page = page();
    let missing: Vec<&str> = Kind::ALL
        .iter()
        .map(|kind| kind.name())
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_act_stands_on_the_page() {
    let page = page();
    for act in [
        "found",
        "appoint",
        "dismiss",
        "publish-rules",
        "open-registration",
        "start",
        "pause",
        "resume",
        "freeze",
        "thaw",
        "end",
        "provisional",
        "finalize",
        "amend",
        "approve-payout",
        "pay",
        "open-payout-addresses",
        "archive",
        "cancel",
        "set-end",
        "disqualify",
        "waive",
        "remove-interval",
        "set-region",
        "adjust",
        "attest",
        "set-amount",
        "award",
        "revert",
        "claim",
        "answer-appeal",
        "announce",
        "incident",
        "close-incident",
        "upgrade",
    ] {
        assert!(page.contains(&format!("| `{act}` |")), "{act}");
    }
}
