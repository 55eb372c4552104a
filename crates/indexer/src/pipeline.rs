//! From a source into a database: ranges are read, verified and derived, and committed in order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Digest, Epoch, Network};
use apogee_filecoin::source::{Blocks, Source, SourceError};
use apogee_filecoin::types::{Tipset, TipsetKey};
#[cfg(feature = "snark")]
use apogee_filecoin::verify::VerifyingKeys;
use apogee_filecoin::verify::{NetworkParams, Verifier};
use apogee_store::{AppliedEpoch, Cursor, Store};

use crate::certificates::Certificates;
use crate::facts::Step;
use crate::fold::Fold;
use crate::fork::{self, Fork};
use crate::worker::Worker;
use crate::{IndexError, checks, finality};

/// Version of the views. Another version derives other rows: a database of another version has to be cleared and indexed again.
pub const VIEWS: u32 = 1;

/// Where fresh randomness comes from: 32 bytes nobody can foresee, for checking signatures in batches.
pub type Entropy = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;

/// How an indexer works.
#[derive(Clone)]
pub struct Options {
    /// Epochs that are derived together and committed in one transaction; at least 1. Rows and digests do not depend on it.
    pub batch: u32,
    /// Randomness for signatures in batches.
    pub entropy: Entropy,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("batch", &self.batch).finish_non_exhaustive()
    }
}

impl Options {
    /// Batches of 64 epochs.
    #[must_use]
    pub const fn new(entropy: Entropy) -> Self {
        Self { batch: 64, entropy }
    }
}

/// Indexes one network from one source into one database.
#[derive(Debug)]
pub struct Indexer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) network: Network,
    pub(crate) params: Arc<NetworkParams>,
    pub(crate) options: Options,
    #[cfg(feature = "snark")]
    keys: Option<Arc<VerifyingKeys>>,
    at: Option<At>,
    certificates: Option<Certificates>,
}

/// Where it stands; forgotten after every failure, so that the database is asked again.
#[derive(Debug)]
struct At {
    cursor: Option<Cursor>,
    tipset: Option<Stands>,
    worker: Worker,
}

/// The newest tipset that was derived, and the epoch of its parent where it is known.
pub(crate) type Stands = (Tipset, Option<Epoch>);

impl Indexer {
    /// An indexer that goes on where the database stands.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        source: Arc<dyn Source>,
        network: Network,
        params: NetworkParams,
        options: Options,
    ) -> Self {
        Self {
            store,
            source,
            network,
            params: Arc::new(params),
            options,
            #[cfg(feature = "snark")]
            keys: None,
            at: None,
            certificates: None,
        }
    }

    /// Check `WinningPoSt` SNARKs with the network's verifying keys; without them they are recorded as not made.
    #[cfg(feature = "snark")]
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<VerifyingKeys>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Index everything from the cursor up to the source's head, and hand back the cursor.
    ///
    /// Where the head's chain has left the indexed one, the epochs since then are unwound first. A head that is indexed already, as that of a
    /// node that lags, changes nothing.
    ///
    /// # Errors
    /// When the source or the database fails, or the fork begins below what is final. What was committed stays; calling again goes on from
    /// there.
    pub async fn backfill_to_head(&mut self) -> Result<Cursor, IndexError> {
        let head = self.source.head().await?;
        if let Some(cursor) = self.store.cursor(&self.network.id).await? {
            match fork::compare(&*self.store, &*self.source, &self.network, &cursor, &head).await? {
                Fork::Ahead => {}
                Fork::Behind => return Ok(cursor),
                Fork::At(common) => {
                    (self.at, self.certificates) = (None, None);
                    fork::unwind(&*self.store, &self.network, &cursor, &common).await?;
                }
            }
        }
        loop {
            let mut at = match self.at.take() {
                Some(at) => at,
                None => self.resume().await?,
            };
            let tipsets = self.next(&at, &head).await?;
            if tipsets.is_empty() {
                at.cursor = self.certify(at.cursor.take(), &head).await?;
                let cursor = at.cursor.clone();
                self.at = Some(at);
                return cursor.ok_or_else(|| {
                    SourceError::Missing { what: "a chain".into(), source_name: self.source.name().into() }
                        .into()
                });
            }
            at = self.batch(at, tipsets).await?;
            self.at = Some(at);
        }
    }

    /// Index what is there, then whatever comes, until `stop` is ready. After a failure it tries again when the source says that the head may
    /// have moved, or after `retry`.
    ///
    /// # Errors
    /// Failures that asking again does not cure: another chain, other views, a fork below what is final.
    pub async fn follow(
        &mut self,
        retry: Duration,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), IndexError> {
        let source = Arc::clone(&self.source);
        let mut stop = std::pin::pin!(stop);
        loop {
            let failed = match self.backfill_to_head().await {
                Ok(cursor) => {
                    tracing::debug!(epoch = %cursor.epoch, digest = %cursor.digest, "indexed");
                    false
                }
                Err(error) if error.may_pass() => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "indexing was interrupted");
                    true
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = source.changed() => {}
                () = tokio::time::sleep(retry), if failed => {}
            }
        }
    }

    /// Check the certificates about what is indexed, and move finality on.
    async fn certify(&mut self, cursor: Option<Cursor>, head: &Tipset) -> Result<Option<Cursor>, IndexError> {
        let Some(mut cursor) = cursor else { return Ok(None) };
        let mut certificates = match self.certificates.take() {
            Some(certificates) => certificates,
            None => {
                let rules = (&self.network, &self.params);
                match Certificates::open(&*self.store, &*self.source, rules, head).await? {
                    Some(certificates) => certificates,
                    None => return Ok(Some(cursor)),
                }
            }
        };
        let (store, source) = (&*self.store, &*self.source);
        loop {
            let seed = (self.options.entropy)();
            let Some(certified) = certificates.next(store, source, &self.network, &cursor, seed).await?
            else {
                break;
            };
            let mut to = cursor.clone();
            to.final_epoch = finality::final_epoch(
                self.network.finality,
                cursor.epoch,
                certified.epoch,
                cursor.final_epoch,
            );
            checks::add(&mut to.checks, &certified.checks);
            let mut work = store.begin().await?;
            work.put_certificates(&self.network.id, &certified.records).await?;
            work.apply(&self.network.id, Some(&cursor), &to, &[]).await?;
            work.commit().await?;
            cursor = to;
        }
        self.certificates = Some(certificates);
        Ok(Some(cursor))
    }

    /// What the database says, and how the source sees it.
    async fn resume(&self) -> Result<At, IndexError> {
        let mut work = self.store.begin().await?;
        work.put_network(&self.network).await?;
        work.commit().await?;
        let cursor = self.store.cursor(&self.network.id).await?;
        let mut fold = Fold::default();
        let mut tipset = None;
        if let Some(cursor) = &cursor {
            if cursor.views != VIEWS {
                return Err(IndexError::Views { found: cursor.views, expected: VIEWS });
            }
            let stands = self.source.tipset(&key(&cursor.key)?).await?;
            tipset = Some((stands.clone(), self.parent_epoch(&stands).await?));
            fold = Fold::load(&*self.store, &self.network.id, |_| cursor.epoch).await?;
        }
        let digest = cursor.as_ref().map_or(Digest::default(), |cursor| cursor.digest);
        let worker = self.worker(fold, digest);
        Ok(At { cursor, tipset, worker })
    }

    /// What derives on top of `fold` and `digest`.
    pub(crate) fn worker(&self, fold: Fold, digest: Digest) -> Worker {
        let blocks = self.source.blocks();
        let verifier = self.verifier(Arc::clone(&blocks));
        Worker::new(self.network.clone(), Arc::clone(&self.params), blocks, verifier, fold, digest)
    }

    fn verifier(&self, blocks: Arc<dyn Blocks>) -> Verifier {
        let verifier = Verifier::new(blocks, Arc::clone(&self.params));
        #[cfg(feature = "snark")]
        if let Some(keys) = &self.keys {
            return verifier.with_keys(Arc::clone(keys));
        }
        verifier
    }

    /// The next tipsets towards `head`; none when it is reached.
    async fn next(&self, at: &At, head: &Tipset) -> Result<Vec<Tipset>, IndexError> {
        let from = match &at.tipset {
            Some((stands, _)) if stands.key() == head.key() => return Ok(Vec::new()),
            Some((stands, _)) => stands.epoch().plus(1),
            None => {
                let oldest = self.source.oldest().await?;
                self.same_chain(&oldest)?;
                oldest.epoch()
            }
        };
        let mut to = from;
        // Null rounds alone make no batch.
        loop {
            to = to.plus(self.options.batch.max(1) - 1);
            let tipsets = self.source.range(head.key(), from, to).await?;
            if !tipsets.is_empty() || to >= head.epoch() {
                return Ok(tipsets);
            }
            to = to.plus(1);
        }
    }

    fn same_chain(&self, oldest: &Tipset) -> Result<(), IndexError> {
        if !oldest.first().is_genesis() || oldest.key().to_string() == self.network.genesis {
            return Ok(());
        }
        Err(IndexError::OtherChain {
            source_name: self.source.name().to_owned(),
            found: oldest.key().to_string(),
            expected: self.network.genesis.clone(),
        })
    }

    /// A source may hand over another branch of the chain, every block of it sound: what is indexed has to be one chain.
    fn child(&self, parent: &Tipset, tipset: &Tipset) -> Result<(), SourceError> {
        if tipset.parents() == *parent.key() {
            return Ok(());
        }
        Err(SourceError::Dishonest {
            what: format!("{tipset:?}"),
            source_name: self.source.name().to_owned(),
            detail: format!(
                "its parents are {}, where {parent:?} was handed over before it",
                tipset.parents()
            ),
        })
    }

    /// The epoch of a tipset's parent; `None` where the source does not hold it.
    pub(crate) async fn parent_epoch(&self, of: &Tipset) -> Result<Option<Epoch>, IndexError> {
        if of.first().is_genesis() {
            return Ok(None);
        }
        match self.source.tipset(&of.parents()).await {
            Ok(parent) => Ok(Some(parent.epoch())),
            Err(SourceError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// These tipsets, each with what came before it. The first one's parent is `stands`.
    pub(crate) async fn linked(
        &self,
        mut stands: Option<Stands>,
        tipsets: Vec<Tipset>,
    ) -> Result<(Vec<Step>, Option<Stands>), IndexError> {
        let mut steps = Vec::with_capacity(tipsets.len());
        for tipset in tipsets {
            if let Some((parent, _)) = &stands {
                self.child(parent, &tipset)?;
            }
            let (parent, grandparent) = stands.map_or((None, None), |(parent, above)| (Some(parent), above));
            let trace = match &parent {
                Some(parent) => self.source.trace(parent).await?,
                None => None,
            };
            let above = match &parent {
                Some(parent) => Some(parent.epoch()),
                None => self.parent_epoch(&tipset).await?,
            };
            stands = Some((tipset.clone(), above));
            steps.push(Step { tipset, parent, grandparent, trace });
        }
        Ok((steps, stands))
    }

    /// Derive these tipsets and commit them.
    async fn batch(&self, at: At, tipsets: Vec<Tipset>) -> Result<At, IndexError> {
        let At { cursor, tipset, mut worker } = at;
        let (steps, stands) = self.linked(tipset, tipsets).await?;
        let seed = (self.options.entropy)();
        let (worker, epochs) = tokio::task::spawn_blocking(move || {
            let epochs = worker.epochs(&steps, &seed);
            (worker, epochs)
        })
        .await
        .map_err(IndexError::Worker)?;
        let to = self.moved(cursor.as_ref(), &worker, &epochs);
        if let Some(to) = &to {
            let mut work = self.store.begin().await?;
            work.apply(&self.network.id, cursor.as_ref(), to, &epochs).await?;
            work.commit().await?;
        }
        Ok(At { cursor: to.or(cursor), tipset: stands, worker })
    }

    /// The cursor after these epochs.
    fn moved(&self, from: Option<&Cursor>, worker: &Worker, epochs: &[AppliedEpoch]) -> Option<Cursor> {
        let last = &epochs.last()?.record;
        let mut sum = from.map_or_else(Vec::new, |cursor| cursor.checks.clone());
        for epoch in epochs {
            checks::add(&mut sum, &epoch.record.checks);
        }
        let before = from.and_then(|cursor| cursor.final_epoch);
        Some(Cursor {
            epoch: last.epoch,
            key: last.key.clone(),
            digest: worker.digest(),
            final_epoch: finality::final_epoch(self.network.finality, last.epoch, None, before),
            views: VIEWS,
            checks: sum,
        })
    }
}

/// The tipset key that a text names.
pub(crate) fn key(text: &str) -> Result<TipsetKey, IndexError> {
    let cids: Result<Vec<_>, _> = text.split(',').map(str::parse).collect();
    cids.map(TipsetKey).map_err(|_| IndexError::CursorKey(text.to_owned()))
}
