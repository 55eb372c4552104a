//! Following a chain, and what is told of it meanwhile.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Epoch;
use serde::Serialize;
use tokio::sync::watch;

use crate::{IndexError, Indexer};

/// How following stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How people call the source: a file, or its endpoints.
    pub source: String,
    /// The epoch of the source's head, when it was last asked.
    pub head: Option<Epoch>,
    /// The newest indexed epoch that has a tipset.
    pub indexed: Option<Epoch>,
    /// Epochs up to this one are final.
    pub final_epoch: Option<Epoch>,
    /// Why nothing could be indexed when it was last tried, in words; `None` when it went well.
    pub error: Option<String>,
    /// Endpoints that led to a chain that did not stand up to its checks.
    pub set_aside: Vec<String>,
}

impl Status {
    /// How many epochs the index is behind the head; `None` before either is known.
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

    /// Index what is there, then whatever comes, until `stop` is ready; then work at hand is dropped, and the database holds whole batches.
    /// After a failure it tries again when the source says that the head may have moved, or after `retry`.
    ///
    /// # Errors
    /// Failures that asking again does not cure: another chain, other views, a fork below what is final.
    pub async fn follow(
        &mut self,
        retry: Duration,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), IndexError> {
        let source = Arc::clone(&self.source);
        let mut stop = std::pin::pin!(stop);
        loop {
            let done = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                done = self.backfill_to_head() => done,
            };
            let failed = match done {
                Ok(cursor) => {
                    tracing::debug!(epoch = %cursor.epoch, digest = %cursor.digest, "indexed");
                    false
                }
                Err(error) if error.may_pass() => {
                    tracing::warn!(error = &error as &dyn Error, "indexing was interrupted");
                    true
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = source.changed() => {}
                () = tokio::time::sleep(retry), if failed => {}
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
