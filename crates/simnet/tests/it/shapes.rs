//! A made chain answers in the shapes that were recorded from Lotus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apogee_simnet::{Recipe, SimNode, Simulation};
use serde_json::{Value, json};

use super::pool::transfer;
use super::replay::lines;
use super::wire::{TOKEN, Wire, epoch, node};

/// Results by method, as recorded.
fn recorded() -> BTreeMap<String, Vec<Value>> {
    let mut results = BTreeMap::<String, Vec<Value>>::new();
    for line in [lines("rpc.jsonl.zst"), lines("sweep.jsonl.zst"), lines("epochs.jsonl.zst")].concat() {
        let request: Value =
            serde_json::from_str(line["req"].as_str().unwrap_or_default()).unwrap_or_default();
        let answer: Value =
            serde_json::from_str(line["resp"].as_str().unwrap_or_default()).unwrap_or_default();
        let method = request["method"].as_str().and_then(|name| name.strip_prefix("Filecoin."));
        if let (Some(method), Some(result)) =
            (method, answer.get("result").filter(|result| !result.is_null()))
        {
            results.entry(method.to_owned()).or_default().push(result.clone());
        }
    }
    results
}

/// Where our value has a shape that was never recorded there: a field that is new, or one that never was missing. What is null has no shape.
fn differences(recorded: &[&Value], ours: &Value, path: &str, found: &mut BTreeSet<String>) {
    let recorded: Vec<_> = recorded.iter().copied().filter(|value| !value.is_null()).collect();
    let alike = |value: &&&Value| std::mem::discriminant(**value) == std::mem::discriminant(ours);
    if recorded.is_empty() || ours.is_null() {
        return;
    }
    if recorded.iter().find(alike).is_none() {
        found.insert(format!("{path}: {ours} where {} was recorded", recorded[0]));
    }
    match ours {
        Value::Object(fields) => {
            let objects: Vec<_> = recorded.iter().filter_map(|value| value.as_object()).collect();
            for key in objects.iter().flat_map(|object| object.keys()) {
                if !fields.contains_key(key) && objects.iter().all(|object| object.contains_key(key)) {
                    found.insert(format!("{path}: no {key}"));
                }
            }
            for (key, value) in fields {
                let theirs: Vec<_> = objects.iter().filter_map(|object| object.get(key)).collect();
                if theirs.is_empty() {
                    found.insert(format!("{path}: a new {key}"));
                }
                differences(&theirs, value, &format!("{path}.{key}"), found);
            }
        }
        Value::Array(list) => {
            let theirs: Vec<_> = recorded.iter().filter_map(|value| value.as_array()).flatten().collect();
            for value in list {
                differences(&theirs, value, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

async fn call(node: &SimNode, method: &str, params: &Value) -> (u16, Value) {
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": format!("Filecoin.{method}"), "params": params});
    let (status, body) = Wire::to(node).await.post("/rpc/v1", Some(TOKEN), &request.to_string()).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_recorded_shapes() {
    let made = Arc::new(Simulation::new(Recipe { miners: 4, messages: 2, ..Recipe::default() }).unwrap());
    made.mine_to(epoch(6)).unwrap();
    let node = node(made.clone()).await;
    let mined = transfer(&made, 0, 1, 0, 1_000, 100_000);
    let mined = json!({"/": made.push(mined).unwrap().to_string()});
    made.mine().unwrap();
    made.mine().unwrap();
    let waiting = transfer(&made, 1, 0, 0, 1_000, 100_000);
    made.push(waiting).unwrap();
    let head = made.ledger().head();
    let parent = made.ledger().parent(&head).unwrap();
    let key = |tipset: &apogee_filecoin::types::Tipset| {
        tipset.key().0.iter().map(|cid| json!({"/": cid.to_string()})).collect::<Vec<_>>()
    };
    let (block, root) = (key(&head)[0].clone(), json!({"/": head.first().parent_state_root.to_string()}));
    let wallet = made.wallet(0).unwrap().address().to_string().replacen('f', "t", 1);
    let send = json!({
        "Version": 0, "To": "t01000", "From": wallet, "Nonce": 0, "Value": "1", "GasLimit": 0, "GasFeeCap": "0",
        "GasPremium": "0", "Method": 0, "Params": null,
    });
    let recorded = recorded();
    for (method, params) in [
        ("Version", json!([])),
        ("StateNetworkName", json!([])),
        ("StateNetworkVersion", json!([null])),
        ("StateGetNetworkParams", json!([])),
        ("ChainHead", json!([])),
        ("ChainGetGenesis", json!([])),
        ("ChainGetFinalizedTipSet", json!([])),
        ("ChainGetTipSet", json!([key(&head)])),
        ("ChainGetTipSetByHeight", json!([3, null])),
        ("ChainGetTipSetAfterHeight", json!([3, null])),
        ("ChainGetPath", json!([key(&parent), key(&head)])),
        ("ChainGetBlock", json!([block])),
        ("ChainGetBlockMessages", json!([block])),
        ("ChainGetParentMessages", json!([block])),
        ("ChainGetParentReceipts", json!([block])),
        ("ChainGetMessagesInTipset", json!([key(&head)])),
        ("ChainGetMessage", json!([mined])),
        ("ChainReadObj", json!([root])),
        ("ChainHasObj", json!([root])),
        ("StateCompute", json!([parent.epoch().height(), null, key(&parent)])),
        ("StateGetActor", json!([wallet, null])),
        ("StateLookupID", json!([wallet, null])),
        ("StateListMiners", json!([null])),
        ("StateMinerPower", json!(["t01000", null])),
        ("StateMinerSectorCount", json!(["f01001", null])),
        ("StateMinerInfo", json!(["t01000", null])),
        ("StateSearchMsg", json!([null, mined, 50, true])),
        ("StateWaitMsg", json!([mined, 0, 50, true])),
        ("WalletBalance", json!([wallet])),
        ("GasEstimateMessageGas", json!([send, null, null])),
        ("MpoolGetNonce", json!([wallet])),
        ("MpoolPending", json!([null])),
    ] {
        let (status, answer) = call(&node, method, &params).await;
        let ours = answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}"));
        assert!(status == 200 && !ours.is_null(), "{method}: {answer}");
        let mut found = BTreeSet::new();
        differences(&recorded[method].iter().collect::<Vec<_>>(), ours, method, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_recorded_codes_and_words() {
    let made = Arc::new(Simulation::new(Recipe { miners: 2, ..Recipe::default() }).unwrap());
    made.mine_to(epoch(3)).unwrap();
    let node = node(made.clone()).await;
    let unknown = json!({"/": "bafy2bzaceduo3yayqggzoxmnbfqdknt7qjqxvq7wvw7yfsvy5nv4ucyaah6vm"});
    for (method, params, status, code, words) in [
        ("StateGetActor", json!(["f0999999", null]), 200, 1, "actor not found"),
        ("StateMinerInfo", json!(["f0999999", null]), 200, 1, "failed to load miner actor: actor not found"),
        ("F3GetLatestCertificate", json!([]), 200, 1, "f3 is not running"),
        (
            "StateSearchMsg",
            json!([null, unknown, 20, true]),
            200,
            1,
            "%!w(*errors.errorString=&{failed to load message}): ipld: could not find bafy2bzaceduo3yayqggzoxmnbfqdknt7qjqxvq7wvw7yfsvy5nv4ucyaah6vm",
        ),
        (
            "MpoolPush",
            json!([{}]),
            200,
            1,
            "message not valid for block inclusion: 'To' address cannot be empty",
        ),
        ("NoSuchMethod", json!([]), 500, -32601, "method 'Filecoin.NoSuchMethod' not found"),
        (
            "ChainGetTipSetByHeight",
            json!([1]),
            500,
            -32602,
            "wrong param count (method 'Filecoin.ChainGetTipSetByHeight'): 1 != 2",
        ),
        (
            "StateGetActor",
            json!(["f01"]),
            500,
            -32602,
            "wrong param count (method 'Filecoin.StateGetActor'): 1 != 2",
        ),
    ] {
        let (got, answer) = call(&node, method, &params).await;
        assert_eq!((got, answer["error"]["code"].as_i64()), (status, Some(code)), "{method}: {answer}");
        assert_eq!(answer["error"]["message"], words, "{method}");
    }
    let (status, answer) = call(&node, "StateGetActor", &json!(["bogus", null])).await;
    let words = answer["error"]["message"].as_str().unwrap();
    assert_eq!((status, answer["error"]["code"].as_i64()), (500, Some(-32700)));
    assert!(
        words.starts_with("unmarshaling params for 'Filecoin.StateGetActor' (param: *address.Address): ")
    );
    assert_eq!(made.wallet(0).map(|wallet| made.next_nonce(&wallet.address())), Some(Ok(0)));
    node.shutdown().await;
}
