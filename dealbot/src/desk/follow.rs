//! What a good attempt began, and others see the end of: deals.

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{FOLLOWED, LaneKey, Page, SlotOutcome, SlotVerdict, StoreError};

use super::{Desk, DeskError};
use crate::fault::Code;

impl Desk<'_> {
    /// Say what became of a slot whose deal was followed. Whether it was said: `false` where the slot is not followed, since it was judged before, or is
    /// not yet, since its attempt may still turn out to be worth nothing.
    ///
    /// When nothing counted in between ([`rests`](Self::rests)), whoever follows says so by outcome and code.
    ///
    /// # Errors
    /// The database's. [`StoreError::Passed`] is one of them: the network was indexed up to the epoch meanwhile, and a later one goes well.
    pub async fn settle_followed(
        &self,
        key: &LaneKey,
        slot: u64,
        (outcome, code): (SlotOutcome, Option<Code>),
        now: Timestamp,
        epoch: Epoch,
    ) -> Result<bool, DeskError> {
        let page = Page { after: slot.checked_add(1), limit: 1 };
        let found = self.store.slots(key, page).await?.pop();
        if !found.is_some_and(|row| row.slot == slot && row.verdict.is_none() && row.look == FOLLOWED) {
            return Ok(false);
        }
        let code = code.map_or("", Code::as_str).to_owned();
        let mut work = self.store.begin().await?;
        match work.judge_slot(key, slot, &SlotVerdict { outcome, code, at: now, epoch }).await {
            Ok(()) => {}
            // Somebody else was faster.
            Err(StoreError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        work.commit().await?;
        Ok(true)
    }
}
