//! `CurioAuth`: who asks, by a signature over what is asked and when.

use apogee_domain::Timestamp;
use apogee_market::{SignError, SignatureError, Signs, verify};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fvm_shared::address::Address;
use fvm_shared::crypto::signature::{Signature, SignatureType};
use sha2::{Digest, Sha256};

const SCHEME: &str = "CurioAuth ";
const KIND: &str = "secp256k1";
/// Longest header that is looked at.
const LONGEST: usize = 1 << 10;
/// Minutes that a provider's clock may be off.
const TOLERANCE: i64 = 1;

/// By whose word a market is asked. It is good for one method and path, around one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The value of the header.
    pub header: String,
    /// The minute that it was signed for, counted from 1970.
    pub minute: i64,
}

/// There is no authorization.
#[derive(Debug, thiserror::Error)]
pub enum NotAuthorized {
    /// The key has not signed.
    #[error("the client does not sign")]
    Sign(#[from] SignError),
    /// The signature is not that of its address: a provider would refuse it.
    #[error("the signature does not verify")]
    Signature(#[from] SignatureError),
}

/// An authorization that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not `CurioAuth secp256k1:…:…`.
    #[error("the header is none of CurioAuth with a key of secp256k1")]
    Form,
    /// Not an address.
    #[error("the header holds no address")]
    Address,
    /// Another key's, or over another method, path or minute.
    #[error("the signature is not the address's over this request at this time")]
    Signature(#[source] SignatureError),
}

/// Have `key` sign for `method` (in capitals) on `path` (escaped, without query) at `minute`, counted from 1970.
///
/// # Errors
/// See [`NotAuthorized`].
pub fn authorization(
    key: &(impl Signs + ?Sized),
    method: &str,
    path: &str,
    minute: i64,
) -> Result<Authorization, NotAuthorized> {
    let address = key.address();
    let message = digest(&address.to_bytes(), method, path, minute);
    let signature = key.sign(&message)?;
    verify(&address, &message, &signature)?;
    let signed = [&[signature.sig_type as u8][..], &signature.bytes].concat();
    let header =
        format!("{SCHEME}{KIND}:{}:{}", STANDARD.encode(address.to_bytes()), STANDARD.encode(signed));
    Ok(Authorization { header, minute })
}

/// Check a header as Curio does, at `minute`, the one before it and the one after it. What is given is the client.
///
/// # Errors
/// See [`Refused`].
pub fn verify_authorization(header: &str, method: &str, path: &str, minute: i64) -> Result<Address, Refused> {
    let fields = header.strip_prefix(SCHEME).filter(|_| header.len() <= LONGEST).ok_or(Refused::Form)?;
    let mut fields = fields.splitn(3, ':');
    let (Some(KIND), Some(address), Some(signed)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(Refused::Form);
    };
    let (address, signed) = (STANDARD.decode(address), STANDARD.decode(signed));
    let (Ok(bytes), Ok(signed)) = (address, signed) else { return Err(Refused::Form) };
    let address = Address::from_bytes(&bytes).map_err(|_| Refused::Address)?;
    let Some((1, scalars)) = signed.split_first() else { return Err(Refused::Form) };
    let signature = Signature { sig_type: SignatureType::Secp256k1, bytes: scalars.to_vec() };
    let mut refused = Refused::Form;
    for apart in [0, -TOLERANCE, TOLERANCE] {
        let message = digest(&bytes, method, path, minute.saturating_add(apart));
        match verify(&address, &message, &signature) {
            Ok(()) => return Ok(address),
            Err(error) => refused = Refused::Signature(error),
        }
    }
    Err(refused)
}

/// What is signed; Filecoin's signatures hash it once more.
fn digest(address: &[u8], method: &str, path: &str, minute: i64) -> [u8; 32] {
    let time = Timestamp::from_seconds(minute.saturating_mul(60)).to_string();
    Sha256::new()
        .chain_update(address)
        .chain_update(method)
        .chain_update(path)
        .chain_update(time)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of Curio's `market/mk20/client/auth_test.go`; the digest by Python's `hashlib`.
    #[test]
    fn what_is_signed_is_what_curio_signs() {
        // 2026-06-08T05:10Z
        let minute = 1_780_895_400 / 60;
        let digest = digest(&[1, 2, 3, 4], "POST", "/market/mk20/deal", minute);
        assert_eq!(hex::encode(digest), "b899ff85fb89eb7bed4d1b2d078a5c356c9500778cab18ad5d0fce4bbc592c10");
    }
}
