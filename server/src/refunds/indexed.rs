//! The final part of an indexed chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::{Epoch, NetworkId};
use apogee_faucet::refund::{FinalChain, FinalEpoch, Held, Proofs, Unread, candidates};
use apogee_filecoin::source::{Blocks, Source};
use apogee_filecoin::types::{Tipset, TipsetKey};
use apogee_store::{EpochKind, EpochRecord, Page, Reimbursable, Store, StoreError};
use async_trait::async_trait;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tokio::sync::watch;

/// Records that are read at once.
const WINDOW: u32 = 8;
/// Checks of single messages: whether those were good, their receipts tell. They say nothing of the chain.
const OF_MESSAGES: [&str; 2] = ["seal", "window_post"];

/// What the index says is final and was verified; the blocks come from the source that it was made from.
pub(crate) struct Indexed {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) network: NetworkId,
    pub(crate) prefix: char,
    /// Says when nothing more is to be read.
    pub(crate) end: watch::Receiver<bool>,
}

/// An index that does not have what it should.
#[derive(Debug, thiserror::Error)]
enum Gap {
    #[error("the index has no epoch {wanted}; where it begins later, say `from` in the settings")]
    Missing { wanted: Epoch },
    #[error("the parent of epoch {child} is {parent}, and not {expected}")]
    Parent { child: Epoch, parent: Epoch, expected: Epoch },
    #[error("nothing of epoch {0} was checked; index it again with its blocks, or say a later `from`")]
    Unchecked(Epoch),
    #[error("epoch {0} has no key that reads")]
    Key(Epoch),
    #[error("{0} names no miner")]
    Miner(String),
}

impl Indexed {
    /// The record of the first tipset from an epoch on, up to another.
    async fn tipset_from(&self, from: Epoch, to: Epoch) -> Result<Option<EpochRecord>, Unread> {
        let mut from = from;
        while from <= to {
            let last = from.plus(WINDOW - 1).min(to);
            let page = Page { after: Some(last.plus(1)), limit: WINDOW };
            let mut records = self.store.epochs(&self.network, page).await?;
            records.retain(|record| record.epoch >= from);
            records.reverse();
            // There is a record of every epoch, of null rounds too.
            if records.first().map(|record| record.epoch) != Some(from) {
                return Err(Gap::Missing { wanted: from }.into());
            }
            if let Some(found) = records.into_iter().find(|record| record.kind == EpochKind::Tipset) {
                return Ok(Some(found));
            }
            from = last.plus(1);
        }
        Ok(None)
    }
}

#[async_trait]
impl FinalChain for Indexed {
    async fn next(&self, from: Epoch) -> Result<Option<FinalEpoch>, Unread> {
        let cursor = match self.store.cursor(&self.network).await {
            // Nothing of it was indexed yet.
            Err(StoreError::UnknownNetwork(_)) => return Ok(None),
            cursor => cursor?,
        };
        let Some(last) = cursor.and_then(|cursor| cursor.final_epoch) else { return Ok(None) };
        let Some(record) = self.tipset_from(from, last).await? else { return Ok(None) };
        let Some(child) = self.tipset_from(record.epoch.plus(1), last).await? else { return Ok(None) };
        if child.parent != record.epoch {
            let (child, parent, expected) = (child.epoch, child.parent, record.epoch);
            return Err(Gap::Parent { child, parent, expected }.into());
        }
        let tipset = self.source.tipset(&key(&record)?).await?;
        let verified = passed(&record)? && passed(&child)?;
        let child = self.source.tipset(&key(&child)?).await?;
        let nodes = Readable::of(&*self.source, &self.end);
        Ok(Some(nodes.epoch(tipset, child, self.prefix, verified).await?))
    }

    async fn stand(&self, at: Epoch, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread> {
        let record = self.store.epoch(&self.network, at).await?.ok_or(Gap::Missing { wanted: at })?;
        let state: Cid = record.state_root.parse()?;
        stand(Readable::of(&*self.source, &self.end), state, rows).await
    }
}

/// How the sectors of messages stand in a state. Each miner is read once.
pub(crate) async fn stand(nodes: Readable, state: Cid, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread> {
    let mut asked = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.miner.get(2..).and_then(|id| id.parse::<u64>().ok());
        asked.push((id.ok_or_else(|| Gap::Miner(row.miner.clone()))?, row.sectors.clone()));
    }
    let read = move || {
        let mut miners: BTreeMap<u64, Proofs> = BTreeMap::new();
        let mut stand = Vec::with_capacity(asked.len());
        for (miner, sectors) in asked {
            let proofs = match miners.remove(&miner) {
                Some(known) => known,
                None => Proofs::read(&nodes, &state, miner)?,
            };
            stand.push(proofs.of(&sectors));
            miners.insert(miner, proofs);
        }
        Ok::<_, apogee_filecoin_state::ReadError>(stand)
    };
    Ok(tokio::task::spawn_blocking(read).await??)
}

fn key(record: &EpochRecord) -> Result<TipsetKey, Gap> {
    let cids: Result<Vec<Cid>, _> = record.key.split(',').map(str::parse).collect();
    cids.map(TipsetKey).map_err(|_| Gap::Key(record.epoch))
}

/// Whether nothing that was checked of the chain failed, and no sum differs from what state says. An epoch of which nothing was checked is not
/// passed over: what is refused stays refused.
fn passed(record: &EpochRecord) -> Result<bool, Gap> {
    let of_chain = || record.checks.iter().filter(|check| !OF_MESSAGES.contains(&check.check.as_str()));
    if of_chain().all(|check| check.passed == 0 && check.failed == 0) {
        return Err(Gap::Unchecked(record.epoch));
    }
    let sums = record.reconciled.iter().all(|sum| sum.agrees() != Some(false));
    Ok(sums && of_chain().all(|check| check.failed == 0))
}

/// Blocks that are read until the process is asked to end: threads cannot be cut off.
pub(crate) struct Readable {
    blocks: Arc<dyn Blocks>,
    end: watch::Receiver<bool>,
}

impl Readable {
    pub(crate) fn of(source: &dyn Source, end: &watch::Receiver<bool>) -> Self {
        Self { blocks: source.blocks(), end: end.clone() }
    }

    /// A tipset as an epoch that is final. What is in genesis was executed by nobody.
    pub(crate) async fn epoch(
        self,
        tipset: Tipset,
        child: Tipset,
        prefix: char,
        verified: bool,
    ) -> Result<FinalEpoch, Unread> {
        let mut found = FinalEpoch { epoch: tipset.epoch(), verified, candidates: Vec::new() };
        if !tipset.first().is_genesis() {
            let read = move || candidates(&self, &tipset, &child, prefix);
            found.candidates = tokio::task::spawn_blocking(read).await??;
        }
        Ok(found)
    }
}

impl Blockstore for Readable {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        anyhow::ensure!(!*self.end.borrow(), "block {cid} is not read: the process ends");
        self.blocks.get(cid)
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be written: state is only read")
    }
}

#[cfg(test)]
mod tests {
    use apogee_domain::{Atto, Digest, Timestamp, Value};
    use apogee_store::{CheckRecord, Reconciliation};

    use super::*;

    fn record(checks: &[(&str, u64, u64)], sums: &[(Option<u64>, Option<u64>)]) -> EpochRecord {
        let check = |(name, passed, failed): &(&str, u64, u64)| CheckRecord {
            check: (*name).to_owned(),
            passed: *passed,
            failed: *failed,
            not_made: vec![],
            failures: vec![],
        };
        let sum = |(derived, state): &(Option<u64>, Option<u64>)| Reconciliation {
            what: "awards".to_owned(),
            derived: derived.map(Value::from),
            state: state.map(Value::from),
        };
        EpochRecord {
            epoch: Epoch::default(),
            kind: EpochKind::Tipset,
            key: String::new(),
            parent: Epoch::default(),
            digest: Digest([0; 32]),
            time: Timestamp(0),
            state_root: String::new(),
            weight: Value::from(0_u64),
            base_fee: Atto(0),
            network_version: None,
            blocks: vec![],
            checks: checks.iter().map(check).collect(),
            reconciled: sums.iter().map(sum).collect(),
        }
    }

    #[test]
    fn an_epoch_is_verified_when_nothing_failed_and_no_sum_differs_and_read_when_something_was_checked() {
        let good = ("ticket_vrf", 3, 0);
        let good_for = |record: &EpochRecord| passed(record).unwrap();
        assert!(good_for(&record(&[good], &[])));
        assert!(good_for(&record(&[good], &[(Some(1), Some(1)), (None, Some(1))])));
        // Whoever sends one bad WindowPoSt an epoch would else keep everybody from being paid back.
        assert!(good_for(&record(&[good, ("window_post", 0, 1), ("seal", 1, 2)], &[])));
        assert!(passed(&record(&[], &[])).is_err(), "nothing was checked");
        assert!(passed(&record(&[("window_post", 1, 0)], &[])).is_err(), "nothing of the chain was checked");
        assert!(!good_for(&record(&[good, ("block_signature", 2, 1)], &[])));
        assert!(!good_for(&record(&[good], &[(Some(1), Some(2))])));
    }
}
