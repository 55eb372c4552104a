//! What a node reads from a transaction, and what that costs.
//!
//! Source: go-spacemesh `genvm/vm.go`, `genvm/core/gas.go`, `genvm/templates/wallet/gas.go`. Wallets alone: other
//! templates are recorded here and not made.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::result::TransactionHeader;
use apogee_spacemesh::template::{Spawn, Template};
use apogee_spacemesh::transaction::{Call, MOST_BYTES, Transaction};

use crate::refusal::{Code, Refusal};

/// For eight bytes of a transaction, begun ones counted whole.
const DATA: u64 = 128;
/// For a transaction and its signature.
const SPEND_BASE: u64 = 23_000;
/// For them, and for what makes an account.
const SPAWN_BASE: u64 = 53_000;
/// For accounts that are read and written besides.
const SPEND_FIXED: u64 = 11_170;
const SPAWN_FIXED: u64 = 45_000;
/// A node's numbers of the methods.
const SPAWN: u8 = 0;
const SPEND: u8 = 16;

/// A transaction whose principal is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) transaction: Transaction,
    /// What the principal is made of, or will be.
    pub(crate) spawn: Spawn,
    pub(crate) header: TransactionHeader,
    /// What it costs to look at it, in gas.
    pub(crate) intrinsic: u64,
}

/// Why bytes are no transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("tx size ({0}) > limit (1024)")]
    Size(usize),
    #[error("malformed tx: {0}")]
    Malformed(String),
    #[error("account is not spawned")]
    NotSpawned,
}

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        let code = match error {
            ParseError::Size(_) => Code::Internal,
            ParseError::Malformed(_) => Code::InvalidArgument,
            ParseError::NotSpawned => Code::NotFound,
        };
        Self::new(code, error)
    }
}

/// Read a transaction; `spawned` says what an account was made of.
pub(crate) fn parse(
    raw: &[u8],
    spawned: impl FnOnce(&Address) -> Option<Spawn>,
) -> Result<Parsed, ParseError> {
    if raw.len() > MOST_BYTES {
        return Err(ParseError::Size(raw.len()));
    }
    let transaction = Transaction::decode(raw).map_err(|error| ParseError::Malformed(error.to_string()))?;
    let body = &transaction.body;
    let (spawn, base, fixed, method, max_spend) = match (&body.call, body.self_spawn()) {
        (_, Some(spawn)) => (spawn.clone(), SPAWN_BASE, SPAWN_FIXED, SPAWN, 0),
        (Call::Spend(payment), None) => {
            let spawn = spawned(&body.principal).ok_or(ParseError::NotSpawned)?;
            (spawn, SPEND_BASE, SPEND_FIXED, SPEND, payment.amount)
        }
        _ => {
            spawned(&body.principal).ok_or(ParseError::NotSpawned)?;
            return Err(ParseError::Malformed("a wallet pays, and makes itself".to_owned()));
        }
    };
    if spawn.template() != Template::Wallet {
        return Err(ParseError::Malformed("wallets alone are made here".to_owned()));
    }
    let intrinsic = base + DATA * (raw.len() as u64).div_ceil(8);
    let header = TransactionHeader {
        principal: body.principal,
        template: spawn.template().address(),
        method,
        nonce: body.nonce,
        first: LayerId(0),
        last: LayerId(0),
        max_gas: intrinsic + fixed,
        gas_price: body.gas_price,
        max_spend,
    };
    Ok(Parsed { spawn, header, intrinsic, transaction })
}
