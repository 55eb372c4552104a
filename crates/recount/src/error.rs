use apogee_spacemesh_state::{ReadError, RecomputeError};
use apogee_tortoise::Fault;

/// A recount that came to no end.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    /// A row of the copy cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What a block pays cannot be worked out.
    #[error(transparent)]
    Rewards(#[from] RecomputeError),
    /// Votes cannot be counted: a node would have stopped there too, or a bound was reached.
    #[error("counting votes")]
    Count(#[source] Fault),
    /// Somebody asked for it.
    #[error("the recount was interrupted")]
    Interrupted,
    /// The copy has no ballots.
    #[error("there is nothing to count: the copy has no ballot above layer {0}")]
    Nothing(u32),
    /// The parameters are those of no network.
    #[error("the parameters are those of no network: {0}")]
    Config(&'static str),
    /// It would cost more than it may. Nothing was counted.
    #[error("the recount would take {needed} {what}, and may take {most}: count fewer layers, or allow more")]
    TooMuch {
        /// What of.
        what: &'static str,
        /// How much, as estimated.
        needed: u64,
        /// How much is allowed.
        most: u64,
    },
    /// A checkpoint of another recount, or none.
    #[error("the checkpoint cannot be gone on from: {0}")]
    Checkpoint(&'static str),
}

impl From<Fault> for RecountError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Interrupted => Self::Interrupted,
            Fault::Config(why) => Self::Config(why),
            fault => Self::Count(fault),
        }
    }
}
