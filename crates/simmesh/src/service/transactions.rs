//! Transactions: those that there are, and those that are handed over.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::TransactionId;
use serde_json::{Value, json};

use super::Question;
use crate::chain::{Chain, Known};
use crate::fault::Fault;
use crate::json;
use crate::refusal::{Code, Refusal};
use crate::rules::{Parsed, parse};

const BEHIND: &str = "Cannot submit transaction, node is not in sync yet, try again later";

impl Question<'_> {
    pub(super) fn transactions(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        let known = [
            "startLayer",
            "endLayer",
            "txid",
            "address",
            "offset",
            "limit",
            "includeState",
            "includeResult",
            "sortOrder",
        ];
        self.fields.only(&known)?;
        let prefix = chain.network().prefix;
        let address = self.fields.addresses("address", prefix)?.pop();
        let names = self.fields.many_bytes("txid")?;
        let bounds = (self.fields.number("startLayer")?, self.fields.number("endLayer")?);
        let mut rows = chain.transactions()?;
        rows.retain(|row| {
            let layer = row.result.as_ref().map(|result| result.layer.0);
            // A bound leaves out what has no layer.
            let in_bounds = bounds.0.is_none_or(|start| layer.is_some_and(|layer| layer >= start))
                && bounds.1.is_none_or(|end| layer.is_some_and(|layer| layer <= end));
            in_bounds
                && address.is_none_or(|address| touches(row, &address))
                && (names.is_empty() || names.iter().any(|name| name[..] == row.id.0[..]))
        });
        let with = (self.fields.flag("includeState")?, self.fields.flag("includeResult")?);
        let rows = rows.iter().map(|row| json::transaction(row, with, prefix)).collect();
        self.page("transactions", rows, None)
    }

    fn raw(&self) -> Result<Vec<u8>, Refusal> {
        let raw = self.fields.many_bytes("transaction")?.pop().unwrap_or_default();
        if raw.is_empty() { Err(Refusal::invalid("transaction is empty")) } else { Ok(raw) }
    }

    fn parsed(&self, chain: &impl Chain, raw: &[u8]) -> Result<Parsed, Refusal> {
        let mut trouble = None;
        let spawned = |address: &Address| {
            chain.spawned(address).unwrap_or_else(|refusal| {
                trouble = Some(refusal);
                None
            })
        };
        let parsed = parse(raw, spawned);
        trouble.map_or_else(|| parsed.map_err(Refusal::from), Err)
    }

    pub(super) fn parse(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["transaction", "verify"])?;
        let raw = self.raw()?;
        let parsed = self.parsed(chain, &raw)?;
        let network = chain.network();
        if self.fields.flag("verify")? {
            let verified = parsed.transaction.verify(&network.genesis, parsed.spawn.signers());
            verified.map_err(|_| Refusal::invalid("signature is invalid"))?;
        }
        Ok(json!({ "status": null, "tx": json::body(&[], &raw, Some(&parsed.header), network.prefix) }))
    }

    pub(super) fn estimate(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["transaction"])?;
        let gas = self.parsed(chain, &self.raw()?)?.header.max_gas;
        Ok(json!({ "status": null, "recommendedMaxGas": gas.to_string() }))
    }

    pub(super) fn submit(&self, chain: &mut impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["transaction"])?;
        let raw = self.raw()?;
        if self.is(&Fault::NotSynced) {
            return Err(Refusal::new(Code::FailedPrecondition, BEHIND));
        }
        if self.is(&Fault::Full) {
            return Err(Refusal::invalid("Failed to verify transaction: no room"));
        }
        let id = if self.is(&Fault::Dropped) { TransactionId::of(&raw) } else { chain.submit(&raw)? };
        Ok(json!({ "status": { "code": 0, "message": "", "details": [] }, "txId": json::bytes(&id.0) }))
    }
}

fn touches(row: &Known, address: &Address) -> bool {
    row.result.as_ref().is_some_and(|result| result.addresses.contains(address))
}
