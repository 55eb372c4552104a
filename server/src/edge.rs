//! Where the process touches the world: nobody else reads the clock, randomness or signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use apogee_domain::{Clock, Timestamp};
use apogee_indexer::Entropy;
use rand::rngs::{OsRng, StdRng};
use rand::{SeedableRng, TryRngCore};
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

/// 32 bytes that nobody can foresee.
pub(crate) fn entropy() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(Failure::world)?;
    Ok(seed)
}

/// A name for this process that no other one ever had.
pub(crate) fn owner() -> Result<String, Failure> {
    let [a, b, c, d, e, f, g, h, ..] = entropy()?;
    Ok(format!("{}-{:016x}", std::process::id(), u64::from_le_bytes([a, b, c, d, e, f, g, h])))
}

/// Draws that nobody can foresee.
pub(crate) fn randomness() -> Result<StdRng, Failure> {
    Ok(StdRng::from_seed(entropy()?))
}

/// Randomness for as many uses as there are: each is the hash of what nobody can foresee and its number.
pub(crate) fn entropy_source() -> Result<Entropy, Failure> {
    let (seed, uses) = (entropy()?, AtomicU64::new(0));
    Ok(Arc::new(move || {
        let number = uses.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        Sha256::new().chain_update(seed).chain_update(number).finalize().into()
    }))
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
