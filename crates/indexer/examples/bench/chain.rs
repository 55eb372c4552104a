//! The bundled recording of a real network.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use apogee_filecoin::car::{CarStore, Limits};
use apogee_indexer::{Indexer, recording};

use super::process::{self, Bar};
use super::{Result, indexer};

const EPOCHS: u128 = 313;
/// Lily on such a machine, which verifies nothing, and Lotus' own verifying sync.
const SQLITE: Bar = Bar { name: "SQLite", epochs: EPOCHS, wanted: 370, other: Some(("Lily", 187)) };
const POSTGRES: Bar = Bar { name: "PostgreSQL", epochs: EPOCHS, wanted: 340, other: Some(("Lily", 171)) };
const SNARK: Bar =
    Bar { name: "SQLite, with WinningPoSt", epochs: EPOCHS, wanted: 100, other: Some(("Lotus", 70)) };

/// All of the recording, once.
#[tokio::main]
pub(crate) async fn run(folder: &Path, database: &str, snark: bool) -> Result<()> {
    let described = folder.to_owned();
    let recorded = tokio::task::spawn_blocking(move || recording::devnet(&described));
    let store = process::database(database).await?;
    let recorded = recorded.await??;
    let indexer = indexer(store, recorded.source, recorded.network, recorded.params)?;
    process::finish(if snark { with_keys(indexer, folder)? } else { indexer }).await
}

#[cfg(feature = "snark")]
fn with_keys(indexer: Indexer, folder: &Path) -> Result<Indexer> {
    use apogee_filecoin::verify::{Trust, VerifyingKeys};
    Ok(indexer.with_keys(std::sync::Arc::new(VerifyingKeys::new(folder.join("vk"), Trust::Folder))))
}

#[cfg(not(feature = "snark"))]
fn with_keys(_: Indexer, _: &Path) -> Result<Indexer> {
    Err("this build does not check SNARKs: build with --features snark".into())
}

pub(crate) fn bench(runs: usize) -> Result<bool> {
    let folder = apogee_testkit::example("devnet-a");
    let start = Instant::now();
    let archive = CarStore::open(&folder.join("chain.car.zst"), &Limits::DEFAULT)?;
    let (blocks, milliseconds) = (archive.len(), start.elapsed().as_millis());
    println!("archive: {blocks} blocks unpacked and hashed in {milliseconds} ms");
    let files = tempfile::tempdir()?;
    let number = Cell::new(0);
    let arguments = |database: String, snark: bool| -> Result<Vec<String>> {
        let mut arguments = vec!["recording".to_owned(), folder.display().to_string(), database];
        arguments.extend(snark.then(|| "snark".to_owned()));
        Ok(arguments)
    };
    let sqlite = || {
        number.set(number.get() + 1);
        files.path().join(format!("{}.sqlite", number.get())).display().to_string()
    };
    let mut good = process::measure(&SQLITE, runs, || arguments(sqlite(), false))?;
    if let Some(server) = apogee_testkit::postgres::Server::start()? {
        good &= process::measure(&POSTGRES, runs, || arguments(server.database()?, false))?;
    }
    if cfg!(feature = "snark") {
        good &= process::measure(&SNARK, runs, || arguments(sqlite(), true))?;
    }
    Ok(good)
}
