//! The multisig actor of version 18: what [`PROPOSE`], [`APPROVE`] and [`CANCEL`] do, in the order of builtin-actors
//! `actors/multisig/src/lib.rs`, which decides what a call that is wrong in several ways ends with.

use apogee_filecoin::crypto::blake2b256;
use apogee_filecoin::types::multisig::{APPROVE, Approved, CANCEL, PROPOSE, Proposal, ProposalRef, Proposed};
use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_ipld_encoding::tuple::*;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_SEND};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MakeError;
use super::actors::put;
use super::state::{State, read};
use crate::ledger::Ledger;

const HAMT_WIDTH: u32 = 5;

/// What a method returns, or what it ends with.
type Called<T> = Result<Result<T, ExitCode>, MakeError>;

/// `multisig.State`, with nothing that unlocks over time.
#[derive(Clone, Serialize_tuple, Deserialize_tuple)]
struct Wallet {
    signers: Vec<Address>,
    threshold: u64,
    next: i64,
    initial_balance: TokenAmount,
    start_epoch: i64,
    unlock_duration: i64,
    pending: Cid,
}

/// `multisig.Transaction`.
#[derive(Clone, PartialEq, Serialize_tuple, Deserialize_tuple)]
struct Transaction {
    to: Address,
    value: TokenAmount,
    method: u64,
    params: RawBytes,
    approved: Vec<Address>,
}

/// `multisig.ProposalHashData`.
#[derive(Serialize_tuple)]
struct HashData<'a> {
    requester: Option<&'a Address>,
    to: &'a Address,
    value: &'a TokenAmount,
    method: u64,
    params: &'a RawBytes,
}

/// Write the state of a multisig at genesis.
pub(super) fn first(ledger: &Ledger, signers: &[ActorID], threshold: u64) -> Result<Cid, MakeError> {
    let pending = Hamt::<&Ledger, Transaction>::new_with_bit_width(ledger, HAMT_WIDTH).flush();
    let state = Wallet {
        signers: signers.iter().copied().map(Address::new_id).collect(),
        threshold,
        next: 0,
        initial_balance: TokenAmount::default(),
        start_epoch: 0,
        unlock_duration: 0,
        pending: pending.map_err(MakeError::state)?,
    };
    put(ledger, &state)
}

/// Call a method of the multisig `id`, which has been given what the call brings. A call that fails has changed nothing.
pub(super) fn call(
    state: &mut State<'_>,
    caller: ActorID,
    id: ActorID,
    method: u64,
    params: &RawBytes,
) -> Called<RawBytes> {
    let ledger = state.ledger();
    let wallet: Wallet = read(ledger, &state.actor(id)?.head)?;
    let pending = Hamt::load_with_bit_width(&wallet.pending, ledger, HAMT_WIDTH).map_err(MakeError::state)?;
    let mut call = Call { state, id, caller: Address::new_id(caller), wallet, pending };
    let returned = match method {
        PROPOSE => {
            decoded(params).map_or(Ok(Err(ExitCode::USR_SERIALIZATION)), |p| encoded(call.propose(p)?))
        }
        APPROVE => {
            decoded(params).map_or(Ok(Err(ExitCode::USR_SERIALIZATION)), |p| encoded(call.approve(&p)?))
        }
        CANCEL => match decoded(params) {
            Some(params) => Ok(call.cancel(&params)?.map(|()| RawBytes::default())),
            None => Ok(Err(ExitCode::USR_SERIALIZATION)),
        },
        _ => Ok(Err(ExitCode::USR_UNHANDLED_MESSAGE)),
    }?;
    if returned.is_ok() {
        call.keep()?;
    }
    Ok(returned)
}

fn decoded<T: DeserializeOwned>(params: &RawBytes) -> Option<T> {
    fvm_ipld_encoding::from_slice(params).ok()
}

fn encoded(returned: Result<impl Serialize, ExitCode>) -> Called<RawBytes> {
    returned.map_or_else(
        |code| Ok(Err(code)),
        |value| RawBytes::serialize(value).map(Ok).map_err(MakeError::state),
    )
}

fn key(number: i64) -> BytesKey {
    // Zigzag, as Go's `binary.PutVarint`.
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut key = Vec::new();
    while left >= 0x80 {
        key.push(0x80 | left.to_le_bytes()[0]);
        left >>= 7;
    }
    key.push(left.to_le_bytes()[0]);
    BytesKey(key)
}

fn hash(transaction: &Transaction) -> Result<[u8; 32], MakeError> {
    let data = HashData {
        requester: transaction.approved.first(),
        to: &transaction.to,
        value: &transaction.value,
        method: transaction.method,
        params: &transaction.params,
    };
    Ok(blake2b256(&fvm_ipld_encoding::to_vec(&data).map_err(MakeError::state)?))
}

/// A call under way. Its own state is kept when all went well; others change only by [`send`](Self::send), after which nothing fails.
struct Call<'a, 's> {
    state: &'a mut State<'s>,
    id: ActorID,
    caller: Address,
    wallet: Wallet,
    pending: Hamt<&'s Ledger, Transaction>,
}

impl Call<'_, '_> {
    fn propose(&mut self, proposal: Proposal) -> Called<Proposed> {
        if proposal.value.is_negative() {
            return Ok(Err(ExitCode::USR_ILLEGAL_ARGUMENT));
        }
        if !self.wallet.signers.contains(&self.caller) {
            return Ok(Err(ExitCode::USR_FORBIDDEN));
        }
        let number = self.wallet.next;
        self.wallet.next += 1;
        let Proposal { to, value, method, params } = proposal;
        let transaction = Transaction { to, value, method, params, approved: Vec::new() };
        let approved = self.add_approval(number, transaction)?;
        Ok(approved.map(|Approved { applied, code, ret }| Proposed { number, applied, code, ret }))
    }

    fn approve(&mut self, params: &ProposalRef) -> Called<Approved> {
        if !self.wallet.signers.contains(&self.caller) {
            return Ok(Err(ExitCode::USR_FORBIDDEN));
        }
        let found = self.pending.get(&key(params.number)).map_err(MakeError::state)?.cloned();
        let Some(transaction) = found else { return Ok(Err(ExitCode::USR_NOT_FOUND)) };
        if !params.hash.is_empty() && params.hash != hash(&transaction)? {
            return Ok(Err(ExitCode::USR_ILLEGAL_ARGUMENT));
        }
        // The threshold may have been lowered since the last approval.
        let known = match self.execute(params.number, &transaction)? {
            Ok(known) => known,
            Err(code) => return Ok(Err(code)),
        };
        if known.applied { Ok(Ok(known)) } else { self.add_approval(params.number, transaction) }
    }

    fn cancel(&mut self, params: &ProposalRef) -> Called<()> {
        if !self.wallet.signers.contains(&self.caller) {
            return Ok(Err(ExitCode::USR_FORBIDDEN));
        }
        let deleted = self.pending.delete(&key(params.number)).map_err(MakeError::state)?;
        let Some((_, transaction)) = deleted else { return Ok(Err(ExitCode::USR_NOT_FOUND)) };
        if transaction.approved.first() != Some(&self.caller) {
            return Ok(Err(ExitCode::USR_FORBIDDEN));
        }
        if !params.hash.is_empty() && params.hash != hash(&transaction)? {
            return Ok(Err(ExitCode::USR_ILLEGAL_STATE));
        }
        Ok(Ok(()))
    }

    fn add_approval(&mut self, number: i64, mut transaction: Transaction) -> Called<Approved> {
        if transaction.approved.contains(&self.caller) {
            return Ok(Err(ExitCode::USR_FORBIDDEN));
        }
        transaction.approved.push(self.caller);
        self.pending.set(key(number), transaction.clone()).map_err(MakeError::state)?;
        self.execute(number, &transaction)
    }

    /// Carry out a transaction that enough have approved.
    fn execute(&mut self, number: i64, transaction: &Transaction) -> Called<Approved> {
        let approvals = u64::try_from(transaction.approved.len()).map_err(MakeError::state)?;
        if approvals < self.wallet.threshold {
            return Ok(Ok(Approved { applied: false, code: ExitCode::OK, ret: RawBytes::default() }));
        }
        if self.state.actor(self.id)?.balance < transaction.value {
            return Ok(Err(ExitCode::USR_INSUFFICIENT_FUNDS));
        }
        self.pending.delete(&key(number)).map_err(MakeError::state)?;
        let code = self.send(transaction)?;
        Ok(Ok(Approved { applied: true, code, ret: RawBytes::default() }))
    }

    /// What the transaction itself ends with. Methods are not called on this chain.
    fn send(&mut self, transaction: &Transaction) -> Result<ExitCode, MakeError> {
        if transaction.method != METHOD_SEND {
            return Ok(ExitCode::USR_UNHANDLED_MESSAGE);
        }
        let receiver = match self.state.resolve(&transaction.to)? {
            Some(id) => self.state.get(id)?.map(|_| id),
            None => self.state.create(&transaction.to)?,
        };
        let Some(receiver) = receiver else { return Ok(ExitCode::USR_UNSPECIFIED) };
        self.state.change(self.id, |actor| actor.balance -= &transaction.value)?;
        self.state.add(receiver, &transaction.value)?;
        Ok(ExitCode::OK)
    }

    fn keep(mut self) -> Result<(), MakeError> {
        self.wallet.pending = self.pending.flush().map_err(MakeError::state)?;
        let head = put(self.state.ledger(), &self.wallet)?;
        self.state.change(self.id, |actor| actor.head = head)
    }
}
