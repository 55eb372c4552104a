use std::fmt;

use async_trait::async_trait;

/// Somebody ended the program here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped at {0}")]
pub struct Halt(pub &'static str);

/// What may happen between two things that last.
///
/// The engine calls [`at`](Self::at) at every such place, so that tests can end or hold it there.
#[async_trait]
pub trait Faults: Send + Sync + fmt::Debug {
    /// The engine is at `point`.
    async fn at(&self, point: &'static str) -> Result<(), Halt>;
}

/// Nothing happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

#[async_trait]
impl Faults for NoFaults {
    async fn at(&self, _point: &'static str) -> Result<(), Halt> {
        Ok(())
    }
}
