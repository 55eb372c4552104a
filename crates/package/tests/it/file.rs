//! The file: whatever is done to it, the reader names a section and a row.

use apogee_package::{Defect, Part, ReadError, Reader, Section, WriteError, Writer};
use serde_json::{Value, json};

/// A small package with rows in every section.
fn sections() -> Vec<(Section, Vec<Value>)> {
    let name = "Zürich \"漢\"\n";
    vec![
        (Section::About, vec![json!({"at": 9, "competition": "c", "genesis": "g", "network": "n"})]),
        (Section::Rules, vec![json!({"version": {"number": 1}}), json!({"version": {"number": 2}})]),
        (Section::Participants, vec![json!({"id": "p1", "seen": 0}), json!({"id": "p2", "seen": 3})]),
        (Section::Series, vec![json!({"name": "power"}), json!({"name": "wins"})]),
        (
            Section::Steps,
            vec![
                json!({"participant": "p1", "series": "power", "steps": [[0, "18446744073709551616"]]}),
                json!({"participant": "p1", "series": "power", "steps": [[7, null]]}),
                json!({"participant": "p2", "series": "power", "steps": [[3, "1"]]}),
                json!({"participant": "p1", "series": "wins", "steps": [[0, "2"], [4, "5"]]}),
            ],
        ),
        (Section::Deals, vec![json!({"id": 9}), json!({"id": 10})]),
        (
            Section::Sectors,
            vec![json!({"participant": "p1", "number": 9}), json!({"participant": "p1", "number": 10})],
        ),
        (Section::Entities, vec![json!({"id": "e1", "name": name}), json!({"id": "e2", "name": ""})]),
        (
            Section::Claims,
            vec![json!({"epoch": 4, "signature": "aa"}), json!({"epoch": 4, "signature": "bb"})],
        ),
        (Section::Decisions, vec![json!({"seq": 1}), json!({"seq": 2})]),
        (Section::Observations, vec![json!({"series": "s", "participant": "p1", "epoch": 4, "id": "o"})]),
        (Section::Provenance, vec![json!({"epoch": 0}), json!({"epoch": 2})]),
        (Section::Results, vec![json!({"epoch": 9}), json!({"root": "00"})]),
    ]
}

fn write(sections: &[(Section, Vec<Value>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes).unwrap();
    for (section, rows) in sections {
        writer.section(*section, rows.len() as u64).unwrap();
        for row in rows {
            writer.row(row).unwrap();
        }
    }
    writer.finish().unwrap();
    bytes
}

/// The rows, or the first defect.
fn read(bytes: &[u8]) -> Result<Vec<(Section, Value)>, Defect> {
    let mut rows = Vec::new();
    let mut run = || -> Result<(), ReadError> {
        let mut reader = Reader::new(bytes)?;
        while let Some(row) = reader.next_row()? {
            rows.push((row.section, row.value));
        }
        assert!(reader.root().is_some());
        Ok(())
    };
    match run() {
        Ok(()) => Ok(rows),
        Err(ReadError::Defect(defect)) => Err(defect),
        Err(ReadError::Io(error)) => panic!("{error}"),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Where the line with this index lies in the file, as a defect would name it.
fn place(file: &[u8], index: usize) -> (Part, u64) {
    let mut place = (Part::Format, 0);
    let mut sections = Section::ALL.iter();
    for line in lines(file).iter().take(index + 1).skip(1) {
        if line.starts_with(b"section ") {
            place = (Part::Section(*sections.next().unwrap()), 0);
        } else if line.starts_with(b"root ") {
            place = (Part::Root, 0);
        } else {
            place.1 += 1;
        }
    }
    place
}

#[test]
fn what_is_written_is_read_and_written_again_as_the_same_bytes() {
    let sections = sections();
    let bytes = write(&sections);
    let rows = read(&bytes).unwrap();
    let expected: Vec<_> =
        sections.iter().flat_map(|(section, rows)| rows.iter().map(|row| (*section, row.clone()))).collect();
    assert_eq!(rows, expected);
    assert_eq!(write(&sections), bytes);
    assert!(bytes.starts_with(b"apogee-package-1\nsection about 1\n"));
}

#[test]
fn any_flipped_bit_is_a_defect_of_the_line_it_is_in_or_the_one_after() {
    let good = write(&sections());
    let mut line = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let defect = read(&bad).expect_err("a flipped bit");
            let found = (defect.part, defect.row);
            // A number of rows that fell is seen in the row that comes instead of a section, one that rose in the section that
            // comes instead of a row.
            let (part, row) = place(&good, line);
            let counts = good[at].is_ascii_digit() && row == 0 && matches!(part, Part::Section(_));
            if !counts {
                assert_eq!(found, (part, row), "byte {at}, bit {bit}: {defect}");
            }
        }
        line += usize::from(good[at] == b'\n');
    }
}

#[test]
fn lines_that_are_left_out_doubled_or_swapped_and_files_that_are_cut_are_defects() {
    let good = write(&sections());
    let all = lines(&good);
    for index in 0..all.len() {
        let left_out: Vec<&[u8]> =
            all.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, line)| *line).collect();
        read(&left_out.concat()).expect_err("a line that is left out");
        let mut doubled = all.clone();
        doubled.insert(index, all[index]);
        read(&doubled.concat()).expect_err("a doubled line");
        for other in 0..index {
            let mut swapped = all.clone();
            swapped.swap(index, other);
            let defect = read(&swapped.concat()).expect_err("swapped lines");
            // Claims and results have no order of their own, so it is the root that shows it.
            let free = [Part::Section(Section::Claims), Part::Section(Section::Results)];
            let (part, row) = place(&good, other);
            if !free.contains(&part) && row > 0 && place(&good, index).0 == part {
                assert_eq!(defect.part, part, "lines {index} and {other}: {defect}");
            }
        }
    }
    for length in 0..good.len() {
        let (part, row) = place(&good, good[..length].iter().filter(|byte| **byte == b'\n').count());
        let defect = read(&good[..length]).expect_err("a file that is cut");
        assert_eq!((defect.part, defect.row), (part, row), "{length}: {defect}");
    }
    let mut longer = good.clone();
    longer.push(b'\n');
    assert_eq!(read(&longer).unwrap_err().to_string(), "root 0: something follows the root");
}

#[test]
fn a_section_that_is_left_out_is_named() {
    let good = write(&sections());
    let text = String::from_utf8(good).unwrap();
    for section in Section::ALL {
        let start = text.find(&format!("section {section} ")).unwrap();
        let length = text[start + 1..]
            .find("\nsection ")
            .map_or_else(|| text[start..].find("\nroot ").map(|end| end + 1), |end| Some(end + 2));
        let bad = [&text[..start], &text[start + length.unwrap()..]].concat();
        let defect = read(bad.as_bytes()).unwrap_err();
        assert_eq!((defect.part, defect.row), (Part::Section(section), 0), "{defect}");
    }
}

#[test]
fn many_changes_at_once_never_pass_and_never_panic() {
    let good = write(&sections());
    // SplitMix64, so that every run makes the same changes.
    let mut state = 0x5eed_u64;
    let mut random = |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
    };
    for _ in 0..20_000 {
        let mut bad = good.clone();
        for _ in 0..=random(4) {
            let (at, other) = (random(bad.len()), random(bad.len()));
            match random(5) {
                0 => bad[at] = u8::try_from(random(256)).unwrap(),
                1 => bad.insert(at, good[random(good.len())]),
                2 => drop(bad.remove(at)),
                3 => drop(bad.drain(at.min(other)..at.max(other).min(at.min(other) + 200))),
                _ => {
                    let piece = bad[at..(at + random(100)).min(bad.len())].to_vec();
                    bad.splice(other..other, piece);
                }
            }
        }
        assert!(bad == good || read(&bad).is_err());
    }
}

#[test]
fn a_line_without_end_is_refused_before_it_is_in_memory() {
    let mut bytes = b"apogee-package-1\nsection about 1\n".to_vec();
    bytes.resize(bytes.len() + apogee_package::LINE_LIMIT + 1, b'x');
    assert_eq!(read(&bytes).unwrap_err().to_string(), "about 1: the line is longer than 16777216 bytes");
}

#[test]
fn more_rows_than_anyone_can_check_are_refused() {
    let text = "apogee-package-1\nsection about 1\n";
    let about = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a {}\n";
    for (rows, what) in [
        ("50000000", "rules 0: with this section the file has more than 50000000 rows"),
        ("18446744073709551615", "rules 0: with this section the file has more than 50000000 rows"),
        ("99999999999999999999", "rules 0: the line is not `section rules ROWS`"),
        ("+1", "rules 0: the line is not `section rules ROWS`"),
        ("01", "rules 0: the line is not `section rules ROWS`"),
        ("49999999", "rules 1: the file ends here"),
    ] {
        let bytes = format!("{text}{about}section rules {rows}\n");
        assert_eq!(read(bytes.as_bytes()).unwrap_err().to_string(), what);
    }
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let told = |error: WriteError| error.to_string();
    assert_eq!(told(writer.section(Section::Rules, 0).unwrap_err()), "rules: another section is due");
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.section(Section::About, 1).unwrap();
    assert_eq!(told(writer.section(Section::Rules, 0).unwrap_err()), "about: rows are missing");
    writer.row(&json!({})).unwrap();
    assert_eq!(told(writer.row(&json!({})).unwrap_err()), "about: it has all its rows");
    writer.section(Section::Rules, 0).unwrap();
    writer.section(Section::Participants, 3).unwrap();
    writer.row(&json!({"id": "b"})).unwrap();
    assert_eq!(
        told(writer.row(&json!({"id": "a"})).unwrap_err()),
        "participants 2: the row is not after the one before it"
    );
    assert_eq!(
        told(writer.row(&json!({"id": "c", "x": 0.5})).unwrap_err()),
        "participants 3: the JSON of this row: x: 0.5 is not a whole number below 2^53"
    );
    assert_eq!(told(writer.finish().unwrap_err()), "series: the section is missing");
}
