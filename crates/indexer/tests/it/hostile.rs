//! Nodes that misbehave: the index is right in the end, or nothing wrong is in it and it is said why.

use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Digest;
use apogee_filecoin::types::{BlockHeader, Tipset};
use apogee_indexer::IndexError;
use apogee_simnet::{Chain, ChangeKind, HeadChange, Misdeed, Refusal, Replay, SimNode};
use serde_json::{Value, json};

use crate::common::{at, recording, recording_to, straight};
use crate::memory::Memory;
use crate::nodes::{RUN_A, follower, node, node_at, source};

const HEAD: i64 = 24;
const QUICK: Duration = Duration::from_millis(700);

/// What every misbehaving node's index has to be in the end.
async fn right() -> Digest {
    straight(recording_to(HEAD), 64).await.all().cursor.unwrap().digest
}

/// Index while `node` misbehaves, then after it has stopped to. Every cursor on the way is one of the straight index.
async fn survives(what: &str, node: &SimNode, others: &[&SimNode]) {
    let recording = recording_to(HEAD);
    let whole = straight(recording.clone(), 64).await.all();
    let memory = Memory::new();
    let nodes: Vec<&SimNode> = std::iter::once(node).chain(others.iter().copied()).collect();
    let mut indexer = follower(Arc::new(memory.clone()), &recording, source(&nodes, QUICK), 8);
    let during = indexer.backfill_to_head().await;
    if let Err(error) = &during {
        assert!(error.may_pass(), "{what}: {error:?}");
        assert!(indexer.status().borrow().error.is_some(), "{what}");
    }
    let rows = memory.all();
    for (epoch, row) in &rows.epochs {
        assert_eq!(row.digest, whole.epochs[epoch].digest, "{what}: epoch {epoch}");
    }
    node.mischief().stop();
    // A new process: what was learnt of endpoints is forgotten.
    let mut again =
        follower(Arc::new(memory.clone()), &recording, source(&nodes, Duration::from_secs(30)), 8);
    let cursor = again.backfill_to_head().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert_eq!(cursor.digest, right().await, "{what}");
    assert_eq!(again.status().borrow().error, None);
}

const METHODS: [&str; 6] = [
    "ChainHead",
    "ChainGetTipSet",
    "ChainGetTipSetByHeight",
    "ChainGetBlockMessages",
    "ChainReadObj",
    "StateCompute",
];

#[tokio::test(flavor = "multi_thread")]
async fn slow_broken_and_refused_answers_end_in_the_right_index() {
    let node = node_at(HEAD).await;
    for method in METHODS {
        for misdeed in [
            Misdeed::Truncate(40),
            Misdeed::Status(429),
            Misdeed::Status(500),
            Misdeed::Refuse { refusal: Refusal::application("out of gas"), executed: false },
        ] {
            for times in [1, 5] {
                node.mischief().next(method, times, misdeed.clone());
            }
            survives(&format!("{method} {misdeed:?}"), &node, &[]).await;
        }
    }
    for misdeed in [
        Misdeed::Silence,
        Misdeed::Late(Duration::from_millis(900)),
        Misdeed::Drip { bytes: 20, pause: Duration::from_millis(200) },
    ] {
        node.mischief().next("ChainReadObj", 4, misdeed.clone());
        survives(&format!("{misdeed:?}"), &node, &[]).await;
    }
    node.mischief().always("*", Misdeed::Status(503));
    survives("nothing at all", &node, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_says_it_has_no_such_block_does_not_make_values_unknown() {
    let node = node_at(HEAD).await;
    let gone =
        || Misdeed::Refuse { refusal: Refusal::application("blockstore: block not found"), executed: false };
    for method in ["ChainReadObj", "ChainGetTipSet", "ChainGetTipSetByHeight"] {
        for skip in [0, 3] {
            node.mischief().next(method, skip, Misdeed::Late(Duration::from_millis(1)));
            node.mischief().next(method, 2, gone());
            survives(&format!("{method} is gone after {skip}"), &node, &[]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_blocks_and_tipsets_are_noticed() {
    let node = node_at(HEAD).await;
    let other = recording().source.chain().nth(5).unwrap().clone();
    let other = serde_json::to_value(apogee_filecoin::types::json::Tipset::of(
        &other,
        fvm_shared::address::Network::Testnet,
    ));
    let other = other.unwrap();
    let forgeries: [(&str, Misdeed); 7] = [
        ("ChainReadObj", Misdeed::instead(json!("AAAA"))),
        ("ChainReadObj", Misdeed::instead(json!({ "x": [1, 2, 3] }))),
        ("ChainGetTipSetByHeight", Misdeed::instead(other.clone())),
        ("ChainGetTipSet", Misdeed::instead(other)),
        (
            "ChainGetBlockMessages",
            Misdeed::instead(json!({ "BlsMessages": [], "SecpkMessages": [], "Cids": [] })),
        ),
        ("StateCompute", Misdeed::instead(json!(null))),
        ("ChainHead", Misdeed::forge(|head: &mut Value| head["Blocks"][0]["ParentWeight"] = json!("9"))),
    ];
    for (method, misdeed) in forgeries {
        for times in [2, 1000] {
            node.mischief().next(method, times, misdeed.clone());
            survives(&format!("{method} forged {times} times"), &node, &[]).await;
        }
    }
}

/// A head that nobody mined: heavier than every other, with a signature that cannot be right.
fn made_up(head: &Tipset) -> Tipset {
    let first = head.first();
    let block = BlockHeader {
        height: first.height + 1,
        parents: head.key().0.clone(),
        parent_weight: &first.parent_weight + 1_000_000,
        timestamp: first.timestamp + 4,
        ..first.clone()
    };
    Tipset::new(vec![block]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_leads_to_invalid_blocks_is_set_aside_and_named() {
    let recording = recording_to(HEAD);
    let lie = made_up(recording.source.chain().next_back().unwrap());
    let replay = Replay::chain(RUN_A.clone());
    replay.advance_to(at(HEAD));
    replay.ledger().add(&lie);
    replay.ledger().change(vec![HeadChange { kind: ChangeKind::Apply, tipset: lie }]);
    let (liar, honest) = (node(Arc::new(replay)).await, node_at(HEAD).await);
    let memory = Memory::new();
    let rpc = source(&[&liar, &honest], Duration::from_secs(30));
    let mut indexer = follower(Arc::new(memory.clone()), &recording, rpc.clone(), 8);
    let cursor = indexer.backfill_to_head().await.unwrap();
    assert_eq!((cursor.epoch, cursor.digest), (at(HEAD), right().await));
    let name = liar.url().strip_suffix("/rpc/v1").unwrap().to_owned();
    assert_eq!(indexer.status().borrow().set_aside, [name]);
    let health = rpc.pool().health();
    assert_eq!(health.iter().map(|(_, health)| health.distrusted).collect::<Vec<_>>(), [true, false]);

    // Alone, it stops the index before the first invalid block and says why.
    let memory = Memory::new();
    let alone = source(&[&liar], Duration::from_secs(30));
    let mut indexer = follower(Arc::new(memory.clone()), &recording, alone, 8);
    let error = indexer.backfill_to_head().await.unwrap_err();
    assert!(error.may_pass(), "{error:?}");
    let IndexError::Invalid { epoch, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*epoch, at(HEAD + 1));
    let straight = straight(recording_to(HEAD), 64).await.all();
    for (epoch, row) in &memory.all().epochs {
        assert_eq!(row.digest, straight.epochs[epoch].digest, "epoch {epoch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lags_or_falls_back_changes_nothing() {
    let replay = Arc::new(Replay::chain(RUN_A.clone()));
    replay.advance_to(at(HEAD));
    let node = node(replay.clone()).await;
    let (recording, memory) = (recording_to(HEAD), Memory::new());
    let mut indexer =
        follower(Arc::new(memory.clone()), &recording, source(&[&node], Duration::from_secs(30)), 8);
    indexer.backfill_to_head().await.unwrap();
    let before = memory.all();
    let older = recording.source.chain().nth(10).unwrap();
    node.mischief().next("ChainHead", 3, Misdeed::head(older));
    for _ in 0..3 {
        indexer.backfill_to_head().await.unwrap();
    }
    assert!(before == memory.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_contradict_each_other_do_not_mix() {
    // Both sides of the partition, as their nodes told them; then they agree.
    let sides = ["n0", "n1"].map(|name| Arc::new(Replay::node(RUN_A.clone(), name).unwrap()));
    let nodes = [node(sides[0].clone()).await, node(sides[1].clone()).await];
    let (recording, memory) = (recording(), Memory::new());
    let rpc = source(&[&nodes[0], &nodes[1]], Duration::from_secs(30));
    let mut indexer = follower(Arc::new(memory.clone()), &recording, rpc, 16);
    for epoch in [58, 64, 68, 72, 76, 80, 81, 84, 96] {
        for side in &sides {
            side.advance_to(at(epoch));
        }
        let cursor = indexer.backfill_to_head().await.unwrap();
        let heads = sides.each_ref().map(|side| side.ledger().head().key().to_string());
        assert!(heads.contains(&cursor.key), "epoch {epoch}");
    }
    let rows = memory.all();
    let whole = crate::common::indexed().await.all();
    let same = rows.epochs.iter().filter(|(epoch, row)| row.digest == whole.epochs[epoch].digest).count();
    assert!(same >= rows.epochs.len() - 1, "all but perhaps a tipset that was not yet whole");
    assert!(indexer.status().borrow().set_aside.is_empty(), "both sides were valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_network_behind_the_address_is_refused() {
    let node = node_at(HEAD).await;
    let (mut recording, memory) = (recording_to(HEAD), Memory::new());
    recording.network.genesis = recording.source.heads()[0].to_string();
    let mut indexer = follower(Arc::new(memory.clone()), &recording, source(&[&node], QUICK), 8);
    let error = indexer.backfill_to_head().await.unwrap_err();
    assert!(matches!(error, IndexError::OtherChain { .. }) && !error.may_pass(), "{error:?}");
    assert!(memory.all().epochs.is_empty());
}
