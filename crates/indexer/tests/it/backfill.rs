use apogee_domain::series::*;
use apogee_store::EpochKind;

use crate::common::{at, indexed, recording, straight};

const NULL_EPOCHS: [i64; 10] = [29, 67, 97, 98, 100, 101, 104, 106, 217, 248];

#[tokio::test]
async fn the_recorded_chain_is_indexed_to_its_head_without_a_failed_check() {
    let memory = indexed().await;
    let rows = memory.all();
    let cursor = rows.cursor.unwrap();
    assert_eq!((cursor.epoch, rows.epochs.len()), (at(313), 314));
    let of = |name: &str| cursor.checks.iter().find(|record| record.check == name).unwrap().clone();
    for (name, passed) in
        [("header_cid", 574), ("election_vrf", 573), ("win_count", 573), ("block_signature", 573)]
    {
        assert_eq!((of(name).passed, of(name).failed), (passed, 0), "{name}");
    }
    assert!(cursor.checks.iter().all(|record| record.failed == 0));
    let messages: u32 = rows.epochs.values().flat_map(|row| &row.blocks).map(|block| block.messages).sum();
    assert_eq!((of("message_nonce").passed, messages), (153, 153));
    let pinned = "bb115435a93f3e7793e6a3b4e96d6a20ec65e8d0df5b417792f65a9ee3a943c6";
    assert_eq!(cursor.digest.to_string(), pinned, "other rows are other views: give them another number");
    let nulls: Vec<_> = rows.epochs.values().filter(|row| row.kind == EpochKind::Null).collect();
    assert_eq!(nulls.iter().map(|row| row.epoch.height()).collect::<Vec<_>>(), NULL_EPOCHS);
    assert!(nulls.iter().all(|row| row.key.is_empty() && row.blocks.is_empty()));
    assert!(rows.steps.values().all(Option::is_some), "nothing is unknown in a complete recording");
}

#[tokio::test]
async fn every_sum_agrees_with_state() {
    let rows = indexed().await.all();
    let mut compared = std::collections::BTreeMap::new();
    for row in rows.epochs.values() {
        for sum in &row.reconciled {
            assert_eq!(sum.agrees(), Some(true), "epoch {}: {sum:?}", row.epoch);
            *compared.entry(sum.what.as_str()).or_insert(0) += 1;
        }
    }
    assert_eq!(
        compared.into_iter().collect::<Vec<_>>(),
        [("awards", 302), ("claims_qa", 304), ("claims_raw", 304)]
    );
}

#[tokio::test]
async fn rows_and_digests_do_not_depend_on_the_batch() {
    let mut one = indexed().await.all();
    let mut other = straight(recording(), 7).await.all();
    assert_eq!(one.cursor.as_ref().unwrap().digest, other.cursor.as_ref().unwrap().digest);
    for rows in [&mut one, &mut other] {
        // How many nodes a check reads depends on what is still in memory.
        rows.epochs.values_mut().for_each(|row| row.checks.clear());
        rows.cursor.as_mut().unwrap().checks.clear();
    }
    assert!(one == other);
}

#[tokio::test]
async fn blocks_wins_and_null_rounds_are_counted() {
    let memory = indexed().await;
    let won: u128 =
        ["t01000", "t01001", "t01002"].iter().map(|who| memory.at(&BLOCKS_WON, who, 313).unwrap()).sum();
    assert_eq!(won, 573);
    assert_eq!(memory.at(&NULL_ROUNDS, "network", 313), Some(10));
    assert_eq!(memory.at(&NULL_ROUNDS, "network", 28), None);
    assert_eq!(memory.at(&NULL_ROUNDS, "network", 29), Some(1));
}

#[tokio::test]
async fn certificates_that_pass_make_their_epochs_final() {
    let rows = indexed().await.all();
    let (cursor, last) = (rows.cursor.unwrap(), rows.certificates.values().next_back().unwrap().clone());
    let record = cursor.checks.iter().find(|record| record.check == "certificate").unwrap();
    assert_eq!((record.passed, record.failed), (rows.certificates.len() as u64, 0));
    assert_eq!(rows.certificates.len(), 419);
    assert_eq!(cursor.final_epoch, Some(last.epoch));
    assert_eq!(rows.epochs[&last.epoch].key, last.key);
    assert!(last.epoch > at(300) && last.epoch <= at(313));
}
