//! What is on the chain and not yet final.

use apogee_store::{AttemptKind, PaymentState, Transfer, TransferState};

use super::book::{dense, inclusion};
use super::{Open, open};
use crate::cashier::View;
use crate::chain::Executed;
use crate::desk::{Desk, Shift};
use crate::error::Result;

/// What a transfer is like with `on_chain` as the message of its nonce; `None` when it is so already.
pub(crate) fn state(
    transfer: &Transfer,
    attempts: &[apogee_store::Attempt],
    on_chain: Option<&Executed>,
) -> Option<Transfer> {
    let known = on_chain.filter(|one| attempts.iter().any(|attempt| attempt.message == one.id));
    let next = match known {
        Some(one) => {
            Transfer { state: TransferState::Included, included: Some(inclusion(one)), ..transfer.clone() }
        }
        None if transfer.state == TransferState::Included => {
            let cancels = attempts.iter().any(|attempt| attempt.kind == AttemptKind::Cancel);
            let state = if cancels { TransferState::Cancelling } else { TransferState::Broadcast };
            Transfer { state, included: None, ..transfer.clone() }
        }
        None => return None,
    };
    (next != *transfer).then_some(next)
}

/// Note which open transfers are on the head's chain, and which are not any more.
pub(crate) async fn include(desk: &Desk, shift: Shift, view: &View) -> Result<()> {
    let own: Open = open(desk).await?;
    let seen = view.account.nonce != view.mark.nonce;
    if !seen && own.values().all(|(transfer, _)| transfer.state != TransferState::Included) {
        return Ok(());
    }
    let executed = if seen {
        let address = desk.stored().await?.address;
        desk.chain.executed(&address, &view.booked(), &view.head).await?
    } else {
        Vec::new()
    };
    dense(desk, view.mark.nonce, view.account.nonce, &executed)?;
    let mut changes = Vec::new();
    for (nonce, (transfer, attempts)) in &own {
        let on_chain = executed.iter().find(|one| one.nonce == *nonce);
        let Some(next) = state(transfer, attempts, on_chain) else { continue };
        let payment = desk.payment(&transfer.payment).await?;
        let pays = next.included.as_ref().is_some_and(|included| {
            let kind = attempts.iter().find(|attempt| attempt.message == included.message);
            included.exit_code == 0 && kind.is_some_and(|attempt| attempt.kind != AttemptKind::Cancel)
        });
        let to = if pays { PaymentState::Included } else { PaymentState::Paying };
        changes.push((transfer, next, payment, to));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let (mut work, _) = desk.unit(shift).await?;
    for (transfer, next, payment, to) in changes {
        work.set_transfer(transfer.state, &next).await?;
        if payment.state != to {
            // A wish to cancel outlives that another message was seen first.
            work.set_payment(&desk.network, &payment.id, payment.state, to, &payment.reason).await?;
        }
    }
    desk.commit(work, "include: before it is true", "include: true").await
}
