//! Proofs of replication.

use blstrs::Scalar;
use cid::Cid;
use filecoin_hashers::Hasher;
use filecoin_proofs::parameters::public_params;
use filecoin_proofs::{
    DefaultPieceDomain, DefaultPieceHasher, MerkleTreeTrait, PoRepConfig, as_safe_commitment, with_shape,
};
use storage_proofs_core::compound_proof::CompoundProof;
use storage_proofs_core::parameter_cache::CacheableParameters;
use storage_proofs_porep::stacked::{
    self, PublicInputs, StackedCircuit, StackedCompound, StackedDrg, Tau, generate_replica_id,
};

use crate::groth::{Statement, hold};
use crate::{Refusal, Verdict, VerifyingKeys, commitment, prover_id, registered};

/// A proof of replication with what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// Registered seal proof type.
    pub proof_type: i64,
    /// The miner's actor id.
    pub miner: u64,
    /// The sector's number.
    pub number: u64,
    /// `CommR` as a CID.
    pub sealed_cid: Cid,
    /// `CommD` as a CID.
    pub unsealed_cid: Cid,
    /// Seal randomness, as it is drawn.
    pub ticket: [u8; 32],
    /// Interactive seal randomness, as it is drawn.
    pub seed: [u8; 32],
    /// The proof's bytes.
    pub proof: &'a [u8],
}

impl VerifyingKeys {
    /// Checks one proof of replication. Non-interactive ones are aggregates and not checked.
    #[must_use]
    pub fn verify_seal(&self, seal: &Seal<'_>) -> Verdict {
        self.seal(seal).err().unwrap_or(Verdict::Valid)
    }

    fn seal(&self, seal: &Seal<'_>) -> Result<(), Verdict> {
        let config = registered::seal(seal.proof_type)?.as_v1_config();
        let (circuit, inputs) = with_shape!(u64::from(config.sector_size), inputs, &config, seal)?;
        let statements = Statement::all(inputs, seal.proof)?;
        let key = self.get(&circuit)?;
        let statements: Vec<&Statement> = statements.iter().collect();
        match hold(&key, &statements) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Wrong.into()),
            Err(_) => Err(self.other_circuit(&circuit).into()),
        }
    }
}

/// The circuit and the public inputs of each partition.
fn inputs<Tree: 'static + MerkleTreeTrait>(
    config: &PoRepConfig,
    seal: &Seal<'_>,
) -> Result<(String, Vec<Vec<Scalar>>), Verdict> {
    let unusable = |error: &dyn std::fmt::Display| Verdict::from(Refusal::Statement(error.to_string()));
    let parameters = public_params::<Tree>(config).map_err(|error| unusable(&error))?;
    let comm_r: <Tree::Hasher as Hasher>::Domain =
        as_safe_commitment(&commitment(&seal.sealed_cid)?, "CommR")
            .map_err(|_| Refusal::Commitment(seal.sealed_cid))?;
    let comm_d: DefaultPieceDomain = as_safe_commitment(&commitment(&seal.unsealed_cid)?, "CommD")
        .map_err(|_| Refusal::Commitment(seal.unsealed_cid))?;
    let replica_id = generate_replica_id::<Tree::Hasher, _>(
        &prover_id(seal.miner),
        seal.number,
        &seal.ticket,
        comm_d,
        &config.porep_id,
    );
    let inputs =
        PublicInputs { replica_id, tau: Some(Tau { comm_r, comm_d }), seed: Some(seal.seed), k: None };
    let circuit = <StackedCompound<Tree, DefaultPieceHasher> as CacheableParameters<
        StackedCircuit<Tree, DefaultPieceHasher>,
        stacked::PublicParams<Tree>,
    >>::cache_identifier(&parameters);
    let inputs = (0..usize::from(config.partitions)).map(|partition| {
        <StackedCompound<Tree, DefaultPieceHasher> as CompoundProof<
            StackedDrg<'_, Tree, DefaultPieceHasher>,
            StackedCircuit<Tree, DefaultPieceHasher>,
        >>::generate_public_inputs(&inputs, &parameters, Some(partition))
    });
    Ok((circuit, inputs.collect::<Result<_, _>>().map_err(|error| unusable(&error))?))
}
