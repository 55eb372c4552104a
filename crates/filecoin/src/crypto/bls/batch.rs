use std::collections::HashMap;

use blst::blst_fp12;
use rayon::prelude::*;

use super::msm::multi_scalar_sum;
use super::scheme::{PublicKey, Scheme};

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SignatureFailure {
    /// The bytes are no signature at all.
    #[error("the signature is not a compressed point of the prime-order subgroup")]
    Malformed,
    /// A well-formed signature of something else or by somebody else.
    #[error("the signature does not belong to the message and key")]
    Mismatch,
}

/// One signature over one or several (key, message) pairs.
#[derive(Debug)]
struct Item<T> {
    tag: T,
    signature: Vec<u8>,
    /// Where its pairs end; they begin where those of the item before end.
    pairs_end: usize,
}

/// An item whose points are known.
struct Checked<P> {
    /// `None` when the signature is malformed.
    signature: Option<P>,
    /// Key number and hashed message.
    pairs: Vec<(u32, P)>,
    coefficient: u64,
}

/// Points with their coefficients.
type Terms<S> = Vec<(u64, <S as Scheme>::Point)>;

/// A signature of a batch with what it should be over: what it takes to check it by other means.
#[derive(Clone, Debug)]
pub struct Waiting<'a, S: Scheme> {
    /// Each key and the message it signed; none for an aggregate of nothing.
    pub pairs: Vec<(PublicKey<S>, &'a [u8])>,
    /// The (aggregate) signature, not yet decoded.
    pub signature: &'a [u8],
}

/// Keys whose Miller loops share their squarings.
const KEYS_AT_ONCE: usize = 8;

/// Signatures to be checked together, each with a tag that says what it is.
///
/// With random rᵢ the equation `e(g, Σ rᵢSᵢ) = Π e(Kⱼ, Σ rᵢH(mᵢⱼ))` holds for a batch with a wrong signature with a probability
/// below 2⁻⁶³. Grouping by key leaves one Miller loop per *distinct* key, and one final exponentiation in all.
/// When it does not hold, halves of the batch are tried until every offender is named.
#[derive(Debug)]
pub struct Batch<S: Scheme, T> {
    items: Vec<Item<T>>,
    keys: Vec<PublicKey<S>>,
    numbers: HashMap<PublicKey<S>, u32>,
    pairs: Vec<(u32, Vec<u8>)>,
}

impl<S: Scheme, T> Default for Batch<S, T> {
    fn default() -> Self {
        Self { items: Vec::new(), keys: Vec::new(), numbers: HashMap::new(), pairs: Vec::new() }
    }
}

impl<S: Scheme, T: Send + Sync> Batch<S, T> {
    /// Add a signature of one key over one message.
    pub fn push(&mut self, tag: T, key: PublicKey<S>, message: impl Into<Vec<u8>>, signature: &[u8]) {
        self.push_aggregate(tag, [(key, message.into())], signature);
    }

    /// Add an aggregate signature: each key signed its message. The same pair may occur twice, as on the chain.
    ///
    /// Without pairs only the point at infinity is right.
    pub fn push_aggregate(
        &mut self,
        tag: T,
        pairs: impl IntoIterator<Item = (PublicKey<S>, Vec<u8>)>,
        signature: &[u8],
    ) {
        for (key, message) in pairs {
            let number = *self.numbers.entry(key).or_insert_with(|| {
                self.keys.push(key);
                u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
            });
            self.pairs.push((number, message));
        }
        self.items.push(Item { tag, signature: signature.to_vec(), pairs_end: self.pairs.len() });
    }

    /// How many signatures wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The signatures that wait, in the order of the pushes.
    pub fn iter(&self) -> impl Iterator<Item = Waiting<'_, S>> {
        let mut begin = 0;
        self.items.iter().map(move |item| {
            let range = std::mem::replace(&mut begin, item.pairs_end)..item.pairs_end;
            let pairs = self.pairs.get(range).unwrap_or_default().iter();
            let pairs =
                pairs.filter_map(|(key, message)| Some((*self.keys.get(*key as usize)?, &message[..])));
            Waiting { pairs: pairs.collect(), signature: &item.signature }
        })
    }

    /// Move the signatures of `other` to the end of this batch, with tags made from theirs.
    pub fn absorb<U>(&mut self, other: Batch<S, U>, tag: impl Fn(U) -> T) {
        let mut begin = 0;
        let mut pairs = other.pairs.into_iter();
        for item in other.items {
            let count = item.pairs_end - std::mem::replace(&mut begin, item.pairs_end);
            let pairs = pairs.by_ref().take(count);
            let pairs =
                pairs.filter_map(|(number, message)| Some((*other.keys.get(number as usize)?, message)));
            self.push_aggregate(tag(item.tag), pairs, &item.signature);
        }
    }

    /// Check everything, in the order of the pushes.
    ///
    /// `seed` must be random and unknown to whoever made the signatures: with a known seed a batch of wrong signatures that
    /// cancel each other can be made. Coefficients are BLAKE2b-512 over the seed and all that is in the batch.
    /// Runs on the current rayon pool.
    #[must_use]
    pub fn settle(self, seed: &[u8; 32]) -> Vec<(T, Result<(), SignatureFailure>)> {
        let checked = self.checked(seed);
        let whole: Vec<usize> =
            checked.iter().enumerate().filter(|(_, item)| item.signature.is_some()).map(|(i, _)| i).collect();
        let mut mismatched = vec![false; checked.len()];
        for i in offenders(&whole, &|subset| self.holds(&checked, subset)) {
            if let Some(flag) = mismatched.get_mut(i) {
                *flag = true;
            }
        }
        let verdicts = checked.iter().zip(mismatched).map(|(item, mismatched)| match &item.signature {
            None => Err(SignatureFailure::Malformed),
            Some(_) if mismatched => Err(SignatureFailure::Mismatch),
            Some(_) => Ok(()),
        });
        let verdicts: Vec<_> = verdicts.collect();
        self.items.into_iter().map(|item| item.tag).zip(verdicts).collect()
    }

    /// Decode, hash and draw: the part of the work that grows with the number of signatures, on all threads.
    fn checked(&self, seed: &[u8; 32]) -> Vec<Checked<S::Point>> {
        // Blocks of one tipset often carry the same messages: each is hashed once.
        let (mut places, mut distinct) = (HashMap::new(), Vec::new());
        let pairs: Vec<(u32, usize)> = self
            .pairs
            .iter()
            .map(|(key, message)| {
                let place = *places.entry(message.as_slice()).or_insert(distinct.len());
                if place == distinct.len() {
                    distinct.push(message.as_slice());
                }
                (*key, place)
            })
            .collect();
        let (points, signatures): (Vec<S::Point>, Vec<_>) = rayon::join(
            || distinct.par_iter().with_min_len(8).map(|message| S::hash(message).into()).collect(),
            || self.items.par_iter().with_min_len(8).map(|item| S::signature(&item.signature)).collect(),
        );
        let mut begin = 0;
        let items = self.items.iter().zip(signatures).zip(self.coefficients(seed));
        let checked = items.map(|((item, signature), coefficient)| {
            let range = std::mem::replace(&mut begin, item.pairs_end)..item.pairs_end;
            let pairs = pairs.get(range).unwrap_or_default().iter();
            let pairs = pairs.filter_map(|(key, place)| Some((*key, *points.get(*place)?))).collect();
            Checked { signature, pairs, coefficient }
        });
        checked.collect()
    }

    fn coefficients(&self, seed: &[u8; 32]) -> Vec<u64> {
        let mut transcript = blake2b_simd::Params::new().hash_length(32).key(seed).to_state();
        let mut part = |bytes: &[u8]| {
            transcript.update(&(bytes.len() as u64).to_le_bytes());
            transcript.update(bytes);
        };
        self.keys.iter().for_each(|key| part(key.as_bytes()));
        for (key, message) in &self.pairs {
            part(&key.to_le_bytes());
            part(message);
        }
        for item in &self.items {
            part(&item.signature);
            part(&(item.pairs_end as u64).to_le_bytes());
        }
        let key = transcript.finalize();
        let mut params = blake2b_simd::Params::new();
        params.key(key.as_bytes());
        (0_u64..)
            .flat_map(|block| {
                let drawn = params.hash(&block.to_le_bytes());
                let words: Vec<u64> = drawn
                    .as_bytes()
                    .chunks_exact(8)
                    // Zero would take the signature out of the equation.
                    .map(|word| word.try_into().map_or(1, u64::from_le_bytes).max(1))
                    .collect();
                words
            })
            .take(self.items.len())
            .collect()
    }

    /// Whether the equation holds for these items.
    fn holds(&self, checked: &[Checked<S::Point>], subset: &[usize]) -> bool {
        let mut by_key: HashMap<u32, Terms<S>> = HashMap::new();
        let mut signatures = Vec::with_capacity(subset.len());
        for item in subset.iter().filter_map(|i| checked.get(*i)) {
            signatures.extend(item.signature.map(|signature| (item.coefficient, signature)));
            for (key, point) in &item.pairs {
                by_key.entry(*key).or_default().push((item.coefficient, *point));
            }
        }
        let sum = |terms: &[(u64, S::Point)]| S::Point::from(multi_scalar_sum::<S>(terms));
        let by_key: Vec<_> = by_key.into_iter().collect();
        let (left, right) = rayon::join(
            || S::miller_loops(&[(S::generator(), sum(&signatures))]),
            || {
                let product = |keys: &[(u32, Terms<S>)]| {
                    let pair = |(key, terms): &(u32, Terms<S>)| {
                        Some((*self.keys.get(*key as usize)?.point(), sum(terms)))
                    };
                    S::miller_loops(&keys.iter().filter_map(pair).collect::<Vec<_>>())
                };
                by_key.par_chunks(KEYS_AT_ONCE).map(product).reduce(blst_fp12::default, |a, b| a * b)
            },
        );
        blst_fp12::finalverify(&left, &right)
    }
}

/// The members of `subset` because of which `holds` is false, by halving.
fn offenders(subset: &[usize], holds: &(impl Fn(&[usize]) -> bool + Sync)) -> Vec<usize> {
    if subset.is_empty() || holds(subset) {
        return Vec::new();
    }
    if subset.len() == 1 {
        return subset.to_vec();
    }
    let (left, right) = subset.split_at(subset.len() / 2);
    let (mut found, more) = rayon::join(|| offenders(left, holds), || offenders(right, holds));
    found.extend(more);
    found
}
