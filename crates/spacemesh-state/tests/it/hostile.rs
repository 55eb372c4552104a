//! Files that are not what they should be. Nothing is written whatever they are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::Path;

use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh_state::{GenesisCheck, Limits, OpenError, ReadError, State};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::recording::{FILES, all, recording};

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// What becomes of the file `bytes` in a folder that `prepare` has put its things into.
fn open(bytes: &[u8], genesis: &GenesisId, prepare: impl FnOnce(&Path)) -> Result<(), OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a copy, 100% ?#.sql");
    std::fs::write(&path, bytes).unwrap();
    prepare(folder.path());
    let before = contents(folder.path());
    let opened = State::open(&path, genesis, Limits::default()).map(drop);
    assert_eq!(contents(folder.path()), before, "nothing is written");
    opened
}

#[test]
fn a_file_that_is_no_whole_copy_is_refused_with_its_reason() {
    let Some(recording) = recording() else { return };
    let good = std::fs::read(recording.path("state_a")).unwrap();
    let plain = |bytes: &[u8]| open(bytes, &recording.genesis, |_| ());
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        plain(&bytes).unwrap_err()
    };
    assert!(plain(&good).is_ok());
    assert!(matches!(plain(&[]).unwrap_err(), OpenError::NoDatabase(_)));
    assert!(matches!(plain(&good[..99]).unwrap_err(), OpenError::NoDatabase(_)));
    assert!(matches!(changed(0, b's'), OpenError::NoDatabase(_)));
    assert!(matches!(changed(16, 3), OpenError::NoDatabase(_)), "a page of another size than there is");
    assert!(matches!(changed(18, 3), OpenError::NoDatabase(_)), "a way of writing that is not there yet");

    let whole = good.len() as u64;
    for cut in [100, 4_096, good.len() / 2, good.len() - 4_096, good.len() - 1] {
        let error = plain(&good[..cut]).unwrap_err();
        let OpenError::Length { expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((expected, found), (whole, cut as u64));
    }
    let long = plain(&[&good[..], &[0]].concat()).unwrap_err();
    assert!(matches!(long, OpenError::Length { .. }), "{long}");

    let error = changed(63, 26);
    assert_eq!(error.to_string(), "the schema has version 26, and [25] are known");
    assert!(matches!(changed(60, 1), OpenError::Version(_)));
}

#[test]
fn a_file_that_a_node_uses_is_refused() {
    let Some(recording) = recording() else { return };
    let good = std::fs::read(recording.path("state_a")).unwrap();
    for way in [18, 19] {
        let mut bytes = good.clone();
        bytes[way] = 2;
        let error = open(&bytes, &recording.genesis, |_| ()).unwrap_err();
        assert!(matches!(error, OpenError::WriteAhead(_)) && error.to_string().contains("VACUUM INTO"));
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        let beside = format!("a copy, 100% ?#.sql{suffix}");
        let error =
            open(&good, &recording.genesis, |folder| std::fs::write(folder.join(&beside), []).unwrap());
        let error = error.unwrap_err();
        assert!(matches!(&error, OpenError::Journal(path) if path.ends_with(&beside)), "{error}");
    }
    // A real database in use: its writer has not closed it.
    let folder = tempfile::tempdir().unwrap();
    let live = recording.changed("state_a", folder.path(), "SELECT 1");
    let writer = rusqlite::Connection::open(&live).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; DELETE FROM rewards WHERE layer = 95").unwrap();
    let link = folder.path().join("link.sql");
    std::os::unix::fs::symlink(&live, &link).unwrap();
    for path in [&live, &link] {
        let error = State::open(path, &recording.genesis, Limits::default()).unwrap_err();
        assert!(matches!(error, OpenError::Journal(_)), "{error}");
    }
    // And the copy that the message asks for.
    let copy = folder.path().join("into.sql");
    writer.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    assert_eq!(state.rewards(&all()).unwrap().iter().map(|reward| reward.layer.0).max(), Some(94));
}

#[test]
fn what_is_no_file_is_refused() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| State::open(path, &recording.genesis, Limits::default()).unwrap_err();
    assert!(matches!(open(folder.path()), OpenError::NoFile(_)));
    assert!(matches!(open(Path::new("/dev/zero")), OpenError::NoFile(_)));
    let missing = open(&folder.path().join("nothing.sql"));
    assert!(matches!(missing, OpenError::File { .. }) && missing.source().is_some());
    assert!(contents(folder.path()).is_empty());
}

#[test]
fn a_file_of_another_network_is_refused() {
    let Some(recording) = recording() else { return };
    let other = GenesisId([0xaa; 20]);
    for name in FILES {
        let error = State::open(&recording.path(name), &other, Limits::default()).unwrap_err();
        assert!(matches!(error, OpenError::Genesis { ballots: 16, .. }), "{error}");
        assert!(error.to_string().contains(&"aa".repeat(20)), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = recording.changed("state_a", folder.path(), "DELETE FROM ballots");
    let state = State::open(&copy, &other, Limits::default()).unwrap();
    assert_eq!(state.genesis_check(), GenesisCheck::NotMade, "nothing says whose it is, and that is said");
}

#[test]
fn a_schema_that_is_not_that_of_its_version_is_refused() {
    let Some(recording) = recording() else { return };
    let after = |statements: &str| {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a", folder.path(), statements);
        State::open(&copy, &recording.genesis, Limits::default()).map(drop).unwrap_err().to_string()
    };
    let lacks =
        |column: &str, table: &str| format!("the schema lacks the column {column} of the table {table}");
    assert_eq!(after("DROP TABLE rewards"), lacks("pubkey", "rewards"));
    assert_eq!(after("ALTER TABLE atxs DROP COLUMN weight"), lacks("weight", "atxs"));
    let view = "ALTER TABLE rewards RENAME TO real;
        CREATE VIEW rewards AS SELECT pubkey, coinbase, layer, total_reward, layer_reward FROM real";
    assert_eq!(after(view), lacks("pubkey", "rewards"), "a view is no table");
    let generated = "ALTER TABLE layers RENAME TO real;
        CREATE TABLE layers (id INT, weak_coin INT, processed INT, applied_block AS (zeroblob(20)), state_hash, aggregated_hash)";
    assert_eq!(after(generated), lacks("applied_block", "layers"), "and a formula is no column");
}

type Query<'a> = &'a dyn Fn(&State) -> Result<(), ReadError>;

#[test]
fn a_row_that_is_not_what_it_says_is_named() {
    let Some(recording) = recording() else { return };
    let after = |statements: &str, read: Query<'_>| {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a", folder.path(), statements);
        let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
        read(&state).unwrap_err().to_string()
    };
    let blocks = |state: &State| state.blocks(&all()).map(drop);
    let ballots = |state: &State| state.ballots(&all()).map(drop);
    let layers = |state: &State| state.layers(&all()).map(drop);
    let rewards = |state: &State| state.rewards(&all()).map(drop);
    let executed = |state: &State| state.executed(&all()).map(drop);
    let cases: [(&str, Query<'_>, &str); 13] = [
        (
            "UPDATE blocks SET layer = 33 WHERE layer = 32",
            &blocks,
            "blocks.layer is another layer than the block's",
        ),
        (
            "UPDATE blocks SET block = (SELECT block FROM blocks WHERE layer = 33) WHERE layer = 32",
            &blocks,
            "blocks.block is another block than its id says",
        ),
        ("UPDATE blocks SET block = NULL WHERE layer = 32", &blocks, "blocks.block is null"),
        ("UPDATE blocks SET block = x'00' WHERE layer = 32", &blocks, "blocks.block cannot be decoded"),
        (
            "UPDATE blocks SET validity = 2 WHERE layer = 32",
            &blocks,
            "blocks.validity is none of -1, 0 and 1",
        ),
        ("UPDATE blocks SET id = randomblob(32) WHERE layer = 32", &blocks, "blocks.id is no id of 20 bytes"),
        (
            "UPDATE ballots SET pubkey = zeroblob(32) WHERE layer = 95",
            &ballots,
            "ballots.pubkey is another smesher than the ballot's",
        ),
        (
            "UPDATE ballots SET layer = 96 WHERE layer = 95",
            &ballots,
            "ballots.layer is another layer than the ballot's",
        ),
        ("UPDATE layers SET weak_coin = 'x' WHERE id = 95", &layers, "layers.weak_coin is no integer"),
        (
            "UPDATE layers SET applied_block = x'00' WHERE id = 95",
            &layers,
            "layers.applied_block is of another length",
        ),
        ("UPDATE rewards SET total_reward = NULL WHERE layer = 95", &rewards, "rewards.total_reward is null"),
        (
            "UPDATE transactions SET tx = x'00' WHERE layer = 37",
            &executed,
            "transactions.tx is another transaction than its id says",
        ),
        (
            "UPDATE transactions SET layer = 38 WHERE layer = 37",
            &executed,
            "transactions.layer is another layer than the result's",
        ),
    ];
    for (statements, read, expected) in cases {
        assert_eq!(after(statements, read), expected, "{statements}");
    }
}

#[test]
fn reading_is_bounded_in_rows_bytes_and_steps() {
    let Some(recording) = recording() else { return };
    let open = |limits| State::open(&recording.path("state_a"), &recording.genesis, limits).unwrap();
    let rows = open(Limits { rows: 201, ..Limits::default() }).rewards(&all()).unwrap_err();
    assert!(matches!(rows, ReadError::Rows { table: "rewards", most: 201 }), "{rows}");
    assert!(open(Limits { rows: 202, ..Limits::default() }).rewards(&all()).is_ok());
    let bytes = open(Limits { bytes: 50_000, ..Limits::default() }).ballots(&all()).unwrap_err();
    assert!(matches!(bytes, ReadError::Size { table: "ballots", most: 50_000 }), "{bytes}");
    let work = open(Limits { rows: 100, ..Limits::default() });
    let work = work.recompute_rewards(&all(), recording.first).unwrap_err();
    assert!(work.to_string().contains("more than 100 rows"), "{work}");
    // Steps are counted over all that is read.
    let state = open(Limits { kilosteps: 200, ..Limits::default() });
    let steps = (0..1_000).find_map(|_| state.rewards(&all()).err()).unwrap();
    assert!(matches!(steps, ReadError::Steps { table: "rewards" }), "{steps}");

    let folder = tempfile::tempdir().unwrap();
    let large = "UPDATE blocks SET block = zeroblob(100000) WHERE layer = 32";
    let copy = recording.changed("state_a", folder.path(), large);
    let limits = Limits { cell_bytes: 50_000, ..Limits::default() };
    let state = State::open(&copy, &recording.genesis, limits).unwrap();
    let cell = state.blocks(&all()).unwrap_err();
    assert!(matches!(cell, ReadError::Size { table: "blocks", most: 50_000 }), "{cell}");
}

/// The one kind of damage that reading does not find by itself.
#[test]
fn a_row_that_an_index_does_not_name_is_found_by_looking_at_all_pages() {
    let Some(recording) = recording() else { return };
    for name in FILES {
        assert_eq!(recording.open(name).damage().unwrap(), None, "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = recording.changed("state_a", folder.path(), "SELECT 1");
    let connection = rusqlite::Connection::open(&copy).unwrap();
    let query = "SELECT rootpage FROM sqlite_schema WHERE name = 'rewards_by_layer'";
    let page: u32 = connection.query_row(query, [], |row| row.get(0)).unwrap();
    let page = page as usize;
    drop(connection);
    // Entries lie at the end of their page; the last byte is of the number of a row.
    let mut bytes = std::fs::read(&copy).unwrap();
    assert_eq!(bytes[(page - 1) * 4_096], 10, "the whole index is one page");
    bytes[page * 4_096 - 1] ^= 0x40;
    std::fs::write(&copy, bytes).unwrap();
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    let good = recording.open("state_a").rewards(&all()).unwrap();
    assert_ne!(state.rewards(&all()).unwrap(), good, "reading sees nothing wrong");
    let damage = state.damage().unwrap().unwrap();
    assert!(damage.contains("rewards_by_layer"), "{damage}");

    let limits = Limits { kilosteps: 30, ..Limits::default() };
    let state = State::open(&recording.path("state_a"), &recording.genesis, limits).unwrap();
    let cut = (0..100).find_map(|_| state.damage().err()).unwrap();
    assert!(matches!(cut, ReadError::Steps { .. }), "{cut}");
}

/// Read all there is, whatever comes of it.
fn read_all(state: &State) {
    let _ = state.layers(&all());
    let _ = state.blocks(&all());
    let _ = state.ballots(&all());
    let _ = state.beacons();
    let _ = state.hare_outputs(&all());
    let _ = state.malicious();
    let _ = state.pending();
    let _ = state.damage();
    let _ = state.check_rewards(&all(), apogee_spacemesh::id::LayerId(31));
}

/// Pages behind the schema's that were written over: read, or refused, but never a panic, and nothing is written.
#[test]
fn a_damaged_file_is_read_or_refused() {
    let Some(recording) = recording() else { return };
    let good = std::fs::read(recording.path("state_a_at_60")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sql");
    let (opened, refused) = (Cell::new(0), Cell::new(0));
    let places = proptest::collection::vec((4_096..good.len(), any::<u8>()), 1..12);
    let page = proptest::option::of((1..good.len() / 4_096, any::<u8>()));
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let outcome = runner.run(&(places, page), |(places, page)| {
        let mut bytes = good.clone();
        for (place, byte) in places {
            bytes[place] = byte;
        }
        if let Some((page, byte)) = page {
            bytes[page * 4_096..(page + 1) * 4_096].fill(byte);
        }
        std::fs::write(&path, &bytes).unwrap();
        let limits = Limits { kilosteps: 10_000, ..Limits::default() };
        let count = match State::open(&path, &recording.genesis, limits) {
            Ok(state) => {
                read_all(&state);
                &opened
            }
            Err(_) => &refused,
        };
        count.set(count.get() + 1);
        prop_assert_eq!(contents(folder.path()), BTreeMap::from([("copy.sql".to_owned(), bytes)]));
        Ok(())
    });
    outcome.unwrap();
    assert!(opened.get() > 50 && refused.get() > 10, "{} and {}", opened.get(), refused.get());
}
