//! What is taken, what is read, and what is registered.

use std::time::Duration;

use apogee_chat::{
    ApplicationKey, Asked, Command, Interaction, InvalidKey, LARGEST, NoCommand, SKEW, Signed, Unreadable,
    Unverified, commands, pong,
};
use apogee_domain::Timestamp;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_790_000_000;
const ADDRESS: &str = "stest1qqqqqqy0dd83jemjmfj3ghjndxm0ndh0z2rymaqyp0gu3";

fn secret() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key() -> ApplicationKey {
    hex::encode(secret().verifying_key().as_bytes()).parse().unwrap()
}

fn sign(secret: &SigningKey, timestamp: &str, body: &[u8]) -> String {
    hex::encode(secret.sign(&[timestamp.as_bytes(), body].concat()).to_bytes())
}

fn read(body: &Value) -> Result<Interaction, Unreadable> {
    read_bytes(body.to_string().as_bytes())
}

fn read_bytes(body: &[u8]) -> Result<Interaction, Unreadable> {
    let timestamp = NOW.to_string();
    let signature = sign(&secret(), &timestamp, body);
    let signed = Signed { signature: &signature, timestamp: &timestamp, body };
    Interaction::read(key().verify(&signed, Timestamp::from_seconds(NOW)).unwrap())
}

#[track_caller]
fn asked(body: &Value) -> Asked {
    match read(body) {
        Ok(Interaction::Asked(asked)) => asked,
        other => panic!("{other:?}"),
    }
}

/// A command in a server, with what Discord sends besides.
fn slash(name: &str, options: &Value) -> Value {
    json!({
        "application_id": "845027738276462632",
        "id": "786008729715212338",
        "type": 2,
        "token": "A_UNIQUE_TOKEN",
        "version": 1,
        "locale": "zh-CN",
        "guild_id": "290926798626357999",
        "entitlements": [],
        "member": {
            "user": { "id": "53908232506183680", "username": "Mason", "discriminator": "1337", "avatar": null },
            "roles": ["539082325061836999"],
            "permissions": "2147483647",
        },
        "data": { "id": "771825006014889984", "name": name, "type": 1, "options": options },
    })
}

#[test]
fn a_ping_and_every_command_are_read() {
    assert_eq!(read(&json!({ "id": "1", "type": 1, "version": 1 })).unwrap(), Interaction::Ping);
    assert_eq!(pong(), json!({ "type": 1 }));
    let hash = "ab".repeat(32);
    for (name, option, value, expected) in [
        ("status", "x", "", "Status".to_owned()),
        ("help", "x", "", "Help".to_owned()),
        ("tap", "address", ADDRESS, format!("Tap(AddressText({ADDRESS:?}))")),
        ("balance", "address", ADDRESS, format!("Balance(AddressText({ADDRESS:?}))")),
        ("tx", "id", &*hash, format!("Transaction(TransactionName({hash:?}))")),
        ("paste", "text", "$faucet_status", "Status".to_owned()),
    ] {
        let body = slash(name, &json!([{ "name": option, "type": 3, "value": value }]));
        let asked = asked(&body);
        assert_eq!(format!("{:?}", asked.command.unwrap()), expected);
        assert_eq!((asked.id.to_string().as_str(), asked.locale.as_str()), ("786008729715212338", "zh-CN"));
        assert_eq!((asked.by.id.to_string().as_str(), asked.by.is_bot), ("53908232506183680", false));
        // Given on 2015-05-29, as the account's age will be told.
        assert_eq!(asked.by.id.created().to_string().split('T').next(), Some("2015-05-29"));
    }
    // Alone with the application there is a user and no member.
    let mut alone = slash("help", &json!([]));
    alone["user"] = alone["member"]["user"].take();
    alone["member"] = Value::Null;
    assert_eq!(asked(&alone).by.name, "Mason");
}

#[test]
fn what_somebody_else_wrote_is_looked_up_and_grants_nothing() {
    let mut body = slash("Look up", &json!([]));
    body["data"] = json!({
        "id": "1", "name": "Look up", "type": 3, "target_id": "867793854505943041",
        "resolved": { "messages": { "867793854505943041": { "content": ADDRESS, "author": { "id": "9" } } } },
    });
    assert!(matches!(asked(&body).command, Ok(Command::Balance(_))));
    body["data"]["resolved"] = json!({});
    assert_eq!(asked(&body).command, Err(NoCommand::Unknown));
}

#[test]
fn commands_that_cannot_be_understood_are_told_apart() {
    let of = |name, options: Value| asked(&slash(name, &options)).command;
    assert_eq!(of("tap", json!([])), Err(NoCommand::Address));
    assert_eq!(of("tap", json!([{ "name": "address", "value": 7 }])), Err(NoCommand::Address));
    assert_eq!(of("tx", json!([{ "name": "id", "value": "…" }])), Err(NoCommand::Transaction));
    assert_eq!(of("sudo", json!([])), Err(NoCommand::Unknown));
    for hostile in ["<script>", "../../../etc/passwd", "\u{202e}1tsets", "'; DROP TABLE grants; --"] {
        assert_eq!(of("paste", json!([{ "name": "text", "value": hostile }])), Err(NoCommand::Unknown));
    }
}

#[test]
fn hostile_names_and_shapes_are_harmless() {
    let mut body = slash("help", &json!([]));
    for (name, seen) in [
        ("\u{202e}nimda\u{200b}".to_owned(), "nimda".to_owned()),
        ("a\nb".to_owned(), "a b".to_owned()),
        ("\u{200d}".repeat(900), "53908232506183680".to_owned()),
        ("x".repeat(9_000), "x".repeat(64)),
    ] {
        body["member"]["user"]["username"] = name.into();
        assert_eq!(asked(&body).by.name, seen);
    }
    body["user"] = json!({ "id": "7", "username": "somebody else" });
    assert!(matches!(read(&body), Err(Unreadable::Nobody)));
    body["member"] = Value::Null;
    body["user"] = Value::Null;
    assert!(matches!(read(&body), Err(Unreadable::Nobody)));
    for (pointer, value) in [
        ("/id", json!("0")),
        ("/id", json!(786_008_729_715_212_338_u64)),
        ("/type", json!("2")),
        ("/type", json!(300)),
        ("/data", json!("tap")),
        ("/data/options", json!({ "a": 1 })),
        ("/member/user/id", json!("-1")),
    ] {
        let mut wrong = slash("help", &json!([]));
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(read(&wrong), Err(Unreadable::Json(_))), "{pointer}");
    }
    for kind in [0, 3, 4, 5, 9] {
        let mut other = slash("help", &json!([]));
        other["type"] = kind.into();
        assert!(matches!(read(&other), Err(Unreadable::Kind(found)) if found == kind));
    }
    let deep = "[".repeat(60_000);
    assert!(matches!(read_bytes(deep.as_bytes()), Err(Unreadable::Json(_))));
    let twice =
        format!("{{\"id\":\"1\",\"type\":1,\"type\":2,{}", &slash("help", &json!([])).to_string()[1..]);
    assert!(matches!(read_bytes(twice.as_bytes()), Err(Unreadable::Json(_))));
}

#[test]
fn only_the_keys_own_signature_of_these_bytes_at_this_time_is_taken() {
    let (body, timestamp, now) = (br#"{"id":"1","type":1}"#, NOW.to_string(), Timestamp::from_seconds(NOW));
    let signature = sign(&secret(), &timestamp, body);
    let good = Signed { signature: &signature, timestamp: &timestamp, body };
    assert!(key().verify(&good, now).is_ok());
    let refused = |signed: Signed<'_>, now| key().verify(&signed, now).unwrap_err();

    let other = sign(&SigningKey::from_bytes(&[8; 32]), &timestamp, body);
    assert_eq!(refused(Signed { signature: &other, ..good }, now), Unverified::Signature);
    for bit in 0..512 {
        let mut bytes = hex::decode(&signature).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let flipped = hex::encode(bytes);
        assert_eq!(refused(Signed { signature: &flipped, ..good }, now), Unverified::Signature, "bit {bit}");
    }
    for bit in 0..body.len() * 8 {
        let mut bytes = body.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(Signed { body: &bytes, ..good }, now), Unverified::Signature, "bit {bit}");
    }
    for none in ["", "00", &signature[1..], &format!("{signature}00"), &"é".repeat(64), &"zz".repeat(64)] {
        assert_eq!(refused(Signed { signature: none, ..good }, now), Unverified::Signature);
    }
    // The same bytes with the border between time and body moved.
    let moved = [&timestamp.as_bytes()[9..], &body[..]].concat();
    let shifted = Signed { timestamp: &timestamp[..9], body: &moved, ..good };
    assert_eq!(refused(shifted, now), Unverified::Stale);

    for text in ["", " ", "-1", "+1790000000", "1790000000.0", "1.79e9", "９", &"9".repeat(400)] {
        let signature = sign(&secret(), text, body);
        assert_eq!(refused(Signed { signature: &signature, timestamp: text, body }, now), Unverified::Time);
    }
    for (seconds, fresh) in [(-301, false), (-300, true), (300, true), (301, false), (-86_400, false)] {
        let at = (NOW + seconds).to_string();
        let signature = sign(&secret(), &at, body);
        let verified = key().verify(&Signed { signature: &signature, timestamp: &at, body }, now);
        assert_eq!(verified.is_ok(), fresh, "{seconds}");
        assert!(fresh || verified.unwrap_err() == Unverified::Stale);
    }
    assert_eq!(SKEW, Duration::from_secs(300));
    let huge = vec![b' '; LARGEST + 1];
    let signature = sign(&secret(), &timestamp, &huge);
    let signed = Signed { signature: &signature, timestamp: &timestamp, body: &huge };
    assert_eq!(refused(signed, now), Unverified::Large);
    assert!(refused(Signed { timestamp: "999999999999", ..good }, Timestamp(i64::MIN)) == Unverified::Stale);
}

#[test]
fn a_key_is_one_that_somebody_can_sign_with() {
    assert_eq!(key().to_string().len(), 64);
    assert_eq!(serde_json::from_value::<ApplicationKey>(json!(key())).unwrap(), key());
    let weak = format!("01{}", "00".repeat(31));
    let zero = "00".repeat(32);
    for (text, error) in [
        ("", InvalidKey::Digits),
        ("application", InvalidKey::Digits),
        (&"é".repeat(32), InvalidKey::Digits),
        (&*weak, InvalidKey::NoKey),
        (&*zero, InvalidKey::NoKey),
    ] {
        assert_eq!(text.parse::<ApplicationKey>(), Err(error), "{text}");
    }
    // A signature that holds for every message by the neutral key holds for none.
    let body = br#"{"id":"1","type":1}"#;
    let forged = format!("01{}", "00".repeat(63));
    let signed = Signed { signature: &forged, timestamp: "1790000000", body };
    assert_eq!(key().verify(&signed, Timestamp::from_seconds(NOW)).unwrap_err(), Unverified::Signature);
}

#[test]
fn the_commands_keep_to_what_discord_takes_and_are_all_understood() {
    let registered = commands();
    let listed = registered.as_array().unwrap();
    for command in listed {
        let name = command["name"].as_str().unwrap();
        assert!((1..=32).contains(&name.chars().count()), "{name}");
        if command["type"] == 3 {
            assert!(command.get("description").is_none(), "commands of messages have none");
            continue;
        }
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        let options = command["options"].as_array().unwrap();
        for described in options.iter().chain([command]) {
            for text in [&described["description"], &described["description_localizations"]["zh-CN"]] {
                assert!((1..=100).contains(&text.as_str().unwrap().chars().count()), "{text}");
            }
        }
        let given: Vec<Value> = options
            .iter()
            .map(|option| {
                let value = if option["name"] == "id" { "ab".repeat(32) } else { ADDRESS.to_owned() };
                json!({ "name": option["name"], "type": option["type"], "value": value })
            })
            .collect();
        assert!(asked(&slash(name, &json!(given))).command.is_ok(), "{name}");
    }
    assert!(listed.len() <= 100);
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(body in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read_bytes(&body);
    }

    #[test]
    fn no_text_is_a_panic_and_what_is_read_is_plain(text in ".{0,300}") {
        if let Ok(Command::Tap(address) | Command::Balance(address)) = Command::read(&text) {
            prop_assert!(address.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn no_headers_of_a_stranger_are_taken(signature in ".{0,140}", timestamp in "[0-9]{0,14}") {
        let body = br#"{"id":"1","type":1}"#;
        let signed = Signed { signature: &signature, timestamp: &timestamp, body };
        prop_assert!(key().verify(&signed, Timestamp::from_seconds(NOW)).is_err());
    }
}
