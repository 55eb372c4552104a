//! Where the process touches the world: nobody else reads the clock, randomness or signals.

use std::time::{SystemTime, UNIX_EPOCH};

use apogee_domain::{Clock, Timestamp};
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

/// 32 bytes that nobody can foresee.
pub(crate) fn entropy() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(Failure::world)?;
    Ok(seed)
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one clock that the others are handed")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Returns when the process is asked to end: SIGINT (Ctrl-C) or SIGTERM.
pub(crate) async fn interrupted() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => signal.recv().await.unwrap_or(()),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
    }
}
