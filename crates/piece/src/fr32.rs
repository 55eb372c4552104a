//! Bytes as elements of the field that Filecoin's proofs compute in.

use crate::sha256::Node;

/// Bytes that become four elements.
pub(crate) const PLAIN: usize = 127;

/// 254 bits of each of four elements, with two zero bits behind them ("Fr32 padding", specification, Piece).
pub(crate) fn expand(plain: &[u8; PLAIN]) -> [Node; 4] {
    [
        element(window(plain, 0), 0, 0),
        element(window(plain, 31), plain[63], 6),
        element(window(plain, 63), plain[95], 4),
        element(window(plain, 95), 0, 2),
    ]
}

fn window(plain: &[u8; PLAIN], at: usize) -> [u8; 32] {
    plain.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; 32])
}

/// Bits are counted from the lowest of the first byte: 254 of them, from `shift` on.
fn element(bytes: [u8; 32], behind: u8, shift: u32) -> Node {
    let (limbs, _) = bytes.as_chunks();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| limbs.get(at).copied().map_or(0, u64::from_le_bytes));
    let shifted = |low, high| ((u128::from(high) << 64 | u128::from(low)) >> shift) as u64;
    let [a, b, c, d] =
        [shifted(a, b), shifted(b, c), shifted(c, d), shifted(d, u64::from(behind)) & (u64::MAX >> 2)];
    let word = |limb: u64| (limb as u32).swap_bytes();
    [word(a), word(a >> 32), word(b), word(b >> 32), word(c), word(c >> 32), word(d), word(d >> 32)]
}
