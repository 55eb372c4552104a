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
        // PublishStorageDeals by number, and as FRC-0042 numbers its name, for other actors since v10.
        4 | 2_236_929_350 => (ActorKind::Market, PUBLISH),
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

#[cfg(test)]
mod tests {
    use super::*;
    use apogee_filecoin::source::Source;
    use fvm_shared::address::Address;
    use fvm_shared::econ::TokenAmount;

    #[tokio::test]
    async fn deals_are_published_by_either_number_of_the_method_and_only_to_the_market() {
        let recording = crate::recording::devnet(&apogee_testkit::example("devnet-a")).unwrap();
        let nodes = Nodes::new(recording.source.blocks());
        let root = recording.source.head().await.unwrap().first().parent_state_root;
        let tree = StateTree::open(&nodes, &root).unwrap();
        let class = |to, method_num| {
            let message = Message {
                version: 0,
                from: Address::new_id(100),
                to: Address::new_id(to),
                sequence: 0,
                value: TokenAmount::default(),
                method_num,
                params: fvm_ipld_encoding::RawBytes::default(),
                gas_limit: 1,
                gas_fee_cap: TokenAmount::default(),
                gas_premium: TokenAmount::default(),
            };
            super::class(Some(&tree), &message).unwrap()
        };
        // FRC-0042: the first four bytes of blake2b-512("1|PublishStorageDeals") that are 2²⁴ or more.
        const EXPORTED: u64 = 0x8554_d546;
        assert_eq!((class(5, 4), class(5, EXPORTED)), (PUBLISH, PUBLISH));
        assert_eq!((class(1000, 4), class(1000, EXPORTED), class(5, EXPORTED + 1)), (OTHER, OTHER, OTHER));
        assert_eq!((class(1000, 5), class(5, 5), class(5, 0)), (WINDOW_POST, OTHER, SEND));
    }
}
