//! What there is to be counted, looked at before anything is.

use apogee_spacemesh::id::{EpochId, Epochs, Hash, LayerId};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh_state::{Applied, ReadError, State};
use apogee_tortoise::{Interrupt, Layer};
use blake3::Hasher;

use crate::error::RecountError;
use crate::plan::Stage;
use crate::progress::{Phase, Progress};
use crate::report::{Checks, Input};
use crate::settings::{Estimate, Limits, Settings};

/// What the digest of an input begins with.
const TAG: &[u8] = b"apogee recount input 1";
/// Ballots that are named where more fail.
const EXAMPLES: usize = 100;
/// Bytes that are held of a layer, of a ballot with its votes, and of an activation: three times what a large network
/// was measured to take.
const LAYER_BYTES: u64 = 1_024;
const BALLOT_BYTES: u64 = 768;
const ATX_BYTES: u64 = 384;
/// Steps of full counting for a vote: itself, a block, and its support.
const VOTE_STEPS: u64 = 3;
/// How often a ballot that agrees is counted up to the last layer: when its layer is, and when decisions change.
const GOOD_TIMES: u64 = 2;

/// What there is.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) input: Input,
    pub(crate) estimate: Estimate,
    pub(crate) checks: Option<Checks>,
}

/// Look at everything that is counted in `stages`.
pub(crate) fn survey(
    state: &State,
    settings: &Settings,
    stages: &[Stage],
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(Progress),
) -> Result<Survey, RecountError> {
    let first = stages.first().map_or(settings.config.genesis.later(1), |stage| stage.first);
    let last = stages.last().map_or(first, |stage| stage.last);
    let layers = u64::from(last.0.saturating_sub(first.0)).saturating_add(1);
    let limits = &settings.limits;
    within("layers", layers, limits.layers.into())?;
    let mut hasher = Hasher::new();
    hasher.update(TAG).update(&state.version().to_le_bytes()).update(&state.genesis().0);
    let mut estimate = Estimate { layers, ..Estimate::default() };
    let mut checks = settings.check.then(Checks::default);
    let activations = epochs(state, settings, (first, last), &mut hasher, interrupt)?;
    let mut opinion = None;
    for layer in (first.0..=last.0).map(LayerId) {
        if interrupt.asks() {
            return Err(RecountError::Interrupted);
        }
        progress(Progress { phase: Phase::Survey, layer, of: LayerId(last.0) });
        let ballots = digest_layer(state, layer, &mut hasher, &mut opinion)?;
        estimate.ballots = estimate.ballots.saturating_add(ballots);
        within("ballots", estimate.ballots, limits.ballots)?;
        let steps = steps(stages, settings.config.hdist, Layer(layer.0), ballots);
        estimate.steps = estimate.steps.saturating_add(steps);
        if let Some(checks) = &mut checks {
            check(state, settings, layer, checks)?;
        }
    }
    estimate.bytes = layers
        .saturating_mul(LAYER_BYTES)
        .saturating_add(estimate.ballots.saturating_mul(BALLOT_BYTES))
        .saturating_add(activations.saturating_mul(ATX_BYTES));
    affordable(&estimate, limits)?;
    let input = Input {
        digest: Hash(*hasher.finalize().as_bytes()),
        version: state.version(),
        genesis: *state.genesis(),
        from: LayerId(first.0),
        to: LayerId(last.0),
        opinion,
    };
    Ok(Survey { input, estimate, checks })
}

fn affordable(estimate: &Estimate, limits: &Limits) -> Result<(), RecountError> {
    within("steps", estimate.steps, limits.work)?;
    within("bytes", estimate.bytes, limits.bytes)
}

fn within(what: &'static str, needed: u64, most: u64) -> Result<(), RecountError> {
    if needed > most { Err(RecountError::TooMuch { what, needed, most }) } else { Ok(()) }
}

/// What a layer of so many ballots costs in all stages together: their votes on layers below, their agreement up to the
/// last layer, that again for each layer in which the committee's output stops to decide, and the layer itself.
fn steps(stages: &[Stage], hdist: u32, layer: Layer, ballots: u64) -> u64 {
    let recent = u64::from(hdist).saturating_mul(hdist.into());
    let of = |stage: &Stage| {
        let below = u64::from(layer.0.saturating_sub(stage.first.0));
        let above = u64::from(stage.last.0.saturating_sub(layer.0));
        let votes = below.saturating_mul(VOTE_STEPS).saturating_add(above.saturating_mul(GOOD_TIMES));
        let each = votes.saturating_add(recent.saturating_mul(GOOD_TIMES));
        ballots.saturating_mul(each).saturating_add(below).saturating_add(above).saturating_add(recent)
    };
    let with = stages.iter().filter(|stage| (stage.first..=stage.last).contains(&layer));
    with.map(of).fold(0, u64::saturating_add)
}

/// Activations, beacons and cheaters. Comes back with how many activations there are.
fn epochs(
    state: &State,
    settings: &Settings,
    (first, last): (Layer, Layer),
    hasher: &mut Hasher,
    interrupt: &Interrupt,
) -> Result<u64, RecountError> {
    let epoch = |layer: Layer| EpochId(settings.config.epoch_of(layer).0);
    let (from, to) = (epoch(first), epoch(last));
    let mut counted = 0_u64;
    for published in (from.0.saturating_sub(1)..=to.0).map(EpochId) {
        if interrupt.asks() {
            return Err(RecountError::Interrupted);
        }
        let activations = state.activations(&(published..=published))?;
        counted = counted.saturating_add(activations.len() as u64);
        number(hasher, activations.len());
        for atx in activations {
            hasher.update(&atx.id.0).update(&atx.smesher.0).update(&atx.coinbase.0);
            for value in [atx.weight, atx.base_height, atx.ticks] {
                hasher.update(&value.to_le_bytes());
            }
        }
    }
    let beacons = state.beacons()?;
    let beacons: Vec<_> = beacons.iter().filter(|(of, _)| (from..=to).contains(of)).collect();
    number(hasher, beacons.len());
    for (of, beacon) in beacons {
        hasher.update(&of.0.to_le_bytes()).update(&beacon.0);
    }
    let malicious = state.malicious()?;
    number(hasher, malicious.len());
    malicious.keys().for_each(|smesher| {
        hasher.update(&smesher.0);
    });
    Ok(counted)
}

/// A layer, with what the node says of it. Comes back with how many ballots it has.
fn digest_layer(
    state: &State,
    layer: LayerId,
    hasher: &mut Hasher,
    opinion: &mut Option<Hash>,
) -> Result<u64, ReadError> {
    let only = layer..=layer;
    hasher.update(&layer.0.to_le_bytes());
    let ballots = state.ballots(&only)?;
    number(hasher, ballots.len());
    for ballot in &ballots {
        // Its name does not cover votes and slots.
        hasher.update(&ballot.id().0).update(blake3::hash(&encode(ballot)).as_bytes());
    }
    let blocks = state.blocks(&only)?;
    number(hasher, blocks.len());
    for row in &blocks {
        hasher.update(&row.id.0).update(&[flag(row.valid)]);
    }
    let outputs = state.hare_outputs(&only)?;
    number(hasher, outputs.len());
    for output in &outputs {
        hasher.update(&output.block.unwrap_or_default().0).update(&[u8::from(output.valid)]);
    }
    let row = state.layers(&only)?.first().copied();
    hasher.update(&[flag(row.and_then(|row| row.coin))]);
    let applied = match row.map_or(Applied::NotYet, |row| row.applied) {
        Applied::NotYet => (0, Default::default()),
        Applied::Empty => (1, Default::default()),
        Applied::Block(block) => (2, block),
    };
    *opinion = row.and_then(|row| row.opinion);
    hasher.update(&[applied.0]).update(&applied.1.0).update(&opinion.unwrap_or_default().0);
    digest_rewards(state, layer, hasher)?;
    Ok(ballots.len() as u64)
}

/// What the node paid in a layer, and what for.
fn digest_rewards(state: &State, layer: LayerId, hasher: &mut Hasher) -> Result<(), ReadError> {
    let only = layer..=layer;
    let rewards = state.rewards(&only)?;
    number(hasher, rewards.len());
    for reward in rewards {
        hasher.update(&reward.smesher.0).update(&reward.coinbase.0);
        hasher.update(&reward.amount.total.to_le_bytes()).update(&reward.amount.subsidy.to_le_bytes());
    }
    let executed = state.executed(&only)?;
    number(hasher, executed.len());
    for executed in executed {
        hasher.update(&executed.row.id.0).update(&executed.result.block.0);
        hasher.update(&executed.result.fee.to_le_bytes());
    }
    Ok(())
}

fn number(hasher: &mut Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

fn flag(flag: Option<bool>) -> u8 {
    flag.map_or(2, u8::from)
}

fn check(
    state: &State,
    settings: &Settings,
    layer: LayerId,
    checks: &mut Checks,
) -> Result<(), RecountError> {
    let layers = std::num::NonZeroU32::new(settings.config.epoch);
    let epochs = Epochs { layers: layers.ok_or(RecountError::Config("an epoch has no layers"))? };
    let report = state.check_ballots(&(layer..=layer), epochs)?;
    let add = |sum: &mut u64, more: usize| *sum = sum.saturating_add(more as u64);
    add(&mut checks.passed, report.passed);
    add(&mut checks.failed, report.failed.len());
    add(&mut checks.not_made, report.not_made.len());
    let room = EXAMPLES.saturating_sub(checks.examples.len());
    checks.examples.extend(report.failed.iter().map(|(id, _)| *id).take(room));
    Ok(())
}
