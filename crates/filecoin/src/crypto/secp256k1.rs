//! secp256k1 signatures with a recoverable key, as messages carry them.

use fvm_shared::address::{Address, Protocol};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use super::blake2b256;

/// Why a signature was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFailure {
    /// Not 65 bytes of r ‖ s ‖ v with r and s in range and v in 0..=3.
    #[error("the signature is not r, s and a recovery id in 65 bytes")]
    Malformed,
    /// No key could have made it.
    #[error("no key gives this signature")]
    NoKey,
    /// Somebody else made it.
    #[error("the signature is that of {0}")]
    OtherSigner(Address),
}

/// The uncompressed public key (65 bytes, 0x04 first) that made `signature` (r ‖ s ‖ v) over `digest`.
///
/// # Errors
/// When the bytes are no signature, or none that a key could have made over this digest.
pub fn recover(digest: &[u8; 32], signature: &[u8]) -> Result<[u8; 65], RecoveryFailure> {
    let (rs, v) = signature.split_at_checked(64).ok_or(RecoveryFailure::Malformed)?;
    let &[v] = v else { return Err(RecoveryFailure::Malformed) };
    let parsed = Signature::from_slice(rs).map_err(|_| RecoveryFailure::Malformed)?;
    let mut id = RecoveryId::from_byte(v).ok_or(RecoveryFailure::Malformed)?;
    // The library recovers from the low-s form only; Filecoin also takes the other, with the parity turned around.
    let normalized = parsed.normalize_s();
    if normalized.is_some() {
        id = RecoveryId::new(!id.is_y_odd(), id.is_x_reduced());
    }
    let key = VerifyingKey::recover_from_prehash(digest, &normalized.unwrap_or(parsed), id)
        .map_err(|_| RecoveryFailure::NoKey)?;
    key.to_encoded_point(false).as_bytes().try_into().map_err(|_| RecoveryFailure::NoKey)
}

/// Check that `sender`, an `f1` address, signed BLAKE2b-256 of `message`, which is the bytes of the message's CID.
///
/// # Errors
/// When it did not.
pub fn verify(sender: &Address, message: &[u8], signature: &[u8]) -> Result<(), RecoveryFailure> {
    let key = recover(&blake2b256(message), signature)?;
    let signer = Address::new_secp256k1(&key).map_err(|_| RecoveryFailure::NoKey)?;
    if sender.protocol() == Protocol::Secp256k1 && signer == *sender {
        return Ok(());
    }
    Err(RecoveryFailure::OtherSigner(signer))
}

#[cfg(test)]
mod tests {
    use k256::ecdsa::SigningKey;

    use super::*;

    fn signed() -> (Address, Vec<u8>) {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let sender = Address::new_secp256k1(key.verifying_key().to_encoded_point(false).as_bytes()).unwrap();
        let (signature, id) = key.sign_prehash_recoverable(&blake2b256(b"message")).unwrap();
        (sender, [&signature.to_vec()[..], &[id.to_byte()]].concat())
    }

    #[test]
    fn a_signature_verifies_for_its_sender_and_message_alone() {
        let (sender, signature) = signed();
        assert_eq!(verify(&sender, b"message", &signature), Ok(()));
        assert!(verify(&sender, b"another", &signature).is_err());
        assert!(matches!(
            verify(&Address::new_id(1), b"message", &signature),
            Err(RecoveryFailure::OtherSigner(_))
        ));
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&sender, b"message", &flipped).is_err(), "bit {bit}");
        }
        for length in [0, 64, 66] {
            let bad = vec![1; length];
            assert_eq!(verify(&sender, b"message", &bad), Err(RecoveryFailure::Malformed));
        }
    }

    /// Consensus takes both of the two equivalent signatures.
    #[test]
    fn the_other_form_of_s_verifies_too() {
        let (sender, signature) = signed();
        let parsed = Signature::from_slice(&signature[..64]).unwrap();
        let high = Signature::from_scalars(*parsed.r(), -*parsed.s()).unwrap();
        let turned = [&high.to_vec()[..], &[signature[64] ^ 1]].concat();
        assert_eq!(verify(&sender, b"message", &turned), Ok(()));
    }
}
