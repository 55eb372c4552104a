//! A copy of a node's `state.sql` as a source: everything, ballots and blocks among it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use apogee_spacemesh::ballot::Ballot;
use apogee_spacemesh::check::BallotFault;
use apogee_spacemesh::id::{BallotId, BlockId, EpochId, Epochs, GenesisId, LayerId, SmesherId};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh_state::{
    Applied, GenesisCheck, LayerRow, Limits, NotMade, OpenError, ReadError, RecomputeError, State,
};
use async_trait::async_trait;

use crate::Params;
use crate::source::{
    Activation, BallotFacts, BlockFacts, LayerFacts, LayerName, Layers, Source, SourceError, Verdict,
    WorkedOut,
};

/// Whether the signatures and draws of ballots are checked: a third of a millisecond each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ballots {
    /// All of them.
    Checked,
    /// None: their check is recorded as not made, `switched_off`.
    Taken,
}

/// A copy of a node's `state.sql`.
pub struct CopySource {
    name: String,
    genesis: GenesisId,
    proven: bool,
    verified: Option<LayerId>,
    reader: Reader,
}

/// What the threads that read have of it. One reads at a time.
#[derive(Clone)]
struct Reader {
    state: Arc<Mutex<State>>,
    epochs: Epochs,
    first: LayerId,
    ballots: Ballots,
    /// Activations of an epoch that are held at once.
    most: usize,
}

impl fmt::Debug for CopySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopySource")
            .field("name", &self.name)
            .field("genesis", &self.genesis)
            .finish_non_exhaustive()
    }
}

impl CopySource {
    /// Open the copy at `path`, of the network with these parameters.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing is written in any case.
    pub fn open(path: &Path, params: &Params, limits: Limits, ballots: Ballots) -> Result<Self, OpenError> {
        let state = State::open(path, &params.genesis, limits)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let proven = state.genesis_check() == GenesisCheck::Passed;
        let state = Arc::new(Mutex::new(state));
        let reader =
            Reader { state, epochs: params.epochs(), first: params.first, ballots, most: limits.rows };
        Ok(Self { name, genesis: params.genesis, proven, verified: None, reader })
    }

    /// The same, with the newest layer that a recount of this copy found final.
    #[must_use]
    pub const fn with_verified(mut self, verified: Option<LayerId>) -> Self {
        self.verified = verified;
        self
    }

    /// Read on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader, &State) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let reader = self.reader.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Reading changes nothing, so that a panic leaves nothing half done.
            let state = reader.state.lock().unwrap_or_else(PoisonError::into_inner);
            read(&reader, &state)
        });
        let unreadable = |source: ReadError| SourceError::Unreadable {
            source_name: self.name.clone(),
            source: Box::new(source),
        };
        done.await.map_err(SourceError::Worker)?.map_err(unreadable)
    }
}

#[async_trait]
impl Source for CopySource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn genesis(&self) -> Result<GenesisId, SourceError> {
        if self.proven { Ok(self.genesis) } else { Err(SourceError::Unproven(self.name.clone())) }
    }

    async fn layers(&self) -> Result<Option<Layers>, SourceError> {
        self.read(|_, state| state.executed_layers()).await
    }

    async fn verified(&self) -> Result<Option<LayerId>, SourceError> {
        Ok(self.verified)
    }

    async fn names(&self, layers: &Layers) -> Result<Vec<LayerName>, SourceError> {
        let layers = layers.clone();
        self.read(move |_, state| names(state, &layers)).await
    }

    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, SourceError> {
        let layers = layers.clone();
        self.read(move |reader, state| reader.facts(state, &layers)).await
    }

    async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, SourceError> {
        self.read(move |reader, state| {
            let mut found = Vec::new();
            let Some(published) = epoch.0.checked_sub(1).map(EpochId) else { return Ok(found) };
            state.sweep_activations(published, |one| {
                if found.len() >= reader.most {
                    return Err(ReadError::Rows { table: "atxs", most: reader.most });
                }
                found.push(Activation { smesher: one.smesher, units: one.units, weight: one.weight });
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    async fn malfeasant(&self) -> Result<BTreeMap<SmesherId, Option<i64>>, SourceError> {
        let known = self.read(|_, state| state.malicious()).await?;
        Ok(known.into_iter().map(|(smesher, received)| (smesher, Some(received))).collect())
    }
}

/// Names of layers, with how many ballots they have. Nodes drop old ballots: where a block pays somebody, there was one.
fn names(state: &State, layers: &Layers) -> Result<Vec<LayerName>, ReadError> {
    let counts: BTreeMap<LayerId, u64> = state.ballot_counts(layers)?.into_iter().collect();
    let named = |row: &LayerRow| {
        let counted = counts.get(&row.layer).copied();
        let ballots = match row.applied {
            Applied::Block(_) => counted,
            Applied::Empty | Applied::NotYet => Some(counted.unwrap_or(0)),
        };
        Some(LayerName { layer: row.layer, opinion: row.opinion?, state: row.state, ballots })
    };
    Ok(state.layers(layers)?.iter().filter_map(named).collect())
}

impl Reader {
    fn facts(&self, state: &State, layers: &Layers) -> Result<Vec<LayerFacts>, ReadError> {
        let names: BTreeMap<LayerId, LayerName> =
            names(state, layers)?.into_iter().map(|name| (name.layer, name)).collect();
        let mut rewards: BTreeMap<LayerId, Vec<Reward>> = BTreeMap::new();
        for reward in state.rewards(layers)? {
            rewards.entry(reward.layer).or_default().push(reward);
        }
        let mut ballots = self.ballots(state, layers)?;
        let mut facts = Vec::new();
        for row in state.layers(layers)? {
            let Some(name) = names.get(&row.layer) else { continue };
            let block = match row.applied {
                Applied::NotYet => continue,
                Applied::Empty => None,
                Applied::Block(id) => Some(self.block(state, row.layer, id)?),
            };
            facts.push(LayerFacts {
                name: *name,
                block,
                rewards: rewards.remove(&row.layer).unwrap_or_default(),
                ballots: name.ballots.map(|_| ballots.remove(&row.layer).unwrap_or_default()),
            });
        }
        Ok(facts)
    }

    /// What a block comes to. Damage stops; that a node has forgotten something does not.
    fn block(&self, state: &State, layer: LayerId, id: BlockId) -> Result<BlockFacts, ReadError> {
        let transactions = match state.block(&id)? {
            Some(row) => row.block.transactions.len(),
            None => 0,
        };
        let transactions = u32::try_from(transactions).unwrap_or(u32::MAX);
        let fees = match state.fees(layer, id) {
            Ok(fees) => Some(fees),
            Err(RecomputeError::Read(error)) => return Err(error),
            Err(_) => None,
        };
        let worked_out = match state.recompute_rewards(&(layer..=layer), self.first) {
            Ok(rewards) => WorkedOut::Rewards(rewards),
            Err(RecomputeError::Read(error)) => return Err(error),
            Err(RecomputeError::Block { .. }) => WorkedOut::NotMade("no_block"),
            Err(RecomputeError::Activation { .. }) => WorkedOut::NotMade("no_activation"),
            Err(error) => WorkedOut::Failed(error.to_string()),
        };
        Ok(BlockFacts { id: Some(id), transactions, fees, worked_out })
    }

    fn ballots(
        &self,
        state: &State,
        layers: &Layers,
    ) -> Result<BTreeMap<LayerId, Vec<BallotFacts>>, ReadError> {
        let verdicts = match self.ballots {
            Ballots::Checked => Some(Verdicts::of(state, layers, self.epochs)?),
            Ballots::Taken => None,
        };
        let mut found: BTreeMap<LayerId, Vec<BallotFacts>> = BTreeMap::new();
        for ballot in state.ballots(layers)? {
            let verdict = match &verdicts {
                None => Verdict::NotMade("switched_off"),
                Some(verdicts) => verdicts.about(&ballot),
            };
            found.entry(ballot.inner.layer).or_default().push(BallotFacts {
                smesher: ballot.smesher,
                slots: ballot.proofs.iter().map(|slot| slot.index).collect(),
                declared: ballot.inner.epoch.map(|epoch| epoch.slots),
                verdict,
            });
        }
        Ok(found)
    }
}

/// What became of the ballots that are not sound.
struct Verdicts {
    failed: BTreeMap<BallotId, BallotFault>,
    not_made: BTreeMap<BallotId, NotMade>,
}

impl Verdicts {
    fn of(state: &State, layers: &Layers, epochs: Epochs) -> Result<Self, ReadError> {
        let report = state.check_ballots(layers, epochs)?;
        Ok(Self {
            failed: report.failed.into_iter().collect(),
            not_made: report.not_made.into_iter().collect(),
        })
    }

    fn about(&self, ballot: &Ballot) -> Verdict {
        let id = ballot.id();
        if let Some(fault) = self.failed.get(&id) {
            return Verdict::Unsound(fault.to_string());
        }
        match self.not_made.get(&id) {
            None => Verdict::Sound,
            Some(NotMade::Reference) => Verdict::NotMade("no_reference"),
            Some(NotMade::Activation) => Verdict::NotMade("no_activation"),
            Some(NotMade::Nonce) => Verdict::NotMade("no_nonce"),
        }
    }
}
