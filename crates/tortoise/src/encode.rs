//! Our votes, as the differences to a ballot that others have.

use crate::ballot::Opinion;
use crate::state::Block;
use crate::votes::{Changes, VoteId};
use crate::weight::Sign;
use crate::{BallotId, Fault, Layer, Refusal, Stop, Tortoise, Unencodable};

/// What votes build on.
#[derive(Clone, Copy)]
struct Base {
    id: BallotId,
    layer: Layer,
    votes: Option<VoteId>,
}

impl Tortoise {
    /// The votes of a ballot of the layer `current`: differences to the latest ballot that they can be written with.
    ///
    /// # Errors
    /// [`Refusal::Uncounted`], [`Refusal::NoBallots`], [`Refusal::Unencodable`]; [`Fault::Layers`], [`Fault::Votes`],
    /// [`Fault::Work`].
    pub fn encode(&mut self, current: Layer) -> Result<Opinion, Stop> {
        if !self.waiting.is_empty() {
            return Err(Refusal::Uncounted(self.waiting.len()).into());
        }
        let mut why = None;
        let first = self.window.first();
        if current > first {
            self.window.reach(current.earlier(1))?;
        }
        for layer in first.until(current).rev() {
            self.spend(1)?;
            let mut index = 0_usize;
            while let Some(base) = self.base(layer, index) {
                index = index.saturating_add(1);
                // Those of cheaters may be forgotten by others.
                let Some(base) = base else { continue };
                match self.encode_from(base, current)? {
                    Ok(opinion) => return Ok(opinion),
                    Err(reason) => why = Some(reason),
                }
            }
        }
        Err(why.map_or(Refusal::NoBallots, Refusal::Unencodable).into())
    }

    /// The ballots of a layer that votes may build on, one after another; nothing for one that they may not.
    fn base(&self, layer: Layer, index: usize) -> Option<Option<Base>> {
        if layer == self.config.genesis {
            return (index == 0).then_some(Some(Base { id: BallotId::EMPTY, layer, votes: None }));
        }
        let held = self.window.ballot((layer, index))?;
        Some((!held.malicious).then_some(Base { id: held.id, layer, votes: held.votes }))
    }

    fn encode_from(&mut self, base: Base, current: Layer) -> Result<Result<Opinion, Unencodable>, Fault> {
        let opinion = match self.differences(base, current)? {
            Ok(opinion) => opinion,
            Err(why) => return Ok(Err(why)),
        };
        let exceptions = opinion.support.len().saturating_add(opinion.against.len());
        if exceptions > self.config.exceptions as usize {
            return Ok(Err(Unencodable::Exceptions(exceptions)));
        }
        let mark = self.votes.mark();
        let decoded = Changes::new(base.layer, &opinion)
            .map_err(Stop::from)
            .and_then(|changes| self.votes.decode(base.layer, base.votes, current, &changes));
        let steps = self.votes.take_steps();
        let hash = decoded.as_ref().map(|top| self.votes.opinion(*top)).unwrap_or_default();
        self.votes.back(mark);
        self.spend(steps)?;
        match decoded {
            Ok(_) => Ok(Ok(Opinion { hash, ..opinion })),
            Err(Stop::Refused(why)) => Ok(Err(Unencodable::Votes(Box::new(why)))),
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Where our votes differ from those of a ballot: what it votes on, from the top down, then what came after it.
    fn differences(&mut self, base: Base, current: Layer) -> Result<Result<Opinion, Unencodable>, Fault> {
        let mut opinion = Opinion { base: base.id, ..Opinion::default() };
        let mut steps = 0_u64;
        let first = self.window.first();
        for vote in self.votes.chain(base.votes).take_while(|vote| vote.layer >= first) {
            let Some(slot) = self.window.get(vote.layer) else { continue };
            steps = steps.saturating_add((slot.blocks.len() + vote.supported.len()) as u64).saturating_add(1);
            match (vote.abstains, slot.terminated) {
                (true, true) => return Ok(Err(Unencodable::Base(base.id))),
                (false, false) => opinion.abstain.push(vote.layer),
                (true, false) => {}
                (false, true) => {
                    let mut supports = vote.supports();
                    for block in &slot.blocks {
                        let ours = match self.full_vote(block, current) {
                            Ok(ours) => ours,
                            Err(why) => return Ok(Err(why)),
                        };
                        match (ours, supports(&block.header)) {
                            (Sign::Support, false) => opinion.support.push(block.header),
                            (Sign::Against, true) => opinion.against.push(block.header),
                            _ => {}
                        }
                    }
                }
            }
        }
        for layer in base.layer.until(current) {
            let Some(slot) = self.window.get(layer) else { continue };
            steps = steps.saturating_add(slot.blocks.len() as u64).saturating_add(1);
            if !slot.terminated {
                opinion.abstain.push(layer);
                continue;
            }
            for block in &slot.blocks {
                match self.full_vote(block, current) {
                    Ok(Sign::Support) => opinion.support.push(block.header),
                    Ok(_) => {}
                    Err(why) => return Ok(Err(why)),
                }
            }
        }
        self.spend(steps)?;
        Ok(Ok(opinion))
    }

    /// How we vote on a block in a ballot of `current`. Where votes do not decide, the coin of the layer before does.
    fn full_vote(&self, block: &Block, current: Layer) -> Result<Sign, Unencodable> {
        if !block.data {
            return Ok(Sign::Against);
        }
        let own = self.own_vote(block, current);
        if own != Sign::Abstain || self.config.is_recent(block.header.layer, current) {
            return Ok(own);
        }
        let margin = block.margin.against(self.local);
        if margin != Sign::Abstain {
            return Ok(margin);
        }
        let toss = current.earlier(1);
        match self.window.get(toss).map(|slot| slot.coin).unwrap_or_default() {
            Sign::Abstain => {
                Err(Unencodable::Coin { toss, block: block.header.id, layer: block.header.layer })
            }
            coin => Ok(coin),
        }
    }
}
