//! What follows when payments end.

use apogee_domain::{Atto, Epoch, NetworkId};
use apogee_store::{Faucet, Grant, Store};

use super::{Desk, DeskError, day};

/// Grants that are settled in one unit of work.
const AT_ONCE: u32 = 100;

/// What a wallet holds by its newest booking, less everything that is promised and not final; `None` before anything was booked.
///
/// # Errors
/// The database's.
pub async fn free_funds(
    store: &dyn Store,
    network: &NetworkId,
    wallet: &str,
) -> apogee_store::Result<Option<Atto>> {
    let marks = store.marks(network, wallet, Epoch::MAX, 1).await?;
    let Some(mark) = marks.first() else { return Ok(None) };
    let open = store.open_counts(network, wallet).await?;
    let promised = open.iter().fold(0_u128, |sum, (_, count)| sum.saturating_add(count.amount.0));
    Ok(Some(Atto(mark.balance.0.saturating_sub(promised))))
}

impl Desk {
    /// Give back the charges of grants whose payments have failed or were cancelled, and take them again where a payment lives after all. What is
    /// not known to have ended gives nothing back. How many grants there were.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn settle(&self) -> Result<u64, DeskError> {
        let mut settled = 0;
        loop {
            let ours = self.store.grants_to_settle(&self.network, &self.faucet, AT_ONCE).await?;
            if ours.is_empty() {
                return Ok(settled);
            }
            let mut work = self.store.begin().await?;
            let mut faucet = work.lock_faucet(&self.network, &self.faucet).await?;
            let asked: Vec<_> =
                ours.iter().map(|grant| (grant.identity.clone(), grant.key.clone())).collect();
            // Another process may have settled them before the row was ours.
            let held = work.grants_asked(&self.network, &self.faucet, &asked).await?;
            let mut changed = 0;
            for grant in ours.iter().filter(|grant| held.contains(grant)) {
                let refunded = if grant.refunded.is_none() { Some(self.clock.now()) } else { None };
                work.set_refunded(grant, refunded).await?;
                count(&mut faucet, grant, refunded.is_some());
                changed += 1;
            }
            if changed == 0 {
                return Ok(settled);
            }
            work.set_counted(&faucet).await?;
            work.commit().await?;
            settled += changed;
        }
    }
}

/// A grant of the day that is counted counts for it, unless it was given back.
fn count(faucet: &mut Faucet, grant: &Grant, back: bool) {
    if faucet.day != day(grant.created) {
        return;
    }
    let (grants, amount) = (faucet.day_grants, faucet.day_amount.0);
    (faucet.day_grants, faucet.day_amount) = if back {
        (grants.saturating_sub(1), Atto(amount.saturating_sub(grant.amount.0)))
    } else {
        (grants.saturating_add(1), Atto(amount.saturating_add(grant.amount.0)))
    };
}
