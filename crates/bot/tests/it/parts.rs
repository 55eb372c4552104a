//! Parts of files, and pieces.

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::{Part, Task};
use apogee_dealbot::record::Record;
use apogee_payload::{Dag, Key, Layout, Payload};
use apogee_piece::Commitment;
use apogee_simprovider::gateway::{Fault, Gateway};
use cid::Cid;
use tempfile::tempdir;

use crate::controller::{Controller, lease};
use crate::world::{Bot, SIZE, file, provider, settings, until};

async fn records(tasks: Vec<Task>) -> Vec<Record> {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (canary, _) = provider().await;
    let count = tasks.len();
    for (number, task) in tasks.into_iter().enumerate() {
        controller.seen().offer.push_back(lease(number as u64, 1, task));
    }
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &canary));
    until("all are over", || controller.seen().results.len() == count).await;
    bot.ended().await;
    controller.check();
    (0..count).map(|number| controller.record(number as u64)).collect()
}

fn task(gateway: &Gateway, part: Part) -> Task {
    Task::Gateway { url: gateway.url(), root: file().0.to_string(), size: SIZE, part, private: true }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_decides_which_leaf_is_drawn_and_each_block_is_asked_for_by_itself() {
    let mut ways = vec![];
    for draw in [1, 1, 2, 3, 4] {
        let (gateway, _) = provider().await;
        let record = records(vec![task(&gateway, Part::Leaf { draw })]).await.remove(0);
        assert_eq!(record.failure, None, "{record:?}");
        assert_eq!(record.root.unwrap().0, file().0);
        // A leaf of 32,000 bytes, or the shorter last one, and two nodes above it: never the whole.
        assert!((15_000..40_000).contains(&record.received), "{record:?}");
        let asked: Vec<String> = gateway.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(asked.len(), 3);
        ways.push(asked);
    }
    assert_eq!(ways[0], ways[1]);
    assert!(ways[1..].windows(2).any(|pair| pair[0] != pair[1]), "every number leads to the same leaf");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_range_come_its_blocks_and_nothing_else() {
    let (gateway, _) = provider().await;
    let range = |from, to| task(&gateway, Part::Range { from, to });
    let records =
        records(vec![range(40_000, 100_000), range(399_999, 400_000), range(5, 5), range(6, 5), range(0, 0)])
            .await;
    let seen: Vec<_> = records.iter().map(|record| (record.failure, record.root.is_some())).collect();
    let none = (Some(Code::ExpectedDataMissing), false);
    assert_eq!(seen, [(None, true), (None, true), none, none, none], "{records:?}");
    // Three leaves, and one.
    assert!((90_000..110_000).contains(&records[0].received), "{:?}", records[0]);
    assert!((15_000..40_000).contains(&records[1].received), "{:?}", records[1]);
    assert!(gateway.asked().iter().any(|asked| asked.path.contains("entity-bytes=40000:99999")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_of_a_bad_file_is_bad() {
    for part in [Part::Leaf { draw: 1 }, Part::Range { from: 0, to: 400_000 }] {
        for (fault, code) in [
            (Fault::WrongBytes, Code::HashMismatch),
            (Fault::Status(404), Code::Http404),
            (Fault::Status(402), Code::Http4xx),
            (Fault::Html, Code::WrongContentType),
        ] {
            let (gateway, _) = provider().await;
            gateway.fault(Some(fault.clone()));
            let record = records(vec![task(&gateway, part)]).await.remove(0);
            assert_eq!((record.failure, record.root), (Some(code), None), "{part:?} {fault:?}: {record:?}");
        }
    }
}

/// The bytes of the file, and both names of the piece that they are.
fn piece() -> (Vec<u8>, [Cid; 2]) {
    let payload = Payload::new(Key::from_bytes([3; 32]), 400_000).unwrap();
    let dag = Dag::new(payload, Layout::new(32_000, 4).unwrap());
    let bytes: Vec<u8> = dag.blocks().iter().flat_map(|block| dag.bytes(block)).collect();
    let mut commitment = Commitment::default();
    commitment.add(&bytes);
    let commitment = commitment.finish().unwrap();
    (bytes, [commitment.v1(), commitment.v2()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_is_committed_to_again_under_either_name() {
    let (bytes, names) = piece();
    let mut library = file().1;
    for name in names {
        library.put_piece(name, bytes.clone());
    }
    let gateway = Gateway::start(library).await.unwrap();
    let task =
        |piece: &str, size| Task::Piece { url: gateway.url(), piece: piece.into(), size, private: true };
    let size = bytes.len() as u64;
    let [v1, v2] = names.map(|name| name.to_string());
    let good = records(vec![task(&v1, size), task(&v2, size)]).await;
    for (record, name) in good.iter().zip(names) {
        assert_eq!((record.failure, record.root, record.received), (None, None, size), "{record:?}");
        assert_eq!(record.piece.unwrap().0, name);
    }
    gateway.fault(Some(Fault::FlippedBit));
    let bad =
        records(vec![task(&v1, size), task("x", size), task(&v2, u64::MAX), task("bafkqaaa", size)]).await;
    let codes: Vec<_> = bad.iter().map(|record| record.failure.unwrap()).collect();
    let missing = Code::ExpectedDataMissing;
    assert_eq!(codes, [Code::CommpMismatch, missing, missing, Code::UnsupportedCodec]);
    assert!(bad.iter().all(|record| record.piece.is_none()));
}
