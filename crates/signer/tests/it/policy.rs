//! Each rule refuses what is against it, and lets through what is barely not.

use std::path::PathBuf;
use std::time::Duration;

use apogee_domain::{Atto, Digest};
use apogee_filecoin::types::{Message, inclusion_gas};
use apogee_signer::{Payee, PayoutList, Policy, PolicyError};
use apogee_treasury::{Order, Purpose, SignError, Signer};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::econ::TokenAmount;

use super::desk::{
    Desk, GAS, ask, bls_wallet, cancel, message, order, order_of, pay, payee, policy, read, rule, wallet,
};

/// An order whose message is `pay(0, payee(0), 1000)` but for a change.
fn altered(change: impl FnOnce(&mut Message)) -> Order {
    let good = pay(0, payee(0), 1000);
    let mut message = message(&good);
    change(&mut message);
    Order { message: fvm_ipld_encoding::to_vec(&message).unwrap(), ..good }
}

fn with_gas(limit: u64) -> Order {
    let mut order = altered(|message| message.gas_limit = limit);
    order.fee = Atto(2 * u128::from(limit));
    order
}

#[tokio::test]
async fn a_message_says_what_its_order_says() {
    let atto = |amount: i64| TokenAmount::from_atto(amount);
    let cases: Vec<(&str, Order)> = vec![
        ("version", altered(|message| message.version = 1)),
        ("from another", altered(|message| message.from = bls_wallet())),
        ("from an id", altered(|message| message.from = payee(7))),
        ("to another", altered(|message| message.to = payee(1))),
        ("nonce", altered(|message| message.sequence = 1)),
        ("value", altered(|message| message.value = atto(999))),
        ("a negative value", Order { amount: Atto(0), ..altered(|message| message.value = atto(-1)) }),
        ("method", altered(|message| message.method_num = 1)),
        ("parameters", altered(|message| message.params = RawBytes::new(vec![0x40]))),
        ("gas limit", altered(|message| message.gas_limit = GAS + 1)),
        ("fee cap", altered(|message| message.gas_fee_cap = atto(3))),
        ("a negative fee cap", Order { fee: Atto(0), ..altered(|message| message.gas_fee_cap = atto(-1)) }),
        ("premium over fee cap", altered(|message| message.gas_premium = atto(3))),
        ("a negative premium", altered(|message| message.gas_premium = atto(-1))),
        ("fee of the order", Order { fee: Atto(1), ..pay(0, payee(0), 1000) }),
        ("amount of the order", Order { amount: Atto(999), ..pay(0, payee(0), 1000) }),
        ("payee of the order", Order { payee: payee(1).to_string(), ..pay(0, payee(0), 1000) }),
        ("payee in another writing", Order { payee: "f001000".into(), ..pay(0, payee(0), 1000) }),
        ("no payee", Order { payee: String::new(), ..pay(0, payee(0), 1000) }),
        ("nonce of the order", Order { nonce: 1, ..pay(0, payee(0), 1000) }),
        ("no message", Order { message: Vec::new(), ..pay(0, payee(0), 1000) }),
        (
            "a byte more",
            Order { message: [pay(0, payee(0), 1000).message, vec![0]].concat(), ..pay(0, payee(0), 1000) },
        ),
        ("nested arrays", Order { message: vec![0x81; 500], ..pay(0, payee(0), 1000) }),
        (
            "a huge array",
            Order { message: b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), ..pay(0, payee(0), 1000) },
        ),
        ("too long", Order { message: vec![0; 1 << 20], ..pay(0, payee(0), 1000) }),
        ("a long id", Order { payment: Some("x".repeat(201)), ..pay(0, payee(0), 1000) }),
        ("more than a block's gas", with_gas(10_000_000_001)),
        ("a cancellation that pays another", Order { purpose: Purpose::Cancel, ..pay(0, payee(0), 0) }),
        ("a cancellation that pays", order(Purpose::Cancel, 0, wallet(), 1, 2)),
    ];
    let desk = Desk::open_handed();
    let signer = desk.signer();
    for (what, order) in cases {
        let nonce = order.nonce;
        match ask(&signer, order).await {
            Err(SignError::Refused { rule, nonce: refused, .. }) => {
                assert_eq!((rule.as_str(), refused), ("message", nonce), "{what}");
            }
            answer => panic!("{what}: {answer:?}"),
        }
    }
    assert_eq!(rule(&ask(&signer, altered(|_| ())).await), "signed");
    let other_letter = Order { payee: "t01000".into(), ..altered(|_| ()) };
    assert_eq!(rule(&ask(&signer, other_letter).await), "signed", "letters are of networks");
    assert_eq!(rule(&ask(&signer, order(Purpose::Cancel, 9, wallet(), 0, 2)).await), "signed");
}

#[tokio::test]
async fn a_gas_limit_is_a_tenth_over_the_cost_of_inclusion() {
    // secp256k1 messages carry their signature, the signatures of BLS messages are in an aggregate.
    for (from, signature) in [(wallet(), 69), (bls_wallet(), 0)] {
        let desk = Desk::new(&policy(&from, "any"));
        let signer = desk.signer();
        let limit = |limit: u64| {
            let good = order_of(from, Purpose::Pay, 0, payee(0), 10, 2);
            let mut message = message(&good);
            message.gas_limit = limit;
            let message = fvm_ipld_encoding::to_vec(&message).unwrap();
            Order { message, fee: Atto(2 * u128::from(limit)), ..good }
        };
        let cost = inclusion_gas(limit(1_000_000).message.len() + signature);
        let least = cost + cost.div_ceil(10);
        assert!(least * 10 >= cost * 11 && (600_000..1_000_000).contains(&least));
        for (gas, word) in
            [(cost - 1, "message"), (cost, "message"), (least - 1, "message"), (least, "signed")]
        {
            assert_eq!(rule(&signer.sign(&from.to_string(), 1, &[limit(gas)]).await), word, "{gas}");
        }
    }
}

#[tokio::test]
async fn caps_of_a_message_are_the_most() {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    assert_eq!(rule(&ask(&signer, pay(0, payee(0), 1001)).await), "cap-message");
    assert_eq!(rule(&ask(&signer, pay(0, payee(0), 1000)).await), "signed");
    // 9,000,000 atto of fee at a gas limit of 2,000,000.
    assert_eq!(rule(&ask(&signer, order(Purpose::Pay, 1, payee(0), 1, 5)).await), "cap-message");
    assert_eq!(rule(&ask(&signer, order(Purpose::Pay, 1, payee(0), 1, 4)).await), "signed");
    assert_eq!(rule(&ask(&signer, cancel(1, 5)).await), "cap-message");
}

#[tokio::test]
async fn caps_of_a_day_count_each_nonce_once_and_begin_again_at_midnight() {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    // 2,500 atto a day.
    for (nonce, amount, word) in [
        (0, 1000, "signed"),
        (1, 1000, "signed"),
        (2, 501, "cap-day"),
        (2, 500, "signed"),
        (0, 1000, "signed"),
        (3, 1, "cap-day"),
        (3, 0, "signed"),
    ] {
        assert_eq!(rule(&ask(&signer, pay(nonce, payee(0), amount)).await), word, "{nonce}: {amount}");
    }
    // 20,000,000 atto of fees a day, of which four messages had 16.
    let replace = |nonce, amount, cap| order(Purpose::Replace, nonce, payee(0), amount, cap);
    assert_eq!(rule(&ask(&signer, replace(0, 1000, 4)).await), "signed", "4 more are 20");
    assert_eq!(rule(&ask(&signer, replace(1, 1000, 3)).await), "cap-day");
    assert_eq!(rule(&ask(&signer, cancel(1, 3)).await), "cap-day");
    assert_eq!(rule(&ask(&signer, cancel(1, 2)).await), "signed", "no more than before");
    assert_eq!(rule(&ask(&signer, replace(0, 1000, 2)).await), "signed", "less than before");
    drop(signer);

    // 1,800,000,000 is 08:00:00: the day ends 16 hours later.
    let signer = desk.signer();
    desk.clock.advance(Duration::from_secs(16 * 3600 - 1));
    assert_eq!(rule(&ask(&signer, pay(4, payee(0), 1)).await), "cap-day");
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(rule(&ask(&signer, pay(4, payee(0), 1000)).await), "signed");
    assert_eq!(rule(&ask(&signer, replace(1, 1000, 4)).await), "signed", "a rise of 4 counts today");
    for (nonce, word) in [(5, "signed"), (6, "signed"), (7, "signed"), (8, "cap-day")] {
        assert_eq!(rule(&ask(&signer, order(Purpose::Pay, nonce, payee(0), 0, 2)).await), word, "{nonce}");
    }
    drop(signer);
    // A clock that is put back gives no day again.
    let back = Desk { clock: apogee_domain::ManualClock::at(apogee_domain::Timestamp(0)), ..desk };
    assert_eq!(rule(&ask(&back.signer(), pay(8, payee(0), 0)).await), "cap-day");
}

#[tokio::test]
async fn a_nonce_pays_one_payee_one_amount() {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    let all = [
        (pay(0, payee(0), 10), "signed"),
        (pay(0, payee(0), 11), "nonce-reused"),
        (pay(0, payee(1), 10), "nonce-reused"),
        (order(Purpose::Replace, 0, payee(0), 10, 3), "signed"),
        (order(Purpose::Replace, 0, payee(1), 10, 4), "nonce-reused"),
        (cancel(0, 4), "signed"),
        (order(Purpose::Replace, 0, payee(0), 10, 2), "signed"),
        (pay(0, payee(0), 11), "nonce-reused"),
        // A gap that was filled pays nobody any more.
        (cancel(1, 2), "signed"),
        (pay(1, payee(0), 10), "nonce-reused"),
        (pay(1, wallet(), 0), "nonce-reused"),
        (cancel(1, 3), "signed"),
    ];
    for (number, (order, word)) in all.into_iter().enumerate() {
        assert_eq!(rule(&ask(&signer, order).await), word, "order {number}");
    }
}

#[tokio::test]
async fn a_batch_is_signed_whole_or_not_at_all() {
    let desk = Desk::open_handed();
    let signer = desk.signer();
    let wallet = wallet().to_string();
    let sign = async |orders: &[Order]| signer.sign(&wallet, 1, orders).await;
    assert_eq!(sign(&[]).await.unwrap(), []);
    assert_eq!(rule(&sign(&[pay(0, payee(0), 1), pay(1, payee(0), 1001)]).await), "cap-message");
    assert_eq!(rule(&sign(&[pay(0, payee(0), 1), pay(0, payee(1), 1)]).await), "nonce-reused");
    assert_eq!(
        rule(&sign(&[pay(0, payee(0), 900), pay(1, payee(0), 900), pay(2, payee(0), 900)]).await),
        "cap-day"
    );
    // Nothing of these was written.
    let pays =
        sign(&[pay(0, payee(3), 3), pay(1, payee(4), 4), order(Purpose::Replace, 1, payee(4), 4, 3)]).await;
    let said: Vec<_> = pays.unwrap().iter().map(read).map(|message| (message.sequence, message.to)).collect();
    assert_eq!(said, [(0, payee(3)), (1, payee(4)), (1, payee(4))]);

    let cheap = |nonce| {
        let mut order = pay(nonce, payee(0), 0);
        let mut message = message(&order);
        (message.gas_fee_cap, message.gas_premium) = Default::default();
        (order.fee, order.message) = (Atto(0), fvm_ipld_encoding::to_vec(&message).unwrap());
        order
    };
    let many: Vec<_> = (10..511).map(cheap).collect();
    assert_eq!(rule(&sign(&many).await), "message");
    assert_eq!(sign(&many[..500]).await.unwrap().len(), 500);
}

#[tokio::test]
async fn wallets_are_those_of_the_policy_with_a_key() {
    let stranger = super::desk::key(apogee_signer::KeyKind::Secp256k1, 9).address();
    let more = policy(&stranger, "any").split_once('\n').unwrap().1.to_owned();
    let desk = Desk::new(&format!("{}{more}", policy(&wallet(), "any")));
    let signer = desk.signer();
    assert_eq!(signer.wallets().await.unwrap(), [wallet().to_string()]);
    for unknown in
        [bls_wallet().to_string(), stranger.to_string(), "f01000".into(), "x".into(), String::new()]
    {
        assert_eq!(rule(&signer.sign(&unknown, 1, &[pay(0, payee(0), 1)]).await), "wallet", "{unknown}");
    }
    let fenced = async |fence| signer.sign(&wallet().to_string(), fence, &[pay(0, payee(0), 1)]).await;
    for (fence, word) in [(5, "signed"), (4, "fence"), (5, "signed"), (7, "signed"), (6, "fence")] {
        assert_eq!(rule(&fenced(fence).await), word, "{fence}");
    }
}

const APPROVERS: [[u8; 32]; 3] = [[21; 32], [22; 32], [23; 32]];

fn public(secret: &[u8; 32]) -> Digest {
    Digest(ed25519_dalek::SigningKey::from_bytes(secret).verifying_key().to_bytes())
}

fn list(root: u8, payees: &[(u64, u128)]) -> PayoutList {
    PayoutList {
        network: "devnet-a".parse().unwrap(),
        wallet: wallet().to_string(),
        root: Digest([root; 32]),
        payout: None,
        payees: payees
            .iter()
            .map(|(id, amount)| Payee {
                address: payee(*id).to_string(),
                amount: Atto(*amount),
                payment: None,
                failed: 0,
            })
            .collect(),
        approvals: Vec::new(),
    }
}

/// A list of payments of one payout: name, failures, payee, amount.
fn named(payments: &[(&str, u32, u64, u128)]) -> PayoutList {
    let payees: Vec<_> = payments
        .iter()
        .map(|(name, failed, to, amount)| Payee {
            address: payee(*to).to_string(),
            amount: Atto(*amount),
            payment: Some(format!("prize/sprint/{name}")),
            failed: *failed,
        })
        .collect();
    let payout = Digest([1; 32]);
    let root = PayoutList::root_of(&payout, &payees).unwrap();
    PayoutList { root, payout: Some(payout), payees, ..list(0, &[]) }
}

fn approved(mut list: PayoutList, by: &[usize]) -> PayoutList {
    by.iter().for_each(|approver| list.approve(&APPROVERS[*approver]).unwrap());
    list
}

fn payer() -> Desk {
    let keys: Vec<_> = APPROVERS.iter().map(|secret| format!("\"{}\"", public(secret))).collect();
    let approval = format!("[approval]\nlists = \"lists\"\nkeys = [{}]\nthreshold = 2\n", keys.join(", "));
    let desk = Desk::new(&(policy(&wallet(), "lists") + &approval));
    std::fs::create_dir(desk.path("lists")).unwrap();
    desk
}

fn put(desk: &Desk, name: &str, list: &PayoutList) -> PathBuf {
    let path = desk.path("lists").join(name);
    list.write(&path).unwrap();
    path
}

#[tokio::test]
async fn a_payee_gets_what_approved_lists_have_for_it_in_all() {
    let desk = payer();
    put(&desk, "a.json", &approved(list(1, &[(0, 100), (1, 50), (0, 20)]), &[0, 2]));
    put(&desk, "copy.json", &approved(list(1, &[(0, 100), (1, 50), (0, 20)]), &[0, 1]));
    put(&desk, "b.json", &approved(list(2, &[(1, 7)]), &[2, 1]));
    let pending = put(&desk, "c.json", &approved(list(3, &[(2, 1000)]), &[1]));
    put(&desk, "notes.txt", &list(9, &[(2, 1000)]));
    assert_eq!(desk.policy().pending(), [pending]);
    let signer = desk.signer();
    let all = [
        (pay(0, payee(2), 1), "payee"),
        (pay(0, wallet(), 0), "payee"),
        (pay(0, payee(0), 121), "payee"),
        (pay(0, payee(0), 120), "signed"),
        (pay(1, payee(0), 1), "payee"),
        (order(Purpose::Replace, 0, payee(0), 120, 3), "signed"),
        (pay(1, payee(1), 50), "signed"),
        (pay(2, payee(1), 8), "payee"),
        (pay(2, payee(1), 7), "signed"),
        // The signer does not know the chain: what was cancelled may have been paid.
        (cancel(2, 3), "signed"),
        (pay(3, payee(1), 7), "payee"),
        (cancel(3, 2), "signed"),
    ];
    for (number, (order, word)) in all.into_iter().enumerate() {
        assert_eq!(rule(&ask(&signer, order).await), word, "order {number}");
    }
    drop(signer);
    desk.clock.advance(Duration::from_secs(86_400));
    assert_eq!(
        rule(&ask(&desk.signer(), pay(4, payee(1), 1)).await),
        "payee",
        "after a restart and a day too"
    );
    put(&desk, "d.json", &approved(list(4, &[(1, 1)]), &[0, 1]));
    assert_eq!(rule(&ask(&desk.signer(), pay(4, payee(1), 1)).await), "signed");
}

#[test]
fn only_signatures_of_different_approvers_over_this_list_approve_it() {
    let approvers: Vec<_> = APPROVERS.iter().map(public).collect();
    let good = approved(list(1, &[(0, 100), (1, 50)]), &[0, 1]);
    assert_eq!(good.approved_by(&approvers), 2);
    assert_eq!(good.approved_by(&approvers[1..]), 1);
    let but = |change: fn(&mut PayoutList)| {
        let mut list = good.clone();
        change(&mut list);
        list.approved_by(&approvers)
    };
    assert_eq!(but(|list| list.network = "devnet-b".parse().unwrap()), 0);
    assert_eq!(but(|list| list.wallet = bls_wallet().to_string()), 0);
    assert_eq!(but(|list| list.root = Digest([2; 32])), 0);
    assert_eq!(but(|list| list.payees[0].amount = Atto(101)), 0);
    assert_eq!(but(|list| list.payees[0].address = payee(3).to_string()), 0);
    assert_eq!(but(|list| list.payees.swap(0, 1)), 0);
    assert_eq!(but(|list| drop(list.payees.pop())), 0);
    assert_eq!(but(|list| list.payees.push(list.payees[0].clone())), 0);
    assert_eq!(but(|list| list.approvals.push(list.approvals[0].clone())), 2);
    assert_eq!(but(|list| list.approvals[1] = list.approvals[0].clone()), 1);
    assert_eq!(but(|list| list.approvals[0].key = list.approvals[1].key), 1);
    assert_eq!(but(|list| list.approvals[0].signature.replace_range(0..1, "x")), 1);
    let stranger = {
        let mut list = list(1, &[(0, 100), (1, 50)]);
        list.approve(&[99; 32]).unwrap();
        list
    };
    assert_eq!(stranger.approved_by(&approvers), 0);
    // The lines are what docs say, so that anyone can hash them.
    let text = format!(
        "apogee-payout-list-1\nnetwork devnet-a\nwallet {}\nroot {}\nf01000 100\nf01001 50\n",
        wallet(),
        Digest([1; 32])
    );
    let expected: [u8; 32] =
        sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), text))
            .into();
    assert_eq!(good.digest(), Some(Digest(expected)));
}

#[test]
fn lists_that_cannot_be_meant_are_refused() {
    let refuse = |list: PayoutList, word: &str| {
        let desk = payer();
        put(&desk, "a.json", &approved(super::policy::list(1, &[(0, 100)]), &[0, 1]));
        put(&desk, "b.json", &list);
        let error = Policy::read(&desk.path("policy.toml")).unwrap_err();
        let PolicyError::List(error) = error else { panic!("{error}") };
        assert!(error.to_string().contains(word), "{error}");
    };
    refuse(
        PayoutList { network: "devnet-b".parse().unwrap(), ..approved(list(2, &[(0, 1)]), &[0, 1]) },
        "network",
    );
    refuse(PayoutList { wallet: bls_wallet().to_string(), ..list(2, &[(0, 1)]) }, "wallet");
    refuse(approved(list(1, &[(0, 101)]), &[0, 1]), "same payout");
    refuse(list(2, &[]), "payees");
    refuse(list(2, &[(0, u128::MAX), (0, 1)]), "more than there can be");
    let desk = payer();
    for text in ["", "{}", "[", r#"{"network":1}"#] {
        std::fs::write(desk.path("lists").join("a.json"), text).unwrap();
        let error = Policy::read(&desk.path("policy.toml")).unwrap_err();
        assert!(matches!(error, PolicyError::List(_)), "{error}");
    }
}

#[tokio::test]
async fn a_payment_counts_once_in_all_lists_and_again_for_each_failure_that_is_approved() {
    let desk = payer();
    let pays =
        async |nonce, to, amount| rule(&ask(&desk.signer(), pay(nonce, payee(to), amount)).await).to_owned();
    put(&desk, "a.json", &approved(named(&[("ada/1", 0, 0, 100), ("bob/1", 0, 1, 50)]), &[0, 1]));
    // What is still to be paid a little later, in another order, and a copy of it.
    let later = approved(named(&[("cat/1", 0, 2, 7), ("ada/1", 0, 0, 100)]), &[0, 2]);
    put(&desk, "b.json", &later);
    put(&desk, "copy-of-b.json", &later);
    assert_eq!(pays(0, 0, 100).await, "signed");
    assert_eq!(pays(1, 0, 1).await, "payee", "two lists and a copy have it, and it counts once");
    assert_eq!(pays(1, 1, 50).await, "signed");
    assert_eq!(pays(2, 2, 7).await, "signed");
    // The message failed: nothing changes until that is approved, and it is approved for one message.
    let again = named(&[("ada/1", 1, 0, 100)]);
    put(&desk, "c.json", &approved(again.clone(), &[0]));
    assert_eq!(pays(3, 0, 100).await, "payee");
    put(&desk, "c.json", &approved(again, &[0, 1]));
    assert_eq!(pays(3, 0, 100).await, "signed");
    assert_eq!(pays(4, 0, 100).await, "payee");
    assert_eq!(pays(4, 1, 50).await, "payee", "bob's has not failed");
    put(&desk, "d.json", &approved(named(&[("ada/1", 1, 0, 100), ("bob/1", 0, 1, 50)]), &[1, 2]));
    assert_eq!(pays(4, 0, 100).await, "payee", "the same failure again");
    put(&desk, "e.json", &approved(named(&[("ada/1", 2, 0, 100)]), &[1, 2]));
    assert_eq!(pays(4, 0, 100).await, "signed");
}

#[test]
fn a_list_cannot_have_a_payment_pay_twice() {
    let refuse = |list: PayoutList, word: &str| {
        let desk = payer();
        put(&desk, "a.json", &approved(named(&[("ada/1", 0, 0, 100)]), &[0, 1]));
        put(&desk, "b.json", &approved(list, &[0, 1]));
        let error = Policy::read(&desk.path("policy.toml")).unwrap_err();
        let PolicyError::List(error) = error else { panic!("{error}") };
        assert!(error.to_string().contains(word), "{word}: {error}");
    };
    refuse(named(&[("bob/1", 0, 1, 9), ("bob/1", 0, 1, 9)]), "twice");
    refuse(named(&[("bob/1", 0, 1, 9), ("bob/1", 1, 1, 9)]), "twice");
    refuse(named(&[("ada/1", 1, 0, 101)]), "another payee or amount");
    refuse(named(&[("ada/1", 1, 1, 100)]), "another payee or amount");
    let good = named(&[("bob/1", 0, 1, 9), ("cat/1", 0, 2, 9)]);
    let but = |change: fn(&mut PayoutList)| {
        let mut list = good.clone();
        change(&mut list);
        list
    };
    // Who has approved one thing has not approved another.
    let mut approved = approved(good.clone(), &[0, 1]);
    approved.payees[0].failed = 1;
    let approvers: Vec<_> = APPROVERS.iter().map(public).collect();
    assert_eq!(approved.approved_by(&approvers), 2, "the digest has the root");
    refuse(approved, "its root is not");
    refuse(but(|list| list.payees[0].payment = Some("prize/sprint/dan/1".into())), "its root is not");
    refuse(but(|list| list.payout = Some(Digest([2; 32]))), "its root is not");
    refuse(but(|list| list.payees[1].payment = None), "or none does");
    refuse(but(|list| list.payees[1].payment = Some("a b".into())), "names no payment");
    refuse(but(|list| list.payout = None), "not the payout");
    // The whole of a payout, as lists had it that name no payments.
    refuse(list(1, &[(0, 100)]), "same payout");
}

#[test]
fn policies_that_cannot_be_meant_are_refused() {
    let good = policy(&wallet(), "any");
    let key = public(&APPROVERS[0]).to_string();
    let approval = |keys: &str, threshold: &str| {
        format!("{good}[approval]\nlists = \".\"\nkeys = [{keys}]\nthreshold = {threshold}\n")
    };
    let read = |text: &str| {
        let desk = Desk::new(text);
        Policy::read(&desk.path("policy.toml"))
            .map(|policy| policy.wallets().len())
            .map_err(|error| super::policy::chain(&error))
    };
    assert_eq!(read(&good), Ok(1));
    assert_eq!(read(&approval(&format!("\"{key}\""), "1")), Ok(1));
    let (weak, twice) = ("00".repeat(32), format!("\"{key}\", \"{key}\""));
    for (text, word) in [
        (String::new(), "network"),
        ("network = \"devnet-a\"\n[wallets]\n".into(), "1 to 256 wallets"),
        (good.replace("day_value", "day_valu"), "day_valu"),
        (good.replace("day_fee = \"20000000\"\n", ""), "day_fee"),
        (good.replace("\"2500\"", "2500"), "2500"),
        (good.replace("\"2500\"", "\"-1\""), "whole number"),
        (good.replace("\"any\"", "\"all\""), "all"),
        (good.replace("\"any\"", "\"lists\""), "no [approval]"),
        (good.replace("wallets.f1", "wallets.f9"), "no address"),
        (
            good.clone() + &good.replace("network = \"devnet-a\"\n", "").replace("wallets.f1", "wallets.t1"),
            "twice",
        ),
        (approval("", "0"), "threshold"),
        (approval(&format!("\"{key}\""), "0"), "threshold"),
        (approval(&format!("\"{key}\""), "2"), "threshold"),
        (approval(&twice, "2"), "different"),
        (approval(&format!("\"{weak}\""), "1"), "different"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(word), "{word}: {error}");
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}
