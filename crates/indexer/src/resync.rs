//! Going over to a chain that left the indexed one below what is final.

use std::collections::BTreeMap;

use apogee_domain::{Change, Epoch};
use apogee_filecoin::verify::Check;
use apogee_store::{AppliedEpoch, CertificateRecord, CheckRecord, Cursor, EpochKind, EpochRecord, Page};

use crate::views::execution;
use crate::{IndexError, Indexer, VIEWS, checks, fork, stored};

/// Epochs that are read and written together.
const CHUNK: u32 = 2_880;
/// Certificates that are read at once.
const CERTIFICATES: u32 = 1_000;

impl Indexer {
    /// Go back to the newest epoch that the database shares with the chain of the source's head, however deep below what is final, and index
    /// on from there.
    ///
    /// A fork below a final epoch ([`IndexError::BelowFinal`]) means that either the database or the source is wrong; this says that it is the
    /// database. Rows up to the shared epoch are kept; all others go, in one transaction. Only a person may decide that.
    ///
    /// # Errors
    /// [`IndexError::OtherChain`] where nothing is shared: then the network has to be cleared. Otherwise as
    /// [`backfill_to_head`](Self::backfill_to_head).
    pub async fn resync(&mut self) -> Result<Cursor, IndexError> {
        self.forget();
        let head = self.source.head().await?;
        if let Some(cursor) = self.store.cursor(&self.network.id).await? {
            if cursor.views != VIEWS {
                return Err(IndexError::Views { found: cursor.views, expected: VIEWS });
            }
            let shared =
                fork::shared(&*self.store, &*self.source, &self.network, (&cursor, None), &head).await?;
            if shared.epoch < cursor.epoch {
                self.keep_up_to(&cursor, &shared).await?;
            }
        }
        self.backfill_to_head().await
    }

    /// Drop every row above `last`. The journal may be gone, so what stays is written anew.
    async fn keep_up_to(&self, from: &Cursor, last: &EpochRecord) -> Result<(), IndexError> {
        let (store, network) = (&*self.store, &self.network.id);
        let certificates = self.certificates_up_to(last.epoch).await?;
        let mut work = store.begin().await?;
        work.clear(network).await?;
        let mut cursor: Option<Cursor> = None;
        let mut high = None;
        while high.is_none_or(|high| high < last.epoch) {
            let epochs = self.chunk(high, last.epoch).await?;
            let Some(end) = epochs.last().map(|epoch| epoch.record.clone()) else { break };
            let mut sum = cursor.as_ref().map(|cursor| cursor.checks.clone()).unwrap_or_default();
            for epoch in &epochs {
                checks::add(&mut sum, &epoch.record.checks);
            }
            if end.epoch == last.epoch && !certificates.is_empty() {
                checks::add(&mut sum, &[passed(&certificates)]);
            }
            let to = Cursor {
                epoch: end.epoch,
                key: end.key,
                digest: end.digest,
                final_epoch: Some(end.epoch),
                views: VIEWS,
                checks: sum,
            };
            work.apply(network, cursor.as_ref(), &to, &epochs).await?;
            (high, cursor) = (Some(to.epoch), Some(to));
        }
        work.put_certificates(network, &certificates).await?;
        work.commit().await?;
        tracing::warn!(from = %from.epoch, to = %last.epoch, "dropped what the source's chain does not share");
        Ok(())
    }

    /// The next epochs after `after` up to `last` as they were applied; they end with a tipset. Empty when there are no more.
    async fn chunk(&self, after: Option<Epoch>, last: Epoch) -> Result<Vec<AppliedEpoch>, IndexError> {
        let (store, network) = (&*self.store, &self.network.id);
        let low = after.map_or(Epoch::GENESIS, |after| after.plus(1));
        let mut high = low;
        let mut records = loop {
            high = high.plus(CHUNK - 1).min(last);
            let limit = u32::try_from(high.since(low)).unwrap_or(u32::MAX).saturating_add(1);
            let mut records = store.epochs(network, Page { after: Some(high.plus(1)), limit }).await?;
            let nulls = records.iter().take_while(|record| record.kind == EpochKind::Null).count();
            records.drain(..nulls);
            records.retain(|record| record.epoch >= low);
            if !records.is_empty() || high >= last {
                break records;
            }
            high = high.plus(1);
        };
        records.reverse();
        let (Some(start), Some(end)) = (records.first(), records.last()) else { return Ok(Vec::new()) };
        let start = start.epoch;
        let rows = stored::steps(store, network, (start, end.epoch), after).await?;
        let tipsets: Vec<Epoch> =
            records.iter().filter(|one| one.kind == EpochKind::Tipset).map(|one| one.epoch).collect();
        let mut changes: BTreeMap<Epoch, Vec<Change>> = BTreeMap::new();
        for ((epoch, series, subject), value) in rows {
            let applied = match execution::has(&series) {
                true => tipsets.get(tipsets.partition_point(|tipset| *tipset <= epoch)).copied(),
                // Sums of an index that begins later say so at epochs before its first one.
                false => Some(epoch.max(start)),
            };
            if let Some(applied) = applied {
                changes.entry(applied).or_default().push(Change { series, subject, epoch, value });
            }
        }
        let applied = |record: EpochRecord| AppliedEpoch {
            changes: changes.remove(&record.epoch).unwrap_or_default(),
            record,
        };
        Ok(records.into_iter().map(applied).collect())
    }

    async fn certificates_up_to(&self, last: Epoch) -> Result<Vec<CertificateRecord>, IndexError> {
        let mut kept: Vec<CertificateRecord> = Vec::new();
        loop {
            let next = kept.last().map_or(0, |one| one.instance.saturating_add(1));
            let page = self.store.certificates(&self.network.id, next, CERTIFICATES).await?;
            let count = page.len();
            kept.extend(page.into_iter().filter(|one| one.epoch <= last));
            if count < CERTIFICATES as usize || kept.last().is_none_or(|one| one.instance < next) {
                return Ok(kept);
            }
        }
    }
}

/// How the check of certificates went that are kept: only those that passed are in the database.
fn passed(certificates: &[CertificateRecord]) -> CheckRecord {
    CheckRecord {
        check: Check::Certificate.name().to_owned(),
        passed: u64::try_from(certificates.len()).unwrap_or(u64::MAX),
        failed: 0,
        not_made: Vec::new(),
        failures: Vec::new(),
    }
}
