//! Lines of a trace: what a node told its tortoise, and what that answered.
//!
//! go-spacemesh writes types 1 to 15 (`tortoise/tracer.go`); 100 and 101 are those of our recordings.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::ballot::{Atx, Ballot, Header, Opinion};
use crate::results::LayerResult;
use crate::{AtxId, BallotId, Beacon, BlockId, Config, Epoch, Layer, NodeId, OpinionHash};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// 1: a tortoise starts.
    Start(Config),
    /// 2: the coin of a layer.
    WeakCoin(WeakCoin),
    /// 3: the beacon of an epoch.
    Beacon(BeaconDrawn),
    /// 4: an activation.
    Atx(AtxSeen),
    /// 5: a ballot to be stored; that it may be refused is not noted.
    Ballot(BallotSeen),
    /// 6: a ballot to be decoded, and why it was not.
    Decode(Decode),
    /// 7: a decoded ballot to be stored, and why it was not.
    Store(Store),
    /// 8: votes for a ballot of ours.
    Encode(Encode),
    /// 9: votes are counted.
    Tally(Tally),
    /// 10: a block is here.
    Block(BlockSeen),
    /// 11: the committee's output.
    Hare(Hare),
    /// 12: what changed.
    Updates(UpdatesSeen),
    /// 13: a layer was applied.
    Applied(Applied),
    /// 14: a smesher cheated.
    Malfeasance(Malfeasance),
    /// 15: blocks of a layer from a database.
    Recovered(Recovered),
    /// 100: the state after what comes before it.
    State(State),
    /// 101: a recovery begins.
    Recover(Recover),
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
    )*};
}

lines! {
    /// The coin of a layer.
    WeakCoin {
        /// The layer.
        #[serde(rename = "lid")]
        layer: Layer,
        /// What came up.
        coin: bool,
    }
    /// The beacon of an epoch.
    BeaconDrawn {
        /// The epoch.
        epoch: Epoch,
        /// What was drawn.
        beacon: Beacon,
    }
    /// An activation.
    AtxSeen {
        /// Its name.
        id: AtxId,
        /// The epoch it is for.
        target: Epoch,
        /// The rest.
        #[serde(rename = "Atx", deserialize_with = "atx")]
        atx: Atx,
    }
    /// A ballot.
    BallotSeen {
        /// It.
        #[serde(rename = "Ballot")]
        ballot: Ballot,
    }
    /// A ballot that was decoded, or not.
    Decode {
        /// It.
        #[serde(rename = "Ballot")]
        ballot: Ballot,
        /// Why not; empty if it was.
        #[serde(rename = "e", default)]
        error: String,
    }
    /// A ballot that was stored, or not.
    Store {
        /// Which.
        id: BallotId,
        /// Whether its smesher was found to have cheated.
        #[serde(rename = "mal")]
        malicious: bool,
        /// Why not; empty if it was.
        #[serde(rename = "e", default)]
        error: String,
    }
    /// Votes that were encoded, or not.
    Encode {
        /// The layer of the ballot they are for.
        #[serde(rename = "lid")]
        layer: Layer,
        /// The votes.
        opinion: Option<Opinion>,
        /// Why there are none; empty if there are.
        #[serde(rename = "e", default)]
        error: String,
    }
    /// Votes that are counted.
    Tally {
        /// Up to here.
        #[serde(rename = "lid")]
        layer: Layer,
    }
    /// A block that is here.
    BlockSeen {
        /// Which.
        #[serde(rename = "Header")]
        header: Header,
    }
    /// The committee's output.
    Hare {
        /// Of this layer.
        #[serde(rename = "lid")]
        layer: Layer,
        /// All zero for none.
        vote: BlockId,
    }
    /// What changed.
    UpdatesSeen {
        /// The lowest layer.
        from: Layer,
        /// The highest one.
        to: Layer,
        /// Nodes leave this empty.
        #[serde(rename = "e", default)]
        error: String,
        /// All from the lowest to the highest.
        #[serde(deserialize_with = "list")]
        results: Vec<LayerResult>,
    }
    /// A layer that was applied.
    Applied {
        /// Which.
        layer: Layer,
        /// With what opinion.
        opinion: OpinionHash,
        /// Whether that was the tortoise's.
        #[serde(rename = "rst")]
        same: bool,
    }
    /// A smesher that cheated.
    Malfeasance {
        /// Who.
        id: NodeId,
    }
    /// Blocks of a layer from a database.
    Recovered {
        /// The layer.
        layer: Layer,
        /// Its blocks.
        #[serde(deserialize_with = "list")]
        blocks: Vec<RecoveredBlock>,
        /// The committee's output, if it is known.
        hare: Option<BlockId>,
    }
    /// A block from a database.
    RecoveredBlock {
        /// Which.
        header: Header,
        /// Whether it was found to count.
        valid: bool,
    }
    /// Where a tortoise stands.
    State {
        /// The highest layer there is.
        last: Layer,
        /// The highest layer whose ballots were counted.
        processed: Layer,
        /// The highest layer up to which all is decided.
        verified: Layer,
        /// The highest layer that is no longer held.
        evicted: Layer,
        /// The lowest layer that changed.
        pending: Layer,
        /// Whether votes are counted in full.
        full: bool,
        /// What a smesher's own vote needs.
        local_threshold: String,
    }
    /// Where a recovery begins.
    Recover {
        /// The highest layer with a block that counts.
        verified: Layer,
        /// The highest layer with ballots.
        last: Layer,
    }
}

/// A line that is none.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not what its type has.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A type that no trace has.
    #[error("no trace has events of type {0}")]
    Type(u16),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    t: u16,
    #[serde(borrow)]
    o: &'a RawValue,
    /// When a node wrote the line, and by which of its loggers: in its own files, not in recordings.
    #[serde(default, rename = "ts")]
    _time: IgnoredAny,
    #[serde(default, rename = "logger")]
    _logger: IgnoredAny,
}

impl Event {
    /// Read a line.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let Line { t, o, .. } = serde_json::from_slice(line)?;
        let object = o.get();
        Ok(match t {
            1 => Self::Start(serde_json::from_str(object)?),
            2 => Self::WeakCoin(serde_json::from_str(object)?),
            3 => Self::Beacon(serde_json::from_str(object)?),
            4 => Self::Atx(serde_json::from_str(object)?),
            5 => Self::Ballot(serde_json::from_str(object)?),
            6 => Self::Decode(serde_json::from_str(object)?),
            7 => Self::Store(serde_json::from_str(object)?),
            8 => Self::Encode(serde_json::from_str(object)?),
            9 => Self::Tally(serde_json::from_str(object)?),
            10 => Self::Block(serde_json::from_str(object)?),
            11 => Self::Hare(serde_json::from_str(object)?),
            12 => Self::Updates(serde_json::from_str(object)?),
            13 => Self::Applied(serde_json::from_str(object)?),
            14 => Self::Malfeasance(serde_json::from_str(object)?),
            15 => Self::Recovered(serde_json::from_str(object)?),
            100 => Self::State(serde_json::from_str(object)?),
            101 => Self::Recover(serde_json::from_str(object)?),
            other => return Err(Malformed::Type(other)),
        })
    }
}

/// An activation as a trace has it. What the tortoise has no use for is read over.
fn atx<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Atx, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Fields {
        node: NodeId,
        weight: u64,
        height: u64,
        #[serde(rename = "Coinbase")]
        _coinbase: IgnoredAny,
        #[serde(rename = "BaseHeight")]
        _base_height: IgnoredAny,
        #[serde(rename = "Nonce")]
        _nonce: IgnoredAny,
    }
    let Fields { node, weight, height, .. } = Fields::deserialize(from)?;
    Ok(Atx { node, weight, height })
}

/// A list, which is `null` where a node had nothing in it.
fn list<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
