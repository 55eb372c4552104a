//! Bytes as elements of the field that Filecoin's proofs compute in.

/// Bytes that become [`EXPANDED`] ones.
pub(crate) const PLAIN: usize = 127;
/// Four elements.
pub(crate) const EXPANDED: usize = 128;

/// 254 bits of each of four elements, with two zero bits behind them ("Fr32 padding", specification, Piece). Little endian throughout.
pub(crate) fn expand(plain: &[u8; PLAIN], expanded: &mut [u8; EXPANDED]) {
    // Each pair of limbs that stand beside each other holds the bits of every offset in the first.
    let mut limbs = [0_u64; 17];
    for (limb, bytes) in limbs.iter_mut().zip(plain.chunks(8)) {
        let mut whole = [0; 8];
        for (to, from) in whole.iter_mut().zip(bytes) {
            *to = *from;
        }
        *limb = u64::from_le_bytes(whole);
    }
    for (element, out) in expanded.chunks_exact_mut(32).enumerate() {
        for (word, out) in out.chunks_exact_mut(8).enumerate() {
            let offset = 254 * element + 64 * word;
            let limb = |at: usize| limbs.get(at).copied().unwrap_or(0);
            let (first, shift) = (offset / 64, offset % 64);
            let pair = u128::from(limb(first)) | u128::from(limb(first + 1)) << 64;
            let bits = (pair >> shift) as u64;
            let bits = if word == 3 { bits & (u64::MAX >> 2) } else { bits };
            out.copy_from_slice(&bits.to_le_bytes());
        }
    }
}
