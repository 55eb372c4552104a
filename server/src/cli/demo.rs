//! `apogee demo`

mod fleet;
mod live;
mod people;
mod providers;
mod retrieval;
mod sprint;
mod story;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_domain::Network;
use apogee_store::Store;
use clap::Args;

use self::live::Live;
use self::retrieval::Retrieval;
use self::sprint::SPRINT;
use super::{Answer, Failure, progress, serve};
use crate::config::{self, Config, Secret};
use crate::follow::indexer;
use crate::networks::Prepared;
use crate::store::Place;
use crate::tellers::Teller;
use crate::{edge, networks};

/// Where the recording lies in a checkout.
const RECORDING: &str = "examples/devnet-a";

/// Where the replay of Space Race 1 lies.
const HISTORY: &str = "examples/sr1-history/sr1-history.apogee.zst";

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Folder of the recording, or an archive in it; by default the one that comes with the program
    #[arg(long, value_name = "PATH")]
    recording: Option<PathBuf>,
    /// Let the network that is made while the demo runs have a wallet and a faucet as well
    #[arg(long)]
    live: bool,
    /// Database file to keep; by default a temporary one. In one that is kept nobody is probed, and no network is made unless --live asks for it
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let mut config = Config::defaults().map_err(Failure::input)?;
        // Bots say that they wait for the server, which is not there yet.
        let filter = "warn,apogee_bot=error".to_owned();
        crate::log::start(&config::Log { filter, ..config.log.clone() }).map_err(Failure::input)?;
        let folder = self.recording.map_or_else(bundled, Ok)?;
        let settings = config::Network { recording: Some(folder), ..config::Network::default() };
        let prepared = networks::prepare(None, &settings)?;
        let listener = serve::listen(self.listen).await?;
        let temporary = tempfile::tempdir().map_err(Failure::world)?;
        let shown = self.data.is_none();
        let file = self.data.unwrap_or_else(|| temporary.path().join("demo.sqlite"));
        let store = Place::of(&Secret::new(format!("sqlite:{}", file.display())))?.open().await?;

        let chain = prepared.clone().open().await?;
        let begun = Instant::now();
        let name = chain.network.id.clone();
        let mut indexer = indexer(chain.clone(), store.clone(), edge::entropy_source()?);
        let cursor = progress::backfill(&mut indexer, &chain, &store).await?;
        let (mut passed, mut failed) = (0_u64, 0_u64);
        for check in &cursor.checks {
            passed = passed.saturating_add(check.passed);
            failed = failed.saturating_add(check.failed);
        }
        println!(
            "Indexed {name} up to epoch {} in {} ms: {passed} checks passed, {failed} failed.",
            cursor.epoch,
            begun.elapsed().as_millis()
        );
        println!("Digest {}", cursor.digest);
        SPRINT.found(&*store, &chain.network).await?;
        if let Some(file) = beside(HISTORY) {
            super::package::import_once(&*store, &file).await?;
        }
        let served = listener.local_addr().map_err(Failure::world)?;
        config.identity = people::open(&*store, served).await?;
        let mut networks = vec![prepared];
        let mut live = None;
        if shown || self.live {
            let wallet = if self.live { Some((temporary.path(), &mut config)) } else { None };
            let made = Live::start(wallet).await?;
            networks.push(made.network.clone());
            live = Some(made);
            println!("A network is made while you look: http://{served}/n/simnet/board");
        }
        if self.live {
            println!("Its faucet is http://{served}/faucet/simnet");
        }
        let retrieval = match &live {
            // The next start has another seed, and makes another network.
            Some(live) if shown => {
                let network = index(live.network.clone(), &store).await?;
                Some(Retrieval::start(&*store, &network, temporary.path(), served, &mut config).await?)
            }
            _ => None,
        };
        let tellers = Teller::all(&config, &networks, &[])?;
        let work = serve::Work { networks, tellers, ..serve::Work::default() };
        serve::serve(listener, store, work, &config, Duration::from_secs(1)).await?;
        if let Some(retrieval) = retrieval {
            retrieval.end().await;
        }
        Ok(Answer::Yes)
    }
}

/// Index a network as far as it is, so that its competition has somewhere to be.
async fn index(network: Prepared, store: &Arc<dyn Store>) -> Result<Network, Failure> {
    let chain = network.open().await?;
    let mut indexer = indexer(chain.clone(), Arc::clone(store), edge::entropy_source()?);
    progress::backfill(&mut indexer, &chain, store).await?;
    Ok(chain.network)
}

/// The recording that comes with the program.
fn bundled() -> Result<PathBuf, Failure> {
    beside(&format!("{RECORDING}/chain.car.zst")).and_then(|file| file.parent().map(Path::to_owned)).ok_or_else(|| {
        Failure::input(format!(
            "no {RECORDING} in this folder, beside the program, or above either: name the folder of a recording with --recording"
        ))
    })
}

/// A file that comes with the program: below the folder it runs in or one above, beside the program, or where it was built.
fn beside(file: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [here.as_deref(), program.as_deref(), Some(built)];
    let mut files = places.into_iter().flatten().flat_map(Path::ancestors).map(|folder| folder.join(file));
    files.find(|file| file.is_file())
}
