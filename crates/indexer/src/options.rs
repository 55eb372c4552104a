use std::fmt;
use std::sync::Arc;

use crate::{Reads, Start};

/// Where fresh randomness comes from: 32 bytes nobody can foresee, for checking signatures in batches.
pub type Entropy = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;

/// How an indexer works.
#[derive(Clone)]
pub struct Options {
    /// Epochs that are derived together and committed in one transaction; at least 1. Rows and digests do not depend on it.
    pub batch: u32,
    /// Randomness for signatures in batches.
    pub entropy: Entropy,
    /// Where an empty database begins.
    pub start: Start,
    /// What happens where an epoch does not stand up to its checks.
    pub doubt: Doubt,
    /// How much may be read for one epoch.
    pub reads: Reads,
}

/// What happens to an epoch of which a check fails, or of which a block is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is indexed: the failure is recorded with it, and what cannot be read is unknown. For archives, which are what they are.
    Record,
    /// Nothing of its batch is indexed, and the endpoints that lead there are set aside. For nodes: another one may know better.
    Stop,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Options");
        debug.field("batch", &self.batch).field("start", &self.start).field("doubt", &self.doubt);
        debug.field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl Options {
    /// Batches of 64 epochs from genesis on; what fails is recorded.
    #[must_use]
    pub const fn new(entropy: Entropy) -> Self {
        Self { batch: 64, entropy, start: Start::Genesis, doubt: Doubt::Record, reads: Reads::DEFAULT }
    }
}
