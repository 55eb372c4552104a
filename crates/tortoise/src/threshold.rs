//! How much weight there should be, and how much of it decides.

use crate::weight::Weight;
use crate::{Config, Epoch, Fault, Layer, Tortoise};

impl Tortoise {
    /// The weight of the ballots that should vote on a layer: those above it, as far as votes are counted.
    pub(crate) fn expected(&mut self, target: Layer) -> Result<Weight, Fault> {
        let mut last = self.last;
        if last.0.saturating_sub(target.0) > self.config.window {
            last = target.later(self.config.window).max(self.processed);
        }
        let start = target.later(1);
        let length = self.config.epoch;
        let (first, final_) = (self.config.epoch_of(start), self.config.epoch_of(last));
        let part = |weight: Weight, layers: u32| weight.times(layers)?.part(length);
        if first == final_ {
            let layers = last.0.saturating_sub(start.0).saturating_add(1);
            return Ok(part(self.weight(first), layers)?);
        }
        let mut sum = part(self.weight(first), length.saturating_sub(self.config.place(start)))?;
        self.spend(u64::from(final_.0.saturating_sub(first.0)))?;
        for epoch in (first.0.saturating_add(1)..final_.0).map(Epoch) {
            sum = sum.plus(self.weight(epoch))?;
        }
        let begun = self.config.place(last).saturating_add(1);
        Ok(sum.plus(part(self.weight(final_), begun)?)?)
    }

    /// What decides for everybody when so much is expected: a third of it is an adversary's, and when that is taken away
    /// what every smesher needs for itself has to be left.
    pub(crate) fn global(&self, expected: Weight) -> Result<Weight, Fault> {
        Ok(expected.part(3)?.plus(self.local)?)
    }

    fn weight(&self, epoch: Epoch) -> Weight {
        self.terms.get(&epoch).map(|term| term.weight).unwrap_or_default()
    }
}

/// What a smesher's own vote needs in an epoch of this weight: a third of what one of its layers has.
pub(crate) fn local(epoch: Weight, config: &Config) -> Result<Weight, Fault> {
    Ok(epoch.part(3)?.part(config.epoch)?)
}
