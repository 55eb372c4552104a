//! What a node answers, and what ends a replay.

use crate::weight::Overflow;
use crate::{AtxId, BallotId, BlockId, Epoch, Layer, OpinionHash};

/// A ballot that is not taken, or votes that cannot be cast.
///
/// The text of each is the one that a node (go-spacemesh, `tortoise/`) writes into its trace: replay compares them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is there already.
    #[error("tortoise: ballot exists: {0}")]
    Exists(BallotId),
    /// Its layer is evicted, or the ballot that it refers to is unknown.
    #[error("can't decode ballot {0}")]
    Undecodable(BallotId),
    /// What it builds on is not older.
    #[error(
        "votes for ballot ({layer}/{ballot}) should be encoded with base ballot ({base_layer}/{base}) from previous layers"
    )]
    BaseNotOlder {
        /// Its layer.
        layer: Layer,
        /// The ballot.
        ballot: BallotId,
        /// The layer of what it builds on.
        base_layer: Layer,
        /// What it builds on.
        base: BallotId,
    },
    /// Its activation is unknown.
    #[error("atx {atx}/{epoch} not in state")]
    UnknownAtx {
        /// The activation.
        atx: AtxId,
        /// The epoch of the ballot.
        epoch: Epoch,
    },
    /// It neither says what its weight follows from nor refers to a ballot that does.
    #[error("epoch data and pointer are nil for ballot {0}")]
    NoReference(BallotId),
    /// It votes twice for one block.
    #[error("conflicting votes on the same id {block} with different heights {first} conflict with {second}")]
    Conflict {
        /// The block.
        block: BlockId,
        /// The height of one vote.
        first: u64,
        /// The height of the other.
        second: u64,
    },
    /// It votes for blocks of a layer on which it abstains.
    #[error("votes on layer {0} conflict with abstain")]
    AbstainConflict(Layer),
    /// It votes against a block at another height than the one it takes its support from.
    #[error(
        "wrong target. last supported is ({supported}/{supported_height}), but is against ({against}/{against_height})"
    )]
    WrongTarget {
        /// What is supported.
        supported: BlockId,
        /// Its height.
        supported_height: u64,
        /// What is voted against.
        against: BlockId,
        /// Its height.
        against_height: u64,
    },
    /// It builds on a ballot that is not known.
    #[error("base ballot not in state: {0}")]
    UnknownBase(BallotId),
    /// It votes for layers that are evicted.
    #[error("voted blocks were evicted: layer ({layer}) outside the window (evicted {evicted})")]
    Evicted {
        /// The lowest layer that it votes on.
        layer: Layer,
        /// The highest evicted layer.
        evicted: Layer,
    },
    /// Both.
    #[error(
        "base ballot not in state: {base}\nvoted blocks were evicted: layer ({layer}) outside the window (evicted {evicted})"
    )]
    UnknownBaseEvicted {
        /// What it builds on.
        base: BallotId,
        /// The lowest layer that it votes on.
        layer: Layer,
        /// The highest evicted layer.
        evicted: Layer,
    },
    /// Its votes are not those it was signed for.
    #[error(
        "computed opinion hash {} doesn't match signed {} for ballot {layer} / {ballot}", .computed, .signed
    )]
    Opinion {
        /// What its votes come to.
        computed: OpinionHash,
        /// What it says.
        signed: OpinionHash,
        /// Its layer.
        layer: Layer,
        /// The ballot.
        ballot: BallotId,
    },
    /// Ballots wait for a beacon.
    #[error("all ballots from processed layers ({0}) must be counted before encoding votes")]
    Uncounted(usize),
    /// No ballot of the window can be built on; the last reason.
    #[error("failed to encode votes: {0}")]
    Unencodable(Unencodable),
    /// There is no ballot in the window.
    #[error("no ballots within a sliding window")]
    NoBallots,
}

/// Why votes cannot be written as differences to a ballot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unencodable {
    /// It abstains where the committee's output is known.
    #[error("ballot {0} can't be used as a base ballot")]
    Base(BallotId),
    /// Nothing decides on a block, and the coin was not tossed.
    #[error("coinflip is not recorded in {toss}. required for vote on {block} / {layer}")]
    Coin {
        /// The layer whose coin is missing.
        toss: Layer,
        /// The block.
        block: BlockId,
        /// Its layer.
        layer: Layer,
    },
    /// More differences than the network allows.
    #[error("too many exceptions ({0})")]
    Exceptions(usize),
    /// The differences contradict each other.
    #[error("{0}")]
    Votes(Box<Refusal>),
}

/// Why there is no going on: a node would have stopped too, or a bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No network has such parameters.
    #[error("{0}")]
    Config(&'static str),
    /// A weight is too large.
    #[error("a weight does not fit")]
    Overflow,
    /// An activation heavier than 2⁶³ − 1.
    #[error("activation {0} is too heavy")]
    Heavy(AtxId),
    /// A ballot that says that its smesher may make none.
    #[error("ballot {0} says that its epoch has no ballots")]
    NoEligibility(BallotId),
    /// A ballot to be stored that was not decoded before.
    #[error("ballot {0} was not decoded")]
    Undecoded(BallotId),
    /// A layer that is evicted already.
    #[error("layer {layer} is evicted; the window begins behind {evicted}")]
    Evicted {
        /// The layer.
        layer: Layer,
        /// The highest evicted layer.
        evicted: Layer,
    },
    /// [`Limits::layers`](crate::Limits::layers).
    #[error("layer {layer} is more than {most} behind {evicted}")]
    Layers {
        /// The layer.
        layer: Layer,
        /// The highest evicted layer.
        evicted: Layer,
        /// The limit.
        most: u32,
    },
    /// [`Limits::votes`](crate::Limits::votes).
    #[error("more than {0} votes are held")]
    Votes(u32),
    /// [`Limits::work`](crate::Limits::work).
    #[error("more than {0} steps")]
    Work(u64),
    /// Who [asked for it](crate::Interrupt) wants no more.
    #[error("interrupted")]
    Interrupted,
}

impl From<Overflow> for Fault {
    fn from(Overflow: Overflow) -> Self {
        Self::Overflow
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// It was refused; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no going on.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Overflow> for Stop {
    fn from(overflow: Overflow) -> Self {
        Self::Fault(overflow.into())
    }
}
