//! Layers in order: whose votes are counted, what that decides, what is no longer needed.

use crate::state::{Block, Place, Slot};
use crate::threshold;
use crate::weight::Sign;
use crate::{Fault, Layer, Tortoise};

/// Up to where a run decided, and the lowest layer that it decided anew.
struct Run {
    verified: Layer,
    changed: Option<Layer>,
}

impl Tortoise {
    /// Count the votes of all layers up to `last`, which is the highest one there is unless a higher one was seen.
    ///
    /// # Errors
    /// [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn tally(&mut self, last: Layer) -> Result<(), Fault> {
        self.update_last(last)?;
        self.window.reach(self.last.max(self.window.first()))?;
        self.drain()?;
        for layer in self.processed.later(1).up_to(self.last) {
            self.process(layer)?;
        }
        self.verify()?;
        self.evict()
    }

    pub(crate) fn update_last(&mut self, last: Layer) -> Result<(), Fault> {
        if last <= self.last {
            return Ok(());
        }
        let epoch = self.config.epoch_of(last);
        let begins = epoch != self.config.epoch_of(self.last);
        self.last = last;
        if begins {
            let weight = self.terms.entry(epoch).or_default().weight;
            self.local = threshold::local(weight, &self.config)?;
        }
        Ok(())
    }

    fn process(&mut self, layer: Layer) -> Result<(), Fault> {
        if self.config.place(layer) == 0 {
            let epoch = self.config.epoch_of(layer);
            let (height, atxs) = self.atxs.height(epoch, &self.malicious);
            self.spend(atxs as u64)?;
            self.terms.entry(epoch).or_default().height = height;
        }
        let heights: Vec<u64> = self
            .window
            .get(layer)
            .map(|slot| slot.blocks.iter().map(|block| block.header.height).collect())
            .unwrap_or_default();
        self.spend(heights.len() as u64)?;
        for height in heights {
            self.raise_height(layer, height)?;
        }
        let below = self.window.get(layer.earlier(1)).map(|slot| slot.uncounted);
        let slot = self.window.reach(layer)?;
        if let Some(below) = below {
            slot.uncounted = slot.uncounted.plus(below)?;
            slot.linked = true;
        }
        let ballots = slot.ballots.len();
        self.processed = layer;
        if self.full {
            self.count_delayed(layer)?;
            self.counted = layer;
        }
        for index in 0..ballots {
            if !self.count((layer, index))? {
                self.waiting.push_back((layer, index));
            }
        }
        if self.window.form(layer, &self.config, self.last) {
            self.pending = self.pending.min(self.last);
        }
        // The committee is not waited for any longer.
        let late = layer.earlier(self.config.zdist);
        if layer.0 > self.config.zdist && self.window.get(late).is_some_and(|slot| !slot.terminated) {
            self.on_hare_output(late, crate::BlockId::EMPTY)?;
        }
        // From here on validity decides how to vote.
        let old = layer.earlier(self.config.hdist);
        if layer.0 > self.config.hdist && old > self.window.evicted() {
            self.opinion_changed(old, true)?;
        }
        Ok(())
    }

    /// Count a ballot. `false` if it has to wait for a beacon.
    pub(crate) fn count(&mut self, place: Place) -> Result<bool, Fault> {
        self.spend(1)?;
        let Some(ballot) = self.window.ballot(place) else { return Ok(true) };
        let (layer, beacon) = (ballot.layer, ballot.reference.beacon);
        if layer.earlier(1) <= self.window.evicted() {
            return Ok(true);
        }
        let Some(ours) = self.terms.entry(self.config.epoch_of(layer)).or_default().beacon else {
            return Ok(false);
        };
        if let Some(ballot) = self.window.get_mut(place.0).and_then(|slot| slot.ballots.get_mut(place.1)) {
            ballot.bad_beacon = ours != beacon;
        }
        self.count_good(place)?;
        if layer <= self.counted {
            self.count_full(place)?;
        }
        Ok(true)
    }

    /// Count ballots that waited for a beacon, up to the first that still has to.
    fn drain(&mut self) -> Result<(), Fault> {
        while let Some(&place) = self.waiting.front() {
            if !self.count(place)? {
                break;
            }
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Form opinions from a layer up anew, and count good ballots by them. An early change ends where opinions are what
    /// they were.
    pub(crate) fn opinion_changed(&mut self, from: Layer, early: bool) -> Result<(), Fault> {
        let mut changed = None;
        for layer in from.up_to(self.processed) {
            let blocks = self.window.get(layer).map_or(0, |slot| slot.blocks.len());
            self.spend((blocks as u64).saturating_add(1))?;
            if self.window.form(layer, &self.config, self.last) {
                changed = changed.or(Some(layer));
            } else if early {
                break;
            }
        }
        let Some(changed) = changed else { return Ok(()) };
        self.pending = self.pending.min(changed);
        self.recount_good(from)
    }

    fn verify(&mut self) -> Result<(), Fault> {
        let run = if self.full {
            let full = self.run_full()?;
            let good = self.run_good()?;
            if full.verified == self.processed.earlier(1) && full.verified == good.verified {
                self.full = false;
                Run { changed: lowest(full.changed, good.changed), ..full }
            } else {
                full
            }
        } else {
            let good = self.run_good()?;
            if self.config.is_recent(good.verified.later(1), self.last) {
                good
            } else {
                let full = self.run_full()?;
                Run { changed: lowest(good.changed, full.changed), ..full }
            }
        };
        let mut verified = self.window.evicted().max(self.config.genesis);
        let mut changed = run.changed;
        for target in self.window.first().until(self.processed) {
            if run.verified < target {
                // What was decided is not any more.
                changed = lowest(changed, Some(target).filter(|target| *target < self.verified));
                break;
            }
            changed = lowest(changed, Some(target).filter(|target| *target > self.verified));
            verified = target;
        }
        if let Some(changed) = changed {
            self.pending = self.pending.min(changed);
            self.opinion_changed(changed, false)?;
        }
        self.verified = verified;
        Ok(())
    }

    fn run_good(&mut self) -> Result<Run, Fault> {
        let mut run = Run { verified: self.window.evicted(), changed: None };
        for target in self.window.first().until(self.processed) {
            let Some(changed) = self.verify_good(target)? else { break };
            run.changed = run.changed.or(Some(target).filter(|_| changed));
            run.verified = target;
        }
        Ok(run)
    }

    fn run_full(&mut self) -> Result<Run, Fault> {
        if !self.full {
            self.full = true;
            self.catch_up()?;
        }
        let mut run = Run { verified: self.window.evicted(), changed: None };
        for target in self.window.first().until(self.processed) {
            let Some(changed) = self.verify_full(target)? else { break };
            run.changed = run.changed.or(Some(target).filter(|_| changed));
            run.verified = target;
        }
        Ok(run)
    }

    /// How a block is voted for at `last` without counting votes: by the committee where it is recent, else by what was
    /// decided.
    pub(crate) fn own_vote(&self, block: &Block, last: Layer) -> Sign {
        let layer = block.header.layer;
        if self.config.is_recent(layer, last) {
            block.hare
        } else if layer > self.verified {
            Sign::Abstain
        } else {
            block.validity
        }
    }

    /// Forget what lies below the window, unless something there waits to be applied.
    pub(crate) fn evict(&mut self) -> Result<(), Fault> {
        let Some(start) = self.verified.0.checked_sub(self.config.window).map(Layer) else { return Ok(()) };
        let first = self.window.first();
        let settled = self.verified > self.config.genesis.later(self.config.hdist);
        if !settled || start < first || self.pending < start {
            return Ok(());
        }
        self.spend(u64::from(start.0.saturating_sub(first.0)))?;
        for ballot in self.window.evict(start).iter().flat_map(|slot| &slot.ballots) {
            self.places.remove(&ballot.id);
        }
        for layer in first.until(start) {
            if self.config.place(layer).saturating_add(1) == self.config.epoch {
                let epoch = self.config.epoch_of(layer);
                self.terms.remove(&epoch);
                self.atxs.evict(epoch);
            }
        }
        if let Some(slot) = self.window.get_mut(start) {
            for ballot in &mut slot.ballots {
                ballot.votes = self.votes.cut(ballot.votes, start);
            }
        }
        self.sweep();
        Ok(())
    }

    /// Forget votes that nobody casts any longer, once there are many.
    fn sweep(&mut self) {
        if !self.votes.is_full() {
            return;
        }
        let decoded = self.decoded.values_mut().filter_map(crate::decode::Decoded::votes_mut);
        self.votes.sweep(self.window.tops().chain(decoded));
    }
}

/// Take decisions on the blocks of a layer, which come from the lowest up. `None` if one is undecided: unless a lower one
/// counts, for then it does not. Else whether anything changed.
pub(crate) fn decide(slot: &mut Slot, mut decisions: Vec<Sign>) -> Option<bool> {
    let mut supported = None;
    for (block, decision) in slot.blocks.iter().zip(&mut decisions) {
        let height = block.header.height;
        match decision {
            Sign::Abstain if supported.is_some_and(|lower| height > lower) => *decision = Sign::Against,
            Sign::Abstain => return None,
            Sign::Support => supported = Some(height),
            Sign::Against => {}
        }
    }
    let mut changed = false;
    for (block, decision) in slot.blocks.iter_mut().zip(decisions) {
        changed |= std::mem::replace(&mut block.validity, decision) != decision;
    }
    Some(changed)
}

fn lowest(one: Option<Layer>, other: Option<Layer>) -> Option<Layer> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
