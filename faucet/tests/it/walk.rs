//! A faucet walks along a chain, is stopped at every moment at which it can be, and has paid back the same.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use apogee_domain::{Atto, Epoch, Timestamp};
use apogee_faucet::refund::{
    Candidate, FinalChain, FinalEpoch, Held, RefundPolicy, Unread, WalkError, begin, walk,
};
use apogee_store::{ClaimState, Grants, Money, Page, Payment, Reimbursable};
use apogee_store_sqlite::SqliteStore;
use async_trait::async_trait;

use crate::refund::{at, candidate, network, place, policy};

const LAST: i64 = 40;

/// A chain with null rounds, a message or two in most epochs, and an epoch that was not verified.
struct Made {
    epochs: BTreeMap<i64, FinalEpoch>,
    is_final: i64,
    /// From here on nothing can be read.
    gone: i64,
}

impl Made {
    fn new() -> Self {
        let mut epochs = BTreeMap::new();
        for epoch in (0..LAST).filter(|epoch| epoch % 7 != 3) {
            let mut candidates = Vec::new();
            for number in 0..epoch % 3 {
                candidates.push(Candidate {
                    sender: format!("t010{number}"),
                    miner: format!("t0200{}", epoch % 2),
                    sectors: vec![epoch.unsigned_abs()],
                    burn: Atto(1_000_000_000_000_000_000 + u128::try_from(epoch).unwrap()),
                    ..candidate(&format!("bafy-{epoch:03}-{number}"), epoch)
                });
            }
            epochs.insert(epoch, FinalEpoch { epoch: at(epoch), verified: epoch != 17, candidates });
        }
        Self { epochs, is_final: LAST, gone: i64::MAX }
    }
}

#[async_trait]
impl FinalChain for Made {
    async fn next(&self, from: Epoch) -> Result<Option<FinalEpoch>, Unread> {
        if from.height() >= self.gone {
            return Err("the node is gone".into());
        }
        let found = self.epochs.range(from.height()..).next().map(|(_, of)| of.clone());
        Ok(found.filter(|of| of.epoch.height() <= self.is_final))
    }

    async fn stand(&self, epoch: Epoch, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread> {
        let stands = |row: &Reimbursable| match epoch.height() - row.epoch.height() {
            _ if row.epoch.height() % 5 == 4 => Held::Waits,
            _ if row.epoch.height() % 11 == 2 => Held::Gone,
            0..4 => Held::Waits,
            _ => Held::Proven(row.sectors.len()),
        };
        Ok(rows.iter().map(stands).collect())
    }
}

fn slow() -> RefundPolicy {
    policy(&[
        ("hold_epochs = 5760", "hold_epochs = 12"),
        ("period_epochs = 120", "period_epochs = 6"),
        ("day_epochs = 2880", "day_epochs = 20"),
        ("per_day = \"400 FIL\"", "per_day = \"0.5 FIL\""),
        ("owner_percent = 30\n", ""),
    ])
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_790_000_000)
}

async fn go(store: &SqliteStore, policy: &RefundPolicy, made: &Made, most: u32) -> Result<u32, WalkError> {
    begin(store, (&network(), "reimburse"), at(0)).await?;
    let walked = walk(store, policy, (&network(), "reimburse"), made, at(0), (most, now())).await?;
    Ok(walked.epochs)
}

type End = (i64, Vec<Reimbursable>, Vec<Payment>);

async fn end(store: &SqliteStore) -> End {
    let row = store.faucet(&network(), "reimburse").await.unwrap().unwrap();
    let all = Page { after: None, limit: 10_000 };
    let rows = store.reimbursables_between(&network(), "reimburse", at(0), at(LAST), all).await.unwrap();
    let all = Page { after: None, limit: 10_000 };
    let payments = store.payments_of(&network(), "refund/reimburse", all).await.unwrap();
    (row.day, rows, payments)
}

/// What is true whatever happened: what is paid is what the messages of each payment come to, and at most what they burnt.
fn sound((_, rows, payments): &End) {
    for payment in payments {
        let of = rows.iter().filter(|row| row.payment.as_ref() == Some(&payment.id));
        let (sum, burnt) = of.fold((0, 0), |(sum, burnt), row| (sum + row.refund.0, burnt + row.burn.0));
        assert_eq!(sum, payment.amount.0, "{payment:?}");
        assert!(sum <= burnt && sum > 0, "{payment:?}");
    }
    for row in rows {
        assert_eq!(row.state == ClaimState::Settled, row.payment.is_some(), "{row:?}");
        let named = row.payment.iter().all(|name| payments.iter().any(|payment| payment.id == *name));
        assert!(named, "{row:?}");
    }
}

/// The future for so many turns; `None` when it was dropped before it was done.
async fn cut<F: Future>(future: F, turns: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_walk_that_is_cut_off_at_every_moment_pays_what_one_pays_that_never_was() {
    let (policy, made) = (slow(), Made::new());
    let (whole, _folder) = place(&policy).await;
    while go(&whole, &policy, &made, 7).await.unwrap() == 7 {}
    let expected = end(&whole).await;
    sound(&expected);
    let states = |state| expected.1.iter().filter(|row| row.state == state).count();
    eprintln!("{} messages, {} payments, up to {}", expected.1.len(), expected.2.len(), expected.0);
    assert!(expected.2.len() > 5 && states(ClaimState::Settled) > 10 && states(ClaimState::Refused) > 3);

    let (broken, _other) = place(&policy).await;
    let (mut cuts, mut turns) = (0, 1);
    // Each time a little further than the last before the process goes away; whatever it was doing then may or may not be done.
    loop {
        match cut(go(&broken, &policy, &made, 1), turns).await {
            None => (cuts, turns) = (cuts + 1, turns + 1),
            Some(Ok(0)) => break,
            Some(done) => {
                done.unwrap();
                turns = 1;
            }
        }
        sound(&end(&broken).await);
    }
    eprintln!("cut off {cuts} times");
    assert!(cuts > 100, "{cuts}");
    assert_eq!(end(&broken).await, expected);
}

#[tokio::test]
async fn two_that_walk_at_once_a_chain_that_grows_and_one_that_goes_away_change_nothing() {
    let (policy, made) = (slow(), Made::new());
    let (alone, _folder) = place(&policy).await;
    while go(&alone, &policy, &made, 100).await.unwrap() == 100 {}
    let expected = end(&alone).await;

    let (shared, _other) = place(&policy).await;
    let mut part = Made::new();
    for is_final in [0, 5, 6, 6, 13, 29, LAST] {
        part.is_final = is_final;
        part.gone = is_final - 2;
        assert!(go(&shared, &policy, &part, 100).await.is_err(), "an unread chain is no empty one");
        part.gone = i64::MAX;
        let (one, other) = tokio::join!(go(&shared, &policy, &part, 100), go(&shared, &policy, &part, 100));
        one.unwrap();
        other.unwrap();
        sound(&end(&shared).await);
    }
    assert_eq!(end(&shared).await, expected);
}

#[tokio::test]
async fn a_later_beginning_passes_over_what_lies_before_it_and_an_earlier_one_changes_nothing() {
    let (policy, made) = (slow(), Made::new());
    let (store, _folder) = place(&policy).await;
    let name = network();
    let faucet = (&name, "reimburse");
    begin(&store, faucet, at(20)).await.unwrap();
    begin(&store, faucet, at(2)).await.unwrap();
    assert_eq!(store.faucet(&name, "reimburse").await.unwrap().unwrap().day, 19);
    walk(&store, &policy, faucet, &made, at(0), (3, now())).await.unwrap();
    walk(&store, &policy, faucet, &made, at(30), (3, now())).await.unwrap();
    let epochs: Vec<_> = end(&store).await.1.iter().map(|row| row.epoch.height()).collect();
    assert_eq!(epochs, [20, 20, 22, 32, 32]);
}
