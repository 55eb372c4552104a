//! The state machine: what a node tells its tortoise, and what it asks.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::ballot::Atx;
use crate::decode::Decoded;
use crate::epochs::{Atxs, Term};
use crate::interrupt::Interrupt;
use crate::state::{Place, Window};
use crate::threshold;
use crate::votes::Votes;
use crate::weight::{Sign, Weight};
use crate::{AtxId, BallotId, Beacon, Config, Epoch, Fault, Layer, Limits, NodeId, OpinionHash};

/// Counts votes and says which blocks are valid.
///
/// Whatever it is told twice, or too late, it takes as a node does. After a [`Fault`] its state means nothing.
#[derive(Debug)]
pub struct Tortoise {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    spent: u64,
    /// Asked whether to go on, and the number of steps at which it is asked next.
    interrupt: Option<(Interrupt, u64)>,

    pub(crate) window: Window,
    pub(crate) votes: Votes,
    pub(crate) terms: BTreeMap<Epoch, Term>,
    pub(crate) atxs: Atxs,
    pub(crate) malicious: HashSet<NodeId>,
    /// Where ballots are held.
    pub(crate) places: HashMap<BallotId, Place>,
    /// Ballots between being decoded and being stored.
    pub(crate) decoded: HashMap<BallotId, Decoded>,
    /// Ballots that wait for our beacon of their epoch, oldest first.
    pub(crate) waiting: VecDeque<Place>,

    /// The highest layer there is.
    pub(crate) last: Layer,
    /// The highest layer whose ballots were counted.
    pub(crate) processed: Layer,
    /// The highest layer up to which all is decided. It may go down.
    pub(crate) verified: Layer,
    /// The lowest layer whose opinion changed since it was applied, or that is to be applied next.
    pub(crate) pending: Layer,
    /// What a smesher's own vote needs.
    pub(crate) local: Weight,
    /// Weight of all good ballots.
    pub(crate) good: Weight,
    /// Whether votes are counted in full.
    pub(crate) full: bool,
    /// The highest layer whose ballots were counted in full.
    pub(crate) counted: Layer,
    /// Ballots with another beacon, by the layer at which they are counted in full.
    pub(crate) delayed: BTreeMap<Layer, Vec<Place>>,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The highest layer there is.
    pub last: Layer,
    /// The highest layer whose ballots were counted.
    pub processed: Layer,
    /// The highest layer up to which all is decided.
    pub verified: Layer,
    /// The highest layer that is no longer held.
    pub evicted: Layer,
    /// The lowest layer whose opinion changed since it was applied, or that is to be applied next.
    pub pending: Layer,
    /// Whether votes are counted in full.
    pub full: bool,
    /// What a smesher's own vote needs.
    pub local_threshold: Weight,
}

impl Tortoise {
    /// At genesis.
    ///
    /// # Errors
    /// [`Fault::Config`].
    pub fn new(config: Config, limits: Limits) -> Result<Self, Fault> {
        config.check()?;
        let genesis = config.genesis;
        let mut window = Window::new(genesis.earlier(1), limits.layers);
        window.reach(genesis)?.terminated = true;
        window.form(genesis, &config, genesis);
        Ok(Self {
            config,
            limits,
            spent: 0,
            interrupt: None,
            window,
            votes: Votes::new(limits.votes),
            terms: BTreeMap::from([(config.epoch_of(genesis), Term::default())]),
            atxs: Atxs::default(),
            malicious: HashSet::new(),
            places: HashMap::new(),
            decoded: HashMap::new(),
            waiting: VecDeque::new(),
            last: genesis,
            processed: genesis,
            // Until the first tally nothing is.
            verified: Layer(0),
            pending: genesis,
            local: Weight::default(),
            good: Weight::default(),
            full: false,
            counted: genesis,
            delayed: BTreeMap::new(),
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            last: self.last,
            processed: self.processed,
            verified: self.verified,
            evicted: self.window.evicted(),
            pending: self.pending,
            full: self.full,
            local_threshold: self.local,
        }
    }

    /// Steps taken so far, as [`Limits::work`] counts them.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.spent
    }

    /// Count steps that were taken before this began.
    pub(crate) const fn resume(&mut self, work: u64) {
        self.spent = work;
    }

    /// Count steps.
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > self.limits.work {
            return Err(Fault::Work(self.limits.work));
        }
        match &mut self.interrupt {
            Some((interrupt, next)) if self.spent >= *next => {
                *next = self.spent.saturating_add(Interrupt::STEPS);
                if interrupt.asks() { Err(Fault::Interrupted) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Ask `interrupt` from now on whether to go on.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = Some((interrupt, self.spent));
    }

    /// Begin at `layer`, the first one of an epoch, in place of genesis: with the opinion that was held on it, and on the
    /// layer before. Has to come before anything else.
    ///
    /// # Errors
    /// [`Fault::Evicted`] where no votes come before; [`Fault::Layers`].
    pub fn recover_from(
        &mut self,
        layer: Layer,
        opinion: OpinionHash,
        previous: OpinionHash,
    ) -> Result<(), Fault> {
        let genesis = self.config.genesis;
        if layer <= genesis {
            return Err(Fault::Evicted { layer, evicted: genesis });
        }
        self.window = Window::begin(layer, opinion, previous, self.limits.layers)?;
        (self.pending, self.verified, self.last) = (layer, layer, layer);
        self.processed = layer.earlier(1);
        Ok(())
    }

    /// Begin from what a database says: blocks are known up to `verified`, ballots up to `last`.
    ///
    /// # Errors
    /// [`Fault::Overflow`].
    pub fn recover(&mut self, verified: Layer, last: Layer) -> Result<(), Fault> {
        self.verified = verified;
        self.update_last(last)
    }

    /// The coin of a layer was tossed.
    ///
    /// # Errors
    /// [`Fault::Layers`].
    pub fn on_weak_coin(&mut self, layer: Layer, heads: bool) -> Result<(), Fault> {
        if layer > self.window.evicted() {
            self.window.reach(layer)?.coin = if heads { Sign::Support } else { Sign::Against };
        }
        Ok(())
    }

    /// The beacon of an epoch was drawn.
    pub fn on_beacon(&mut self, epoch: Epoch, beacon: Beacon) {
        if epoch >= self.config.epoch_of(self.window.first()) {
            self.terms.entry(epoch).or_default().beacon = Some(beacon);
        }
    }

    /// There is an activation for an epoch. It has to come before ballots of it.
    ///
    /// # Errors
    /// [`Fault::Heavy`], [`Fault::Overflow`].
    pub fn on_atx(&mut self, target: Epoch, id: AtxId, atx: Atx) -> Result<(), Fault> {
        self.atxs.add(target, id, atx);
        if i64::try_from(atx.weight).is_err() {
            return Err(Fault::Heavy(id));
        }
        let honest = !self.malicious.contains(&atx.node);
        let term = self.terms.entry(target).or_default();
        if honest {
            term.weight = term.weight.plus(Weight::whole(atx.weight))?;
        }
        if target == self.config.epoch_of(self.last) {
            self.local = threshold::local(term.weight, &self.config)?;
        }
        Ok(())
    }

    /// A smesher cheated: ballots and activations of it that come after this have no weight.
    pub fn on_malfeasance(&mut self, node: NodeId) {
        self.malicious.insert(node);
    }

    /// A layer was applied with an opinion. Comes back with whether that is ours; then only what lies above waits.
    ///
    /// # Errors
    /// [`Fault::Evicted`], [`Fault::Layers`], [`Fault::Work`].
    pub fn on_applied(&mut self, layer: Layer, opinion: OpinionHash) -> Result<bool, Fault> {
        if self.window.reach(layer)?.opinion != opinion {
            return Ok(false);
        }
        let pending = layer.later(1).min(self.processed);
        if std::mem::replace(&mut self.pending, pending) != pending {
            self.evict()?;
        }
        Ok(true)
    }
}
