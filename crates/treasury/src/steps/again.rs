//! A payment whose message failed for want of money waits for another nonce, once no fork can bring the message back.

use std::collections::BTreeSet;

use apogee_domain::Epoch;
use apogee_store::{Mark, Page, PaymentState, Transfer};

use super::PAGE;
use crate::cashier::View;
use crate::desk::{Desk, Shift};
use crate::error::Result;

/// Below which epoch marks stay whatever forks, with `head` at the end of the chain: a fork that is less than `depth` deep goes back to a later one,
/// or to the newest of these.
pub(crate) fn below_forks(head: Epoch, depth: u32) -> Epoch {
    head.minus(i64::from(depth) - 1)
}

/// Whether every transfer is spent, and stays so after every fork: its message is booked below the anchor.
pub(crate) fn is_over(transfers: &[Transfer], anchor: Option<&Mark>) -> bool {
    transfers.iter().all(|transfer| {
        let booked = transfer.included.as_ref().zip(anchor).is_some_and(|(at, mark)| at.epoch < mark.epoch);
        transfer.state.is_spent() && booked
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
    let below = below_forks(view.head.epoch, desk.config.requeue_depth);
    let anchor = desk.store.marks(&desk.network, &desk.wallet, below, 1).await?.pop();
    let mut over = Vec::new();
    for payment in paying.iter().filter(|payment| !open.contains(payment.id.as_str())) {
        let transfers = desk.store.transfers_of(&desk.network, &payment.id).await?;
        if is_over(&transfers, anchor.as_ref()) {
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
