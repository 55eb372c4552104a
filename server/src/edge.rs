//! Where the process touches the world: nobody else reads randomness.

use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::cli::Failure;

/// 32 bytes that nobody can foresee.
pub(crate) fn entropy() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(Failure::world)?;
    Ok(seed)
}

/// Returns when the process is asked to end: Ctrl-C.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
