//! Who sent a request.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use apogee_domain::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most bytes of a request.
pub const LARGEST: usize = 64 << 10;

/// How far a request's time may be from the clock.
pub const SKEW: Duration = Duration::from_secs(300);

/// The most digits of a time in seconds.
const LONGEST_TIME: usize = 12;

/// The key by which Discord signs what it sends to one application: 64 hexadecimal digits, which it shows as the application's public key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplicationKey(VerifyingKey);

/// No key that anything can be signed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Other characters, or another number of them.
    #[error("an application's public key is 64 hexadecimal digits")]
    Digits,
    /// Digits that are no key of Ed25519, or one for which everybody can sign.
    #[error("these 64 digits are no public key of Ed25519")]
    NoKey,
}

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `X-Signature-Ed25519`.
    pub signature: &'a str,
    /// `X-Signature-Timestamp`.
    pub timestamp: &'a str,
    /// The body, byte by byte.
    pub body: &'a [u8],
}

/// Why a request is not from Discord as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// More than [`LARGEST`] bytes.
    #[error("the body has more than {LARGEST} bytes")]
    Large,
    /// The time is none.
    #[error("the time is no number of seconds")]
    Time,
    /// The time is further than [`SKEW`] from the clock.
    #[error("the time is more than five minutes from the clock")]
    Stale,
    /// The signature is none, or of something else, or by somebody else.
    #[error("the signature is not that of the application's key")]
    Signature,
}

/// The body of a request that Discord has signed not long ago.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a>(pub(crate) &'a [u8]);

impl ApplicationKey {
    /// That Discord has signed this request, and not long before or after `now`.
    ///
    /// # Errors
    /// [`Unverified`]. Whoever sent the request is better not told which.
    ///
    /// Source: Discord, *Setting Up an Endpoint: Validating Security Request Headers*: Ed25519 over the time as it is written, then the body.
    pub fn verify<'a>(&self, signed: &Signed<'a>, now: Timestamp) -> Result<Verified<'a>, Unverified> {
        if signed.body.len() > LARGEST {
            return Err(Unverified::Large);
        }
        let digits = signed.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || signed.timestamp.len() > LONGEST_TIME {
            return Err(Unverified::Time);
        }
        let at: i64 = signed.timestamp.parse().map_err(|_| Unverified::Time)?;
        if at.abs_diff(now.seconds()) > SKEW.as_secs() {
            return Err(Unverified::Stale);
        }
        let mut signature = [0; Signature::BYTE_SIZE];
        hex::decode_to_slice(signed.signature, &mut signature).map_err(|_| Unverified::Signature)?;
        let message = [signed.timestamp.as_bytes(), signed.body].concat();
        // Strict: a signature has one writing, and keys for which everybody can sign are none.
        let verified = self.0.verify_strict(&message, &Signature::from_bytes(&signature));
        verified.map(|()| Verified(signed.body)).map_err(|_| Unverified::Signature)
    }
}

impl FromStr for ApplicationKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| InvalidKey::Digits)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| InvalidKey::NoKey)?;
        if key.is_weak() { Err(InvalidKey::NoKey) } else { Ok(Self(key)) }
    }
}

impl fmt::Display for ApplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for ApplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplicationKey({self})")
    }
}

impl Serialize for ApplicationKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApplicationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
