//! Epochs: what is drawn in them, and who may vote with what weight.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ballot::Atx;
use crate::weight::Weight;
use crate::{AtxId, Beacon, Epoch, NodeId};

/// What is known of an epoch.
#[derive(Debug, Default)]
pub(crate) struct Term {
    /// Of all activations whose smesher is not known to have cheated.
    pub(crate) weight: Weight,
    /// The median of activations.
    pub(crate) height: u64,
    /// Ours.
    pub(crate) beacon: Option<Beacon>,
}

/// Activations by the epoch they are for.
#[derive(Debug, Default)]
pub(crate) struct Atxs {
    held: BTreeMap<Epoch, HashMap<AtxId, Atx>>,
    /// Up to here nothing is kept, and nothing taken.
    evicted: Epoch,
}

impl Atxs {
    /// The first of a name counts.
    pub(crate) fn add(&mut self, target: Epoch, id: AtxId, atx: Atx) {
        if target > self.evicted {
            self.held.entry(target).or_default().entry(id).or_insert(atx);
        }
    }

    pub(crate) fn get(&self, target: Epoch, id: &AtxId) -> Option<&Atx> {
        self.held.get(&target)?.get(id)
    }

    pub(crate) fn evict(&mut self, epoch: Epoch) {
        if epoch > self.evicted {
            self.evicted = epoch;
            self.held = self.held.split_off(&Epoch(epoch.0.saturating_add(1)));
        }
    }

    /// The median height of activations by others than `malicious` smeshers, between the two middle ones where there
    /// are two; and how many there are.
    pub(crate) fn height(&self, target: Epoch, malicious: &HashSet<NodeId>) -> (u64, usize) {
        let atxs = self.held.get(&target).into_iter().flat_map(HashMap::values);
        let honest = atxs.filter(|atx| !malicious.contains(&atx.node));
        let mut heights: Vec<u64> = honest.map(|atx| atx.height).collect();
        heights.sort_unstable();
        let middle = heights.len() / 2;
        let at = |index: usize| heights.get(index).copied().unwrap_or_default();
        let median = match middle.checked_sub(1).filter(|_| heights.len().is_multiple_of(2)) {
            // Nodes let this sum wrap.
            Some(lower) => at(lower).wrapping_add(at(middle)) / 2,
            None => at(middle),
        };
        (median, heights.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node leaves cheaters out of the median, though it holds their activations.
    #[test]
    fn cheaters_do_not_count_for_the_median() {
        let mut atxs = Atxs::default();
        for (index, height) in [100, 200, 400, 800].into_iter().enumerate() {
            let index = index as u8;
            atxs.add(Epoch(2), AtxId([index; 32]), Atx { node: NodeId([index; 32]), weight: 1, height });
        }
        let without = |cheaters: &[u8]| {
            let malicious = cheaters.iter().map(|index| NodeId([*index; 32])).collect();
            atxs.height(Epoch(2), &malicious)
        };
        assert_eq!(without(&[]), (300, 4));
        assert_eq!(without(&[3]), (200, 3));
        assert_eq!(without(&[0, 1]), (600, 2));
        assert_eq!(without(&[0, 1, 2, 3]), (0, 0));
    }
}
