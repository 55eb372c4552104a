//! Traces of strangers: bounded, and never a panic.

use apogee_tortoise::{Cause, Failure, Fault, Layer, Limits, Report, replay};

use crate::{BUNDLED, run};

const START: &str = r#"{"t":1,"o":{"hdist":10,"zdist":8,"window":30,"exceptions":3000,"delay":6,"layer-size":3,"epoch-size":4,"effective-genesis":7}}"#;

fn started(lines: &str) -> Result<Report, Failure> {
    run(&format!("{START}\n{lines}"))
}

fn fault(lines: &str) -> Fault {
    match started(lines).unwrap_err() {
        Failure { line: 2.., cause: Cause::Fault(fault) } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn an_empty_trace_says_nothing() {
    let report = run("").unwrap();
    assert_eq!((report.lines, report.assertions, report.status), (0, 0, None));
    assert_eq!(run("\n \n").unwrap().lines, 2);
}

#[test]
fn lines_are_read_strictly() {
    for line in [
        "{}",
        "null",
        "[1]",
        r#"{"t":9,"o":{"lid":8}"#,
        r#"{"t":9,"o":{"lid":8}} {}"#,
        r#"{"t":9,"o":{"lid":-8}}"#,
        r#"{"t":9,"o":{"lid":4294967296}}"#,
        r#"{"t":9,"o":{"lid":8.0}}"#,
        r#"{"t":9,"o":{"lid":8,"more":1}}"#,
        r#"{"t":9,"o":{"lid":8,"lid":8}}"#,
        r#"{"t":9,"o":{},"x":1}"#,
        r#"{"t":9,"o":null}"#,
        r#"{"t":16,"o":{}}"#,
        r#"{"t":0,"o":{}}"#,
        r#"{"t":65536,"o":{}}"#,
        r#"{"t":3,"o":{"epoch":1,"beacon":"AQAAAA="}}"#,
        r#"{"t":3,"o":{"epoch":1,"beacon":"0x01000000"}}"#,
        r#"{"t":13,"o":{"layer":7,"opinion":"AQAAAA==","rst":true}}"#,
    ] {
        let failure = started(line).unwrap_err();
        assert!(matches!(failure, Failure { line: 2, cause: Cause::Malformed(_) }), "{line}: {failure}");
    }
    let failure = run(r#"{"t":9,"o":{"lid":8}}"#).unwrap_err();
    assert!(matches!(failure, Failure { line: 1, cause: Cause::NotStarted }), "{failure}");
    let failure = replay(&b"\xff\xfe\n"[..], &Limits::DEFAULT).unwrap_err();
    assert!(matches!(failure, Failure { line: 1, cause: Cause::Malformed(_) }), "{failure}");
}

/// Lines as a node writes them itself.
#[test]
fn a_node_adds_when_and_who() {
    started(r#"{"ts":1795332569.243424,"logger":"tracer","t":9,"o":{"lid":8}}"#).unwrap();
}

#[test]
fn no_network_has_such_parameters() {
    for (from, to) in [
        ("\"hdist\":10", "\"hdist\":7"),
        ("\"window\":30", "\"window\":0"),
        ("\"epoch-size\":4", "\"epoch-size\":0"),
        ("\"effective-genesis\":7", "\"effective-genesis\":0"),
    ] {
        let failure = run(&START.replace(from, to)).unwrap_err();
        assert!(matches!(failure.cause, Cause::Fault(Fault::Config(_))), "{to}: {failure}");
    }
}

#[test]
fn the_trace_and_its_lines_are_bounded() {
    let limits = Limits { line: START.len() as u64, ..Limits::DEFAULT };
    assert!(replay(format!("{START}\n").as_bytes(), &limits).is_ok());
    let limits = Limits { line: START.len() as u64 - 1, ..Limits::DEFAULT };
    let failure = replay(START.as_bytes(), &limits).unwrap_err();
    assert!(matches!(failure, Failure { line: 1, cause: Cause::LongLine(_) }), "{failure}");
    // Without an end, no more is read than allowed.
    let failure = replay(std::io::BufReader::new(std::io::repeat(b' ')), &limits).unwrap_err();
    assert!(matches!(failure.cause, Cause::LongLine(_)), "{failure}");

    let limits = Limits { bytes: START.len() as u64 + 1, ..Limits::DEFAULT };
    let failure = replay(format!("{START}\n\n").as_bytes(), &limits).unwrap_err();
    assert!(matches!(failure, Failure { line: 2, cause: Cause::Long(_) }), "{failure}");
}

#[test]
fn layers_far_ahead_are_refused() {
    let header = r#"{"id":"Q8CB56Xb1KzcYy2Py0gRldQYNT4=","lid":LAYER,"height":0}"#;
    for line in [
        r#"{"t":2,"o":{"lid":LAYER,"coin":true}}"#.to_owned(),
        r#"{"t":8,"o":{"lid":LAYER,"opinion":null,"e":""}}"#.to_owned(),
        r#"{"t":9,"o":{"lid":LAYER}}"#.to_owned(),
        format!(r#"{{"t":10,"o":{{"Header":{header}}}}}"#),
        r#"{"t":11,"o":{"lid":LAYER,"vote":"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}}"#.to_owned(),
        format!(r#"{{"t":13,"o":{{"layer":LAYER,"opinion":"0x{}","rst":false}}}}"#, "00".repeat(32)),
        r#"{"t":15,"o":{"layer":LAYER,"blocks":[],"hare":null}}"#.to_owned(),
        format!(r#"{{"t":15,"o":{{"layer":8,"blocks":[{{"header":{header},"valid":true}}],"hare":null}}}}"#),
    ] {
        for layer in ["100000", "4294967295"] {
            let line = line.replace("LAYER", layer);
            assert!(matches!(fault(&line), Fault::Layers { .. }), "{line}");
        }
    }
}

#[test]
fn layers_that_are_gone_are_refused() {
    let zero = "00".repeat(32);
    let applied = format!(r#"{{"t":13,"o":{{"layer":6,"opinion":"0x{zero}","rst":false}}}}"#);
    assert!(matches!(fault(&applied), Fault::Evicted { layer: Layer(6), evicted: Layer(6) }));
    assert!(matches!(fault(r#"{"t":15,"o":{"layer":3,"blocks":[],"hare":null}}"#), Fault::Evicted { .. }));
    // What merely comes too late is passed over.
    for line in [
        r#"{"t":2,"o":{"lid":6,"coin":true}}"#,
        r#"{"t":3,"o":{"epoch":0,"beacon":"AQAAAA=="}}"#,
        r#"{"t":9,"o":{"lid":0}}"#,
        r#"{"t":11,"o":{"lid":1,"vote":"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}}"#,
        r#"{"t":10,"o":{"Header":{"id":"Q8CB56Xb1KzcYy2Py0gRldQYNT4=","lid":6,"height":0}}}"#,
    ] {
        started(line).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    }
}

fn atx(weight: u64, id: u8, target: u32) -> String {
    let (id, zero) = (base64(id), base64(0));
    format!(
        r#"{{"t":4,"o":{{"id":"{id}","target":{target},"Atx":{{"Node":"{zero}","Coinbase":[],"Weight":{weight},"BaseHeight":0,"Height":10,"Nonce":0}}}}}}"#
    )
}

/// 32 bytes, the first of which is this; below 64 for brevity.
fn base64(first: u8) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    format!("{}{}A=", digits[usize::from(first)] as char, "A".repeat(41))
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    assert!(matches!(fault(&atx(1 << 63, 1, 2)), Fault::Heavy(_)));
    let heavy: Vec<String> = (0..4).map(|id| atx((1 << 63) - 1, id, 2)).collect();
    started(&heavy.join("\n")).unwrap();
    // Together more than the fraction leaves room for: 2⁷¹ and more are needed, and the layers of an epoch multiply.
    let long = START
        .replace("\"epoch-size\":4", "\"epoch-size\":1000000")
        .replace("genesis\":7", "genesis\":2000000");
    let lines = [
        heavy.join("\n"),
        r#"{"t":9,"o":{"lid":2000003}}"#.to_owned(),
        r#"{"t":11,"o":{"lid":2000001,"vote":"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}}"#.to_owned(),
        r#"{"t":9,"o":{"lid":2001003}}"#.to_owned(),
    ];
    let failure = run(&format!("{long}\n{}", lines.join("\n"))).unwrap_err();
    assert!(matches!(failure.cause, Cause::Fault(Fault::Overflow)), "{failure}");
}

#[test]
fn votes_and_steps_are_bounded() {
    let (_, trace) = BUNDLED[4];
    let report = run(trace).unwrap();
    let with = |limits: &Limits| replay(trace.as_bytes(), limits);
    let enough = Limits { work: report.work, ..Limits::DEFAULT };
    assert!(with(&enough).is_ok());
    let failure = with(&Limits { work: report.work - 1, ..Limits::DEFAULT }).unwrap_err();
    assert!(matches!(failure.cause, Cause::Fault(Fault::Work(_))), "{failure}");
    let failure = with(&Limits { votes: 3, ..Limits::DEFAULT }).unwrap_err();
    assert!(matches!(failure.cause, Cause::Fault(Fault::Votes(3))), "{failure}");
    let failure = with(&Limits { layers: 5, ..Limits::DEFAULT }).unwrap_err();
    assert!(matches!(failure.cause, Cause::Fault(Fault::Layers { most: 5, .. })), "{failure}");
}

/// A trace that begins again has no more steps for that.
#[test]
fn steps_of_all_beginnings_count() {
    let (_, trace) = BUNDLED[0];
    let once = run(trace).unwrap().work;
    let twice = run(&format!("{trace}{trace}")).unwrap();
    assert_eq!(twice.work, 2 * once);
    let limits = Limits { work: 2 * once - 1, ..Limits::DEFAULT };
    let failure = replay(format!("{trace}{trace}").as_bytes(), &limits).unwrap_err();
    assert!(matches!(failure.cause, Cause::Fault(Fault::Work(most)) if most == limits.work), "{failure}");
}

/// Bytes and numbers of real traces, changed: whatever comes of it, it comes.
#[test]
fn damaged_traces_end_in_order() {
    let limits = Limits { work: 1 << 22, votes: 1 << 14, layers: 1 << 12, ..Limits::DEFAULT };
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut replayed = 0;
    for (name, trace) in BUNDLED {
        for _ in 0..if name == "changed" { 20 } else { 150 } {
            let mut lines: Vec<Vec<u8>> = trace.lines().map(|line| line.as_bytes().to_vec()).collect();
            for _ in 0..1 + random(4) {
                let (one, other) = (1 + random(lines.len() - 1), 1 + random(lines.len() - 1));
                match random(5) {
                    0 => lines.swap(one, other),
                    1 => {
                        lines.remove(one);
                    }
                    2 => lines.insert(one, lines[other].clone()),
                    _ => {
                        // A digit for a digit keeps the line in form.
                        let line = &mut lines[one];
                        let digits: Vec<usize> =
                            (0..line.len()).filter(|at| line[*at].is_ascii_digit()).collect();
                        if !digits.is_empty() {
                            let at = digits[random(digits.len())];
                            line[at] = b'0' + random(10) as u8;
                        }
                    }
                }
            }
            replayed += u32::from(replay(&lines.join(&b'\n')[..], &limits).is_ok());
        }
    }
    assert!(replayed > 0, "no change was harmless");
}
