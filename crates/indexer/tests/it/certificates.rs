use std::sync::Arc;

use apogee_filecoin::source::Source;
use apogee_indexer::{Doubt, IndexError, Indexer, Options};

use crate::common::{at, indexed, options, recording};
use crate::forks::{Moving, facts};
use crate::memory::Memory;

/// The node's chain is one side of the partition, and the certificates of the other side arrive.
#[tokio::test]
async fn certificates_of_another_branch_stop_where_it_begins_and_say_so() {
    let recording = recording();
    let (main, fork) = (recording.source.heads()[0].clone(), recording.source.heads()[1].clone());
    let moving = Moving::new(recording.source.clone());
    moving.to(&fork);
    let memory = Memory::new();
    let indexer = || {
        let options = Options { doubt: Doubt::Stop, ..options(16) };
        let (network, params) = (recording.network.clone(), recording.params.clone());
        Indexer::new(Arc::new(memory.clone()), Arc::new(moving.clone()), network, params, options)
    };
    let mut over = indexer();
    let error = over.backfill_to_head().await.unwrap_err();
    let rows = memory.all();
    // The last tipset that both sides have, and what each has next.
    let branch = recording.source.clone().with_head(&fork).unwrap();
    let own = branch
        .chain()
        .find(|one| rows.epochs[&one.epoch()].key != recorded(&recording, one.epoch()))
        .unwrap();
    let shared = branch.tipset(&own.parents()).await.unwrap();
    let IndexError::Certificate { detail, .. } = &error else { panic!("{error:?}") };
    let says = |text: &str| detail.contains(text);
    assert!(says("instance ") && says("it makes bafy") && says(" final, but epoch "), "{error}");
    assert_eq!(over.status().borrow().error.as_deref(), Some(error.to_string().as_str()));
    assert!(error.may_pass() && !error.blames_the_chain(), "the node may yet go over to the other branch");

    // The branch is indexed, and of it nothing is final.
    let cursor = rows.cursor.clone().unwrap();
    assert_eq!(cursor.key, fork.to_string());
    assert_eq!(cursor.final_epoch, Some(shared.epoch()), "what both sides have is final");
    assert!(rows.certificates.values().all(|one| rows.epochs[&one.epoch].key == one.key));
    let check = cursor.checks.iter().find(|check| check.check == "certificate").unwrap();
    assert_eq!((check.passed, check.failed), (rows.certificates.len() as u64, 0));

    // It says the same again, also in a new process, and writes nothing.
    assert_eq!(over.backfill_to_head().await.unwrap_err().to_string(), error.to_string());
    assert_eq!(indexer().backfill_to_head().await.unwrap_err().to_string(), error.to_string());
    assert!(memory.all() == rows);

    moving.to(&main);
    over.backfill_to_head().await.unwrap();
    let (found, whole) = (facts(&memory), facts(&indexed().await));
    assert_eq!(found.cursor, whole.cursor);
    assert!(found.steps == whole.steps && found.certificates == whole.certificates);
    assert!(found.cursor.unwrap().final_epoch > Some(at(300)));
}

/// The key that the main side has at an epoch, as the database writes it.
fn recorded(recording: &apogee_indexer::recording::Recording, epoch: apogee_domain::Epoch) -> String {
    let there = recording.source.chain().find(|tipset| tipset.epoch() == epoch);
    there.map_or_else(String::new, |tipset| tipset.key().to_string())
}
