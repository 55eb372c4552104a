use std::io::{self, Write};

use sha3::{Digest as _, Keccak256};

use super::address::checksummed;
use super::{Address, PaymentList, Unpayable};

type Hash = [u8; 32];

/// The tree `standard-v1` of `OpenZeppelin` with leaves `(address, uint256)`: what a contract pays claims by.
///
/// A leaf is `keccak(keccak(abi.encode(address, amount)))`; leaves are sorted, and fill the array of `2n − 1` nodes from its end; a node is the keccak of
/// its sorted children.
#[derive(Clone, Debug)]
pub struct StandardTree {
    /// In order of entities: address, amount, and where its leaf stands in `nodes`.
    values: Vec<Value>,
    nodes: Vec<Hash>,
}

#[derive(Clone, Debug)]
struct Value {
    address: [u8; 20],
    amount: u128,
    node: usize,
}

impl StandardTree {
    /// The tree of a list.
    ///
    /// # Errors
    /// Where an entity has several addresses, one without an Ethereum form, or one that another has too: a contract that remembers who
    /// claimed would pay only one of them.
    pub fn new(list: &PaymentList) -> Result<Self, Unpayable> {
        let mut values = Vec::with_capacity(list.payments().len());
        for payment in list.payments() {
            let address = payment.address()?;
            let bytes =
                address.ethereum().ok_or_else(|| Unpayable::NoEthereum(payment.entity.clone(), *address))?;
            values.push(Value { address: bytes, amount: payment.amount.0, node: 0 });
        }
        let mut addresses: Vec<(&[u8; 20], usize)> =
            values.iter().enumerate().map(|(index, value)| (&value.address, index)).collect();
        addresses.sort_unstable();
        let shared = addresses.windows(2).find_map(|pair| match pair {
            [(one, _), (other, index)] if one == other => Some(*index),
            _ => None,
        });
        if let Some(payment) = shared.and_then(|index| list.payments().get(index)) {
            return Err(Unpayable::Shared(payment.entity.clone(), *payment.address()?));
        }
        Ok(Self::build(values))
    }

    fn build(mut values: Vec<Value>) -> Self {
        let mut leaves: Vec<(Hash, usize)> =
            values.iter().enumerate().map(|(index, value)| (leaf(value), index)).collect();
        leaves.sort_unstable();
        let size = (2 * leaves.len()).saturating_sub(1);
        for (rank, (_, index)) in leaves.iter().enumerate() {
            if let Some(value) = values.get_mut(*index) {
                value.node = size - 1 - rank;
            }
        }
        // From the end: the leaves in order, then each node from the two that are already there.
        let mut reversed: Vec<Hash> = Vec::with_capacity(size);
        reversed.extend(leaves.iter().map(|(hash, _)| hash));
        let mut child = 0;
        while let Some([right, left]) = reversed.get(child..child + 2).filter(|_| reversed.len() < size) {
            let parent = node(left, right);
            reversed.push(parent);
            child += 2;
        }
        reversed.reverse();
        Self { values, nodes: reversed }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.nodes.first().copied().unwrap_or_default()
    }

    /// The proof for the payment with this index in the list, from its neighbour up. None where there is no such payment.
    #[must_use]
    pub fn proof(&self, index: usize) -> Option<Vec<Hash>> {
        let mut at = self.values.get(index)?.node;
        let mut proof = Vec::new();
        while at > 0 {
            let neighbour = if at % 2 == 1 { at + 1 } else { at - 1 };
            proof.push(*self.nodes.get(neighbour)?);
            at = (at - 1) / 2;
        }
        Some(proof)
    }

    /// Whether a proof shows that `address` is paid `amount` by the tree with this root.
    #[must_use]
    pub fn verify(root: &Hash, address: &Address, amount: u128, proof: &[Hash]) -> bool {
        let leaf = address.ethereum().map(|address| leaf(&Value { address, amount, node: 0 }));
        leaf.is_some_and(|leaf| proof.iter().fold(leaf, |hash, neighbour| node(&hash, neighbour)) == *root)
    }

    /// Write the dump that `StandardMerkleTree.load` of `@openzeppelin/merkle-tree` reads.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn dump(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{{\"format\":\"standard-v1\",\"leafEncoding\":[\"address\",\"uint256\"],\"tree\":[")?;
        for (index, hash) in self.nodes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\"0x{}\"", hex::encode(hash))?;
        }
        write!(out, "],\"values\":[")?;
        for (index, Value { address, amount, node }) in self.values.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let address = checksummed(address);
            write!(out, "{comma}{{\"treeIndex\":{node},\"value\":[\"{address}\",\"{amount}\"]}}")?;
        }
        write!(out, "]}}")
    }
}

fn keccak(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// Two words of 32 bytes: the address and the amount, big-endian, with zeros before them.
fn leaf(value: &Value) -> Hash {
    keccak(&[&keccak(&[&[0; 12], &value.address, &[0; 16], &value.amount.to_be_bytes()])])
}

fn node(a: &Hash, b: &Hash) -> Hash {
    keccak(&[a.min(b), a.max(b)])
}
