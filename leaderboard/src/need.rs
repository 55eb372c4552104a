//! What is missing to a bar.

use apogee_rules::Ratio;
use num_bigint::BigUint;

use crate::measure::Measure;
use crate::metric::TooLarge;

/// Successes among `samples`, from the rate.
pub(crate) fn passed(measure: &Measure, samples: u128) -> Option<u128> {
    let Some(rate) = measure.fraction() else { return Some(0) };
    let (numerator, denominator) = rate.parts();
    u128::try_from(numerator * samples / denominator).ok()
}

/// The least number of further successes with which `passed` of `samples` come up to `bar` and `samples` to `least`.
pub(crate) fn more(passed: u128, samples: u128, bar: Ratio, least: u128) -> Result<Option<u128>, TooLarge> {
    let (p, q) = (bar.numerator(), bar.denominator());
    let for_samples = least.max(1).saturating_sub(samples);
    let (reached, wanted) = (BigUint::from(q) * passed, BigUint::from(p) * samples);
    if reached >= wanted && p <= q {
        return Ok(Some(for_samples));
    }
    let Some(step) = q.checked_sub(p).filter(|step| *step > 0) else { return Ok(None) };
    let missing = (wanted - reached + (step - 1)) / step;
    u128::try_from(missing).map(|missing| Some(missing.max(for_samples))).map_err(|_| TooLarge)
}
