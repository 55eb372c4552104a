use apogee_spacemesh::id::LayerId;
use apogee_tortoise::Config;

/// What a recount is asked to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The network's parameters.
    pub config: Config,
    /// The layer from which subsidies are counted: [`Config::genesis`], unless the network was started again from a
    /// checkpoint.
    pub first_genesis: LayerId,
    /// The layer to begin with, or an earlier one; `None` for the window that a node which starts now would count.
    pub from: Option<LayerId>,
    /// Whether signatures and slots of all ballots are checked: some half a millisecond for each.
    pub check: bool,
    /// How much it may cost.
    pub limits: Limits,
}

/// How much a recount may cost. What it is [estimated](Estimate) to cost is held against this before anything is counted,
/// and what it does cost while it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Layers from the first to the last one.
    pub layers: u32,
    /// Ballots in them.
    pub ballots: u64,
    /// Votes of ballots on layers that are held at once; those that ballots share count once.
    pub votes: u32,
    /// Steps of all stages together: votes, ballots, blocks and layers looked at. One takes at most some 60 ns.
    pub work: u64,
    /// Bytes of memory.
    pub bytes: u64,
}

impl Default for Limits {
    /// A window of a network as large as the main one was: at most some twenty minutes and 2 GiB.
    fn default() -> Self {
        Self { layers: 1 << 16, ballots: 1 << 20, votes: 1 << 23, work: 1 << 34, bytes: 2 << 30 }
    }
}

/// What a recount costs where few ballots are dishonest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Layers.
    pub layers: u64,
    /// Ballots.
    pub ballots: u64,
    /// Steps, if every vote of every ballot has to be counted. Ballots that contradict each other in what is far back may
    /// cost more: that is bounded while it is counted.
    pub steps: u64,
    /// Bytes of memory, where ballots vote as the one that they build on but for recent layers. Votes are bounded while
    /// they are held.
    pub bytes: u64,
}
