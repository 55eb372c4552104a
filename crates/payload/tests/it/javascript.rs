//! Against the published libraries for JavaScript: `tests/js`, installed by `cargo xtask setup`.

use std::path::{Path, PathBuf};
use std::process::Command;

use apogee_payload::{Car, Dag, Layout};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::payload;

/// A file for the libraries.
#[derive(Serialize)]
struct File {
    path: PathBuf,
    /// Bytes and links; the profile's where they are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<usize>,
}

/// What is compared.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Names {
    root: String,
    size: u64,
    sha256: String,
    v1: String,
    v2: String,
}

impl Names {
    fn of(car: &Car) -> Self {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 100_000];
        let mut at = 0;
        while at < car.size() {
            let many = car.read_at(at, &mut buffer);
            hash.update(&buffer[..many]);
            at += many as u64;
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let piece = car.piece();
        Self {
            root: car.dag().root().to_string(),
            size: car.size(),
            sha256,
            v1: piece.v1().to_string(),
            v2: piece.v2().to_string(),
        }
    }
}

/// Bytes of a leaf and links of a node, where they are not the profile's.
type Cut = Option<(usize, usize)>;

/// Sizes and cuts of a hundred files: where leaves and nodes begin and end, several levels, and whatever else is drawn.
fn files() -> Vec<(u64, Cut)> {
    const MIB: u64 = 1 << 20;
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let edges = [0, 1, 2, 33, 64, 65, 127, 128, 1_016, 65_536, 262_144, MIB - 1, MIB, MIB + 1];
    let mut files: Vec<(u64, Cut)> = edges.map(|size| (size, None)).to_vec();
    files.extend([2 * MIB, 2 * MIB + 1, 5 * MIB + 321].map(|size| (size, None)));
    // As many links as the profile has, and as the importer takes without one: a leaf more than a node takes.
    files.push((1_024 * 1_024 + 3, Some((1_024, 1_024))));
    files.push((174 * 1_024 + 5, Some((1_024, 174))));
    for (leaf, links) in [(256, 2), (256, 3), (1_024, 4), (1_000, 30)] {
        let node = (leaf * links) as u64;
        let nodes = node * links as u64;
        let edges = [node - 1, node, node + 1, nodes, nodes + 1, nodes + node + leaf as u64 + 1];
        files.extend(edges.map(|size| (size, Some((leaf, links)))));
    }
    while files.len() < 75 {
        files.push((random.random_range(0..5 * MIB / 4), None));
    }
    while files.len() < 100 {
        let cut = (random.random_range(256..4_096), random.random_range(2..40));
        files.push((random.random_range(0..200_000), Some(cut)));
    }
    files
}

/// The folder with the libraries. `None` where they are not installed, which is said.
fn libraries() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
    let installed = folder.join("node_modules/ipfs-unixfs-importer").exists();
    if installed && Command::new("node").arg("--version").output().is_ok() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: Node or the packages of crates/payload/tests/js are absent; `cargo xtask setup` installs them"
    );
    None
}

#[test]
fn roots_cars_and_pieces_of_a_hundred_files_are_those_of_the_javascript_libraries() {
    let Some(libraries) = libraries() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    let mut own = Vec::new();
    for (number, (size, cut)) in files().into_iter().enumerate() {
        let payload = payload(&format!("file-{number}"), size);
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, crate::all(&payload)).unwrap();
        let layout = cut.map_or(Layout::default(), |(leaf, links)| Layout::new(leaf, links).unwrap());
        own.push(Names::of(&Car::new(Dag::new(payload, layout))));
        let (leaf, links) = cut.unzip();
        list.push(File { path, leaf, links });
    }
    assert_eq!(list.len(), 100);
    let (asked, told) = (folder.path().join("list.json"), folder.path().join("answers.json"));
    std::fs::write(&asked, serde_json::to_vec(&list).unwrap()).unwrap();
    let node =
        Command::new("node").arg("check.mjs").args([&asked, &told]).current_dir(&libraries).output().unwrap();
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let theirs: Vec<Names> = serde_json::from_slice(&std::fs::read(told).unwrap()).unwrap();
    assert_eq!(theirs.len(), own.len());
    for ((theirs, own), (size, cut)) in theirs.iter().zip(&own).zip(files()) {
        assert_eq!(theirs, own, "{size} bytes, {cut:?}");
    }
}
