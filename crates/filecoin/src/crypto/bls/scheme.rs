use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::AddAssign;

use blst::{Pairing, blst_fp12};
use blstrs::{G1Affine, G1Projective, G2Affine, G2Projective};
use group::Group;
use group::prime::PrimeCurveAffine;

/// The bytes are not a public key: wrong length, not a point of the right subgroup, or the point at infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a BLS public key: a compressed point of the prime-order subgroup other than infinity is wanted")]
pub struct InvalidKey;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::MinPk {}
    impl Sealed for super::MinSig {}
}

/// Which of the two groups holds the keys and which the signatures.
pub trait Scheme: sealed::Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// A key as a point.
    type Key: Copy + fmt::Debug + Send + Sync;
    /// A key as bytes.
    type KeyBytes: Copy + Eq + Hash + AsRef<[u8]> + fmt::Debug + Send + Sync;
    /// A signature or hashed message as a point.
    type Point: Copy + fmt::Debug + Send + Sync + From<Self::Sum>;
    /// Sums of such points.
    type Sum: Group + for<'a> AddAssign<&'a Self::Point>;

    /// Decode and check a key: on the curve, in the subgroup, not infinity.
    fn key(bytes: &[u8]) -> Option<(Self::Key, Self::KeyBytes)>;
    /// Decode and check a signature: on the curve and in the subgroup.
    fn signature(bytes: &[u8]) -> Option<Self::Point>;
    /// Hash a message to a point (RFC 9380).
    fn hash(message: &[u8]) -> Self::Sum;
    /// Product of the Miller loops of keys and points.
    fn miller_loops(pairs: &[(Self::Key, Self::Point)]) -> blst_fp12;
    /// Generator of the keys' group.
    fn generator() -> Self::Key;
}

/// Keys in G1 (48 bytes), signatures in G2 (96 bytes), messages hashed with `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_`.
#[derive(Clone, Copy, Debug)]
pub struct MinPk;

impl Scheme for MinPk {
    type Key = G1Affine;
    type KeyBytes = [u8; 48];
    type Point = G2Affine;
    type Sum = G2Projective;

    fn key(bytes: &[u8]) -> Option<(G1Affine, [u8; 48])> {
        let bytes = bytes.try_into().ok()?;
        let point = Option::<G1Affine>::from(G1Affine::from_compressed(&bytes))?;
        (!bool::from(point.is_identity())).then_some((point, bytes))
    }

    fn signature(bytes: &[u8]) -> Option<G2Affine> {
        G2Affine::from_compressed(bytes.try_into().ok()?).into()
    }

    fn hash(message: &[u8]) -> G2Projective {
        G2Projective::hash_to_curve(message, b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_", &[])
    }

    fn miller_loops(pairs: &[(G1Affine, G2Affine)]) -> blst_fp12 {
        miller_loops(pairs.iter().map(|(key, point)| (key, point)))
    }

    fn generator() -> G1Affine {
        G1Affine::generator()
    }
}

/// Keys in G2 (96 bytes), signatures in G1 (48 bytes), messages hashed with `BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_`.
#[derive(Clone, Copy, Debug)]
pub struct MinSig;

impl Scheme for MinSig {
    type Key = G2Affine;
    type KeyBytes = [u8; 96];
    type Point = G1Affine;
    type Sum = G1Projective;

    fn key(bytes: &[u8]) -> Option<(G2Affine, [u8; 96])> {
        let bytes = bytes.try_into().ok()?;
        let point = Option::<G2Affine>::from(G2Affine::from_compressed(&bytes))?;
        (!bool::from(point.is_identity())).then_some((point, bytes))
    }

    fn signature(bytes: &[u8]) -> Option<G1Affine> {
        G1Affine::from_compressed(bytes.try_into().ok()?).into()
    }

    fn hash(message: &[u8]) -> G1Projective {
        G1Projective::hash_to_curve(message, b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_", &[])
    }

    fn miller_loops(pairs: &[(G2Affine, G1Affine)]) -> blst_fp12 {
        miller_loops(pairs.iter().map(|(key, point)| (point, key)))
    }

    fn generator() -> G2Affine {
        G2Affine::generator()
    }
}

/// Product of Miller loops. A pair with infinity counts as one, which `blst` leaves to its callers.
fn miller_loops<'a>(pairs: impl Iterator<Item = (&'a G1Affine, &'a G2Affine)>) -> blst_fp12 {
    let mut product = Pairing::new(true, &[]);
    let mut any = false;
    for (p, q) in pairs.filter(|(p, q)| !bool::from(p.is_identity()) && !bool::from(q.is_identity())) {
        product.raw_aggregate(q.as_ref(), p.as_ref());
        any = true;
    }
    if any { product.as_fp12() } else { blst_fp12::default() }
}

/// A checked public key. Equality and hash are those of its bytes. Cheap to copy; decoding costs about 0.1 ms, so keep it.
#[derive(Clone, Copy)]
pub struct PublicKey<S: Scheme> {
    point: S::Key,
    bytes: S::KeyBytes,
}

impl<S: Scheme> PublicKey<S> {
    /// Decode and check.
    ///
    /// # Errors
    /// When the bytes are no key of this scheme.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        S::key(bytes).map(|(point, bytes)| Self { point, bytes }).ok_or(InvalidKey)
    }

    /// The compressed point.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    pub(super) fn point(&self) -> &S::Key {
        &self.point
    }
}

impl PublicKey<MinPk> {
    /// The sum of keys, each times its weight: what an aggregate over one message is checked with. `None` when it is infinity.
    #[must_use]
    pub fn weighted_sum(terms: &[(Self, u128)]) -> Option<Self> {
        let mut sum = G1Projective::identity();
        for (key, weight) in terms {
            let point = G1Projective::from(key.point);
            let mut bits = G1Projective::identity();
            for i in (0..u128::BITS).rev() {
                bits = bits.double();
                if weight >> i & 1 == 1 {
                    bits += &point;
                }
            }
            sum += &bits;
        }
        let point = G1Affine::from(sum);
        (!bool::from(point.is_identity())).then(|| Self { point, bytes: point.to_compressed() })
    }
}

impl<S: Scheme> PartialEq for PublicKey<S> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<S: Scheme> Eq for PublicKey<S> {}

impl<S: Scheme> Hash for PublicKey<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<S: Scheme> fmt::Debug for PublicKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
