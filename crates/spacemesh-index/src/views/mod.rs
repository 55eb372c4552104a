//! From what happened in a layer to steps: one view for each kind of fact.

pub(crate) mod activations;
pub(crate) mod malfeasance;
pub(crate) mod rewards;
pub(crate) mod slots;

use std::collections::BTreeMap;

use apogee_domain::{Epoch, SeriesName, Subject};

use crate::Params;
use crate::fold::{Fold, Known, Steps};
use crate::source::{Activation, LayerFacts};

/// 10⁻¹⁸ of a coin in a smidge, which is 10⁻⁹ of it.
const ATTO: u128 = 1_000_000_000;

/// Smidge in 10⁻¹⁸ of a coin; `None` where it does not fit.
pub(crate) const fn atto(smidge: u128) -> Known {
    smidge.checked_mul(ATTO)
}

/// Whoever has an activation in an epoch.
pub(crate) type Activations = BTreeMap<Subject, Activation>;

/// A layer on top of all before it.
pub(crate) struct At<'a> {
    pub(crate) params: &'a Params,
    pub(crate) facts: &'a LayerFacts,
    pub(crate) activations: &'a Activations,
    pub(crate) epoch: Epoch,
    /// As it was before the layer's epoch began.
    pub(crate) before: &'a Fold,
    pub(crate) fold: &'a mut Fold,
    pub(crate) steps: &'a mut Steps,
}

impl At<'_> {
    pub(crate) fn set(&mut self, series: SeriesName, subject: &Subject, value: Known) {
        self.fold.set(series, subject, self.epoch, value, self.steps);
    }

    pub(crate) fn add(&mut self, series: SeriesName, subject: &Subject, by: Known) {
        self.fold.add(series, subject, self.epoch, by, self.steps);
    }

    /// Make a sum what it was before the epoch and so much for all of the epoch, whatever was counted for it until now.
    pub(crate) fn in_epoch(&mut self, series: SeriesName, subject: &Subject, amount: Known) {
        let before = self.before.sum(&series, subject);
        let value = before.zip(amount).and_then(|(before, amount)| before.checked_add(amount));
        self.set(series, subject, value);
    }

    /// How much was counted for the epoch until now.
    pub(crate) fn until_now(&self, series: &SeriesName, subject: &Subject) -> Known {
        self.fold.since(self.before, series, subject)
    }
}
