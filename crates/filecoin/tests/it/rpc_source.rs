use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_filecoin::car::Limits;
use apogee_filecoin::rpc::{Exponential, HeadState, Pool};
use apogee_filecoin::source::{CarSource, ObjectCache, RpcOptions, RpcSource, Source, SourceError};
use apogee_filecoin::types::{BlockMessages, TipsetKey, cid_of, json};
use apogee_testkit::example;
use futures::{SinkExt, StreamExt};
use fvm_shared::address::Network;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::rpc_double::{Double, client, error, honest, result};
use super::rpc_recording::exchanges;

fn chain() -> CarSource {
    let paths = ["devnet-a/chain.car.zst", "devnet-a/fork-n1.car.zst"].map(example);
    CarSource::open(&[&paths[0], &paths[1]], &Limits::DEFAULT).unwrap()
}

fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// A tipset key of the chain at that height.
fn at(source: &CarSource, height: i64) -> TipsetKey {
    source.chain().find(|tipset| tipset.epoch() == epoch(height)).unwrap().key().clone()
}

async fn node(source: &CarSource) -> Double {
    let source = source.clone();
    Double::start(move |method, params| honest(&source, method, params)).await
}

fn over(doubles: &[&Double], options: RpcOptions) -> RpcSource {
    let clients = doubles.iter().map(|double| double.client()).collect();
    RpcSource::new(Arc::new(Pool::new(clients, None)), options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_and_an_archive_tell_the_same_chain() {
    let car = chain();
    let double = node(&car).await;
    let rpc = over(&[&double], RpcOptions::default());
    let head = rpc.head().await.unwrap();
    assert_eq!(head, car.head().await.unwrap());
    assert_eq!(rpc.oldest().await.unwrap(), car.oldest().await.unwrap());
    for (from, to) in [(300, 400), (95, 110), (0, 3), (29, 29), (97, 98), (313, 313), (500, 600)] {
        let [a, b] =
            [rpc.range(head.key(), epoch(from), epoch(to)), car.range(head.key(), epoch(from), epoch(to))];
        assert_eq!(a.await.unwrap(), b.await.unwrap(), "{from}..={to}");
    }
    let fork = car.heads()[1].clone();
    let [a, b] = [rpc.path(&fork, head.key()), car.path(&fork, head.key())];
    assert_eq!(a.await.unwrap(), b.await.unwrap());
    assert_eq!(rpc.path(head.key(), head.key()).await.unwrap(), Default::default());
    assert!(matches!(rpc.tipset(&TipsetKey(vec![cid_of(b"x")])).await, Err(SourceError::Missing { .. })));
    assert!(rpc.trace(&head).await.unwrap().is_none(), "this node does not know StateCompute");
    assert!(rpc.certificates(0, 10).await.unwrap().is_empty());
}

/// Nothing rests on a trace, and its form is not the same on every kind of node.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_cannot_be_read_is_none() {
    let car = chain();
    let served = car.clone();
    let double = Double::start(move |method, params| match method {
        "StateCompute" => (200, r#"{"jsonrpc":"2.0","id":1,"result":{"Root":7,"Trace":"none"}}"#.into()),
        _ => honest(&served, method, params),
    })
    .await;
    let rpc = over(&[&double], RpcOptions::default());
    assert!(rpc.trace(&rpc.head().await.unwrap()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_read_from_blocking_threads_checked_and_kept() {
    let car = chain();
    let double = node(&car).await;
    let rpc = over(&[&double], RpcOptions::default());
    let with_messages = car.chain().find(|t| t.first().messages != at_first(&car)).unwrap().clone();
    let blocks = rpc.blocks();
    let root = with_messages.first().messages;
    let read = move || BlockMessages::load(&*blocks, &root).unwrap();
    let messages = tokio::task::spawn_blocking(read).await.unwrap();
    assert_eq!(messages, BlockMessages::load(&*car.blocks(), &root).unwrap());
    let calls = double.count("ChainReadObj");
    assert!(calls >= 4, "{calls}");
    let blocks = rpc.blocks();
    tokio::task::spawn_blocking(move || {
        assert!(BlockMessages::load(&*blocks, &root).is_ok());
        assert!(blocks.get(&cid_of(b"nowhere")).unwrap().is_none());
    })
    .await
    .unwrap();
    assert_eq!(double.count("ChainReadObj"), calls + 1, "the second reading came from memory");
}

/// The messages root of blocks without messages.
fn at_first(car: &CarSource) -> cid::Cid {
    car.chain().nth(20).unwrap().first().messages
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_range_are_fetched_with_one_call_a_block() {
    let car = chain();
    let double = node(&car).await;
    let rpc = over(&[&double], RpcOptions::default());
    let head = rpc.head().await.unwrap();
    let range = rpc.range(head.key(), epoch(50), epoch(60)).await.unwrap();
    let blocks = rpc.blocks();
    let loaded = tokio::task::spawn_blocking(move || {
        let headers = range.iter().flat_map(|tipset| tipset.blocks().to_vec());
        headers.map(|header| BlockMessages::load(&*blocks, &header.messages).unwrap().len()).sum::<usize>()
    });
    assert!(loaded.await.unwrap() > 10);
    assert_eq!(double.count("ChainReadObj"), 0);
    assert!(double.count("ChainGetBlockMessages") > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_block_are_refused_and_the_next_endpoint_is_asked() {
    let car = chain();
    let liar = {
        let car = car.clone();
        let lie = json::Bytes(b"something else".to_vec());
        Double::start(move |method, params| match method {
            "ChainReadObj" => result(&lie),
            _ => honest(&car, method, params),
        })
        .await
    };
    let wanted = car.chain().last().unwrap().first().parent_state_root;
    let blocks = over(&[&liar], RpcOptions::default()).blocks();
    let error = tokio::task::spawn_blocking(move || blocks.get(&wanted).unwrap_err()).await.unwrap();
    assert!(error.to_string().contains("bytes that are not those of"), "{error}");

    let good = node(&car).await;
    let rpc = over(&[&liar, &good], RpcOptions::default());
    let blocks = rpc.blocks();
    let bytes = tokio::task::spawn_blocking(move || blocks.get(&wanted).unwrap().unwrap()).await.unwrap();
    assert_eq!(cid_of(&bytes), wanted);
    let health = rpc.pool().health();
    assert_eq!((health[0].1.dishonest, health[1].1.dishonest), (1, 0));
}

#[derive(Debug, Default)]
struct Lasting(std::sync::Mutex<std::collections::HashMap<cid::Cid, Vec<u8>>>);

impl ObjectCache for Lasting {
    fn get(&self, cid: &cid::Cid) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(cid).cloned()
    }
    fn put(&self, cid: &cid::Cid, bytes: &[u8]) {
        self.0.lock().unwrap().insert(*cid, bytes.to_vec());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_cache_saves_calls_and_its_rot_is_noticed() {
    let car = chain();
    let double = node(&car).await;
    let lasting = Arc::new(Lasting::default());
    let options = RpcOptions { cache: Some(lasting.clone()), cache_bytes: 0, ..RpcOptions::default() };
    let rpc = over(&[&double], options);
    let cid = car.chain().last().unwrap().first().parent_state_root;
    let blocks = rpc.blocks();
    tokio::task::spawn_blocking(move || {
        let bytes = blocks.get(&cid).unwrap().unwrap();
        assert_eq!(blocks.get(&cid).unwrap().unwrap(), bytes);
        assert_eq!(double.count("ChainReadObj"), 1);
        lasting.put(&cid, b"rotten");
        assert_eq!(blocks.get(&cid).unwrap().unwrap(), bytes);
        assert_eq!(double.count("ChainReadObj"), 2);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_header_anywhere_is_dishonest_and_another_endpoint_makes_up_for_it() {
    let car = chain();
    let lie = |car: CarSource| {
        move |method: &str, params: &serde_json::Value| {
            let (status, body) = honest(&car, method, params);
            match method {
                "ChainGetPath" | "ChainGetTipSet" | "ChainGetTipSetByHeight" => {
                    (status, body.replacen("\"ForkSignaling\":0", "\"ForkSignaling\":1", 1))
                }
                _ => (status, body),
            }
        }
    };
    let liar = Double::start(lie(car.clone())).await;
    let (from, to) = (at(&car, 40), at(&car, 50));
    let alone = over(&[&liar], RpcOptions::default());
    for answer in [
        alone.path(&from, &to).await.map(|_| ()),
        alone.range(&to, epoch(40), epoch(50)).await.map(|_| ()),
        alone.tipset(&to).await.map(|_| ()),
    ] {
        assert!(matches!(answer, Err(SourceError::Dishonest { .. })), "{answer:?}");
    }
    let good = node(&car).await;
    let both = over(&[&liar, &good], RpcOptions::default());
    assert_eq!(both.path(&from, &to).await.unwrap(), car.path(&from, &to).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_with_a_gap_a_wrong_end_or_a_wrong_order_are_dishonest() {
    let car = chain();
    let (from, to) = (at(&car, 40), at(&car, 50));
    for twist in 0..4 {
        let twisted = car.clone();
        let double = Double::start(move |method, params| {
            let (status, body) = honest(&twisted, method, params);
            if method != "ChainGetPath" {
                return (status, body);
            }
            let mut value: serde_json::Value = serde_json::from_str(&body).unwrap();
            let steps = value["result"].as_array_mut().unwrap();
            match twist {
                0 => drop(steps.remove(4)),
                1 => drop(steps.pop()),
                2 => steps.swap(3, 4),
                _ => steps.clear(),
            }
            (status, value.to_string())
        })
        .await;
        let answer = over(&[&double], RpcOptions::default()).path(&from, &to).await;
        assert!(matches!(answer, Err(SourceError::Dishonest { .. })), "twist {twist}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heaviest_head_of_the_right_chain_wins_and_the_others_are_described() {
    let car = chain();
    let behind = car.clone().with_head(&at(&car, 300)).unwrap();
    let foreign =
        CarSource::open(&[&example("devnet-a/real-proofs/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let (a, b, c) = (node(&behind).await, node(&car).await, node(&foreign).await);
    let dead = client("http://127.0.0.1:9");
    let clients = vec![a.client(), b.client(), c.client(), dead];
    let genesis = car.oldest().await.unwrap().first().cid();
    let pool = Arc::new(Pool::new(clients, Some(genesis)));
    let heads = pool.heads().await.unwrap();
    assert_eq!(heads.best.epoch(), epoch(313));
    let states: Vec<_> = heads.endpoints.iter().map(|endpoint| &endpoint.state).collect();
    assert!(
        matches!(
            states[..],
            [HeadState::Behind(13), HeadState::Leading, HeadState::OtherChain(_), HeadState::Failed(_)]
        ),
        "{states:?}"
    );
    // The node of another chain is not asked again.
    let calls = c.calls.lock().unwrap().len();
    let key = at(&car, 7);
    for _ in 0..5 {
        pool.ask(|client| {
            let key = key.clone();
            async move { client.chain_tipset(&key).await }
        })
        .await
        .unwrap();
    }
    assert_eq!(c.calls.lock().unwrap().len(), calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_backward_is_passed_over_while_another_stands() {
    let car = chain();
    let fallen = Arc::new(AtomicBool::new(false));
    let double = {
        let (high, low) = (car.clone(), car.clone().with_head(&at(&car, 200)).unwrap());
        let fallen = fallen.clone();
        Double::start(move |method, params| {
            honest(if fallen.load(Ordering::SeqCst) { &low } else { &high }, method, params)
        })
        .await
    };
    let steady = node(&car.clone().with_head(&at(&car, 190)).unwrap()).await;
    let pool = Pool::new(vec![double.client(), steady.client()], None);
    assert_eq!(pool.heads().await.unwrap().best.epoch(), epoch(313));
    fallen.store(true, Ordering::SeqCst);
    let heads = pool.heads().await.unwrap();
    assert!(matches!(&heads.endpoints[0].state, HeadState::Backward { before, now }
        if before.epoch() == epoch(313) && now.epoch() == epoch(200)));
    assert_eq!(heads.best.epoch(), epoch(190));
    assert_eq!(pool.heads().await.unwrap().best.epoch(), epoch(200), "it has been said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_did_not_stand_up_to_verification_leads_no_more() {
    let car = chain();
    let heavy = node(&car).await;
    let down = Arc::new(AtomicBool::new(false));
    let other = {
        let (light, down) = (car.clone().with_head(&at(&car, 300)).unwrap(), down.clone());
        Double::start(move |method, params| {
            if down.load(Ordering::SeqCst) { (503, String::new()) } else { honest(&light, method, params) }
        })
        .await
    };
    let pool = Pool::new(vec![heavy.client(), other.client()], None);
    let best = pool.heads().await.unwrap().best;
    assert_eq!(best.epoch(), epoch(313));
    pool.distrust(best.key());
    let heads = pool.heads().await.unwrap();
    assert_eq!(heads.best.epoch(), epoch(300));
    assert!(matches!(heads.endpoints[0].state, HeadState::Distrusted(_)));
    down.store(true, Ordering::SeqCst);
    assert_eq!(pool.heads().await.unwrap().best, best, "nobody else is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_is_asked_last_until_it_is_well_again() {
    let car = chain();
    let sick = Double::start(|_, _| (503, "down".into())).await;
    let well = node(&car).await;
    let rpc = over(&[&sick, &well], RpcOptions::default());
    rpc.tipset(&at(&car, 5)).await.unwrap();
    let calls = sick.calls.lock().unwrap().len();
    for _ in 0..5 {
        rpc.tipset(&at(&car, 6)).await.unwrap();
    }
    assert_eq!(sick.calls.lock().unwrap().len(), calls);
    let health = rpc.pool().health();
    assert_eq!(health[0].1.failures, 1);
    assert!(health[1].1.failures == 0 && health[1].1.latency.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_is_only_said_when_every_endpoint_says_so() {
    let pruned = Double::start(|_, _| error(1, "ipld: could not find it")).await;
    let down = Double::start(|_, _| (503, String::new())).await;
    let read = |rpc: RpcSource| async move {
        let blocks = rpc.blocks();
        tokio::task::spawn_blocking(move || blocks.get(&cid_of(b"x"))).await.unwrap()
    };
    assert!(read(over(&[&pruned], RpcOptions::default())).await.unwrap().is_none());
    assert!(read(over(&[&pruned, &down], RpcOptions::default())).await.is_err());
    assert!(read(over(&[&down, &pruned], RpcOptions::default())).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_traces_and_certificates_come_through_the_source() {
    let answers: Vec<_> =
        exchanges("f3certs.jsonl.zst").filter(|e| e.method() == "F3GetCertificate").collect();
    let certificates: Vec<String> = answers.iter().filter_map(|e| e.result().map(str::to_owned)).collect();
    let double = Double::start(move |method, params| match method {
        "F3GetLatestCertificate" => (200, format!(r#"{{"id":1,"result":{}}}"#, certificates[50])),
        "F3GetCertificate" => {
            let instance = params[0].as_u64().unwrap() as usize;
            (200, format!(r#"{{"id":1,"result":{}}}"#, certificates[instance]))
        }
        _ => error(-32601, "no"),
    })
    .await;
    let rpc = over(&[&double], RpcOptions::default());
    let some = rpc.certificates(45, 100).await.unwrap();
    assert!(some.iter().map(|certificate| certificate.instance).eq(45..=50));
    assert_eq!(rpc.certificates(10, 3).await.unwrap().len(), 3);
    assert!(rpc.certificates(51, 3).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_wakes_the_follower_and_a_broken_subscription_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/rpc/v1", listener.local_addr().unwrap());
    let tipset = chain().chain().last().unwrap().clone();
    let subscriptions = Arc::new(AtomicUsize::new(0));
    let made = subscriptions.clone();
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(socket).await else { continue };
            let Some(Ok(Message::Text(request))) = socket.next().await else { continue };
            assert!(request.contains("Filecoin.ChainNotify"));
            made.fetch_add(1, Ordering::SeqCst);
            socket.send(Message::text("{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":1}\n")).await.unwrap();
            let value =
                serde_json::json!([{"Type": "current", "Val": json::Tipset::of(&tipset, Network::Testnet)}]);
            let frame = serde_json::json!({"jsonrpc": "2.0", "method": "xrpc.ch.val", "params": [1, value]});
            socket.send(Message::text(frame.to_string())).await.unwrap();
            // A node that is killed just drops the connection.
        }
    });
    let options = RpcOptions {
        poll: Duration::from_secs(3_600),
        notify: Some(Arc::new(Exponential::new(100, Duration::from_millis(5), Duration::from_millis(10), 3))),
        ..RpcOptions::default()
    };
    let pool = Arc::new(Pool::new(vec![client(&url)], None));
    let rpc = RpcSource::new(pool, options);
    for _ in 0..3 {
        tokio::time::timeout(Duration::from_secs(10), rpc.changed()).await.expect("no wake");
    }
    assert!(subscriptions.load(Ordering::SeqCst) >= 3);
    server.abort();
}

#[tokio::test]
async fn without_notifications_the_follower_wakes_by_the_clock() {
    let double = Double::start(|_, _| error(1, "no")).await;
    let options = RpcOptions { poll: Duration::from_millis(20), ..RpcOptions::default() };
    tokio::time::timeout(Duration::from_secs(5), over(&[&double], options).changed()).await.unwrap();
}
