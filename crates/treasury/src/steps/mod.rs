//! What a turn does, one step a module. Each reads what lasts, decides, and makes its decision true in one unit of work.

pub(crate) mod again;
pub(crate) mod assign;
pub(crate) mod book;
pub(crate) mod check;
pub(crate) mod fork;
pub(crate) mod include;
pub(crate) mod replace;
pub(crate) mod send;
pub(crate) mod sign;

use std::collections::BTreeMap;

use apogee_store::{Attempt, Transfer};

use crate::desk::Desk;
use crate::error::Result;

/// Transfers with their messages, by nonce.
pub(crate) type Open = BTreeMap<u64, (Transfer, Vec<Attempt>)>;

/// Rows that are read at a time.
pub(crate) const PAGE: u32 = 1_000;

/// These transfers with their messages.
pub(crate) async fn with_attempts(desk: &Desk, transfers: Vec<Transfer>) -> Result<Open> {
    let (Some(first), Some(last)) = (transfers.first(), transfers.last()) else { return Ok(Open::new()) };
    let (first, last) = (first.nonce, last.nonce);
    let attempts = desk.store.attempts(&desk.network, &desk.wallet, first, last).await?;
    let mut open: Open =
        transfers.into_iter().map(|transfer| (transfer.nonce, (transfer, Vec::new()))).collect();
    for attempt in attempts {
        if let Some((_, own)) = open.get_mut(&attempt.nonce) {
            own.push(attempt);
        }
    }
    Ok(open)
}

/// Every transfer from a nonce on.
pub(crate) async fn transfers_from(desk: &Desk, mut nonce: u64) -> Result<Vec<Transfer>> {
    let mut all = Vec::new();
    loop {
        let page = desk.store.transfers(&desk.network, &desk.wallet, nonce, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        nonce = last.nonce.saturating_add(1);
        all.extend(page);
    }
}

/// The transfers that are not settled, with their messages.
pub(crate) async fn open(desk: &Desk) -> Result<Open> {
    let transfers = desk.store.open_transfers(&desk.network, &desk.wallet, PAGE).await?;
    with_attempts(desk, transfers).await
}
