//! Multisigs: who signs, and what waits for approvals (builtin-actors `actors/multisig/src/state.rs`; the same in every version).

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use crate::cbor::Cbor;
use crate::hamt::Hamt;
use crate::node::read;
use crate::{Fault, ReadError};

/// `SIGNERS_MAX`.
const MOST_SIGNERS: u64 = 256;

/// State of a multisig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multisig {
    /// Who may propose and approve, by their ids.
    pub signers: Vec<Address>,
    /// How many of them have to approve.
    pub threshold: u64,
    /// Number of the next transaction. All below were proposed.
    pub next: i64,
    pending: Cid,
}

/// A transaction that waits for approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// To whom.
    pub to: Address,
    /// How much, attoFIL.
    pub value: TokenAmount,
    /// Method; 0 sends money alone.
    pub method: u64,
    /// Its parameters.
    pub params: Vec<u8>,
    /// Who has approved, by their ids; who proposed is the first.
    pub approved: Vec<Address>,
}

impl Multisig {
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid) -> Result<Self, ReadError> {
        read(store, state, "a multisig's state", |cursor| {
            cursor.tuple(&[7])?;
            let signers = addresses(cursor)?;
            let (threshold, next) = (cursor.uint()?, cursor.int()?);
            // Balance, start and duration of what unlocks over time.
            cursor.skip_many(3)?;
            Ok(Self { signers, threshold, next, pending: cursor.link()? })
        })
    }

    /// The transaction of this number; `None` where none of it waits.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn pending<BS: Blockstore>(&self, store: &BS, number: i64) -> Result<Option<Transaction>, ReadError> {
        Hamt::new(store, "a multisig's transactions").get(&self.pending, &key(number), |cursor| {
            cursor.tuple(&[5])?;
            Ok(Transaction {
                to: cursor.address()?,
                value: cursor.amount()?,
                method: cursor.uint()?,
                params: cursor.bytes()?.to_vec(),
                approved: addresses(cursor)?,
            })
        })
    }
}

fn addresses(cursor: &mut Cbor<'_>) -> Result<Vec<Address>, Fault> {
    (0..cursor.list(MOST_SIGNERS)?).map(|_| cursor.address()).collect()
}

/// A number as a key: zigzag, seven bits a byte, the low ones first (Go's `binary.PutVarint`).
fn key(number: i64) -> Vec<u8> {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut key = Vec::new();
    while left >= 0x80 {
        key.push(0x80 | left.to_le_bytes()[0]);
        left >>= 7;
    }
    key.push(left.to_le_bytes()[0]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_keys_as_go_writes_them() {
        assert_eq!(key(0), [0]);
        assert_eq!(key(-1), [1]);
        assert_eq!(key(63), [126]);
        assert_eq!(key(64), [0x80, 1]);
        assert_eq!(key(i64::MAX), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(key(i64::MIN), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    }
}
