#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod postgres;

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// A file or folder bundled with the repository under `examples/`.
#[must_use]
pub fn example(path: &str) -> PathBuf {
    workspace().join("examples").join(path)
}

/// A file or folder of the data that is not bundled: below `$APOGEE_DATA`, else `../shared/data` beside the workspace.
///
/// `None` where it is absent; that is said on standard error.
#[must_use]
pub fn data(path: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the data lies")]
    let root =
        std::env::var("APOGEE_DATA").map_or_else(|_| workspace().join("../shared/data"), PathBuf::from);
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED: {path} is absent; set APOGEE_DATA to the folder that holds it");
    None
}
