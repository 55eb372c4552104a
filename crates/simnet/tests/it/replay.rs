use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::car::{Limits, unpack};
use apogee_filecoin::source::{CarSource, Source};
use apogee_simnet::{Chain, Replay};
use apogee_testkit::example;
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::wire::{DEVNET, TOKEN, Wire, epoch, node, source};

pub(crate) fn lines(name: &str) -> Vec<Value> {
    let file = File::open(example(&format!("devnet-a/{name}"))).unwrap();
    let bytes = unpack(file, &Limits::DEFAULT).unwrap();
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Methods whose answers do not follow from their parameters alone, or belong to nodes rather than to chains.
const OF_THE_MOMENT: &[&str] =
    &["NetPeers", "SyncState", "F3GetLatestCertificate", "ChainGetFinalizedTipSet"];

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_request_gets_the_recorded_answer() {
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    replay.advance_to(epoch(1000));
    let node = node(replay).await;
    let mut wire = Wire::to(&node).await;
    let (mut seen, mut wrong) = (BTreeMap::<String, usize>::new(), vec![]);
    for line in [lines("epochs.jsonl.zst"), lines("sweep.jsonl.zst"), lines("f3certs.jsonl.zst")].concat() {
        let Some(request) = line["req"].as_str() else { continue };
        let method = serde_json::from_str::<Value>(request).unwrap()["method"].as_str().unwrap().to_owned();
        let method = method.strip_prefix("Filecoin.").unwrap();
        if OF_THE_MOMENT.contains(&method) {
            continue;
        }
        let (status, body) = wire.post("/rpc/v1", Some(TOKEN), request).await;
        let recorded = line["resp"].as_str().unwrap();
        // Two nodes took different times for the same thing.
        let same = body == recorded || method == "StateCompute" && timeless(&body) == timeless(recorded);
        if status != 200 || !same {
            wrong.push(format!(
                "{request}\n {}\n {}",
                &body[..body.len().min(300)],
                &recorded[..recorded.len().min(300)]
            ));
        }
        *seen.entry(method.to_owned()).or_default() += 1;
    }
    println!("{seen:?}");
    assert!(wrong.is_empty(), "{} wrong, such as\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(seen.values().sum::<usize>() > 20_000 && seen.len() >= 35, "{seen:?}");
    node.shutdown().await;
}

/// The answer without its id and without how long anything took.
fn timeless(body: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| key != "Duration" && key != "tt");
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(body).unwrap();
    strip(&mut value);
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_walks_the_replayed_chain_epoch_by_epoch() {
    let car = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    let node = node(replay.clone()).await;
    let rpc = source(&[&node]);
    assert_eq!(rpc.head().await.unwrap(), car.oldest().await.unwrap());
    assert!(rpc.certificates(0, 10).await.unwrap().is_empty(), "no certificate before epoch 20");
    let mut at = rpc.head().await.unwrap();
    for height in [1, 29, 50, 98, 106, 200, 313] {
        replay.advance_to(epoch(height));
        let head = rpc.head().await.unwrap();
        assert!(head.epoch() <= epoch(height));
        let path = rpc.path(at.key(), head.key()).await.unwrap();
        let wanted = car.range(head.key(), at.epoch().plus(1), head.epoch()).await.unwrap();
        assert_eq!((path.revert.len(), path.apply), (0, wanted));
        let trace = rpc.trace(&head).await.unwrap().expect("traces were recorded");
        assert!(!trace.crons.is_empty());
        at = head;
    }
    assert_eq!(at, car.head().await.unwrap());
    let certificates = rpc.certificates(0, 1000).await.unwrap();
    assert_eq!(certificates.len(), 419);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_appear_with_the_epochs_they_make_final() {
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    let node = node(replay.clone()).await;
    let rpc = source(&[&node]);
    for height in [30, 100, 200] {
        replay.advance_to(epoch(height));
        let certificates = rpc.certificates(0, 1000).await.unwrap();
        let newest = certificates.last().unwrap().ec_chain.last().unwrap().epoch;
        assert!(newest <= height && newest > height - 90, "{newest} at {height}");
    }
}

/// The frames a subscriber hears while the head moves.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_the_frames_a_node_sent_with_the_fork() {
    let replay = Arc::new(Replay::node(DEVNET.clone(), "n1").unwrap());
    let node = node(replay.clone()).await;
    let url = node.url().replace("http", "ws");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"Filecoin.ChainNotify","params":[]}"#;
    socket.send(Message::text(subscribe)).await.unwrap();
    let recorded = lines("notify-n1.jsonl.zst");
    let mut recorded =
        recorded.iter().filter(|line| line["dir"] == "in").map(|line| line["frame"].as_str().unwrap());
    for _ in 0..2 {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!() };
        assert_eq!(Some(text.as_str()), recorded.next());
    }
    let (mut frames, mut longest) = (0, (0, 0));
    while replay.step() {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!() };
        assert_eq!(Some(text.as_str()), recorded.next(), "frame {frames}");
        longest = longest.max((text.matches(r#""revert""#).count(), text.matches(r#""apply""#).count()));
        frames += 1;
    }
    println!("{frames} frames");
    assert_eq!(longest, (13, 21), "the partition's end");
    assert!(frames > 500);
    socket.send(Message::text(r#"{"jsonrpc":"2.0","method":"xrpc.cancel","params":[1]}"#)).await.unwrap();
    let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!() };
    assert_eq!(text.as_str(), "{\"jsonrpc\":\"2.0\",\"method\":\"xrpc.ch.close\",\"params\":[1]}\n");
    node.shutdown().await;
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))), "the node is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_follows_both_nodes_through_the_fork_to_one_head() {
    let mut heads = vec![];
    for name in ["n0", "n1"] {
        let replay = Arc::new(Replay::node(DEVNET.clone(), name).unwrap());
        let node = node(replay.clone()).await;
        let rpc = source(&[&node]);
        let mut at = rpc.head().await.unwrap();
        let mut reverted = 0;
        loop {
            let more = replay.step();
            let head = rpc.head().await.unwrap();
            let path = rpc.path(at.key(), head.key()).await.unwrap();
            assert_eq!(path.break_in(at.key(), head.key()), None);
            reverted += path.revert.len();
            at = head;
            if !more {
                break;
            }
        }
        println!("{name}: {reverted} reverted");
        assert!(reverted > 13);
        heads.push(at);
    }
    assert_eq!(heads[0].key(), heads[1].key());
    assert_eq!(*heads[0].key(), DEVNET.head());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_wakes_a_source() {
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    let node = node(replay.clone()).await;
    let rpc = source(&[&node]);
    let wait = |limit| tokio::time::timeout(Duration::from_secs(limit), rpc.changed());
    wait(20).await.expect("the first frame tells the head");
    assert!(replay.step());
    wait(20).await.expect("the head moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_that_were_recorded() {
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    replay.advance_to(epoch(55));
    let node = node(replay).await;
    let mut wire = Wire::to(&node).await;
    let mut checked = 0;
    for line in lines("rpc.jsonl.zst") {
        let (request, recorded) = (line["req"].as_str().unwrap(), line["resp"].as_str().unwrap());
        let protocol = line["status"] != 200 && !recorded.contains("unmarshaling params for");
        // "head: 280" is another moment's.
        let missing = recorded.contains("could not find")
            && recorded.contains("\"error\"")
            && !request.contains("State")
            && !request.contains("Events");
        let beyond = recorded.contains("head: 55");
        let refused = recorded.contains("missing permission");
        if !(protocol || missing || beyond || refused)
            || line["path"] == "/rpc/v2"
            || request.contains("Ticket")
        {
            continue;
        }
        let token = match line["auth"].as_str().unwrap() {
            "admin" => Some(TOKEN),
            "none" => None,
            _ => Some("wrong"),
        };
        let answer = wire.post(line["path"].as_str().unwrap(), token, request).await;
        assert_eq!(answer, (line["status"].as_u64().unwrap() as u16, recorded.to_owned()), "{request}");
        checked += 1;
    }
    println!("{checked} errors");
    assert!(checked > 40);
    let wrong_kind = wire.post(
        "/rpc/v1",
        Some(TOKEN),
        r#"{"id":1,"method":"Filecoin.ChainGetTipSetByHeight","params":["x",null]}"#,
    );
    let (status, body) = wrong_kind.await;
    assert!(status == 500 && body.contains("-32700") && body.contains("*abi.ChainEpoch"), "{status} {body}");
    let batch = wire.post("/rpc/v1", None, r#"[{"id":1,"method":"Filecoin.ChainHead","params":[]},{"id":2,"method":"Filecoin.Nope","params":[]}]"#);
    let (status, body) = batch.await;
    let answers: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &answers[0]["result"]["Height"], &answers[1]["error"]["code"]),
        (200, &55.into(), &(-32601).into())
    );
    let silent = wire.post("/rpc/v1", None, r#"{"method":"Filecoin.ChainHead","params":[]}"#);
    assert_eq!(silent.await, (200, String::new()), "a request without an id wants no answer");
}

#[tokio::test]
async fn a_replay_runs_at_a_chosen_speed() {
    let replay = Replay::chain(DEVNET.clone());
    let begin = tokio::time::Instant::now();
    replay.run(Duration::from_millis(2)).await;
    assert!(begin.elapsed() >= Duration::from_millis(2 * 313));
    assert_eq!(*replay.ledger().head().key(), DEVNET.head());
    assert!(!replay.step(), "nothing is left");
}
