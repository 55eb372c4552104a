use std::collections::BTreeMap;
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_filecoin::rpc::{Client, Endpoint, Fault, FeeLimit, Meaning};
use apogee_filecoin::types::{self, Message, SignedMessage, cid_of, json};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::rpc_double::{Double, client, error, result, settings};
use super::rpc_recording::{Exchange, exchanges};

/// The recorded answer with the id that our client sends.
fn with_id(exchange: &Exchange) -> (u16, String) {
    let request: Value = serde_json::from_str(&exchange.req).unwrap_or_default();
    let body = exchange.resp.replacen(&format!("\"id\":{}", request["id"]), "\"id\":1", 1);
    (exchange.status, body)
}

#[tokio::test]
async fn every_recorded_form_of_error_is_told_apart() {
    let refusals = exchanges("rpc.jsonl.zst").filter(|exchange| {
        !exchange.req.starts_with("[{")
            && (exchange.status != 200 || exchange.resp.is_empty() || exchange.resp.contains("\"error\":{"))
            && !exchange.resp.contains("\"result\"")
    });
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for exchange in refusals {
        let (status, body) = with_id(&exchange);
        let double = Double::start(move |_, _| (status, body.clone())).await;
        let error = double.client().state_network_name().await.unwrap_err();
        let shown = error.to_string();
        assert!(!shown.contains("t0ken") && shown.len() < 700, "{shown}");
        let told = match &error.fault {
            Fault::Rpc { code, meaning, .. } => format!("{code} {meaning:?}"),
            Fault::Status(status) => {
                assert!([401, 404].contains(status), "{}", exchange.resp);
                assert_eq!(*status == 401, exchange.auth.starts_with("bad") || exchange.auth == "read");
                format!("status {status}")
            }
            other => {
                assert_eq!(exchange.resp.trim(), "", "{other}");
                "empty body".to_owned()
            }
        };
        let said = |words: &str| exchange.resp.contains(words);
        match told.as_str() {
            "1 ActorNotFound" => assert!(said("actor not found") || said("not found on chain")),
            "1 NotFound" => assert!(said("could not find") || said("certificate not found")),
            "1 NonceTooLow" => assert!(said("message nonce too low")),
            "1 FeeTooLow" => assert!(said("increase GasPremium")),
            "1 AlreadyInPool" => assert!(said("message with nonce already exists")),
            "1 Replaced" => assert!(said("NOT a valid replacement message")),
            "1 NotAllowed" => assert!(said("need 'write'")),
            "-32601 NoSuchMethod" => assert_eq!(exchange.status, 500),
            _ => {}
        }
        *seen.entry(told).or_default() += 1;
    }
    for form in [
        "1 ActorNotFound",
        "1 NotFound",
        "1 NonceTooLow",
        "1 FeeTooLow",
        "1 AlreadyInPool",
        "1 Replaced",
        "1 NotAllowed",
        "1 Other",
        "-32601 NoSuchMethod",
        "-32600 BadParameters",
        "-32602 BadParameters",
        "-32700 BadParameters",
        "status 401",
        "status 404",
        "empty body",
    ] {
        assert!(seen.contains_key(form), "{form} is not among {seen:?}");
    }
}

/// A double that gives the first recorded good answer to each method, whatever the parameters.
async fn recorded() -> Double {
    let mut answers: BTreeMap<String, (u16, String)> = BTreeMap::new();
    for file in ["rpc.jsonl.zst", "sweep.jsonl.zst", "epochs.jsonl.zst", "f3certs.jsonl.zst"] {
        for exchange in exchanges(file).filter(|e| e.path == "/rpc/v1" && e.result().is_some()) {
            if answers.len() < 200 {
                answers.entry(exchange.method()).or_insert_with(|| with_id(&exchange));
            }
        }
    }
    Double::start(move |method, _| {
        answers.get(method).cloned().unwrap_or_else(|| error(-32601, &format!("method '{method}' not found")))
    })
    .await
}

#[tokio::test]
async fn recorded_answers_of_every_method_are_understood() {
    let double = recorded().await;
    let client = double.client();
    assert_eq!(client.version().await.unwrap().agent, "lotus");
    assert_eq!(client.state_network_name().await.unwrap(), "devnet-a");
    assert_eq!(client.state_network_version(None).await.unwrap(), 28);
    let params = client.state_network_params().await.unwrap();
    assert_eq!((params.block_delay_secs, params.genesis_timestamp), (4, Some(1_795_228_020)));
    assert_eq!(params.fork_upgrade_params["UpgradeXxHeight"], 120);
    let head = client.chain_head().await.unwrap();
    assert!(client.chain_finalized().await.unwrap().epoch() < head.epoch());
    assert!(client.chain_genesis().await.unwrap().first().is_genesis());
    let miner = Address::new_id(1000);
    let info = client.miner_base_info(&miner, Epoch::new(1).unwrap(), head.key()).await.unwrap().unwrap();
    assert!(info.eligible && info.sector_size == 2048 && info.sectors.len() == 1);
    let manifest = client.f3_manifest().await.unwrap().unwrap();
    assert_eq!((manifest.network_name.as_str(), manifest.ec_finality), ("devnet-a", 10));
    assert!(client.f3_latest_certificate().await.unwrap().is_some());
    assert_eq!(client.f3_power_table(0).await.unwrap().len(), 3);
    assert!(client.mpool_pending(None).await.unwrap().len() < 10);
    client.mpool_nonce(&miner).await.unwrap();
    assert!(client.chain_has_obj(&cid_of(b"x")).await.is_ok());
    let message = cid_of(b"message");
    assert_eq!(client.state_wait_msg(&message, 0, 100).await.unwrap().epoch.height(), 51);
    assert!(client.state_search_msg(None, &message, 100).await.is_ok());
    let trace = client.state_compute(&head).await.unwrap();
    assert!(!trace.crons.is_empty());
    for (method, authorization) in double.calls.lock().unwrap().iter() {
        assert_eq!(authorization, "Bearer t0ken", "{method}");
    }
}

#[tokio::test]
async fn recorded_paths_objects_and_estimates_are_asked_for_as_lotus_was() {
    let (mut paths, mut objects, mut estimates, mut pushes) = (0, 0, 0, 0);
    for exchange in exchanges("rpc.jsonl.zst").filter(|e| e.path == "/rpc/v1" && e.result().is_some()) {
        let (params, answer) = (exchange.params(), with_id(&exchange));
        let wanted = params.clone();
        let method = exchange.method();
        if !["ChainGetPath", "ChainReadObj", "GasEstimateMessageGas", "MpoolPush"].contains(&method.as_str())
        {
            continue;
        }
        let (asked, counted) = (method.clone(), method.clone());
        let double = Double::start(move |method, params| {
            assert_eq!(method, asked);
            // An estimate of ours carries the CID and a null limit where the recorded one may not.
            if method != "GasEstimateMessageGas" {
                assert_eq!(*params, wanted, "{method}");
            }
            answer.clone()
        })
        .await;
        let client = double.client();
        match method.as_str() {
            "ChainGetPath" => {
                let key = |value: &Value| {
                    let links: Vec<json::Link> = serde_json::from_value(value.clone()).unwrap();
                    types::TipsetKey(links.into_iter().map(|json::Link(cid)| cid).collect())
                };
                let path = client.chain_path(&key(&params[0]), &key(&params[1])).await.unwrap();
                assert!(!path.apply.is_empty() || !path.revert.is_empty());
                paths += 1;
            }
            "ChainReadObj" => {
                let json::Link(cid) = serde_json::from_value(params[0].clone()).unwrap();
                client.chain_read_obj(&cid).await.unwrap();
                objects += 1;
            }
            "GasEstimateMessageGas" => {
                let mut asked = params[0].clone();
                asked.as_object_mut().unwrap().remove("CID");
                let asked: json::Message = serde_json::from_value(asked).unwrap();
                let message = Message::try_from(asked).unwrap();
                let limit = FeeLimit(TokenAmount::from_atto(1));
                let estimated = client.gas_estimate(&message, Some(&limit), None).await.unwrap();
                assert!(estimated.gas_limit > 0 && estimated.value == message.value);
                let other = Message { sequence: message.sequence + 1, ..message };
                let refused = client.gas_estimate(&other, None, None).await.unwrap_err();
                assert!(matches!(refused.fault, Fault::Malformed(_)), "{refused}");
                estimates += 1;
            }
            _ => {
                let json: json::SignedMessage = serde_json::from_value(params[0].clone()).unwrap();
                let signed = SignedMessage::try_from(json).unwrap();
                assert_eq!(client.mpool_push(&signed).await.unwrap(), signed.cid());
                pushes += 1;
            }
        }
        assert!(double.count(&counted) > 0);
    }
    assert!(
        paths >= 3 && objects >= 6 && estimates >= 10 && pushes >= 12,
        "{paths} {objects} {estimates} {pushes}"
    );
}

fn some_message() -> SignedMessage {
    let exchange =
        exchanges("rpc.jsonl.zst").find(|e| e.method() == "MpoolPush" && e.result().is_some()).unwrap();
    let json: json::SignedMessage = serde_json::from_value(exchange.params()[0].clone()).unwrap();
    SignedMessage::try_from(json).unwrap()
}

#[tokio::test]
async fn reading_is_repeated_after_passing_faults_and_a_push_never_is() {
    for status in [429, 500, 502, 503] {
        let double = Double::start(move |_, _| (status, "busy".into())).await;
        let client = double.client();
        let error = client.chain_head().await.unwrap_err();
        assert!(matches!(error.fault, Fault::Status(said) if said == status));
        assert_eq!(double.count("ChainHead"), 3);
        assert!(client.mpool_push(&some_message()).await.is_err());
        assert_eq!(double.count("MpoolPush"), 1, "status {status}");
    }
    let double = Double::start(|_, _| error(1, "boom")).await;
    assert!(double.client().chain_head().await.is_err());
    assert_eq!(double.count("ChainHead"), 1, "a refusal is an answer");
}

#[tokio::test]
async fn a_push_that_answers_another_cid_is_not_believed() {
    let double = Double::start(|_, _| result(&json::Link(cid_of(b"another")))).await;
    let error = double.client().mpool_push(&some_message()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Malformed(_)), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Double::start(|_, _| result(&"wrong")).await;
    let url = elsewhere.url.clone();
    let double = Double::start(move |_, _| (307, url.clone())).await;
    let error = double.client().state_network_name().await.unwrap_err();
    assert!(matches!(error.fault, Fault::Status(307)), "{error}");
    assert_eq!(elsewhere.count("StateNetworkName"), 0);
}

/// A server that reads a request and then writes exactly these pieces, with a pause before each.
async fn raw(pieces: Vec<(u64, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let pieces = pieces.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                for (pause, piece) in pieces {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    if socket.write_all(&piece).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn bodies_that_are_slow_cut_endless_or_no_answer_end_in_a_fault_of_their_own() {
    let fault = async |pieces: Vec<(u64, Vec<u8>)>| {
        client(&raw(pieces).await).state_network_name().await.unwrap_err().fault
    };
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    let body = br#"{"id":1,"result":"devnet-a"}"#.to_vec();
    let cut = fault(vec![(0, head(100)), (0, body.clone())]).await;
    assert!(matches!(cut, Fault::Transport(_)), "{cut}");
    let slow = fault(vec![(0, head(body.len())), (2_000, body.clone())]).await;
    assert!(matches!(slow, Fault::Timeout), "{slow}");
    let dripping =
        fault(std::iter::once((0, head(100))).chain((0..100).map(|_| (50, vec![b' ']))).collect()).await;
    assert!(matches!(dripping, Fault::Timeout), "{dripping}");
    let announced = fault(vec![(0, head(1 << 30))]).await;
    assert!(matches!(announced, Fault::TooLarge { limit } if limit == settings().body_limit), "{announced}");
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"20000\r\n".as_slice(), &vec![b' '; 0x20000], b"\r\n"].concat();
    let endless =
        fault(std::iter::once((0, chunked)).chain((0..16).map(|_| (0, chunk.clone()))).collect()).await;
    assert!(matches!(endless, Fault::TooLarge { .. }), "{endless}");
    let closed = fault(vec![]).await;
    assert!(matches!(closed, Fault::Transport(_)), "{closed}");
    for (text, why) in [
        ("", "EOF"),
        ("null", "expected"),
        ("{}", "neither result nor error"),
        (r#"{"id":1,"result":null}"#, "expected a string"),
        (r#"{"id":2,"result":"x"}"#, "answers request 2"),
        (r#"{"id":1,"result":["x"]}"#, "expected a string"),
    ] {
        let odd = fault(vec![(0, head(text.len())), (0, text.as_bytes().to_vec())]).await;
        assert!(matches!(&odd, Fault::Malformed(detail) if detail.contains(why)), "{text}: {odd}");
    }
    let deep = format!("{}{}", r#"{"id":1,"result":"#, "[".repeat(500_000));
    let deep = fault(vec![(0, head(deep.len())), (0, deep.into_bytes())]).await;
    assert!(matches!(deep, Fault::Malformed(_)), "{deep}");
}

#[tokio::test]
async fn nobody_listening_is_a_transport_fault_without_the_address_in_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).chain_head().await.unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    assert!(matches!(error.fault, Fault::Transport(_)) && !text.contains("secret-path"), "{text}");
}

#[tokio::test]
async fn a_forest_node_is_asked_for_power_tables_by_its_own_name_of_the_method() {
    let double = Double::start(|method, _| match method {
        "Version" => result(
            &serde_json::json!({"Version": "0.39.0", "APIVersion": 1, "BlockDelay": 30, "Agent": "forest"}),
        ),
        "F3GetF3PowerTableByInstance" => result(&Vec::<u8>::new()),
        other => error(-32601, other),
    })
    .await;
    let client = double.client();
    client.f3_power_table(7).await.unwrap();
    client.f3_power_table(8).await.unwrap();
    assert_eq!(double.count("Version"), 1);
}

#[tokio::test]
async fn tipsets_that_are_not_what_was_asked_for_are_malformed() {
    let tipsets: Vec<String> = exchanges("sweep.jsonl.zst")
        .filter(|e| e.method() == "ChainGetTipSetByHeight")
        .take(12)
        .map(|e| with_id(&e).1)
        .collect();
    let late = tipsets[11].clone();
    let double = Double::start(move |_, _| (200, late.clone())).await;
    let client: &Client = &double.client();
    let malformed = |error: apogee_filecoin::rpc::RpcError| {
        assert!(matches!(error.fault, Fault::Malformed(_)), "{error}");
        assert_eq!(error.fault.meaning(), None::<Meaning>);
    };
    malformed(client.chain_tipset_at(Epoch::new(5).unwrap(), None).await.unwrap_err());
    malformed(client.chain_tipset(&types::TipsetKey(vec![cid_of(b"x")])).await.unwrap_err());
    malformed(client.chain_genesis().await.unwrap_err());
    assert!(Endpoint::new(&double.url, None).is_ok());
}
