use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_encoding::tuple::*;
use fvm_shared::bigint::{BigInt, bigint_ser};
use num_bigint::Sign;
use num_integer::Integer;
use num_traits::ToPrimitive;

use super::InvalidCertificate;
use crate::crypto::bls::{MinPk, PublicKey};
use crate::types::{FinalityCertificate, PowerDelta, PowerEntry, cid_of};

/// What the whole power is scaled to.
const SCALE: u32 = 0xffff;

/// Why a table or a change of it was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDelta {
    /// Participants do not ascend.
    #[error("participant {0} is out of order or occurs twice")]
    Order(u64),
    /// Nothing changes, or the key becomes what it was.
    #[error("the change of participant {0} changes nothing")]
    Empty(u64),
    /// Power would be zero or negative where it may not be.
    #[error("the power of participant {0} would not be positive")]
    Power(u64),
    /// A new participant without a key.
    #[error("the new participant {0} has no key")]
    Key(u64),
}

/// An entry as the table's CID is computed over it.
#[derive(Serialize_tuple)]
struct CborEntry<'a> {
    id: u64,
    #[serde(with = "bigint_ser")]
    power: &'a BigInt,
    #[serde(with = "strict_bytes")]
    public_key: &'a [u8],
}

#[derive(Debug)]
struct Member {
    entry: PowerEntry,
    /// Share of the power in 65,535ths.
    scaled: u64,
}

/// Keys, each with the weight it has in an aggregate.
type WeightedKeys = Vec<(PublicKey<MinPk>, u128)>;

/// The participants of an instance: power descending, ids ascending among equals. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PowerTable(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    members: Vec<Member>,
    scaled_total: u64,
    cid: Cid,
    /// Decoded keys with their BDN coefficients; they take a hash over all keys and are needed only for signatures.
    keys: OnceLock<Result<WeightedKeys, u64>>,
    /// Weighted sums by signers: committees repeat themselves.
    sums: Mutex<HashMap<Vec<usize>, Option<PublicKey<MinPk>>>>,
}

/// Different signer sets whose sums are kept.
const KEPT_SUMS: usize = 1024;

impl PowerTable {
    /// The table of these participants, in any order.
    ///
    /// # Errors
    /// When a participant occurs twice, has no positive power or no key.
    pub fn new(mut entries: Vec<PowerEntry>) -> Result<Self, InvalidDelta> {
        entries.sort_by(|a, b| b.power.cmp(&a.power).then(a.id.cmp(&b.id)));
        let mut total = BigInt::ZERO;
        let mut ids = std::collections::HashSet::with_capacity(entries.len());
        for entry in &entries {
            if entry.power.sign() != Sign::Plus {
                return Err(InvalidDelta::Power(entry.id));
            }
            if entry.public_key.is_empty() {
                return Err(InvalidDelta::Key(entry.id));
            }
            if !ids.insert(entry.id) {
                return Err(InvalidDelta::Order(entry.id));
            }
            total += &entry.power;
        }
        let cbor: Vec<CborEntry<'_>> = entries
            .iter()
            .map(|entry| CborEntry { id: entry.id, power: &entry.power, public_key: &entry.public_key })
            .collect();
        let cid = cid_of(&fvm_ipld_encoding::to_vec(&cbor).unwrap_or_default());
        let members: Vec<Member> = entries
            .into_iter()
            .map(|entry| {
                let scaled = (&entry.power * SCALE).div_floor(&total).to_u64().unwrap_or(0);
                Member { entry, scaled }
            })
            .collect();
        let scaled_total = members.iter().map(|member| member.scaled).sum();
        Ok(Self(Arc::new(Inner {
            members,
            scaled_total,
            cid,
            keys: OnceLock::new(),
            sums: Mutex::default(),
        })))
    }

    /// CID of the table, which certificates sign.
    #[must_use]
    pub fn cid(&self) -> Cid {
        self.0.cid
    }

    /// The participants in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &PowerEntry> {
        self.0.members.iter().map(|member| &member.entry)
    }

    /// The table after these changes (go-f3 `certs.ApplyPowerTableDiffs`).
    ///
    /// # Errors
    /// When the changes are out of order, empty, or give a participant no positive power or no key.
    pub fn apply(&self, delta: &[PowerDelta]) -> Result<Self, InvalidDelta> {
        let mut entries: BTreeMap<u64, PowerEntry> =
            self.entries().map(|entry| (entry.id, entry.clone())).collect();
        let mut last = None;
        for change in delta {
            let id = change.participant;
            if last.is_some_and(|last| last >= id) {
                return Err(InvalidDelta::Order(id));
            }
            last = Some(id);
            if change.power_delta.sign() == Sign::NoSign && change.signing_key.is_empty() {
                return Err(InvalidDelta::Empty(id));
            }
            match entries.get_mut(&id) {
                Some(entry) => {
                    if change.signing_key == entry.public_key {
                        return Err(InvalidDelta::Empty(id));
                    }
                    entry.power += &change.power_delta;
                    match entry.power.sign() {
                        Sign::Plus if change.signing_key.is_empty() => {}
                        Sign::Plus => entry.public_key.clone_from(&change.signing_key),
                        Sign::NoSign if change.signing_key.is_empty() => {
                            entries.remove(&id);
                        }
                        Sign::NoSign | Sign::Minus => return Err(InvalidDelta::Power(id)),
                    }
                }
                None => {
                    let (power, public_key) = (change.power_delta.clone(), change.signing_key.clone());
                    entries.insert(id, PowerEntry { id, power, public_key });
                }
            }
        }
        Self::new(entries.into_values().collect())
    }

    /// The key to check the certificate's signature with, once its signers are known to be members with two thirds of the power.
    pub(super) fn quorum_key(
        &self,
        certificate: &FinalityCertificate,
    ) -> Result<PublicKey<MinPk>, InvalidCertificate> {
        let members = &self.0.members;
        let outside = InvalidCertificate::Signers(members.len());
        let signers = certificate.signer_indices(members.len()).ok_or_else(|| outside.clone())?;
        let mut power = 0;
        for member in signers.iter().filter_map(|i| members.get(*i)) {
            if member.scaled == 0 {
                return Err(outside);
            }
            power += member.scaled;
        }
        let total = self.0.scaled_total;
        if power * 3 < total * 2 || power == 0 {
            return Err(InvalidCertificate::Quorum { power, total });
        }
        let keys = self
            .0
            .keys
            .get_or_init(|| self.weighted_keys())
            .as_ref()
            .map_err(|id| InvalidCertificate::Key(*id))?;
        let sums = || self.0.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums().get(&signers) {
            return sum.ok_or(outside);
        }
        let terms: Vec<_> = signers.iter().filter_map(|i| keys.get(*i).copied()).collect();
        let sum = PublicKey::weighted_sum(&terms);
        let mut kept = sums();
        if kept.len() >= KEPT_SUMS {
            kept.clear();
        }
        kept.insert(signers, sum);
        sum.ok_or(outside)
    }

    /// Each member's weight is 1 + its coefficient. The error is the participant whose key is none.
    fn weighted_keys(&self) -> Result<WeightedKeys, u64> {
        let all: Vec<u8> = self.entries().flat_map(|entry| entry.public_key.iter().copied()).collect();
        let coefficients = blake2xs(&all, self.0.members.len().saturating_mul(16));
        self.entries()
            .zip(coefficients.chunks_exact(16))
            .map(|(entry, coefficient)| {
                let key = PublicKey::from_bytes(&entry.public_key).map_err(|_| entry.id)?;
                let coefficient = coefficient.try_into().map_or(0, u128::from_le_bytes);
                coefficient.checked_add(1).map(|weight| (key, weight)).ok_or(entry.id)
            })
            .collect()
    }
}

/// BLAKE2Xs with an output whose length is not fixed beforehand, as kyber's BDN draws its coefficients.
fn blake2xs(input: &[u8], length: usize) -> Vec<u8> {
    // The extensible form: the length that stands in the upper half of the node offset is "unknown", 0xffff.
    const UNKNOWN: u64 = 0xffff << 32;
    let root = blake2s_simd::Params::new().node_offset(UNKNOWN).hash(input);
    (0_u64..)
        .flat_map(|block| {
            let mut params = blake2s_simd::Params::new();
            params
                .fanout(0)
                .max_depth(0)
                .max_leaf_length(32)
                .node_offset(UNKNOWN | block)
                .inner_hash_length(32);
            params.hash(root.as_bytes()).as_array().to_vec()
        })
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, power: i64, key: u8) -> PowerEntry {
        PowerEntry { id, power: BigInt::from(power), public_key: vec![key; 48] }
    }

    fn change(participant: u64, power: i64, key: &[u8]) -> PowerDelta {
        PowerDelta { participant, power_delta: BigInt::from(power), signing_key: key.to_vec() }
    }

    #[test]
    fn a_table_is_ordered_by_power_then_id() {
        let table = PowerTable::new(vec![entry(3, 5, 1), entry(2, 5, 1), entry(9, 7, 1)]).unwrap();
        assert_eq!(table.entries().map(|entry| entry.id).collect::<Vec<_>>(), [9, 2, 3]);
        assert_eq!(
            PowerTable::new(vec![entry(3, 5, 1), entry(3, 6, 1)]).unwrap_err(),
            InvalidDelta::Order(3)
        );
        assert_eq!(PowerTable::new(vec![entry(3, 0, 1)]).unwrap_err(), InvalidDelta::Power(3));
    }

    #[test]
    fn changes_add_replace_and_remove_and_anything_else_is_refused() {
        let table = PowerTable::new(vec![entry(1, 5, 1), entry(2, 6, 2)]).unwrap();
        let after =
            table.apply(&[change(1, -5, &[]), change(2, 0, &[3; 48]), change(4, 9, &[4; 48])]).unwrap();
        let wanted = PowerTable::new(vec![entry(2, 6, 3), entry(4, 9, 4)]).unwrap();
        assert_eq!(after.cid(), wanted.cid());
        for (delta, why) in [
            (vec![change(2, 1, &[]), change(1, 1, &[])], InvalidDelta::Order(1)),
            (vec![change(1, 0, &[])], InvalidDelta::Empty(1)),
            (vec![change(1, 1, &[1; 48])], InvalidDelta::Empty(1)),
            (vec![change(1, -6, &[])], InvalidDelta::Power(1)),
            (vec![change(1, -5, &[9; 48])], InvalidDelta::Power(1)),
            (vec![change(7, 1, &[])], InvalidDelta::Key(7)),
            (vec![change(7, -1, &[7; 48])], InvalidDelta::Power(7)),
        ] {
            assert_eq!(table.apply(&delta).unwrap_err(), why);
        }
    }
}
