//! Minting in Q.128 integers, as `reward/logic.rs` and `reward/expneg.rs` of the built-in actors compute it.

use fvm_shared::bigint::{BigInt, Integer};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;

use super::Reward;

const PRECISION: u32 = 128;
/// Growth of the baseline in an epoch, Q.128: 100 % a year.
const BASELINE_GROWTH: u128 = 224_377_702_615_002_589_582_494_545_262_197;
/// e^λ − 1, Q.128.
const EXP_LAMBDA_LESS_ONE: u128 = 37_396_273_494_747_879_394_193_016_954_629;
/// λ = ln 2 / six years of epochs, Q.128.
const LAMBDA: u128 = 37_396_271_439_864_487_274_534_522_888_786;
/// Epochs that the effective network time may move in one step; a few on every network.
pub(super) const MAX_CATCH_UP: u32 = 10_000;

/// Numerator of the rational approximation of e^-x in Q.128: magnitudes from the highest power to x; signs alternate and
/// start negative, the constant is one.
const EXP_NUMERATOR: [u128; 7] = [
    648_770_010_757_830_093_818_553_637_600,
    67_469_480_939_593_786_226_847_644_286_976,
    3_197_587_544_499_098_424_029_388_939_001_856,
    89_244_641_121_992_890_118_377_641_805_348_864,
    1_579_656_163_641_440_567_800_982_336_819_953_664,
    17_685_496_037_279_256_458_459_817_590_917_169_152,
    115_682_590_513_835_356_866_803_355_398_940_131_328,
];
/// Its denominator, all positive; the constant is one.
const EXP_DENOMINATOR: [u128; 13] = [
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

fn one() -> BigInt {
    BigInt::from(1) << PRECISION
}

/// The baseline of the next epoch, bytes.
pub(super) fn next_baseline(baseline: &BigInt) -> BigInt {
    (baseline * (one() + BASELINE_GROWTH)) >> PRECISION
}

/// The effective network time with its fraction, epochs in Q.128; `None` where the baseline is not positive.
pub(super) fn theta(state: &Reward) -> Option<BigInt> {
    if state.effective_network_time == 0 {
        return Some(BigInt::default());
    }
    if state.effective_baseline <= BigInt::default() {
        return None;
    }
    let ahead = (&state.cumsum_baseline - &state.cumsum_realized) << PRECISION;
    Some(
        (BigInt::from(state.effective_network_time) << PRECISION)
            - ahead.div_floor(&state.effective_baseline),
    )
}

/// What an epoch mints for all expected leaders, attoFIL, as the network time moves from `before` to `after` (Q.128).
pub(super) fn reward(
    epoch: ChainEpoch,
    before: BigInt,
    after: BigInt,
    simple: &TokenAmount,
    baseline: &TokenAmount,
) -> TokenAmount {
    let simple =
        (simple.atto() * EXP_LAMBDA_LESS_ONE * exp_neg(&(BigInt::from(LAMBDA) * epoch))) >> PRECISION;
    let supply = |theta: BigInt| (one() - exp_neg(&((theta * LAMBDA) >> PRECISION))) * baseline.atto();
    let baseline = supply(after) - supply(before);
    TokenAmount::from_atto((simple + baseline) >> PRECISION)
}

/// e^-x, Q.128.
fn exp_neg(x: &BigInt) -> BigInt {
    let horner = |sum: BigInt, coefficient: BigInt| ((sum * x) >> PRECISION) + coefficient;
    let numerator = EXP_NUMERATOR.iter().enumerate().map(|(index, magnitude)| {
        let magnitude = BigInt::from(*magnitude);
        if index % 2 == 0 { -magnitude } else { magnitude }
    });
    let numerator = numerator.chain([one()]).fold(BigInt::default(), horner);
    let denominator =
        EXP_DENOMINATOR.into_iter().map(BigInt::from).chain([one()]).fold(BigInt::default(), horner);
    (numerator << PRECISION).div_floor(&denominator)
}
