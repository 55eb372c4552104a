//! The blobs with which the wallets of another vendor are tested: 138 transactions of all templates, with what they say
//! in words.

use std::collections::BTreeMap;

use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{GenesisId, LayerId, PublicKey};
use apogee_spacemesh::scale::{Reader, Scale, decode, encode};
use apogee_spacemesh::template::{Keys, Spawn, Terms};
use apogee_spacemesh::transaction::{Body, Call, Payment};
use serde::Deserialize;

use crate::data;

#[derive(Deserialize)]
struct Case {
    name: String,
    blob: String,
    mainnet: bool,
    output_expert: Vec<String>,
}

/// `3 | Principal [1/2] : sm1…` and `3 | Principal [2/2] : …` are one entry, `Principal`.
fn words(lines: &[String]) -> BTreeMap<String, String> {
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    for line in lines {
        let (_, line) = line.split_once(" | ").unwrap();
        let (name, value) = line.split_once(" : ").unwrap();
        words.entry(name.split(" [").next().unwrap().into()).or_default().push_str(value);
    }
    words
}

/// The device writes smidge below a million SMH's billionth as such, and else with a point.
fn amount(smidge: u64) -> Vec<String> {
    let (whole, part) = (smidge / 1_000_000_000, smidge % 1_000_000_000);
    let part = format!("{part:09}");
    let part = part.trim_end_matches('0');
    vec![format!("SMIDGE {smidge}"), format!("SMH {whole}.{}", if part.is_empty() { "0" } else { part })]
}

struct Said<'a> {
    words: BTreeMap<String, String>,
    prefix: Prefix,
    name: &'a str,
}

impl Said<'_> {
    fn address(&self, name: &str, address: &Address) {
        assert_eq!(self.words[name], address.text(self.prefix), "{}: {name}", self.name);
    }

    fn text(&self, name: &str, text: impl ToString) {
        assert_eq!(self.words[name], text.to_string(), "{}: {name}", self.name);
    }

    fn amount(&self, name: &str, smidge: u64) {
        assert!(amount(smidge).contains(&self.words[name]), "{}: {name} {smidge}", self.name);
    }

    fn payment(&self, payment: &Payment) {
        self.address("Destination", &payment.destination);
        self.amount("Amount", payment.amount);
    }

    fn keys(&self, keys: &Keys) {
        self.text("Participants", keys.keys.len());
        self.text("Validators", keys.required);
        for (index, key) in keys.keys.iter().enumerate() {
            self.text(&format!("Pubkey {index}"), key);
            self.address(&format!("Address {index}"), &Spawn::Wallet(*key).address());
        }
    }

    fn terms(&self, terms: &Terms) {
        self.address("Owner", &terms.owner);
        self.amount("TotalAmount", terms.total);
        self.amount("InitialUnlockAmount", terms.initial);
        self.text("VestingStart", terms.start);
        self.text("VestingEnd", terms.end);
    }
}

#[test]
fn every_blob_says_what_the_device_shows() {
    let Some(cases) = data("upstream_fixtures/ledger_testcases.json") else { return };
    let cases: Vec<Case> = serde_json::from_value(cases).unwrap();
    assert_eq!(cases.len(), 138);
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for case in &cases {
        let blob = hex::decode(&case.blob).unwrap();
        let mut input = Reader::new(&blob);
        let genesis = GenesisId::read(&mut input).unwrap();
        let body: Body = decode(input.rest()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(encode(&body), input.rest(), "{}", case.name);
        assert_eq!(body.signed_bytes(&genesis), blob, "{}", case.name);

        let prefix = if case.mainnet { Prefix::MAIN } else { Prefix::TEST };
        let said = Said { words: words(&case.output_expert), prefix, name: &case.name };
        said.address("Principal", &body.principal);
        said.amount("Gas price", body.gas_price);
        said.text("Nonce", body.nonce);
        said.text("Genesis Id", genesis);
        if let Call::Spawn(spawn) = &body.call {
            said.address("Template", &spawn.template().address());
            if case.name.contains("self_spawn") {
                assert_eq!(body.self_spawn(), Some(spawn), "{}", case.name);
            }
        }
        let (kind, method) = match &body.call {
            Call::Spawn(Spawn::Wallet(_)) => ("Wallet spawn", 0),
            Call::Spawn(Spawn::Multisig(keys)) => (said.keys(keys), ("Multisig spawn", 0)).1,
            Call::Spawn(Spawn::Vesting(keys)) => (said.keys(keys), ("Vesting spawn", 0)).1,
            Call::Spawn(Spawn::Vault(terms)) => (said.terms(terms), ("Vault spawn", 0)).1,
            Call::Spend(payment) => (said.payment(payment), ("Spend", 16)).1,
            Call::Drain { vault, payment } => {
                said.payment(payment);
                said.address("Vault", vault);
                ("Vault drain", 17)
            }
        };
        said.text("Tx type", kind);
        said.text("Method", method);
        *kinds.entry(kind).or_default() += 1;
    }
    let expected = [
        ("Multisig spawn", 28),
        ("Spend", 34),
        ("Vault drain", 18),
        ("Vault spawn", 18),
        ("Vesting spawn", 36),
        ("Wallet spawn", 4),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
}

/// The golden files of go-spacemesh hold several documents one after another.
#[test]
fn golden_arguments_are_ours() {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Golden {
        object: serde_json::Value,
        hex: String,
    }
    let mut seen = 0;
    for name in ["SpawnArguments", "SpawnPayload", "SpendArguments", "SpendPayload"] {
        let Some(path) = apogee_testkit::data(&format!("spacemesh/upstream_fixtures/{name}.json")) else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        for golden in serde_json::Deserializer::from_str(&text).into_iter::<Golden>() {
            let golden = golden.unwrap();
            let (object, bytes) = (golden.object, hex::decode(&golden.hex).unwrap());
            let mut input = Reader::new(&bytes);
            match name {
                "SpawnArguments" => {
                    let key: PublicKey = decode(&bytes).unwrap();
                    assert_eq!(format!("0x{key}"), object["PublicKey"].as_str().unwrap());
                    assert_eq!(encode(&key), bytes);
                }
                "SpendArguments" => {
                    let payment: Payment = decode(&bytes).unwrap();
                    assert_eq!(serde_json::json!(payment.destination.0), object["Destination"]);
                    assert_eq!(payment.amount, object["Amount"].as_u64().unwrap());
                    assert_eq!(encode(&payment), bytes);
                }
                _ => {
                    assert_eq!(input.compact64().ok(), object["Nonce"].as_u64());
                    assert_eq!(input.compact64().ok(), object["GasPrice"].as_u64());
                    assert_eq!(input.finish(), Ok(()));
                }
            }
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
    assert_eq!(encode(&LayerId(64)), [1, 1]);
}
