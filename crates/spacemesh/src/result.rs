//! What a node keeps of a transaction besides its bytes: what it took from it, and what came of it.
//!
//! Source: go-spacemesh `common/types/transaction_header.go` and `transaction_result.go`.

use std::borrow::Cow;

use crate::address::Address;
use crate::id::{BlockId, LayerId};
use crate::scale::{Reader, Scale, ScaleError, write_blob, write_compact, write_list};

const MOST_MESSAGE: u32 = 1_024;
const MOST_ADDRESSES: u32 = 10;

/// What a node took from a transaction when it first saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionHeader {
    /// The account that acts and pays.
    pub principal: Address,
    /// The template of the account that is made, or else of the principal.
    pub template: Address,
    /// The method's number.
    pub method: u8,
    /// Which of the principal's transactions it is.
    pub nonce: u64,
    /// The first layer in which it may be executed; zero for any.
    pub first: LayerId,
    /// The last one; zero for any.
    pub last: LayerId,
    /// What it may use.
    pub max_gas: u64,
    /// What a unit costs, in smidge.
    pub gas_price: u64,
    /// What it may pay besides, in smidge.
    pub max_spend: u64,
}

/// What came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionResult {
    /// Whether it did what it says. What it used is paid for all the same.
    pub succeeded: bool,
    /// Why not, in a node's words.
    pub message: Vec<u8>,
    /// What it used.
    pub gas: u64,
    /// What that cost, in smidge: paid to those who have a share in the block.
    pub fee: u64,
    /// The block that it was executed in.
    pub block: BlockId,
    /// The block's layer.
    pub layer: LayerId,
    /// Accounts that it changed.
    pub addresses: Vec<Address>,
}

impl TransactionResult {
    /// Why it did not succeed, as text.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.message)
    }
}

impl Scale for TransactionHeader {
    fn write(&self, out: &mut Vec<u8>) {
        self.principal.write(out);
        self.template.write(out);
        write_compact(u64::from(self.method), out);
        write_compact(self.nonce, out);
        self.first.write(out);
        self.last.write(out);
        write_compact(self.max_gas, out);
        write_compact(self.gas_price, out);
        write_compact(self.max_spend, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            principal: Address::read(input)?,
            template: Address::read(input)?,
            method: input.compact8()?,
            nonce: input.compact64()?,
            first: LayerId::read(input)?,
            last: LayerId::read(input)?,
            max_gas: input.compact64()?,
            gas_price: input.compact64()?,
            max_spend: input.compact64()?,
        })
    }
}

impl Scale for TransactionResult {
    fn write(&self, out: &mut Vec<u8>) {
        write_compact(u64::from(!self.succeeded), out);
        write_blob(&self.message, out);
        write_compact(self.gas, out);
        write_compact(self.fee, out);
        self.block.write(out);
        self.layer.write(out);
        write_list(&self.addresses, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let at = input.at();
        let succeeded = match input.compact8()? {
            0 => true,
            1 => false,
            _ => return Err(ScaleError::Value { at, what: "status of a transaction" }),
        };
        Ok(Self {
            succeeded,
            message: input.blob(MOST_MESSAGE)?.to_vec(),
            gas: input.compact64()?,
            fee: input.compact64()?,
            block: BlockId::read(input)?,
            layer: LayerId::read(input)?,
            addresses: input.list(MOST_ADDRESSES)?,
        })
    }
}
