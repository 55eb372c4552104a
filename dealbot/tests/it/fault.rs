use std::collections::BTreeSet;

use apogee_dealbot::fault::{Circumstances, Code, Fault, Stage};

const TABLE: &str = include_str!("taxonomy.txt");

/// `rate_kept=yes,retried=no` and the like.
fn circumstances(text: &str) -> Circumstances {
    let mut known = Circumstances::default();
    if text == "unknown" {
        return known;
    }
    for part in text.split(',') {
        let (name, value) = part.split_once('=').unwrap();
        if name == "resolvers_agreed" {
            known.resolvers_agreed = Some(value.parse().unwrap());
            continue;
        }
        let field = match name {
            "node_synced" => &mut known.node_synced,
            "protocol_required" => &mut known.protocol_required,
            "cap_published" => &mut known.cap_published,
            "rate_kept" => &mut known.rate_kept,
            "retried" => &mut known.retried,
            "bots_published" => &mut known.bots_published,
            "file_server_good" => &mut known.file_server_good,
            "bytes_good" => &mut known.bytes_good,
            "chain_stalled" => &mut known.chain_stalled,
            "ipni_required" => &mut known.ipni_required,
            _ => panic!("no circumstance is called {name}"),
        };
        *field = Some(match value {
            "yes" => true,
            "no" => false,
            _ => panic!("{value}"),
        });
    }
    known
}

/// Everything known, all of it `yes`, or all of it `no`.
fn all(yes: bool) -> Circumstances {
    Circumstances {
        node_synced: Some(yes),
        resolvers_agreed: Some(u8::from(yes) * 2),
        protocol_required: Some(yes),
        cap_published: Some(yes),
        rate_kept: Some(yes),
        retried: Some(yes),
        bots_published: Some(yes),
        file_server_good: Some(yes),
        bytes_good: Some(yes),
        chain_stalled: Some(yes),
        ipni_required: Some(yes),
    }
}

#[test]
fn every_row_of_the_table_comes_out_as_tabled() {
    let mut seen = BTreeSet::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [stage, name, known, fault] = *line.split_whitespace().collect::<Vec<_>>() else {
            panic!("{line}")
        };
        let code = Code::parse(name).unwrap_or_else(|| panic!("no code is called {name}"));
        let fault = Fault::parse(fault).unwrap();
        assert_eq!(code.stage(), Stage::parse(stage).unwrap(), "{line}");
        if known == "none" {
            for given in [Circumstances::default(), all(true), all(false)] {
                assert_eq!(code.fault(&given), fault, "{line}");
            }
        } else {
            assert_eq!(code.fault(&circumstances(known)), fault, "{line}");
        }
        seen.insert(code);
    }
    assert_eq!(seen, Code::ALL.iter().copied().collect(), "every code has a row");
}

#[test]
fn what_nobody_knows_is_held_against_no_miner() {
    let unknown = Circumstances::default();
    for code in Code::ALL {
        let depends = code.fault(&all(true)) != code.fault(&all(false));
        if depends {
            assert_eq!(code.fault(&unknown), Fault::Bot, "{}", code.as_str());
        }
        assert_ne!(code.fault(&unknown), Fault::None);
    }
    assert_eq!(Code::Unclassified.fault(&all(true)), Fault::Bot);
}

#[test]
fn names_are_told_apart_and_read_back() {
    let mut names = BTreeSet::new();
    for code in Code::ALL {
        let name = code.as_str();
        assert!(names.insert(name), "{name} twice");
        assert_eq!(Code::parse(name), Some(*code));
        let shape = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(shape), "{name}");
        assert_eq!(serde_json::to_value(code).unwrap(), name);
        assert_eq!(serde_json::from_value::<Code>(name.into()).unwrap(), *code);
    }
    assert_eq!(Code::parse("tcp_refused"), None);
    assert_eq!(Code::TcpRefused.key(), "probe-code-tcp-refused");
    assert_eq!(Code::Http5xx.key(), "probe-code-http-5xx");
    let stages: BTreeSet<_> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
    assert_eq!(stages.len(), Stage::ALL.len());
    for stage in Stage::ALL {
        assert_eq!(Stage::parse(stage.as_str()), Some(*stage));
        assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
    }
    for fault in Fault::ALL {
        assert_eq!(Fault::parse(fault.as_str()), Some(*fault));
        assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
    }
}

#[test]
fn only_what_a_published_cap_refuses_is_shown_apart() {
    let apart: Vec<_> = Code::ALL.iter().filter(|code| code.by_rule()).map(|code| code.as_str()).collect();
    assert_eq!(apart, ["ASK_PRICE_OVER_CAP", "PIECE_SIZE_OUT_OF_RANGE"]);
}

#[test]
fn what_a_bot_saw_goes_before_what_others_know() {
    let saw = Circumstances { retried: Some(true), ..Circumstances::default() };
    let both = saw.or(all(false));
    assert_eq!((both.retried, both.rate_kept, both.resolvers_agreed), (Some(true), Some(false), Some(0)));
    assert_eq!(Circumstances::default().or(all(true)), all(true));
}
