//! Bytes from strangers: nothing panics, and what is read is what was written.

use apogee_spacemesh::ballot::Ballot;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::scale::{Scale, ScaleError, decode, encode};
use apogee_spacemesh::template::{AccountState, Template};
use apogee_spacemesh::transaction::{Body, Transaction};
use proptest::prelude::*;

use crate::made::{GENESIS, ballot, block, body, calls, header, result, signed_by_several};

/// Whatever `bytes` are read as is written as them.
fn holds<T: Scale>(bytes: &[u8]) -> bool {
    decode::<T>(bytes).map_or(true, |value| encode(&value) == bytes)
}

fn all_hold(bytes: &[u8]) -> bool {
    let templates = [Template::Wallet, Template::Multisig, Template::Vesting, Template::Vault];
    let states = templates
        .into_iter()
        .all(|template| AccountState::decode(template, bytes).map_or(true, |state| state.encode() == bytes));
    states
        && holds::<Ballot>(bytes)
        && holds::<Block>(bytes)
        && holds::<Body>(bytes)
        && holds::<Transaction>(bytes)
        && holds::<TransactionHeader>(bytes)
        && holds::<TransactionResult>(bytes)
}

fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![encode(&ballot()), encode(&block()), encode(&header()), encode(&result())];
    samples.extend(calls().map(|call| encode(&signed_by_several(body(call), &[(0, 1), (1, 2)]))));
    samples
}

#[test]
fn what_is_made_is_read() {
    assert_eq!(decode(&encode(&ballot())), Ok(ballot()));
    assert_eq!(decode(&encode(&block())), Ok(block()));
    assert_eq!(ballot().verify(&GENESIS), Ok(()));
}

#[test]
fn what_is_cut_is_not_read() {
    let (ballot, block) = (encode(&ballot()), encode(&block()));
    for end in 0..ballot.len() {
        assert!(decode::<Ballot>(&ballot[..end]).is_err(), "{end}");
    }
    for end in 0..block.len() {
        assert!(decode::<Block>(&block[..end]).is_err(), "{end}");
    }
}

#[test]
fn what_is_signed_cannot_be_changed() {
    let mut changed = ballot();
    changed.inner.layer.0 += 1;
    assert!(changed.verify(&GENESIS).is_err());
    assert_ne!(changed.id(), ballot().id());
    let mut votes = ballot();
    votes.votes.support.clear();
    assert_eq!((votes.verify(&GENESIS), votes.id()), (Ok(()), ballot().id()), "votes are not signed");
}

#[test]
fn lists_are_bounded() {
    let mut long = block();
    long.rewards = vec![long.rewards[0]; 2_001];
    let error = decode::<Block>(&encode(&long)).unwrap_err();
    assert!(matches!(error, ScaleError::TooMany { count: 2_001, limit: 2_000, .. }), "{error}");
    let mut long = ballot();
    long.votes.abstain = vec![long.inner.layer; 10_001];
    let error = decode::<Ballot>(&encode(&long)).unwrap_err();
    assert!(matches!(error, ScaleError::TooMany { count: 10_001, limit: 10_000, .. }), "{error}");
    let mut long = ballot();
    long.proofs = vec![long.proofs[0]; 25_001];
    assert!(decode::<Ballot>(&encode(&long)).is_err());
}

#[test]
fn a_weight_has_a_denominator() {
    let mut bytes = encode(&block());
    let at = bytes.iter().position(|byte| *byte == 7 << 2).unwrap();
    bytes[at] = 0;
    let error = decode::<Block>(&bytes).unwrap_err();
    assert_eq!(error, ScaleError::Value { at, what: "denominator" });
}

proptest! {
    #[test]
    fn random_bytes_are_read_as_they_are_or_not_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(all_hold(&bytes));
    }

    #[test]
    fn changed_bytes_are_read_as_they_are_or_not_at_all(
        changes in proptest::collection::vec((0_usize..2_000, any::<u8>()), 1..8),
        cut in 0_usize..64,
    ) {
        for mut bytes in samples() {
            for (place, byte) in &changes {
                let place = place % bytes.len();
                bytes[place] = *byte;
            }
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            prop_assert!(all_hold(&bytes));
        }
    }
}
