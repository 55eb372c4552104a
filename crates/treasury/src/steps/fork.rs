//! A fork below the final depth: what was final is open again.

use apogee_domain::{Atto, Epoch};
use apogee_store::{
    AttemptKind, AuditEvent, Mark, Payment, PaymentState, Transfer, TransferState, Wallet, WalletMode, Work,
};

use super::{PAGE, transfers_from, with_attempts};
use crate::cashier::mark_of;
use crate::chain::Tip;
use crate::desk::{Desk, ITSELF, Shift};
use crate::error::Result;
use crate::ledger;

/// Where a fork began.
pub(crate) struct Fork {
    /// The newest mark that is still on the chain; after a fork below the first one, a new one on the head's own chain.
    mark: Mark,
    /// Whether it is one that is stored.
    kept: bool,
}

/// Whether the newest mark has left the head's chain, and which one stands.
pub(crate) async fn look(desk: &Desk, head: &Tip, newest: &Mark) -> Result<Option<Fork>> {
    if stands(desk, head, newest).await? {
        return Ok(None);
    }
    let mut marks: Vec<Mark> = Vec::new();
    let mut below = newest.epoch;
    loop {
        let page = desk.store.marks(&desk.network, &desk.wallet, below, PAGE).await?;
        let Some(last) = page.last() else { break };
        below = last.epoch;
        marks.extend(page);
    }
    // Newest first: those that left the chain, then those that stand.
    let (mut low, mut high) = (0, marks.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match marks.get(middle) {
            Some(mark) if !stands(desk, head, mark).await? => low = middle + 1,
            _ => high = middle,
        }
    }
    if let Some(mark) = marks.get(low) {
        return Ok(Some(Fork { mark: mark.clone(), kept: true }));
    }
    let first = marks.last().unwrap_or(newest);
    Ok(Some(Fork { mark: before_first(desk, head, first).await?, kept: false }))
}

/// The latest tip of the head's chain, up to the epoch of the first mark, before which no message of ours was executed: on another chain they
/// may have come earlier.
async fn before_first(desk: &Desk, head: &Tip, first: &Mark) -> Result<Mark> {
    let address = desk.stored().await?.address;
    let (mut low, mut high) = (0, first.epoch.height());
    loop {
        let middle = high - (high - low) / 2;
        let tip = desk.chain.ancestor(head, Epoch::new(middle).unwrap_or_default()).await?;
        let account = desk.chain.account(&tip, &address).await?;
        if account.nonce > first.nonce && middle > 0 {
            high = middle - 1;
        } else if middle == high {
            return Ok(mark_of(&tip, account));
        } else {
            low = middle;
        }
    }
}

async fn stands(desk: &Desk, head: &Tip, mark: &Mark) -> Result<bool> {
    let there = desk.chain.ancestor(head, mark.epoch).await?;
    Ok(there.epoch == mark.epoch && there.key == mark.key)
}

/// Go back to where the fork began. The mark that holds from now on and how many transfers are open again; `None` when two nonces could pay one
/// payment: then the wallet is frozen, and somebody has to look.
pub(crate) async fn unwind(
    desk: &Desk,
    shift: Shift,
    newest: &Mark,
    fork: Fork,
) -> Result<Option<(Mark, u64)>> {
    let nonce = fork.mark.nonce.min(newest.nonce);
    let settled = with_attempts(desk, transfers_from(desk, nonce).await?).await?;
    let settled: Vec<_> = settled.into_values().filter(|(transfer, _)| transfer.state.is_final()).collect();
    let mut reopened = Vec::with_capacity(settled.len());
    for (transfer, attempts) in &settled {
        let payment = desk.payment(&transfer.payment).await?;
        let others = desk.store.transfers_of(&desk.network, &payment.id).await?;
        let may_pay = |other: &&Transfer| {
            other.nonce != transfer.nonce && (other.nonce >= nonce || !other.state.is_spent())
        };
        if let Some(other) = others.iter().find(may_pay) {
            let reason = format!(
                "fork-below-requeue: nonces {} and {} could both pay {}",
                transfer.nonce, other.nonce, payment.id
            );
            desk.restrain(shift, WalletMode::Frozen, &reason).await?;
            return Ok(None);
        }
        let cancels = attempts.iter().any(|attempt| attempt.kind == AttemptKind::Cancel);
        let state = match (attempts.is_empty(), cancels) {
            (true, _) => TransferState::Reserved,
            (_, true) => TransferState::Cancelling,
            _ => TransferState::Broadcast,
        };
        let next = Transfer {
            state,
            reopened: transfer.reopened.saturating_add(1),
            included: None,
            ..transfer.clone()
        };
        reopened.push((transfer, next, payment));
    }
    desk.faults.at("fork: before the unit of work").await?;
    let (mut work, wallet) = desk.unit(shift).await?;
    // What the ledger says that the wallet has, as its lines are taken back.
    let mut balance = newest.balance.0;
    for (transfer, next, payment) in &reopened {
        balance = balance.saturating_add(reverse(desk, shift, &mut *work, &wallet, transfer, payment).await?);
        work.set_transfer(transfer.state, next).await?;
        reopen(&mut *work, payment).await?;
    }
    let id = ledger::of_tip("reverted", &desk.wallet, &newest.key, shift.now);
    let real = fork.mark.balance.0;
    if let Some(more) = real.checked_sub(balance).filter(|more| *more > 0) {
        work.post(&desk.posting(shift, id, desk.account(), ledger::RECEIVED, Atto(more))).await?;
    } else if let Some(less) = balance.checked_sub(real).filter(|less| *less > 0) {
        work.post(&desk.posting(shift, id, ledger::RECEIVED, desk.account(), Atto(less))).await?;
    }
    if fork.kept {
        work.drop_marks(&desk.network, &desk.wallet, fork.mark.epoch).await?;
    } else {
        // The first mark goes as well, wherever it is: the new one takes its place.
        let below = Epoch::new(fork.mark.epoch.height().saturating_sub(1)).unwrap_or(Epoch::GENESIS);
        work.drop_marks(&desk.network, &desk.wallet, below).await?;
        work.put_mark(&desk.network, &desk.wallet, &fork.mark, fork.mark.epoch).await?;
    }
    let event = AuditEvent {
        at: shift.now,
        actor: ITSELF.into(),
        action: "fork".into(),
        subject: format!("{}/wallet/{}", desk.network, desk.wallet),
        reason: format!("the chain changed below epoch {}, booked as final", newest.epoch),
        document: serde_json::json!({
            "from": {"epoch": newest.epoch, "tip": newest.key},
            "to": {"epoch": fork.mark.epoch, "tip": fork.mark.key},
            "reopened": reopened.len(),
        })
        .to_string(),
    };
    work.record(&event).await?;
    desk.commit(work, "fork: before it is true", "fork: true").await?;
    Ok(Some((fork.mark, u64::try_from(reopened.len()).unwrap_or(u64::MAX))))
}

/// Take back what was booked for a transfer. What its wallet gets back by that.
async fn reverse(
    desk: &Desk,
    shift: Shift,
    work: &mut dyn Work,
    wallet: &Wallet,
    transfer: &Transfer,
    payment: &Payment,
) -> Result<u128> {
    let name = |what| ledger::of_nonce(what, &desk.wallet, transfer.nonce, transfer.reopened);
    let mut back = 0_u128;
    if transfer.state == TransferState::Final {
        let payer = ledger::payer(wallet);
        work.post(&desk.posting(shift, name("unpaid"), payer, ledger::OWED, payment.amount)).await?;
        back = back.saturating_add(ledger::own_part(wallet, payment.amount).0);
    } else if matches!(payment.state, PaymentState::Failed | PaymentState::Cancelled) {
        let id = ledger::of_payment("reowe", &payment.id, shift.now);
        let granted = ledger::granted(payment.source());
        work.post(&desk.posting(shift, id, granted, ledger::OWED, payment.amount)).await?;
    }
    let own = transfer.state != TransferState::SupersededFinal;
    let cost = transfer.included.as_ref().filter(|_| own).map_or(Atto::ZERO, |included| included.cost);
    if cost > Atto::ZERO {
        work.post(&desk.posting(shift, name("unfee"), desk.account(), ledger::FEES, cost)).await?;
        back = back.saturating_add(cost.0);
    }
    Ok(back)
}

/// The payment is under way again.
async fn reopen(work: &mut dyn Work, payment: &Payment) -> Result<()> {
    let (network, id) = (&payment.network, &payment.id);
    match payment.state {
        PaymentState::Paying => {}
        PaymentState::Held => {
            work.set_payment(network, id, PaymentState::Held, PaymentState::Accepted, "").await?;
            work.set_payment(network, id, PaymentState::Accepted, PaymentState::Paying, "").await?;
        }
        from => work.set_payment(network, id, from, PaymentState::Paying, "").await?,
    }
    Ok(())
}
