//! A payment whose message failed for want of money waits for another nonce, once no fork can bring the message back.

use std::collections::BTreeSet;

use apogee_domain::Epoch;
use apogee_store::{Page, PaymentState, Transfer};

use super::PAGE;
use crate::cashier::View;
use crate::desk::{Desk, Shift};
use crate::error::Result;

/// Whether every transfer is spent, and so deep below the head that it stays so.
pub(crate) fn is_over(transfers: &[Transfer], head: Epoch, depth: u32) -> bool {
    transfers.iter().all(|transfer| {
        let deep = transfer.included.as_ref().is_some_and(|at| head.since(at.epoch) >= depth.into());
        transfer.state.is_spent() && deep
    })
}

/// Payments that have nonces and none that may still pay are accepted again.
pub(crate) async fn again(desk: &Desk, shift: Shift, view: &View) -> Result<()> {
    let page = Page { after: None, limit: PAGE };
    let paying = desk.store.payments(&desk.network, &desk.wallet, PaymentState::Paying, page).await?;
    if paying.is_empty() {
        return Ok(());
    }
    let open = desk.store.open_transfers(&desk.network, &desk.wallet, PAGE).await?;
    let open: BTreeSet<_> = open.iter().map(|transfer| transfer.payment.as_str()).collect();
    let mut over = Vec::new();
    for payment in paying.iter().filter(|payment| !open.contains(payment.id.as_str())) {
        let transfers = desk.store.transfers_of(&desk.network, &payment.id).await?;
        if is_over(&transfers, view.head.epoch, desk.config.requeue_depth) {
            over.push(payment);
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    let (mut work, _) = desk.unit(shift).await?;
    for payment in over {
        work.set_payment(&desk.network, &payment.id, PaymentState::Paying, PaymentState::Accepted, "")
            .await?;
    }
    desk.commit(work, "again: before it is true", "again: true").await
}
