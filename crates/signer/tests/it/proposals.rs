//! A wallet that proposes for a multisig proposes payments, and signs nothing else.

use apogee_domain::Atto;
use apogee_filecoin::types::Message;
use apogee_filecoin::types::multisig::{APPROVE, PROPOSE, Proposal, ProposalRef, read_exactly};
use apogee_signer::{Payee, PayoutList, PolicyError};
use apogee_treasury::{Order, Purpose};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use super::desk::{Desk, ask, cancel, message, order, pay, payee, policy, read, rule, wallet};

fn multisig() -> Address {
    Address::new_actor(b"prizes")
}

fn proposing(recipients: &str) -> String {
    format!("{}proposes_for = \"{}\"\n", policy(&wallet(), recipients), multisig())
}

/// An order whose message is `change`d.
fn altered(order: Order, change: impl FnOnce(&mut Message)) -> Order {
    let mut message = message(&order);
    change(&mut message);
    Order { message: fvm_ipld_encoding::to_vec(&message).unwrap(), ..order }
}

fn propose_for(multisig: Address, purpose: Purpose, nonce: u64, to: Address, amount: u64, cap: u64) -> Order {
    let order = Order { multisig: Some(multisig.to_string()), ..order(purpose, nonce, to, amount, cap) };
    altered(order, |message| {
        message.to = multisig;
        message.value = TokenAmount::default();
        message.method_num = PROPOSE;
        message.params = Proposal::transfer(to, TokenAmount::from_atto(amount)).encoded();
    })
}

fn propose(nonce: u64, to: Address, amount: u64) -> Order {
    propose_for(multisig(), Purpose::Pay, nonce, to, amount, 2)
}

fn with(proposal: &Proposal) -> Order {
    altered(propose(0, payee(0), 1000), |message| message.params = proposal.encoded())
}

#[tokio::test]
async fn only_the_proposal_that_the_order_says_is_signed() {
    let good = Proposal::transfer(payee(0), TokenAmount::from_atto(1000));
    let nested = Proposal { method: PROPOSE, params: good.encoded(), to: multisig(), ..good.clone() };
    let base = || propose(0, payee(0), 1000);
    let cases: Vec<(&str, Order)> = vec![
        ("to another multisig", altered(base(), |message| message.to = Address::new_actor(b"other"))),
        ("with money", altered(base(), |message| message.value = TokenAmount::from_atto(1))),
        ("with the amount as money", altered(base(), |message| message.value = TokenAmount::from_atto(1000))),
        ("a plain payment of the multisig", altered(base(), |message| message.method_num = 0)),
        (
            "an approval",
            altered(base(), |message| {
                message.method_num = APPROVE;
                let params = ProposalRef { number: 0, hash: Vec::new() };
                message.params = RawBytes::serialize(&params).unwrap();
            }),
        ),
        ("a cancellation of a proposal", altered(base(), |message| message.method_num = 4)),
        ("another signer", altered(base(), |message| message.method_num = 5)),
        ("to pay another", with(&Proposal { to: payee(1), ..good.clone() })),
        ("another amount", with(&Proposal { value: TokenAmount::from_atto(999), ..good.clone() })),
        (
            "a negative amount",
            Order {
                amount: Atto(0),
                ..with(&Proposal { value: TokenAmount::from_atto(-1), ..good.clone() })
            },
        ),
        ("a call", with(&Proposal { method: 1, ..good.clone() })),
        ("parameters", with(&Proposal { params: RawBytes::new(vec![0x40]), ..good.clone() })),
        ("a proposal within the proposal", with(&nested)),
        (
            "a byte more",
            altered(base(), |message| {
                message.params = RawBytes::new([good.encoded().to_vec(), vec![0]].concat())
            }),
        ),
        ("no proposal", altered(base(), |message| message.params = RawBytes::new(vec![0x9b; 9]))),
        ("nothing", altered(base(), |message| message.params = RawBytes::default())),
        (
            "an order for another multisig",
            Order { multisig: Some(Address::new_actor(b"other").to_string()), ..base() },
        ),
        ("an order for no multisig", Order { multisig: Some("t2nothing".into()), ..base() }),
        ("an order that pays", Order { multisig: None, ..base() }),
        ("a payment", pay(0, payee(0), 1000)),
        ("a payment to the multisig", pay(0, multisig(), 1000)),
        ("a cancellation that proposes", propose_for(multisig(), Purpose::Cancel, 0, wallet(), 0, 2)),
    ];
    let desk = Desk::new(&proposing("any"));
    let signer = desk.signer();
    for (what, order) in cases {
        assert_eq!(rule(&ask(&signer, order).await), "message", "{what}");
    }
    let signed = ask(&signer, base()).await.unwrap();
    let message = read(&signed[0]);
    assert_eq!((message.to, message.value.is_zero(), message.method_num), (multisig(), true, PROPOSE));
    assert_eq!(read_exactly(&message.params), Some(good));
    assert_eq!(rule(&ask(&signer, cancel(1, 2)).await), "signed", "a nonce can still pay nobody");
}

#[tokio::test]
async fn a_wallet_that_pays_proposes_nothing() {
    let desk = Desk::open_handed();
    assert_eq!(rule(&ask(&desk.signer(), propose(0, payee(0), 1)).await), "message");
}

#[tokio::test]
async fn caps_hold_for_what_is_proposed() {
    let desk = Desk::new(&proposing("any"));
    let signer = desk.signer();
    assert_eq!(rule(&ask(&signer, propose(0, payee(0), 1001)).await), "cap-message");
    let dear = propose_for(multisig(), Purpose::Pay, 0, payee(0), 1, 5);
    assert_eq!(rule(&ask(&signer, dear).await), "cap-message");
    for nonce in 0..2 {
        assert_eq!(rule(&ask(&signer, propose(nonce, payee(0), 1000)).await), "signed");
    }
    assert_eq!(rule(&ask(&signer, propose(2, payee(0), 501)).await), "cap-day");
    assert_eq!(rule(&ask(&signer, propose(2, payee(0), 500)).await), "signed");
}

#[tokio::test]
async fn whom_lists_name_is_proposed_and_nobody_else_also_after_a_restart() {
    let secret = [3; 32];
    let mut list = PayoutList {
        network: "devnet-a".parse().unwrap(),
        wallet: wallet().to_string(),
        root: Default::default(),
        payout: None,
        payees: vec![Payee { address: payee(0).to_string(), amount: Atto(1000), payment: None, failed: 0 }],
        approvals: vec![],
    };
    list.approve(&secret).unwrap();
    let approval =
        format!("[approval]\nlists = \"lists\"\nkeys = [\"{}\"]\nthreshold = 1\n", list.approvals[0].key);
    let desk = Desk::new(&format!("{}{approval}", proposing("lists")));
    std::fs::create_dir(desk.path("lists")).unwrap();
    list.write(&desk.path("lists/a.json")).unwrap();
    let signer = desk.signer();
    assert_eq!(rule(&ask(&signer, propose(0, payee(1), 1)).await), "payee", "a stranger");
    assert_eq!(rule(&ask(&signer, propose(0, payee(0), 700)).await), "signed");
    drop(signer);
    let signer = desk.signer();
    assert_eq!(rule(&ask(&signer, propose(1, payee(0), 301)).await), "payee", "more than the list has");
    assert_eq!(rule(&ask(&signer, propose(1, payee(0), 300)).await), "signed");
    // What one nonce was signed for stays: also which multisig pays.
    assert_eq!(rule(&ask(&signer, propose(0, payee(0), 699)).await), "nonce-reused");
    assert_eq!(rule(&ask(&signer, propose(0, payee(0), 700)).await), "signed");
    drop(signer);
    let direct = Desk { folder: desk.folder, clock: desk.clock };
    let paying = policy(&wallet(), "any");
    std::fs::write(direct.path("policy.toml"), paying).unwrap();
    let signer = direct.signer();
    assert_eq!(rule(&ask(&signer, pay(0, payee(0), 700)).await), "nonce-reused", "it was proposed");
}

#[test]
fn what_it_proposes_for_is_an_address() {
    let desk = Desk::new(&proposing("any").replace(&multisig().to_string(), "prizes"));
    let error = apogee_signer::Policy::read(&desk.path("policy.toml")).unwrap_err();
    assert!(matches!(&error, PolicyError::Content(_, detail) if detail.contains("\"prizes\"")), "{error:?}");
}
