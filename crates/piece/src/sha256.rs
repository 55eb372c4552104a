//! SHA-256 of pairs of nodes: sixteen at a time where the processor can.

use fearless_simd::Level;
use sha2::{Digest, Sha256};

/// A node's bytes as SHA-256 reads and writes them: words, big endian.
pub(crate) type Node = [u32; 8];

/// The two highest bits of a node (its last byte's) are cleared, so that it is an element again.
pub(crate) const LAST_WORD: u32 = 0xffff_ff3f;

/// A node for every pair, as far as there are both.
pub(crate) fn hash(processor: Level, nodes: &mut [Node], pairs: &[[Node; 2]]) {
    let (nodes, pairs) = sixteens(processor, nodes, pairs);
    for (node, pair) in nodes.iter_mut().zip(pairs) {
        *node = parent(pair);
    }
}

/// What is left after the multiples of sixteen.
#[cfg(target_arch = "x86_64")]
fn sixteens<'a>(
    processor: Level,
    nodes: &'a mut [Node],
    pairs: &'a [[Node; 2]],
) -> (&'a mut [Node], &'a [[Node; 2]]) {
    use fearless_simd::Simd;

    let Some(avx512) = processor.as_avx512() else { return (nodes, pairs) };
    let (nodes, rest) = nodes.as_chunks_mut();
    let (pairs, odd) = pairs.as_chunks();
    avx512.vectorize(
        #[inline(always)]
        || {
            for (nodes, pairs) in nodes.iter_mut().zip(pairs) {
                crate::lanes::hash(avx512, nodes, pairs);
            }
        },
    );
    (rest, odd)
}

#[cfg(not(target_arch = "x86_64"))]
fn sixteens<'a>(
    _: Level,
    nodes: &'a mut [Node],
    pairs: &'a [[Node; 2]],
) -> (&'a mut [Node], &'a [[Node; 2]]) {
    (nodes, pairs)
}

/// The node above a pair.
pub(crate) fn parent(pair: &[Node; 2]) -> Node {
    let mut message = [0; 64];
    write(pair.as_flattened(), &mut message);
    let digest = Sha256::digest(message);
    let mut node = [0; 8];
    for (word, bytes) in node.iter_mut().zip(digest.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [.., last] = &mut node;
    *last &= LAST_WORD;
    node
}

/// The bytes of a node.
pub(crate) fn bytes(node: &Node) -> [u8; 32] {
    let mut bytes = [0; 32];
    write(node, &mut bytes);
    bytes
}

fn write(words: &[u32], bytes: &mut [u8]) {
    for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn many_pairs_give_the_nodes_that_each_gives_alone() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for count in [0, 1, 15, 16, 17, 31, 32, 100] {
            let mut pairs = vec![[[0; 8]; 2]; count];
            pairs.as_flattened_mut().as_flattened_mut().fill_with(|| random.next_u32());
            let mut nodes = vec![[0; 8]; count];
            hash(Level::new(), &mut nodes, &pairs);
            assert_eq!(nodes, pairs.iter().map(parent).collect::<Vec<_>>(), "{count}");
        }
    }
}
