//! Deriving rows again and comparing them with those in the database.

use apogee_domain::{Change, Digest, Epoch, SeriesName, Subject, Value};
use apogee_filecoin::source::SourceError;
use apogee_filecoin::types::Tipset;
use apogee_store::{AppliedEpoch, CheckRecord, EpochKind, EpochRecord};
use serde::Serialize;

use crate::fold::Fold;
use crate::pipeline::{Stands, key};
use crate::stored::{self, Rows};
use crate::views::execution;
use crate::worker::Worker;
use crate::{IndexError, Indexer, VIEWS, checks};

/// Batches whose steps are compared together.
const CHUNK: u32 = 32;

/// What deriving a range again found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The first epoch that was compared. Null rounds are derived with the tipset that ends them, so it may lie before the one asked for.
    pub from: Epoch,
    /// The last epoch that was compared; it may lie after the one asked for.
    pub to: Epoch,
    /// How many steps were derived.
    pub steps: u64,
    /// The digest of the last epoch, derived on top of the stored digest before `from`.
    pub digest: Digest,
    /// The checks made on the way.
    pub checks: Vec<CheckRecord>,
    /// Where the database first differs; `None` when it holds exactly what was derived. What follows it was not looked at.
    pub difference: Option<Difference>,
}

/// A row that is not what follows from the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The epoch of the row.
    pub epoch: Epoch,
    /// The series, where the row is a step; `None` where it is the epoch's own record.
    pub series: Option<SeriesName>,
    /// Whose series.
    pub subject: Option<Subject>,
    /// What of the row: `value` of a step; `key`, `digest`, `blocks`, … of a record.
    pub field: &'static str,
    /// What the database has; `None` when it has no such row.
    pub stored: Option<String>,
    /// What follows from the chain; `None` when no such row does.
    pub derived: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        write!(f, "epoch {}", self.epoch)?;
        if let (Some(series), Some(subject)) = (&self.series, &self.subject) {
            write!(f, ", {} of {subject}", series.as_str())?;
        }
        write!(f, ": the {} is {}, but {} follows", self.field, or(&self.stored), or(&self.derived))
    }
}

impl Indexer {
    /// Derive the rows of `from..=to` again from the source, and compare them and the epochs' records and digests with the database, which
    /// is only read.
    ///
    /// What was derived before `from` is taken from the database as it is. What executing the last tipset did is part of the epoch after it.
    /// Checks are made again, but their counts are not compared: how many nodes are read depends on what is at hand.
    ///
    /// # Errors
    /// [`IndexError::NotIndexed`] where the range is not all in the database, [`IndexError::Views`] where other views derived it, and when
    /// the source or the database fails.
    pub async fn verify(&self, from: Epoch, to: Epoch) -> Result<Verification, IndexError> {
        let cursor = self.store.cursor(&self.network.id).await?;
        let newest = cursor.as_ref().map(|cursor| cursor.epoch);
        let not_indexed = || IndexError::NotIndexed { from, to, newest };
        let cursor = cursor.filter(|cursor| from <= to && to <= cursor.epoch).ok_or_else(not_indexed)?;
        if cursor.views != VIEWS {
            return Err(IndexError::Views { found: cursor.views, expected: VIEWS });
        }
        let first = self.stored(from).await?.ok_or_else(not_indexed)?;
        let mut to = self.stored(to).await?.ok_or_else(not_indexed)?;
        while to.kind == EpochKind::Null {
            to = self.stored(to.epoch.plus(1)).await?.ok_or_else(not_indexed)?;
        }
        let mut again = Again::from(self, &first).await?;
        again.run(to.epoch).await?;
        Ok(again.found)
    }

    async fn stored(&self, epoch: Epoch) -> Result<Option<EpochRecord>, IndexError> {
        Ok(self.store.epoch(&self.network.id, epoch).await?)
    }
}

/// A derivation on top of what the database says of the epoch before.
struct Again<'a> {
    indexer: &'a Indexer,
    /// Only away while it derives.
    worker: Option<Worker>,
    stands: Option<Stands>,
    next: Epoch,
    found: Verification,
}

impl<'a> Again<'a> {
    async fn from(indexer: &'a Indexer, first: &EpochRecord) -> Result<Self, IndexError> {
        let (store, network) = (&*indexer.store, &indexer.network);
        // Only the oldest epoch is its own parent.
        let before = match first.parent < first.epoch {
            true => indexer.stored(first.parent).await?,
            false => None,
        };
        let (mut fold, mut digest, mut stands, mut next) =
            (Fold::default(), Digest::default(), None, first.epoch);
        if let Some(before) = before {
            // When its own child was applied, what executing it did was still to come.
            let at = |name: &SeriesName| match execution::has(name) {
                true => before.epoch.minus(1),
                false => before.epoch,
            };
            fold = Fold::load(store, &network.id, at).await?;
            digest = before.digest;
            let tipset = indexer.source.tipset(&key(&before.key)?).await?;
            let above = indexer.parent_epoch(&tipset).await?;
            (stands, next) = (Some((tipset, above)), before.epoch.plus(1));
        }
        let worker = indexer.worker(fold, digest);
        let found =
            Verification { from: next, to: next, steps: 0, digest, checks: Vec::new(), difference: None };
        Ok(Self { indexer, worker: Some(worker), stands, next, found })
    }

    async fn run(&mut self, to: Epoch) -> Result<(), IndexError> {
        let head = self.indexer.source.head().await?;
        if head.epoch() < to {
            let what = format!("epoch {to}, beyond its head at {}", head.epoch());
            return Err(SourceError::Missing { what, source_name: self.indexer.source.name().into() }.into());
        }
        while self.next <= to && self.found.difference.is_none() {
            let (start, before) = (self.next, self.stands.as_ref().map(|(tipset, _)| tipset.epoch()));
            let mut rows = Rows::new();
            for _ in 0..CHUNK {
                if self.next > to || self.found.difference.is_some() {
                    break;
                }
                let tipsets = self.tipsets(&head, to).await?;
                self.batch(tipsets, to, &mut rows).await?;
            }
            self.found.steps += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            if self.next > start {
                let different = self.compare(&rows, start, before).await?;
                // A step tells more than the digest of the epoch that it belongs to.
                let more = |record: &Difference, step: &Difference| {
                    step.epoch < record.epoch || step.epoch == record.epoch && record.field == "digest"
                };
                if let Some(step) = different
                    && self.found.difference.as_ref().is_none_or(|record| more(record, &step))
                {
                    self.found.difference = Some(step);
                }
            }
        }
        Ok(())
    }

    /// The next tipsets on the source's chain up to `to`; none when it has no more.
    async fn tipsets(&self, head: &Tipset, to: Epoch) -> Result<Vec<Tipset>, IndexError> {
        let mut end = self.next;
        loop {
            end = end.plus(self.indexer.options.batch.max(1) - 1).min(to);
            let tipsets = self.indexer.source.range(head.key(), self.next, end).await?;
            if !tipsets.is_empty() || end >= to {
                return Ok(tipsets);
            }
            end = end.plus(1);
        }
    }

    /// Derive these tipsets; compare the epochs' records at once and keep the steps.
    async fn batch(&mut self, tipsets: Vec<Tipset>, to: Epoch, rows: &mut Rows) -> Result<(), IndexError> {
        let (Some(first), Some(last)) = (tipsets.first(), tipsets.last()) else {
            let stored = self.indexer.stored(to).await?.map(|row| row.key);
            self.found.difference = Some(record(to, "key", stored, None));
            return Ok(());
        };
        let end = last.epoch();
        if let Some((before, _)) = &self.stands
            && first.parents() != *before.key()
        {
            let keys = (before.key().to_string(), first.parents().to_string());
            self.found.difference = Some(record(before.epoch(), "key", Some(keys.0), Some(keys.1)));
            return Ok(());
        }
        let (steps, stands) = self.indexer.linked(self.stands.take(), tipsets).await?;
        let seed = (self.indexer.options.entropy)();
        let Some(mut worker) = self.worker.take() else { return Ok(()) };
        let (worker, epochs) = tokio::task::spawn_blocking(move || {
            let epochs = worker.epochs(&steps, &seed);
            (worker, epochs)
        })
        .await
        .map_err(IndexError::Worker)?;
        self.indexer.not_cut_short(&worker.trouble())?;
        (self.found.to, self.found.digest) = (end, worker.digest());
        (self.worker, self.stands, self.next) = (Some(worker), stands, end.plus(1));
        for AppliedEpoch { record: derived, changes } in epochs {
            checks::add(&mut self.found.checks, &derived.checks);
            if self.found.difference.is_none() {
                let stored = self.indexer.stored(derived.epoch).await?;
                self.found.difference = differs(stored.as_ref(), &derived);
            }
            let row = |Change { series, subject, epoch, value }| ((epoch, series, subject), value);
            rows.extend(changes.into_iter().map(row));
        }
        Ok(())
    }

    /// Compare the steps derived from the epochs `start..self.next` with those in the database. `before` is the tipset whose execution the
    /// first of them told.
    async fn compare(
        &self,
        derived: &Rows,
        start: Epoch,
        before: Option<Epoch>,
    ) -> Result<Option<Difference>, IndexError> {
        let network = &self.indexer.network.id;
        let stored =
            stored::steps(&*self.indexer.store, network, (start, self.next.minus(1)), before).await?;
        let differs = |at: &&(Epoch, SeriesName, Subject)| stored.get(*at) != derived.get(*at);
        let first = stored.keys().find(differs).into_iter().chain(derived.keys().find(differs)).min();
        let text = |value: &Option<Value>| value.map_or_else(|| "unknown".into(), |value| value.to_string());
        Ok(first.map(|at| Difference {
            epoch: at.0,
            series: Some(at.1.clone()),
            subject: Some(at.2.clone()),
            field: "value",
            stored: stored.get(at).map(text),
            derived: derived.get(at).map(text),
        }))
    }
}

fn record(epoch: Epoch, field: &'static str, stored: Option<String>, derived: Option<String>) -> Difference {
    Difference { epoch, series: None, subject: None, field, stored, derived }
}

/// The first field in which a record differs from what was derived.
fn differs(stored: Option<&EpochRecord>, derived: &EpochRecord) -> Option<Difference> {
    let Some(stored) = stored else {
        return Some(record(derived.epoch, "key", None, Some(derived.key.clone())));
    };
    let text = |record: &EpochRecord| -> [(&'static str, String); 9] {
        [
            ("kind", format!("{:?}", record.kind)),
            ("key", record.key.clone()),
            ("parent", record.parent.to_string()),
            ("time", format!("{:?}", record.time)),
            ("state root", record.state_root.clone()),
            ("weight", record.weight.to_string()),
            ("base fee", record.base_fee.to_string()),
            ("network version", format!("{:?}", record.network_version)),
            ("blocks", format!("{:?}", record.blocks)),
        ]
    };
    let fields = text(stored).into_iter().zip(text(derived));
    // Which sums are compared depends on whether a node tells of the execution: only what both have is comparable.
    let sums = derived.reconciled.iter().filter_map(|ours| {
        let theirs = stored.reconciled.iter().find(|theirs| theirs.what == ours.what)?;
        Some((("reconciled", format!("{theirs:?}")), ("reconciled", format!("{ours:?}"))))
    });
    let digests = (("digest", stored.digest.to_string()), ("digest", derived.digest.to_string()));
    let mut pairs = fields.chain(sums).chain([digests]);
    let ((field, theirs), (_, ours)) = pairs.find(|((_, theirs), (_, ours))| theirs != ours)?;
    Some(record(derived.epoch, field, Some(theirs), Some(ours)))
}
