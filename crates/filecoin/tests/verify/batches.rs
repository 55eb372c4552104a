use apogee_filecoin::crypto::bls::{Batch, MinPk, PublicKey, Scheme, SignatureFailure, ZERO_SIGNATURE};
use apogee_filecoin::verify::{Verifier, settle};
use blst::{BLST_ERROR, min_pk};
use blstrs::{G1Projective, G2Affine, G2Projective, Scalar};
use group::{Curve, Group};

use crate::common::{Random, run_r};

const SEED: [u8; 32] = [3; 32];

struct Signer(Scalar, PublicKey<MinPk>);

fn signer(i: u64) -> Signer {
    let secret = Scalar::from(i + 2) * Scalar::from(0x0123_4567_89ab_cdef);
    let key = (G1Projective::generator() * secret).to_affine().to_compressed();
    Signer(secret, PublicKey::from_bytes(&key).unwrap())
}

impl Signer {
    fn sign(&self, message: &[u8]) -> [u8; 96] {
        (MinPk::hash(message) * self.0).to_affine().to_compressed()
    }
}

fn point(bytes: &[u8; 96]) -> G2Projective {
    Option::<G2Affine>::from(G2Affine::from_compressed(bytes)).unwrap().into()
}

#[test]
fn exactly_the_wrong_ones_of_a_batch_are_named() {
    let mut random = Random(1);
    for (count, keys) in [(1, 1), (2, 1), (7, 3), (64, 5), (150, 150)] {
        for wrong_ones in [0, 1, 2, count / 2, count] {
            let mut batch = Batch::<MinPk, usize>::default();
            let mut wrong: Vec<bool> = (0..count).map(|i| i < wrong_ones).collect();
            for i in (1..count).rev() {
                wrong.swap(i, random.below(i + 1));
            }
            for (i, wrong) in wrong.iter().enumerate() {
                let signer = signer((i % keys) as u64);
                let message = [i as u8];
                let signature = signer.sign(if *wrong { b"something else" } else { &message });
                batch.push(i, signer.1, message, &signature);
            }
            for (i, verdict) in batch.settle(&SEED) {
                let wanted = if wrong[i] { Err(SignatureFailure::Mismatch) } else { Ok(()) };
                assert_eq!(verdict, wanted, "{i} of {count}");
            }
        }
    }
}

/// Both are wrong and their sum is right: adding up without random coefficients would let them pass.
#[test]
fn wrong_signatures_that_cancel_each_other_are_named() {
    let (one, other) = (signer(1), signer(2));
    let shift = G2Projective::generator() * Scalar::from(77);
    let first = (point(&one.sign(b"a")) + shift).to_affine().to_compressed();
    let second = (point(&other.sign(b"b")) - shift).to_affine().to_compressed();
    let mut batch = Batch::<MinPk, u8>::default();
    batch.push(0, one.1, b"a", &first);
    batch.push(1, other.1, b"b", &second);
    batch.push(2, other.1, b"c", &other.sign(b"c"));
    let mismatch = Err(SignatureFailure::Mismatch);
    assert_eq!(batch.settle(&SEED), [(0, mismatch), (1, mismatch), (2, Ok(()))]);

    let mut sum = Batch::<MinPk, u8>::default();
    let aggregate = (point(&first) + point(&second)).to_affine().to_compressed();
    sum.push_aggregate(0, [(one.1, b"a".to_vec()), (other.1, b"b".to_vec())], &aggregate);
    assert_eq!(sum.settle(&SEED), [(0, Ok(()))], "as one aggregate they are right");
}

#[test]
fn bytes_that_are_no_signature_fail_alone() {
    let signer = signer(4);
    let good = signer.sign(b"m");
    let mut off_curve = good;
    while Option::<G2Affine>::from(G2Affine::from_compressed_unchecked(&off_curve)).is_some() {
        off_curve[95] = off_curve[95].wrapping_add(1);
    }
    // On the curve, but outside the prime-order subgroup.
    let mut outside = [0; 96];
    outside[0] = 0x80;
    let on_curve =
        |bytes: &[u8; 96]| Option::<G2Affine>::from(G2Affine::from_compressed_unchecked(bytes)).is_some();
    let in_group = |bytes: &[u8; 96]| Option::<G2Affine>::from(G2Affine::from_compressed(bytes)).is_some();
    while !on_curve(&outside) || in_group(&outside) {
        outside[95] += 1;
    }
    let mut batch = Batch::<MinPk, usize>::default();
    for (i, bytes) in
        [&good[..], &[], &good[..95], &[0; 96], &[0xff; 96], &off_curve, &outside].iter().enumerate()
    {
        batch.push(i, signer.1, b"m", bytes);
    }
    let verdicts = batch.settle(&SEED);
    assert_eq!(verdicts[0].1, Ok(()));
    for (i, verdict) in &verdicts[1..] {
        assert_eq!(*verdict, Err(SignatureFailure::Malformed), "{i}");
    }
}

#[test]
fn aggregates_may_repeat_a_pair_and_empty_ones_are_infinity() {
    let (one, other) = (signer(1), signer(2));
    let twice = (point(&one.sign(b"a")) + point(&one.sign(b"a"))).to_affine().to_compressed();
    let pair = |signer: &Signer, message: &[u8]| (signer.1, message.to_vec());
    let mut batch = Batch::<MinPk, u8>::default();
    batch.push_aggregate(0, [pair(&one, b"a"), pair(&one, b"a")], &twice);
    batch.push_aggregate(1, [pair(&one, b"a")], &twice);
    batch.push_aggregate(2, [], &ZERO_SIGNATURE);
    batch.push_aggregate(3, [], &other.sign(b"a"));
    batch.push_aggregate(4, [pair(&one, b"a"), pair(&other, b"a")], &ZERO_SIGNATURE);
    let mismatch = Err(SignatureFailure::Mismatch);
    assert_eq!(batch.settle(&SEED), [(0, Ok(())), (1, mismatch), (2, Ok(())), (3, mismatch), (4, mismatch)]);
    assert_eq!(Batch::<MinPk, u8>::default().settle(&SEED), []);
}

#[test]
fn keys_are_checked_before_they_are_used() {
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    for bad in [&[][..], &[0; 48], &[0xff; 48], &infinity, &signer(1).1.as_bytes()[..47]] {
        assert!(PublicKey::<MinPk>::from_bytes(bad).is_err(), "{bad:?}");
    }
    let negative = -(G1Projective::generator() * signer(1).0);
    let negative = PublicKey::<MinPk>::from_bytes(&negative.to_affine().to_compressed()).unwrap();
    assert_eq!(PublicKey::weighted_sum(&[(signer(1).1, 5), (negative, 5)]), None, "the sum is infinity");
    let sum = PublicKey::weighted_sum(&[(signer(1).1, u128::MAX), (signer(1).1, 1)]).unwrap();
    let two_to_128 = Scalar::from(u64::MAX) * Scalar::from(u64::MAX)
        + Scalar::from(u64::MAX) * Scalar::from(2)
        + Scalar::from(1);
    let wanted = G1Projective::generator() * (signer(1).0 * two_to_128);
    assert_eq!(sum.as_bytes(), wanted.to_affine().to_compressed());
}

#[test]
fn absorbed_batches_keep_their_pairs_and_tags() {
    let signer = signer(9);
    let mut left = Batch::<MinPk, &str>::default();
    left.push("left", signer.1, b"l", &signer.sign(b"l"));
    let mut right = Batch::<MinPk, u8>::default();
    right.push(1, self::signer(8).1, b"r", &self::signer(8).sign(b"r"));
    right.push(2, signer.1, b"r", &self::signer(8).sign(b"r"));
    left.absorb(right, |tag| if tag == 1 { "right" } else { "wrong" });
    assert_eq!(left.len(), 3);
    let mismatch = Err(SignatureFailure::Mismatch);
    assert_eq!(left.settle(&SEED), [("left", Ok(())), ("right", Ok(())), ("wrong", mismatch)]);
}

#[test]
fn a_plain_library_agrees_about_every_signature_of_a_recording() {
    let chain = run_r();
    let mut verifier = Verifier::new(chain.store.clone(), chain.params.clone());
    let (mut plain, mut pendings) = (0, Vec::new());
    for tipset in &chain.tipsets {
        let pending = verifier.prepare(tipset);
        for waiting in pending.bls() {
            let keys: Vec<_> = waiting
                .pairs
                .iter()
                .map(|(key, _)| min_pk::PublicKey::key_validate(key.as_bytes()).unwrap())
                .collect();
            let messages: Vec<&[u8]> = waiting.pairs.iter().map(|(_, message)| *message).collect();
            let dst = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
            let verdict = min_pk::Signature::from_bytes(waiting.signature).unwrap().aggregate_verify(
                true,
                &messages,
                dst,
                &keys.iter().collect::<Vec<_>>(),
                false,
            );
            let nothing = messages.is_empty() && waiting.signature == ZERO_SIGNATURE;
            assert!(nothing || verdict == BLST_ERROR::BLST_SUCCESS, "{waiting:?}");
            plain += 1;
        }
        pendings.push(pending);
    }
    assert!(plain > 3 * 116, "{plain}");
    assert!(settle(&chain.params, pendings, &SEED).iter().all(|report| report.failed() == 0));
}
