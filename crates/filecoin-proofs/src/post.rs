//! Proofs of spacetime: WinningPoSt, one at a time or many together, and WindowPoSt.

use std::collections::BTreeMap;

use blstrs::Scalar;
use cid::Cid;
use filecoin_hashers::Hasher;
use filecoin_proofs::parameters::{window_post_public_params, winning_post_public_params};
use filecoin_proofs::{
    MerkleTreeTrait, PoStConfig, PoStType, as_safe_commitment, generate_winning_post_sector_challenge,
    with_shape,
};
use storage_proofs_core::compound_proof::CompoundProof;
use storage_proofs_core::parameter_cache::CacheableParameters;
use storage_proofs_post::fallback::{
    FallbackPoSt, FallbackPoStCircuit, FallbackPoStCompound, PublicInputs, PublicParams, PublicSector,
};

use crate::groth::{Statement, each, hold};
use crate::{Refusal, Verdict, VerifyingKeys, commitment, prover_id, registered};

/// A sector under proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sector {
    /// Its number.
    pub number: u64,
    /// `CommR` as a CID.
    pub sealed_cid: Cid,
}

/// A WinningPoSt with what it is about.
#[derive(Debug, Clone, Copy)]
pub struct WinningPost<'a> {
    /// Registered proof type that the miner's sector size asks for.
    pub proof_type: i64,
    /// `draw(beacon, WinningPoStChallengeSeed, height, miner)`, as it is drawn.
    pub randomness: [u8; 32],
    /// The miner's actor id.
    pub miner: u64,
    /// The challenged sectors (see [`winning_post_challenges`]).
    pub sectors: &'a [Sector],
    /// The proof's bytes.
    pub proof: &'a [u8],
}

/// A WindowPoSt with what it is about.
#[derive(Debug, Clone, Copy)]
pub struct WindowPost<'a> {
    /// Registered proof type.
    pub proof_type: i64,
    /// `draw(beacon, WindowedPoStChallengeSeed, challenge epoch, miner)`, as it is drawn.
    pub randomness: [u8; 32],
    /// The miner's actor id.
    pub miner: u64,
    /// Every sector that is proven, in any order; skipped ones left out, faulty ones replaced as the actor says.
    pub sectors: &'a [Sector],
    /// The proof's bytes.
    pub proof: &'a [u8],
}

/// What the circuit of either kind takes.
struct Claim<'a> {
    config: PoStConfig,
    randomness: [u8; 32],
    miner: u64,
    sectors: &'a [Sector],
}

/// Which of `count` active sectors, in ascending order of their numbers, a WinningPoSt must prove; indices below `count`.
///
/// `randomness` is as it is drawn: its two highest bits are cleared here, as every user of the proofs library does.
///
/// # Errors
/// The proof type is unknown or no winning one, or there are no sectors.
pub fn winning_post_challenges(
    proof_type: i64,
    randomness: [u8; 32],
    miner: u64,
    count: u64,
) -> Result<Vec<u64>, Verdict> {
    let config = config(proof_type, PoStType::Winning)?;
    if count == 0 {
        return Err(Refusal::SectorCount { found: 0, expected: config.sector_count }.into());
    }
    with_shape!(
        u64::from(config.sector_size),
        generate_winning_post_sector_challenge,
        &config,
        &field_element(randomness),
        count,
        prover_id(miner)
    )
    .map_err(|error| Refusal::Statement(error.to_string()).into())
}

fn config(proof_type: i64, kind: PoStType) -> Result<PoStConfig, Verdict> {
    let registered = registered::post(proof_type)?;
    if registered.typ() == kind {
        Ok(registered.as_v1_config())
    } else {
        Err(Refusal::Kind(proof_type).into())
    }
}

/// Randomness with its two highest bits cleared, which makes it a field element.
fn field_element(mut randomness: [u8; 32]) -> [u8; 32] {
    if let Some(last) = randomness.last_mut() {
        *last &= 0x3f;
    }
    randomness
}

impl VerifyingKeys {
    /// Checks one WinningPoSt.
    #[must_use]
    pub fn verify_winning_post(&self, post: &WinningPost<'_>) -> Verdict {
        self.verify_winning_posts(std::slice::from_ref(post))
            .pop()
            .unwrap_or(Verdict::Invalid(Refusal::Wrong))
    }

    /// Checks every WinningPoSt of a list together: one answer each, in their order. One pairing check for all of a proof type
    /// is far cheaper than one each; where it fails, halves are searched for the offenders.
    #[must_use]
    pub fn verify_winning_posts(&self, posts: &[WinningPost<'_>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Valid; posts.len()];
        let mut circuits = BTreeMap::<String, Vec<(usize, Statement)>>::new();
        for (index, (post, verdict)) in posts.iter().zip(&mut verdicts).enumerate() {
            match winning(post) {
                Ok((circuit, statement)) => circuits.entry(circuit).or_default().push((index, statement)),
                Err(refused) => *verdict = refused,
            }
        }
        for (circuit, statements) in circuits {
            let found = self.get(&circuit).and_then(|key| {
                let statements: Vec<&Statement> = statements.iter().map(|(_, statement)| statement).collect();
                each(&key, &statements).map_err(|_| self.other_circuit(&circuit))
            });
            for (place, (index, _)) in statements.iter().enumerate() {
                let Some(verdict) = verdicts.get_mut(*index) else { continue };
                match &found {
                    Ok(found) if found.get(place) == Some(&true) => {}
                    Ok(_) => *verdict = Refusal::Wrong.into(),
                    Err(reason) => *verdict = reason.clone().into(),
                }
            }
        }
        verdicts
    }

    /// Checks one WindowPoSt: all partitions of its message.
    #[must_use]
    pub fn verify_window_post(&self, post: &WindowPost<'_>) -> Verdict {
        self.window(post).err().unwrap_or(Verdict::Valid)
    }

    fn window(&self, post: &WindowPost<'_>) -> Result<(), Verdict> {
        let config = config(post.proof_type, PoStType::Window)?;
        if post.sectors.is_empty() {
            return Err(Refusal::SectorCount { found: 0, expected: config.sector_count }.into());
        }
        let mut sectors = post.sectors.to_vec();
        sectors.sort_unstable_by_key(|sector| sector.number);
        let partitions = sectors.len().div_ceil(config.sector_count);
        let size = u64::from(config.sector_size);
        let claim = Claim { config, randomness: post.randomness, miner: post.miner, sectors: &sectors };
        let (circuit, inputs) = with_shape!(size, window_inputs, &claim, partitions)?;
        let statements = Statement::all(inputs, post.proof)?;
        let key = self.get(&circuit)?;
        let statements: Vec<&Statement> = statements.iter().collect();
        match hold(&key, &statements) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Wrong.into()),
            Err(_) => Err(self.other_circuit(&circuit).into()),
        }
    }
}

/// The circuit and the one statement of a WinningPoSt.
fn winning(post: &WinningPost<'_>) -> Result<(String, Statement), Verdict> {
    let config = config(post.proof_type, PoStType::Winning)?;
    if post.sectors.len() != config.sector_count {
        return Err(Refusal::SectorCount { found: post.sectors.len(), expected: config.sector_count }.into());
    }
    let size = u64::from(config.sector_size);
    let claim = Claim { config, randomness: post.randomness, miner: post.miner, sectors: post.sectors };
    let (circuit, inputs) = with_shape!(size, winning_inputs, &claim)?;
    let statement = Statement::all(vec![inputs], post.proof)?.pop().ok_or(Refusal::Wrong)?;
    Ok((circuit, statement))
}

/// The one partition holds every challenged sector once for each of the circuit's slots.
fn winning_inputs<Tree: 'static + MerkleTreeTrait>(
    claim: &Claim<'_>,
) -> Result<(String, Vec<Scalar>), Verdict> {
    let parameters = winning_post_public_params::<Tree>(&claim.config).map_err(statement)?;
    let inputs = claim.inputs::<Tree>(parameters.sector_count)?;
    Ok((circuit::<Tree>(&parameters), public_inputs::<Tree>(&inputs, &parameters, None)?))
}

fn window_inputs<Tree: 'static + MerkleTreeTrait>(
    claim: &Claim<'_>,
    partitions: usize,
) -> Result<(String, Vec<Vec<Scalar>>), Verdict> {
    let parameters = window_post_public_params::<Tree>(&claim.config).map_err(statement)?;
    let inputs = claim.inputs::<Tree>(1)?;
    let inputs =
        (0..partitions).map(|partition| public_inputs::<Tree>(&inputs, &parameters, Some(partition)));
    Ok((circuit::<Tree>(&parameters), inputs.collect::<Result<_, _>>()?))
}

/// The public inputs of one partition.
fn public_inputs<Tree: 'static + MerkleTreeTrait>(
    inputs: &PublicInputs<<Tree::Hasher as Hasher>::Domain>,
    parameters: &PublicParams,
    partition: Option<usize>,
) -> Result<Vec<Scalar>, Verdict> {
    <FallbackPoStCompound<Tree> as CompoundProof<FallbackPoSt<'_, Tree>, FallbackPoStCircuit<Tree>>>::generate_public_inputs(
        inputs, parameters, partition,
    )
    .map_err(statement)
}

fn circuit<Tree: 'static + MerkleTreeTrait>(parameters: &PublicParams) -> String {
    <FallbackPoStCompound<Tree> as CacheableParameters<FallbackPoStCircuit<Tree>, PublicParams>>::cache_identifier(parameters)
}

fn statement(error: impl std::fmt::Display) -> Verdict {
    Refusal::Statement(error.to_string()).into()
}

impl Claim<'_> {
    /// Public inputs with the sectors repeated `times`.
    fn inputs<Tree: 'static + MerkleTreeTrait>(
        &self,
        times: usize,
    ) -> Result<PublicInputs<<Tree::Hasher as Hasher>::Domain>, Verdict> {
        let sectors = self.sectors.iter().map(|sector| {
            let comm_r = as_safe_commitment(&commitment(&sector.sealed_cid)?, "CommR")
                .map_err(|_| Refusal::Commitment(sector.sealed_cid))?;
            Ok(PublicSector { id: sector.number.into(), comm_r })
        });
        let sectors: Vec<_> = sectors.collect::<Result<_, Refusal>>()?;
        let length = sectors.len() * times;
        Ok(PublicInputs {
            randomness: as_safe_commitment(&field_element(self.randomness), "randomness")
                .map_err(statement)?,
            prover_id: as_safe_commitment(&prover_id(self.miner), "prover").map_err(statement)?,
            sectors: sectors.into_iter().cycle().take(length).collect(),
            k: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NotMade;

    #[test]
    fn unknown_proof_types_are_not_made_and_other_kinds_refused() {
        assert_eq!(winning_post_challenges(99, [0; 32], 1000, 5), Err(NotMade::UnknownType(99).into()));
        assert_eq!(winning_post_challenges(5, [0; 32], 1000, 5), Err(Refusal::Kind(5).into()));
        assert!(matches!(
            winning_post_challenges(0, [0; 32], 1000, 0),
            Err(Verdict::Invalid(Refusal::SectorCount { .. }))
        ));
    }

    #[test]
    fn challenges_lie_below_the_count_for_any_randomness() {
        for count in [1, 2, 7, u64::MAX] {
            let found = winning_post_challenges(3, [0xff; 32], u64::MAX, count).unwrap();
            assert!(!found.is_empty() && found.iter().all(|index| *index < count), "{found:?}");
        }
    }
}
