//! Votes of ballots: chains of one vote a layer that ballots share as far down as they agree.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ballot::{Header, Opinion};
use crate::opinion::Hasher;
use crate::{BlockId, Fault, Layer, OpinionHash, Refusal, Stop};

/// Votes that are held before it pays to look for those that nobody needs. Tests look all the time.
const SWEEP: usize = if cfg!(test) { 1 } else { 1 << 12 };

/// Where a vote is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VoteId(u32);

/// What a ballot votes on one layer. A block that is not supported is voted against.
#[derive(Clone, Debug)]
pub(crate) struct Vote {
    pub(crate) layer: Layer,
    pub(crate) opinion: OpinionHash,
    /// Neither for nor against anything. A difference to such a vote can add support without ending it.
    pub(crate) abstains: bool,
    /// In order of height and name.
    pub(crate) supported: Arc<[Header]>,
    below: Option<VoteId>,
}

impl Vote {
    /// Says of blocks whether they are supported. They have to be asked for in order.
    pub(crate) fn supports(&self) -> impl FnMut(&Header) -> bool {
        let mut rest = self.supported.iter().peekable();
        move |block| {
            while rest.next_if(|supported| supported.order() < block.order()).is_some() {}
            rest.peek().is_some_and(|supported| *supported == block)
        }
    }
}

/// All votes that are held.
#[derive(Debug)]
pub(crate) struct Votes {
    held: Vec<Vote>,
    /// Support of nothing, held once.
    none: Arc<[Header]>,
    most: u32,
    /// What is held before the next sweep.
    sweep: usize,
    /// Votes and blocks looked at since that was asked for.
    steps: u64,
    hasher: Hasher,
}

/// Differences on one layer: none at all stand for abstaining.
type Differences = BTreeMap<BlockId, (Header, bool)>;

/// Differences by layer, and the lowest one that they or the votes above the base reach.
pub(crate) struct Changes {
    layers: BTreeMap<Layer, Differences>,
    /// The lowest layer that changes.
    pub(crate) lowest: Layer,
}

impl Changes {
    /// Of an opinion that builds on a ballot of `base`.
    pub(crate) fn new(base: Layer, opinion: &Opinion) -> Result<Self, Refusal> {
        let mut layers: BTreeMap<Layer, Differences> = BTreeMap::new();
        let mut lowest = base;
        let against = opinion.against.iter().map(|header| (header, false));
        let support = opinion.support.iter().map(|header| (header, true));
        for (header, supports) in against.chain(support) {
            lowest = lowest.min(header.layer);
            let layer = layers.entry(header.layer).or_default();
            if let Some((first, _)) = layer.get(&header.id) {
                let (block, first, second) = (header.id, first.height, header.height);
                return Err(Refusal::Conflict { block, first, second });
            }
            layer.insert(header.id, (*header, supports));
        }
        for &layer in &opinion.abstain {
            lowest = lowest.min(layer);
            if layers.insert(layer, Differences::new()).is_some() {
                return Err(Refusal::AbstainConflict(layer));
            }
        }
        Ok(Self { layers, lowest })
    }
}

impl Votes {
    pub(crate) fn new(most: u32) -> Self {
        let none = Arc::new([]);
        Self { held: Vec::new(), none, most, sweep: SWEEP, steps: 0, hasher: Hasher::default() }
    }

    /// A chain, from its top down.
    pub(crate) fn chain(&self, top: Option<VoteId>) -> impl Iterator<Item = &Vote> {
        std::iter::successors(self.get(top), |vote| self.get(vote.below))
    }

    fn get(&self, id: Option<VoteId>) -> Option<&Vote> {
        self.held.get(id?.0 as usize)
    }

    /// What a chain comes to; all zero for none.
    pub(crate) fn opinion(&self, top: Option<VoteId>) -> OpinionHash {
        self.get(top).map(|vote| vote.opinion).unwrap_or_default()
    }

    /// Votes and blocks looked at by decoding since this was asked last.
    pub(crate) fn take_steps(&mut self) -> u64 {
        std::mem::take(&mut self.steps)
    }

    /// What is held, to go [back](Self::back) to.
    pub(crate) fn mark(&self) -> usize {
        self.held.len()
    }

    /// Forget what was added since.
    pub(crate) fn back(&mut self, mark: usize) {
        self.held.truncate(mark);
    }

    /// The votes of a ballot of `layer` that builds on one of `base` with the votes `top`: changed, and then against
    /// everything up to its own layer but what the changes support or abstain on.
    pub(crate) fn decode(
        &mut self,
        base: Layer,
        top: Option<VoteId>,
        layer: Layer,
        changes: &Changes,
    ) -> Result<Option<VoteId>, Stop> {
        let mut top = self.update(top, changes)?;
        for at in base.until(layer) {
            let differences = changes.layers.get(&at);
            let supported = differences.map(|changed| supports(changed).collect()).unwrap_or_default();
            let abstains = differences.is_some_and(BTreeMap::is_empty);
            let supported = self.sorted(supported);
            top = Some(self.add(at, abstains, supported, top)?);
        }
        Ok(top)
    }

    /// The chain with its changes. What lies below the lowest one is shared.
    fn update(&mut self, top: Option<VoteId>, changes: &Changes) -> Result<Option<VoteId>, Stop> {
        let mut copied = Vec::new();
        let mut below = top;
        while let Some(vote) = self.get(below).filter(|vote| vote.layer >= changes.lowest) {
            copied.extend(below);
            below = vote.below;
        }
        for id in copied.into_iter().rev() {
            let Some(vote) = self.get(Some(id)) else { continue };
            let (layer, abstains) = (vote.layer, vote.abstains);
            let (abstains, supported) = match changes.layers.get(&layer) {
                None => (abstains, vote.supported.clone()),
                Some(changed) if changed.is_empty() => (true, self.none.clone()),
                Some(changed) => {
                    let supported = merged(&vote.supported, changed)?;
                    (abstains, self.sorted(supported))
                }
            };
            below = Some(self.add(layer, abstains, supported, below)?);
        }
        Ok(below)
    }

    fn sorted(&self, mut supported: Vec<Header>) -> Arc<[Header]> {
        if supported.is_empty() {
            return self.none.clone();
        }
        supported.sort_unstable_by_key(Header::order);
        supported.into()
    }

    fn add(
        &mut self,
        layer: Layer,
        abstains: bool,
        supported: Arc<[Header]>,
        below: Option<VoteId>,
    ) -> Result<VoteId, Fault> {
        let id = u32::try_from(self.held.len()).ok().filter(|id| *id < self.most);
        let id = id.ok_or(Fault::Votes(self.most))?;
        let previous = self.get(below).map(|vote| vote.opinion);
        self.steps = self.steps.saturating_add(supported.len() as u64).saturating_add(1);
        self.hasher.begin(previous.as_ref());
        for block in supported.iter() {
            self.hasher.support(block);
        }
        if supported.is_empty() && abstains {
            self.hasher.abstain();
        }
        let opinion = self.hasher.end();
        self.held.push(Vote { layer, opinion, abstains, supported, below });
        Ok(VoteId(id))
    }

    /// Say what the votes of a chain come to, where what lies below its end is not known.
    pub(crate) fn overwrite(&mut self, top: Option<VoteId>, opinion: OpinionHash) {
        if let Some(vote) = top.and_then(|id| self.held.get_mut(id.0 as usize)) {
            vote.opinion = opinion;
        }
    }

    /// Cut a chain below a layer, for all who share it. What comes back is the chain: a single vote below the layer is
    /// none.
    pub(crate) fn cut(&mut self, top: Option<VoteId>, layer: Layer) -> Option<VoteId> {
        let mut at = top;
        while let Some(vote) = self.get(at) {
            let below = vote.below;
            if self.get(below).is_some_and(|next| next.layer < layer) {
                if let Some(vote) = at.and_then(|id| self.held.get_mut(id.0 as usize)) {
                    vote.below = None;
                }
                return top;
            }
            if vote.layer < layer {
                return None;
            }
            at = below;
        }
        top
    }

    /// Whether so much is held that looking for what nobody needs pays.
    pub(crate) fn is_full(&self) -> bool {
        self.held.len() >= self.sweep
    }

    /// Forget what no chain of `tops` reaches, and rename the rest.
    pub(crate) fn sweep<'a>(&mut self, tops: impl Iterator<Item = &'a mut Option<VoteId>>) {
        let mut renamed: HashMap<VoteId, VoteId> = HashMap::new();
        let mut kept = Vec::new();
        for top in tops {
            let mut path = Vec::new();
            let mut at = *top;
            while let Some(id) = at.filter(|id| !renamed.contains_key(id)) {
                path.push(id);
                at = self.get(at).and_then(|vote| vote.below);
            }
            // From the lowest up, so that what is below has its new name already.
            for id in path.into_iter().rev() {
                let Some(vote) = self.get(Some(id)) else { continue };
                let below = vote.below.and_then(|below| renamed.get(&below).copied());
                // As many as were held at most, and those are counted in 32 bits.
                renamed.insert(id, VoteId(kept.len() as u32));
                kept.push(Vote { below, ..vote.clone() });
            }
            *top = top.and_then(|id| renamed.get(&id).copied());
        }
        self.held = kept;
        self.sweep = self.held.len().saturating_mul(2).max(SWEEP);
    }
}

fn supports(changed: &Differences) -> impl Iterator<Item = Header> {
    changed.values().filter(|(_, supports)| *supports).map(|(header, _)| *header)
}

/// What is supported after the changes. A block that they name is out, and in again where they support it.
fn merged(supported: &[Header], changed: &Differences) -> Result<Vec<Header>, Refusal> {
    let mut merged = Vec::new();
    for block in supported {
        match changed.get(&block.id) {
            None => merged.push(*block),
            Some((against, false)) if against != block => {
                return Err(Refusal::WrongTarget {
                    supported: block.id,
                    supported_height: block.height,
                    against: against.id,
                    against_height: against.height,
                });
            }
            Some(_) => {}
        }
    }
    merged.extend(supports(changed));
    Ok(merged)
}
