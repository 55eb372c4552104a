//! What a good attempt began, and others see the end of: deals.

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{FOLLOWED, LaneKey, Page, StoreError};

use super::verdicts::Found;
use super::{Desk, DeskError};
use crate::deals::{Word, come_to, rested};
use crate::entry::{Basis, Settled};

/// What is known of a deal that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The id that it was offered under.
    pub id: String,
    /// Its number on the chain, where it is there.
    pub deal: Option<u64>,
    /// What the chain says of it.
    pub word: Word,
    /// The final epoch whose state says so.
    pub state: Epoch,
    /// When it was made.
    pub made: Timestamp,
    /// When it has to be in force.
    pub start: Timestamp,
    /// How far the miner fetched the data, bytes.
    pub fetched: u64,
    /// Bytes of the data.
    pub size: u64,
}

impl Desk<'_> {
    /// Say what became of a slot whose deal was followed, where that is known by now. Whether it was said: `false` also where the slot is not followed, since
    /// it was judged before, or is not yet, since its attempt may still turn out to be worth nothing.
    ///
    /// # Errors
    /// The database's. [`StoreError::Passed`] is one of them: the network was indexed up to the epoch meanwhile, and a later one goes well.
    pub async fn settle_followed(
        &self,
        key: &LaneKey,
        slot: u64,
        fate: Fate,
        (now, epoch): (Timestamp, Epoch),
    ) -> Result<bool, DeskError> {
        let page = Page { after: slot.checked_add(1), limit: 1 };
        let found = self.store.slots(key, page).await?.pop();
        let followed = found.filter(|row| row.slot == slot && row.verdict.is_none() && row.look == FOLLOWED);
        let Some(followed) = followed else { return Ok(false) };
        let Fate { id, deal, word, state, made, start, fetched, size } = fate;
        // Who could have the data matters for what never came on the chain alone.
        let away = match word {
            Word::Late { published: false } => {
                self.store.bots_without_data(key, made, start).await? >= self.plan.agreeing()
            }
            _ => false,
        };
        let (rests, seen) = self.rests_known(made, start).await?;
        let settled = Settled { id, deal, word, state, made, start, fetched, size, away };
        let rest = rested(&rests.of(key.kind, &key.miner), (made, start));
        let Some((outcome, code)) = come_to(self.plan.success_at, word, settled.around(rest)) else {
            return Ok(false);
        };
        let basis = Basis { seen, first: made, last: start };
        let found = Found { outcome, code, basis, deal: Some(settled) };
        let mut work = self.store.begin().await?;
        match self.found(&mut *work, &followed, found, (now, epoch)).await {
            Ok(()) => {}
            // Somebody else was faster.
            Err(DeskError::Store(StoreError::Conflict { .. })) => return Ok(false),
            Err(error) => return Err(error),
        }
        work.commit().await?;
        Ok(true)
    }
}
