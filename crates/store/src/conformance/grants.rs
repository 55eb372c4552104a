use apogee_domain::{Atto, Digest, Epoch, NetworkId, Timestamp};

use super::{at, both};
use crate::{
    Charge, ClaimState, Faucet, FaucetEntry, Grant, LimitKey, Page, Payment, PaymentState, Reimbursable,
    Result, Store, StoreError, Wallet, WalletMode,
};

fn devnet() -> NetworkId {
    "devnet-a".parse().unwrap()
}

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

fn drip() -> Faucet {
    Faucet {
        network: devnet(),
        name: "drip".to_owned(),
        wallet: "hot".to_owned(),
        enabled: true,
        reason: String::new(),
        changed_by: "cli".to_owned(),
        changed_at: now(0),
        policy_version: 3,
        policy_digest: Digest([3; 32]),
        day: 20_717,
        day_grants: 0,
        day_amount: Atto(0),
        full_at: now(0),
    }
}

fn key(scope: &str, key: &str) -> LimitKey {
    LimitKey { scope: scope.to_owned(), key: key.to_owned() }
}

fn id(number: u32) -> String {
    format!("0198f0e2-0000-7000-8000-{number:012}")
}

fn grant(number: u32, identity: &str, seconds: i64) -> Grant {
    Grant {
        network: devnet(),
        id: id(number),
        faucet: "drip".to_owned(),
        identity: identity.to_owned(),
        actor: "t410fabc".to_owned(),
        given: "0xABC \u{201c}x\u{201d} 区块".to_owned(),
        amount: Atto(u128::MAX - u128::from(number)),
        tier: "miner".to_owned(),
        policy_version: 3,
        created: now(seconds),
        key: format!("key-{number}"),
        body: Digest([7; 32]),
        charges: vec![key("identity", identity), key("actor.miner", "t410fabc")],
        refunded: None,
    }
}

fn charge(number: u32, seconds: i64) -> Charge {
    Charge { at: now(seconds), amount: Atto(u128::MAX - u128::from(number)) }
}

async fn put(store: &dyn Store, faucet: &Faucet, policy: &str) -> Result<()> {
    let mut work = store.begin().await?;
    work.put_faucet(faucet, policy).await?;
    work.commit().await
}

async fn add(store: &dyn Store, grants: &[Grant]) -> Result<()> {
    let mut work = store.begin().await?;
    work.add_grants(&devnet(), "drip", grants).await?;
    work.commit().await
}

fn all<K>() -> Page<K> {
    Page { after: None, limit: 100 }
}

fn is_conflict<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

pub async fn a_faucet_keeps_its_state_when_its_policy_changes(store: &dyn Store) {
    assert_eq!(store.faucet(&devnet(), "drip").await.unwrap(), None);
    put(store, &drip(), "three").await.unwrap();
    put(store, &drip(), "three").await.unwrap();
    let paused = Faucet {
        enabled: false,
        reason: "为什么".to_owned(),
        changed_by: "operator:ada".to_owned(),
        changed_at: now(9),
        ..drip()
    };
    let counted =
        Faucet { day: 20_718, day_grants: 7, day_amount: Atto(u128::MAX), full_at: now(99), ..paused };
    let mut work = store.begin().await.unwrap();
    work.set_control(&counted).await.unwrap();
    work.set_counted(&counted).await.unwrap();
    assert_eq!(work.lock_faucet(&devnet(), "drip").await.unwrap(), counted);
    work.commit().await.unwrap();
    let newer =
        Faucet { policy_version: 5, policy_digest: Digest([5; 32]), wallet: "cold".to_owned(), ..drip() };
    put(store, &newer, "five").await.unwrap();
    let held =
        Faucet { policy_version: 5, policy_digest: Digest([5; 32]), wallet: "cold".to_owned(), ..counted };
    assert_eq!(store.faucets().await.unwrap(), [held]);
    for (version, text) in [(3, Some("three")), (4, None), (5, Some("five"))] {
        assert_eq!(store.policy(&devnet(), "drip", version).await.unwrap().as_deref(), text);
    }
    assert!(is_conflict(put(store, &drip(), "three").await), "a policy does not go back");
    let other = Faucet { policy_digest: Digest([6; 32]), ..newer };
    assert!(is_conflict(put(store, &other, "six").await), "another one has another number");
    let mut work = store.begin().await.unwrap();
    assert!(is_conflict(work.lock_faucet(&devnet(), "none").await));
}

pub async fn a_grant_is_read_back_whole_and_charged_under_each_key(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let grants = [grant(1, "github:1", 10), grant(2, "github:1", 20), grant(3, "github:2", 20)];
    add(store, &grants).await.unwrap();
    assert_eq!(store.grant(&devnet(), &id(2)).await.unwrap().as_ref(), Some(&grants[1]));
    assert_eq!(store.grant(&devnet(), &id(9)).await.unwrap(), None);
    assert_eq!(
        store.newest_grants(&devnet(), "drip", 2).await.unwrap(),
        [grants[2].clone(), grants[1].clone()]
    );
    let keys = [
        (key("actor.miner", "t410fabc"), 2),
        (key("identity", "github:2"), 9),
        (key("actor", "t410fabc"), 9),
        (key("identity", "github:1"), 9),
    ];
    let found = store.charges(&devnet(), "drip", &keys).await.unwrap();
    let expected = vec![
        vec![charge(3, 20), charge(2, 20)],
        vec![charge(3, 20)],
        vec![],
        vec![charge(2, 20), charge(1, 10)],
    ];
    assert_eq!(found, expected);
    assert!(store.charges(&devnet(), "other", &keys).await.unwrap().iter().all(Vec::is_empty));
    let mut work = store.begin().await.unwrap();
    work.add_grants(&devnet(), "drip", &[grant(4, "github:4", 30)]).await.unwrap();
    let asked = [(key("identity", "github:4"), 1)];
    assert_eq!(work.charges_now(&devnet(), "drip", &asked).await.unwrap(), [vec![charge(4, 30)]]);
    drop(work);
    assert_eq!(store.charges(&devnet(), "drip", &asked).await.unwrap(), [vec![]]);
}

pub async fn a_key_of_an_identity_names_one_grant(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    add(store, &[grant(1, "github:1", 10)]).await.unwrap();
    let again = Grant { id: id(2), ..grant(1, "github:1", 11) };
    assert!(is_conflict(add(store, &[again]).await));
    let another = Grant { id: id(3), ..grant(1, "github:2", 11) };
    add(store, std::slice::from_ref(&another)).await.unwrap();
    let asked = [("github:2", "key-1"), ("github:1", "key-2"), ("github:9", "key-1")];
    let asked = asked.map(|(identity, key)| (identity.to_owned(), key.to_owned()));
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.grants_asked(&devnet(), "drip", &asked).await.unwrap(), [another]);
}

pub async fn a_charge_that_is_given_back_no_longer_counts_and_can_be_taken_again(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let (first, second) = (grant(1, "github:1", 10), grant(2, "github:1", 20));
    add(store, &[first.clone(), second]).await.unwrap();
    let keys = [(key("identity", "github:1"), 9), (key("actor.miner", "t410fabc"), 9)];
    for refunded in [Some(now(30)), None, Some(now(31))] {
        let mut work = store.begin().await.unwrap();
        work.set_refunded(&first, refunded).await.unwrap();
        work.commit().await.unwrap();
        let left = if refunded.is_some() { vec![charge(2, 20)] } else { vec![charge(2, 20), charge(1, 10)] };
        assert_eq!(store.charges(&devnet(), "drip", &keys).await.unwrap(), [left.clone(), left]);
        assert_eq!(store.grant(&devnet(), &id(1)).await.unwrap().unwrap().refunded, refunded);
    }
    let mut work = store.begin().await.unwrap();
    assert!(is_conflict(work.set_refunded(&grant(7, "github:7", 1), None).await));
}

pub async fn grants_are_settled_by_what_became_of_their_payments(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let wallet = Wallet {
        network: devnet(),
        name: "hot".to_owned(),
        address: "t1hot".to_owned(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    };
    let grants: Vec<_> = (1..=4).map(|number| grant(number, "github:1", 10 * i64::from(number))).collect();
    let mut work = store.begin().await.unwrap();
    work.put_wallet(&wallet).await.unwrap();
    work.add_grants(&devnet(), "drip", &grants).await.unwrap();
    let mut payments = Vec::new();
    for grant in &grants {
        let payment = Payment {
            network: devnet(),
            id: grant.payment(),
            wallet: "hot".to_owned(),
            payee: "t1payee".to_owned(),
            amount: Atto(5),
            state: PaymentState::Accepted,
            reason: String::new(),
            created: grant.created,
        };
        payments.push(payment);
    }
    let (one_by_one, together) = payments.split_at(1);
    work.put_payment(&one_by_one[0]).await.unwrap();
    work.owe(together).await.unwrap();
    work.commit().await.unwrap();
    for payment in &payments {
        assert_eq!(store.payment(&devnet(), &payment.id).await.unwrap().as_ref(), Some(payment));
    }
    let postings = store.postings(&devnet(), all()).await.unwrap();
    let lines: Vec<_> =
        postings.iter().map(|line| (line.debit.as_str(), line.credit.as_str(), line.amount)).collect();
    assert_eq!(lines, [("granted/grant", "owed", Atto(5)); 4]);
    let mut work = store.begin().await.unwrap();
    assert!(is_conflict(work.owe(&payments[3..]).await), "it is owed already");
    drop(work);
    let settle = async || {
        let grants = store.grants_to_settle(&devnet(), &drip().name, 10).await.unwrap();
        grants.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(settle().await, [] as [String; 0]);
    let mut work = store.begin().await.unwrap();
    let name = |number: u32| format!("grant/{}", id(number));
    for (number, to) in [(3, PaymentState::Failed), (2, PaymentState::Cancelled), (1, PaymentState::Paying)] {
        work.set_payment(&devnet(), &name(number), PaymentState::Accepted, to, "").await.unwrap();
    }
    work.commit().await.unwrap();
    assert_eq!(settle().await, [id(2), id(3)]);
    let mut work = store.begin().await.unwrap();
    work.set_refunded(&grants[1], Some(now(50))).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(settle().await, [id(3)]);
    let mut work = store.begin().await.unwrap();
    work.set_payment(&devnet(), &name(2), PaymentState::Cancelled, PaymentState::Paying, "").await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(settle().await, [id(2), id(3)], "one is paid after all");
}

pub async fn who_decides_what_a_faucet_grants_does_so_alone(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let count = async || {
        let mut work = store.begin().await.unwrap();
        let mut faucet = work.lock_faucet(&devnet(), "drip").await.unwrap();
        faucet.day_grants += 1;
        work.set_counted(&faucet).await.unwrap();
        work.commit().await.unwrap();
    };
    for _ in 0..10 {
        both(count(), count()).await;
    }
    assert_eq!(store.faucet(&devnet(), "drip").await.unwrap().unwrap().day_grants, 20);
}

fn entry(scope: &str, of: &str, denies: bool) -> FaucetEntry {
    FaucetEntry {
        network: devnet(),
        faucet: "drip".to_owned(),
        subject: key(scope, of),
        denies,
        lifts: if denies { String::new() } else { "account-age,identity-limit".to_owned() },
        until: (!denies).then(|| now(7)),
        reason: "因为 \"x\"".to_owned(),
        by: "operator:ada".to_owned(),
        at: now(1),
    }
}

pub async fn what_is_put_down_about_somebody_is_found_replaced_and_struck(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let mut rows = vec![
        entry("actor", "t01", true),
        entry("identity", "github:1", false),
        entry("identity", "github:1", true),
        entry("v4-network", "192.0.2.0/24", true),
    ];
    let mut work = store.begin().await.unwrap();
    for entry in rows.iter().rev() {
        work.put_entry(entry).await.unwrap();
    }
    rows[0] = FaucetEntry { reason: "another".to_owned(), until: Some(now(2)), ..rows[0].clone() };
    work.put_entry(&rows[0]).await.unwrap();
    work.commit().await.unwrap();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = store.faucet_entries(&devnet(), "drip", Page { after, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.subject.clone(), last.denies));
        found.extend(page);
    }
    assert_eq!(found, rows);
    let asked = [key("v4-network", "192.0.2.0/24"), key("identity", "github:1"), key("identity", "t01")];
    assert_eq!(store.entries_of(&devnet(), "drip", &asked).await.unwrap(), rows[1..]);
    let mut work = store.begin().await.unwrap();
    assert!(work.remove_entry(&devnet(), "drip", &asked[1], true).await.unwrap());
    assert!(!work.remove_entry(&devnet(), "drip", &asked[1], true).await.unwrap());
    assert_eq!(work.entries_now(&devnet(), "drip", &asked[1..]).await.unwrap(), rows[1..2]);
}

fn message(cid: &str, epoch: i64, state: ClaimState) -> Reimbursable {
    Reimbursable {
        network: devnet(),
        message: cid.to_owned(),
        faucet: "reimburse".to_owned(),
        miner: "t01000".to_owned(),
        owner: "t0100".to_owned(),
        sender: "t0101".to_owned(),
        method: 2_236_929_350,
        epoch: at(epoch),
        sectors: vec![7, u64::MAX],
        gas_used: 50_000_000,
        base_fee: Atto(100),
        burn: Atto(u128::MAX),
        refund: Atto(0),
        state,
        reason: "unproven".to_owned(),
        payment: None,
    }
}

pub async fn a_message_is_claimed_once_whatever_happens_to_it(store: &dyn Store) {
    let rows = [
        message("bafy-b", 7, ClaimState::Held),
        message("bafy-c", 6, ClaimState::Refused),
        message("bafy-a", 7, ClaimState::Held),
    ];
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.add_reimbursables(&rows).await.unwrap(), 3);
    let other =
        Reimbursable { refund: Atto(9), state: ClaimState::Owed, ..message("bafy-a", 8, ClaimState::Owed) };
    assert_eq!(work.add_reimbursables(&[other]).await.unwrap(), 0);
    work.commit().await.unwrap();
    assert_eq!(store.reimbursable(&devnet(), "bafy-a").await.unwrap().as_ref(), Some(&rows[2]));
    let held = store.reimbursables(&devnet(), "reimburse", ClaimState::Held, all()).await.unwrap();
    assert_eq!(held, [rows[2].clone(), rows[0].clone()]);
    let after = Page { after: Some((at(7), "bafy-a".to_owned())), limit: 9 };
    let rest = store.reimbursables(&devnet(), "reimburse", ClaimState::Held, after).await.unwrap();
    assert_eq!(rest, [rows[0].clone()]);
    let between = async |from, to| {
        let (from, to): (Epoch, Epoch) = (at(from), at(to));
        store.reimbursables_between(&devnet(), "reimburse", from, to, all()).await.unwrap().len()
    };
    assert_eq!((between(0, 6).await, between(6, 7).await, between(8, 9).await), (1, 3, 0));
    let settled = Reimbursable {
        refund: Atto(77),
        state: ClaimState::Settled,
        reason: String::new(),
        payment: Some("refund/1".to_owned()),
        ..rows[0].clone()
    };
    let mut work = store.begin().await.unwrap();
    work.set_reimbursable(ClaimState::Held, &settled).await.unwrap();
    assert!(is_conflict(work.set_reimbursable(ClaimState::Held, &settled).await));
    drop(work);
    let mut work = store.begin().await.unwrap();
    work.set_reimbursable(ClaimState::Held, &settled).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.reimbursable(&devnet(), "bafy-b").await.unwrap(), Some(settled));
}

pub async fn messages_are_read_inside_a_unit_of_work_and_from_newest_to_oldest(store: &dyn Store) {
    put(store, &drip(), "").await.unwrap();
    let rows: Vec<_> = [("bafy-a", 5), ("bafy-b", 6), ("bafy-c", 6), ("bafy-d", 7)]
        .map(|(cid, epoch)| message(cid, epoch, ClaimState::Held))
        .into();
    let mut work = store.begin().await.unwrap();
    work.add_reimbursables(&rows).await.unwrap();
    let owed = Reimbursable { state: ClaimState::Owed, ..rows[1].clone() };
    work.set_reimbursable(ClaimState::Held, &owed).await.unwrap();
    // It sees what it has written itself, and nobody else does.
    let held = work.reimbursables_now(&devnet(), "reimburse", ClaimState::Held, all()).await.unwrap();
    assert_eq!(held, [rows[0].clone(), rows[2].clone(), rows[3].clone()]);
    let after = Page { after: Some((at(5), "bafy-a".to_owned())), limit: 2 };
    let (from, to): (Epoch, Epoch) = (at(5), at(6));
    let between = work.refunds_between_now(&devnet(), "reimburse", from, to, after).await.unwrap();
    assert_eq!(between, [owed.clone(), rows[2].clone()]);
    assert_eq!(store.newest_reimbursables(&devnet(), "reimburse", all()).await.unwrap(), []);
    let payment = Payment {
        network: devnet(),
        id: "refund/reimburse/0/t0101".to_owned(),
        wallet: "hot".to_owned(),
        payee: "t0101".to_owned(),
        amount: Atto(5),
        state: PaymentState::Accepted,
        reason: String::new(),
        created: now(0),
    };
    assert_eq!(work.payment_now(&devnet(), &payment.id).await.unwrap(), None);
    assert!(work.put_payment(&payment).await.unwrap());
    assert_eq!(work.payment_now(&devnet(), &payment.id).await.unwrap(), Some(payment));
    work.commit().await.unwrap();
    let newest = async |after| {
        let page = Page { after, limit: 3 };
        store.newest_reimbursables(&devnet(), "reimburse", page).await.unwrap()
    };
    let first = newest(None).await;
    assert_eq!(first, [rows[3].clone(), rows[2].clone(), owed]);
    assert_eq!(newest(Some((at(6), "bafy-b".to_owned()))).await, rows[..1]);
    assert_eq!(newest(Some((at(5), "bafy-a".to_owned()))).await, []);
}
