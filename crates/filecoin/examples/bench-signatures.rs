//! Prints what checking signatures in batches costs, as a share of checking the same signatures one by one in the same run.
//!
//! Both sides decode the signatures and check their subgroup, both have the keys decoded, both run on one thread.
//! Exits with 1 when a share is above 0.4.

use std::process::ExitCode;
use std::time::Instant;

use apogee_filecoin::crypto::bls::{Batch, MinPk, PublicKey, Scheme};
use blst::min_pk;
use blstrs::{G1Projective, Scalar};
use group::{Curve, Group};

const LIMIT_PERCENT: u128 = 40;

struct Signed {
    key: usize,
    message: Vec<u8>,
    signature: [u8; 96],
}

fn main() -> ExitCode {
    let mut good = true;
    for (keys, count) in [(5, 1_000), (50, 1_000), (50, 4_000), (500, 4_000)] {
        good &= compare(keys, count);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(keys: usize, count: usize) -> bool {
    // Squared until it spreads over the whole field, so that signing is as costly as with real keys.
    let secret =
        |i: usize| (0..8).fold(Scalar::from(i as u64 + 2), |secret, _| secret * secret + Scalar::from(7));
    let key_bytes: Vec<[u8; 48]> =
        (0..keys).map(|i| (G1Projective::generator() * secret(i)).to_affine().to_compressed()).collect();
    let signed: Vec<Signed> = (0..count)
        .map(|i| {
            let message = format!("message {i} of {count}").into_bytes();
            let signature = (MinPk::hash(&message) * secret(i % keys)).to_affine().to_compressed();
            Signed { key: i % keys, message, signature }
        })
        .collect();

    let plain: Vec<_> =
        key_bytes.iter().filter_map(|bytes| min_pk::PublicKey::key_validate(bytes).ok()).collect();
    let start = Instant::now();
    let right = signed.iter().filter(|one| verifies(one, plain.get(one.key))).count();
    let one_by_one = start.elapsed();

    let checked: Vec<_> =
        key_bytes.iter().filter_map(|bytes| PublicKey::<MinPk>::from_bytes(bytes).ok()).collect();
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else { return false };
    let start = Instant::now();
    let mut batch = Batch::<MinPk, usize>::default();
    for (i, one) in signed.iter().enumerate() {
        if let Some(key) = checked.get(one.key) {
            batch.push(i, *key, one.message.clone(), &one.signature);
        }
    }
    let verdicts = pool.install(|| batch.settle(&[1; 32]));
    let batched = start.elapsed();

    let all_right =
        right == count && verdicts.len() == count && verdicts.iter().all(|(_, verdict)| verdict.is_ok());
    let percent = batched.as_nanos() * 100 / one_by_one.as_nanos().max(1);
    let each = |total: std::time::Duration| total.as_micros() / count as u128;
    println!(
        "{count} signatures of {keys} keys: one by one {} µs each, batched {} µs each, ratio 0.{percent:02} (limit 0.{LIMIT_PERCENT}){}",
        each(one_by_one),
        each(batched),
        if all_right { "" } else { ", AND SOME WERE REFUSED" },
    );
    all_right && percent <= LIMIT_PERCENT
}

fn verifies(one: &Signed, key: Option<&min_pk::PublicKey>) -> bool {
    let dst = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
    let Ok(signature) = min_pk::Signature::from_bytes(&one.signature) else { return false };
    key.is_some_and(|key| {
        signature.verify(true, &one.message, dst, &[], key, false) == blst::BLST_ERROR::BLST_SUCCESS
    })
}
