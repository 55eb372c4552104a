//! Ballots: what a smesher that has a slot says about the mesh.
//!
//! Source: go-spacemesh `common/types/ballot.go`.

use crate::id::{AtxId, BallotId, Beacon, BlockId, GenesisId, Hash, LayerId, SmesherId, cut};
use crate::scale::{Reader, Scale, ScaleError, encode, write_compact, write_list};
use crate::signature::{self, Domain, SIGNATURE_BYTES, SignatureError};
use crate::vrf::Proof;

/// A tenth of all space there is would come to 20,160 slots in an epoch.
const MOST_PROOFS: u32 = 25_000;
/// One block in each layer of the window that votes are about.
const MOST_VOTES: u32 = 10_000;
/// Ballots of the network's first months carried their set of activations.
const MOST_ACTIVATIONS: u32 = 100_000;

/// A ballot. Votes and proofs are not signed: votes follow from the opinion's hash, proofs speak for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// What is signed.
    pub inner: InnerBallot,
    /// By whom.
    pub signature: [u8; SIGNATURE_BYTES],
    /// The smesher.
    pub smesher: SmesherId,
    /// Its opinion, as the difference from another ballot.
    pub votes: Votes,
    /// Its slots in this layer, in ascending order.
    pub proofs: Vec<SlotProof>,
    /// Not in use any more.
    pub active_set: Vec<AtxId>,
}

/// The signed part of a ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerBallot {
    /// The layer of the slots.
    pub layer: LayerId,
    /// The smesher's activation in this epoch.
    pub atx: AtxId,
    /// The opinion on all layers before.
    pub opinion: Hash,
    /// The smesher's first ballot of the epoch; empty in that ballot itself.
    pub reference: BallotId,
    /// What holds for the epoch: in the smesher's first ballot of it alone.
    pub epoch: Option<EpochData>,
}

/// What a smesher declares once in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochData {
    /// The set of activations that it knew.
    pub active_set: Hash,
    /// The epoch's randomness as it knows it.
    pub beacon: Beacon,
    /// How many slots it has in the epoch.
    pub slots: u32,
}

/// An opinion, as the difference from that of another ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Votes {
    /// The other ballot.
    pub base: BallotId,
    /// Blocks that are voted for, and were not in the other.
    pub support: Vec<Vote>,
    /// Blocks that are voted against, and were voted for in the other.
    pub against: Vec<Vote>,
    /// Layers with no opinion.
    pub abstain: Vec<LayerId>,
}

/// A block that is voted for or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The block.
    pub block: BlockId,
    /// Its layer.
    pub layer: LayerId,
    /// Its height in ticks.
    pub height: u64,
}

/// That a slot is the smesher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotProof {
    /// Which of its slots in the epoch.
    pub index: u32,
    /// The draw.
    pub proof: Proof,
}

impl Ballot {
    /// Check the smesher's signature on the network of `genesis`.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self, genesis: &GenesisId) -> Result<(), SignatureError> {
        let mut message = Vec::new();
        self.inner.layer.write(&mut message);
        message.extend_from_slice(self.inner.hash().as_bytes());
        let message = signature::signed_bytes(genesis, Domain::Ballot, &message);
        signature::verify(&self.smesher.0, &message, &self.signature)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> BallotId {
        BallotId(cut(self.inner.hash()))
    }
}

impl InnerBallot {
    fn hash(&self) -> blake3::Hash {
        blake3::hash(&encode(self))
    }
}

impl Scale for Ballot {
    fn write(&self, out: &mut Vec<u8>) {
        self.inner.write(out);
        self.signature.write(out);
        self.smesher.write(out);
        self.votes.write(out);
        write_list(&self.proofs, out);
        write_list(&self.active_set, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            inner: InnerBallot::read(input)?,
            signature: input.array()?,
            smesher: SmesherId::read(input)?,
            votes: Votes::read(input)?,
            proofs: input.list(MOST_PROOFS)?,
            active_set: input.list(MOST_ACTIVATIONS)?,
        })
    }
}

impl Scale for InnerBallot {
    fn write(&self, out: &mut Vec<u8>) {
        self.layer.write(out);
        self.atx.write(out);
        self.opinion.write(out);
        self.reference.write(out);
        self.epoch.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            layer: LayerId::read(input)?,
            atx: AtxId::read(input)?,
            opinion: Hash::read(input)?,
            reference: BallotId::read(input)?,
            epoch: Option::read(input)?,
        })
    }
}

impl Scale for EpochData {
    fn write(&self, out: &mut Vec<u8>) {
        self.active_set.write(out);
        self.beacon.write(out);
        write_compact(u64::from(self.slots), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let (active_set, beacon) = (Hash::read(input)?, Beacon::read(input)?);
        Ok(Self { active_set, beacon, slots: input.compact32()? })
    }
}

impl Scale for Votes {
    fn write(&self, out: &mut Vec<u8>) {
        self.base.write(out);
        write_list(&self.support, out);
        write_list(&self.against, out);
        write_list(&self.abstain, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            base: BallotId::read(input)?,
            support: input.list(MOST_VOTES)?,
            against: input.list(MOST_VOTES)?,
            abstain: input.list(MOST_VOTES)?,
        })
    }
}

impl Scale for Vote {
    fn write(&self, out: &mut Vec<u8>) {
        self.block.write(out);
        self.layer.write(out);
        write_compact(self.height, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let (block, layer) = (BlockId::read(input)?, LayerId::read(input)?);
        Ok(Self { block, layer, height: input.compact64()? })
    }
}

impl Scale for SlotProof {
    fn write(&self, out: &mut Vec<u8>) {
        write_compact(u64::from(self.index), out);
        self.proof.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self { index: input.compact32()?, proof: Proof::read(input)? })
    }
}
