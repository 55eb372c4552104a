//! Methods, and what they answer.
//!
//! Source: go-spacemesh `api/grpcserver/v2alpha1` and `v2beta1`; the protocol's files in `spacemeshos/api`.

use std::ops::RangeInclusive;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_state::{Applied, LayerRow};
use serde_json::{Map, Value, json};

use crate::chain::{Chain, Known};
use crate::fault::Fault;
use crate::fields::Fields;
use crate::json;
use crate::refusal::{Code, Refusal};
use crate::rules::{Parsed, parse};

/// How many layers that have not come are told of.
const AHEAD: u32 = 5;
const BEHIND: &str = "Cannot submit transaction, node is not in sync yet, try again later";

/// A question that is put to a node.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) fields: Fields,
    /// Whether in the later dialect.
    pub(crate) beta: bool,
    /// Which one it is.
    pub(crate) number: u64,
    pub(crate) fault: Option<&'a Fault>,
}

impl Question<'_> {
    fn is(&self, fault: &Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn answer(&self, chain: &mut impl Chain) -> Result<Value, Refusal> {
        match self.method {
            "NetworkService/Info" => self.info(chain),
            "NodeService/Status" => self.status(chain),
            "LayerService/List" => self.layers(chain),
            "RewardService/List" => self.rewards(chain),
            "ActivationService/List" => self.activations(chain),
            "ActivationService/ActivationsCount" => self.count(chain),
            "MalfeasanceService/List" => self.malfeasances(chain),
            "AccountService/List" => self.accounts(chain),
            "TransactionService/List" => self.transactions(chain),
            "TransactionService/ParseTransaction" => self.parse(chain),
            "TransactionService/EstimateGas" => self.estimate(chain),
            "TransactionService/SubmitTransaction" => self.submit(chain),
            _ => Err(Refusal::new(Code::NotFound, "Not Found")),
        }
    }

    fn info(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&[])?;
        let mut network = chain.network();
        if self.is(&Fault::WrongGenesis) {
            network.genesis.0.reverse();
        }
        Ok(json::network(&network))
    }

    fn status(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&[])?;
        let rows = chain.layers(&(LayerId(0)..=chain.head()))?;
        let last = |good: fn(&&LayerRow) -> bool| rows.iter().rfind(good).map_or(0, |row| row.layer.0);
        let status = if self.is(&Fault::NotSynced) { "SYNC_STATUS_SYNCING" } else { "SYNC_STATUS_SYNCED" };
        Ok(json!({
            "connectedPeers": "3",
            "status": status,
            "latestLayer": last(|row| matches!(row.applied, Applied::Block(_))),
            "appliedLayer": last(|row| row.applied != Applied::NotYet),
            "processedLayer": last(|row| row.tallied),
            "currentLayer": chain.head().0,
        }))
    }

    fn layers(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["startLayer", "endLayer", "offset", "limit", "sortOrder"])?;
        let layers = self.fields.layers()?;
        let mut rows = chain.layers(&layers)?;
        if self.is(&Fault::Future) {
            let ahead = (1..=AHEAD).map(|by| LayerId(chain.head().0.saturating_add(by)));
            let (applied, nothing) = (Applied::NotYet, None);
            rows.extend(ahead.filter(|layer| layers.contains(layer)).map(|layer| LayerRow {
                layer,
                coin: None,
                tallied: false,
                applied,
                state: nothing,
                opinion: nothing,
            }));
        }
        let verified = self.is(&Fault::Verified);
        let rows = rows.iter().map(|row| json::layer(row, verified)).collect();
        self.page("layers", rows, Some("number"))
    }

    fn rewards(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        let known = ["startLayer", "endLayer", "coinbase", "smesher", "offset", "limit", "sortOrder"];
        self.fields.only(&known)?;
        let prefix = chain.network().prefix;
        let coinbase = self.fields.addresses("coinbase", prefix)?.pop();
        let smesher = self.fields.many_bytes("smesher")?.pop();
        let mut rows = chain.rewards(&self.fields.layers()?)?;
        rows.retain(|row| {
            coinbase.is_none_or(|coinbase| row.coinbase == coinbase)
                && smesher.as_ref().is_none_or(|smesher| row.smesher.0[..] == smesher[..])
        });
        if self.is(&Fault::Ties) {
            for of_layer in rows.chunk_by_mut(|one, other| one.layer == other.layer) {
                let by = usize::try_from(self.number).unwrap_or_default() % of_layer.len();
                of_layer.rotate_left(by);
            }
        }
        let rows = rows.iter().map(|row| json::reward(row, prefix)).collect();
        self.page("rewards", rows, Some("layer"))
    }

    fn activations(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        let known = ["startEpoch", "endEpoch", "id", "smesherId", "coinbase", "offset", "limit"];
        self.fields.only(&known)?;
        let prefix = chain.network().prefix;
        let told = if self.is(&Fault::Wrapped) { json::early_activation } else { json::activation };
        let rows = chain.activations(&self.fields.epochs()?)?;
        self.page("activations", rows.iter().map(|row| told(row, prefix)).collect(), Some("publishEpoch"))
    }

    fn count(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["epoch"])?;
        let epochs = match self.fields.number("epoch")? {
            Some(epoch) => RangeInclusive::new(epoch, epoch),
            None => 0..=u32::MAX,
        };
        let epochs =
            apogee_spacemesh::id::EpochId(*epochs.start())..=apogee_spacemesh::id::EpochId(*epochs.end());
        let more = usize::from(self.is(&Fault::WrongCount));
        Ok(json!({ "count": chain.activations(&epochs)?.len() + more }))
    }

    fn malfeasances(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["smesherId", "offset", "limit"])?;
        let asked = self.fields.many_bytes("smesherId")?;
        let mut rows = chain.malicious()?;
        rows.retain(|row| asked.is_empty() || asked.iter().any(|smesher| smesher[..] == row.0[..]));
        self.page("proofs", rows.iter().map(json::malfeasance).collect(), None)
    }

    fn accounts(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["addresses", "offset", "limit"])?;
        let prefix = chain.network().prefix;
        let mut rows = Vec::new();
        for address in self.fields.addresses("addresses", prefix)? {
            if let Some(row) = chain.account(&address)? {
                rows.push(json::account(&row, chain.projected(&row)?, prefix, self.beta));
            }
        }
        self.page("accounts", rows, None)
    }

    fn transactions(&self, chain: &impl Chain) -> Result<Value, Refusal> {
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

    fn parse(&self, chain: &impl Chain) -> Result<Value, Refusal> {
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

    fn estimate(&self, chain: &impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["transaction"])?;
        let gas = self.parsed(chain, &self.raw()?)?.header.max_gas;
        Ok(json!({ "status": null, "recommendedMaxGas": gas.to_string() }))
    }

    fn submit(&self, chain: &mut impl Chain) -> Result<Value, Refusal> {
        self.fields.only(&["transaction"])?;
        let raw = self.raw()?;
        if self.is(&Fault::NotSynced) {
            return Err(Refusal::new(Code::FailedPrecondition, BEHIND));
        }
        if self.is(&Fault::Full) {
            return Err(Refusal::invalid("Failed to verify transaction: no room"));
        }
        let id = if self.is(&Fault::Dropped) {
            apogee_spacemesh::id::TransactionId::of(&raw)
        } else {
            chain.submit(&raw)?
        };
        Ok(json!({ "status": { "code": 0, "message": "", "details": [] }, "txId": json::bytes(&id.0) }))
    }

    /// A page of a list. `place` is the field that tells layer or epoch.
    fn page(&self, name: &str, rows: Vec<Value>, place: Option<&str>) -> Result<Value, Refusal> {
        let (offset, limit) = self.fields.page()?;
        let total = match self.fault {
            Some(Fault::Uncounted) => 0,
            Some(Fault::WrongCount) => rows.len() + 1,
            _ => rows.len(),
        };
        let limit = if self.is(&Fault::Short) { limit.div_ceil(2) } else { limit };
        let mut page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
        match self.fault {
            Some(Fault::Missing) if page.len() < limit => drop(page.pop()),
            Some(Fault::Duplicate) => {
                let first = page.first().cloned();
                if page.len() > 1 {
                    page.pop();
                }
                page.extend(first);
            }
            Some(Fault::OutOfRange) => {
                let row = page.first_mut().and_then(Value::as_object_mut);
                if let Some((row, place)) = row.zip(place) {
                    row.insert(place.to_owned(), 1_000_000.into());
                }
            }
            _ => {}
        }
        if self.is(&Fault::Wrapped) {
            page = page.into_iter().map(wrapped).collect();
        }
        let mut answer = Map::new();
        answer.insert(name.to_owned(), page.into());
        if !self.beta {
            answer.insert("total".to_owned(), total.into());
        }
        Ok(answer.into())
    }
}

/// A row as the first nodes gave it. Of a transaction its body alone is wrapped.
fn wrapped(mut row: Value) -> Value {
    match row.get_mut("tx").map(Value::take) {
        Some(body) => {
            if let Some(fields) = row.as_object_mut() {
                fields.insert("tx".to_owned(), json!({ "v1": body }));
            }
            row
        }
        None => json!({ "v1": row }),
    }
}

fn touches(row: &Known, address: &Address) -> bool {
    row.result.as_ref().is_some_and(|result| result.addresses.contains(address))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use apogee_spacemesh::address::Prefix;
    use apogee_spacemesh::id::{Epochs, GenesisId};

    use super::*;
    use crate::made::{Made, Recipe};
    use crate::{Network, answer};

    fn ask(method: &str, body: &Value, beta: bool) -> Result<Value, Refusal> {
        let epochs = Epochs { layers: NonZeroU32::new(4).unwrap() };
        let network = Network {
            genesis: GenesisId([7; 20]),
            genesis_time: 0,
            layer_duration: 15,
            prefix: Prefix::TEST,
            effective_genesis: LayerId(7),
            epochs,
            labels_per_unit: 1,
        };
        let mut chain = Made::new(Recipe { network, accounts: Vec::new() });
        chain.step();
        let fields = Fields::of_json(body.to_string().as_bytes())?;
        Question { method, fields, beta, number: 0, fault: None }.answer(&mut chain)
    }

    fn refused(method: &str, body: &Value) -> (Code, String) {
        let refusal = ask(method, body, true).unwrap_err();
        (refusal.code, refusal.message)
    }

    #[test]
    fn a_page_has_one_to_a_hundred_rows() {
        let list = "LayerService/List";
        let capped = (Code::InvalidArgument, "limit is capped at 100".to_owned());
        assert_eq!(refused(list, &json!({ "limit": "101" })), capped);
        let unset = (Code::InvalidArgument, "limit must be set to <= 100".to_owned());
        assert_eq!(refused(list, &json!({})), unset);
        for limit in [json!("1"), json!(100)] {
            let answer = ask(list, &json!({ "limit": limit }), true).unwrap();
            assert_eq!(answer["layers"].as_array().unwrap().len(), 1);
            assert_eq!(answer["layers"][0]["number"], 8);
        }
    }

    #[test]
    fn what_is_not_in_the_protocol_is_refused() {
        let unknown = (Code::InvalidArgument, "proto: unknown field \"lmit\"".to_owned());
        assert_eq!(refused("RewardService/List", &json!({ "lmit": "1" })), unknown);
        for body in
            [json!([]), json!({ "limit": {} }), json!({ "limit": "-1" }), json!({ "limit": ["1", "2"] })]
        {
            assert_eq!(refused("RewardService/List", &body).0, Code::InvalidArgument, "{body}");
        }
        assert_eq!(refused("RewardService/Count", &json!({})).0, Code::NotFound);
    }

    #[test]
    fn rows_are_counted_in_the_earlier_dialect_alone() {
        let told = |beta| ask("RewardService/List", &json!({ "limit": 5 }), beta).unwrap();
        assert_eq!(told(false), json!({ "rewards": [], "total": 0 }));
        assert_eq!(told(true), json!({ "rewards": [] }));
    }

    #[test]
    fn forms_change_what_they_say() {
        let info = ask("NetworkService/Info", &json!({}), true).unwrap();
        let expected = json!({
            "genesisTime": "1970-01-01T00:00:00Z", "layerDuration": "15s",
            "genesisId": "BwcHBwcHBwcHBwcHBwcHBwcHBwc=", "hrp": "stest",
            "effectiveGenesisLayer": 7, "layersPerEpoch": 4, "labelsPerUnit": "1",
        });
        assert_eq!(info, expected);
        let row =
            json!({ "a": 0, "b": "", "c": [], "d": null, "e": [{ "f": "X_UNSPECIFIED", "g": 1 }], "h": "0" });
        assert_eq!(answer::sparse(row.clone()), json!({ "e": [{ "g": 1 }] }));
        let mistyped = json!({ "a": {}, "b": {}, "c": [], "d": {}, "e": [{ "f": {}, "g": {} }], "h": {} });
        assert_eq!(answer::mistyped(row), mistyped);
    }
}
