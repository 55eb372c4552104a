//! What a node tells its tortoise when it starts, in its order.
//!
//! Source: go-spacemesh v1.7.6 `tortoise/recover.go`.

use apogee_spacemesh::ballot::{self, Vote};
use apogee_spacemesh::id::{self, EpochId, LayerId};
use apogee_spacemesh_state::{Heads, ReadError, State};
use apogee_tortoise::event::{
    AtxSeen, BallotSeen, BeaconDrawn, Event, Malfeasance, Recover, Recovered, RecoveredBlock, WeakCoin,
};
use apogee_tortoise::{
    Atx, AtxId, Ballot, BallotId, Beacon, BlockId, Config, Epoch, EpochData, Header, Layer, NodeId, Opinion,
    OpinionHash,
};

use crate::error::RecountError;
use crate::plan::Stage;

/// Epochs above that of the last ballot whose activations are told of: a node has those of one, or of two just before a
/// new one begins.
const FUTURE: u32 = 3;

/// Hears what is told.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Event) -> Result<(), RecountError>;

/// The copy, read in a node's order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed<'a> {
    pub(crate) state: &'a State,
    pub(crate) config: Config,
    /// The network was started again from a checkpoint, whose activations count for its first epoch.
    pub(crate) restarted: bool,
    pub(crate) heads: Heads,
    pub(crate) stage: Stage,
}

impl Feed<'_> {
    /// What comes before all layers: cheaters, and where it begins.
    pub(crate) fn before(&self, tell: Tell<'_>) -> Result<(), RecountError> {
        for smesher in self.state.malicious()?.keys() {
            tell(Event::Malfeasance(Malfeasance { id: NodeId(smesher.0) }))?;
        }
        if self.restarted {
            self.epoch(self.config.epoch_of(self.config.genesis.later(1)), tell)?;
        }
        let Stage { first, last } = self.stage;
        // Where nothing is valid a node leaves what its tortoise began with.
        let none = if first > self.config.genesis.later(1) { first } else { Layer(0) };
        let verified = self.heads.valid.map_or(none, |valid| Layer(valid.0).min(last));
        tell(Event::Recover(Recover { verified, last }))
    }

    /// A layer: its epoch, if it begins one, then blocks, ballots and coin.
    pub(crate) fn layer(&self, layer: Layer, tell: Tell<'_>) -> Result<(), RecountError> {
        if layer.0.checked_rem(self.config.epoch) == Some(0) {
            self.epoch(self.config.epoch_of(layer), tell)?;
        }
        let only = LayerId(layer.0)..=LayerId(layer.0);
        tell(Event::Recovered(self.blocks(layer)?))?;
        let ballots = self.state.ballots(&only)?;
        // Those that others refer to come first.
        for first in [true, false] {
            for ballot in ballots.iter().filter(|ballot| ballot.inner.epoch.is_some() == first) {
                tell(Event::Ballot(BallotSeen { ballot: told(ballot) }))?;
            }
        }
        let coin = self.state.layers(&only)?.first().and_then(|row| row.coin);
        coin.map_or(Ok(()), |coin| tell(Event::WeakCoin(WeakCoin { layer, coin })))
    }

    /// What comes after all layers: epochs that no ballot is of yet.
    pub(crate) fn after(&self, tell: Tell<'_>) -> Result<(), RecountError> {
        let current = self.config.epoch_of(self.stage.last).0;
        let mut to = self.heads.published.map_or(0, |published| published.0.saturating_add(1));
        if self.heads.ballots.is_some_and(|latest| latest.0 > self.stage.last.0) {
            // Of a stage in the past, nobody had later ones.
            to = to.min(current.saturating_add(1));
        }
        // Activations of later epochs than the next one cannot have been proven yet, whatever a file says.
        let to = to.min(current.saturating_add(FUTURE));
        (current.saturating_add(1)..=to).try_for_each(|epoch| self.epoch(Epoch(epoch), tell))
    }

    /// Activations for an epoch, and its beacon.
    fn epoch(&self, target: Epoch, tell: Tell<'_>) -> Result<(), RecountError> {
        let Some(published) = target.0.checked_sub(1).map(EpochId) else { return Ok(()) };
        for atx in self.state.activations(&(published..=published))? {
            // Where ticks do not fit, a node's wrap.
            let height = atx.base_height.wrapping_add(atx.ticks);
            let seen = Atx { node: NodeId(atx.smesher.0), weight: atx.weight, height };
            tell(Event::Atx(AtxSeen { id: AtxId(atx.id.0), target, atx: seen }))?;
        }
        let beacons = self.state.beacons()?;
        let drawn = beacons.iter().find(|(epoch, beacon)| epoch.0 == target.0 && !beacon.is_empty());
        drawn.map_or(Ok(()), |(_, beacon)| {
            tell(Event::Beacon(BeaconDrawn { epoch: target, beacon: Beacon(beacon.0) }))
        })
    }

    /// Whether a ballot is known and of a layer below the first one.
    pub(crate) fn is_below(&self, ballot: &BallotId) -> Result<bool, RecountError> {
        let known = self.state.ballot(&id::BallotId(ballot.0))?;
        // Who builds on none votes from genesis on.
        Ok(*ballot == BallotId::EMPTY || known.is_some_and(|known| known.inner.layer.0 < self.stage.first.0))
    }

    fn blocks(&self, layer: Layer) -> Result<Recovered, ReadError> {
        let only = LayerId(layer.0)..=LayerId(layer.0);
        let rows = self.state.blocks(&only)?;
        let blocks = rows.iter().map(|row| RecoveredBlock {
            header: Header { id: BlockId(row.id.0), layer, height: row.block.height },
            valid: row.valid == Some(true),
        });
        let blocks = blocks.collect();
        // Only there it decides how to vote, and nodes need not keep older ones.
        let recent = layer.later(self.config.hdist) > self.stage.last;
        let hare = if recent { self.state.hare_output(LayerId(layer.0))? } else { None };
        let hare = hare.map(|output| output.map_or(BlockId::EMPTY, |block| BlockId(block.0)));
        Ok(Recovered { layer, blocks, hare })
    }
}

/// What a node tells of a ballot. Cheaters are told of before.
fn told(ballot: &ballot::Ballot) -> Ballot {
    let header =
        |vote: &Vote| Header { id: BlockId(vote.block.0), layer: Layer(vote.layer.0), height: vote.height };
    let votes = &ballot.votes;
    let id = |id: id::BallotId| BallotId(id.0);
    Ballot {
        id: id(ballot.id()),
        smesher: NodeId(ballot.smesher.0),
        layer: Layer(ballot.inner.layer.0),
        eligibilities: u32::try_from(ballot.proofs.len()).unwrap_or(u32::MAX),
        atx: AtxId(ballot.inner.atx.0),
        opinion: Opinion {
            hash: OpinionHash(ballot.inner.opinion.0),
            base: id(votes.base),
            support: votes.support.iter().map(header).collect(),
            against: votes.against.iter().map(header).collect(),
            abstain: votes.abstain.iter().map(|layer| Layer(layer.0)).collect(),
        },
        epoch: ballot
            .inner
            .epoch
            .map(|data| EpochData { beacon: Beacon(data.beacon.0), eligibilities: data.slots }),
        reference: Some(ballot.inner.reference).filter(|first| !first.is_empty()).map(id),
        malicious: false,
    }
}
