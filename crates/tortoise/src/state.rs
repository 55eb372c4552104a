//! Layers of the window, with their blocks and ballots.

use std::collections::{HashMap, VecDeque};

use crate::ballot::Header;
use crate::opinion::Hasher;
use crate::votes::VoteId;
use crate::weight::{Sign, Weight};
use crate::{BallotId, Beacon, Config, Fault, Layer, OpinionHash};

/// A block and what is thought of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    /// What the committee said.
    pub(crate) hare: Sign,
    /// Weight for less weight against, of ballots counted in full.
    pub(crate) margin: Weight,
    /// What the tortoise says.
    pub(crate) validity: Sign,
    /// Whether its content is here: nobody votes for what he has not seen.
    pub(crate) data: bool,
}

impl Block {
    pub(crate) fn new(header: Header) -> Self {
        let (hare, validity, margin) = (Sign::Abstain, Sign::Abstain, Weight::default());
        Self { header, hare, margin, validity, data: false }
    }
}

/// What ballots of one smesher share in an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) beacon: Beacon,
    /// The height of the activation.
    pub(crate) height: u64,
    /// The weight of one share, as a reduced fraction.
    pub(crate) share: (u64, u64),
}

/// A ballot that is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) id: BallotId,
    pub(crate) layer: Layer,
    pub(crate) malicious: bool,
    /// Whether its beacon is not ours; known once it was counted.
    pub(crate) bad_beacon: bool,
    pub(crate) weight: Weight,
    pub(crate) reference: Reference,
    /// Its vote on the layer below its own.
    pub(crate) votes: Option<VoteId>,
}

/// Where a ballot is held: its layer, and which one of it.
pub(crate) type Place = (Layer, usize);

/// A layer of the window.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// What it is taken for where that is asked: see [`Window::evict`].
    pub(crate) layer: Layer,
    /// Weight of ballots that support no block less that of those that do, counted in full.
    pub(crate) empty: Weight,
    /// Whether the committee came to an end.
    pub(crate) terminated: bool,
    /// In order of height and name.
    pub(crate) blocks: Vec<Block>,
    /// Weight of good ballots up to this layer: they do not vote on it.
    pub(crate) uncounted: Weight,
    /// The highest of its blocks that the average smesher can have seen, or that of a layer below.
    pub(crate) height: u64,
    pub(crate) coin: Sign,
    /// Votes of its ballots by what they come to.
    pub(crate) opinions: HashMap<OpinionHash, Option<VoteId>>,
    pub(crate) ballots: Vec<Held>,
    /// Ours.
    pub(crate) opinion: OpinionHash,
    /// Whether ours builds on that of the layer below.
    pub(crate) linked: bool,
}

/// The layers behind the highest evicted one.
#[derive(Debug)]
pub(crate) struct Window {
    evicted: Layer,
    /// Our opinion on that.
    evicted_opinion: OpinionHash,
    slots: VecDeque<Slot>,
    most: u32,
    hasher: Hasher,
}

impl Window {
    pub(crate) fn new(evicted: Layer, most: u32) -> Self {
        let (evicted_opinion, slots, hasher) = (OpinionHash::default(), VecDeque::new(), Hasher::default());
        Self { evicted, evicted_opinion, slots, most, hasher }
    }

    /// From `layer` on, whose opinion builds on `previous`.
    pub(crate) fn begin(
        layer: Layer,
        opinion: OpinionHash,
        previous: OpinionHash,
        most: u32,
    ) -> Result<Self, Fault> {
        let mut window = Self::new(layer.earlier(1), most);
        window.evicted_opinion = previous;
        let first = window.reach(layer)?;
        (first.opinion, first.linked) = (opinion, true);
        Ok(window)
    }

    /// The highest layer that is no longer held.
    pub(crate) const fn evicted(&self) -> Layer {
        self.evicted
    }

    /// The lowest layer that is held.
    pub(crate) const fn first(&self) -> Layer {
        self.evicted.later(1)
    }

    pub(crate) fn get(&self, layer: Layer) -> Option<&Slot> {
        self.slots.get(self.index(layer)?)
    }

    pub(crate) fn get_mut(&mut self, layer: Layer) -> Option<&mut Slot> {
        let index = self.index(layer)?;
        self.slots.get_mut(index)
    }

    fn index(&self, layer: Layer) -> Option<usize> {
        layer.0.checked_sub(self.first().0).map(|index| index as usize)
    }

    /// A layer, which is made with all below it where it was not known.
    pub(crate) fn reach(&mut self, layer: Layer) -> Result<&mut Slot, Fault> {
        let (evicted, most) = (self.evicted, self.most);
        let index = self.index(layer).ok_or(Fault::Evicted { layer, evicted })?;
        if index >= most as usize {
            return Err(Fault::Layers { layer, evicted, most });
        }
        for missing in self.slots.len()..=index {
            let layer = layer.earlier(u32::try_from(index.saturating_sub(missing)).unwrap_or(u32::MAX));
            self.slots.push_back(Slot { layer, ..Slot::default() });
        }
        self.slots.get_mut(index).ok_or(Fault::Evicted { layer, evicted })
    }

    /// A ballot by its place; none where that is evicted.
    pub(crate) fn ballot(&self, (layer, index): Place) -> Option<&Held> {
        self.get(layer)?.ballots.get(index)
    }

    /// Forget the layers below `start`. They come back from the lowest up.
    ///
    /// A node looks each of them up once more by its distance from the first one, after those below it are gone. Once
    /// that is more than half of all layers it finds none there, and makes one, which then serves as a later layer but
    /// goes on under the number that it was made for. Whoever is to agree with nodes has to do so too.
    pub(crate) fn evict(&mut self, start: Layer) -> Vec<Slot> {
        let first = self.first();
        let mut evicted = Vec::new();
        for layer in first.until(start) {
            let distance = layer.0.saturating_sub(first.0) as usize;
            while let Some(missing) = distance.checked_sub(self.slots.len()) {
                let made = layer.earlier(u32::try_from(missing).unwrap_or(u32::MAX));
                self.slots.push_back(Slot { layer: made, ..Slot::default() });
            }
            let slot = self.slots.pop_front().unwrap_or_default();
            self.evicted = layer;
            self.evicted_opinion = slot.opinion;
            evicted.push(slot);
        }
        evicted
    }

    /// Where votes are held: those of ballots, and those kept by what they come to.
    pub(crate) fn tops(&mut self) -> impl Iterator<Item = &mut Option<VoteId>> {
        self.slots.iter_mut().flat_map(|slot| {
            slot.ballots.iter_mut().map(|ballot| &mut ballot.votes).chain(slot.opinions.values_mut())
        })
    }

    /// The height to begin a layer with: that of the next layer below that has blocks, and how many were looked at.
    pub(crate) fn height_below(&self, layer: Layer) -> (u64, u64) {
        let mut looked = 0_u64;
        for at in self.first().until(layer).rev() {
            looked = looked.saturating_add(1);
            if let Some(slot) = self.get(at).filter(|slot| !slot.blocks.is_empty()) {
                return (slot.height, looked);
            }
        }
        (0, looked)
    }

    /// Form our opinion on a layer anew: by the committee where it is recent, else by validity.
    ///
    /// Comes back with whether it changed.
    pub(crate) fn form(&mut self, layer: Layer, config: &Config, last: Layer) -> bool {
        let below = layer.earlier(1);
        let below = if below == self.evicted {
            Some(self.evicted_opinion)
        } else {
            self.get(below).map(|slot| slot.opinion)
        };
        let Some(index) = self.index(layer) else { return false };
        let Some(slot) = self.slots.get_mut(index) else { return false };
        self.hasher.begin(below.filter(|_| slot.linked).as_ref());
        if !slot.terminated {
            self.hasher.abstain();
        } else {
            let recent = config.is_recent(slot.layer, last);
            for block in &slot.blocks {
                if (if recent { block.hare } else { block.validity }) == Sign::Support {
                    self.hasher.support(&block.header);
                }
            }
        }
        let opinion = self.hasher.end();
        std::mem::replace(&mut slot.opinion, opinion) != opinion
    }
}
