use group::Group;

use super::scheme::Scheme;

/// Bits of a coefficient.
const BITS: u32 = 64;

/// Σ scalarᵢ × pointᵢ by Pippenger's bucket method.
///
/// On one thread, unlike `blst`'s own, so that many small sums can run beside each other.
pub(super) fn multi_scalar_sum<S: Scheme>(terms: &[(u64, S::Point)]) -> S::Sum {
    let window = window(terms.len());
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

/// The window that needs the least work for `n` terms: one cheap addition a term and two dear ones a bucket in every digit.
fn window(n: usize) -> u32 {
    let work =
        |window: u32| (BITS.div_ceil(window) as usize).saturating_mul(n.saturating_mul(2) + (6 << window));
    (1..=12).min_by_key(|window| work(*window)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::MinSig;
    use super::*;
    use blstrs::{G1Affine, G1Projective, Scalar};

    #[test]
    fn every_window_gives_the_sum_of_products() {
        for n in [0, 1, 2, 3, 5, 20, 40, 100, 300, 600, 1_300] {
            let mut seed = 7_u64;
            let terms: Vec<(u64, G1Affine)> = (0..n)
                .map(|i: u32| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (
                        if i == 4 { u64::MAX } else { seed },
                        G1Projective::hash_to_curve(&i.to_be_bytes(), b"t", &[]).into(),
                    )
                })
                .collect();
            let plain = terms
                .iter()
                .map(|(scalar, point)| G1Projective::from(point) * Scalar::from(*scalar))
                .fold(G1Projective::identity(), |sum, term| sum + term);
            assert_eq!(multi_scalar_sum::<MinSig>(&terms), plain, "{n} terms");
        }
    }
}
