//! What people ask from elsewhere: accounts and transactions looked up, and a faucet's door in Discord.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use apogee_simmesh::{Fault, Made, Mesh, Network, Recipe};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId, PublicKey, TransactionId};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::template::{Spawn, Template};
use apogee_spacemesh::transaction::{Body, Call, Payment, Signatures, Transaction};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::faucet::{POLICY, Town};
use crate::openapi::validate;
use crate::paying::{now, payee, text};
use crate::served::{Answer, Served};
use crate::signin::assert_problem;

/// Of 2015-05-29.
const OLD: u64 = 53_908_232_506_183_680;

fn secret() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A request for the door, signed at `at`.
fn request(body: &str, secret: &SigningKey, at: i64) -> String {
    let signature = secret.sign([at.to_string().as_bytes(), body.as_bytes()].concat().as_slice());
    format!(
        "POST /discord/simnet HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n\
         x-signature-ed25519: {}\r\nx-signature-timestamp: {at}\r\ncontent-length: {}\r\n\r\n{body}",
        hex::encode(signature.to_bytes()),
        body.len()
    )
}

fn post(town: &Town, body: &Value) -> Answer {
    town.world.served.say(&request(&body.to_string(), &secret(), now().seconds()))
}

/// `/name option:value` by an account, in a server of Discord.
fn slash(id: u64, by: u64, name: &str, [option, value]: [&str; 2]) -> Value {
    json!({
        "id": id.to_string(), "type": 2, "application_id": "1", "token": "t", "version": 1, "locale": "en-US",
        "member": { "user": { "id": by.to_string(), "username": "Mason", "avatar": null }, "roles": [] },
        "data": { "id": "9", "name": name, "type": 1, "options": [{ "name": option, "type": 3, "value": value }] },
    })
}

/// What a command is answered, which only its sender sees and which mentions nobody.
#[track_caller]
fn told(town: &Town, body: &Value) -> String {
    let answer = post(town, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let data = &answer["data"];
    assert_eq!((&answer["type"], &data["allowed_mentions"]), (&json!(4), &json!({ "parse": [] })));
    let content = data["content"].as_str().unwrap().to_owned();
    assert!(data["flags"] == 68 || content.contains("Ample"), "{answer}");
    assert!(content.encode_utf16().count() <= 2_000);
    content
}

fn town(seed: u64) -> Town {
    let policy = POLICY.replacen("[account]", "[account]\nchats = [\"discord\"]", 1);
    let key = hex::encode(secret().verifying_key().as_bytes());
    Town::set(seed, &policy, &[("FAUCETS__DRIP__DISCORD__APPLICATION_PUBLIC_KEY", &key)])
}

#[test]
fn what_discord_has_not_signed_does_nothing() {
    let town = town(61);
    let served = &town.world.served;
    let ping = json!({ "id": "1", "type": 1, "version": 1 });
    assert_eq!(post(&town, &ping).json(), json!({ "type": 1 }));

    let tap = slash(5, OLD, "tap", ["address", &text(&payee(1))]).to_string();
    let (at, other) = (now().seconds(), SigningKey::from_bytes(&[8; 32]));
    let altered = request(&tap, &secret(), at).replacen("Mason", "Nosam", 1);
    let unsigned = request(&tap, &secret(), at).replacen("x-signature-ed25519", "x-signature", 1);
    for refused in [request(&tap, &other, at), request(&tap, &secret(), at - 400), altered, unsigned] {
        assert_problem(&served.say(&refused), 401, "chat-unverified");
    }
    assert_eq!(served.say(&request(&" ".repeat(66_000), &secret(), at)).status, 413);
    assert_problem(&post(&town, &json!({ "id": "1", "type": 3, "data": {} })), 400, "chat-unreadable");
    let elsewhere = request(&tap, &secret(), at).replacen("/discord/simnet", "/discord/elsewhere", 1);
    assert_problem(&served.say(&elsewhere), 404, "unknown-faucet");
    assert_eq!(town.page()["today"]["grants"], 0);
    let block =
        ["admin", "block", &format!("discord:{OLD}"), "--reason", "x", "--store", &town.world.store()];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_apogee")).args(block).output().unwrap();
    assert!(!output.status.success(), "nobody was met");

    let commands = served.get("/discord/simnet").json();
    assert!(commands.as_array().unwrap().iter().any(|command| command["name"] == "tap"), "{commands}");
    assert_problem(&served.get("/discord/elsewhere"), 404, "unknown-faucet");
}

#[test]
fn a_tap_in_discord_is_decided_by_the_rules_of_everybody_and_granted_once() {
    let town = town(62);
    let to = text(&payee(1));
    let tap = slash(5, OLD, "tap", ["address", &to]);
    let granted = told(&town, &tap);
    let (_, rest) = granted.split_once("/faucet/simnet/g/").unwrap_or_else(|| panic!("{granted}"));
    let grant = rest.split('>').next().unwrap().to_owned();
    assert!(granted.contains(&format!("`{to}`")) && granted.contains("1 FIL"), "{granted}");
    assert_eq!(told(&town, &tap), granted, "the same interaction is the same grant");
    assert_eq!(town.page()["today"]["grants"], 1);
    // The key of one interaction is not another request.
    assert!(told(&town, &slash(5, OLD, "tap", ["address", &text(&payee(2))])).contains("another request"));

    // Other commands, in either language and as they were pasted to older taps.
    let status = told(&town, &slash(6, OLD, "paste", ["text", "$faucet_status"]));
    assert!(status.contains("Open") && status.contains("Ample"), "{status}");
    let mut page = Value::Null;
    town.until("the grant is final", || {
        page = town.world.served.get(&format!("/faucet/simnet/g/{grant}.json")).json();
        page["state"] == "final"
    });
    let message = page["message"].as_str().unwrap();
    let transaction = told(&town, &slash(7, OLD, "tx", ["id", message]));
    assert!(transaction.contains("Executed") && transaction.contains("Final"), "{transaction}");
    assert!(transaction.contains(&format!("/faucet/simnet/g/{grant}>")), "{transaction}");
    let balance = told(&town, &slash(8, OLD, "balance", ["address", &to]));
    assert!(balance.contains("1 FIL"), "{balance}");
    let mut chinese = slash(9, OLD, "help", ["x", ""]);
    chinese["locale"] = "zh-CN".into();
    assert!(told(&town, &chinese).contains("申请测试币"));
    assert!(told(&town, &slash(10, OLD, "paste", ["text", "<@1> hello"])).contains("not understood"));

    // The same is told to programs, as it is described.
    let (served, document) = (&town.world.served, town.world.served.get("/openapi.json").json());
    for (path, address) in [
        ("/faucet/{network}/status.json", "/faucet/simnet/status.json".to_owned()),
        ("/faucet/{network}/balance/{address}.json", format!("/faucet/simnet/balance/{to}.json")),
        ("/faucet/{network}/tx/{id}.json", format!("/faucet/simnet/tx/{message}.json")),
    ] {
        let answer = served.get(&address);
        let schema =
            &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{address}");
        validate(&document, schema, &answer.json(), &address);
    }
    let nobodys = format!("bafy2bzace{}", "a".repeat(52));
    assert_problem(&served.get(&format!("/faucet/simnet/tx/{nobodys}.json")), 404, "lookup-elsewhere");

    // Each rule that refuses, and until when. Who asks from the same place in a browser has lost nothing by it.
    let refused = told(&town, &slash(11, OLD, "tap", ["address", &text(&payee(2))]));
    assert!(refused.contains("`identity-day`") && refused.contains("<t:"), "{refused}");
    let young = (u64::try_from(now().seconds() - 1_420_070_400).unwrap() * 1_000) << 22;
    let refused = told(&town, &slash(12, young, "tap", ["address", &text(&payee(3))]));
    assert!(refused.contains("`account-age`"), "{refused}");
    let mut ada = town.somebody(11);
    let key = town.key(&mut ada);
    let body = json!({ "recipient": text(&payee(4)) });
    let checks = town.program(&key, "/faucet/simnet/eligibility.json", &body, "").json()["checks"].clone();
    let address = checks.as_array().unwrap().iter().find(|check| check["rule"] == "address-day").unwrap();
    assert_eq!(address["have"], "0", "Discord's servers are nobody's network: {checks}");
    town.world.apogee(&["admin", "block", &format!("discord:{OLD}"), "--reason", "A farm."]);
    assert!(told(&town, &slash(13, OLD, "tap", ["address", &to])).contains("A farm."));
    assert_eq!(town.page()["today"]["grants"], 1);
}

const GENESIS: GenesisId = GenesisId(*b"a-network-for-tests!");
const RICHES: u64 = 1 << 50;

fn rich() -> (SigningKey, Spawn) {
    let key = SigningKey::from_bytes(&[2; 32]);
    let spawn = Spawn::Wallet(PublicKey(key.verifying_key().to_bytes()));
    (key, spawn)
}

/// A transaction of the rich one.
fn signed(call: Call, nonce: u64) -> Vec<u8> {
    let (key, spawn) = rich();
    let body = Body { principal: spawn.address(), call, nonce, gas_price: 1 };
    let signature = key.sign(&body.signed_bytes(&GENESIS)).to_bytes();
    encode(&Transaction { body, signatures: Signatures::One(signature) })
}

#[test]
fn accounts_and_transactions_of_spacemesh_are_looked_up_at_its_node() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let epochs = Epochs { layers: NonZeroU32::new(4).unwrap() };
    let network = Network {
        genesis: GENESIS,
        genesis_time: 1_700_000_000,
        layer_duration: 60,
        prefix: Prefix::TEST,
        effective_genesis: epochs.first_effective_genesis(),
        epochs,
        labels_per_unit: 1,
    };
    let mut made = Made::new(Recipe { network, accounts: vec![(rich().1.address(), RICHES)] });
    apogee_simmesh::Chain::submit(&mut made, &signed(Call::Spawn(rich().1), 0)).unwrap();
    made.step();
    let mesh = runtime.block_on(Mesh::start(0, made)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.toml");
    let described = format!(
        "genesis = \"{GENESIS}\"\ngenesis_time = \"2023-11-14T22:13:20Z\"\naddress_prefix = \"stest\"\nlayer_seconds = 60\n\
         layers_per_epoch = 4\neffective_genesis = 7\ncommittee = 5\nmin_weight = 0\nfinality_layers = 20\nrecount = false\n\
         [tortoise]\nhdist = 5\nzdist = 2\nwindow = 200\nmax_exceptions = 5000\nbad_beacon_delay = 16\n"
    );
    std::fs::File::create(&file).unwrap().write_all(described.as_bytes()).unwrap();
    let (store, file) =
        (format!("sqlite:{}", folder.path().join("a.sqlite").display()), file.display().to_string());
    let served = Served::with(&[
        ("STORE", &store),
        ("NETWORKS__MESH__SPACEMESH", &file),
        ("NETWORKS__MESH__GATEWAY__URL", &mesh.url()),
        ("NETWORKS__MESH__GATEWAY__DIALECT", "v2beta1"),
    ]);
    let to = Address::of(Template::Wallet.address(), b"somebody");
    let text = to.text(Prefix::TEST);
    let balance = || served.get(&format!("/faucet/mesh/balance/{text}.json")).json();
    let nobody = balance();
    assert_eq!((&nobody["exists"], &nobody["balance"]), (&json!(false), &json!("0")), "{nobody}");
    assert_eq!((&nobody["unit"], &nobody["node"]["answers"]), (&json!("smidge"), &json!(true)));

    let raw = signed(Call::Spend(Payment { destination: to, amount: 5_000_000_000 }), 1);
    let id = TransactionId::of(&raw);
    let place = format!("/faucet/mesh/tx/{id}");
    let transaction = || served.get(&format!("{place}.json")).json();
    assert_eq!((&transaction()["state"], &transaction()["ours"]), (&json!("unknown"), &json!(false)));
    apogee_simmesh::Chain::submit(&mut *mesh.chain(), &raw).unwrap();
    assert_eq!(transaction()["state"], "pending");
    let LayerId(layer) = mesh.chain().step();
    let executed = transaction();
    assert_eq!((&executed["state"], &executed["at"]), (&json!("executed"), &json!(layer)), "{executed}");
    assert_ne!(executed["final"], json!(true), "twenty layers have to follow");
    assert_eq!(balance()["balance"], "5000000000");

    // As people see it.
    let page = served.ask("GET", &place, &[("accept", "text/html")]).text();
    assert!(page.contains("Executed") && page.contains(&id.to_string()), "{page}");
    let page =
        served.ask("GET", &format!("/zh/faucet/mesh/balance/{text}"), &[("accept", "text/html")]).text();
    assert!(page.contains("余额") && page.contains("5 SMH"), "{page}");
    let found = served.get(&format!("/faucet/mesh/find?q=0x{}", id.to_string().to_uppercase()));
    assert_eq!((found.status, found.header("location")), (303, Some(&*place)));
    let document = served.get("/openapi.json").json();
    for (path, answer) in [
        ("/faucet/{network}/balance/{address}.json", balance()),
        ("/faucet/{network}/tx/{id}.json", transaction()),
    ] {
        let schema =
            &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        validate(&document, schema, &answer, path);
    }

    // What is none of this network's, and what is nothing at all.
    let other = to.text(Prefix::MAIN);
    assert_problem(&served.get(&format!("/faucet/mesh/balance/{other}.json")), 422, "faucet-recipient");
    assert_problem(&served.get("/faucet/mesh/find.json?q=%3Cscript%3E"), 422, "lookup-invalid");
    assert_problem(&served.get("/faucet/mesh/tx/12.json"), 422, "lookup-invalid");
    assert_problem(&served.get("/faucet/mesh/status.json"), 404, "unknown-faucet");

    // A node that hangs, fails, or tells lies of another network is told to be silent, in time.
    for fault in [Fault::Slow(Duration::from_secs(60)), Fault::Unavailable, Fault::Endless, Fault::WrongType]
    {
        mesh.misbehave(Some(fault));
        let begun = Instant::now();
        assert_problem(&served.get(&format!("{place}.json")), 503, "node-silent");
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
    mesh.misbehave(None);
    assert_eq!(transaction()["state"], "executed");
}
