use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How votes of a network of Spacemesh are counted again beside serving. Each figure that is left out has a default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recount {
    /// Whether the server begins recounts by itself.
    #[serde(default = "begins")]
    pub(crate) start: bool,
    /// MiB of memory that the process of a recount may have: 256 at least.
    #[serde(default = "memory")]
    pub(crate) memory_mib: u32,
    /// Seconds of a processor's time that it may have, and a fourth of the time that it may take.
    #[serde(default = "seconds")]
    pub(crate) seconds: u32,
    /// Where its files lie while it works. Beside an SQLite database unless given; with another database it has to be given.
    pub(crate) folder: Option<PathBuf>,
}

const fn begins() -> bool {
    true
}

const fn memory() -> u32 {
    4_096
}

const fn seconds() -> u32 {
    3_600
}

impl Default for Recount {
    fn default() -> Self {
        Self { start: begins(), memory_mib: memory(), seconds: seconds(), folder: None }
    }
}

impl Recount {
    /// What is wrong with it.
    pub(super) const fn fault(&self) -> Option<&'static str> {
        if self.memory_mib < 256 {
            return Some("recount: memory_mib is 256 at least");
        }
        if self.seconds == 0 {
            return Some("recount: seconds is 1 at least");
        }
        None
    }
}
