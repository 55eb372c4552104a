use apogee_domain::Epoch;
use apogee_filecoin::types::{Tipset, TipsetKey, json};
use cid::Cid;
use fvm_shared::address::Address;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Refusal;
use crate::ledger::Ledger;

/// A call's parameters, read one by one.
pub(crate) struct Params<'a> {
    method: &'a str,
    given: &'a [Value],
}

impl<'a> Params<'a> {
    pub(crate) const fn new(method: &'a str, given: &'a [Value]) -> Self {
        Self { method, given }
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, index: usize, kind: &str) -> Result<T, Refusal> {
        let value = self.given.get(index).cloned().unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| Refusal::bad_parameter(self.method, kind, &error.to_string()))
    }

    pub(crate) fn cid(&self, index: usize) -> Result<Cid, Refusal> {
        self.get(index, "cid.Cid").map(|json::Link(cid)| cid)
    }

    pub(crate) fn epoch(&self, index: usize) -> Result<Epoch, Refusal> {
        let height: i64 = self.get(index, "abi.ChainEpoch")?;
        Epoch::new(height).ok_or_else(|| Refusal::application(format!("height {height} is negative")))
    }

    /// The tipset a key names: the head for `null` and `[]`.
    pub(crate) fn tipset(&self, index: usize, ledger: &Ledger) -> Result<Tipset, Refusal> {
        let links: Option<Vec<json::Link>> = self.get(index, "types.TipSetKey")?;
        let key: Vec<Cid> = links.unwrap_or_default().into_iter().map(|json::Link(cid)| cid).collect();
        if key.is_empty() {
            return Ok(ledger.head());
        }
        let missing = key.iter().find(|cid| ledger.block(cid).is_none()).or(key.first()).copied();
        ledger.tipset(&TipsetKey(key)).ok_or_else(|| {
            let cid = missing.map(|cid| cid.to_string()).unwrap_or_default();
            Refusal::application(format!("get block {cid}: ipld: could not find {cid}"))
        })
    }

    /// An address of either letter.
    pub(crate) fn address(&self, index: usize) -> Result<Address, Refusal> {
        let written: String = self.get(index, "address.Address")?;
        json::parse_address(&written)
            .map_err(|error| Refusal::bad_parameter(self.method, "address.Address", &error.to_string()))
    }
}
