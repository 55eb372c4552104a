//! Methods, and what they answer.
//!
//! Source: go-spacemesh `api/grpcserver/v2alpha1` and `v2beta1`; the protocol's files in `spacemeshos/api`.

mod page;
mod transactions;

use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh_state::{Applied, LayerRow};
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::fault::Fault;
use crate::fields::Fields;
use crate::json;
use crate::refusal::{Code, Refusal};

/// How many layers that have not come are told of.
const AHEAD: u32 = 5;

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
        let epoch = self.fields.number("epoch")?.map(EpochId);
        let epochs = epoch.unwrap_or_default()..=epoch.unwrap_or(EpochId(u32::MAX));
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
