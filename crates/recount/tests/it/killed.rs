//! A process that counts is killed at any moment: the next one goes on, or begins again, and comes to the same bytes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use apogee_recount::Job;
use apogee_spacemesh::id::GenesisId;

use crate::made::{made, settings};
use crate::recording::never;

/// What tells the process that counts where it does.
const FOLDER: &str = "APOGEE_DATA_RECOUNT";
/// How long nothing may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Layers, ballots in each, and how often it is killed.
fn size() -> (u32, u32, u32) {
    if std::env::var_os("APOGEE_FULL").is_some() { (4_032, 50, 40) } else { (512, 16, 16) }
}

fn job(folder: &Path, copy: PathBuf, genesis: GenesisId) -> Job {
    Job {
        copy,
        genesis,
        reading: apogee_spacemesh_state::Limits { kilosteps: u64::MAX, ..Default::default() },
        settings: settings(64),
        out: folder.join("report.json"),
        checkpoint: Some(folder.join("checkpoint.json")),
    }
}

#[test]
#[ignore = "the process that another test starts and kills"]
fn a_process_that_counts() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let genesis = std::fs::read_to_string(folder.join("genesis")).unwrap().parse().unwrap();
    job(&folder, folder.join("large.sql"), genesis).run(&never(), &mut |_| ()).unwrap();
}

/// This test's own program, counting.
fn process(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::a_process_that_counts", "--ignored", "--test-threads", "1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kill it once it has lived so long, or once `there` is there. Whether it had not come to its end.
fn killed(folder: &Path, after: Duration, there: Option<&Path>) -> bool {
    let (mut process, begun) = (process(folder), Instant::now());
    let due = |begun: Instant| there.map_or(begun.elapsed() >= after, Path::exists);
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if due(begun) {
            process.kill().unwrap();
            break process.wait().unwrap();
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_micros(200));
    };
    !status.success()
}

#[test]
fn killed_at_any_moment_it_comes_to_the_same_bytes() {
    let (layers, ballots, kills) = size();
    let place = tempfile::tempdir().unwrap();
    let Some((copy, genesis)) = made(place.path(), layers, ballots).unwrap() else { return };
    std::fs::write(place.path().join("genesis"), genesis.to_string()).unwrap();
    let counted = blake3::hash(&std::fs::read(&copy).unwrap());
    let (out, checkpoint) = (place.path().join("report.json"), place.path().join("checkpoint.json"));

    // Undisturbed, in a process of its own as well: how long that takes, and what it comes to.
    let begun = Instant::now();
    assert!(process(place.path()).wait().unwrap().success());
    let whole = begun.elapsed();
    let undisturbed = std::fs::read(&out).unwrap();
    std::fs::remove_file(&out).unwrap();

    // One end is as soon as there is something to go on from; the others are spread by a fixed draw.
    assert!(killed(place.path(), whole, Some(&checkpoint)));
    assert!(checkpoint.exists());
    let (mut draw, mut before, mut gone_on) = (1_u64, 0, 1);
    for _ in 0..kills {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let after = whole.mul_f64((draw >> 40) as f64 / (1 << 24) as f64);
        if killed(place.path(), after, None) {
            gone_on += u32::from(checkpoint.exists());
            before += 1;
        }
        match std::fs::read(&out) {
            Ok(report) => {
                assert!(report == undisturbed, "a report is there whole");
                std::fs::remove_file(&out).unwrap();
            }
            Err(_) => assert!(before > 0),
        }
        assert_eq!(blake3::hash(&std::fs::read(&copy).unwrap()), counted, "the copy is read alone");
    }
    assert!(process(place.path()).wait().unwrap().success());
    assert!(std::fs::read(&out).unwrap() == undisturbed);
    assert!(!checkpoint.exists());
    println!("{before} of {kills} were killed before their end, {gone_on} left something to go on from");
    assert!(before >= kills / 4, "{before} of {kills} ends came before the process's own");
}
