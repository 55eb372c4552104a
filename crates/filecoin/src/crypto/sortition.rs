//! Poisson sortition: how often a miner wins an epoch, given its VRF output and its share of the power.
//!
//! The election is a draw from a Poisson distribution with λ = power × blocks per epoch ÷ total power, computed in 256-bit
//! fixed point exactly as Lotus `chain/types/electionproof.go` does: a different rounding is a different chain.

use std::sync::LazyLock;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;

use super::blake2b256;

/// Blocks that an epoch has on average: a constant of every Filecoin network.
pub const BLOCKS_PER_EPOCH: u32 = 5;

/// The most wins one block can claim.
pub const MAX_WIN_COUNT: i64 = 15;

/// Fraction bits of the fixed point.
const PRECISION: u32 = 256;

/// Coefficients of e^-x as a quotient of polynomials, highest power first, times 2^128. Those of the numerator have
/// alternating signs, the first is negative; the constant terms, 1 both, are left out.
const NUMERATOR: [u128; 7] = [
    648_770_010_757_830_093_818_553_637_600,
    67_469_480_939_593_786_226_847_644_286_976,
    3_197_587_544_499_098_424_029_388_939_001_856,
    89_244_641_121_992_890_118_377_641_805_348_864,
    1_579_656_163_641_440_567_800_982_336_819_953_664,
    17_685_496_037_279_256_458_459_817_590_917_169_152,
    115_682_590_513_835_356_866_803_355_398_940_131_328,
];
const DENOMINATOR: [u128; 13] = [
    1_225_524_182_432_722_209_606_361,
    114_095_592_300_906_098_243_859_450,
    5_665_570_424_063_336_070_530_214_243,
    194_450_132_448_609_991_765_137_938_448,
    5_068_267_641_632_683_791_026_134_915_072,
    104_716_890_604_972_796_896_895_427_629_056,
    1_748_338_658_439_454_459_487_681_798_864_896,
    23_704_654_329_841_312_470_660_182_937_960_448,
    259_380_097_567_996_910_282_699_886_670_381_056,
    2_250_336_698_853_390_384_720_606_936_038_375_424,
    14_978_272_436_876_548_034_486_263_159_246_028_800,
    72_144_088_983_913_131_323_343_765_784_380_833_792,
    224_599_776_407_103_106_596_571_252_037_123_047_424,
];

static NUMERATOR_Q256: LazyLock<Vec<BigInt>> = LazyLock::new(|| {
    let signed = NUMERATOR.iter().enumerate().map(|(i, c)| {
        let c = BigInt::from(*c) << (PRECISION - 128);
        if i % 2 == 0 { -c } else { c }
    });
    signed.chain([one()]).collect()
});
static DENOMINATOR_Q256: LazyLock<Vec<BigInt>> = LazyLock::new(|| {
    DENOMINATOR.iter().map(|c| BigInt::from(*c) << (PRECISION - 128)).chain([one()]).collect()
});

fn one() -> BigInt {
    BigInt::from(1) << PRECISION
}

/// Horner's method in Q.256; shifts round down, as Go's do.
fn polynomial(coefficients: &[BigInt], x: &BigInt) -> BigInt {
    coefficients.iter().fold(BigInt::ZERO, |sum, c| ((sum * x) >> PRECISION) + c)
}

/// e^-x in Q.256.
fn exp_neg(x: &BigInt) -> BigInt {
    (polynomial(&NUMERATOR_Q256, x) << PRECISION).div_floor(&polynomial(&DENOMINATOR_Q256, x))
}

/// The upper tail of a Poisson distribution: 1 − P(wins ≤ 0), 1 − P(wins ≤ 1), …
fn upper_tail(lambda: BigInt) -> impl Iterator<Item = BigInt> {
    let mut mass = exp_neg(&lambda);
    let mut tail = one() - &mass;
    let mut k = 0_u32;
    std::iter::from_fn(move || {
        let now = tail.clone();
        k = k.checked_add(1)?;
        mass = (mass.div_floor(&BigInt::from(k)) * &lambda) >> PRECISION;
        tail -= &mass;
        Some(now)
    })
}

/// λ in Q.256; `None` when the network has no power.
fn lambda(power: &BigInt, total: &BigInt) -> Option<BigInt> {
    (total.sign() == Sign::Plus && power.sign() != Sign::Minus)
        .then(|| ((power * BLOCKS_PER_EPOCH) << PRECISION).div_floor(total))
}

/// How often the VRF output wins, 0 to [`MAX_WIN_COUNT`]; `None` when `total` is not positive or `power` negative.
///
/// `power` and `total` are quality-adjusted bytes from the look-back state.
#[must_use]
pub fn win_count(vrf_proof: &[u8], power: &BigInt, total: &BigInt) -> Option<i64> {
    let drawn = BigInt::from_bytes_be(Sign::Plus, &blake2b256(vrf_proof));
    let limit = usize::try_from(MAX_WIN_COUNT).ok()?;
    let wins = upper_tail(lambda(power, total)?).take(limit).take_while(|tail| drawn < *tail).count();
    i64::try_from(wins).ok()
}

/// λ, the wins a miner can expect of one epoch, in thousand-millionths of a win, rounded down.
///
/// `None` when `total` is not positive, `power` negative, or the answer beyond 64 bits.
#[must_use]
pub fn expected_wins_nano(power: &BigInt, total: &BigInt) -> Option<u64> {
    lambda(power, total).and_then(|lambda| u64::try_from((lambda * 1_000_000_000_u32) >> PRECISION).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str) -> Option<Vec<Vec<BigInt>>> {
        let file = apogee_testkit::data(&format!("filecoin/lotus/{name}.golden"))?;
        let text = std::fs::read_to_string(file).unwrap();
        let row = |line: &str| line.split(',').map(|number| number.trim().parse().unwrap()).collect();
        Some(text.lines().skip(1).map(row).collect())
    }

    #[test]
    fn exp_neg_gives_lotus_golden_values() {
        let Some(rows) = golden("TestExpFunction") else { return };
        assert_eq!(rows.len(), 256);
        for row in rows {
            assert_eq!(exp_neg(&row[0]), row[1], "x = {}", row[0]);
        }
    }

    #[test]
    fn upper_tail_gives_lotus_golden_values() {
        for (base, shift) in
            [(10, 10), (209_714, 20), (1_036_915, 20), (1_706, 10), (2, 0), (5_242_879, 20), (5, 0)]
        {
            let Some(rows) = golden(&format!("TestPoissonFunction-lam-{base}-{shift}")) else { return };
            let lambda = BigInt::from(base) << (PRECISION - shift);
            let tail: Vec<_> = upper_tail(lambda).take(rows.len()).collect();
            assert_eq!(tail, rows.concat(), "λ = {base} / 2^{shift}");
        }
    }

    #[test]
    fn without_power_nobody_wins_and_without_a_network_nothing_is_known() {
        let bytes = |n: u32| BigInt::from(n);
        assert_eq!(win_count(b"vrf", &bytes(0), &bytes(10)), Some(0));
        assert_eq!(win_count(b"vrf", &bytes(1), &bytes(0)), None);
        assert_eq!(expected_wins_nano(&bytes(1), &bytes(3)), Some(1_666_666_666));
        assert_eq!(expected_wins_nano(&-bytes(1), &bytes(3)), None);
    }
}
