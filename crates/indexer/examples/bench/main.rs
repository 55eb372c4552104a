//! Prints how fast chains are verified and indexed, a new process for every run, from an archive into a database.
//!
//! `bench chain [RUNS]` takes the bundled recording, `bench index [RUNS]` a generated chain. Exits with 1 when a median is under its bar.

mod chain;
mod made;
mod process;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use apogee_domain::Network;
use apogee_filecoin::source::CarSource;
use apogee_filecoin::verify::NetworkParams;
use apogee_indexer::{Indexer, Options};
use apogee_store::Store;
use rand::TryRngCore;
use rand::rngs::OsRng;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const RUNS: usize = 7;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", "recording", folder, database, rest @ ..] => {
            chain::run(Path::new(folder), database, rest.contains(&"snark")).map(|()| true)
        }
        ["run", "made", archive, database] => made::run(Path::new(archive), database).map(|()| true),
        ["chain"] => chain::bench(RUNS),
        ["index"] => made::bench(RUNS),
        ["chain", runs] => runs.parse().map_err(Into::into).and_then(chain::bench),
        ["index", runs] => runs.parse().map_err(Into::into).and_then(made::bench),
        _ => Err("usage: bench chain|index [RUNS]".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            eprintln!("bench: {text}");
            ExitCode::from(2)
        }
    }
}

/// 32 bytes that nobody can foresee.
fn entropy() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed)?;
    Ok(seed)
}

fn indexer(
    store: Arc<dyn Store>,
    source: CarSource,
    network: Network,
    params: NetworkParams,
) -> Result<Indexer> {
    let seed = entropy()?;
    Ok(Indexer::new(store, Arc::new(source), network, params, Options::new(Arc::new(move || seed))))
}
