//! From a source into a database: ranges are read, verified and derived, and committed in order.

use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Network};
use apogee_filecoin::source::{Blocks, Source, SourceError};
use apogee_filecoin::types::{Tipset, TipsetKey};
#[cfg(feature = "snark")]
use apogee_filecoin::verify::VerifyingKeys;
use apogee_filecoin::verify::{NetworkParams, Verifier};
use apogee_store::{AppliedEpoch, CheckRecord, Cursor, Store};
use tokio::sync::watch;

use crate::certificates::Certificates;
use crate::facts::Step;
use crate::fold::Fold;
use crate::follow::{Status, said};
use crate::fork::{self, Fork};
use crate::nodes::{Nodes, Trouble};
use crate::options::{Doubt, Options};
#[cfg(feature = "snark")]
use crate::proofs::Proofs;
use crate::worker::Worker;
use crate::{IndexError, checks, finality};

/// Version of the views. Another version derives other rows: a database of another version has to be cleared and indexed again.
pub const VIEWS: u32 = 2;

/// Null rounds in a row that are believed. Each is an epoch of its own, and a header can name any height.
const MAX_NULL_ROUNDS: i64 = 10_000;

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
    /// Whether the database knows the network.
    registered: bool,
    at: Option<At>,
    pub(crate) certificates: Option<Certificates>,
    pub(crate) status: watch::Sender<Status>,
}

/// Where it stands; forgotten after every failure, so that the database is asked again.
#[derive(Debug)]
struct At {
    /// Past everything that is derived: where the database stands once all of it is written.
    cursor: Option<Cursor>,
    tipset: Option<Stands>,
    worker: Worker,
}

/// Derived epochs that wait to be written.
struct Batch {
    from: Option<Cursor>,
    to: Cursor,
    epochs: Vec<AppliedEpoch>,
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
        let status = watch::Sender::new(Status { source: source.name().to_owned(), ..Status::default() });
        Self {
            store,
            source,
            network,
            params: Arc::new(params),
            options,
            #[cfg(feature = "snark")]
            keys: None,
            registered: false,
            at: None,
            certificates: None,
            status,
        }
    }

    /// Check SNARKs with the network's verifying keys: the WinningPoSt of every block (without keys recorded as not made), and
    /// every WindowPoSt and proof of replication that messages carry, as the checks `window_post` and `seal` of the epoch that tells their
    /// receipts.
    #[cfg(feature = "snark")]
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<VerifyingKeys>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Index everything from the cursor up to the source's head, and hand back the cursor.
    ///
    /// Where the head's chain has left the indexed one, the epochs since then are unwound first. A head that is indexed already, as that of a
    /// node that lags, changes nothing. A head whose chain cannot be indexed makes the source set aside the endpoints that have it; the heads
    /// of the others are tried next.
    ///
    /// # Errors
    /// When the source or the database fails, the chain does not stand up to its checks ([`Doubt::Stop`]), or the fork begins below what is
    /// final. What was committed stays; calling again goes on from there.
    pub async fn backfill_to_head(&mut self) -> Result<Cursor, IndexError> {
        loop {
            let done = self.once().await;
            let (error, head) = match done {
                Ok(cursor) => {
                    self.status.send_modify(|status| status.error = None);
                    return Ok(cursor);
                }
                Err((error, head)) => (error, head),
            };
            let others = match head.filter(|_| error.blames_the_chain()) {
                Some(head) => self.source.distrust(head.key()),
                None => Vec::new(),
            };
            self.status.send_modify(|status| {
                status.error = Some(said(&error));
                status.set_aside.extend(others.iter().cloned());
            });
            if others.is_empty() {
                return Err(error);
            }
            tracing::error!(error = &error as &dyn std::error::Error, endpoints = ?others, "endpoints are set aside");
        }
    }

    /// One head: the cursor at it, or why not and for which head.
    async fn once(&mut self) -> Result<Cursor, (IndexError, Option<Tipset>)> {
        self.register().await.map_err(|error| (error, None))?;
        let head = self.source.head().await.map_err(|error| (error.into(), None))?;
        self.status.send_modify(|status| status.head = Some(head.epoch()));
        self.reach(&head).await.map_err(|error| (error, Some(head)))
    }

    async fn register(&mut self) -> Result<(), IndexError> {
        if !self.registered {
            let mut work = self.store.begin().await?;
            work.put_network(&self.network).await?;
            work.commit().await?;
            self.registered = true;
        }
        Ok(())
    }

    async fn reach(&mut self, head: &Tipset) -> Result<Cursor, IndexError> {
        if let Some(cursor) = self.store.cursor(&self.network.id).await? {
            self.tell(&cursor);
            match fork::compare(&*self.store, &*self.source, &self.network, &cursor, head).await? {
                Fork::Ahead => {}
                Fork::Behind => return Ok(cursor),
                Fork::At(common) => {
                    self.forget();
                    fork::unwind(&*self.store, &self.network, &cursor, &common).await?;
                }
            }
        }
        let mut at = match self.at.take() {
            Some(at) => at,
            None => self.resume().await?,
        };
        // While one batch is written, the next one is fetched and derived.
        let mut ready = None;
        loop {
            let (written, derived) = tokio::join!(self.write(ready.take()), self.derive(at, head));
            written?;
            (at, ready) = derived?;
            if ready.is_none() {
                break;
            }
        }
        at.cursor = self.certify(at.cursor.take(), head).await?;
        let none = || SourceError::Missing { what: "a chain".into(), source_name: self.source.name().into() };
        let cursor = at.cursor.clone().ok_or_else(none)?;
        self.at = Some(at);
        self.tell(&cursor);
        Ok(cursor)
    }

    /// Ask the database and the source anew from now on.
    pub(crate) fn forget(&mut self) {
        (self.at, self.certificates) = (None, None);
    }

    fn tell(&self, cursor: &Cursor) {
        self.status.send_modify(|status| {
            status.indexed = Some(cursor.epoch);
            status.final_epoch = cursor.final_epoch;
        });
    }

    /// Remove everything that is indexed of the network, so that it can be indexed anew: after the views have changed, or from another start.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&mut self) -> Result<(), IndexError> {
        self.forget();
        self.register().await?;
        let mut work = self.store.begin().await?;
        work.clear(&self.network.id).await?;
        work.commit().await?;
        tracing::warn!(network = %self.network.id, "cleared what was indexed");
        Ok(())
    }

    /// What the database says, and how the source sees it.
    async fn resume(&self) -> Result<At, IndexError> {
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
        let worker = if self.options.doubt == Doubt::Stop { worker.strict() } else { worker };
        Ok(At { cursor, tipset, worker })
    }

    /// What derives on top of `fold` and `digest`.
    pub(crate) fn worker(&self, fold: Fold, digest: Digest) -> Worker {
        let nodes = Nodes::new(self.source.blocks());
        let verifier = self.verifier(Arc::new(nodes.clone()));
        let (network, params) = (self.network.clone(), Arc::clone(&self.params));
        let worker = Worker::new(network, params, (nodes, self.options.reads), verifier, fold, digest);
        #[cfg(feature = "snark")]
        if let Some(keys) = &self.keys {
            return worker.with_proofs(Proofs::new(Arc::clone(keys)));
        }
        worker
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
            None => self.first(head).await?.epoch(),
        };
        let mut to = from;
        // Null rounds alone make no batch.
        while to.since(from) <= MAX_NULL_ROUNDS {
            to = to.plus(self.options.batch.max(1) - 1);
            let tipsets = self.source.range(head.key(), from, to).await?;
            if !tipsets.is_empty() || to >= head.epoch() {
                return Ok(tipsets);
            }
            to = to.plus(1);
        }
        Err(self.dishonest(
            head,
            format!("no tipset of its chain lies in {MAX_NULL_ROUNDS} epochs from {from} on"),
        ))
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

    /// A source may answer with a tipset of another branch, or of an epoch that is far away: what does not follow on the last one is not
    /// derived.
    pub(crate) fn child(&self, parent: &Tipset, tipset: &Tipset) -> Result<(), IndexError> {
        if tipset.parents() != *parent.key() {
            let detail = format!("its parents are not {parent:?}, which comes before it on the chain");
            return Err(self.dishonest(tipset, detail));
        }
        if !(1..=MAX_NULL_ROUNDS).contains(&tipset.epoch().since(parent.epoch())) {
            let detail = format!("it does not follow on {parent:?} within {MAX_NULL_ROUNDS} epochs");
            return Err(self.dishonest(tipset, detail));
        }
        Ok(())
    }

    fn dishonest(&self, tipset: &Tipset, detail: String) -> IndexError {
        let (what, source_name) = (format!("{tipset:?}"), self.source.name().to_owned());
        SourceError::Dishonest { what, source_name, detail }.into()
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

    /// Derive the next tipsets towards `head`; `None` when it is reached. The cursor is then past them.
    async fn derive(&self, at: At, head: &Tipset) -> Result<(At, Option<Batch>), IndexError> {
        let tipsets = self.next(&at, head).await?;
        if tipsets.is_empty() {
            return Ok((at, None));
        }
        let At { cursor, tipset, mut worker } = at;
        let (steps, stands) = self.linked(tipset, tipsets).await?;
        let seed = (self.options.entropy)();
        let (worker, epochs) = tokio::task::spawn_blocking(move || {
            let epochs = worker.epochs(&steps, &seed);
            (worker, epochs)
        })
        .await
        .map_err(IndexError::Worker)?;
        self.stands_up(&worker, &epochs)?;
        let batch = self.moved(cursor.as_ref(), &worker, &epochs).map(|to| Batch {
            from: cursor.clone(),
            to,
            epochs,
        });
        let cursor = batch.as_ref().map(|batch| batch.to.clone()).or(cursor);
        Ok((At { cursor, tipset: stands, worker }, batch))
    }

    async fn write(&self, batch: Option<Batch>) -> Result<(), IndexError> {
        let Some(Batch { from, to, epochs }) = batch else { return Ok(()) };
        let mut work = self.store.begin().await?;
        work.apply(&self.network.id, from.as_ref(), &to, &epochs).await?;
        work.commit().await?;
        self.tell(&to);
        Ok(())
    }

    /// Whether these epochs may be committed.
    fn stands_up(&self, worker: &Worker, epochs: &[AppliedEpoch]) -> Result<(), IndexError> {
        let trouble = worker.trouble();
        self.not_cut_short(&trouble)?;
        if self.options.doubt == Doubt::Record {
            return Ok(());
        }
        let source_name = self.source.name().to_owned();
        for epoch in epochs {
            let failed = |record: &&CheckRecord| record.failed > 0 && !checks::concerns_a_message(record);
            if let Some(check) = epoch.record.checks.iter().find(failed) {
                let detail = check.failures.first().cloned().unwrap_or_default();
                let (epoch, check) = (epoch.record.epoch, check.check.clone());
                return Err(IndexError::Invalid { source_name, epoch, check, detail });
            }
        }
        match trouble.missing {
            Some(cid) => Err(SourceError::Missing { what: format!("block {cid}"), source_name }.into()),
            None => Ok(()),
        }
    }

    /// What could not be asked for, or would not have come to an end, is not unknown.
    pub(crate) fn not_cut_short(&self, trouble: &Trouble) -> Result<(), IndexError> {
        let source_name = self.source.name().to_owned();
        if let Some((epoch, limit)) = trouble.exceeded {
            return Err(IndexError::TooMuch { source_name, epoch, limit });
        }
        match &trouble.failed {
            Some(cause) => Err(SourceError::Unreachable { source_name, cause: cause.clone().into() }.into()),
            None => Ok(()),
        }
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
