//! Text and documents from outside that are not what they should be.

use apogee_competition::claim::{Action, Message};
use apogee_competition::{Kind, Signed};
use serde_json::{Value, json};

use crate::world::{World, id};

const GOOD: &str = "Apogee competition claim, version 1
Domain: apogee.example
Network: testnet
Competition: sr1
Rules: 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
Action: claim
Miner: t01000
Role: owner
Entity: 6block
Name: 六块 6Block
Region: asia
Track: main
Track: side
Nonce: 8f3c1d2e4b5a6978
Issued: 12000
Expires: 12120";

#[test]
fn a_message_reads_back_as_it_was_written() {
    let message: Message = GOOD.parse().unwrap();
    assert_eq!(message.to_string(), GOOD);
    let tracks = vec![id("main"), id("side")];
    assert_eq!(
        message.action,
        Action::Claim { name: "六块 6Block".to_owned(), region: Some(id("asia")), tracks }
    );
    for action in [
        Action::Join,
        Action::Leave,
        Action::Transfer { from: id("old") },
        Action::Rename { name: "X Y".to_owned() },
        Action::SetPayoutAddress { commitment: message.rules },
        Action::Appeal { about: 7, text: "Look: again".to_owned() },
    ] {
        let message = Message { action, ..message.clone() };
        assert_eq!(message.to_string().parse(), Ok(message));
    }
}

#[test]
fn malformed_messages_are_refused_with_the_line() {
    let line = |number: usize, text: &str| {
        let mut lines: Vec<&str> = GOOD.lines().collect();
        lines[number - 1] = text;
        lines.join("\n")
    };
    let without = |number: usize| {
        let mut lines: Vec<&str> = GOOD.lines().collect();
        lines.remove(number - 1);
        lines.join("\n")
    };
    let long = format!("Name: {}", "x".repeat(5_000));
    let cases: Vec<(String, Kind, usize)> = vec![
        (String::new(), Kind::MalformedClaim, 1),
        ("\n".repeat(50), Kind::MalformedClaim, 1),
        (line(1, "Apogee competition claim, version 2"), Kind::MalformedClaim, 1),
        (line(2, "domain: apogee.example"), Kind::MalformedClaim, 2),
        (line(2, "Domain:apogee.example"), Kind::MalformedClaim, 2),
        (line(3, "Network: Testnet"), Kind::MalformedClaim, 3),
        (line(3, "Network: testnet "), Kind::MalformedClaim, 3),
        (line(4, "Competition: "), Kind::MalformedClaim, 4),
        (line(4, "Competition: sr 1"), Kind::MalformedClaim, 4),
        (line(5, "Rules: 44"), Kind::MalformedClaim, 5),
        (line(5, &GOOD.lines().nth(4).unwrap().to_uppercase()), Kind::MalformedClaim, 5),
        (line(6, "Action: steal"), Kind::UnknownAction, 6),
        (line(6, "Action: Claim"), Kind::UnknownAction, 6),
        (line(6, "Action: "), Kind::UnknownAction, 6),
        (line(6, "Action: join"), Kind::MalformedClaim, 10),
        (line(6, "Action: transfer"), Kind::MalformedClaim, 10),
        (line(6, "Action: appeal"), Kind::MalformedClaim, 10),
        (line(6, "Action: set-payout-address"), Kind::MalformedClaim, 10),
        (line(7, "Miner: t01000/1"), Kind::MalformedClaim, 7),
        (line(7, "Miner: -t01000"), Kind::MalformedClaim, 7),
        (line(8, "Role: beneficiary"), Kind::MalformedClaim, 8),
        (line(8, "Role: Owner"), Kind::MalformedClaim, 8),
        (line(9, &format!("Entity: {}", "x".repeat(65))), Kind::MalformedClaim, 9),
        (line(10, &long), Kind::MalformedClaim, 1),
        (line(11, "Region: Asia Pacific"), Kind::MalformedClaim, 11),
        (line(12, "Track: zz"), Kind::MalformedClaim, 13),
        (line(13, "Track: main"), Kind::MalformedClaim, 13),
        (line(14, "Nonce: short"), Kind::MalformedClaim, 14),
        (line(14, "Nonce: 8f3c1d2e4b5a697-"), Kind::MalformedClaim, 14),
        (line(14, &format!("Nonce: {}", "0".repeat(65))), Kind::MalformedClaim, 14),
        (line(15, "Issued: 012000"), Kind::MalformedClaim, 15),
        (line(15, "Issued: -1"), Kind::MalformedClaim, 15),
        (line(15, "Issued: 99999999999999999999"), Kind::MalformedClaim, 15),
        (line(16, "Expires: 12120\n"), Kind::MalformedClaim, 17),
        (line(16, "Expires: 12120\r"), Kind::MalformedClaim, 16),
        (line(16, "Expires: 12120\nName: more"), Kind::MalformedClaim, 17),
        (GOOD.replace('\n', "\r\n"), Kind::MalformedClaim, 1),
        (format!("\u{feff}{GOOD}"), Kind::MalformedClaim, 1),
        (format!("\n{GOOD}"), Kind::MalformedClaim, 1),
        (without(2), Kind::MalformedClaim, 2),
        (without(10), Kind::MalformedClaim, 10),
        (without(14), Kind::MalformedClaim, 14),
        (without(16), Kind::MalformedClaim, 16),
    ];
    let count = cases.len();
    for (text, kind, line) in cases {
        let refusal = text.parse::<Message>().unwrap_err();
        assert_eq!((refusal.kind, refusal.path), (kind, format!("message line {line}")), "{text}");
        // The same through the door of the ledger, which stays as it is.
        let mut world = World::registering();
        let before = world.competition.clone();
        assert_eq!(crate::world::kind(world.submit(&text, "01", None)), kind);
        assert_eq!(world.competition, before);
    }
    assert!(count >= 40);
}

#[test]
fn documents_that_are_no_entries_are_refused() {
    let world = World::running();
    let good: Value = serde_json::to_value(&world.ledger[1]).unwrap();
    let change = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        apogee_rules::canonical::text(&changed).unwrap().into_bytes()
    };
    let add = |pointer: &str, name: &str, value: Value| {
        let mut changed = good.clone();
        changed.pointer_mut(pointer).unwrap()[name] = value;
        apogee_rules::canonical::text(&changed).unwrap().into_bytes()
    };
    let canonical = apogee_rules::canonical::text(&good).unwrap();
    assert!(Signed::read(canonical.as_bytes()).is_ok());
    let cases: Vec<(Vec<u8>, Kind)> = vec![
        (Vec::new(), Kind::Malformed),
        (b"null".to_vec(), Kind::Malformed),
        (b"{}".to_vec(), Kind::Malformed),
        (b"\xff\xfe".to_vec(), Kind::Malformed),
        ("[".repeat(100_000).into_bytes(), Kind::Malformed),
        (vec![b' '; 2 << 20], Kind::Malformed),
        (format!(" {canonical}").into_bytes(), Kind::Malformed),
        (format!("{canonical}\n").into_bytes(), Kind::Malformed),
        (canonical.replacen('{', "{\"entry\":1,", 1).into_bytes(), Kind::Malformed),
        (change("/hash", json!("00")), Kind::Malformed),
        (change("/hash", json!("0".repeat(64))), Kind::WrongHash),
        (change("/entry/seq", json!(3)), Kind::WrongHash),
        (change("/entry/seq", json!("2")), Kind::Malformed),
        (change("/entry/seq", json!(-2)), Kind::Malformed),
        (change("/entry/time", json!(null)), Kind::Malformed),
        (change("/entry/epoch", json!(-1)), Kind::Malformed),
        (change("/entry/act/kind", json!("bribe")), Kind::Malformed),
        (change("/entry/act", json!({"kind": "start", "why": 1})), Kind::Malformed),
        (change("/entry/act", json!({"kind": "pause", "incident": 1})), Kind::Malformed),
        (change("/entry/act/rules/boards", json!(1)), Kind::Malformed),
        (change("/entry/act/rules/metrics/0/series", json!("Not A Series")), Kind::Malformed),
        (change("/entry/actor", json!("not an id")), Kind::Malformed),
        (change("/entry/approvers", json!("alice")), Kind::Malformed),
        (change("/entry/previous", json!(null)), Kind::Malformed),
        (change("/signatures/0/signature", json!("ab")), Kind::Malformed),
        (add("/entry", "more", json!(1)), Kind::Malformed),
        (add("/entry", "preview", json!(null)), Kind::Malformed),
        (add("/entry/act", "more", json!(1)), Kind::Malformed),
        (add("", "more", json!(1)), Kind::Malformed),
        (add("/signatures/0", "more", json!(1)), Kind::Malformed),
    ];
    assert!(cases.len() >= 30);
    for (bytes, kind) in cases {
        let refusal = Signed::read(&bytes).unwrap_err();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert_eq!(refusal.kind, kind, "{shown}");
        assert!(!refusal.path.is_empty() && !refusal.wrong.is_empty(), "{shown}");
    }
}
