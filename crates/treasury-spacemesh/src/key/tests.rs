use apogee_spacemesh::template::Signers;
use apogee_spacemesh::transaction::Payment;

use super::*;

const GENESIS: GenesisId = GenesisId([7; 20]);
const FEE: Atto = Atto(1 << 60);

fn key() -> Key {
    Key::new(&[1; 32], GENESIS, Prefix::TEST)
}

fn payee() -> Address {
    Key::new(&[2; 32], GENESIS, Prefix::TEST).address
}

fn order(body: &Body, purpose: Purpose) -> Order {
    let (payee, amount) = match &body.call {
        Call::Spend(payment) => (payment.destination, payment.amount),
        _ => (body.principal, 0),
    };
    Order {
        purpose,
        nonce: body.nonce,
        payment: None,
        payee: payee.text(Prefix::TEST),
        amount: atto(amount),
        multisig: None,
        fee: FEE,
        message: body.signed_bytes(&GENESIS),
    }
}

fn pay(destination: Address, amount: u64, nonce: u64) -> Body {
    let call = Call::Spend(Payment { destination, amount });
    Body { principal: key().address, call, nonce, gas_price: 1 }
}

fn rule(key: &Key, fence: u64, orders: &[Order]) -> String {
    match key.sign_all(fence, orders) {
        Ok(_) => "signed".into(),
        Err(SignError::Refused { rule, .. }) => rule,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_it_signs_is_valid_on_its_network_alone() {
    let (key, body) = (key(), pay(payee(), 5, 3));
    let signed = key.sign_all(0, &[order(&body, Purpose::Pay)]).unwrap().remove(0);
    let read = Transaction::decode(&signed.bytes).unwrap();
    assert_eq!((&read.body, read.id().to_string()), (&body, signed.id));
    let public = key.public();
    assert_eq!(read.verify(&GENESIS, Signers::One(&public)), Ok(()));
    assert!(read.verify(&GenesisId([8; 20]), Signers::One(&public)).is_err());
}

#[test]
fn an_order_is_what_its_message_says() {
    let key = key();
    let good = order(&pay(payee(), 5, 3), Purpose::Pay);
    let spoiled: [fn(&mut Order); 9] = [
        |order| order.nonce = 4,
        |order| order.amount = Atto(order.amount.0 + 1),
        |order| order.payee = key_text(),
        |order| order.multisig = Some(key_text()),
        |order| order.fee = Atto(36_000 * 1_000_000_000),
        |order| order.purpose = Purpose::Cancel,
        |order| order.message[0] ^= 1,
        |order| order.message.push(0),
        |order| order.message.clear(),
    ];
    for (number, spoil) in spoiled.into_iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(rule(&key, 0, &[bad]), "message", "{number}");
    }
    let other = Body { principal: payee(), ..pay(payee(), 5, 3) };
    assert_eq!(rule(&key, 0, &[order(&other, Purpose::Pay)]), "message", "another account");
    let vault = Call::Drain { vault: payee(), payment: Payment { destination: payee(), amount: 5 } };
    let drain =
        Order { message: Body { call: vault, ..pay(payee(), 5, 3) }.signed_bytes(&GENESIS), ..good.clone() };
    assert_eq!(rule(&key, 0, &[drain]), "message");
    assert_eq!(rule(&key, 0, &[good]), "signed");
}

fn key_text() -> String {
    key().address()
}

#[test]
fn a_nonce_has_one_payment_and_may_be_taken_by_none() {
    let key = key();
    let (first, second) =
        (order(&pay(payee(), 5, 3), Purpose::Pay), order(&pay(payee(), 6, 3), Purpose::Pay));
    let both = [first.clone(), second.clone()];
    assert_eq!(rule(&key, 0, &both), "nonce-reused", "in one call");
    assert_eq!(
        rule(&key, 0, std::slice::from_ref(&second)),
        "signed",
        "nothing of a refused call is remembered"
    );
    assert_eq!(rule(&key, 0, &[first]), "nonce-reused");
    let dearer = Body { gas_price: 9, ..pay(payee(), 6, 3) };
    assert_eq!(rule(&key, 0, &[order(&dearer, Purpose::Replace)]), "signed");
    assert_eq!(rule(&key, 0, &[order(&pay(key.address, 0, 3), Purpose::Cancel)]), "signed");
    assert_eq!(rule(&key, 0, &[second]), "signed");
}

#[test]
fn an_older_fence_is_refused() {
    let key = key();
    let order = [order(&pay(payee(), 5, 3), Purpose::Pay)];
    assert_eq!(
        (rule(&key, 7, &order), rule(&key, 6, &order), rule(&key, 7, &order)),
        ("signed".into(), "fence".into(), "signed".into())
    );
}

#[test]
fn it_makes_its_own_wallet_and_no_other() {
    let key = key();
    let spawn =
        |spawn: Spawn| Body { principal: key.address, call: Call::Spawn(spawn), nonce: 0, gas_price: 1 };
    let own = order(&spawn(Spawn::Wallet(key.public())), Purpose::Cancel);
    assert_eq!(rule(&key, 0, std::slice::from_ref(&own)), "signed");
    assert_eq!(rule(&key, 0, &[Order { purpose: Purpose::Pay, ..own }]), "message", "that is no payment");
    let other = order(&spawn(Spawn::Wallet(PublicKey([9; 32]))), Purpose::Cancel);
    assert_eq!(rule(&key, 0, &[other]), "message");
}

#[tokio::test]
async fn another_wallet_is_none_of_its_own() {
    let key = key();
    assert_eq!(key.wallets().await.unwrap(), [key.address()]);
    let refused = key.sign(&payee().text(Prefix::TEST), 0, &[order(&pay(payee(), 5, 3), Purpose::Pay)]).await;
    assert!(matches!(refused, Err(SignError::Refused { rule, .. }) if rule == "wallet"));
    assert!(!format!("{key:?}").contains(&"01".repeat(16)), "the secret is not shown");
}
