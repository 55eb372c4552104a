use apogee_domain::Epoch;
use apogee_filecoin::car::{CarStore, Limits, SnapshotMetadata};
use apogee_filecoin::source::{CarSource, RecordedCertificates, Source, SourceError};
use apogee_filecoin::types::{TipsetKey, cid_of};
use apogee_testkit::{data, example};

#[test]
fn every_kind_of_archive_loads_with_every_block_checked() {
    let bundled = [
        "chain.car.zst",
        "fork-n1.car.zst",
        "genesis.car.zst",
        "real-proofs/chain.car.zst",
        "real-proofs/genesis.car.zst",
    ];
    for file in bundled {
        let store = CarStore::open(&example("devnet-a").join(file), &Limits::DEFAULT).unwrap();
        assert!(store.len() > 100, "{file}: {}", store.len());
        assert!(store.head().iter().all(|cid| store.block(cid).is_some()), "{file}");
    }
    // Blocks without those that identity CIDs carry in themselves (ten in a genesis of actors v1 to v7).
    let public = [
        ("genesis/mainnet-genesis.car", 1212),
        ("genesis/calibnet-genesis.car", 1197),
        ("genesis/butterflynet.car.zst", 7171),
        ("genesis/interopnet.car.zst", 13_747),
        ("forest/carv2.car.zst", 7153),
        ("forest/export40.car", 1581),
        ("forest/chain4.car.zst", 1222),
        ("forest/chain4.forest.car.zst", 1222),
        ("cpp-filecoin/block_validator.car", 154),
        ("cpp-filecoin/compacter.car", 353),
        ("cpp-filecoin/mpool.car", 1746),
        ("cpp-filecoin/interopnet-genesis.car", 13_747),
    ];
    for (file, blocks) in public {
        let Some(path) = data(&format!("filecoin/{file}")) else { continue };
        let store =
            CarStore::open(&path, &Limits::DEFAULT).unwrap_or_else(|error| panic!("{file}: {error:?}"));
        assert_eq!(store.len(), blocks, "{file}");
    }
}

#[test]
fn the_two_compressed_forms_of_one_snapshot_hold_the_same_blocks() {
    let (Some(plain), Some(forest)) =
        (data("filecoin/forest/chain4.car.zst"), data("filecoin/forest/chain4.forest.car.zst"))
    else {
        return;
    };
    let [plain, forest] = [plain, forest].map(|path| CarStore::open(&path, &Limits::DEFAULT).unwrap());
    assert_eq!((plain.roots(), plain.len()), (forest.roots(), forest.len()));
}

#[tokio::test]
async fn the_recorded_chain_has_its_tipsets_and_null_rounds() {
    let source = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let head = source.head().await.unwrap();
    assert_eq!(head.epoch().height(), 313);
    assert_eq!(source.oldest().await.unwrap().epoch(), Epoch::GENESIS);
    assert_eq!(source.chain().count(), 304);
    assert_eq!(source.chain().map(|tipset| tipset.blocks().len()).sum::<usize>(), 574, "573 and genesis");
    let all = source.range(head.key(), Epoch::GENESIS, Epoch::MAX).await.unwrap();
    let heights: Vec<i64> = all.iter().map(|tipset| tipset.epoch().height()).collect();
    let null: Vec<i64> = (0..=313).filter(|height| !heights.contains(height)).collect();
    assert_eq!(null, [29, 67, 97, 98, 100, 101, 104, 106, 217, 248]);
    for (parent, child) in all.iter().zip(&all[1..]) {
        assert_eq!(&child.parents(), parent.key());
    }
    let epoch = |height| Epoch::new(height).unwrap();
    let few = source.range(all[50].key(), epoch(28), epoch(31)).await.unwrap();
    assert_eq!(few.iter().map(|tipset| tipset.epoch().height()).collect::<Vec<_>>(), [28, 30, 31]);
    assert!(source.range(all[5].key(), epoch(7), epoch(9)).await.unwrap().is_empty());
    let absent = TipsetKey(vec![cid_of(b"x")]);
    assert!(matches!(source.tipset(&absent).await, Err(SourceError::Missing { .. })));
}

#[tokio::test]
async fn the_recorded_fork_is_a_path_of_13_reverts_and_21_applies() {
    let paths = ["devnet-a/chain.car.zst", "devnet-a/fork-n1.car.zst"].map(example);
    let source = CarSource::open(&[&paths[0], &paths[1]], &Limits::DEFAULT).unwrap();
    let fork = source.heads()[1].clone();
    let epoch = |height| Epoch::new(height).unwrap();
    let main = source.range(source.head().await.unwrap().key(), epoch(82), epoch(82)).await.unwrap();
    let path = source.path(&fork, main[0].key()).await.unwrap();
    let heights = |tipsets: &[apogee_filecoin::types::Tipset]| -> Vec<i64> {
        tipsets.iter().map(|tipset| tipset.epoch().height()).collect()
    };
    let (reverts, applies) = (heights(&path.revert), heights(&path.apply));
    assert_eq!((reverts.len(), applies.len()), (13, 21), "{reverts:?} {applies:?}");
    assert_eq!((reverts[0], applies[20]), (82, 82));
    assert_eq!(path.apply[0].parents(), path.revert[12].parents());

    let forked = source.clone().with_head(&fork).unwrap();
    let on_fork = forked.range(&fork, epoch(58), epoch(90)).await.unwrap();
    let from_main = source.range(&fork, epoch(58), epoch(90)).await.unwrap();
    assert_eq!(on_fork, from_main, "a fork reads the same from either head");
    assert_eq!(on_fork.last().unwrap().key(), &fork);
    assert_eq!(source.path(&fork, &fork).await.unwrap(), Default::default());
}

#[test]
fn a_cut_chain_is_refused_unless_it_is_a_snapshot() {
    let Some(path) = data("filecoin/cpp-filecoin/mpool.car") else { return };
    let error = CarSource::open(&[&path], &Limits::DEFAULT).unwrap_err();
    let text = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    assert!(text.contains("does not reach genesis"), "{text}");
    let store = CarStore::open(&path, &Limits::DEFAULT).unwrap();
    let source = CarSource::snapshot("mpool", vec![store.into()]).unwrap();
    let heights: Vec<i64> = source.chain().map(|tipset| tipset.epoch().height()).collect();
    assert_eq!(heights, [591_818, 591_819, 591_820]);
}

#[test]
fn the_head_of_a_version_2_snapshot_is_read_from_its_metadata() {
    #[derive(serde::Serialize)]
    struct Metadata {
        #[serde(rename = "F3Data")]
        f3_data: Option<cid::Cid>,
        #[serde(rename = "Version")]
        version: u64,
        #[serde(rename = "HeadTipsetKey")]
        head: Vec<cid::Cid>,
    }
    let head = vec![cid_of(b"a"), cid_of(b"b")];
    let root =
        fvm_ipld_encoding::to_vec(&Metadata { f3_data: None, version: 2, head: head.clone() }).unwrap();
    let archive = super::car_hostile::archive(&[cid_of(&root)], &[(cid_of(&root), &root)]);
    let store = CarStore::read(&*archive, &Limits::DEFAULT).unwrap();
    assert_eq!(store.head(), head);
    assert_eq!(SnapshotMetadata::from_root(b"\x80"), None);
}

#[tokio::test]
async fn recorded_certificates_are_handed_out_in_order() {
    let recording = std::fs::File::open(example("devnet-a/f3certs.jsonl.zst")).unwrap();
    let recorded = RecordedCertificates::read(recording, &Limits::DEFAULT).unwrap();
    assert_eq!((recorded.certificates.len(), recorded.tables.len()), (419, 419));
    let mut backwards = recorded.certificates;
    backwards.reverse();
    let source = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    assert!(source.certificates(0, 9).await.unwrap().is_empty());
    let source = source.with_certificates(backwards);
    let some = source.certificates(100, 7).await.unwrap();
    assert!(some.iter().map(|certificate| certificate.instance).eq(100..107));
    assert!(source.certificates(419, 7).await.unwrap().is_empty());
    let error = RecordedCertificates::read(&b"{}\n"[..], &Limits::DEFAULT).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
}
