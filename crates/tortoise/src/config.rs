//! What a network agreed on, and how much one replay may cost.

use serde::{Deserialize, Serialize};

use crate::{Epoch, Fault, Layer};

/// The parameters of a network. Distances are in layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How far back the output of the committee (hare) is voted for.
    pub hdist: u32,
    /// How long the output of the committee is waited for.
    pub zdist: u32,
    /// How far back votes are counted.
    pub window: u32,
    /// Differences that a ballot may have to the one it builds on.
    pub exceptions: u32,
    /// How long full counting puts off a ballot with another beacon.
    pub delay: u32,
    /// Ballots that a layer has on average. Nothing here depends on it.
    #[serde(rename = "layer-size")]
    pub layer_size: u32,
    /// Layers of an epoch.
    #[serde(rename = "epoch-size")]
    pub epoch: u32,
    /// The layer that everybody agrees on: the last one before the first votes.
    #[serde(rename = "effective-genesis")]
    pub genesis: Layer,
}

impl Config {
    /// Whether a node would start with it.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let broken = [
            (self.hdist < self.zdist, "hdist is less than zdist"),
            (self.window == 0, "the window has no layers"),
            (self.epoch == 0, "an epoch has no layers"),
            (self.genesis.0 == 0, "no layer comes before genesis"),
        ];
        broken.iter().find(|(is, _)| *is).map_or(Ok(()), |(_, why)| Err(Fault::Config(why)))
    }

    /// The epoch of a layer.
    #[must_use]
    pub const fn epoch_of(&self, layer: Layer) -> Epoch {
        // `check` refused epochs without layers.
        Epoch(match layer.0.checked_div(self.epoch) {
            Some(epoch) => epoch,
            None => 0,
        })
    }

    /// How many layers of its epoch come before a layer.
    pub(crate) const fn place(&self, layer: Layer) -> u32 {
        match layer.0.checked_rem(self.epoch) {
            Some(place) => place,
            None => 0,
        }
    }

    /// Whether a layer is so recent, at `last`, that the committee's output decides how to vote for its blocks.
    pub(crate) const fn is_recent(&self, layer: Layer, last: Layer) -> bool {
        layer.later(self.hdist).0 > last.0
    }
}

/// How much a trace may be, and cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a trace.
    pub bytes: u64,
    /// Bytes of one of its lines.
    pub line: u64,
    /// Layers that are held at once.
    pub layers: u32,
    /// Votes of ballots on layers that are held at once; those that ballots share count once.
    pub votes: u32,
    /// Steps: votes, ballots, blocks and layers looked at.
    pub work: u64,
}

impl Limits {
    /// For traces of strangers: so many steps take some 30 seconds at worst, a twentieth of that mostly.
    pub const DEFAULT: Self =
        Self { bytes: 256 << 20, line: 4 << 20, layers: 1 << 16, votes: 1 << 21, work: 1 << 29 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
