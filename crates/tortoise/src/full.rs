//! The expensive way: every vote of every ballot.

use crate::ballot::Header;
use crate::state::{Block, Place};
use crate::tally::decide;
use crate::weight::{Sign, Weight};
use crate::{Fault, Layer, Tortoise};

impl Tortoise {
    /// Count all votes of a ballot, unless its beacon puts it off or its smesher cheated.
    pub(crate) fn count_full(&mut self, place: Place) -> Result<(), Fault> {
        let Some(ballot) = self.window.ballot(place).copied() else { return Ok(()) };
        if ballot.bad_beacon {
            let due = ballot.layer.later(self.config.delay);
            if due > self.last {
                self.delayed.entry(due).or_default().push(place);
                return Ok(());
            }
        }
        if ballot.malicious {
            return Ok(());
        }
        let mut steps = 0_u64;
        let evicted = self.window.evicted();
        for vote in self.votes.chain(ballot.votes).take_while(|vote| vote.layer > evicted) {
            steps = steps.saturating_add(1);
            if vote.abstains {
                continue;
            }
            let Some(slot) = self.window.get_mut(vote.layer) else { continue };
            let mut empty = true;
            steps = steps.saturating_add((slot.blocks.len() + vote.supported.len()) as u64);
            let mut supports = vote.supports();
            // A block that is higher than the smesher's activation could not be seen when that was made.
            let seen = |height| height <= ballot.reference.height;
            for block in slot.blocks.iter_mut().filter(|block| seen(block.header.height)) {
                block.margin = if supports(&block.header) {
                    empty = false;
                    block.margin.plus(ballot.weight)?
                } else {
                    block.margin.minus(ballot.weight)?
                };
            }
            slot.empty =
                if empty { slot.empty.plus(ballot.weight)? } else { slot.empty.minus(ballot.weight)? };
        }
        self.spend(steps)
    }

    /// What ballots that were counted already vote on a block that comes now: against, or nothing.
    pub(crate) fn late_margin(&mut self, block: &Header) -> Result<Weight, Fault> {
        let mut margin = Weight::default();
        let mut steps = 0_u64;
        for layer in block.layer.later(1).up_to(self.counted) {
            let Some(slot) = self.window.get(layer) else { continue };
            let seen = slot.ballots.iter().filter(|ballot| ballot.reference.height >= block.height);
            for ballot in seen {
                let mut above = self.votes.chain(ballot.votes).take_while(|vote| vote.layer >= block.layer);
                steps = steps.saturating_add(u64::from(layer.0.saturating_sub(block.layer.0)));
                if above.find(|vote| vote.layer == block.layer).is_some_and(|vote| !vote.abstains) {
                    margin = margin.minus(ballot.weight)?;
                }
            }
        }
        self.spend(steps)?;
        Ok(margin)
    }

    /// Count ballots that were put off to a layer.
    pub(crate) fn count_delayed(&mut self, layer: Layer) -> Result<(), Fault> {
        for place in self.delayed.remove(&layer).unwrap_or_default() {
            self.count_full(place)?;
        }
        Ok(())
    }

    /// Count all that was not counted in full so far.
    pub(crate) fn catch_up(&mut self) -> Result<(), Fault> {
        for layer in self.counted.later(1).max(self.window.first()).up_to(self.processed) {
            let ballots = self.window.get(layer).map_or(0, |slot| slot.ballots.len());
            self.spend((ballots as u64).saturating_add(1))?;
            for index in 0..ballots {
                self.count_full((layer, index))?;
            }
            self.count_delayed(layer)?;
            self.counted = layer;
        }
        Ok(())
    }

    /// Decide on a layer by the margins of its blocks. `None` if it stays open, else whether anything changed.
    pub(crate) fn verify_full(&mut self, target: Layer) -> Result<Option<bool>, Fault> {
        let expected = self.expected(target)?;
        let threshold = self.global(expected)?;
        let Some(slot) = self.window.get_mut(target) else { return Ok(None) };
        let empty = slot.empty.against(threshold) == Sign::Support;
        let blocks = slot.blocks.len() as u64;
        let decided = if slot.blocks.is_empty() {
            empty.then_some(false)
        } else {
            let decision = |block: &Block| match block.margin.against(threshold) {
                Sign::Abstain if empty => Sign::Against,
                decided => decided,
            };
            let decisions = slot.blocks.iter().map(decision).collect();
            decide(slot, decisions)
        };
        self.spend(blocks.saturating_add(1))?;
        Ok(decided)
    }
}
