//! Acts, claims and documents that are wrong: one clear line, exit code 2, nothing written.

use crate::made::{Made, RULES, STORE};

/// Acts that nobody can take, and what is said of them.
const ACTS: &[(&[&str], &str)] = &[
    (&["explode"], "malformed: act: unknown variant `explode`"),
    (&["pause"], "malformed: act: missing field `incident`"),
    (&["end", "now=true"], "malformed: act: unknown field `now`"),
    (&["end", "now"], "a member is written name=value"),
    (&["revert", "seq=1", "seq=2"], "seq stands there twice"),
    (&["revert", "seq=-1"], "malformed: act"),
    (&["revert", "seq=99"], "no-such-entry"),
    (&["revert", "seq=1"], "no-such-entry"),
    (&["revert", "seq=\"1\""], "malformed: act"),
    (&["start"], "too-early: entry.epoch"),
    (&["resume", "from=3"], "wrong-state"),
    (&["thaw"], "wrong-state"),
    (&["archive"], "wrong-state"),
    (&["open-registration"], "wrong-state"),
    (&["provisional", "until=99"], "wrong-state"),
    (&["finalize", "root=1"], "malformed: act.root"),
    (&["finalize", "pin={}"], "act.pin: it is computed here"),
    (&["freeze", "pin={}"], "act.pin: it is computed here"),
    (&["freeze", "at=\"x\""], "malformed: act.at"),
    (&["freeze", "at=4"], "the competition starts at epoch 8"),
    (&["approve-payout", "root=\"00\""], "act.root: it is computed here"),
    (&["approve-payout"], "no final standings yet"),
    (&["publish-rules", "rules={}"], "malformed: act"),
    (&["publish-rules", "simulation=\"00\""], "act.simulation: it is computed here"),
    (&["found"], "use `apogee competition new`"),
    (&["claim"], "use `apogee claim`"),
    (&["disqualify", "entities=[]"], "malformed"),
    (&["disqualify", "entities=[\"t01001\",\"t01001\"]"], "malformed"),
    (&["disqualify", "entities=[\"nobody\"]"], "unknown-entity"),
    (&["disqualify", "entities=[\"N!\"]"], "malformed: act"),
    (&["waive", "entity=t01001", "check=none"], "unknown-in-rules"),
    (&["remove-interval", "from=9", "until=9", "metrics=[]", "regions=[]"], "bad-interval"),
    (&["remove-interval", "from=9", "until=10", "metrics=[\"none\"]", "regions=[]"], "unknown-in-rules"),
    (&["set-amount", "pool=rewards", "amount=\"1\""], "unknown-in-rules"),
    (&["set-amount", "pool=rewards", "amount=1.5"], "malformed: act"),
    (&["award", "entity=t01001", "amount=\"-1\"", "title={\"en\":\"a\",\"zh\":\"b\"}"], "malformed: act"),
    (&["award", "entity=t01001", "amount=\"1\"", "title={\"en\":\"\",\"zh\":\"b\"}"], "bad-text"),
    (&["award", "entity=t01001", "amount=\"1\"", "title={\"en\":\"a\\u202eb\",\"zh\":\"b\"}"], "bad-text"),
    (&["adjust", "participant=t01001", "series=probe", "from=9", "delta=\"1\""], "unknown-in-rules"),
    (
        &["set-end", "until=5", "emergency=false"],
        "unknown-in-rules: act: version 1 of the rules does not have an epoch 5",
    ),
    (&["appoint", "operator={\"id\":\"ana\",\"key\":\"00\"}"], "malformed: act"),
    (&["dismiss", "operator=nobody"], "not-an-operator"),
    (&["close-incident", "incident=2", "until=3"], "no-such-entry"),
    (&["answer-appeal", "appeal=2", "outcome=upheld"], "no-such-entry"),
    (
        &["incident", "title={\"en\":\"a\",\"zh\":\"b\"}", "text={\"en\":\"a\",\"zh\":\"b\"}", "from=99"],
        "too-early: act.from",
    ),
    (&["--act", "none.toml"], "none.toml: No such file"),
    (&["--act", "list.json"], "malformed: act: missing field `kind`"),
    (&["--act", "broken.toml"], "broken.toml"),
    (&["--act", "binary"], "binary"),
    (&["--rule-set", "first.toml"], "rules-not-next"),
    (&["--rule-set", "elsewhere.toml"], "other-network"),
    (&["--rule-set", "foreign.toml"], "other-competition"),
];

#[test]
fn acts_that_are_wrong_are_refused_with_the_place_and_the_reason() {
    let made = Made::new(9).opened();
    made.write("list.json", "[1]");
    made.write("broken.toml", "kind = ");
    std::fs::write(made.path().join("binary"), [0xff, 0xfe, 0]).unwrap();
    made.write("first.toml", RULES);
    made.write("elsewhere.toml", &RULES.replace("network = \"simnet\"", "network = \"mainnet\""));
    made.write("foreign.toml", &RULES.replace("id = \"sprint\"", "id = \"marathon\""));
    let mut wrong = Vec::new();
    for (act, says) in ACTS {
        let all = [&Made::deciding(act)[..], &["--key", "cy.key"]].concat();
        let message = made.refused(&all);
        if !message.contains(says) || says.is_empty() {
            wrong.push(format!("{act:?} says {message:?}, not {says:?}"));
        }
    }
    assert_eq!(wrong.join("\n"), "");
}

#[test]
fn operators_competitions_and_files_that_are_wrong_are_refused() {
    let made = Made::new(10).opened();
    made.write("short.key", "apogee-operator-key-1\nabcd\n");
    made.good(&["operator", "new", "dee.key"]);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(made.path().join("short.key"), mode).unwrap();
    made.write("message.txt", "Apogee competition claim, version 1\n");
    made.write("proposal.json", "{}");
    made.write("nonsense.apogee", "apogee-package-1\nsection about 2\n");
    let take = |actor: &'static str, keys: &[&'static str], more: &[&'static str]| {
        let mut arguments =
            vec!["decide", "take", "--competition", "sprint", "--store", STORE, "--yes", "--actor", actor];
        keys.iter().for_each(|key| arguments.extend(["--key", key]));
        arguments.extend(more);
        arguments
    };
    let announce: &[&str] = &[
        "--reason",
        "x",
        "announce",
        "title={\"en\":\"a\",\"zh\":\"b\"}",
        "text={\"en\":\"a\",\"zh\":\"b\"}",
    ];
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (take("ana", &["none.key"], announce), "none.key"),
        (take("ana", &["short.key"], announce), "it holds no key"),
        (take("ana", &["dee.key"], announce), "the key of no operator"),
        (take("bo", &["ana.key"], announce), "bo acts, but does not sign"),
        (take("ana", &["ana.key", "ana.key"], announce), "named twice"),
        (take("ana", &["ana.key"], &["--reason", "", "thaw"]), ""),
        (take("ana", &["ana.key"], &["--reason", "x", "--evidence", "ä", "cancel"]), ""),
        (
            vec!["competition", "show", "none", "--store", STORE],
            "no competition none in the database, which has sprint",
        ),
        (vec!["competition", "show", "No!", "--store", STORE], "is no name of a competition"),
        (vec!["competition", "check", "none", "--store", STORE], "no competition none"),
        (vec!["competition", "effect", "sprint", "99", "--store", STORE], "no-such-entry"),
        (vec!["competition", "effect", "sprint", "1", "--store", STORE], "changes no standings"),
        (vec!["explain", "t01001", "--competition", "sprint", "--store", STORE], "starts at epoch 8"),
        (
            vec!["explain", "t01001", "--competition", "sprint", "--at", "e:999", "--store", STORE],
            "is in the future",
        ),
        (
            vec!["explain", "t01001", "--competition", "sprint", "--seq", "77", "--store", STORE],
            "no-such-entry",
        ),
        (vec!["simulate", "--competition", "sprint", "--with", "none.toml", "--store", STORE], "none.toml"),
        (vec!["payout", "propose", "--competition", "sprint", "--store", STORE], "no final standings yet"),
        (
            vec!["payout", "export", "--competition", "sprint", "--store", STORE, "out"],
            "no final standings yet",
        ),
        (vec!["package", "export", "--competition", "none", "--store", STORE, "x"], "no competition none"),
        (vec!["package", "export", "--competition", "sprint", "--at", "e:4", "--store", STORE, "x"], ""),
        (vec!["package", "import", "none.apogee", "--store", STORE], "none.apogee"),
        (vec!["claim", "submit", "none.txt", "--signature", "01", "--store", STORE], "none.txt"),
        (vec!["claim", "submit", "message.txt", "--signature", "01", "--store", STORE], "malformed-claim"),
        (vec!["decide", "submit", "proposal.json", "--store", STORE], ""),
        (vec!["decide", "sign", "proposal.json", "--operator", "ana", "--key", "ana.key", "--yes"], ""),
        (
            vec![
                "claim",
                "message",
                "--competition",
                "sprint",
                "--store",
                STORE,
                "--miner",
                "t01000",
                "--role",
                "owner",
                "--action",
                "claim",
                "--entity",
                "e",
            ],
            "--name is needed",
        ),
        (
            vec![
                "claim",
                "message",
                "--competition",
                "sprint",
                "--store",
                STORE,
                "--miner",
                "t01000",
                "--role",
                "owner",
                "--action",
                "leave",
                "--entity",
                "e",
                "--name",
                "x",
            ],
            "--name does not belong",
        ),
        (
            vec![
                "claim",
                "message",
                "--competition",
                "sprint",
                "--store",
                STORE,
                "--miner",
                "t01000",
                "--role",
                "owner",
                "--action",
                "leave",
                "--entity",
                "e",
                "--life",
                "9999",
            ],
            "--life",
        ),
    ];
    for (arguments, says) in cases {
        let message = made.refused(&arguments);
        assert!(message.contains(says), "{arguments:?} says {message:?}, not {says:?}");
    }
    assert!(!made.path().join("x").exists() && !made.path().join("out").exists());
    let mut asked = take("ana", &["ana.key"], announce);
    asked.retain(|argument| *argument != "--yes");
    assert!(made.refused(&asked).contains("say --yes"));
    let broken = made.apogee(&["package", "verify", "nonsense.apogee"]);
    assert_eq!(broken.status.code(), Some(1));
}
