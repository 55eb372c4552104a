//! The Merkle tree of RFC 9162 §2.1 over SHA-256: the one tree that rows of standings and of payouts are put into.

use apogee_domain::Digest;
use sha2::{Digest as _, Sha256};

/// The hash of a leaf: SHA-256 of a zero byte and the leaf (RFC 9162 §2.1.1).
#[must_use]
pub fn leaf(bytes: &[u8]) -> Digest {
    Digest(Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into())
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// All hashes of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The hashes of the leaves first, the root last. A node without a neighbour stands unchanged in the level above.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// The tree over the hashes of its leaves, in order.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Self {
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            let above = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node(left, right),
                    rest => rest.iter().copied().next().unwrap_or_default(),
                })
                .collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels }
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The tree's hash; of an empty tree that of no bytes.
    #[must_use]
    pub fn root(&self) -> Digest {
        let root = self.levels.last().and_then(|level| level.first());
        root.copied().unwrap_or_else(|| Digest(Sha256::digest([]).into()))
    }

    /// The inclusion proof of a leaf, from its neighbour up (RFC 9162 §2.1.3.1). None where there is no such leaf.
    #[must_use]
    pub fn proof(&self, index: usize) -> Option<Vec<Digest>> {
        if index >= self.size() {
            return None;
        }
        let neighbours = self.levels.iter().enumerate().filter_map(|(height, level)| {
            let neighbour = (index >> height) ^ 1;
            level.get(neighbour).copied()
        });
        Some(neighbours.collect())
    }
}

/// The hash of a tree whose leaves come one after another: keeps one hash for each complete subtree instead of all.
#[derive(Clone, Debug, Default)]
pub struct Growing {
    /// Heights and hashes, the largest subtree first.
    complete: Vec<(u32, Digest)>,
}

impl Growing {
    /// Add the hash of the next leaf.
    pub fn push(&mut self, leaf: Digest) {
        let mut right = (0, leaf);
        while let Some((height, left)) = self.complete.pop_if(|(height, _)| *height == right.0) {
            right = (height + 1, node(&left, &right.1));
        }
        self.complete.push(right);
    }

    /// The tree's hash as far as it has grown.
    #[must_use]
    pub fn root(&self) -> Digest {
        let hashes = self.complete.iter().rev().map(|(_, hash)| *hash);
        let root = hashes.reduce(|right, left| node(&left, &right));
        root.unwrap_or_else(|| Digest(Sha256::digest([]).into()))
    }
}

/// Whether a leaf (its hash) stands at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn includes(root: &Digest, leaf: &Digest, index: u64, size: u64, proof: &[Digest]) -> bool {
    if index >= size {
        return false;
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for neighbour in proof {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = node(neighbour, &hash);
            while position & 1 == 0 && position != 0 {
                (position, last) = (position >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, neighbour);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 9162 §2.1.1, word by word.
    fn defined(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest(Sha256::digest([]).into()),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(&defined(&leaves[..split]), &defined(&leaves[split..]))
            }
        }
    }

    /// The inputs and roots of the test vectors that go with certificate transparency (RFC 6962 and 9162 hash alike).
    #[test]
    fn the_published_vectors_are_met() {
        let inputs: [&[u8]; 8] = [
            &[],
            &[0],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (size, root) in roots.iter().enumerate() {
            let leaves = inputs[..size].iter().map(|input| leaf(input)).collect();
            assert_eq!(Tree::new(leaves).root().to_string(), *root, "{size} leaves");
        }
    }

    #[test]
    fn every_leaf_of_a_tree_of_any_size_is_proved_and_nothing_else_is() {
        for size in 0..70_usize {
            let leaves: Vec<Digest> = (0..size).map(|i| leaf(i.to_string().as_bytes())).collect();
            let tree = Tree::new(leaves.clone());
            let root = tree.root();
            assert_eq!(root, defined(&leaves));
            let mut growing = Growing::default();
            leaves.iter().for_each(|leaf| growing.push(*leaf));
            assert_eq!(root, growing.root());
            assert_eq!((tree.size(), tree.proof(size)), (size, None));
            for (index, hash) in leaves.iter().enumerate() {
                let proof = tree.proof(index).unwrap();
                let holds = |hash, index: usize, size: usize, proof: &[Digest]| {
                    includes(&root, hash, index as u64, size as u64, proof)
                };
                assert!(holds(hash, index, size, &proof), "{index} of {size}");
                assert!(!holds(&root, index, size, &proof) || size == 1);
                assert!(!holds(hash, index, size, &[&proof[..], &[root]].concat()));
                assert!(!holds(hash, size, size, &proof));
                for other in (0..size).filter(|other| *other != index) {
                    assert!(!holds(hash, other, size, &proof), "{index} as {other} of {size}");
                }
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!holds(hash, index, size, shorter));
                }
            }
        }
    }
}
