//! One byte, one row, one section: whatever is changed is found, and where.

use std::io::Write as _;

use apogee_package::{ReadError, Section, import, verify};
use apogee_rules::canonical;
use serde_json::{Value, json};

use crate::shared::{founded, package, shadow};

/// What is wrong, and with which section and row it begins.
fn found(bytes: &[u8]) -> String {
    match verify(bytes) {
        Err(ReadError::Defect(defect)) => defect.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The section and row of each line, as a defect names them.
fn places() -> Vec<String> {
    let mut sections = Section::ALL.iter();
    let (mut name, mut row) = ("format", 0);
    let place = |line: &str| {
        row += 1;
        if line.starts_with("section ") {
            (name, row) = (sections.next().unwrap().name(), 0);
        } else if line.starts_with("root ") {
            (name, row) = ("root", 0);
        } else if name == "format" {
            row = 0;
        }
        format!("{name} {row}:")
    };
    std::str::from_utf8(package()).unwrap().lines().map(place).collect()
}

/// Bytes all over the file: in the hash, in the middle and at the end of a line, every `step`th line.
fn samples(step: usize) -> Vec<(usize, String)> {
    let mut start = 0;
    let mut samples = Vec::new();
    for (number, (line, place)) in package().split_inclusive(|byte| *byte == b'\n').zip(places()).enumerate()
    {
        if number % step == 0 {
            let offset = [3, line.len() / 2, line.len() - 2][number / step % 3];
            samples.push((start + offset, place));
        }
        start += line.len();
    }
    samples
}

fn flipped(at: usize) -> Vec<u8> {
    let mut bad = package().to_vec();
    bad[at] ^= 1 << (at % 7);
    bad
}

#[test]
fn a_flipped_byte_is_found_where_it_is() {
    let samples = samples(83);
    assert!(samples.len() > 40, "{}", samples.len());
    for (at, place) in samples {
        let found = found(&flipped(at));
        // Of a line that opens a section a changed number of rows is seen where the rows end.
        assert!(found.starts_with(&place) || place.ends_with(" 0:"), "byte {at} of {place} {found}");
    }
}

#[test]
fn the_second_reader_finds_the_same_place() {
    for (at, place) in samples(577) {
        let bad = flipped(at);
        let (found, shadow) = (found(&bad), shadow(&bad));
        let named = found.split(':').next().unwrap();
        assert!(shadow[0].starts_with(&format!("{named}:")), "byte {at} of {place} {found}; {}", shadow[0]);
    }
}

#[test]
fn a_section_or_the_whole_file_that_is_missing_is_named() {
    let text = std::str::from_utf8(package()).unwrap();
    for section in Section::ALL {
        let start = text.find(&format!("\nsection {section} ")).unwrap() + 1;
        let rest = &text[start + 1..];
        let end = rest.find("\nsection ").or_else(|| rest.find("\nroot ")).unwrap() + start + 2;
        let bad = [&text[..start], &text[end..]].concat();
        assert!(found(bad.as_bytes()).starts_with(&format!("{section} 0:")), "{}", found(bad.as_bytes()));
    }
    assert!(found(b"").starts_with("format 0:"));
    assert_eq!(shadow(b"")[0].split(':').next().unwrap(), "format 0");
}

/// The package with another value in a row, and every hash and the root made anew: what a forger would hand in.
fn forged(section: Section, number: usize, change: impl Fn(&mut Value)) -> Vec<u8> {
    let (mut at, mut row) = (None, 0);
    let mut bytes = Vec::new();
    for line in std::str::from_utf8(package()).unwrap().lines().filter(|line| !line.starts_with("root ")) {
        if let Some(opened) = line.strip_prefix("section ") {
            (at, row) = (opened.split(' ').next(), 0);
        } else {
            row += 1;
        }
        if at == Some(section.name()) && row == number && number > 0 && !line.starts_with("section ") {
            let mut value: Value = serde_json::from_str(&line[65..]).unwrap();
            change(&mut value);
            let json = canonical::text(&value).unwrap();
            writeln!(bytes, "{} {json}", canonical::sha256(json.as_bytes())).unwrap();
        } else {
            writeln!(bytes, "{line}").unwrap();
        }
    }
    let root = canonical::sha256(&bytes);
    writeln!(bytes, "root {root}").unwrap();
    bytes
}

/// What the file cannot show, its ledger does.
#[test]
fn a_forgery_with_hashes_that_are_right_does_not_rest_on_the_ledger() {
    type Change = fn(&mut Value);
    let wrong = |section, number, change: Change| {
        let contents = import(&forged(section, number, change)[..]).unwrap().contents;
        founded(&contents).unwrap_err().to_string()
    };
    let expected: [(&str, Section, usize, Change); 8] = [
        ("rules 2", Section::Rules, 2, |row| row["eligibility"][0]["value"] = json!("9/10")),
        ("entities 7", Section::Entities, 7, |row| row["registered"] = json!(1)),
        ("entities 1", Section::Entities, 1, |row| drop(row["members"].as_array_mut().unwrap().pop())),
        ("claims 30", Section::Claims, 30, |row| row["epoch"] = json!(row["epoch"].as_i64().unwrap() + 1)),
        ("claims 31", Section::Claims, 31, |row| row["effect"]["action"] = json!("leave")),
        ("decisions 1", Section::Decisions, 1, |row| {
            row["signatures"][0]["signature"] = json!("00".repeat(64))
        }),
        ("decisions 9", Section::Decisions, 9, |row| row["effect"] = json!({"kind": "revert", "seq": 1})),
        ("decisions 4", Section::Decisions, 4, |row| row["entry"]["time"] = json!(0)),
    ];
    for (place, section, number, change) in expected {
        let wrong = wrong(section, number, change);
        assert!(wrong.starts_with(&format!("{place}:")), "{place}: {wrong}");
    }
}
