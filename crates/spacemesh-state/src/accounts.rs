//! Accounts and transactions.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{BlockId, LayerId, TransactionId};
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::scale::ScaleError;
use apogee_spacemesh::template::{AccountState, Template};
use apogee_spacemesh::transaction::Transaction;

use crate::cells::Cells;
use crate::error::ReadError;
use crate::mesh::bounds;
use crate::state::{Layers, State};

/// A transaction that the node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// Its name.
    pub id: TransactionId,
    /// What it says; or why it cannot be read here, where a node takes it.
    pub transaction: Result<Transaction, ScaleError>,
    /// What the node took from it; `None` while its principal has not been made.
    pub header: Option<TransactionHeader>,
}

/// A transaction that was executed, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The transaction.
    pub row: TransactionRow,
    /// What came of it.
    pub result: TransactionResult,
}

/// An account at the end of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its address.
    pub address: Address,
    /// What it holds, in smidge.
    pub balance: u64,
    /// The least nonce that its next transaction may have.
    pub next_nonce: u64,
    /// The layer in which it last changed.
    pub updated: LayerId,
    /// What it is; `None` before it is made.
    pub state: Option<AccountState>,
}

const TRANSACTION: &[&str] = &["id", "tx", "header", "result", "layer", "block"];
const ACCOUNT: &[&str] = &["address", "balance", "next_nonce", "layer_updated", "template", "state"];

impl State {
    /// Transactions that were executed, by layer and name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn executed(&self, layers: &Layers) -> Result<Vec<Executed>, ReadError> {
        let rest = "WHERE result IS NOT NULL AND layer BETWEEN ?1 AND ?2 ORDER BY layer, id";
        self.rows("transactions", TRANSACTION, rest, bounds(layers), executed)
    }

    /// A transaction, if it was executed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn execution(&self, id: &TransactionId) -> Result<Option<Executed>, ReadError> {
        let rest = "WHERE id = ?1 AND result IS NOT NULL";
        Ok(self.rows("transactions", TRANSACTION, rest, [id.0], executed)?.pop())
    }

    /// Transactions that were not executed, or that were undone, by name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn pending(&self) -> Result<Vec<TransactionRow>, ReadError> {
        self.rows("transactions", TRANSACTION, "WHERE result IS NULL ORDER BY id", [], transaction)
    }

    /// An account at the end of `layer`; `None` where it has not been paid yet.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn account(&self, address: &Address, layer: LayerId) -> Result<Option<AccountRow>, ReadError> {
        let rest = "WHERE address = ?1 AND layer_updated <= ?2 ORDER BY layer_updated DESC LIMIT 1";
        Ok(self.rows("accounts", ACCOUNT, rest, (address.0, layer.0), account)?.pop())
    }
}

fn executed(cells: &Cells<'_>) -> Result<Executed, ReadError> {
    let executed = Executed { row: transaction(cells)?, result: cells.decoded(3)? };
    if executed.result.layer != cells.layer(4)? {
        return Err(cells.wrong(4, "another layer than the result's"));
    }
    if executed.result.block != BlockId(cells.array(5)?) {
        return Err(cells.wrong(5, "another block than the result's"));
    }
    Ok(executed)
}

fn transaction(cells: &Cells<'_>) -> Result<TransactionRow, ReadError> {
    let bytes = cells.bytes(1)?;
    let bytes = cells.some(1, bytes)?;
    let id = TransactionId(cells.array(0)?);
    if TransactionId::of(bytes) != id {
        return Err(cells.wrong(1, "another transaction than its id says"));
    }
    let header = if cells.bytes(2)?.is_some() { Some(cells.decoded(2)?) } else { None };
    Ok(TransactionRow { id, transaction: Transaction::decode(bytes), header })
}

fn account(cells: &Cells<'_>) -> Result<AccountRow, ReadError> {
    let state = match cells.optional_array(4)?.map(Address) {
        None => None,
        Some(address) => {
            let template = Template::at(&address).ok_or_else(|| cells.wrong(4, "no known template"))?;
            let bytes = cells.bytes(5)?;
            let decoded = AccountState::decode(template, cells.some(5, bytes)?);
            let failed = |source| ReadError::Bytes { table: "accounts", column: "state", source };
            Some(decoded.map_err(failed)?)
        }
    };
    Ok(AccountRow {
        address: cells.address(0)?,
        balance: cells.u64(1)?,
        next_nonce: cells.u64(2)?,
        updated: cells.layer(3)?,
        state,
    })
}
