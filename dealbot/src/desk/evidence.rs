//! The log of evidence goes on.

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Canary, Page, ProbeBatch, ProbeRest, Work};
use cid::Cid;
use ed25519_dalek::SigningKey;

use super::{Desk, DeskError, NotKept};
use crate::canonical::{self, Bytes, LONGEST, Link, Signed};
use crate::entry::{Entry, Fact, Looked, Rested, Told};
use crate::log::{Batch, MOST, Seal};
use crate::plan::Bot;
use crate::record::{CANARY, Record};

impl Desk<'_> {
    /// Write an entry, in the unit of work that writes what it tells of, and answer its number. Nothing else is to be held after it.
    pub(super) async fn note(
        &self,
        work: &mut dyn Work,
        at: Timestamp,
        fact: Fact,
    ) -> Result<u64, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let number = work.next_log_entry(network, race).await?;
        let document = Entry { number, at, fact }.encode();
        if document.len() > LONGEST {
            return Err(DeskError::TooLong(document.len()));
        }
        work.put_log_entry(network, race, number, &document).await?;
        Ok(number)
    }

    /// Say that nothing counts for a while. Whether that is news.
    ///
    /// # Errors
    /// The database's.
    pub async fn rest(&self, rest: &ProbeRest, now: Timestamp) -> Result<bool, DeskError> {
        let mut work = self.store.begin().await?;
        let fact = Fact::Rest(Rested {
            miner: rest.miner.clone(),
            from: rest.from,
            to: rest.to,
            why: rest.why.clone(),
            said: rest.said,
            statement: rest.statement.clone(),
            signature: rest.signature.clone(),
        });
        let entry = self.note(&mut *work, now, fact).await?;
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        if !work.put_rest(network, race, &ProbeRest { entry, ..rest.clone() }).await? {
            return Ok(false);
        }
        work.commit().await?;
        Ok(true)
    }

    /// Keep, in a unit of work that may be of several races, what a bot found at the organiser's own provider. The first of one moment stands: whether this is it.
    ///
    /// # Errors
    /// The database's.
    pub async fn canary(
        &self,
        work: &mut dyn Work,
        found: &CanaryFound,
        now: Timestamp,
    ) -> Result<bool, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let CanaryFound { record, bytes, signature } = found;
        let told = Told { record: Link(canonical::name(bytes)), signature: Bytes(signature.to_vec()) };
        let known = self.store.canaries(network, race, record.ended, record.ended).await?;
        if known.iter().any(|known| known.bot == record.bot) {
            return Ok(false);
        }
        let fact = Looked { bot: record.bot.clone(), ended: record.ended, code: record.failure, told };
        let entry = self.note(work, now, Fact::Canary(fact)).await?;
        let code = record.failure.map_or("", |code| code.as_str()).to_owned();
        let canary = Canary { bot: record.bot.clone(), at: record.ended, code, entry };
        if !work.put_canary(network, race, &canary, bytes).await? {
            return Err(DeskError::Twice);
        }
        Ok(true)
    }

    /// Close a batch of the entries that no other has, and sign it. `None` where there are none.
    ///
    /// # Errors
    /// The database's, and where what it holds is no log.
    pub async fn close_batch(
        &self,
        key: &SigningKey,
        now: Timestamp,
        epoch: Epoch,
    ) -> Result<Option<Batch>, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let newest = self.store.newest_batch(network, race).await?;
        let newest = newest.map(|row| Batch::decode(&row.document)).transpose()?;
        let head = newest.map(|batch| batch.head());
        let after = head.map_or(0, |head| head.last);
        let entries = self.names(after).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        // A clock that was set back does not end the log.
        let at = head.map_or(now, |head| now.max(head.at));
        let batch = Batch::new(head.as_ref(), entries, epoch, at)?;
        let row = ProbeBatch {
            seq: batch.seq,
            hash: batch.hash(),
            epoch,
            at,
            last: batch.last(),
            document: batch.encode(),
            signature: Seal::of(batch.cid(), key).signature.0,
        };
        let mut work = self.store.begin().await?;
        work.put_batch(network, race, &row).await?;
        work.commit().await?;
        Ok(Some(batch))
    }

    /// The names of the entries of the next batch.
    async fn names(&self, after: u64) -> Result<Vec<Cid>, DeskError> {
        /// Entries that are read at once, with their records.
        const PAGE: u32 = 128;
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let (mut names, mut after) = (Vec::new(), after);
        while names.len() < MOST {
            let left = u32::try_from(MOST.saturating_sub(names.len())).unwrap_or(PAGE);
            let limit = PAGE.min(left);
            let page = self.store.log_entries(network, race, Page { after: Some(after), limit }).await?;
            for entry in &page {
                after = after.saturating_add(1);
                if entry.number != after {
                    return Err(DeskError::Gap(after));
                }
                names.push(canonical::name(&entry.document));
            }
            if page.len() < limit as usize {
                break;
            }
        }
        Ok(names)
    }
}

/// What a bot found at the organiser's own provider, its signature checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryFound {
    record: Record,
    bytes: Vec<u8>,
    signature: [u8; 64],
}

impl CanaryFound {
    /// That of a record of this bot, with this key, and a signature.
    ///
    /// # Errors
    /// [`NotKept`] where the record is none, of something else, or not signed by the bot.
    pub fn read(bot: &Bot, key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> Result<Self, NotKept> {
        let record = Record::decode(bytes)?;
        let of = [
            ("race", record.race == CANARY && record.slot.miner == CANARY),
            ("bot", record.bot == bot.name),
            ("region", record.region == bot.region),
        ];
        if let Some((what, _)) = of.into_iter().find(|(_, same)| !same) {
            return Err(NotKept::Other(what));
        }
        let signature = signature.try_into().map_err(|_| NotKept::Signature)?;
        if !Signed::Canary.verifies(&canonical::name(bytes), key, &signature) {
            return Err(NotKept::Signature);
        }
        Ok(Self { record, bytes: bytes.to_vec(), signature })
    }

    /// When it ended, as the bot says.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.record.ended
    }
}
