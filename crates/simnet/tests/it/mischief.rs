use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::rpc::HeadState;
use apogee_filecoin::source::{RpcSource, Source, SourceError};
use apogee_filecoin::types::Tipset;
use apogee_simnet::{Chain, Misdeed, Recipe, Refusal, Replay, SimNode, Simulation};
use serde_json::{Value, json};

use super::wire::{DEVNET, TOKEN, Wire, epoch, node, source, source_with};

async fn at(height: i64) -> (Arc<Replay>, SimNode) {
    let replay = Arc::new(Replay::chain(DEVNET.clone()));
    replay.advance_to(epoch(height));
    let node = node(replay.clone()).await;
    (replay, node)
}

async fn head(source: &RpcSource) -> Result<Tipset, SourceError> {
    source.head().await
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_faults_are_survived_by_asking_again() {
    let (replay, node) = at(40).await;
    let rpc = source_with(&[&node], Duration::from_millis(400));
    for misdeed in [
        Misdeed::Status(429),
        Misdeed::Status(502),
        Misdeed::Truncate(100),
        Misdeed::Truncate(0),
        Misdeed::Silence,
        Misdeed::Late(Duration::from_millis(900)),
        Misdeed::Drip { bytes: 50, pause: Duration::from_millis(100) },
    ] {
        node.mischief().next("ChainHead", 2, misdeed.clone());
        assert_eq!(head(&rpc).await.unwrap(), replay.ledger().head(), "{misdeed:?}");
    }
    assert_eq!(node.mischief().done(), 14, "two of three attempts failed each time");
    node.mischief().always("*", Misdeed::Status(429));
    assert!(matches!(head(&rpc).await, Err(SourceError::Unreachable { .. })));
    node.mischief().stop();
    node.mischief().next("ChainHead", 1, Misdeed::Drip { bytes: 500, pause: Duration::from_millis(1) });
    assert_eq!(head(&rpc).await.unwrap(), replay.ledger().head(), "slow, but in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_answers_are_noticed_and_another_node_is_asked() {
    let (replay, liar) = at(40).await;
    let (_, honest) = at(40).await;
    let alone = source(&[&liar]);
    let key = replay.ledger().head().key().clone();
    type Forgery = fn(&mut Value);
    let forgeries: [(&str, Forgery); 4] = [
        ("a later timestamp", |tipset| tipset["Blocks"][0]["Timestamp"] = json!(1)),
        ("another height", |tipset| tipset["Height"] = json!(41)),
        ("one block fewer", |tipset| drop(tipset["Blocks"].as_array_mut().unwrap().pop())),
        ("no tipset at all", |tipset| *tipset = json!("x")),
    ];
    for (what, forgery) in forgeries {
        liar.mischief().next("ChainGetTipSet", 1, Misdeed::forge(forgery));
        let answer = alone.tipset(&key).await;
        assert!(matches!(answer, Err(SourceError::Dishonest { .. })), "{what}: {answer:?}");
    }
    let both = source(&[&liar, &honest]);
    liar.mischief().always("ChainGetTipSet", Misdeed::forge(forgeries[0].1));
    assert_eq!(both.tipset(&key).await.unwrap(), replay.ledger().head());
    // A block whose bytes are not those of its CID.
    liar.mischief().always("ChainReadObj", Misdeed::instead(json!("AAAA")));
    let root = replay.ledger().head().first().parent_state_root;
    let read = |source: &RpcSource| {
        let blocks = source.blocks();
        tokio::task::spawn_blocking(move || blocks.get(&root))
    };
    assert!(read(&alone).await.unwrap().is_err());
    assert_eq!(read(&both).await.unwrap().unwrap(), replay.ledger().block(&root));
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_and_backward_heads_are_told_from_the_best_one() {
    let (stale, behind) = at(40).await;
    let (replay, leading) = at(60).await;
    let rpc = source(&[&behind, &leading]);
    assert_eq!(head(&rpc).await.unwrap(), replay.ledger().head());
    // The better one falls back for one answer.
    leading.mischief().next("ChainHead", 1, Misdeed::head(&stale.ledger().head()));
    let heads = rpc.pool().heads().await.unwrap();
    assert!(matches!(heads.endpoints[1].state, HeadState::Backward { .. }), "{heads:?}");
    assert_eq!(head(&rpc).await.unwrap(), replay.ledger().head());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sides_of_a_partition_are_two_honest_nodes_with_one_best_head() {
    let sides = ["n0", "n1"].map(|name| Arc::new(Replay::node(DEVNET.clone(), name).unwrap()));
    sides.iter().for_each(|side| side.advance_to(epoch(80)));
    let [left, right] = [node(sides[0].clone()).await, node(sides[1].clone()).await];
    let rpc = source(&[&left, &right]);
    let [a, b] = [sides[0].ledger().head(), sides[1].ledger().head()];
    assert_ne!(a, b);
    let best = head(&rpc).await.unwrap();
    assert!(best == a || best == b);
    let path = sides[0].ledger().path(&a, &b);
    assert!(path.is_none_or(|path| path.revert.len() > 10), "they parted at 60");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_may_hide_that_the_call_was_carried_out() {
    let (_, node) = at(40).await;
    let mut wire = Wire::to(&node).await;
    let refusal = Refusal::application("try again");
    node.mischief().next("ChainHead", 1, Misdeed::Refuse { refusal, executed: true });
    let ask = r#"{"jsonrpc":"2.0","id":"a","method":"Filecoin.ChainHead","params":[]}"#;
    let (status, body) = wire.post("/rpc/v1", Some(TOKEN), ask).await;
    assert_eq!(
        (status, body.as_str()),
        (200, "{\"error\":{\"code\":1,\"message\":\"try again\"},\"id\":\"a\",\"jsonrpc\":\"2.0\"}\n")
    );
    assert!(wire.post("/rpc/v1", Some(TOKEN), ask).await.1.contains("\"result\""), "honest again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_breaks_is_made_anew() {
    let (replay, node) = at(40).await;
    let rpc = source(&[&node]);
    let wait = || tokio::time::timeout(Duration::from_secs(20), rpc.changed());
    wait().await.expect("the first frame");
    node.mischief().next("xrpc.ch.val", 1, Misdeed::Truncate(0));
    assert!(replay.step());
    wait().await.expect("the first frame of the new subscription");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_misbehaves_can_be_shut_down() {
    let (_, node) = at(40).await;
    node.mischief().always("*", Misdeed::Silence);
    let mut wire = Wire::to(&node).await;
    let asking =
        tokio::spawn(
            async move { wire.post("/rpc/v1", None, r#"{"id":1,"method":"Filecoin.ChainHead"}"#).await },
        );
    while node.mischief().done() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(20), node.shutdown()).await.expect("it ends");
    assert_eq!(asking.await.unwrap().0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_follows_made_forks_of_1_to_1000_tipsets_and_null_rounds() {
    let recipe = Recipe { miners: 1, finality: 20, null_rounds: 50, ..Recipe::default() };
    let made = Arc::new(Simulation::new(recipe).unwrap());
    made.mine_to(epoch(1_100)).unwrap();
    let node = node(made.clone()).await;
    let rpc = source(&[&node]);
    for (branch, depth) in [(1, 1_usize), (2, 30), (3, 1_000)] {
        let old = head(&rpc).await.unwrap();
        let new = made.fork(depth, depth + 1, branch).unwrap();
        assert_eq!(head(&rpc).await.unwrap(), new);
        let path = rpc.path(old.key(), new.key()).await.unwrap();
        assert_eq!(path, made.ledger().path(&old, &new).unwrap());
        assert_eq!((path.revert.len(), path.apply.len()), (depth, depth + 1));
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_equivocate_on_a_made_chain_have_one_heaviest_head() {
    let recipe = Recipe { miners: 3, ..Recipe::default() };
    let one = Arc::new(Simulation::new(recipe.clone()).unwrap());
    let other = Arc::new(Simulation::new(recipe).unwrap());
    for made in [&one, &other] {
        made.mine_to(epoch(10)).unwrap();
    }
    assert_eq!(one.ledger().head(), other.ledger().head());
    let longer = other.fork(3, 5, 1).unwrap();
    let (left, right) = (node(one.clone()).await, node(other).await);
    let rpc = source(&[&left, &right]);
    assert_eq!(head(&rpc).await.unwrap(), longer);
    left.shutdown().await;
    right.shutdown().await;
}
