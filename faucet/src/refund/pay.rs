//! Rows for the messages of final epochs, and payments for rows. Each function is one unit of work, or several that may end after any of them: called
//! again, it goes on.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_store::{
    AuditEvent, ClaimState, Faucet, Page, Payment, PaymentState, Reimbursable, Result, Store, StoreError,
    Work,
};

use super::{Alarm, Candidate, Held, Reason, RefundPolicy, after_hold, alarm, decide};

/// Rows that are read at once.
pub(super) const PAGE: u32 = 1_000;
/// Messages that are paid for in one unit of work; others wait for the next period.
const SETTLED_AT_ONCE: usize = 20_000;

/// A final epoch that has a tipset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalEpoch {
    /// Which.
    pub epoch: Epoch,
    /// Whether every check of the chain passed on it, and on the tipset that names what came of it. Nothing is paid back otherwise.
    pub verified: bool,
    /// Its messages that prove sectors.
    pub candidates: Vec<Candidate>,
}

/// What became of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Rows that are new.
    pub added: u64,
    /// Why the faucet was paused, where it was.
    pub alarm: Option<Alarm>,
}

/// Let a faucet begin to read the chain with this epoch. One that has begun stays where it is.
///
/// # Errors
/// The database's; an unknown faucet is a conflict.
pub async fn begin(store: &dyn Store, (network, faucet): (&NetworkId, &str), from: Epoch) -> Result<()> {
    let mut work = store.begin().await?;
    let mut row = work.lock_faucet(network, faucet).await?;
    if row.day >= 0 {
        return Ok(());
    }
    row.day = from.height() - 1;
    work.set_counted(&row).await?;
    work.commit().await
}

/// Keep the messages of one *final* epoch with what is decided of them, and that it was read. Epochs come in ascending order: one that was read, or lies
/// before one that was, changes nothing. Pauses the faucet where the day looks like abuse.
///
/// # Errors
/// The database's; an unknown faucet, and one that has another policy by now, are a conflict.
pub async fn ingest(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    of: &FinalEpoch,
    now: Timestamp,
) -> Result<Ingested> {
    let mut work = store.begin().await?;
    let mut row = held(work.as_mut(), policy, (network, faucet)).await?;
    if row.day >= of.epoch.height() {
        return Ok(Ingested::default());
    }
    row.day = of.epoch.height();
    work.set_counted(&row).await?;
    let mut ingested = Ingested::default();
    if !of.candidates.is_empty() {
        let mut day = before(work.as_mut(), policy, (network, faucet), of.epoch).await?;
        let mut rows = decide(policy, (network, faucet), &day, &of.candidates);
        if !of.verified {
            rows.iter_mut().for_each(distrust);
        }
        ingested.added = work.add_reimbursables(&rows).await?;
        // Whoever resumed the faucet has seen what was there before.
        let known = alarm(policy, &day).is_some();
        day.extend(rows);
        ingested.alarm = alarm(policy, &day).filter(|_| row.enabled && ingested.added > 0 && !known);
    }
    if let Some(alarm) = &ingested.alarm {
        pause(work.as_mut(), &mut row, alarm, now).await?;
    }
    work.commit().await?;
    Ok(ingested)
}

/// The faucet's row, held: nobody else decides for it meanwhile.
async fn held(
    work: &mut dyn Work,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
) -> Result<Faucet> {
    let row = work.lock_faucet(network, faucet).await?;
    if row.policy_digest == policy.digest() {
        return Ok(row);
    }
    Err(StoreError::Conflict {
        what: "the policy of the faucet",
        found: row.policy_version.to_string(),
        expected: policy.version.to_string(),
    })
}

/// Nothing is paid back for what was not verified.
fn distrust(row: &mut Reimbursable) {
    if row.state != ClaimState::Refused {
        row.state = ClaimState::Refused;
        row.refund = Atto::ZERO;
        Reason::Unverified.word().clone_into(&mut row.reason);
    }
}

async fn pause(work: &mut dyn Work, row: &mut Faucet, alarm: &Alarm, now: Timestamp) -> Result<()> {
    row.enabled = false;
    row.reason = alarm.to_string();
    "faucet".clone_into(&mut row.changed_by);
    row.changed_at = now;
    work.set_control(row).await?;
    let event = AuditEvent {
        at: now,
        actor: "faucet".to_owned(),
        action: "faucet-pause".to_owned(),
        subject: format!("{}/faucet/{}", row.network, row.name),
        reason: alarm.to_string(),
        document: String::new(),
    };
    work.record(&event).await.map(drop)
}

/// The rows of the day of an epoch, before it, that something is paid back for. Others may be as many as anybody likes.
async fn before(
    work: &mut dyn Work,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    epoch: Epoch,
) -> Result<Vec<Reimbursable>> {
    let (mut rows, mut after): (Vec<Reimbursable>, _) = (Vec::new(), None);
    let first = policy.day_of(epoch);
    let Some(last) = Epoch::new(epoch.height() - 1).filter(|last| *last >= first) else { return Ok(rows) };
    loop {
        let page = Page { after, limit: PAGE };
        let found = work.refunds_between_now(network, faucet, first, last, page).await?;
        after = found.last().map(|row| (row.epoch, row.message.clone()));
        let whole = found.len() < PAGE as usize;
        rows.extend(found);
        if whole {
            return Ok(rows);
        }
    }
}

/// Decide about messages that are held, of which it is known how their sectors stand at a final epoch. How many no longer wait.
///
/// # Errors
/// The database's; see [`ingest`].
pub async fn release(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    at: Epoch,
    looked: &[(Reimbursable, Held)],
) -> Result<u64> {
    let decided: Vec<_> =
        looked.iter().filter_map(|(row, stands)| after_hold(policy, row, *stands, at)).collect();
    if decided.is_empty() {
        return Ok(0);
    }
    let mut work = store.begin().await?;
    held(work.as_mut(), policy, (network, faucet)).await?;
    let mut released = 0;
    for row in &decided {
        match work.set_reimbursable(ClaimState::Held, row).await {
            Ok(()) => released += 1,
            // It was released before the faucet was ours.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    work.commit().await?;
    Ok(released)
}

/// What was settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Payments.
    pub payments: u64,
    /// Messages that are part of them.
    pub messages: u64,
    /// What they come to.
    pub amount: Atto,
}

/// Owe what is to be paid back for every message up to a final epoch: one payment to each sender, `refund/<faucet>/<epoch>/<sender>`. Does nothing
/// while the faucet is paused.
///
/// # Errors
/// The database's; see [`ingest`].
pub async fn settle(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    at: Epoch,
    now: Timestamp,
) -> Result<Settled> {
    let mut settled = Settled::default();
    let mut work = store.begin().await?;
    let row = held(work.as_mut(), policy, (network, faucet)).await?;
    if !row.enabled {
        return Ok(settled);
    }
    for (sender, rows) in owed(work.as_mut(), (network, faucet), at).await? {
        let name = format!("refund/{faucet}/{at}/{sender}");
        // What became owed after this epoch was settled waits for the next period.
        if work.payment_now(network, &name).await?.is_some() {
            continue;
        }
        let amount = Atto(rows.iter().fold(0, |sum, row| row.refund.0.saturating_add(sum)));
        let payment = Payment {
            network: network.clone(),
            id: name,
            wallet: row.wallet.clone(),
            payee: sender,
            amount,
            state: PaymentState::Accepted,
            reason: String::new(),
            created: now,
        };
        pay(work.as_mut(), &payment, &rows).await?;
        settled.payments += 1;
        settled.messages += rows.len() as u64;
        settled.amount = Atto(settled.amount.0.saturating_add(amount.0));
    }
    if settled.payments > 0 {
        work.commit().await?;
    }
    Ok(settled)
}

/// What is owed up to an epoch, by sender.
async fn owed(
    work: &mut dyn Work,
    (network, faucet): (&NetworkId, &str),
    at: Epoch,
) -> Result<BTreeMap<String, Vec<Reimbursable>>> {
    let mut senders: BTreeMap<String, Vec<Reimbursable>> = BTreeMap::new();
    let (mut after, mut count) = (None, 0);
    while count < SETTLED_AT_ONCE {
        let page = Page { after, limit: PAGE };
        let owed = work.reimbursables_now(network, faucet, ClaimState::Owed, page).await?;
        let Some(last) = owed.last() else { break };
        after = Some((last.epoch, last.message.clone()));
        count += owed.len();
        for row in owed.into_iter().filter(|row| row.epoch <= at) {
            senders.entry(row.sender.clone()).or_default().push(row);
        }
    }
    Ok(senders)
}

async fn pay(work: &mut dyn Work, payment: &Payment, rows: &[Reimbursable]) -> Result<()> {
    work.put_payment(payment).await?;
    for row in rows {
        let payment = Some(payment.id.clone());
        let settled = Reimbursable { state: ClaimState::Settled, payment, ..row.clone() };
        work.set_reimbursable(ClaimState::Owed, &settled).await?;
    }
    Ok(())
}
