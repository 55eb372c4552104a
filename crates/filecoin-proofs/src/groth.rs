//! Groth16 checks of many proofs of one circuit at once.

use bellperson::groth16::{Proof, verify_proofs_batch};
use blstrs::{Bls12, Scalar};
use ff::PrimeField;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::Refusal;
use crate::keys::Key;

/// Bytes of one compressed proof.
const PROOF: usize = 192;

/// One proof with the public inputs of what it proves.
#[derive(Debug)]
pub(crate) struct Statement {
    inputs: Vec<Scalar>,
    proof: Proof<Bls12>,
    bytes: [u8; PROOF],
}

/// A key and the inputs do not fit each other.
#[derive(Debug)]
pub(crate) struct Mismatch;

impl Statement {
    /// One statement a partition; `inputs` are those of each partition in turn.
    pub(crate) fn all(inputs: Vec<Vec<Scalar>>, proof: &[u8]) -> Result<Vec<Self>, Refusal> {
        let expected = inputs.len() * PROOF;
        if proof.len() != expected {
            return Err(Refusal::Length { found: proof.len(), expected });
        }
        let (chunks, _) = proof.as_chunks::<PROOF>();
        let one = |(inputs, bytes): (Vec<Scalar>, &[u8; PROOF])| {
            let proof = Proof::read(bytes.as_slice()).map_err(|_| Refusal::Points)?;
            Ok(Self { inputs, proof, bytes: *bytes })
        };
        inputs.into_iter().zip(chunks).map(one).collect()
    }
}

/// Whether all statements hold; with no statement, they do.
///
/// The coefficients of the random combination come from a hash of everything that is combined, so that nobody can choose
/// proofs after them and a run can be repeated; 128 bits each.
pub(crate) fn hold(key: &Key, statements: &[&Statement]) -> Result<bool, Mismatch> {
    if statements.is_empty() {
        return Ok(true);
    }
    let mut hasher = blake2b_simd::Params::new().hash_length(32).to_state();
    for statement in statements {
        for input in &statement.inputs {
            hasher.update(&input.to_repr());
        }
        hasher.update(&statement.bytes);
    }
    let mut seed = [0; 32];
    seed.copy_from_slice(hasher.finalize().as_bytes());
    let proofs: Vec<&Proof<Bls12>> = statements.iter().map(|statement| &statement.proof).collect();
    let inputs: Vec<Vec<Scalar>> = statements.iter().map(|statement| statement.inputs.clone()).collect();
    verify_proofs_batch(key, &mut ChaCha20Rng::from_seed(seed), &proofs, &inputs).map_err(|_| Mismatch)
}

/// Which statements hold: one check if all do, else halves are searched for those that do not.
pub(crate) fn each(key: &Key, statements: &[&Statement]) -> Result<Vec<bool>, Mismatch> {
    if hold(key, statements)? {
        return Ok(vec![true; statements.len()]);
    }
    if statements.len() == 1 {
        return Ok(vec![false]);
    }
    let (left, right) = statements.split_at(statements.len() / 2);
    let mut found = each(key, left)?;
    found.extend(each(key, right)?);
    Ok(found)
}
