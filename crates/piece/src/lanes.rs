//! SHA-256 of sixteen messages of 64 bytes at once, one in each lane of AVX-512 (FIPS 180-4; names are the standard's).

use fearless_simd::{Avx512, prelude::*, u32x16};

use crate::sha256::{LAST_WORD, Node};

/// The same word of sixteen messages.
type Word = u32x16<Avx512>;

const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Of the rounds, sixteen a row.
#[rustfmt::skip]
const K: [[u32; 16]; 4] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
     0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
     0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
     0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
     0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// The second block of every message is its padding: what its schedule adds to the rounds is known beforehand.
const PADDING: [[u32; 8]; 8] = padding();

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling")]
const fn padding() -> [[u32; 8]; 8] {
    let mut w = [0_u32; 64];
    w[0] = 1 << 31;
    w[15] = 64 * 8;
    let mut sums = [[0; 8]; 8];
    let mut t = 0;
    while t < 64 {
        if t >= 16 {
            let (early, late) = (w[t - 15], w[t - 2]);
            let sigma0 = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let sigma1 = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            w[t] = w[t - 16].wrapping_add(sigma0).wrapping_add(w[t - 7]).wrapping_add(sigma1);
        }
        sums[t / 8][t % 8] = w[t].wrapping_add(K[t / 16][t % 16]);
        t += 1;
    }
    sums
}

/// Nodes above sixteen pairs.
///
/// Everything in here is inlined into a caller that has the processor's features enabled: closures would not be.
#[inline(always)]
pub(crate) fn hash(simd: Avx512, nodes: &mut [Node; 16], pairs: &[[Node; 2]; 16]) {
    let mut w = [Word::splat(simd, 0); 16];
    for (word, pair) in w.iter_mut().zip(pairs) {
        *word = Word::from_slice(simd, pair.as_flattened());
    }
    transpose_messages(&mut w);

    let initial = splat(simd, &INITIAL);
    let mut state = initial;
    for (sixteen, constants) in K.iter().enumerate() {
        if sixteen > 0 {
            schedule(&mut w);
        }
        let mut sums = w;
        for (sum, constant) in sums.iter_mut().zip(constants) {
            *sum += *constant;
        }
        let [a, b, c, d, e, f, g, h, sums @ ..] = sums;
        rounds(&mut state, [a, b, c, d, e, f, g, h]);
        rounds(&mut state, sums);
    }
    add(&mut state, &initial);

    let middle = state;
    for sums in &PADDING {
        rounds(&mut state, splat(simd, sums));
    }
    add(&mut state, &middle);

    let [.., last] = &mut state;
    *last &= LAST_WORD;
    transpose_digests(&mut state);
    for (row, words) in nodes.as_flattened_mut().chunks_exact_mut(16).zip(&state) {
        words.store_slice(row);
    }
}

#[inline(always)]
fn splat(simd: Avx512, words: &[u32; 8]) -> [Word; 8] {
    let mut splat = [Word::splat(simd, 0); 8];
    for (to, word) in splat.iter_mut().zip(words) {
        *to = Word::splat(simd, *word);
    }
    splat
}

#[inline(always)]
fn add(state: &mut [Word; 8], other: &[Word; 8]) {
    for (word, other) in state.iter_mut().zip(other) {
        *word += *other;
    }
}

#[inline(always)]
fn rotate(word: Word, by: u32) -> Word {
    (word >> by) | (word << (32 - by))
}

/// The next sixteen words, in place of those sixteen before them.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "within sixteen")]
fn schedule(w: &mut [Word; 16]) {
    for t in 0..16 {
        let (early, late) = (w[(t + 1) % 16], w[(t + 14) % 16]);
        let sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3);
        let sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10);
        w[t] = w[t] + sigma0 + w[(t + 9) % 16] + sigma1;
    }
}

/// Eight rounds: after as many, every variable is in its place again.
#[inline(always)]
fn rounds(state: &mut [Word; 8], sums: [Word; 8]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    (d, h) = round([a, b, c, d, e, f, g, h], s0);
    (c, g) = round([h, a, b, c, d, e, f, g], s1);
    (b, f) = round([g, h, a, b, c, d, e, f], s2);
    (a, e) = round([f, g, h, a, b, c, d, e], s3);
    (h, d) = round([e, f, g, h, a, b, c, d], s4);
    (g, c) = round([d, e, f, g, h, a, b, c], s5);
    (f, b) = round([c, d, e, f, g, h, a, b], s6);
    (e, a) = round([b, c, d, e, f, g, h, a], s7);
    *state = [a, b, c, d, e, f, g, h];
}

/// The new `e` and `a`.
#[inline(always)]
fn round([a, b, c, d, e, f, g, h]: [Word; 8], sum: Word) -> (Word, Word) {
    let choice = (e & f) ^ (!e & g);
    let majority = (a & b) ^ (a & c) ^ (b & c);
    let first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + sum;
    let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
    (d + first, first + second)
}

/// Messages by words become words by messages: four perfect shuffles turn the index of 4 + 4 bits by four bits.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "within sixteen")]
fn transpose_messages(rows: &mut [Word; 16]) {
    for _ in 0..4 {
        let before = *rows;
        for row in 0..8 {
            (rows[2 * row], rows[2 * row + 1]) = before[row].interleave(before[row + 8]);
        }
    }
}

/// Words by digests become digests by words: the index has 3 + 4 bits.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "within eight")]
fn transpose_digests(rows: &mut [Word; 8]) {
    for _ in 0..3 {
        let before = *rows;
        for row in 0..4 {
            (rows[2 * row], rows[2 * row + 1]) = before[row].interleave(before[row + 4]);
        }
    }
}
