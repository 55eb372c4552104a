//! Claims: what miners sign (`docs/competition.md` §6).

mod message;
mod name;
mod proof;

pub use message::{Action, LIFE, Message, Role};
pub use proof::{
    Chain, Envelope, Holder, MinerKeys, Participant, Proof, Proposal, SignatureKind, Verify, WalletSignature,
    proposal_commitment,
};

pub(crate) use name::{check as check_name, clash, resembles_miner};
pub(crate) use proof::{check as check_proof, prove};
