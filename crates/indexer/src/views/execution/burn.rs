use apogee_domain::SeriesName;
use apogee_domain::series::{
    BURN_GAS_OTHER, BURN_GAS_PRECOMMIT, BURN_GAS_PROVECOMMIT, BURN_GAS_PUBLISH, BURN_GAS_SEND,
    BURN_GAS_WINDOWPOST,
};
use apogee_filecoin::types::Message;
use apogee_filecoin_state::{ActorKind, ReadError, StateTree};
use fvm_shared::error::ExitCode;

use super::unread;
use crate::nodes::Nodes;

/// Where gas is burnt for, in this order.
pub(super) const BURNS: [SeriesName; CLASSES] = [
    BURN_GAS_SEND,
    BURN_GAS_PRECOMMIT,
    BURN_GAS_PROVECOMMIT,
    BURN_GAS_WINDOWPOST,
    BURN_GAS_PUBLISH,
    BURN_GAS_OTHER,
];
/// How many there are.
pub(super) const CLASSES: usize = 6;
const SEND: usize = 0;
const PRE_COMMIT: usize = 1;
const PROVE_COMMIT: usize = 2;
const WINDOW_POST: usize = 3;
const PUBLISH: usize = 4;
const OTHER: usize = 5;

/// The index in [`BURNS`] of what a message is for, by method and kind of receiver (builtin-actors `miner::Method`,
/// `market::Method`); `None` when the receiver cannot be read.
pub(super) fn class(tree: Option<&StateTree<'_, Nodes>>, message: &Message) -> Option<usize> {
    let (kind, class) = match message.method_num {
        0 => return Some(SEND),
        // PreCommitSector, PreCommitSectorBatch, PreCommitSectorBatch2
        6 | 25 | 28 => (ActorKind::Miner, PRE_COMMIT),
        // ProveCommitSector, ProveCommitAggregate, ProveCommitSectors3, ProveCommitSectorsNI
        7 | 26 | 34 | 36 => (ActorKind::Miner, PROVE_COMMIT),
        5 => (ActorKind::Miner, WINDOW_POST),
        4 => (ActorKind::Market, PUBLISH),
        _ => return Some(OTHER),
    };
    let tree = tree?;
    let receiver = || {
        let Some(id) = tree.resolve(&message.to)? else { return Ok(None) };
        let Some(actor) = tree.actor(id)? else { return Ok(None) };
        match tree.kind(&actor.code) {
            Ok(kind) => Ok(Some(kind)),
            // A code that no manifest names is none of the built-in actors.
            Err(ReadError::UnknownCode(_)) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let found = receiver().map_err(|error| unread("a message's receiver", &error)).ok()?;
    Some(if found == Some(kind) { class } else { OTHER })
}

/// Whether the message may have burnt nothing: a successful `SubmitWindowedPoSt` after the Claus upgrade up to network version 12. The
/// epoch of Claus is no network version and not known here, so the burn is unknown.
pub(super) fn exempt(version: u32, class: usize, exit_code: ExitCode) -> bool {
    version <= 12 && class == WINDOW_POST && exit_code.is_success()
}
