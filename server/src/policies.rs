//! Policies of faucets, whichever kind: their files, and their rows in the database.

use std::path::Path;

use apogee_domain::{Atto, Digest, NetworkId, Timestamp};
use apogee_store::Faucet;

/// Largest file of a policy, bytes.
const LARGEST: u64 = 256 << 10;

/// The text of a policy.
pub(crate) fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > LARGEST {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    std::fs::read_to_string(path)
}

/// A faucet as the settings name it, that has granted and read nothing yet: what the database holds of that stays.
pub(crate) fn row(
    (network, name): (&NetworkId, &str),
    wallet: &str,
    (policy_version, policy_digest): (u32, Digest),
    day: i64,
    now: Timestamp,
) -> Faucet {
    Faucet {
        network: network.clone(),
        name: name.to_owned(),
        wallet: wallet.to_owned(),
        enabled: true,
        reason: String::new(),
        changed_by: "settings".to_owned(),
        changed_at: now,
        policy_version,
        policy_digest,
        day,
        day_grants: 0,
        day_amount: Atto::ZERO,
        full_at: now,
    }
}
