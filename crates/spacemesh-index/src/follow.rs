//! Following a network, and what is told of it meanwhile.

use std::error::Error;
use std::time::Duration;

use apogee_domain::Epoch;
use serde::Serialize;
use tokio::sync::watch;

use crate::{IndexError, Indexer};

/// How indexing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How people call the source.
    pub source: String,
    /// The source's last executed layer, when it was last asked.
    pub head: Option<Epoch>,
    /// The newest indexed layer.
    pub indexed: Option<Epoch>,
    /// Layers up to this one are final.
    pub final_epoch: Option<Epoch>,
    /// Why nothing could be indexed when it was last tried, in words; `None` when it went well.
    pub error: Option<String>,
}

impl Status {
    /// How many layers the index is behind the head; `None` before either is known.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        Some(self.head?.since(self.indexed?))
    }
}

impl Indexer {
    /// How it stands, from now on. Every batch, head and failure is told.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Index what is there, then look again every `interval`, until `stop` is ready; then work at hand is dropped, and the database
    /// holds whole batches.
    ///
    /// # Errors
    /// Failures that asking again does not cure: see [`IndexError::may_pass`].
    pub async fn follow(
        &mut self,
        interval: Duration,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), IndexError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            let done = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                done = self.reach_head() => done,
            };
            match done {
                Ok(cursor) => tracing::debug!(layer = %cursor.epoch, digest = %cursor.digest, "indexed"),
                Err(error) if error.may_pass() => {
                    tracing::warn!(error = &error as &dyn Error, "indexing was interrupted");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn said(error: &IndexError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
