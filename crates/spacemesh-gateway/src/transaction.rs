//! Transactions, and what a node makes of their bytes.

use std::ops::RangeInclusive;

use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{BlockId, LayerId, TransactionId};
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};

use crate::error::{Fault, GatewayError, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::layer::range;
use crate::page::Pages;
use crate::request::{Method, Request, posted, told};

const LIST: Method = told("TransactionService/List");
const ESTIMATE: Method = posted("TransactionService/EstimateGas");
const PARSE: Method = posted("TransactionService/ParseTransaction");

/// A transaction that a node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its name: that of its bytes.
    pub id: TransactionId,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// What the node took from it; `None` while its principal has not been made.
    pub header: Option<TransactionHeader>,
    /// How far it is.
    pub state: TransactionState,
    /// What came of it; `None` while it has not been executed, and after it was undone.
    pub result: Option<TransactionResult>,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// The node does not say. Nodes say no more than that of most that wait.
    Unspecified,
    /// It was not taken.
    Rejected,
    /// Its principal had not enough.
    InsufficientFunds,
    /// Another one has its nonce.
    Conflicting,
    /// It waits.
    Mempool,
    /// It is in a block that was not executed.
    Mesh,
    /// It was executed.
    Processed,
    /// It will never be executed.
    Ineffectual,
}

const STATE: [(&str, TransactionState); 8] = [
    ("TRANSACTION_STATE_UNSPECIFIED", TransactionState::Unspecified),
    ("TRANSACTION_STATE_REJECTED", TransactionState::Rejected),
    ("TRANSACTION_STATE_INSUFFICIENT_FUNDS", TransactionState::InsufficientFunds),
    ("TRANSACTION_STATE_CONFLICTING", TransactionState::Conflicting),
    ("TRANSACTION_STATE_MEMPOOL", TransactionState::Mempool),
    ("TRANSACTION_STATE_MESH", TransactionState::Mesh),
    ("TRANSACTION_STATE_PROCESSED", TransactionState::Processed),
    ("TRANSACTION_STATE_INEFFECTUAL", TransactionState::Ineffectual),
];

const STATUS: [(&str, Option<bool>); 4] = [
    ("TRANSACTION_STATUS_UNSPECIFIED", None),
    ("TRANSACTION_STATUS_SUCCESS", Some(true)),
    ("TRANSACTION_STATUS_FAILURE", Some(false)),
    ("TRANSACTION_STATUS_INVALID", None),
];

impl Gateway {
    /// A transaction by its name; `None` where the node does not know it.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>, GatewayError> {
        let request = Request::default().many_bytes("txid", [&id.0[..]]);
        let mut rows = self.list_transactions(request).await.map_err(|fault| self.error(LIST, fault))?;
        if let Some(stranger) = rows.iter().find(|row| row.id != *id) {
            return Err(self.error(LIST, Listing::Stranger(stranger.id.to_string()).into()));
        }
        Ok(rows.pop())
    }

    /// Transactions that were executed in `layers` and changed the account at `address`, by layer and name. Those that
    /// wait are not among them: they are found by name.
    ///
    /// # Errors
    /// See [`Fault`]. A range that ends with layer 0 cannot be asked for.
    pub async fn transactions(
        &self,
        address: &Address,
        layers: &RangeInclusive<LayerId>,
    ) -> Result<Vec<Transaction>, GatewayError> {
        self.executed(address, layers).await.map_err(|fault| self.error(LIST, fault))
    }

    /// What gas the node thinks that a transaction needs. Its signature counts for its length alone.
    ///
    /// # Errors
    /// See [`Fault`]; [`Code::NotFound`](crate::Code::NotFound) for an account that has not been spawned.
    pub async fn estimate_gas(&self, raw: &[u8]) -> Result<u64, GatewayError> {
        let answer = self.ask(ESTIMATE, &Request::default().bytes("transaction", raw)).await;
        let read = answer.and_then(|answer| {
            let item = Item::answer(&answer);
            good(&item)?;
            item.u64("recommendedMaxGas")
        });
        read.map_err(|fault| self.error(ESTIMATE, fault))
    }

    /// What the node reads from a transaction; its signatures are checked where `verify` says so.
    ///
    /// # Errors
    /// See [`Fault`]; [`Code::NotFound`](crate::Code::NotFound) for an account that has not been spawned,
    /// [`Code::Invalid`](crate::Code::Invalid) for bytes and signatures that are not good.
    pub async fn parse(&self, raw: &[u8], verify: bool) -> Result<TransactionHeader, GatewayError> {
        let request = Request::default().bytes("transaction", raw);
        let request = if verify { request.flag("verify") } else { request };
        let answer = self.ask(PARSE, &request).await;
        let read = answer.and_then(|answer| {
            let item = Item::answer(&answer);
            good(&item)?;
            let tx = item.object("tx")?.ok_or_else(|| item.wrong("tx", "not there"))?.unwrapped()?;
            if tx.bytes("raw")? != raw {
                return Err(tx.wrong("raw", "another transaction"));
            }
            header(&tx, self.prefix)?.ok_or_else(|| tx.wrong("principal", "not there"))
        });
        read.map_err(|fault| self.error(PARSE, fault))
    }

    async fn executed(
        &self,
        address: &Address,
        layers: &RangeInclusive<LayerId>,
    ) -> Result<Vec<Transaction>, Fault> {
        let mut rows =
            self.list_transactions(range(layers)?.address("address", address, self.prefix)).await?;
        let layer = |row: &Transaction| row.result.as_ref().map(|result| result.layer);
        if let Some(stranger) = rows.iter().find(|row| !layer(row).is_some_and(|at| layers.contains(&at))) {
            return Err(Listing::Stranger(format!("transaction {}", stranger.id)).into());
        }
        rows.sort_by_key(|row| (layer(row), row.id));
        Ok(rows)
    }

    async fn list_transactions(&self, request: Request) -> Result<Vec<Transaction>, Fault> {
        let request = request.flag("includeState").flag("includeResult");
        let read = |item: &Item<'_>| transaction(item, self.prefix);
        self.list(LIST, &request, "transactions", Pages::Full, read, |row| row.id).await
    }
}

/// Some answers carry a status of their own.
pub(crate) fn good(item: &Item<'_>) -> Result<(), Fault> {
    let Some(status) = item.object("status")? else { return Ok(()) };
    match crate::http::refusal(status.fields()) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

pub(crate) fn transaction(item: &Item<'_>, prefix: Prefix) -> Result<Transaction, Fault> {
    let tx = item.object("tx")?.ok_or_else(|| item.wrong("tx", "not there"))?.unwrapped()?;
    let (id, raw) = (TransactionId(tx.array("id")?), tx.bytes("raw")?);
    if TransactionId::of(&raw) != id {
        return Err(tx.wrong("id", "another one than that of its bytes"));
    }
    Ok(Transaction {
        id,
        raw,
        header: header(&tx, prefix)?,
        state: item.one_of("txState", &STATE)?,
        result: item.object("txResult")?.map(|item| result(&item, prefix)).transpose()?,
    })
}

fn header(tx: &Item<'_>, prefix: Prefix) -> Result<Option<TransactionHeader>, Fault> {
    let Some(principal) = tx.optional_address("principal", prefix)? else { return Ok(None) };
    let nonce = tx.object("nonce")?.map_or(Ok(0), |nonce| nonce.u64("counter"))?;
    let method = tx.u32("method")?;
    Ok(Some(TransactionHeader {
        principal,
        template: tx.address("template", prefix)?,
        method: method.try_into().map_err(|_| tx.wrong("method", "no integer of 8 bits"))?,
        nonce,
        first: LayerId(0),
        last: LayerId(0),
        max_gas: tx.u64("maxGas")?,
        gas_price: tx.u64("gasPrice")?,
        max_spend: tx.u64("maxSpend")?,
    }))
}

fn result(item: &Item<'_>, prefix: Prefix) -> Result<TransactionResult, Fault> {
    let succeeded = item.one_of("status", &STATUS)?;
    Ok(TransactionResult {
        succeeded: succeeded.ok_or_else(|| item.wrong("status", "neither success nor failure"))?,
        message: item.text("message")?.as_bytes().to_vec(),
        gas: item.u64("gasConsumed")?,
        fee: item.u64("fee")?,
        block: BlockId(item.array("block")?),
        layer: item.layer("layer")?,
        addresses: item.addresses("touchedAddresses", prefix)?,
    })
}
