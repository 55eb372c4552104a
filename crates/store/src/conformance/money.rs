use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};

use super::{at, both};
use crate::{
    Attempt, AttemptKind, Count, Inclusion, Lease, Mark, Page, Payment, PaymentState, Posting, Result, Spent,
    Store, StoreError, Transfer, TransferState, Wallet, WalletMode,
};

fn devnet() -> NetworkId {
    "devnet-a".parse().unwrap()
}

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

fn drip() -> Wallet {
    Wallet {
        network: devnet(),
        name: "drip".to_owned(),
        address: "t1drip".to_owned(),
        next_nonce: 0,
        mode: WalletMode::Open,
        reason: String::new(),
        proposes_for: None,
    }
}

fn payment(id: &str, created: i64) -> Payment {
    Payment {
        network: devnet(),
        id: id.to_owned(),
        wallet: "drip".to_owned(),
        payee: "t1payee".to_owned(),
        amount: Atto(1_000_000_000_000_000_000_000),
        state: PaymentState::Accepted,
        reason: String::new(),
        created: now(created),
    }
}

fn transfer(nonce: u64, payment: &str) -> Transfer {
    Transfer {
        network: devnet(),
        wallet: "drip".to_owned(),
        nonce,
        payment: payment.to_owned(),
        state: TransferState::Reserved,
        reopened: 0,
        included: None,
    }
}

fn attempt(nonce: u64, number: u32, message: &str) -> Attempt {
    Attempt {
        nonce,
        number,
        kind: if number == 1 { AttemptKind::Pay } else { AttemptKind::Replace },
        message: message.to_owned(),
        bytes: vec![0, 255, 7],
        fee: Atto(u128::MAX),
        fee_cap: Atto(3),
        premium: Atto(2),
        created: now(3),
        first_sent: None,
        last_sent: None,
        outcome: String::new(),
    }
}

/// The wallet, and these payments.
async fn owe(store: &dyn Store, payments: &[Payment]) -> Result<()> {
    let mut work = store.begin().await?;
    work.put_wallet(&drip()).await?;
    for payment in payments {
        work.put_payment(payment).await?;
    }
    work.commit().await
}

async fn reserve(store: &dyn Store, transfer: &Transfer) -> Result<()> {
    let mut work = store.begin().await?;
    work.put_transfer(transfer).await?;
    work.commit().await
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

pub async fn a_wallet_is_added_once(store: &dyn Store) {
    owe(store, &[]).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let again = Wallet { next_nonce: 7, mode: WalletMode::Frozen, ..drip() };
    work.put_wallet(&again).await.unwrap();
    let other = Wallet { address: "t1other".to_owned(), ..drip() };
    assert!(is_conflict(&work.put_wallet(&other).await));
    let proposing = Wallet { proposes_for: Some("t2multisig".to_owned()), ..drip() };
    assert!(is_conflict(&work.put_wallet(&proposing).await), "what pays today does not propose tomorrow");
    let other = Wallet { name: "prizes".to_owned(), address: "t1prizes".to_owned(), ..proposing };
    work.put_wallet(&other).await.unwrap();
    assert_eq!(work.lock_wallet(&devnet(), "prizes", None).await.unwrap(), other);
    let paying = Wallet { proposes_for: None, ..other.clone() };
    assert!(is_conflict(&work.put_wallet(&paying).await));
    let for_another = Wallet { proposes_for: Some("t2other".to_owned()), ..other.clone() };
    assert!(is_conflict(&work.put_wallet(&for_another).await));
    work.commit().await.unwrap();
    assert_eq!(store.wallets().await.unwrap(), [drip(), other]);
    assert_eq!(store.wallet(&devnet(), "drip").await.unwrap(), Some(drip()));
    assert_eq!(store.wallet(&"devnet-b".parse().unwrap(), "drip").await.unwrap(), None);
}

pub async fn a_wallet_has_one_holder_and_fences_grow(store: &dyn Store) {
    owe(store, &[]).await.unwrap();
    let take = async |owner: &str, from: i64, until: i64| {
        let mut work = store.begin().await.unwrap();
        let fence = work.take_lease(&devnet(), "drip", owner, now(from), now(until)).await.unwrap();
        work.commit().await.unwrap();
        fence
    };
    assert_eq!(store.lease(&devnet(), "drip").await.unwrap(), None);
    assert_eq!(take("a", 0, 10).await, Some(1));
    assert_eq!(take("b", 5, 20).await, None);
    assert_eq!(take("a", 5, 15).await, Some(1), "it keeps what it holds");
    assert_eq!(take("b", 15, 25).await, Some(2), "it is over at its end");
    assert_eq!(take("a", 16, 30).await, None);
    assert_eq!(take("b", 40, 50).await, Some(3), "what had ended is taken anew");
    assert_eq!(take("c", 41, 40_000_000).await, None);
    let lease = Lease { owner: "b".to_owned(), fence: 3, until: now(50) };
    assert_eq!(store.lease(&devnet(), "drip").await.unwrap(), Some(lease));

    let mut work = store.begin().await.unwrap();
    let wrong = work.take_lease(&devnet(), "drip", "b", now(41), now(90_000_000)).await.unwrap();
    assert_eq!(wrong, Some(3));
    let mended = work.take_lease(&devnet(), "drip", "c", now(42), now(52)).await.unwrap();
    assert_eq!(mended, Some(4), "nobody holds it for years");
    drop(work);
    let mut work = store.begin().await.unwrap();
    assert!(is_conflict(&work.lock_wallet(&devnet(), "drip", Some(2)).await));
    drop(work);
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.lock_wallet(&devnet(), "drip", Some(3)).await.unwrap(), drip());
    assert!(is_conflict(&work.lock_wallet(&devnet(), "none", None).await));
}

pub async fn a_holder_that_was_replaced_meanwhile_does_not_write(store: &dyn Store) {
    owe(store, &[payment("grant/1", 1)]).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let old = work.take_lease(&devnet(), "drip", "a", now(0), now(10)).await.unwrap();
    work.commit().await.unwrap();
    for round in 0..10 {
        let mut other = store.begin().await.unwrap();
        other
            .take_lease(&devnet(), "drip", &format!("b{round}"), now(20 + 10 * round), now(30 + 10 * round))
            .await
            .unwrap();
        let write = async {
            let mut work = store.begin().await?;
            work.lock_wallet(&devnet(), "drip", old).await?;
            work.set_next_nonce(&devnet(), "drip", 1).await?;
            work.commit().await
        };
        let (first, second) = both(other.commit(), write).await;
        first.unwrap();
        assert!(is_conflict(&second), "{second:?}");
    }
    assert_eq!(store.wallet(&devnet(), "drip").await.unwrap(), Some(drip()));
}

pub async fn a_wallet_says_what_it_may_do_and_nonces_grow(store: &dyn Store) {
    owe(store, &[]).await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.set_mode(&devnet(), "drip", WalletMode::Paused, "nonce-ahead: 7").await.unwrap();
    work.set_next_nonce(&devnet(), "drip", 3).await.unwrap();
    assert!(is_conflict(&work.set_next_nonce(&devnet(), "drip", 3).await));
    assert!(is_conflict(&work.set_mode(&devnet(), "none", WalletMode::Open, "").await));
    work.commit().await.unwrap();
    let found = store.wallet(&devnet(), "drip").await.unwrap().unwrap();
    assert_eq!((found.next_nonce, found.mode, &*found.reason), (3, WalletMode::Paused, "nonce-ahead: 7"));
}

pub async fn marks_are_kept_from_the_first_on(store: &dyn Store) {
    owe(store, &[]).await.unwrap();
    let mark = |epoch: i64| Mark {
        epoch: at(epoch),
        key: format!("bafy-{epoch}"),
        nonce: epoch.unsigned_abs(),
        balance: Atto(u128::MAX),
    };
    let mut work = store.begin().await.unwrap();
    for epoch in [5, 6, 8, 9] {
        work.put_mark(&devnet(), "drip", &mark(epoch), at(epoch - 2)).await.unwrap();
    }
    work.commit().await.unwrap();
    let kept = [mark(9), mark(8), mark(6), mark(5)];
    assert_eq!(
        store.marks(&devnet(), "drip", Epoch::MAX, 10).await.unwrap(),
        kept,
        "6 is the newest up to 7"
    );
    assert_eq!(store.marks(&devnet(), "drip", at(9), 1).await.unwrap(), [mark(8)]);
    let mut work = store.begin().await.unwrap();
    work.put_mark(&devnet(), "drip", &mark(13), at(11)).await.unwrap();
    work.commit().await.unwrap();
    let kept = [mark(13), mark(9), mark(5)];
    assert_eq!(
        store.marks(&devnet(), "drip", Epoch::MAX, 10).await.unwrap(),
        kept,
        "9 is the newest up to 11"
    );
    let mut work = store.begin().await.unwrap();
    work.drop_marks(&devnet(), "drip", at(5)).await.unwrap();
    work.put_mark(&devnet(), "drip", &mark(7), at(0)).await.unwrap();
    assert!(is_conflict(&work.put_mark(&devnet(), "drip", &mark(7), at(0)).await));
    drop(work);
    let mut work = store.begin().await.unwrap();
    work.drop_marks(&devnet(), "drip", at(5)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.marks(&devnet(), "drip", Epoch::MAX, 10).await.unwrap(), [mark(5)]);
    assert_eq!(store.marks(&devnet(), "other", Epoch::MAX, 10).await.unwrap(), []);
}

pub async fn a_payment_is_owed_once(store: &dyn Store) {
    let one = payment("grant/1", 1);
    owe(store, std::slice::from_ref(&one)).await.unwrap();
    let mut work = store.begin().await.unwrap();
    assert!(!work.put_payment(&Payment { created: now(99), ..one.clone() }).await.unwrap());
    let more = Payment { amount: Atto(2), ..one.clone() };
    assert!(is_conflict(&work.put_payment(&more).await));
    drop(work);
    assert_eq!(store.payment(&devnet(), "grant/1").await.unwrap(), Some(one.clone()));
    assert_eq!(store.payment(&devnet(), "grant/2").await.unwrap(), None);
    let postings = store.postings(&devnet(), Page { after: None, limit: 10 }).await.unwrap();
    let owed = Posting {
        network: devnet(),
        id: "owe/grant/1".to_owned(),
        at: one.created,
        debit: "granted/grant".to_owned(),
        credit: "owed".to_owned(),
        amount: one.amount,
    };
    assert_eq!(postings, std::slice::from_ref(&owed));
    let mut work = store.begin().await.unwrap();
    assert!(!work.post(&owed).await.unwrap());
    assert!(is_conflict(&work.post(&Posting { amount: Atto(1), ..owed }).await));
}

pub async fn payments_are_paged_in_the_order_they_were_accepted(store: &dyn Store) {
    let all: Vec<Payment> = [("b", 1), ("a", 2), ("c", 2), ("d", 3)]
        .into_iter()
        .map(|(id, created)| payment(&format!("grant/{id}"), created))
        .collect();
    let mut shuffled = all.clone();
    shuffled.reverse();
    owe(store, &shuffled).await.unwrap();
    let list = async |state, page| store.payments(&devnet(), "drip", state, page).await.unwrap();
    assert_eq!(list(PaymentState::Accepted, Page { after: None, limit: 10 }).await, all);
    let after = Some((all[1].created, all[1].id.clone()));
    assert_eq!(list(PaymentState::Accepted, Page { after, limit: 1 }).await, [all[2].clone()]);
    assert_eq!(store.ahead(&all[2]).await.unwrap(), 2);
    let mut work = store.begin().await.unwrap();
    work.set_payment(&devnet(), "grant/a", PaymentState::Accepted, PaymentState::Held, "low-funds")
        .await
        .unwrap();
    work.commit().await.unwrap();
    let mut work = store.begin().await.unwrap();
    let twice =
        work.set_payment(&devnet(), "grant/a", PaymentState::Accepted, PaymentState::Paying, "").await;
    assert!(is_conflict(&twice), "{twice:?}");
    drop(work);
    assert_eq!(store.ahead(&all[2]).await.unwrap(), 1);
    let held = list(PaymentState::Held, Page { after: None, limit: 10 }).await;
    assert_eq!(
        held,
        [Payment { state: PaymentState::Held, reason: "low-funds".to_owned(), ..all[1].clone() }]
    );
    let sum = |n: u128| Atto(n * 1_000_000_000_000_000_000_000);
    let counts = store.counts(&devnet(), "drip").await.unwrap();
    let expected = [
        (PaymentState::Accepted, Count { payments: 3, amount: sum(3) }),
        (PaymentState::Held, Count { payments: 1, amount: sum(1) }),
    ];
    assert_eq!(counts, expected);
    assert_eq!(store.open_counts(&devnet(), "drip").await.unwrap(), expected);
    let mut work = store.begin().await.unwrap();
    work.set_payment(&devnet(), "grant/a", PaymentState::Held, PaymentState::Cancelled, "").await.unwrap();
    work.set_payment(&devnet(), "grant/b", PaymentState::Accepted, PaymentState::Failed, "").await.unwrap();
    work.commit().await.unwrap();
    let open = [(PaymentState::Accepted, Count { payments: 2, amount: sum(2) })];
    assert_eq!(store.open_counts(&devnet(), "drip").await.unwrap(), open);
    assert_eq!(store.counts(&devnet(), "drip").await.unwrap().len(), 3);
}

pub async fn payments_of_a_source_are_paged_by_name(store: &dyn Store) {
    let all: Vec<Payment> =
        ["prize/s/a/1", "prize/s/b/1", "prize/s/b/2"].into_iter().map(|id| payment(id, 1)).collect();
    owe(store, &all).await.unwrap();
    owe(store, &[payment("prize/s0/a/1", 1), payment("prize/s", 1), payment("prize/r/a/1", 1)])
        .await
        .unwrap();
    let list = async |after: Option<&str>, limit| {
        let page = Page { after: after.map(str::to_owned), limit };
        store.payments_of(&devnet(), "prize/s", page).await.unwrap()
    };
    assert_eq!(list(None, 10).await, all);
    assert_eq!(list(Some("prize/s/a/1"), 1).await, [all[1].clone()]);
    assert_eq!(list(Some("prize/s/b/2"), 10).await, []);
}

pub async fn a_payment_has_one_transfer_that_may_pay_it(store: &dyn Store) {
    owe(store, &[payment("grant/1", 1), payment("grant/2", 2)]).await.unwrap();
    reserve(store, &transfer(0, "grant/1")).await.unwrap();
    let second = reserve(store, &transfer(1, "grant/1")).await;
    assert!(is_conflict(&second), "{second:?}");
    let same_nonce = reserve(store, &transfer(0, "grant/2")).await;
    assert!(is_conflict(&same_nonce), "{same_nonce:?}");
    let failed = Transfer {
        state: TransferState::FailedFinal,
        included: Some(Inclusion {
            epoch: at(7),
            key: "bafy-7".to_owned(),
            message: "bafy-m".to_owned(),
            exit_code: 6,
            cost: Atto(u128::MAX),
            proposal: Some(41),
        }),
        ..transfer(0, "grant/1")
    };
    let mut work = store.begin().await.unwrap();
    work.set_transfer(TransferState::Reserved, &failed).await.unwrap();
    assert!(is_conflict(&work.set_transfer(TransferState::Reserved, &failed).await));
    work.commit().await.unwrap();
    reserve(store, &transfer(1, "grant/1")).await.unwrap();
    let opened = Transfer { state: TransferState::Broadcast, included: None, reopened: 1, ..failed.clone() };
    let mut work = store.begin().await.unwrap();
    let reopened = work.set_transfer(TransferState::FailedFinal, &opened).await;
    assert!(is_conflict(&reopened), "another one may pay by now: {reopened:?}");
    drop(work);
    assert_eq!(
        store.transfers_of(&devnet(), "grant/1").await.unwrap(),
        [failed.clone(), transfer(1, "grant/1")]
    );
    assert_eq!(store.transfers(&devnet(), "drip", 0, 10).await.unwrap(), [failed, transfer(1, "grant/1")]);
    assert_eq!(store.open_transfers(&devnet(), "drip", 10).await.unwrap(), [transfer(1, "grant/1")]);
}

pub async fn of_two_transfers_of_a_payment_one_is_made(store: &dyn Store) {
    for round in 0..10 {
        let id = format!("grant/{round}");
        owe(store, &[payment(&id, round)]).await.unwrap();
        let nonce = 2 * round.unsigned_abs();
        let mut work = store.begin().await.unwrap();
        work.put_transfer(&transfer(nonce, &id)).await.unwrap();
        let other = transfer(nonce + 1, &id);
        let (first, second) = both(work.commit(), reserve(store, &other)).await;
        first.unwrap();
        assert!(is_conflict(&second), "{second:?}");
        assert_eq!(store.transfers_of(&devnet(), &id).await.unwrap(), [transfer(nonce, &id)]);
    }
}

pub async fn a_message_is_stored_once_and_says_when_it_was_sent(store: &dyn Store) {
    owe(store, &[payment("grant/1", 1)]).await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.put_transfer(&transfer(0, "grant/1")).await.unwrap();
    work.put_attempt(&devnet(), "drip", &attempt(0, 1, "bafy-a")).await.unwrap();
    work.put_attempt(&devnet(), "drip", &attempt(0, 2, "bafy-b")).await.unwrap();
    work.sent(&devnet(), "drip", "bafy-a", now(5), "unknown").await.unwrap();
    work.sent(&devnet(), "drip", "bafy-a", now(9), "accepted").await.unwrap();
    assert!(is_conflict(&work.sent(&devnet(), "drip", "bafy-c", now(9), "accepted").await));
    work.commit().await.unwrap();
    let sent = Attempt {
        first_sent: Some(now(5)),
        last_sent: Some(now(9)),
        outcome: "accepted".to_owned(),
        ..attempt(0, 1, "bafy-a")
    };
    let all = [sent, attempt(0, 2, "bafy-b")];
    assert_eq!(store.attempts(&devnet(), "drip", 0, 0).await.unwrap(), all);
    assert_eq!(store.attempts(&devnet(), "drip", 1, 9).await.unwrap(), []);
    for (message, kind) in [("bafy-a", AttemptKind::Pay), ("bafy-b", AttemptKind::Replace)] {
        let of = store.transfer_of(&devnet(), message).await.unwrap();
        assert_eq!(of, Some((transfer(0, "grant/1"), kind)));
    }
    for (network, message) in [("devnet-a", "bafy-c"), ("devnet-a", ""), ("devnet-b", "bafy-a")] {
        assert_eq!(store.transfer_of(&network.parse().unwrap(), message).await.unwrap(), None);
    }
    let mut work = store.begin().await.unwrap();
    assert!(is_conflict(&work.put_attempt(&devnet(), "drip", &attempt(0, 3, "bafy-a")).await));
}

pub async fn what_is_spent_on_a_day_adds_up(store: &dyn Store) {
    owe(store, &[]).await.unwrap();
    let spend = async |day, value, fees| {
        let mut work = store.begin().await.unwrap();
        let more = Spent { value: Atto(value), fees: Atto(fees) };
        let sum = work.spend(&devnet(), "drip", day, more).await?;
        work.commit().await.unwrap();
        Ok(sum)
    };
    assert_eq!(spend(5, 10, 1).await.unwrap(), Spent { value: Atto(10), fees: Atto(1) });
    assert_eq!(spend(5, 20, 2).await.unwrap(), Spent { value: Atto(30), fees: Atto(3) });
    assert_eq!(spend(6, 0, 7).await.unwrap(), Spent { value: Atto(0), fees: Atto(7) });
    let more: Result<Spent> = spend(5, u128::MAX, 0).await;
    assert!(more.is_err());
    assert_eq!(store.spent(&devnet(), "drip", 5).await.unwrap(), Spent { value: Atto(30), fees: Atto(3) });
    assert_eq!(store.spent(&devnet(), "drip", 4).await.unwrap(), Spent::default());
}

pub async fn what_a_unit_of_work_wrote_it_sees(store: &dyn Store) {
    owe(store, &[payment("grant/1", 1)]).await.unwrap();
    reserve(store, &transfer(0, "grant/1")).await.unwrap();
    let mark = |height| Mark { epoch: at(height), key: "bafy".to_owned(), nonce: 1, balance: Atto(7) };
    let mut work = store.begin().await.unwrap();
    let (accepted, paying) = (PaymentState::Accepted, PaymentState::Paying);
    work.set_payment(&devnet(), "grant/1", accepted, paying, "odd").await.unwrap();
    let spent = Transfer { state: TransferState::CancelledFinal, ..transfer(0, "grant/1") };
    assert_eq!(work.open_transfers_now(&devnet(), "drip", 9).await.unwrap(), [transfer(0, "grant/1")]);
    work.set_transfer(TransferState::Reserved, &spent).await.unwrap();
    work.put_mark(&devnet(), "drip", &mark(5), at(0)).await.unwrap();
    work.put_mark(&devnet(), "drip", &mark(9), at(0)).await.unwrap();
    let found = work.payment_now(&devnet(), "grant/1").await.unwrap();
    let changed = Payment { state: paying, reason: "odd".to_owned(), ..payment("grant/1", 1) };
    assert_eq!(found, Some(changed));
    assert_eq!(work.payment_now(&devnet(), "grant/2").await.unwrap(), None);
    assert_eq!(work.transfers_of_now(&devnet(), "grant/1").await.unwrap(), [spent]);
    assert_eq!(work.open_transfers_now(&devnet(), "drip", 9).await.unwrap(), []);
    assert_eq!(work.marks_now(&devnet(), "drip", Epoch::MAX, 9).await.unwrap(), [mark(9), mark(5)]);
    assert_eq!(work.marks_now(&devnet(), "drip", at(9), 1).await.unwrap(), [mark(5)]);
    drop(work);
    assert_eq!(store.payment(&devnet(), "grant/1").await.unwrap(), Some(payment("grant/1", 1)));
    assert_eq!(store.marks(&devnet(), "drip", Epoch::MAX, 9).await.unwrap(), []);
}
