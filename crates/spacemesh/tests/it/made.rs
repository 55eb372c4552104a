//! Values with something in every field.

use std::num::NonZeroU64;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::ballot::{Ballot, EpochData, InnerBallot, SlotProof, Vote, Votes};
use apogee_spacemesh::block::{Block, BlockReward};
use apogee_spacemesh::id::{
    AtxId, BallotId, Beacon, BlockId, GenesisId, Hash, LayerId, PublicKey, SmesherId, TransactionId,
};
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::scale::{Scale, encode};
use apogee_spacemesh::signature::{Domain, signed_bytes};
use apogee_spacemesh::template::{Keys, Spawn, Terms};
use apogee_spacemesh::transaction::{Body, Call, Part, Payment, Signatures, Transaction};
use apogee_spacemesh::vrf::Proof;
use apogee_spacemesh::weight::Weight;
use ed25519_dalek::{Signer, SigningKey};

pub(crate) const GENESIS: GenesisId = GenesisId([7; 20]);

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub(crate) fn public(number: u8) -> PublicKey {
    PublicKey(key(number).verifying_key().to_bytes())
}

pub(crate) fn ballot() -> Ballot {
    let inner = InnerBallot {
        layer: LayerId(70_000),
        atx: AtxId([1; 32]),
        opinion: Hash([2; 32]),
        reference: BallotId([3; 20]),
        epoch: Some(EpochData { active_set: Hash([4; 32]), beacon: Beacon([5; 4]), slots: 64 }),
    };
    let mut message = Vec::new();
    inner.layer.write(&mut message);
    message.extend_from_slice(blake3::hash(&encode(&inner)).as_bytes());
    let signature = key(1).sign(&signed_bytes(&GENESIS, Domain::Ballot, &message)).to_bytes();
    let vote = Vote { block: BlockId([6; 20]), layer: LayerId(69_999), height: 1 << 40 };
    Ballot {
        inner,
        signature,
        smesher: SmesherId(public(1).0),
        votes: Votes {
            base: BallotId([8; 20]),
            support: vec![vote; 3],
            against: vec![vote],
            abstain: vec![LayerId(1), LayerId(1 << 31)],
        },
        proofs: vec![SlotProof { index: 63, proof: Proof([9; 80]) }; 2],
        active_set: vec![AtxId([10; 32])],
    }
}

pub(crate) fn block() -> Block {
    let weight = Weight { numerator: 300, denominator: NonZeroU64::new(7).unwrap() };
    Block {
        layer: LayerId(64),
        height: 16_384,
        rewards: vec![BlockReward { atx: AtxId([1; 32]), weight }; 2],
        transactions: vec![TransactionId([2; 32]); 3],
    }
}

pub(crate) fn result() -> TransactionResult {
    TransactionResult {
        succeeded: false,
        message: b"not enough".to_vec(),
        gas: 36_090,
        fee: 36_090 * 3,
        block: BlockId([1; 20]),
        layer: LayerId(5),
        addresses: vec![Address([0; 24]); 2],
    }
}

pub(crate) fn header() -> TransactionHeader {
    TransactionHeader {
        principal: Address([1; 24]),
        template: Address([2; 24]),
        method: 17,
        nonce: 1 << 60,
        first: LayerId(1),
        last: LayerId(2),
        max_gas: 100_432,
        gas_price: 3,
        max_spend: 1 << 50,
    }
}

pub(crate) fn keys() -> Keys {
    Keys { required: 2, keys: vec![public(1), public(2), public(3)] }
}

pub(crate) fn terms() -> Terms {
    let owner = Spawn::Vesting(keys()).address();
    Terms { owner, total: 1 << 50, initial: 1 << 40, start: LayerId(100), end: LayerId(200_000) }
}

pub(crate) fn body(call: Call) -> Body {
    let principal = match &call {
        Call::Spawn(spawn) => spawn.address(),
        Call::Spend(_) => Spawn::Wallet(public(1)).address(),
        Call::Drain { .. } => Spawn::Vesting(keys()).address(),
    };
    Body { principal, call, nonce: 300, gas_price: 1 }
}

/// One of each that can be done.
pub(crate) fn calls() -> [Call; 6] {
    let payment = Payment { destination: Address([0; 24]), amount: 1_000_000_000_000 };
    [
        Call::Spawn(Spawn::Wallet(public(1))),
        Call::Spawn(Spawn::Multisig(keys())),
        Call::Spawn(Spawn::Vesting(keys())),
        Call::Spawn(Spawn::Vault(terms())),
        Call::Spend(payment),
        Call::Drain { vault: Spawn::Vault(terms()).address(), payment },
    ]
}

pub(crate) fn signed_by_one(body: Body, by: u8) -> Transaction {
    let signature = key(by).sign(&body.signed_bytes(&GENESIS)).to_bytes();
    Transaction { body, signatures: Signatures::One(signature) }
}

/// `by` are keys with their places.
pub(crate) fn signed_by_several(body: Body, by: &[(u8, u8)]) -> Transaction {
    let message = body.signed_bytes(&GENESIS);
    let part =
        |&(place, number): &(u8, u8)| Part { key: place, signature: key(number).sign(&message).to_bytes() };
    Transaction { body, signatures: Signatures::Several(by.iter().map(part).collect()) }
}
