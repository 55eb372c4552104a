//! The cheap way: ballots that agree with us in everything vote as we do, so their weight alone decides.

use crate::state::{Block, Place};
use crate::tally::decide;
use crate::weight::Sign;
use crate::{Fault, Layer, Tortoise};

impl Tortoise {
    /// Count a ballot if it is good: with our beacon, with our opinion of the layer below it, and by a smesher who could
    /// see the blocks of that.
    pub(crate) fn count_good(&mut self, place: Place) -> Result<(), Fault> {
        let Some(ballot) = self.window.ballot(place) else { return Ok(()) };
        let Some(below) = self.window.get(ballot.layer.earlier(1)) else { return Ok(()) };
        let agrees = below.opinion == self.votes.opinion(ballot.votes);
        if ballot.bad_beacon || !agrees || below.height > ballot.reference.height {
            return Ok(());
        }
        let (layer, weight) = (ballot.layer, ballot.weight);
        self.spend(u64::from(self.processed.0.saturating_sub(layer.0)))?;
        for at in layer.up_to(self.processed) {
            if let Some(slot) = self.window.get_mut(at) {
                slot.uncounted = slot.uncounted.plus(weight)?;
            }
        }
        self.good = self.good.plus(weight)?;
        Ok(())
    }

    /// Count good ballots above a layer once more.
    pub(crate) fn recount_good(&mut self, voted: Layer) -> Result<(), Fault> {
        let uncounted = self.window.get(voted).map(|slot| slot.uncounted).unwrap_or_default();
        self.good = uncounted;
        for layer in voted.later(1).up_to(self.processed) {
            if let Some(slot) = self.window.get_mut(layer) {
                slot.uncounted = uncounted;
            }
        }
        for layer in voted.later(1).up_to(self.processed) {
            let ballots = self.window.get(layer).map_or(0, |slot| slot.ballots.len());
            self.spend((ballots as u64).saturating_add(1))?;
            for index in 0..ballots {
                self.count_good((layer, index))?;
            }
        }
        Ok(())
    }

    /// Decide on a layer as we vote, if good ballots above it have the weight for that even when all that is missing
    /// votes against. `None` if it stays open, else whether anything changed.
    pub(crate) fn verify_good(&mut self, target: Layer) -> Result<Option<bool>, Fault> {
        let Some(slot) = self.window.get(target).filter(|slot| slot.terminated) else { return Ok(None) };
        let (blocks, height) = (slot.blocks.len() as u64, slot.height);
        let mut margin = self.good.minus(slot.uncounted)?;
        self.spend(blocks.saturating_add(1))?;
        let expected = self.expected(target)?;
        let missing = expected.minus(margin)?;
        if missing.is_positive() {
            margin = margin.minus(missing)?;
        }
        if margin.against(self.global(expected)?) != Sign::Support {
            return Ok(None);
        }
        let decision = |block: &Block| {
            if block.header.height > height { Sign::Abstain } else { self.own_vote(block, self.last) }
        };
        let slot = self.window.get(target);
        let decisions = slot.map(|slot| slot.blocks.iter().map(decision).collect()).unwrap_or_default();
        Ok(self.window.get_mut(target).and_then(|slot| decide(slot, decisions)))
    }
}
