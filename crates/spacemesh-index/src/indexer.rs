//! From a source into a database: windows of layers are read, derived, and committed in order.

use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Network};
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_store::{AppliedEpoch, Cursor, Store};
use tokio::sync::watch;

use crate::fold::Fold;
use crate::follow::{Status, said};
use crate::fork::{self, Fork};
use crate::params::{epoch, layer};
use crate::source::{LayerFacts, LayerName, Layers, MOST_LAYERS, Source};
use crate::worker::Worker;
use crate::{IndexError, Params, checks, finality};

/// Version of the views. Another version derives other rows: a database of another version has to be cleared and indexed again.
pub const VIEWS: u32 = 1;

/// Indexes one Spacemesh network from one source into one database.
#[derive(Debug)]
pub struct Indexer {
    store: Arc<dyn Store>,
    source: Arc<dyn Source>,
    network: Network,
    params: Params,
    batch: u32,
    pub(crate) status: watch::Sender<Status>,
}

/// Where it stands.
struct At {
    cursor: Option<Cursor>,
    worker: Worker,
}

impl Indexer {
    /// An indexer that goes on where the database stands.
    ///
    /// # Errors
    /// When the network is not one of Spacemesh, or not that of the parameters.
    pub fn new(
        store: Arc<dyn Store>,
        source: Arc<dyn Source>,
        network: Network,
        params: Params,
    ) -> Result<Self, IndexError> {
        params.check(&network)?;
        let status = watch::Sender::new(Status { source: source.name().to_owned(), ..Status::default() });
        Ok(Self { store, source, network, params, batch: 64, status })
    }

    /// The same, with so many layers in one transaction: 1 to [`MOST_LAYERS`], and 64 unless told. Rows and digests do not depend on it.
    #[must_use]
    pub fn with_batch(mut self, layers: u32) -> Self {
        self.batch = layers.clamp(1, MOST_LAYERS);
        self
    }

    /// Index everything from the cursor up to the source's last executed layer, and hand back the cursor. Layers in which the source differs
    /// from what is indexed are taken back first. A source that is behind changes nothing.
    ///
    /// # Errors
    /// When source or database fail, the source is of another network, or it leaves what is indexed below what is final. What was committed
    /// stays; calling again goes on from there.
    pub async fn reach_head(&mut self) -> Result<Cursor, IndexError> {
        let done = self.once().await;
        let error = done.as_ref().err().map(said);
        self.status.send_modify(|status| status.error = error);
        done
    }

    /// Remove everything that is indexed of the network, so that it can be indexed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&mut self) -> Result<(), IndexError> {
        let mut work = self.store.begin().await?;
        work.clear(&self.network.id).await?;
        work.commit().await?;
        tracing::warn!(network = %self.network.id, "cleared what was indexed");
        Ok(())
    }

    async fn once(&self) -> Result<Cursor, IndexError> {
        let found = self.source.genesis().await?;
        if found != self.params.genesis {
            return Err(IndexError::genesis(&self.params.genesis, &found));
        }
        let nothing = || IndexError::Nothing(self.source.name().to_owned());
        let layers = self.source.layers().await?.ok_or_else(nothing)?;
        let head = *layers.end();
        self.status.send_modify(|status| status.head = Some(epoch(head)));
        let known = self.store.networks().await?.into_iter().find(|known| known.id == self.network.id);
        let mut cursor = match known {
            Some(known) => {
                // Another network of the same name shares the layer before the first with this one.
                self.params.check(&known)?;
                self.store.cursor(&self.network.id).await?
            }
            None => None,
        };
        if let Some(stands) = &cursor {
            self.tell(stands);
            if stands.views != VIEWS {
                return Err(IndexError::Views { found: stands.views, expected: VIEWS });
            }
            match fork::compare(&*self.store, &*self.source, &self.network.id, stands, head).await? {
                Fork::Ahead => {}
                Fork::Behind => return Ok(stands.clone()),
                Fork::At(common) => {
                    fork::unwind(&*self.store, &self.network.id, stands, &common).await?;
                    cursor = self.store.cursor(&self.network.id).await?;
                }
            }
        }
        let first = match &cursor {
            Some(stands) => layer(stands.epoch.plus(1)),
            None => Some(self.first(&layers).await?),
        };
        let Some(next) = first.filter(|next| *next <= head) else {
            return self.settle(cursor.ok_or_else(nothing)?).await;
        };
        let at = self.resume(cursor, next, head).await?;
        self.reach(at, next..=head).await
    }

    /// The layer to begin with: the first that the network pays, or the first of an epoch where the source does not reach back to that.
    async fn first(&self, layers: &Layers) -> Result<LayerId, IndexError> {
        let (found, last) = (*layers.start(), *layers.end());
        let source_name = || self.source.name().to_owned();
        let no_epoch = || IndexError::NoEpoch { source_name: source_name(), first: found, last };
        let expected = self.params.beginning().ok_or_else(no_epoch)?;
        if found <= expected {
            return match found == expected {
                true => Ok(expected),
                false => Err(IndexError::BeforeBeginning { source_name: source_name(), found, expected }),
            };
        }
        // With an epoch's last layer before it, from which sums count.
        let next = EpochId(self.params.epochs().of(found).0.saturating_add(1));
        self.params.epochs().first(next).filter(|first| *first <= last).ok_or_else(no_epoch)
    }

    /// What the database says, with everybody's activations as the source has them now.
    async fn resume(&self, cursor: Option<Cursor>, next: LayerId, head: LayerId) -> Result<At, IndexError> {
        let (mut fold, mut before) = (Fold::default(), Fold::default());
        let digest = cursor.as_ref().map_or(Digest::default(), |cursor| cursor.digest);
        let in_epoch = self.params.epochs().of(next);
        if let Some(cursor) = &cursor {
            fold = Fold::load(&*self.store, &self.network.id, cursor.epoch).await?;
            before = match self.params.epochs().first(in_epoch).filter(|first| *first < next) {
                Some(first) => Fold::load(&*self.store, &self.network.id, epoch(first).minus(1)).await?,
                None => fold.clone(),
            };
        }
        let mut worker = Worker::new(self.network.clone(), self.params, fold, before, digest);
        worker.accuse(&self.source.malfeasant().await?, head);
        worker.enter(in_epoch, self.source.activations(in_epoch).await?);
        Ok(At { cursor, worker })
    }

    /// Nothing is new but how far a recount went, perhaps.
    async fn settle(&self, cursor: Cursor) -> Result<Cursor, IndexError> {
        let verified = self.source.verified().await?.map(epoch);
        let rule = self.network.finality;
        let final_epoch = finality::final_epoch(rule, cursor.epoch, verified, cursor.final_epoch);
        if final_epoch == cursor.final_epoch {
            return Ok(cursor);
        }
        let to = Cursor { final_epoch, ..cursor.clone() };
        let mut work = self.store.begin().await?;
        work.apply(&self.network.id, Some(&cursor), &to, &[]).await?;
        work.commit().await?;
        self.tell(&to);
        Ok(to)
    }

    async fn reach(&self, mut at: At, layers: Layers) -> Result<Cursor, IndexError> {
        let (mut next, head) = (*layers.start(), *layers.end());
        let verified = self.source.verified().await?.map(epoch);
        loop {
            let in_epoch = self.params.epochs().of(next);
            if at.worker.entered() != Some(in_epoch) {
                at.worker.enter(in_epoch, self.source.activations(in_epoch).await?);
            }
            // A batch ends where an epoch does, since the next one has other activations.
            let ends = self.params.epochs().first(EpochId(in_epoch.0.saturating_add(1)));
            let ends = ends.map_or(head, |next| LayerId(next.0.saturating_sub(1)));
            let last = LayerId(next.0.saturating_add(self.batch - 1)).min(ends).min(head);
            let facts = self.facts(&(next..=last)).await?;
            let before = self.anchor(at.cursor.as_ref(), next).await?;
            let (worker, epochs) = derive(at.worker, before, facts).await?;
            let cursor = self.write(at.cursor, &worker, &epochs, verified).await?;
            if last >= head {
                return Ok(cursor);
            }
            at = At { cursor: Some(cursor), worker };
            next = LayerId(last.0.saturating_add(1));
        }
    }

    /// The layer before the first one, where the database is empty.
    async fn anchor(
        &self,
        cursor: Option<&Cursor>,
        next: LayerId,
    ) -> Result<Option<(LayerId, Option<LayerName>)>, IndexError> {
        let Some(before) = next.0.checked_sub(1).map(LayerId).filter(|_| cursor.is_none()) else {
            return Ok(None);
        };
        let names = self.source.names(&(before..=before)).await?;
        Ok(Some((before, names.first().copied())))
    }

    /// What happened in these layers, of which the source may leave none out.
    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, IndexError> {
        let facts = self.source.facts(layers).await?;
        let mut told = facts.iter().map(|facts| facts.name.layer);
        for number in layers.start().0..=layers.end().0 {
            let (found, expected) = (told.next(), LayerId(number));
            if found != Some(expected) {
                return Err(IndexError::Gap { source_name: self.source.name().to_owned(), expected, found });
            }
        }
        if let Some(found) = told.next() {
            let (source_name, expected) = (self.source.name().to_owned(), *layers.end());
            return Err(IndexError::Gap { source_name, expected, found: Some(found) });
        }
        Ok(facts)
    }

    /// One transaction: layers, steps, cursor.
    async fn write(
        &self,
        from: Option<Cursor>,
        worker: &Worker,
        epochs: &[AppliedEpoch],
        verified: Option<Epoch>,
    ) -> Result<Cursor, IndexError> {
        let nothing = || IndexError::Nothing(self.source.name().to_owned());
        let last = &epochs.last().ok_or_else(nothing)?.record;
        let mut sum = from.as_ref().map_or_else(Vec::new, |cursor| cursor.checks.clone());
        for epoch in epochs {
            checks::add(&mut sum, &epoch.record.checks);
        }
        let before = from.as_ref().and_then(|cursor| cursor.final_epoch);
        let to = Cursor {
            epoch: last.epoch,
            key: last.key.clone(),
            digest: worker.digest(),
            final_epoch: finality::final_epoch(self.network.finality, last.epoch, verified, before),
            views: VIEWS,
            checks: sum,
        };
        let mut work = self.store.begin().await?;
        if from.is_none() {
            work.put_network(&self.network).await?;
        }
        work.apply(&self.network.id, from.as_ref(), &to, epochs).await?;
        work.commit().await?;
        self.tell(&to);
        Ok(to)
    }

    fn tell(&self, cursor: &Cursor) {
        self.status.send_modify(|status| {
            status.indexed = Some(cursor.epoch);
            status.final_epoch = cursor.final_epoch;
        });
    }
}

/// Derive on a thread that may take its time.
async fn derive(
    mut worker: Worker,
    before: Option<(LayerId, Option<LayerName>)>,
    facts: Vec<LayerFacts>,
) -> Result<(Worker, Vec<AppliedEpoch>), IndexError> {
    let work = move || {
        let mut epochs = Vec::with_capacity(facts.len() + 1);
        epochs.extend(before.map(|(layer, name)| worker.anchor(layer, name.as_ref())));
        epochs.extend(facts.iter().map(|facts| worker.layer(facts)));
        (worker, epochs)
    };
    tokio::task::spawn_blocking(work).await.map_err(IndexError::Worker)
}
