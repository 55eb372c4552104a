use fvm_ipld_encoding::strict_bytes;
use serde::Serialize;

use crate::crypto::keccak256;
use crate::types::{EcTipset, FinalityCertificate, cid_of};

/// Phase number of DECIDE, the only one whose votes become certificates.
const DECIDE: u8 = 5;

/// What the signers of a certificate signed (go-f3 `gpbft.Payload.MarshalForSigning`).
#[must_use]
pub fn payload(network: &str, certificate: &FinalityCertificate) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160 + network.len());
    bytes.extend_from_slice(b"GPBFT:");
    bytes.extend_from_slice(network.as_bytes());
    bytes.extend_from_slice(b":");
    bytes.push(DECIDE);
    bytes.extend_from_slice(&0_u64.to_be_bytes()); // round
    bytes.extend_from_slice(&certificate.instance.to_be_bytes());
    bytes.extend_from_slice(&certificate.supplemental.commitments);
    bytes.extend_from_slice(&merkle_root(&certificate.ec_chain.iter().map(leaf).collect::<Vec<_>>()));
    bytes.extend_from_slice(&certificate.supplemental.power_table.to_bytes());
    bytes
}

/// A tipset as a leaf of the tree.
fn leaf(tipset: &EcTipset) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Bytes(#[serde(with = "strict_bytes")] Vec<u8>);

    let key = Bytes(tipset.key.0.iter().flat_map(|cid| cid.to_bytes()).collect());
    // A byte string: serialising into memory has no way to fail.
    let key = cid_of(&fvm_ipld_encoding::to_vec(&key).unwrap_or_default());
    let mut bytes = Vec::with_capacity(120);
    bytes.extend_from_slice(&tipset.epoch.to_be_bytes());
    bytes.extend_from_slice(&tipset.commitments);
    bytes.extend_from_slice(&key.to_bytes());
    bytes.extend_from_slice(&tipset.power_table.to_bytes());
    bytes
}

/// Root of a Keccak-256 tree whose left half is as large as a power of two can be (go-f3 `merkle.Tree`).
fn merkle_root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [leaf] => keccak256(&[&[1], leaf]),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            keccak256(&[&[0], &merkle_root(left), &padded(right, left.len())])
        }
    }
}

/// Root of the right part, as deep as a full left part of `width` leaves: missing halves are zero.
fn padded(leaves: &[Vec<u8>], width: usize) -> [u8; 32] {
    if width <= leaves.len().next_power_of_two() {
        return merkle_root(leaves);
    }
    keccak256(&[&[0], &padded(leaves, width / 2), &[0; 32]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unbalanced_tree_is_as_deep_on_both_sides() {
        let leaves: Vec<Vec<u8>> = (0..5_u8).map(|i| vec![i]).collect();
        let leaf = |i: u8| keccak256(&[&[1], &[i]]);
        let node = |a: [u8; 32], b: [u8; 32]| keccak256(&[&[0], &a, &b]);
        let left = node(node(leaf(0), leaf(1)), node(leaf(2), leaf(3)));
        assert_eq!(merkle_root(&leaves), node(left, node(node(leaf(4), [0; 32]), [0; 32])));
        assert_eq!(merkle_root(&leaves[..3]), node(node(leaf(0), leaf(1)), node(leaf(2), [0; 32])));
        assert_eq!(merkle_root(&leaves[..2]), node(leaf(0), leaf(1)));
        assert_eq!(merkle_root(&[]), [0; 32]);
    }
}
