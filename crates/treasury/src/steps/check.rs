//! Whether the chain knows nonces that we do not: a restored backup, or a key that somebody else uses.

use apogee_store::WalletMode;

use super::transfers_from;
use crate::cashier::View;
use crate::desk::{Desk, Shift};
use crate::error::Result;

/// Why a wallet is paused whose account is ahead of its books.
pub(crate) fn ahead(chain: u64, ours: u64) -> String {
    format!("nonce-ahead: the chain expects nonce {chain}, the next one never taken here is {ours}")
}

/// The first nonce from `from` up to `to` that is missing.
pub(crate) fn hole(nonces: impl Iterator<Item = u64>, from: u64, to: u64) -> Option<u64> {
    let mut expected = from;
    for nonce in nonces {
        if nonce != expected {
            break;
        }
        expected = expected.saturating_add(1);
    }
    (expected < to).then_some(expected)
}

/// Pause the wallet when it cannot be the only one that uses its key. What the chain says is never taken over by itself.
pub(crate) async fn check(desk: &Desk, shift: Shift, view: &View) -> Result<()> {
    let wallet = desk.stored().await?;
    if view.account.nonce > wallet.next_nonce {
        let reason = ahead(view.account.nonce, wallet.next_nonce);
        return desk.restrain(shift, WalletMode::Paused, &reason).await;
    }
    let transfers = transfers_from(desk, view.mark.nonce).await?;
    let nonces = transfers.iter().map(|transfer| transfer.nonce);
    if let Some(nonce) = hole(nonces, view.mark.nonce, wallet.next_nonce) {
        let reason = format!("nonce-missing: nonce {nonce} was taken and belongs to no payment");
        return desk.restrain(shift, WalletMode::Paused, &reason).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nonce_below_the_next_one_has_to_be_there() {
        assert_eq!(hole([].into_iter(), 4, 4), None);
        assert_eq!(hole([4, 5].into_iter(), 4, 6), None);
        assert_eq!(hole([4, 5].into_iter(), 4, 7), Some(6));
        assert_eq!(hole([4, 6].into_iter(), 4, 7), Some(5));
        assert_eq!(hole([5, 6].into_iter(), 4, 7), Some(4));
    }
}
