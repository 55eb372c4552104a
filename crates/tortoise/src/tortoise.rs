//! The state machine: what a node tells its tortoise, and what it asks.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::ballot::{Atx, Header};
use crate::decode::Decoded;
use crate::state::{Atxs, Block, Place, Term, Window};
use crate::threshold;
use crate::votes::Votes;
use crate::weight::{Sign, Weight};
use crate::{
    AtxId, BallotId, Beacon, BlockId, Config, Epoch, Fault, Layer, Limits, NodeId, OpinionHash,
};

/// Counts votes and says which blocks are valid.
///
/// Whatever it is told twice, or too late, it takes as a node does. After a [`Fault`] its state means nothing.
#[derive(Debug)]
pub struct Tortoise {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    spent: u64,

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
    /// The lowest layer that changed; zero for none.
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
    /// The lowest layer whose opinion changed since it was applied.
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

    /// Count steps.
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > self.limits.work { Err(Fault::Work(self.limits.work)) } else { Ok(()) }
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

    /// A block and its content are here.
    ///
    /// # Errors
    /// [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_block(&mut self, header: Header) -> Result<(), Fault> {
        if header.layer <= self.window.evicted() {
            return Ok(());
        }
        match self.block_mut(&header)? {
            Some(block) => block.data = true,
            None => self.add_block(Block { data: true, ..Block::new(header) })?,
        }
        Ok(())
    }

    /// Blocks of a layer as a database has them: whether each is valid, and what the committee put out. Layers have to
    /// come in order.
    ///
    /// # Errors
    /// [`Fault::Evicted`], [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_recovered_blocks(
        &mut self,
        layer: Layer,
        blocks: &[(Header, bool)],
        hare: Option<BlockId>,
    ) -> Result<(), Fault> {
        for (header, valid) in blocks {
            if self.block_mut(header)?.is_some() {
                continue;
            }
            let validity = if *valid { Sign::Support } else { Sign::Abstain };
            self.add_block(Block { data: true, validity, ..Block::new(*header) })?;
        }
        self.window.reach(layer)?;
        if let Some(block) = hare {
            return self.on_hare_output(layer, block);
        }
        if !self.config.is_recent(layer, self.last) {
            let slot = self.window.reach(layer)?;
            slot.terminated = true;
            for block in slot.blocks.iter_mut().filter(|block| block.validity == Sign::Abstain) {
                block.validity = Sign::Against;
            }
        }
        Ok(())
    }

    /// The committee of a layer put out a block, or [none](BlockId::EMPTY).
    ///
    /// # Errors
    /// [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_hare_output(&mut self, layer: Layer, output: BlockId) -> Result<(), Fault> {
        if layer <= self.window.evicted() {
            return Ok(());
        }
        let slot = self.window.reach(layer)?;
        slot.terminated = true;
        let mut previous = None;
        for block in &mut slot.blocks {
            if block.hare == Sign::Support {
                previous = Some(block.header.id);
            }
            block.hare = if block.header.id == output { Sign::Support } else { Sign::Against };
        }
        let changed = previous != Some(output);
        if changed && layer <= self.processed && self.config.is_recent(layer, self.last) {
            self.opinion_changed(layer, true)?;
        }
        Ok(())
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

    /// A block by its place.
    pub(crate) fn block_mut(&mut self, header: &Header) -> Result<Option<&mut Block>, Fault> {
        let slot = self.window.reach(header.layer)?;
        Ok(slot.blocks.iter_mut().find(|block| block.header == *header))
    }

    /// Hold a block that was not.
    pub(crate) fn add_block(&mut self, mut block: Block) -> Result<(), Fault> {
        let header = block.header;
        block.margin = self.late_margin(&header)?;
        let slot = self.window.reach(header.layer)?;
        if slot.terminated {
            block.hare = Sign::Against;
        }
        let at = slot.blocks.partition_point(|held| held.header.order() < header.order());
        slot.blocks.insert(at, block);
        let blocks = slot.blocks.len() as u64;
        self.spend(blocks)?;
        self.raise_height(header.layer, header.height)
    }

    /// Raise the height of a layer to that of a block of it, unless that is above what smeshers can have seen.
    pub(crate) fn raise_height(&mut self, layer: Layer, height: u64) -> Result<(), Fault> {
        let Some(most) = self.terms.get(&self.config.epoch_of(layer)).map(|term| term.height) else {
            return Ok(());
        };
        let begin = self.window.get(layer).filter(|slot| slot.height == 0 && slot.layer > self.window.evicted());
        if let Some(from) = begin.map(|slot| slot.layer) {
            let (below, looked) = self.window.height_below(from);
            self.spend(looked)?;
            if let Some(slot) = self.window.get_mut(layer) {
                slot.height = below;
            }
        }
        if let Some(slot) = self.window.get_mut(layer).filter(|slot| height <= most && height > slot.height) {
            slot.height = height;
        }
        Ok(())
    }
}
