//! A Spacemesh network that splits and heals: wrong provisional standings, a recount, a decision, a corrected payout.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::served::Served;
use apogee_testkit::example;
use serde_json::Value;

/// Where a mesh keeps what it indexes.
pub(crate) const STORE: &str = "sqlite:a.sqlite";

/// A folder in which the mini-devnet is indexed.
pub(crate) struct Mesh {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Mesh {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), place: example("spacemesh-devnet") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The exit code, and what was said.
    pub(crate) fn apogee(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        let output = command.current_dir(self.path()).args(arguments).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), text)
    }

    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.apogee(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let (code, said) = self.apogee(arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        said
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.place.join(name).display().to_string()
    }

    pub(crate) fn import(&self, copy: &str) -> String {
        let (copy, described) = (self.file(copy), self.file("network.toml"));
        let network = ["--described", &described, "--network", "devnet-208", "--store", STORE];
        self.good(&[&["spacemesh", "import", &copy], &network[..]].concat())
    }

    /// Who would be paid by the rows up to layer 60.
    pub(crate) fn owed(&self, rules: &str) -> Vec<(String, String)> {
        let facts = self.good(&["competition", "facts", "--rules", rules, "--at", "e:60", "--store", STORE]);
        std::fs::write(self.path().join("facts.json"), facts).unwrap();
        let stand =
            ["competition", "standings", "--rules", rules, "--facts", "facts.json", "--format", "csv"];
        let csv = self.good(&stand);
        let rows = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        rows.map(|row| (row[0].to_owned(), row[2].to_owned())).filter(|(_, atto)| atto != "0").collect()
    }

    /// A competition that has started, with two operators.
    pub(crate) fn founded(&self, rules: &str) {
        let mut new = vec!["competition", "new", "--id", "split", "--network", "devnet-208", "--domain"];
        new.extend(["mesh.example", "--threshold", "2", "--notice", "2", "--yes", "--store", STORE]);
        let named: Vec<String> = ["ana", "bo"]
            .iter()
            .map(|name| {
                self.good(&["operator", "new", &format!("{name}.key")]);
                format!("{name}={}", self.good(&["operator", "show", &format!("{name}.key")]).trim())
            })
            .collect();
        new.extend(["--key", "ana.key", "--key", "bo.key", "--operator", &named[0], "--operator", &named[1]]);
        self.good(&new);
        for act in [&["--rule-set", rules][..], &["open-registration"], &["start"]] {
            let (code, said) = self.decide(act, &[]);
            assert_eq!(code, 0, "{act:?}: {said}");
        }
    }

    fn decide(&self, act: &[&str], more: &[&str]) -> (i32, String) {
        let take = ["decide", "take", "--competition", "split", "--actor", "ana", "--key", "ana.key"];
        let rest = ["--key", "bo.key", "--reason", "It has to be.", "--recorded", "--yes", "--store", STORE];
        self.apogee(&[&take[..], &rest, more, act].concat())
    }
}

#[test]
fn who_would_be_paid_in_a_split_is_not_who_is_paid_after_the_recount() {
    let mesh = Mesh::new();
    let rules = example("rules").join("spacemesh-rewards.toml").display().to_string();
    let said = mesh.import("state_a_at_60.sql");
    assert!(said.contains("layer    60") && said.contains("final    0"), "nobody counted: {said}");
    let provisional = mesh.owed(&rules);
    // Rules of Filecoin have nothing to read here.
    let foreign = std::fs::read_to_string(&rules).unwrap();
    let foreign = foreign
        .replace("\"space.units\"", "\"power.qa\"")
        .replace("SMH", "FIL")
        .replace("value = 1\n", "value = \"1GiB\"\n");
    std::fs::write(mesh.path().join("foreign.toml"), foreign).unwrap();
    let read = ["competition", "facts", "--rules", "foreign.toml", "--at", "e:60", "--store", STORE];
    let refused = mesh.refused(&read);
    assert!(refused.contains("power.qa is no series of devnet-208"), "{refused}");

    // A competition on it, with two operators.
    mesh.founded(&rules);
    let good = |act: &[&str]| {
        let (code, said) = mesh.decide(act, &[]);
        assert_eq!(code, 0, "{act:?}: {said}");
    };

    // The other side's ballots have come: nothing is decided yet.
    let said = mesh.import("state_a_at_64.sql");
    assert!(said.contains("layer    64"), "{said}");
    let described = mesh.file("network.toml");
    let count = |copy: &str, out: &str| {
        let copy = mesh.file(copy);
        let run = ["spacemesh", "recount", "run", &copy, "--described", &described, "--out", out];
        mesh.apogee(&[&run[..], &["--checkpoint", "going.json"]].concat())
    };
    let (code, said) = count("state_a_at_64.sql", "early.json");
    assert!(said.contains("votes decide up to 51"), "{code}: {said}");

    // In the end they decide, and not as the node did in the split.
    let (code, said) = count("state_a.sql", "report.json");
    assert_eq!(code, 0, "{said}");
    assert!(!mesh.path().join("going.json").exists(), "what is done needs no checkpoint");
    let of = ["--network", "devnet-208", "--store", STORE];
    let recount = |act: &[&str]| mesh.apogee(&[&["spacemesh", "recount"][..], act, &of].concat());
    let keep = |report: &str| recount(&["keep", report, "--described", &described]);
    let (code, said) = keep("report.json");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("another opinion on layer 52"), "{said}");
    let input = said.split_whitespace().next().unwrap().to_owned();
    let (_, again) = keep("report.json");
    assert!(again.contains("was kept before"), "{again}");
    // A report that somebody wrote by hand, or that is of other parameters, is none.
    let text = std::fs::read_to_string(mesh.path().join("report.json")).unwrap();
    type Forge = fn(&mut Value);
    let forgeries: [(&str, Forge); 4] = [
        ("other parameters", |report| report["config"]["hdist"] = 6.into()),
        ("were not checked", |report| report["checks"] = Value::Null),
        ("another network", |report| report["input"]["genesis"] = "00".repeat(20).into()),
        ("do not follow", |report| report["verified"] = 95.into()),
    ];
    for (why, forge) in forgeries {
        let mut report: Value = serde_json::from_str(&text).unwrap();
        forge(&mut report);
        std::fs::write(mesh.path().join("forged.json"), report.to_string()).unwrap();
        let (code, said) = keep("forged.json");
        assert_eq!((code, said.contains(why)), (2, true), "{why}: {said}");
    }
    let who = ["--actor", "ana", "--reason", "Votes say so."];
    let (code, said) = recount(&[&["apply", &input][..], &who].concat());
    assert_eq!((code, said.contains("another opinion on layer")), (2, true), "{said}");

    let said = mesh.import("state_a.sql");
    assert!(said.contains("layer    95") && said.contains("final    0"), "{said}");
    let (code, said) = mesh.decide(&["end"], &[]);
    assert_eq!((code, said.contains("too-early")), (2, true), "nobody has decided: {said}");
    let (code, said) = recount(&[&["apply", &input][..], &who].concat());
    assert_eq!(code, 0, "{said}");
    let (code, said) = recount(&[&["cancel", &input][..], &who].concat());
    assert_eq!((code, said.contains("applied already")), (2, true), "{said}");
    let said = mesh.import("state_a.sql");
    assert!(said.contains("final    75"), "twenty layers below the head, and counted: {said}");
    good(&["end"]);
    good(&["provisional", "until=97"]);

    // Another recount that waits stands in the way of final standings.
    let check = || mesh.apogee(&["competition", "check", "split", "--store", STORE]).1;
    assert!(!check().contains("waits for a decision"));
    let (code, said) = keep("early.json");
    assert_eq!(code, 0, "{said}");
    assert!(check().contains("waits for a decision"), "{}", check());
    let early = said.split_whitespace().next().unwrap().to_owned();
    let shadow = example("rules").join("../../shadow/apogee_shadow.py").display().to_string();
    let (code, said) = mesh.decide(&["finalize", "--shadow", &shadow], &[]);
    assert_eq!((code, said.contains("blocked")), (2, true), "{said}");
    let (code, said) = recount(&[&["cancel", &early][..], &who].concat());
    assert_eq!(code, 0, "{said}");
    assert!(!check().contains("waits for a decision"));

    let corrected = mesh.owed(&rules);
    assert_ne!(provisional, corrected, "whoever had paid in layer 60 had paid the wrong smeshers");
    let sum =
        |owed: &[(String, String)]| owed.iter().map(|(_, atto)| atto.parse::<u128>().unwrap()).sum::<u128>();
    assert!(sum(&corrected).abs_diff(sum(&provisional)) < 100, "the pool is the same");

    // An older copy changes nothing any more, and the audit log knows who decided.
    let (older, described) = (mesh.file("state_a_at_60.sql"), mesh.file("network.toml"));
    let import = ["spacemesh", "import", &older, "--described", &described, "--network", "devnet-208"];
    let said = mesh.refused(&[&import[..], &["--store", STORE]].concat());
    assert!(said.contains("before the indexed layer 95"), "{said}");
    pages(&mesh);
}

/// What visitors see of it.
fn pages(mesh: &Mesh) {
    let store = format!("sqlite:{}", mesh.path().join("a.sqlite").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    let served =
        Served::start(command.arg("serve").env("APOGEE_STORE", store).env("APOGEE_LOG__FILTER", "warn"));
    let board = served.get("/n/devnet-208/board.json").json();
    assert_eq!(board["series"], "space.units");
    assert_eq!(board["rows"].as_array().unwrap().len(), 16);
    // Smesher 5 of the recording signed twice.
    let cheat = "dd4dd7dada8b5d1918b746141adb1711e459f62176c573cebebb810bdde85bbe";
    let smesher = served.get(&format!("/n/devnet-208/m/{cheat}.json")).json();
    let smeshing = &smesher["smeshing"];
    assert_eq!(smeshing["malfeasant_since"].as_i64(), Some(84), "{smeshing}");
    assert_eq!((smeshing["epoch"].as_i64(), smeshing["layers"].as_i64()), (Some(5), Some(16)));
    let html = served.get(&format!("/n/devnet-208/m/{cheat}")).text();
    assert!(html.contains("Known to be malfeasant since layer"), "{html}");
    let honest = board["rows"][0]["participant"].as_str().or(board["rows"][0]["subject"].as_str());
    let page = served.get(&format!("/zh/n/devnet-208/m/{}", honest.unwrap_or(cheat))).text();
    assert!(page.contains("席位"), "{page}");
    let epoch = served.get("/n/devnet-208/e/60.json");
    assert_eq!(epoch.status, 200);
}

#[test]
fn chances_are_told_and_bad_files_leave_no_trace() {
    let mesh = Mesh::new();
    let said = mesh.good(&["spacemesh", "odds", "--slots", "1", "--layers", "100"]);
    assert!(said.contains("0.999751984") && said.contains("as it should be"), "{said}");
    let json = mesh.good(&["spacemesh", "odds", "--slots", "13", "--layers", "4032", "--format", "json"]);
    assert!(json.contains("\"none_in_layers\": 0") && json.contains("alarming"), "{json}");

    let (copy, described) = (mesh.file("state_a.sql"), mesh.file("network.toml"));
    let import = |copy: &str, described: &str| {
        let of = ["--network", "devnet-208", "--store", STORE];
        mesh.refused(&[&["spacemesh", "import", copy, "--described", described], &of[..]].concat())
    };
    let text = std::fs::read_to_string(&described).unwrap();
    let write = |name: &str, text: &str| std::fs::write(mesh.path().join(name), text).unwrap();
    write("other.toml", &text.replacen("763050", "863050", 1));
    assert!(import(&copy, "other.toml").contains("network"));
    write("none.toml", &text.replacen("committee = 5", "committee = 0", 1));
    assert!(import(&copy, "none.toml").contains("committee"));
    let whole = std::fs::read(&copy).unwrap();
    std::fs::write(mesh.path().join("cut.sql"), &whole[..whole.len() / 2]).unwrap();
    import("cut.sql", &described);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(mesh.path().join("newer.sql"), newer).unwrap();
    assert!(import("newer.sql", &described).contains("99"));
    std::fs::write(mesh.path().join("used.sql"), &whole).unwrap();
    std::fs::write(mesh.path().join("used.sql-wal"), []).unwrap();
    import("used.sql", &described);
    assert!(!mesh.path().join("a.sqlite").exists(), "nothing was written");
    let keep = ["spacemesh", "recount", "keep", "none.toml", "--described", &described];
    mesh.refused(&[&keep[..], &["--network", "devnet-208", "--store", STORE]].concat());
}

#[test]
fn every_rule_set_for_spacemesh_pays_whom_it_means() {
    let mesh = Mesh::new();
    mesh.import("state_a.sql");
    let cheat = "dd4dd7dada8b5d1918b746141adb1711e459f62176c573cebebb810bdde85bbe";
    for (name, paid) in [("participation", true), ("space-time", true), ("rewards", true), ("bounty", false)]
    {
        let rules = example("rules").join(format!("spacemesh-{name}.toml")).display().to_string();
        let words = mesh.good(&["rules", "words", &rules]);
        assert!(name == "bounty" || name == "rewards" || words.contains("SMH"), "{words}");
        let at = if name == "rewards" { "e:60" } else { "e:95" };
        let facts = mesh.good(&["competition", "facts", "--rules", &rules, "--at", at, "--store", STORE]);
        std::fs::write(mesh.path().join("facts.json"), facts).unwrap();
        let stand =
            ["competition", "standings", "--rules", &rules, "--facts", "facts.json", "--format", "csv"];
        let csv = mesh.good(&stand);
        let winners: Vec<_> = csv.lines().skip(1).filter(|line| !line.ends_with(",0")).collect();
        assert_eq!(!winners.is_empty(), paid, "{name}: {csv}");
        assert!(name == "rewards" || !winners.iter().any(|row| row.contains(cheat)), "{name}: {csv}");
    }
}
