use std::fs;
use std::path::PathBuf;

use apogee_domain::{Epoch, Unit};
use apogee_rules::{Id, Measure, PoolAmount, Quantity, RuleSet, Versions};

/// The text of one of the bundled rule sets.
pub(crate) fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/rules").join(name);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// One of the bundled rule sets.
pub(crate) fn read(name: &str) -> RuleSet {
    RuleSet::from_toml(&text(name)).unwrap_or_else(|problems| panic!("{name}:\n{problems}"))
}

pub(crate) const ALL: [&str; 7] = [
    "sr1-v1.toml",
    "sr1-v2.toml",
    "sr1-v3.toml",
    "sr2-announced.toml",
    "sr2-actual.toml",
    "slingshot-1.toml",
    "slingshot-2.toml",
];

fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

fn epoch(height: i64) -> Epoch {
    Epoch::new(height).expect("an epoch")
}

#[test]
fn every_example_is_valid_and_survives_its_canonical_form() {
    for name in ALL {
        let rules = read(name);
        let canonical = rules.canonical().unwrap();
        let again = RuleSet::from_canonical(canonical.as_bytes()).unwrap_or_else(|p| panic!("{name}:\n{p}"));
        assert_eq!(again, rules, "{name}");
        assert_eq!(again.canonical().unwrap(), canonical, "{name}");
    }
}

#[test]
fn the_versions_of_the_first_race_follow_each_other_at_their_real_epochs() {
    let sets = ["sr1-v1.toml", "sr1-v2.toml", "sr1-v3.toml"].map(read);
    let versions = Versions::new(sets.to_vec()).unwrap_or_else(|problems| panic!("{problems}"));
    let number = |height| versions.effective_at(epoch(height)).map(|rules| rules.version.number);
    assert_eq!(number(0), Some(1));
    assert_eq!(number(19_451), Some(1));
    assert_eq!(number(19_452), Some(2));
    assert_eq!(number(24_955), Some(2));
    assert_eq!(number(24_956), Some(3));
    assert_eq!(number(60_480), Some(3));
    assert_eq!(sets[0].competition.end, epoch(60_480));
}

#[test]
fn versions_that_do_not_follow_each_other_are_refused_with_path_and_reason() {
    let [one, two, three] = ["sr1-v1.toml", "sr1-v2.toml", "sr1-v3.toml"].map(read);
    let refused =
        |sets: &[&RuleSet]| Versions::new(sets.iter().map(|&s| s.clone()).collect()).unwrap_err().to_string();
    assert_eq!(refused(&[]), "there is no version");
    assert_eq!(refused(&[&two]), "versions[0].version.number: 2 stands where 1 is expected");
    let skipped = refused(&[&one, &three]);
    assert!(skipped.starts_with("versions[1].version.number: 3 stands where 2 is expected\n"), "{skipped}");
    assert!(skipped.contains("versions[1].version.supersedes: it is not "), "{skipped}");
    let mut changed = one.clone();
    changed.competition.regions.pop();
    let hash = changed.hash().unwrap();
    assert_eq!(
        refused(&[&changed, &two]),
        format!("versions[1].version.supersedes: it is not {hash}, the hash of the version before")
    );
    let mut early = two.clone();
    early.version.from = one.version.from;
    assert_eq!(
        refused(&[&one, &early]),
        "versions[1].version.from: 0 is not after 0, from which the version before holds"
    );
    early.version.retroactive = true;
    assert!(Versions::new(vec![one.clone(), early]).is_ok());
    let mut other = two.clone();
    other.competition.id = id("sr9");
    other.competition.network = "elsewhere".parse().unwrap();
    assert_eq!(
        refused(&[&one, &other]),
        "versions[1].competition.id: sr9 stands where sr1 is expected\nversions[1].competition.network: elsewhere stands where testnet is expected"
    );
}

#[test]
fn tiers_of_the_examples_are_what_was_promised() {
    const PIB: u128 = 1 << 50;
    const FIL: u128 = 1_000_000_000_000_000_000;
    let rules = read("sr1-v3.toml");
    let PoolAmount::Tiers { tiers, .. } = &rules.pool(&id("global")).unwrap().amount else { panic!("tiers") };
    let tiers: Vec<_> = tiers.iter().map(|tier| (tier.at.0, tier.amount.0, tier.gate.is_some())).collect();
    assert_eq!(
        tiers,
        [
            (5 * PIB, 100_000 * FIL, false),
            (10 * PIB, 200_000 * FIL, false),
            (25 * PIB, 300_000 * FIL, false),
            (50 * PIB, 500_000 * FIL, false),
            (100 * PIB, 1_000_000 * FIL, true),
            (200 * PIB, 1_500_000 * FIL, true),
        ]
    );
    let slingshot = read("slingshot-2.toml");
    assert_eq!(slingshot.competition.start, epoch(166_560));
    assert_eq!(slingshot.board(&id("booster")).unwrap().above, Some(Quantity(50 << 30)));
    assert_eq!(slingshot.measure(&id("provider-share")), Some(Measure::Ratio));
    assert_eq!(read("sr2-announced.toml").measure(&id("earned")), Some(Measure::Whole(Unit::Atto)));
    assert_eq!(read("sr2-actual.toml").competition.end, epoch(148_888));
}
