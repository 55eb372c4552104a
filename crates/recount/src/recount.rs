//! A recount, stage by stage.

use apogee_spacemesh::id::{Hash, LayerId};
use apogee_spacemesh_state::{Applied, Heads, State};
use apogee_tortoise::{Config, Interrupt, Layer, OpinionHash};
use serde::{Deserialize, Serialize};

use crate::consequences::Consequences;
use crate::count::{Counted, Floor, Layers, count};
use crate::error::RecountError;
use crate::feed::Feed;
use crate::plan::{Stage, stages};
use crate::progress::Progress;
use crate::report::{Input, LayerReport, NodeSays, Report, StageReport};
use crate::settings::{Estimate, Settings};
use crate::survey::{Survey, survey};
use crate::text;

/// A recount of a copy.
#[derive(Debug)]
pub struct Recount<'a> {
    state: &'a State,
    settings: Settings,
    interrupt: Interrupt,
    heads: Heads,
    stages: Vec<Stage>,
    survey: Survey,
    done: Vec<StageReport>,
    layers: Layers,
    work: u64,
}

/// All that a recount needs to go on with its next stage, beside the copy. It is believed: keep it where only the recount
/// writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    input: Input,
    config: Config,
    #[serde(with = "text::layer")]
    first_genesis: LayerId,
    stages: Vec<StageReport>,
    layers: Layers,
    work: u64,
}

impl Checkpoint {
    /// How many stages were counted.
    #[must_use]
    pub fn stages(&self) -> usize {
        self.stages.len()
    }

    /// As a document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it can fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From a document.
    ///
    /// # Errors
    /// [`RecountError::Checkpoint`] where it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecountError> {
        serde_json::from_slice(bytes).map_err(|_| RecountError::Checkpoint("it is no checkpoint"))
    }
}

impl<'a> Recount<'a> {
    /// Look at all that is to be counted, and check that counting it costs no more than it may.
    ///
    /// # Errors
    /// See [`RecountError`].
    pub fn begin(
        state: &'a State,
        settings: Settings,
        interrupt: Interrupt,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, RecountError> {
        // Nobody starts with other parameters.
        let limits = apogee_tortoise::Limits { layers: 1, ..apogee_tortoise::Limits::DEFAULT };
        apogee_tortoise::Tortoise::new(settings.config, limits)?;
        let heads = state.heads()?;
        let stages = planned(state, &settings, &heads)?;
        let survey = survey(state, &settings, &stages, &interrupt, progress)?;
        let (done, layers, work) = (Vec::new(), Layers::new(), 0);
        Ok(Self { state, settings, interrupt, heads, stages, survey, done, layers, work })
    }

    /// Go on from a checkpoint of a recount of the same copy with the same parameters.
    ///
    /// # Errors
    /// [`RecountError::Checkpoint`].
    pub fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), RecountError> {
        if checkpoint.input != self.survey.input {
            return Err(RecountError::Checkpoint("another input was counted"));
        }
        let same = checkpoint.config == self.settings.config
            && checkpoint.first_genesis == self.settings.first_genesis;
        if !same {
            return Err(RecountError::Checkpoint("it was counted with other parameters"));
        }
        let planned = self.stages.iter().map(|stage| (stage.first.0, stage.last.0));
        let done = checkpoint.stages.iter().map(|stage| (stage.from.0, stage.to.0));
        if checkpoint.stages.len() > self.stages.len() || !planned.zip(done).all(|(one, other)| one == other)
        {
            return Err(RecountError::Checkpoint("other stages were counted"));
        }
        (self.done, self.layers, self.work) = (checkpoint.stages, checkpoint.layers, checkpoint.work);
        Ok(())
    }

    /// What is counted.
    #[must_use]
    pub const fn input(&self) -> &Input {
        &self.survey.input
    }

    /// What counting is estimated to cost.
    #[must_use]
    pub const fn estimate(&self) -> &Estimate {
        &self.survey.estimate
    }

    /// Steps that were taken so far, as [`Limits::work`](crate::Limits::work) counts them.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// Count the next stage. Comes back with whether there was one.
    ///
    /// # Errors
    /// See [`RecountError`]. The stage can be counted again.
    pub fn step(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<bool, RecountError> {
        let Some(&stage) = self.stages.get(self.done.len()) else { return Ok(false) };
        let limits = self.settings.limits;
        let limits = apogee_tortoise::Limits {
            // Genesis is held too, and the layer after the last one may be named.
            layers: limits.layers.saturating_add(2),
            votes: limits.votes,
            work: limits.work.saturating_sub(self.work),
            ..apogee_tortoise::Limits::DEFAULT
        };
        let feed = feed(self.state, &self.settings, self.heads, stage);
        let floor = self.floor(stage)?;
        let (report, layers, work) = count(&feed, floor, limits, &self.interrupt, progress)?;
        self.work = self.work.saturating_add(work);
        self.layers.extend(layers);
        self.done.push(report);
        Ok(true)
    }

    /// All that is needed to go on from here.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            input: self.survey.input,
            config: self.settings.config,
            first_genesis: self.settings.first_genesis,
            stages: self.done.clone(),
            layers: self.layers.clone(),
            work: self.work,
        }
    }

    /// What the recount comes to; `None` before all stages were counted.
    ///
    /// # Errors
    /// [`RecountError::Read`], [`RecountError::Rewards`], [`RecountError::Interrupted`].
    pub fn report(&self) -> Result<Option<Report>, RecountError> {
        let Some(last) = self.done.last().filter(|_| self.done.len() == self.stages.len()) else {
            return Ok(None);
        };
        let mut layers = Vec::new();
        for (&layer, counted) in &self.layers {
            if self.interrupt.asks() {
                return Err(RecountError::Interrupted);
            }
            layers.push(self.layer(LayerId(layer), counted)?);
        }
        let differs = layers.iter().find(|layer| layer.verified && !layer.agrees()).map(|layer| layer.layer);
        let rewards = Consequences::of(self.state, &layers, self.settings.first_genesis, &self.interrupt)?;
        // An early window may have left a layer open that no later one has.
        let open =
            layers.iter().find(|layer| !layer.verified).map(|open| LayerId(open.layer.0.saturating_sub(1)));
        Ok(Some(Report {
            input: self.survey.input,
            config: self.settings.config,
            first_genesis: self.settings.first_genesis,
            verified: open.map_or(last.verified, |open| open.min(last.verified)),
            differs,
            stages: self.done.clone(),
            checks: self.survey.checks.clone(),
            layers,
            rewards,
        }))
    }

    fn layer(&self, layer: LayerId, counted: &Counted) -> Result<LayerReport, RecountError> {
        let row = self.state.layers(&(layer..=layer))?.first().copied();
        let node = row.map(|row| NodeSays {
            executed: row.applied != Applied::NotYet,
            block: match row.applied {
                Applied::Block(block) => Some(block),
                Applied::NotYet | Applied::Empty => None,
            },
            opinion: row.opinion,
        });
        let Counted { verified, recent, block, opinion } = *counted;
        Ok(LayerReport { layer, verified, recent, block, opinion, node })
    }

    /// What to begin a stage with: what earlier stages decided, else what the node held.
    fn floor(&self, stage: Stage) -> Result<Floor, RecountError> {
        if stage.first <= self.settings.config.genesis.later(1) {
            return Ok(None);
        }
        let held = |layer: Layer| -> Result<OpinionHash, RecountError> {
            let ours = self.layers.get(&layer.0).filter(|counted| counted.verified);
            let opinion = match ours {
                Some(counted) => Some(counted.opinion),
                None => opinion(self.state, layer)?,
            };
            Ok(OpinionHash(opinion.unwrap_or_default().0))
        };
        Ok(Some((held(stage.first)?, held(stage.first.earlier(1))?)))
    }
}

pub(crate) fn feed<'a>(state: &'a State, settings: &Settings, heads: Heads, stage: Stage) -> Feed<'a> {
    let config = settings.config;
    Feed { state, config, restarted: config.genesis.0 != settings.first_genesis.0, heads, stage }
}

/// The stages. Where the node held no opinion to begin with, it begins with its first layer.
pub(crate) fn planned(state: &State, settings: &Settings, heads: &Heads) -> Result<Vec<Stage>, RecountError> {
    let config = &settings.config;
    let genesis = config.genesis;
    let last = heads.ballots.map(|last| Layer(last.0)).filter(|last| *last > genesis);
    let last = last.ok_or(RecountError::Nothing(genesis.0))?;
    let applied = heads.applied.map_or(Layer(0), |applied| Layer(applied.0));
    let from = settings.from.map(|from| Layer(from.0));
    // Whatever a file says of layers, no more of them are planned than may be counted.
    let most = settings.limits.layers;
    let first = from.unwrap_or(last.earlier(config.window.saturating_add(config.epoch)));
    let layers = u64::from(last.0.saturating_sub(first.max(genesis).0));
    if layers > u64::from(most) {
        return Err(RecountError::TooMuch { what: "layers", needed: layers, most: most.into() });
    }
    let mut stages = stages(config, from, applied, last);
    if let Some(stage) = stages.first_mut().filter(|stage| stage.first > genesis.later(1)) {
        let known =
            opinion(state, stage.first)?.is_some() && opinion(state, stage.first.earlier(1))?.is_some();
        if !known {
            stage.first = genesis.later(1);
        }
    }
    Ok(stages)
}

fn opinion(state: &State, layer: Layer) -> Result<Option<Hash>, RecountError> {
    let layer = LayerId(layer.0);
    let row = state.layers(&(layer..=layer))?.first().copied();
    Ok(row.and_then(|row| row.opinion).filter(|opinion| !opinion.is_empty()))
}
