use group::Group;

use super::scheme::Scheme;

/// Bits of a coefficient.
const BITS: u32 = 64;
/// Odd multiples that are tabulated for each point: 1, 3, 5, 7.
const ODD_MULTIPLES: usize = 4;

/// Σ scalarᵢ × pointᵢ, by whichever method does less work for so many terms.
///
/// On one thread, unlike `blst`'s own, so that many small sums can run beside each other.
pub(super) fn multi_scalar_sum<S: Scheme>(terms: &[(u64, S::Point)]) -> S::Sum {
    // In thirds of an addition: adding to a bucket is cheaper, for the point added is affine.
    let by_buckets =
        |window: u32| (BITS.div_ceil(window) as usize).saturating_mul(terms.len() * 2 + (6 << window));
    let by_tables = terms.len().saturating_mul(3 * (ODD_MULTIPLES + BITS as usize / 5));
    match (1..=12).min_by_key(|window| by_buckets(*window)) {
        Some(window) if by_buckets(window) < by_tables => buckets::<S>(terms, window),
        _ => tables::<S>(terms),
    }
}

/// Pippenger's method: points are sorted into buckets by one digit of their scalar after the other.
fn buckets<S: Scheme>(terms: &[(u64, S::Point)], window: u32) -> S::Sum {
    let mask = (1_u64 << window) - 1;
    let mut sum = S::Sum::identity();
    for shift in (0..BITS).step_by(window as usize).rev() {
        for _ in 0..window {
            sum = sum.double();
        }
        let mut buckets = vec![S::Sum::identity(); 1 << window];
        for (scalar, point) in terms {
            // Bucket 0 collects what counts nothing.
            if let Some(bucket) = buckets.get_mut(((scalar >> shift) & mask) as usize) {
                *bucket += point;
            }
        }
        // Σ i × bucketᵢ as a sum of running sums from the top.
        let (mut running, mut total) = (S::Sum::identity(), S::Sum::identity());
        for bucket in buckets.iter().skip(1).rev() {
            running += bucket;
            total += &running;
        }
        sum += &total;
    }
    sum
}

/// Straus' method: doublings are shared, and each point has a table of its small odd multiples.
fn tables<S: Scheme>(terms: &[(u64, S::Point)]) -> S::Sum {
    let prepared: Vec<_> =
        terms.iter().map(|(scalar, point)| (digits(*scalar), odd_multiples::<S>(point))).collect();
    let mut sum = S::Sum::identity();
    for at in (0..=BITS as usize).rev() {
        sum = sum.double();
        for (digits, multiples) in &prepared {
            let digit = digits.get(at).copied().unwrap_or(0);
            if let Some(multiple) =
                multiples.get(usize::from(digit.unsigned_abs() / 2)).filter(|_| digit != 0)
            {
                if digit > 0 { sum += multiple } else { sum -= multiple }
            }
        }
    }
    sum
}

fn odd_multiples<S: Scheme>(point: &S::Point) -> [S::Sum; ODD_MULTIPLES] {
    let mut multiple = S::Sum::identity();
    multiple += point;
    let twice = multiple.double();
    let mut next = || {
        let now = multiple;
        multiple += &twice;
        now
    };
    [next(), next(), next(), next()]
}

/// Signed digits, lowest first, each 0 or odd and below 8 in size, of which four in five are 0: Σ digitᵢ × 2ⁱ.
fn digits(scalar: u64) -> [i8; BITS as usize + 1] {
    let mut digits = [0; BITS as usize + 1];
    let mut rest = i128::from(scalar);
    for digit in &mut digits {
        if rest & 1 == 1 {
            let low = i8::try_from(rest & 15).unwrap_or(0);
            *digit = if low >= 8 { low - 16 } else { low };
            rest -= i128::from(*digit);
        }
        rest >>= 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::MinSig;
    use super::*;
    use blstrs::{G1Affine, G1Projective, Scalar};

    #[test]
    fn both_methods_give_the_sum_of_products() {
        for n in [0, 1, 2, 3, 5, 20, 40, 100, 300, 600] {
            let mut seed = 7_u64;
            let terms: Vec<(u64, G1Affine)> = (0..n)
                .map(|i: u32| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let scalar = [seed, u64::MAX, 1, 8, 1 << 63][i as usize % 5];
                    (scalar, G1Projective::hash_to_curve(&i.to_be_bytes(), b"t", &[]).into())
                })
                .collect();
            let plain = terms
                .iter()
                .map(|(scalar, point)| G1Projective::from(point) * Scalar::from(*scalar))
                .fold(G1Projective::identity(), |sum, term| sum + term);
            assert_eq!(multi_scalar_sum::<MinSig>(&terms), plain, "{n} terms");
            assert_eq!(tables::<MinSig>(&terms), plain, "{n} terms, tables");
            for window in [1, 3, 7, 10] {
                assert_eq!(buckets::<MinSig>(&terms, window), plain, "{n} terms, windows of {window}");
            }
        }
    }

    #[test]
    fn digits_add_up_to_the_scalar() {
        for scalar in [0, 1, 7, 8, 9, 0xaaaa_aaaa_aaaa_aaaa, u64::MAX, u64::MAX - 7, 1 << 63] {
            let sum: i128 = digits(scalar).iter().enumerate().map(|(i, digit)| i128::from(*digit) << i).sum();
            assert_eq!(sum, i128::from(scalar));
            assert!(digits(scalar).iter().all(|digit| *digit == 0 || digit % 2 != 0));
        }
    }
}
