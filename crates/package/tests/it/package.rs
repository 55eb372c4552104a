//! Packages: written, read, checked, forged.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use apogee_package::{Contents, Defect, ReadError, Section, WriteError, export, facts_until, import, verify};
use apogee_rules::canonical;
use serde_json::{Value, json};

use crate::made::{AT, contents, exported, ledger, rows, sealed};

/// What the second reader says of a file, in its first line.
fn shadow(bytes: &[u8]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shadow/apogee_package.py");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let run = Command::new("python3").arg(program).arg("verify").arg(file.path()).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(
        run.status.code(),
        Some(i32::from(!text.starts_with("OK "))),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    text.lines().next().unwrap().to_owned()
}

fn defect(bytes: &[u8]) -> Defect {
    match verify(bytes) {
        Err(ReadError::Defect(defect)) => defect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_package_is_whole_and_has_the_results_that_follow_from_it() {
    let bytes = exported(contents());
    let report = verify(&bytes[..]).unwrap();
    assert_eq!(report.to_string().lines().next().unwrap(), format!("OK root={}", report.root));
    let end = bytes.len() - "root \n".len() - 64;
    assert_eq!(report.root, canonical::sha256(&bytes[..end]));
    let sections = rows(&bytes);
    let (_, results) = &sections[12];
    assert_eq!(results.len() as u64, report.results);
    assert_eq!(results.last().unwrap(), &json!({"root": report.standings}));
    assert_eq!(shadow(&bytes), format!("OK root={}", report.root));
    // Two amounts from pools and an award, so that there is something to compare.
    let paid: Vec<&Value> = results.iter().filter(|row| row.get("parts").is_some()).collect();
    assert!(paid.iter().any(|row| row["parts"].as_array().unwrap().len() == 3), "{paid:?}");
}

#[test]
fn the_same_contents_are_the_same_bytes_in_whatever_order_they_come() {
    let bytes = exported(contents());
    let imported = import(&bytes[..]).unwrap();
    assert_eq!(exported(imported.contents.clone()), bytes);
    let Contents {
        about,
        mut rules,
        mut facts,
        mut entities,
        claims,
        mut decisions,
        mut observations,
        mut provenance,
    } = imported.contents;
    rules.reverse();
    facts.participants.reverse();
    facts.series.reverse();
    facts.series.iter_mut().for_each(|series| series.steps.0.reverse());
    facts.deals.reverse();
    facts.sectors.reverse();
    entities.reverse();
    decisions.reverse();
    observations.reverse();
    provenance.reverse();
    let turned = Contents { about, rules, facts, entities, claims, decisions, observations, provenance };
    assert_eq!(exported(turned), bytes);
}

#[test]
fn only_what_results_rest_on_is_in_a_package_and_steps_are_divided_into_rows() {
    let contents = contents();
    let facts = facts_until(contents.facts.clone(), &contents.rules, contents.about.at);
    assert_eq!(facts_until(facts.clone(), &contents.rules, contents.about.at), facts);
    let sections = rows(&exported(contents));
    let names: Vec<&str> = sections[3].1.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["power.raw", "probe.failed", "probe.ok"]);
    let steps: Vec<(&str, usize, i64)> = sections[4]
        .1
        .iter()
        .map(|row| {
            let steps = row["steps"].as_array().unwrap();
            (row["participant"].as_str().unwrap(), steps.len(), steps.last().unwrap()[0].as_i64().unwrap())
        })
        .collect();
    let expected = [
        ("f01000", 10_000, 9_999),
        ("f01000", 101, AT),
        ("f01500", 1, 3),
        ("f02000", 20, 19),
        ("f01000", 1, 160),
        ("f02000", 1, 150),
        ("f01000", 1, 150),
        ("f02000", 2, 400),
    ];
    assert_eq!(steps, expected);
}

/// One byte in every part of every line, as both readers see it.
#[test]
fn both_readers_name_the_same_row_of_a_damaged_package() {
    let mut small = contents();
    small
        .facts
        .series
        .iter_mut()
        .for_each(|series| series.steps.0.iter_mut().for_each(|(_, steps)| steps.truncate(3)));
    let good = exported(small);
    let starts = good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let places: Vec<usize> = starts.flat_map(|end| [end, end.saturating_sub(9), end + 5]).collect();
    for (index, at) in
        places.into_iter().enumerate().filter(|(index, at)| index % 11 == 0 && *at < good.len())
    {
        let mut bad = good.clone();
        bad[at] ^= [1, 4, 16, 128][index % 4];
        let found = defect(&bad);
        let shadow = shadow(&bad);
        assert!(
            shadow.starts_with(&format!("{} {}:", found.part, found.row)),
            "byte {at}: {found}; the shadow: {shadow}"
        );
    }
    for length in [0, 10, good.len() / 2, good.len() - 1] {
        let found = defect(&good[..length]);
        assert!(
            shadow(&good[..length]).starts_with(&format!("{} {}:", found.part, found.row)),
            "{length}: {found}"
        );
    }
}

type Forgery = fn(&mut Vec<(Section, Vec<Value>)>);

/// Change the file, seal it anew, and see what is found.
#[test]
fn a_forgery_with_hashes_that_are_right_is_found_where_it_is() {
    let good = rows(&exported(contents()));
    assert!(verify(&sealed(&good)[..]).is_ok());
    let forgeries: &[(&str, Forgery)] = &[
        ("about 1", |s| s[0].1[0]["more"] = json!(1)),
        ("about 1", |s| s[0].1[0]["at"] = json!(-1)),
        ("about 1", |s| s[0].1[0]["clock"]["epoch_seconds"] = json!(0)),
        ("about 1", |s| s[0].1[0]["clock"]["epoch_seconds"] = json!(1_u64 << 32)),
        ("about 1", |s| s[0].1[0]["clock"]["genesis"] = json!(-1)),
        ("about 1", |s| s[0].1[0]["clock"]["genesis"] = json!("1598306400")),
        ("about 1", |s| drop(s[0].1[0].as_object_mut().unwrap().remove("clock"))),
        ("rules 1", |s| s[0].1[0]["competition"] = json!("other")),
        ("rules 1", |s| s[1].1[0]["pools"][0]["amount"]["amount"] = json!("1e3")),
        ("rules 2", |s| s[1].1[0]["pools"][0]["amount"]["amount"] = json!("5")),
        ("rules 1", |s| drop(s[1].1.remove(0))),
        ("rules 0", |s| s[1].1.clear()),
        ("steps 1", |s| drop(s[2].1.remove(0))),
        ("participants 2", |s| s[2].1[1]["region"] = Value::Null),
        ("steps 1", |s| s[3].1[0]["name"] = json!("made.other")),
        ("series 1", |s| {
            s[3].1.insert(0, json!({"name": "a", "reading": "level", "source": "chain", "unit": "bytes"}))
        }),
        ("steps 5", |s| drop(s[3].1.remove(1))),
        ("steps 8", |s| s[4].1[7]["participant"] = json!("f03000")),
        ("steps 2", |s| drop(s[4].1[0]["steps"].as_array_mut().unwrap().pop())),
        ("steps 2", |s| s[4].1[1]["steps"][0][0] = json!(9_999)),
        ("steps 2", |s| s[4].1[1]["steps"][100][0] = json!(AT + 1)),
        ("steps 1", |s| s[4].1[0]["steps"].as_array_mut().unwrap().push(json!([10_000, "1"]))),
        ("deals 1", |s| s[5].1[0]["bytes"] = json!("01024")),
        ("sectors 1", |s| s[6].1[0]["number"] = json!(-1)),
        ("sectors 0", |s| s[6].1[2]["faults"] = json!([[9, 5]])),
        ("entities 0", |s| s[7].1[0]["members"] = json!([{"participant": "f02000", "from": 100}])),
        ("entities 2", |s| s[7].1[1]["members"][0]["participant"] = json!("f04000")),
        ("entities 1", |s| s[7].1[0]["id"] = json!("f01500")),
        ("claims 2", |s| s[8].1[1]["effect"]["entity"] = json!("nobody")),
        ("claims 1", |s| s[8].1[0]["effect"]["participant"] = Value::Null),
        ("decisions 2", |s| s[9].1[1]["effect"]["amount"] = json!("1")),
        ("decisions 2", |s| s[9].1[1]["effect"] = json!({"kind": "note"})),
        ("decisions 3", |s| s[9].1[2]["entry"]["reason"] = json!("Another")),
        ("decisions 1", |s| drop(s[9].1.remove(0))),
        ("decisions 1", |s| s[9].1[0]["entry"]["seq"] = json!(2)),
        ("decisions 0", |s| drop(s[9].1.pop())),
        ("observations 1", |s| s[10].1[0]["series"] = json!("made.unread")),
        ("observations 1", |s| s[10].1[0]["epoch"] = json!(AT + 1)),
        ("provenance 2", |s| s[11].1[1]["epoch"] = json!(AT + 1)),
        ("provenance 2", |s| s[11].1[1]["granted"] = json!(false)),
        ("results 1", |s| s[5].1[0]["bytes"] = json!("1025")),
        ("results 3", |s| s[12].1[2]["name"] = json!("another")),
        ("results 17", |s| drop(s[12].1.pop())),
        ("results 18", |s| s[12].1.push(json!({"root": "0"}))),
        ("results 2", |s| s[12].1.swap(1, 2)),
    ];
    let mut wrong = Vec::new();
    for (index, (place, forge)) in forgeries.iter().enumerate() {
        let mut sections = good.clone();
        forge(&mut sections);
        let found = defect(&sealed(&sections));
        if format!("{} {}", found.part, found.row) != *place {
            wrong.push(format!("{index}: {place} expected, {found}"));
        }
        let shadow = shadow(&sealed(&sections));
        if !shadow.starts_with(&format!("{place}:")) {
            wrong.push(format!("{index}: {place} expected, the shadow says {shadow}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An entry that was changed, and everything after it chained anew: the ledger is whole, and the results are not.
#[test]
fn a_ledger_that_is_forged_and_chained_anew_has_other_results() {
    let mut sections = rows(&exported(contents()));
    let acts: Vec<(Value, Value)> = sections[9]
        .1
        .iter()
        .map(|row| {
            let (mut act, mut effect) = (row["entry"]["act"].clone(), row["effect"].clone());
            if effect["kind"] == "award" {
                act["amount"] = json!("8");
                effect["amount"] = json!("8");
            }
            (act, effect)
        })
        .collect();
    sections[9].1 = ledger(&acts);
    let found = defect(&sealed(&sections));
    assert!(
        found.to_string().starts_with("results 1: the row is not what follows from the rest: {\"at\":10100,"),
        "{found}"
    );
}

#[test]
fn contents_that_do_not_fit_together_are_not_written() {
    let refused = |change: fn(&mut Contents)| {
        let mut contents = contents();
        change(&mut contents);
        match export(contents, std::io::sink()) {
            Err(WriteError::Defect(defect)) => defect.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let same = |text: String, start: &str| assert!(text.starts_with(start), "{text}");
    same(refused(|c| c.about.seq = 3), "decisions 0: the ledger does not end with entry 3");
    let early = "results 0: there are no standings: at: ";
    same(refused(|c| (c.about.at, c.observations) = (apogee_domain::Epoch::new(99).unwrap(), vec![])), early);
    same(
        refused(|c| c.about.network = "elsewhere".parse().unwrap()),
        "rules 1: these are the rules of another",
    );
    same(refused(|c| c.entities.clear()), "claims 1: it is about an entity");
    let strangers = "steps 0: series.power.raw.steps.f01000: it is not among the participants";
    same(refused(|c| c.facts.participants.clear()), strangers);
}
