//! The log of evidence goes on.

use apogee_domain::{Epoch, Timestamp};
use apogee_store::ProbeBatch;
use cid::Cid;

use super::{Desk, DeskError};
use crate::log::{Batch, Head, MOST};

impl Desk<'_> {
    /// Close a batch of the records that no other has. `None` where there are none.
    ///
    /// # Errors
    /// The database's, and where what it holds is no log.
    pub async fn close_batch(&self, now: Timestamp, epoch: Epoch) -> Result<Option<Batch>, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let most = u32::try_from(MOST).unwrap_or(u32::MAX);
        let attempts = self.store.unlogged(network, race, most).await?;
        if attempts.is_empty() {
            return Ok(None);
        }
        let newest = self.store.newest_batch(network, race).await?;
        let newest = newest.map(|row| Batch::decode(&row.document)).transpose()?;
        let head = newest.map(|batch| Head { seq: batch.seq, hash: batch.hash(), at: batch.at });
        let mut records = Vec::with_capacity(attempts.len());
        for attempt in &attempts {
            let broken = || DeskError::Record {
                miner: attempt.key.miner.clone(),
                slot: attempt.slot,
                attempt: attempt.attempt,
            };
            let cid = attempt.evidence.as_ref().and_then(|evidence| evidence.cid.parse::<Cid>().ok());
            records.push(cid.ok_or_else(broken)?);
        }
        // A clock that was set back does not end the log.
        let at = head.as_ref().map_or(now, |head| now.max(head.at));
        let batch = Batch::new(head.as_ref(), records, epoch, at)?;
        let row = ProbeBatch {
            seq: batch.seq,
            prev: batch.prev,
            hash: batch.hash(),
            epoch,
            at,
            document: batch.encode(),
        };
        let mut work = self.store.begin().await?;
        work.put_batch(network, race, &row, &attempts).await?;
        work.commit().await?;
        Ok(Some(batch))
    }
}
