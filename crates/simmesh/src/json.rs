//! Rows as the mapping of protocol buffers to JSON writes them, with every field.

use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::id::SmesherId;
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh_state::{AccountRow, Applied, LayerRow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::chain::{Known, Network, TransactionState};

/// Characters of a hash in its short form.
const SHORT: usize = 10;

pub(crate) fn bytes(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn network(network: &Network) -> Value {
    json!({
        "genesisTime": instant(network.genesis_time),
        "layerDuration": format!("{}s", network.layer_duration),
        "genesisId": bytes(&network.genesis.0),
        "hrp": network.prefix.to_string(),
        "effectiveGenesisLayer": network.effective_genesis.0,
        "layersPerEpoch": network.epochs.layers,
        "labelsPerUnit": network.labels_per_unit.to_string(),
    })
}

/// Seconds since 1970 as RFC 3339 has them.
fn instant(seconds: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years of 365 and 366 days, from 1970 to 2106: 2100 is the only fourth year that is none of the latter.
    let (mut year, mut day) = (1970_u32, days);
    let length = |year: u32| if year.is_multiple_of(4) && year != 2100 { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let february = length(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}

pub(crate) fn layer(row: &LayerRow, verified: bool) -> Value {
    let block = match row.applied {
        Applied::Block(block) => Some(block),
        Applied::Empty | Applied::NotYet => None,
    };
    let status = match block {
        _ if verified || row.tallied => "LAYER_STATUS_VERIFIED",
        Some(_) => "LAYER_STATUS_APPLIED",
        None => "LAYER_STATUS_UNSPECIFIED",
    };
    let opinion = row.opinion.map(|opinion| opinion.to_string());
    json!({
        "number": row.layer.0,
        "status": status,
        "consensusHash": opinion.map(|opinion| opinion.chars().take(SHORT).collect::<String>()).unwrap_or_default(),
        "stateHash": row.state.map(|hash| bytes(&hash.0)).unwrap_or_default(),
        "cumulativeStateHash": row.opinion.map(|hash| bytes(&hash.0)).unwrap_or_default(),
        "block": block.map(|block| json!({ "id": bytes(&block.0) })),
    })
}

pub(crate) fn reward(row: &Reward, prefix: Prefix) -> Value {
    json!({
        "layer": row.layer.0,
        "total": row.amount.total.to_string(),
        "layerReward": row.amount.subsidy.to_string(),
        "coinbase": row.coinbase.text(prefix),
        "smesher": bytes(&row.smesher.0),
    })
}

pub(crate) fn activation(row: &Atx, prefix: Prefix) -> Value {
    json!({
        "id": bytes(&row.id.0),
        "smesherId": bytes(&row.smesher.0),
        "publishEpoch": row.published.0,
        "coinbase": row.coinbase.text(prefix),
        "weight": row.weight.to_string(),
        "height": row.height().unwrap_or(u64::MAX).to_string(),
        "numUnits": row.units,
    })
}

/// As the first nodes told it: in parts, and with other names.
pub(crate) fn early_activation(row: &Atx, prefix: Prefix) -> Value {
    json!({
        "id": bytes(&row.id.0),
        "nodeId": bytes(&row.smesher.0),
        "publishEpoch": row.published.0,
        "coinbase": row.coinbase.text(prefix),
        "units": row.units,
        "baseHeight": row.base_height,
        "ticks": row.ticks,
    })
}

pub(crate) fn malfeasance(smesher: &SmesherId) -> Value {
    json!({ "smesher": bytes(&smesher.0), "domain": "DOMAIN_UNSPECIFIED", "type": 1, "properties": {} })
}

pub(crate) fn account(row: &AccountRow, projected: (u64, u64), prefix: Prefix, template: bool) -> Value {
    let (counter, balance) = projected;
    let mut account = json!({
        "address": row.address.text(prefix),
        "current": {
            "counter": row.next_nonce.to_string(),
            "balance": row.balance.to_string(),
            "layer": row.updated.0,
        },
        "projected": { "counter": counter.to_string(), "balance": balance.to_string(), "layer": 0 },
    });
    if let Some(fields) = account.as_object_mut().filter(|_| template) {
        let made = row.state.as_ref().map(|state| state.spawn.template().address().text(prefix));
        fields.insert("template".to_owned(), made.unwrap_or_default().into());
    }
    account
}

/// What is signed and named of a transaction. A node that only parses it leaves out its name.
pub(crate) fn body(id: &[u8], raw: &[u8], header: Option<&TransactionHeader>, prefix: Prefix) -> Value {
    let text = |number: fn(&TransactionHeader) -> u64| header.map_or(0, number).to_string();
    json!({
        "id": bytes(id),
        "principal": header.map(|header| header.principal.text(prefix)).unwrap_or_default(),
        "template": header.map(|header| header.template.text(prefix)).unwrap_or_default(),
        "method": header.map_or(0, |header| header.method),
        "nonce": header.map(|header| json!({ "counter": header.nonce.to_string() })),
        "maxGas": text(|header| header.max_gas),
        "gasPrice": text(|header| header.gas_price),
        "maxSpend": text(|header| header.max_spend),
        "raw": bytes(raw),
        "type": "TRANSACTION_TYPE_UNSPECIFIED",
        "contents": null,
    })
}

pub(crate) fn transaction(known: &Known, with: (bool, bool), prefix: Prefix) -> Value {
    let (with_state, with_result) = with;
    let state = match known.state {
        TransactionState::Mempool => "TRANSACTION_STATE_MEMPOOL",
        TransactionState::Processed => "TRANSACTION_STATE_PROCESSED",
        TransactionState::Ineffectual => "TRANSACTION_STATE_INEFFECTUAL",
    };
    let told = known.result.as_ref().filter(|_| with_result);
    json!({
        "tx": body(&known.id.0, &known.raw, known.header.as_ref(), prefix),
        "txResult": told.map(|told| result(told, prefix)),
        "txState": with_state.then_some(state),
    })
}

fn result(result: &TransactionResult, prefix: Prefix) -> Value {
    let status = if result.succeeded { "TRANSACTION_STATUS_SUCCESS" } else { "TRANSACTION_STATUS_FAILURE" };
    json!({
        "status": status,
        "message": result.message(),
        "gasConsumed": result.gas.to_string(),
        "fee": result.fee.to_string(),
        "block": bytes(&result.block.0),
        "layer": result.layer.0,
        "touchedAddresses": result.addresses.iter().map(|address| address.text(prefix)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(instant(951_868_799), "2000-02-29T23:59:59Z");
        assert_eq!(instant(1_689_321_600), "2023-07-14T08:00:00Z");
        assert_eq!(instant(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(instant(u32::MAX), "2106-02-07T06:28:15Z");
    }
}
