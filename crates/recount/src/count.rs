//! One stage: everything is told to a tortoise, votes are counted once, and what it thinks of each layer is taken down.

use std::collections::BTreeMap;

use apogee_spacemesh::id::{BlockId, Hash, LayerId};
use apogee_tortoise::event::Event;
use apogee_tortoise::{Interrupt, Layer, LayerResult, Limits, OpinionHash, Recovered, Tortoise};
use serde::{Deserialize, Serialize};

use crate::error::RecountError;
use crate::feed::Feed;
use crate::progress::{Phase, Progress};
use crate::report::StageReport;
use crate::text;

/// Activations and ballots that are told of between two questions whether to end.
const ASKS: u64 = 64;

/// What a count comes to in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    /// Whether votes decided on it and all below.
    pub(crate) verified: bool,
    /// Whether the committee's output, and not votes, says what is thought of it.
    pub(crate) recent: bool,
    /// What is to be executed; `None` for nothing.
    #[serde(with = "text::optional")]
    pub(crate) block: Option<BlockId>,
    #[serde(with = "text")]
    pub(crate) opinion: Hash,
}

/// Counted layers.
pub(crate) type Layers = BTreeMap<u32, Counted>;

/// What is thought of the layer in which a stage begins, and of the one before.
pub(crate) type Floor = Option<(OpinionHash, OpinionHash)>;

/// Count a stage. Without opinions to begin with, it has to begin after genesis.
pub(crate) fn count(
    feed: &Feed<'_>,
    floor: Floor,
    limits: Limits,
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(Progress),
) -> Result<(StageReport, Layers, u64), RecountError> {
    let stage = feed.stage;
    let (mut tortoise, ballots) = load(feed, floor, limits, interrupt, progress)?;
    let layer = LayerId(stage.last.0);
    progress(Progress { phase: Phase::Count, layer, of: layer });
    tortoise.tally(stage.last)?;
    let updates = tortoise.updates()?;
    let status = tortoise.status();
    let layers = updates
        .layers
        .iter()
        .filter(|result| result.layer >= stage.first)
        .map(|result| {
            let recent = result.layer.later(feed.config.hdist) > stage.last;
            (result.layer.0, counted(result, recent))
        })
        .collect();
    let report = StageReport {
        from: LayerId(stage.first.0),
        to: LayerId(stage.last.0),
        verified: LayerId(status.verified.0),
        full: status.full,
        ..ballots
    };
    Ok((report, layers, tortoise.work()))
}

/// Tell a tortoise everything. Comes back with what became of ballots.
fn load(
    feed: &Feed<'_>,
    floor: Floor,
    limits: Limits,
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Tortoise, StageReport), RecountError> {
    let stage = feed.stage;
    let mut tortoise = Tortoise::new(feed.config, limits)?;
    tortoise.set_interrupt(interrupt.clone());
    if let Some((opinion, previous)) = floor {
        tortoise.recover_from(stage.first, opinion, previous)?;
    }
    let mut ballots = StageReport::default();
    let mut told = 0_u64;
    let mut hear = |event: Event| -> Result<(), RecountError> {
        told = told.wrapping_add(1);
        if told.is_multiple_of(ASKS) && interrupt.asks() {
            return Err(RecountError::Interrupted);
        }
        tell(&mut tortoise, feed, event, &mut ballots)
    };
    feed.before(&mut hear)?;
    for layer in (stage.first.0..=stage.last.0).map(Layer) {
        if interrupt.asks() {
            return Err(RecountError::Interrupted);
        }
        let of = LayerId(stage.last.0);
        progress(Progress { phase: Phase::Read, layer: LayerId(layer.0), of });
        feed.layer(layer, &mut hear)?;
    }
    feed.after(&mut hear)?;
    Ok((tortoise, ballots))
}

fn tell(
    tortoise: &mut Tortoise,
    feed: &Feed<'_>,
    event: Event,
    ballots: &mut StageReport,
) -> Result<(), RecountError> {
    match event {
        Event::Malfeasance(told) => tortoise.on_malfeasance(told.id),
        Event::Recover(told) => tortoise.recover(told.verified, told.last)?,
        Event::Atx(told) => tortoise.on_atx(told.target, told.id, told.atx)?,
        Event::Beacon(told) => tortoise.on_beacon(told.epoch, told.beacon),
        Event::WeakCoin(told) => tortoise.on_weak_coin(told.layer, told.coin)?,
        Event::Recovered(told) => {
            let blocks: Vec<_> = told.blocks.iter().map(|block| (block.header, block.valid)).collect();
            tortoise.on_recovered_blocks(told.layer, &blocks, told.hare)?;
        }
        Event::Ballot(told) => {
            let count = match tortoise.on_recovered_ballot(&told.ballot)? {
                Recovered::Whole => &mut ballots.whole,
                Recovered::Cut if feed.is_below(&told.ballot.opinion.base)? => &mut ballots.cut,
                Recovered::Cut => &mut ballots.missing,
                Recovered::Differs => &mut ballots.differing,
                Recovered::Refused(_) => &mut ballots.refused,
            };
            *count = count.saturating_add(1);
        }
        // Nothing else is in a database.
        _ => {}
    }
    Ok(())
}

/// What a node executes in a layer: the first block that votes made valid, else the committee's, unless votes made that
/// invalid.
fn counted(result: &LayerResult, recent: bool) -> Counted {
    let valid = result.blocks.iter().find(|block| block.valid);
    let block = valid.or_else(|| result.blocks.iter().find(|block| block.hare && !block.invalid));
    Counted {
        verified: result.verified,
        recent,
        block: block.map(|block| BlockId(block.header.id.0)),
        opinion: Hash(result.opinion.0),
    }
}

#[cfg(test)]
#[path = "tests/oracles.rs"]
mod oracles;
