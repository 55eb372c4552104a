//! Numbers that look drawn and are the same every time: hashes of what they are for.

use apogee_rules::canonical;

/// 32 bytes that nobody should take for a secret.
pub(crate) fn bytes(what: &str) -> [u8; 32] {
    canonical::sha256(format!("sr1-history: invented, not secret: {what}").as_bytes()).0
}

/// A number from `low` to `high`.
pub(crate) fn between(what: &str, low: u64, high: u64) -> u64 {
    let drawn = bytes(what).iter().take(7).fold(0, |value, byte| value << 8 | u64::from(*byte));
    low + drawn % (high - low + 1)
}
