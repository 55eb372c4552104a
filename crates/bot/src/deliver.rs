//! What is in the outbox goes to the controller.

use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::Completed;

use crate::controller::{Controller, ControllerError};
use crate::outbox::{Outbox, OutboxError, Told};
use crate::settings::Patience;

/// Sends what waits.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) controller: Arc<Controller>,
    pub(crate) patience: Patience,
}

/// It has to be tried again.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("the controller did not take a result")]
    Controller(#[from] ControllerError),
    #[error("the outbox does not work")]
    Outbox(#[from] OutboxError),
}

impl Delivery {
    /// Send whatever comes, again and again until the controller has it.
    pub(crate) async fn deliver(self) {
        let mut wait = self.patience.again;
        loop {
            self.outbox.some().await;
            match self.first().await {
                Ok(_) => wait = self.patience.again,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a result waits");
                    // Of several, one that cannot be taken now does not hold up the others.
                    self.outbox.rotate();
                    tokio::time::sleep(wait).await;
                    wait = longer(wait, self.patience.longest);
                }
            }
        }
    }

    /// Send what waits, each once, as long as the controller answers.
    pub(crate) async fn flush(&self) {
        for _ in 0..self.outbox.waiting() {
            match self.first().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(Undelivered::Controller(
                    ControllerError::Trouble { .. } | ControllerError::Malformed(_),
                )) => self.outbox.rotate(),
                Err(_) => return,
            }
        }
    }

    /// Send what waits longest. Whether there was anything.
    async fn first(&self) -> Result<bool, Undelivered> {
        let Some((name, told)) = self.outbox.first().await? else { return Ok(false) };
        let answer = match &told {
            Told::Complete(complete) => self.controller.complete(complete).await.map(|answer| match answer {
                Completed::Kept => "kept",
                Completed::Late => "late",
            }),
            Told::Canary(told) => self.controller.canary(told).await.map(|()| "told"),
        };
        match answer {
            Ok(answer) => {
                tracing::debug!(name, answer, "a result is delivered");
                self.outbox.sent(name).await?;
            }
            Err(error) if error.is_final() => {
                tracing::error!(name, %error, "a result is refused, and set aside");
                self.outbox.refused(name).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

/// Twice as long, within a bound.
pub(crate) fn longer(wait: Duration, longest: Duration) -> Duration {
    wait.saturating_mul(2).min(longest)
}
