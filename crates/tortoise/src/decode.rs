//! Ballots that come in: weight, votes, and what follows from storing them.

use crate::ballot::{Ballot, Header};
use crate::state::{Block, Held, Place, Reference};
use crate::votes::{Changes, VoteId};
use crate::weight::{Sign, Weight};
use crate::{BallotId, Fault, Layer, Refusal, Stop, Tortoise};

/// A ballot that was decoded.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// It is held already.
    Known {
        id: BallotId,
        /// Whether it comes with the knowledge that its smesher cheated.
        malicious: bool,
    },
    /// It is not.
    New {
        ballot: Held,
        /// The lowest layer where its votes may name blocks that are not held.
        lowest: Layer,
    },
}

/// A ballot that was decoded, and why its votes are not known down to the window's end, if they are not.
type Read = (Decoded, Option<Refusal>);

/// What became of a ballot from a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It votes what it was signed with.
    Whole,
    /// What it builds on lies below the window.
    Cut,
    /// Its votes come to something else than it was signed with. It is held all the same, as a node holds it, but no
    /// node takes it from another.
    Differs,
    /// It was passed over.
    Refused(Refusal),
}

impl Decoded {
    /// Where its votes are held, if it is not.
    pub(crate) fn votes_mut(&mut self) -> Option<&mut Option<VoteId>> {
        match self {
            Self::New { ballot, .. } => Some(&mut ballot.votes),
            Self::Known { .. } => None,
        }
    }
}

impl Tortoise {
    /// Decode a ballot and keep it until it is [stored](Self::store).
    ///
    /// # Errors
    /// Any [`Refusal`] of ballots; [`Fault::Layers`], [`Fault::Votes`], [`Fault::Work`], [`Fault::Overflow`],
    /// [`Fault::NoEligibility`].
    pub fn decode(&mut self, ballot: &Ballot) -> Result<(), Stop> {
        let mark = self.votes.mark();
        let decoded = self.unwrap(ballot).and_then(|decoded| {
            let decoded = decoded.ok_or(Refusal::Undecodable(ballot.id))?;
            let computed = self.votes.opinion(self.held(&decoded).and_then(|held| held.votes));
            if computed != ballot.opinion.hash {
                let (signed, layer) = (ballot.opinion.hash, ballot.layer);
                return Err(Refusal::Opinion { computed, signed, layer, ballot: ballot.id }.into());
            }
            Ok(decoded)
        });
        match decoded {
            Ok(decoded) => {
                self.decoded.insert(ballot.id, decoded);
                Ok(())
            }
            Err(stop) => {
                self.votes.back(mark);
                Err(stop)
            }
        }
    }

    /// Store a ballot that was decoded.
    ///
    /// # Errors
    /// [`Refusal::Exists`]; [`Fault::Undecoded`], [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn store(&mut self, id: BallotId, malicious: bool) -> Result<(), Stop> {
        match self.decoded.remove(&id).ok_or(Fault::Undecoded(id))? {
            Decoded::New { mut ballot, lowest } => {
                ballot.malicious |= malicious;
                self.keep(ballot, lowest)?;
                Ok(())
            }
            Decoded::Known { id, malicious: known } => {
                // Meanwhile its layer may be gone, and it with it.
                let Some(&(layer, index)) = self.places.get(&id) else { return Ok(()) };
                let slot = self.window.get_mut(layer);
                if let Some(held) = slot.and_then(|slot| slot.ballots.get_mut(index)) {
                    held.malicious |= malicious || known;
                }
                Err(Refusal::Exists(id).into())
            }
        }
    }

    /// Decode and store a ballot, without holding its votes against the hash that it was signed with. What is refused
    /// is passed over; a node only writes that into its log.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), without refusals.
    pub fn on_ballot(&mut self, ballot: &Ballot) -> Result<(), Fault> {
        let mark = self.votes.mark();
        let stored = match self.unwrap(ballot) {
            Ok(Some(Decoded::New { ballot, lowest })) => self.keep(ballot, lowest),
            Ok(_) => Ok(false),
            Err(stop) => Err(stop),
        };
        match stored {
            Ok(true) => Ok(()),
            Ok(false) | Err(Stop::Refused(_)) => {
                self.votes.back(mark);
                Ok(())
            }
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Store a ballot from a database. What it builds on may lie below the window: then its votes are known only as far as
    /// it says them itself, and what they come to is what it was signed with.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), without refusals.
    pub fn on_recovered_ballot(&mut self, ballot: &Ballot) -> Result<Recovered, Fault> {
        let mark = self.votes.mark();
        let stored = self.read(ballot).and_then(|read| self.keep_recovered(ballot, read));
        if !matches!(stored, Ok((_, true))) {
            self.votes.back(mark);
        }
        match stored {
            Ok((recovered, _)) => Ok(recovered),
            Err(Stop::Refused(refusal)) => Ok(Recovered::Refused(refusal)),
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Comes back with whether its votes are new.
    fn keep_recovered(&mut self, ballot: &Ballot, read: Option<Read>) -> Result<(Recovered, bool), Stop> {
        let (decoded, cut) = read.ok_or(Refusal::Undecodable(ballot.id))?;
        let Decoded::New { ballot: held, lowest } = decoded else {
            return Err(Refusal::Exists(ballot.id).into());
        };
        let signed = ballot.opinion.hash;
        let same = self.votes.opinion(held.votes) == signed;
        self.votes.overwrite(held.votes, signed);
        let new = self.keep(held, lowest)?;
        let recovered = match cut {
            Some(_) => Recovered::Cut,
            None if same => Recovered::Whole,
            None => Recovered::Differs,
        };
        Ok((recovered, new))
    }

    fn held<'a>(&'a self, decoded: &'a Decoded) -> Option<&'a Held> {
        match decoded {
            Decoded::New { ballot, .. } => Some(ballot),
            Decoded::Known { id, .. } => self.window.ballot(*self.places.get(id)?),
        }
    }

    /// What a ballot is worth and what it votes. `None` where its layer is evicted, or what it refers to is not known.
    fn unwrap(&mut self, ballot: &Ballot) -> Result<Option<Decoded>, Stop> {
        match self.read(ballot)? {
            Some((_, Some(refusal))) => Err(refusal.into()),
            read => Ok(read.map(|(decoded, _)| decoded)),
        }
    }

    /// The same, and why its votes are not known down to the window's end, if they are not.
    fn read(&mut self, ballot: &Ballot) -> Result<Option<Read>, Stop> {
        let evicted = self.window.evicted();
        if ballot.layer <= evicted {
            return Ok(None);
        }
        if self.places.contains_key(&ballot.id) {
            return Ok(Some((Decoded::Known { id: ballot.id, malicious: ballot.malicious }, None)));
        }
        let base_id = ballot.opinion.base;
        let base = if base_id == BallotId::EMPTY {
            Some((self.config.genesis, None))
        } else {
            let place = self.places.get(&base_id);
            place.and_then(|place| self.window.ballot(*place)).map(|held| (held.layer, held.votes))
        };
        let unknown = base.is_none();
        let (base_layer, top) = base.unwrap_or((evicted, None));
        if base_layer >= ballot.layer {
            let (layer, ballot, base) = (ballot.layer, ballot.id, base_id);
            return Err(Refusal::BaseNotOlder { layer, ballot, base_layer, base }.into());
        }
        let Some(reference) = self.reference(ballot)? else { return Ok(None) };
        let malicious = ballot.malicious || self.malicious.contains(&ballot.smesher);
        let (numerator, denominator) = reference.share;
        let weight = if malicious {
            Weight::default()
        } else {
            Weight::ratio(numerator, denominator)?.times(ballot.eligibilities)?
        };

        let mut cut = unknown.then_some(Refusal::UnknownBase(base_id));
        let slot = self.window.reach(ballot.layer)?;
        let (votes, lowest) = match slot.opinions.get(&ballot.opinion.hash) {
            // Nothing below zero is known yet, and nothing has to be.
            Some(&known) => (known, Layer(0)),
            None => {
                let changes = Changes::new(base_layer, &ballot.opinion)?;
                let lowest = changes.lowest;
                let votes = self.votes.decode(base_layer, top, ballot.layer, &changes);
                let steps = self.votes.take_steps();
                self.spend(steps)?;
                let votes = votes?;
                if lowest <= evicted {
                    cut = Some(evicted_votes(unknown.then_some(base_id), lowest, evicted));
                }
                (votes, lowest)
            }
        };
        let (id, layer) = (ballot.id, ballot.layer);
        let ballot = Held { id, layer, malicious, bad_beacon: false, weight, reference, votes };
        Ok(Some((Decoded::New { ballot, lowest }, cut)))
    }

    /// What the ballots of a smesher share: said by this one, or by the one that it refers to.
    fn reference(&self, ballot: &Ballot) -> Result<Option<Reference>, Stop> {
        if let Some(data) = &ballot.epoch {
            let (atx, epoch) = (ballot.atx, self.config.epoch_of(ballot.layer));
            let held = self.atxs.get(epoch, &atx).ok_or(Refusal::UnknownAtx { atx, epoch })?;
            if data.eligibilities == 0 {
                return Err(Fault::NoEligibility(ballot.id).into());
            }
            let share = reduced(held.weight, u64::from(data.eligibilities));
            return Ok(Some(Reference { beacon: data.beacon, height: held.height, share }));
        }
        let first = ballot.reference.ok_or(Refusal::NoReference(ballot.id))?;
        let held = self.places.get(&first).and_then(|place| self.window.ballot(*place));
        Ok(held.map(|held| held.reference))
    }

    /// Hold a ballot, and the blocks that it is the first to name. Comes back with whether its votes are new.
    fn keep(&mut self, mut ballot: Held, lowest: Layer) -> Result<bool, Stop> {
        let evicted = self.window.evicted();
        if ballot.layer <= evicted {
            return Ok(false);
        }
        if self.places.contains_key(&ballot.id) {
            return Err(Refusal::Exists(ballot.id).into());
        }
        let opinion = self.votes.opinion(ballot.votes);
        let slot = self.window.reach(ballot.layer)?;
        let known = slot.opinions.get(&opinion).copied();
        if let Some(known) = known {
            ballot.votes = known;
        }
        // Before its blocks: those are late for it too.
        let place: Place = (ballot.layer, slot.ballots.len());
        slot.ballots.push(ballot);
        self.places.insert(ballot.id, place);
        if known.is_none() {
            self.hold_blocks(&ballot, lowest)?;
            self.window.reach(ballot.layer)?.opinions.insert(opinion, ballot.votes);
        }
        if ballot.layer <= self.processed && !self.count(place)? {
            self.waiting.push_back(place);
        }
        Ok(known.is_none())
    }

    /// Hold the blocks that a ballot supports from a layer on: without content, and without a chance where they are old.
    fn hold_blocks(&mut self, ballot: &Held, lowest: Layer) -> Result<(), Fault> {
        let evicted = self.window.evicted();
        let mut named: Vec<Header> = Vec::new();
        let mut looked = 0_u64;
        for vote in self.votes.chain(ballot.votes).take_while(|vote| vote.layer >= lowest) {
            looked = looked.saturating_add(1);
            if vote.layer > evicted {
                named.extend_from_slice(&vote.supported);
            }
        }
        self.spend(looked.saturating_add(named.len() as u64))?;
        for header in named {
            if self.block_mut(&header)?.is_some() {
                continue;
            }
            let mut block = Block::new(header);
            if !self.config.is_recent(header.layer, self.last) {
                (block.validity, block.hare) = (Sign::Against, Sign::Against);
            }
            self.add_block(block)?;
        }
        Ok(())
    }
}

fn evicted_votes(unknown: Option<BallotId>, layer: Layer, evicted: Layer) -> Refusal {
    match unknown {
        Some(base) => Refusal::UnknownBaseEvicted { base, layer, evicted },
        None => Refusal::Evicted { layer, evicted },
    }
}

/// A fraction in lowest terms. The denominator is not zero.
fn reduced(numerator: u64, denominator: u64) -> (u64, u64) {
    let (mut one, mut other) = (numerator, denominator);
    while let Some(rest) = one.checked_rem(other) {
        (one, other) = (other, rest);
    }
    (numerator.checked_div(one).unwrap_or(numerator), denominator.checked_div(one).unwrap_or(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_in_lowest_terms() {
        assert_eq!(reduced(100, 40), (5, 2));
        assert_eq!(reduced(0, 40), (0, 1));
        assert_eq!(reduced(7, 3), (7, 3));
        assert_eq!(reduced(512, 256), (2, 1));
    }
}
