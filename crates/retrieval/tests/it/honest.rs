use apogee_retrieval::{Part, Retrieved};
use apogee_simprovider::gateway::{Fault, Gateway};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::dag::{self, RAW, file};
use crate::world::{patient, piece, random, target, trace};

#[tokio::test]
async fn a_file_is_retrieved_whole() {
    let bytes = random(1, 1_000_001);
    let file = file(&bytes, 64 << 10, 3);
    let gateway = Gateway::start(dag::library(&file)).await.unwrap();
    let mut trace = trace();
    let retrieved =
        patient().car(&target(&gateway), &file.root, Part::Whole, 1_100_000, &mut trace).await.unwrap();
    let all: usize = file.blocks.iter().map(|(_, block)| block.len()).sum();
    assert_eq!(retrieved, Retrieved { blocks: file.blocks.len() as u64, bytes: all as u64 });
    assert!(trace.received > all as u64);
    assert_eq!((trace.status, trace.remote), (Some(200), Some(gateway.address())));
    let stages: Vec<_> = trace.stages.iter().map(|timing| timing.stage.as_str()).collect();
    assert_eq!(stages, ["resolve", "l4", "first_byte", "last_byte", "verify"]);
    assert!(trace.stages.iter().all(|timing| timing.ended.is_some()));
    assert!(gateway.asked()[0].path.contains("format=car"));
}

#[tokio::test]
async fn any_range_of_a_file_is_retrieved_and_nothing_beyond_it() {
    let bytes = random(2, 300_000);
    let file = file(&bytes, 10_000, 4);
    let gateway = Gateway::start(dag::library(&file)).await.unwrap();
    let mut draws = ChaCha20Rng::seed_from_u64(3);
    let client = patient();
    for _ in 0..60 {
        let from = draws.random_range(0..300_000);
        let to = draws.random_range(from..300_000);
        let mut trace = trace();
        let part = Part::Bytes(from, to);
        let retrieved = client.car(&target(&gateway), &file.root, part, 350_000, &mut trace).await.unwrap();
        let leaves = to / 10_000 - from / 10_000 + 1;
        assert!(
            retrieved.blocks > leaves && retrieved.bytes < (leaves + 1) * 10_000,
            "{from}:{to} {retrieved:?}"
        );
    }
}

#[tokio::test]
async fn a_leaf_is_drawn_from_all_of_a_file() {
    let file = file(&random(4, 100_000), 1_000, 5);
    let gateway = Gateway::start(dag::library(&file)).await.unwrap();
    let mut draws = ChaCha20Rng::seed_from_u64(5);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..40 {
        let (leaf, retrieved) =
            patient().leaf(&target(&gateway), &file.root, &mut draws, &mut trace()).await.unwrap();
        assert_eq!(leaf.codec(), RAW);
        assert!((3..=4).contains(&retrieved.blocks), "{retrieved:?}");
        seen.insert(leaf);
    }
    assert!(seen.len() > 20, "{} of 100 leaves in 40 draws", seen.len());
}

#[tokio::test]
async fn a_block_and_a_piece_are_retrieved_by_every_name() {
    let bytes = random(6, 500_000);
    let file = file(&bytes[..1000], 1000, 4);
    let mut library = dag::library(&file);
    let names = piece(&bytes);
    names.iter().for_each(|name| library.put_piece(*name, bytes.clone()));
    let gateway = Gateway::start(library).await.unwrap();
    let block = patient().raw(&target(&gateway), &file.root, &mut trace()).await.unwrap();
    assert_eq!(block, bytes[..1000]);
    for name in names {
        let retrieved = patient().piece(&target(&gateway), &name, 500_000, &mut trace()).await.unwrap();
        assert_eq!(retrieved, Retrieved { blocks: 1, bytes: 500_000 });
    }
}

#[tokio::test]
async fn roots_in_the_header_mean_nothing_and_a_path_of_a_gateway_is_kept() {
    let file = file(&random(7, 50_000), 10_000, 4);
    let gateway = Gateway::start(dag::library(&file)).await.unwrap();
    gateway.fault(Some(Fault::OtherRoots));
    patient().car(&target(&gateway), &file.root, Part::Whole, 60_000, &mut trace()).await.unwrap();
    let below = target(&gateway).with_path("/below/?x=y").unwrap();
    let failure = patient().raw(&below, &file.root, &mut trace()).await.unwrap_err();
    assert_eq!(failure.code(), "HTTP_404");
}
