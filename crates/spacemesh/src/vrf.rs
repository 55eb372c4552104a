//! Draws that nobody can choose: ECVRF-EDWARDS25519-SHA512-ELL2 of RFC 9381.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use sha2_011::{Digest, Sha512};

use crate::id::SmesherId;
use crate::scale::{Reader, Scale, ScaleError};
use crate::signature::point;

/// The suite's number (RFC 9381 §5.5).
const SUITE: u8 = 0x04;
/// What hashing to the curve is told apart by: `ECVRF_`, the suite of RFC 9380, the suite's number.
const DOMAIN: &[u8] = b"ECVRF_edwards25519_XMD:SHA-512_ELL2_NU_\x04";

/// A draw with its proof: a point, a challenge of 16 bytes, a scalar.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proof(pub [u8; 80]);

/// What a proof comes to: 64 bytes that are as good as random.
pub type Output = [u8; 64];

/// The proof is not this key's draw on this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VrfError {
    /// No key.
    #[error("the key is no point of the curve in its one form, or a point of small order")]
    Key,
    /// No proof.
    #[error("the proof is not a point, a challenge and a scalar in their one form")]
    Form,
    /// A proof of something else, or by somebody else.
    #[error("the proof is not of this message by this key")]
    Mismatch,
}

impl Proof {
    /// Check that this is the draw of `key` on `message`, and say what it comes to.
    ///
    /// # Errors
    /// See [`VrfError`].
    pub fn verify(&self, key: &SmesherId, message: &[u8]) -> Result<Output, VrfError> {
        let public = point(&key.0).filter(|public| !public.is_small_order()).ok_or(VrfError::Key)?;
        let mut parts = Reader::new(&self.0);
        let mut part = || parts.array::<16>().map_err(|_| VrfError::Form);
        let (gamma, challenge, scalar) = (joined(part()?, part()?), part()?, joined(part()?, part()?));
        let gamma_point = point(&gamma).ok_or(VrfError::Form)?;
        let c = Scalar::from_bytes_mod_order(joined(challenge, [0; 16]));
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(scalar)).ok_or(VrfError::Form)?;

        let h = EdwardsPoint::encode_to_curve::<Sha512>(&[&key.0, message], &[DOMAIN]);
        let u = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-c, &public, &s);
        let v = EdwardsPoint::vartime_multiscalar_mul([s, -c], [h, gamma_point]);
        let mut hash = Sha512::new().chain_update([SUITE, 2]).chain_update(key.0);
        for point in [h, gamma_point, u, v] {
            hash.update(point.compress().as_bytes());
        }
        if hash.chain_update([0]).finalize().starts_with(&challenge) {
            Ok(output(&gamma_point))
        } else {
            Err(VrfError::Mismatch)
        }
    }
}

/// RFC 9381 §5.2.
fn output(gamma: &EdwardsPoint) -> Output {
    let point = gamma.mul_by_cofactor().compress();
    Sha512::new().chain_update([SUITE, 3]).chain_update(point.as_bytes()).chain_update([0]).finalize().into()
}

fn joined(low: [u8; 16], high: [u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole.iter_mut().zip(low.into_iter().chain(high)).for_each(|(to, from)| *to = from);
    whole
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Scale for Proof {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        input.array().map(Self)
    }
}
