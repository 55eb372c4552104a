//! Rows for the messages of final epochs, and payments for rows.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_store::{AuditEvent, ClaimState, Page, Payment, PaymentState, Reimbursable, Result, Store, Work};

use super::{Alarm, Candidate, Held, RefundPolicy, after_hold, alarm, decide};

/// Rows that are read at once.
const PAGE: u32 = 1_000;

/// What became of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Rows that are new.
    pub added: u64,
    /// Why the faucet was paused, where it was.
    pub alarm: Option<Alarm>,
}

/// Keep the messages of one *final* epoch with what is decided of them. Epochs come in ascending order; one that comes again changes nothing. Pauses the
/// faucet where the day looks like abuse.
///
/// # Errors
/// The database's; an unknown faucet is a conflict.
pub async fn ingest(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    epoch: Epoch,
    candidates: &[Candidate],
    now: Timestamp,
) -> Result<Ingested> {
    if candidates.is_empty() {
        return Ok(Ingested::default());
    }
    let mut work = store.begin().await?;
    // Nobody else adds rows while it is held.
    let mut row = work.lock_faucet(network, faucet).await?;
    let mut day = of_day(store, policy, network, faucet, epoch).await?;
    // Rows of this epoch are decided anew, and where they are there already they stay.
    day.retain(|row| row.epoch < epoch);
    let rows = decide(policy, (network, faucet), &day, candidates);
    let added = work.add_reimbursables(&rows).await?;
    day.extend(rows);
    let alarm = alarm(policy, &day).filter(|_| row.enabled && added > 0);
    if let Some(alarm) = &alarm {
        row.enabled = false;
        row.reason = alarm.to_string();
        row.changed_by = "faucet".to_owned();
        row.changed_at = now;
        work.set_control(&row).await?;
        let event = AuditEvent {
            at: now,
            actor: "faucet".to_owned(),
            action: "faucet-pause".to_owned(),
            subject: format!("{network}/faucet/{faucet}"),
            reason: alarm.to_string(),
            document: String::new(),
        };
        work.record(&event).await?;
    }
    work.commit().await?;
    Ok(Ingested { added, alarm })
}

/// The rows of the day of an epoch, up to it.
async fn of_day(
    store: &dyn Store,
    policy: &RefundPolicy,
    network: &NetworkId,
    faucet: &str,
    epoch: Epoch,
) -> Result<Vec<Reimbursable>> {
    let first = epoch.height() - epoch.height().rem_euclid(i64::from(policy.day_epochs).max(1));
    let first = Epoch::new(first).unwrap_or(epoch);
    let (mut rows, mut after): (Vec<Reimbursable>, _) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: PAGE };
        let found = store.reimbursables_between(network, faucet, first, epoch, page).await?;
        after = found.last().map(|row| (row.epoch, row.message.clone()));
        let whole = found.len() < PAGE as usize;
        rows.extend(found);
        if whole {
            return Ok(rows);
        }
    }
}

/// Look at the messages that are held, at a final epoch: `proven` tells how the sectors of a row stand in its state, `None` where that is not known. How
/// many no longer wait.
///
/// # Errors
/// The database's.
pub async fn release(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    at: Epoch,
    mut proven: impl FnMut(&Reimbursable) -> Option<Held> + Send,
) -> Result<u64> {
    let (mut released, mut after) = (0, None);
    loop {
        let page = Page { after, limit: PAGE };
        let held = store.reimbursables(network, faucet, ClaimState::Held, page).await?;
        let Some(last) = held.last() else { return Ok(released) };
        after = Some((last.epoch, last.message.clone()));
        let decided: Vec<_> =
            held.iter().filter_map(|row| after_hold(policy, row, proven(row)?, at)).collect();
        if decided.is_empty() {
            continue;
        }
        let mut work = store.begin().await?;
        for row in &decided {
            work.set_reimbursable(ClaimState::Held, row).await?;
        }
        work.commit().await?;
        released += decided.len() as u64;
    }
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

/// Owe what is to be paid back for every message up to a final epoch: one payment to a sender and period, `refund/<faucet>/<period>/<sender>`. Does nothing
/// while the faucet is paused, nor before a period is over.
///
/// # Errors
/// The database's; an unknown faucet is a conflict.
pub async fn settle(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    at: Epoch,
    now: Timestamp,
) -> Result<Settled> {
    let period = at.height().div_euclid(i64::from(policy.period_epochs).max(1));
    let mut settled = Settled::default();
    let mut work = store.begin().await?;
    let row = work.lock_faucet(network, faucet).await?;
    if !row.enabled {
        return Ok(settled);
    }
    let mut senders: BTreeMap<String, Vec<Reimbursable>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = Page { after, limit: PAGE };
        let owed = store.reimbursables(network, faucet, ClaimState::Owed, page).await?;
        let Some(last) = owed.last() else { break };
        after = Some((last.epoch, last.message.clone()));
        for row in owed.into_iter().filter(|row| row.epoch <= at) {
            senders.entry(row.sender.clone()).or_default().push(row);
        }
    }
    for (sender, rows) in senders {
        let name = format!("refund/{faucet}/{period}/{sender}");
        // What became owed in a period that was paid already waits for the next one.
        if store.payment(network, &name).await?.is_some() {
            continue;
        }
        let amount = Atto(rows.iter().fold(0, |sum, row| row.refund.0.saturating_add(sum)));
        pay(work.as_mut(), network, &row.wallet, &name, &sender, amount, &rows, now).await?;
        settled.payments += 1;
        settled.messages += rows.len() as u64;
        settled.amount = Atto(settled.amount.0.saturating_add(amount.0));
    }
    work.commit().await?;
    Ok(settled)
}

#[expect(clippy::too_many_arguments, reason = "a payment has as many parts")]
async fn pay(
    work: &mut dyn Work,
    network: &NetworkId,
    wallet: &str,
    name: &str,
    sender: &str,
    amount: Atto,
    rows: &[Reimbursable],
    now: Timestamp,
) -> Result<()> {
    let payment = Payment {
        network: network.clone(),
        id: name.to_owned(),
        wallet: wallet.to_owned(),
        payee: sender.to_owned(),
        amount,
        state: PaymentState::Accepted,
        reason: String::new(),
        created: now,
    };
    work.put_payment(&payment).await?;
    for row in rows {
        let settled =
            Reimbursable { state: ClaimState::Settled, payment: Some(name.to_owned()), ..row.clone() };
        work.set_reimbursable(ClaimState::Owed, &settled).await?;
    }
    Ok(())
}
