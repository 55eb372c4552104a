//! Following what recorded nodes went through, frame by frame.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_indexer::{Status, recording};
use apogee_simnet::{Chain, Replay};
use tokio::sync::watch;

use crate::common::{recording_to, straight};
use crate::forks::facts;
use crate::memory::Memory;
use crate::nodes::{follower, node, node_at, recorded, source};

/// A busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(30);

/// A branch of which so much was taken back was recorded with its state; of shorter ones a block may be missing everywhere.
const LONG: usize = 10;

async fn indexed(status: &mut watch::Receiver<Status>, epoch: Epoch) {
    let there = status.wait_for(|status| status.indexed.is_some_and(|indexed| indexed >= epoch));
    tokio::time::timeout(PATIENCE, there).await.expect("it catches up").unwrap();
}

/// Replay what `name` went through, and compare with indexing the archive. Returns the deepest fork that the follower took back.
async fn replayed(folder: &str, name: &str) -> i64 {
    let folder = apogee_testkit::example(folder);
    let recording = recording::devnet(Path::new(&folder)).unwrap();
    let recorded = recorded(&folder);
    let replay = Arc::new(Replay::node(recorded.clone(), name).unwrap());
    // Where the head will turn: the frames before which the follower has to be at the end of the branch.
    let mut turns = Vec::new();
    let rehearsal = Replay::node(recorded, name).unwrap();
    for frame in 0.. {
        let before = rehearsal.ledger().head();
        if !rehearsal.step() {
            break;
        }
        let path = rehearsal.ledger().path(&before, &rehearsal.ledger().head()).unwrap();
        if path.revert.len() > LONG {
            turns.push((
                frame,
                before.epoch(),
                before.epoch().since(path.revert.last().unwrap().epoch()) + 1,
            ));
        }
    }
    let node = node(replay.clone()).await;
    let memory = Memory::new();
    let mut follower = follower(Arc::new(memory.clone()), &recording, source(&[&node], ANSWER), 16);
    let mut status = follower.status();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let following = tokio::spawn(async move {
        let done = follower.follow(Duration::from_millis(50), async { drop(stopped.await) }).await;
        (follower, done)
    });
    let mut deepest = 0;
    for frame in 0.. {
        if let Some((_, epoch, depth)) = turns.iter().find(|(turn, ..)| *turn == frame) {
            indexed(&mut status, *epoch).await;
            deepest = deepest.max(*depth);
        }
        if !replay.step() {
            break;
        }
    }
    let head = replay.ledger().head();
    let arrived = status.wait_for(|status| status.indexed == Some(head.epoch()) && status.lag() == Some(0));
    tokio::time::timeout(PATIENCE, arrived).await.expect("it reaches the head").unwrap();
    stop.send(()).unwrap();
    let (mut follower, done) = following.await.unwrap();
    done.unwrap();
    // Certificates come with the last tipset.
    let cursor = follower.backfill_to_head().await.unwrap();
    assert_eq!(cursor.key, head.key().to_string());
    assert!(cursor.checks.iter().all(|record| record.failed == 0), "{:?}", cursor.checks);
    let status = status.borrow().clone();
    assert_eq!((status.error, status.set_aside.len()), (None, 0));
    assert!(status.source.starts_with("http://127.0.0.1:"), "{}", status.source);

    let direct = straight(recording, 64).await;
    let (mut followed, mut direct) = (facts(&memory), facts(&direct));
    assert_eq!(followed.cursor.as_ref().unwrap().digest, direct.cursor.as_ref().unwrap().digest);
    assert!(followed.steps == direct.steps && followed.certificates == direct.certificates);
    // Only nodes tell of executions, so only there traces are compared.
    let traces =
        followed.epochs.values().flat_map(|row| &row.reconciled).filter(|sum| sum.what == "trace_paid");
    assert!(traces.clone().count() > 100);
    for sum in followed.epochs.values().flat_map(|row| &row.reconciled) {
        assert_eq!(sum.agrees(), Some(true), "{sum:?}");
    }
    for rows in [&mut followed, &mut direct] {
        rows.epochs.values_mut().for_each(|row| row.reconciled.retain(|sum| !sum.what.starts_with("trace_")));
    }
    assert!(followed.epochs == direct.epochs);
    node.shutdown().await;
    deepest
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frames_of_the_node_that_lost_the_partition_end_in_the_digest_of_the_archive() {
    assert!(replayed("devnet-a", "n1").await >= 21, "the fork of 13 reverts and 21 applies");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frames_of_the_node_that_kept_its_chain_end_in_the_digest_of_the_archive() {
    replayed("devnet-a", "n0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn following_stops_when_it_is_told_to_and_goes_on_where_it_stood() {
    let recording = recording_to(40);
    let direct = straight(recording.clone(), 64).await;
    let node = node_at(40).await;
    let memory = Memory::new();
    // Stopped while the first batches are on their way.
    for rounds in 0..6 {
        let mut follower = follower(Arc::new(memory.clone()), &recording, source(&[&node], ANSWER), 4);
        let mut status = follower.status();
        let stop = async move {
            for _ in 0..rounds {
                drop(status.changed().await);
            }
        };
        follower.follow(Duration::from_millis(10), stop).await.unwrap();
    }
    let cursor =
        follower(Arc::new(memory.clone()), &recording, source(&[&node], ANSWER), 4).backfill_to_head().await;
    assert_eq!(cursor.unwrap().digest, direct.all().cursor.unwrap().digest);
}
