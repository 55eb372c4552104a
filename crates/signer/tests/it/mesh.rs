//! Wallets on Spacemesh: what is signed for them, and what is not.

use std::sync::Arc;

use apogee_domain::Atto;
use apogee_signer::{
    Account, AnyKey, Cost, InvalidExport, Journal, KeyName, Keystore, LocalSigner, MeshKey, Payee,
    PayoutList, Policy, Protocol, Secret, read_export,
};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::gas;
use apogee_spacemesh::id::{GenesisId, PublicKey};
use apogee_spacemesh::template::{Signers, Spawn};
use apogee_spacemesh::transaction::{Body, Call, Payment, Transaction};
use apogee_treasury::{Order, Purpose, SignError, Signed, Signer};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::desk::{Desk, key, rule};

const GENESIS: GenesisId = GenesisId([9; 20]);
const SMIDGE: u128 = 1_000_000_000;
const PRICE: u64 = 2;

fn mesh_key(seed: u8) -> MeshKey {
    MeshKey::from_bytes(&[seed; 32]).unwrap()
}

fn address(seed: u8) -> Address {
    Spawn::Wallet(mesh_key(seed).public()).address()
}

fn text(seed: u8) -> String {
    address(seed).text(Prefix::TEST)
}

/// 1,000 smidge a message and 2,500 a day; fees of a million smidge.
fn policy(recipients: &str) -> String {
    let money = |smidge: u128| (smidge * SMIDGE).to_string();
    format!(
        "network = \"mesh-a\"\n[spacemesh]\ngenesis = \"{GENESIS}\"\naddress_prefix = \"stest\"\n[wallets.{}]\n\
         message_value = \"{}\"\nmessage_fee = \"{}\"\nday_value = \"{}\"\nday_fee = \"{}\"\nrecipients = \"{recipients}\"\n",
        text(1),
        money(1_000),
        money(1_000_000),
        money(2_500),
        money(10_000_000),
    )
}

fn keystore() -> Keystore {
    let mut keystore = Keystore::new();
    keystore.add(key(apogee_signer::KeyKind::Bls, 1)).unwrap();
    keystore.add(mesh_key(1)).unwrap();
    keystore
}

fn signer(desk: &Desk) -> LocalSigner {
    let policy = Policy::read(&desk.path("policy.toml")).unwrap();
    let journal = Journal::open(&desk.path("journal"), policy.network()).unwrap();
    LocalSigner::new(policy, journal, Box::new(Arc::new(keystore())), Arc::new(desk.clock.clone()))
}

fn body(call: Call, nonce: u64) -> Body {
    Body { principal: address(1), call, nonce, gas_price: PRICE }
}

fn of(purpose: Purpose, body: &Body, payee: &str, smidge: u64) -> Order {
    let fee = u128::from(gas::of(body)) * u128::from(body.gas_price) * SMIDGE;
    Order {
        purpose,
        nonce: body.nonce,
        payment: None,
        payee: payee.to_owned(),
        amount: Atto(u128::from(smidge) * SMIDGE),
        multisig: None,
        fee: Atto(fee),
        message: body.signed_bytes(&GENESIS),
    }
}

fn spend(to: u8, smidge: u64, nonce: u64) -> Body {
    body(Call::Spend(Payment { destination: address(to), amount: smidge }), nonce)
}

fn pay(to: u8, smidge: u64, nonce: u64) -> Order {
    of(Purpose::Pay, &spend(to, smidge, nonce), &text(to), smidge)
}

fn cancel(nonce: u64) -> Order {
    let nothing = Body { gas_price: PRICE + 1, ..spend(1, 0, nonce) };
    of(Purpose::Cancel, &nothing, &text(1), 0)
}

fn make() -> Order {
    let spawn = Call::Spawn(Spawn::Wallet(mesh_key(1).public()));
    of(Purpose::Cancel, &body(spawn, 0), &text(1), 0)
}

async fn ask(signer: &dyn Signer, order: Order) -> Result<Vec<Signed>, SignError> {
    signer.sign(&text(1), 1, &[order]).await
}

fn read(signed: &Signed) -> Transaction {
    let transaction = Transaction::decode(&signed.bytes).unwrap();
    assert_eq!(transaction.id().to_string(), signed.id);
    assert_eq!(transaction.verify(&GENESIS, Signers::One(&mesh_key(1).public())), Ok(()));
    transaction
}

#[tokio::test]
async fn a_wallet_is_made_and_pays_and_its_journal_holds_across_restarts() {
    let desk = Desk::new(&policy("any"));
    let first = signer(&desk);
    assert_eq!(first.wallets().await.unwrap(), [text(1)]);
    let made = ask(&first, make()).await.unwrap();
    assert!(read(&made[0]).body.self_spawn().is_some());
    let paid = ask(&first, pay(2, 700, 1)).await.unwrap();
    assert_eq!(read(&paid[0]).body, spend(2, 700, 1));
    drop(first);

    let again = signer(&desk);
    assert_eq!(ask(&again, make()).await.unwrap(), made, "the same bytes");
    assert_eq!(ask(&again, pay(2, 700, 1)).await.unwrap(), paid);
    assert_eq!(rule(&ask(&again, pay(2, 701, 1)).await), "nonce-reused");
    assert_eq!(rule(&ask(&again, pay(3, 700, 1)).await), "nonce-reused");
    assert_eq!(rule(&ask(&again, pay(2, 700, 0)).await), "nonce-reused", "it made the wallet");
    let cancelled = ask(&again, cancel(1)).await.unwrap();
    assert_eq!(read(&cancelled[0]).body.nonce, 1);
    assert_eq!(rule(&again.sign(&text(1), 0, &[pay(2, 700, 1)]).await), "fence");
    // 700 of 2,500 are spent, whatever became of them.
    assert_eq!(rule(&ask(&again, pay(2, 1_000, 2)).await), "signed");
    assert_eq!(rule(&ask(&again, pay(2, 801, 3)).await), "cap-day");
    assert_eq!(rule(&ask(&again, pay(2, 1_001, 3)).await), "cap-message");
    assert_eq!(rule(&again.sign(&text(2), 1, &[pay(2, 1, 5)]).await), "wallet");
}

#[tokio::test]
async fn a_transaction_says_what_its_order_says() {
    let good = || pay(2, 500, 7);
    let altered = |body: Body| Order { message: body.signed_bytes(&GENESIS), ..good() };
    let spawn = |spawn| Call::Spawn(spawn);
    let other = Spawn::Wallet(PublicKey([5; 32]));
    let drain = Call::Drain { vault: address(4), payment: Payment { destination: address(2), amount: 500 } };
    let main = address(2).text(Prefix::MAIN);
    let cases: Vec<(&str, Order)> = vec![
        ("another network", Order { message: spend(2, 500, 7).signed_bytes(&GenesisId([8; 20])), ..good() }),
        ("no network", Order { message: good().message[20..].to_vec(), ..good() }),
        ("no message", Order { message: Vec::new(), ..good() }),
        ("a byte more", Order { message: [good().message, vec![0]].concat(), ..good() }),
        ("a byte less", Order { message: good().message[..good().message.len() - 1].to_vec(), ..good() }),
        ("too long", Order { message: [GENESIS.0.to_vec(), vec![0; 1 << 20]].concat(), ..good() }),
        ("from another", altered(Body { principal: address(3), ..spend(2, 500, 7) })),
        ("nonce", altered(spend(2, 500, 8))),
        ("nonce of the order", Order { nonce: 8, ..good() }),
        ("to another", altered(spend(3, 500, 7))),
        ("amount", altered(spend(2, 501, 7))),
        ("amount of the order", Order { amount: Atto(500 * SMIDGE + 1), ..good() }),
        ("payee of the order", Order { payee: text(3), ..good() }),
        ("payee of the main network", Order { payee: main, ..good() }),
        ("payee of Filecoin", Order { payee: "t01000".into(), ..good() }),
        ("payee in capitals", Order { payee: text(2).to_uppercase(), ..good() }),
        ("fee", Order { fee: Atto(good().fee.0 - 1), ..good() }),
        ("no price", altered(Body { gas_price: 0, ..spend(2, 500, 7) })),
        ("a multisig", Order { multisig: Some(text(3)), ..good() }),
        ("a drain", altered(body(drain, 7))),
        ("it makes another", Order { ..of(Purpose::Cancel, &body(spawn(other), 7), &text(1), 0) }),
        (
            "it makes itself, as a payment",
            of(Purpose::Pay, &body(spawn(Spawn::Wallet(mesh_key(1).public())), 7), &text(1), 0),
        ),
        ("a cancellation that pays another", Order { purpose: Purpose::Cancel, ..pay(2, 0, 7) }),
        ("a cancellation that pays", of(Purpose::Cancel, &spend(1, 1, 7), &text(1), 1)),
        ("a long id", Order { payment: Some("x".repeat(201)), ..good() }),
    ];
    let desk = Desk::new(&policy("any"));
    let signer = signer(&desk);
    for (what, order) in cases {
        assert_eq!(rule(&ask(&signer, order).await), "message", "{what}");
    }
    assert_eq!(rule(&ask(&signer, good()).await), "signed");
    drop(signer);
    let kept = Journal::open(&desk.path("journal"), &"mesh-a".parse().unwrap()).unwrap();
    assert_eq!(kept.entries(), 1, "nothing that was refused is in the journal");
}

#[tokio::test]
async fn lists_say_who_gets_how_much() {
    let approver = [3; 32];
    let approval = {
        let mut list = list();
        list.approve(&approver).unwrap();
        list.approvals[0].key
    };
    let approved = format!("[approval]\nlists = \"lists\"\nkeys = [\"{approval}\"]\nthreshold = 1\n");
    let desk = Desk::new(&(policy("lists") + &approved));
    std::fs::create_dir(desk.path("lists")).unwrap();
    let mut good = list();
    good.approve(&approver).unwrap();
    good.write(&desk.path("lists/a.json")).unwrap();
    let signer = signer(&desk);
    assert_eq!(rule(&ask(&signer, pay(3, 10, 1)).await), "payee");
    assert_eq!(rule(&ask(&signer, pay(2, 901, 1)).await), "payee");
    assert_eq!(rule(&ask(&signer, pay(2, 900, 1)).await), "signed");

    let mut stray =
        PayoutList { payees: vec![Payee { address: "f01000".into(), ..good.payees[0].clone() }], ..list() };
    stray.approve(&approver).unwrap();
    stray.write(&desk.path("lists/b.json")).unwrap();
    let error = Policy::read(&desk.path("policy.toml")).unwrap_err();
    assert!(format!("{:?}", anyhow(&error)).contains("f01000"), "{error}");
}

fn anyhow(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

fn list() -> PayoutList {
    PayoutList {
        network: "mesh-a".parse().unwrap(),
        wallet: text(1),
        root: apogee_domain::Digest([1; 32]),
        payout: None,
        payees: vec![Payee { address: text(2), amount: Atto(900 * SMIDGE), payment: None, failed: 0 }],
        approvals: Vec::new(),
    }
}

#[test]
fn policies_of_spacemesh_name_its_wallets() {
    let read = |policy: &str| Policy::read(&Desk::new(policy).path("policy.toml"));
    assert!(read(&policy("any")).is_ok());
    let main = policy("any").replace(&text(1), &address(1).text(Prefix::MAIN));
    for wrong in [
        policy("any").replace(&text(1), "t01000"),
        main,
        policy("any").replace(&GENESIS.to_string(), "12"),
        policy("any").replace("\"stest\"", "\"\""),
        policy("any") + &format!("proposes_for = \"{}\"\n", text(2)),
        policy("any")
            .replace(&format!("[spacemesh]\ngenesis = \"{GENESIS}\"\naddress_prefix = \"stest\"\n"), ""),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn keys_of_both_kinds_are_kept_together() {
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (folder.path().join("keys"), Secret::new("correct horse".into()));
    let cheap = Cost { memory_kib: 64, passes: 1, lanes: 1 };
    keystore().create(&path, &secret, cheap, &mut StdRng::seed_from_u64(1)).unwrap();
    let opened = Keystore::open(&path, &secret).unwrap();
    let protocol = Protocol::Spacemesh { genesis: GENESIS, prefix: Prefix::TEST };
    let names = Keystore::list(&path).unwrap();
    assert_eq!(names, opened.names().collect::<Vec<_>>());
    assert_eq!(names[1], KeyName::Spacemesh(mesh_key(1).public()));
    let accounts: Vec<Account> = opened.accounts(&protocol).collect();
    assert_eq!(accounts, [Account::read(&text(1)).unwrap()]);
    assert_eq!(opened.mesh_key(&accounts[0]).unwrap().public(), mesh_key(1).public());
    assert_eq!(opened.accounts(&Protocol::Filecoin).count(), 1);

    let whole = [[1; 32], mesh_key(1).public().0].concat();
    let exported = read_export(hex::encode(&whole).as_bytes()).unwrap();
    assert!(matches!(&exported, AnyKey::Spacemesh(key) if key.public() == mesh_key(1).public()));
    let foreign = [[1; 32], mesh_key(2).public().0].concat();
    assert_eq!(read_export(hex::encode(foreign).as_bytes()).unwrap_err(), InvalidExport::Key);
    assert!(!format!("{:?}", mesh_key(7)).contains("0707"));
}
