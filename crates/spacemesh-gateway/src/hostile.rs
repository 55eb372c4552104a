//! Answers of which one part is something else: each is read or refused, and a refusal names a field.

use apogee_spacemesh::address::Prefix;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::error::Fault;
use crate::item::Item;
use crate::{layer, malfeasance, network, transaction};

type Read = fn(&Item<'_>) -> Result<(), Fault>;

/// Readers, each with an answer that it takes.
fn answers() -> Vec<(Read, Value)> {
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let id = "BwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let account = "stest1qqqqqqzwyarnzvmk9ztsa7gkl0wrlfx47zfttngym92ud";
    // The name of no bytes at all.
    let empty = "rxNJufX5oaagQE3qNtzJSZvLJcmtwRK3zJqTyuQfMmI=";
    vec![
        (
            |item| network::network(item).map(drop),
            json!({
                "genesisTime": "2023-07-14T08:00:00Z", "layerDuration": "300s", "genesisId": id, "hrp": "stest",
                "effectiveGenesisLayer": 31, "layersPerEpoch": 16, "labelsPerUnit": "1024",
            }),
        ),
        (
            |item| network::status(item).map(drop),
            json!({
                "connectedPeers": "3", "status": "SYNC_STATUS_SYNCED", "latestLayer": 1, "appliedLayer": 1,
                "processedLayer": 1, "currentLayer": 2,
            }),
        ),
        (
            |item| layer::layer(item).map(drop),
            json!({
                "number": 7, "status": "LAYER_STATUS_APPLIED", "consensusHash": "0707", "stateHash": hash,
                "cumulativeStateHash": hash, "block": { "id": id },
            }),
        ),
        (
            |item| malfeasance::proof(item).map(drop),
            json!({ "smesher": hash, "domain": "DOMAIN_HARE", "type": 3, "properties": {} }),
        ),
        (
            |item| transaction::transaction(item, Prefix::TEST).map(drop),
            json!({
                "tx": {
                    "id": empty, "raw": "", "principal": account, "template": account, "method": 16,
                    "nonce": { "counter": "1" }, "maxGas": "2", "gasPrice": "3", "maxSpend": "4",
                },
                "txState": "TRANSACTION_STATE_PROCESSED",
                "txResult": {
                    "status": "TRANSACTION_STATUS_SUCCESS", "message": "", "gasConsumed": "1", "fee": "2",
                    "block": id, "layer": 3, "touchedAddresses": [account],
                },
            }),
        ),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|number| number.to_string().into()),
        any::<f64>().prop_map(Value::from),
        ".{0,60}".prop_map(Value::from),
        "[0-9T:.Z+s-]{0,24}".prop_map(Value::from),
        "[A-Za-z0-9+/]{0,44}={0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("v1|id|code|[a-z]{1,4}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Put `value` in place of the `place`th part, counted through all depths.
fn replace(answer: &mut Value, place: &mut usize, value: &Value) {
    let parts: Vec<&mut Value> = match answer {
        Value::Object(fields) => fields.iter_mut().map(|(_, part)| part).collect(),
        Value::Array(parts) => parts.iter_mut().collect(),
        _ => return,
    };
    for part in parts {
        if *place == 0 {
            *part = value.clone();
            *place = usize::MAX;
            return;
        }
        *place -= 1;
        replace(part, place, value);
    }
}

fn fields(answer: &Value) -> &Map<String, Value> {
    answer.as_object().unwrap()
}

#[test]
fn answers_as_they_should_be_are_taken() {
    for (read, answer) in answers() {
        read(&Item::answer(fields(&answer))).unwrap();
    }
}

proptest! {
    #[test]
    fn one_part_that_is_wrong_is_a_fault_with_a_name(which in 0_usize..5, place in 0_usize..24, part in anything()) {
        let (read, mut answer) = answers().swap_remove(which);
        replace(&mut answer, &mut place.clone(), &part);
        if let Err(fault) = read(&Item::answer(fields(&answer))) {
            let named = matches!(&fault, Fault::Malformed { field, .. } if !field.is_empty());
            prop_assert!(named, "{}", fault);
        }
    }
}
