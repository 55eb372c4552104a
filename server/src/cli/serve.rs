//! `apogee serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Clock;
use apogee_rankings::Rankings;
use apogee_store::Store;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Answer, Failure, dealbot};
use crate::bots::Bots;
use crate::chats::Chats;
use crate::checks::Checks;
use crate::competitions::Stands;
use crate::config::Config;
use crate::edge::{self, SystemClock};
use crate::faucets::{Faucets, NoFaucet};
use crate::follow::{self, Stopped};
use crate::http::{self, Controller, Service};
use crate::networks::{self, Prepared};
use crate::nodes::Nodes;
use crate::ranked;
use crate::refunds::{NoRefund, Refunds};
use crate::sources::Sources;
use crate::spacemesh::{Followed, Node, Turn};
use crate::store::Place;
use crate::tellers::{Measures, Reports, Teller};
use crate::watch::{Feed, Watch};
use crate::web::{App, Guard, Site};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Settings; without a file the shipped ones
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, in place of what the settings say
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let config = Config::load(self.config.as_deref()).map_err(Failure::input)?;
        crate::log::start(&config.log).map_err(Failure::input)?;
        let place = Place::of(&config.store)?;
        let (mut prepared, mut layered, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        for (id, settings) in &config.networks {
            match Followed::of(id, settings).map_err(Failure::input)? {
                Some(followed) => {
                    layered.push(followed);
                    nodes.extend(Node::of(id, settings).map_err(Failure::input)?);
                }
                None => prepared.push(networks::prepare(Some(id), settings)?),
            }
        }
        let tellers = Teller::all(&config, &prepared, &nodes)?;
        let listener = listen(self.listen.unwrap_or(config.listen)).await?;
        let store = place.open().await?;
        tracing::info!(database = %place, networks = prepared.len() + layered.len(), "the database is open");
        let interval = Duration::from_secs(config.watch_seconds.max(1).into());
        let beside = place.file().map(Path::to_owned);
        let work = Work { networks: prepared, layered, tellers, beside };
        serve(listener, store, work, &config, interval).await?;
        Ok(Answer::Yes)
    }
}

pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |cause| Failure::world(format!("{address} cannot be listened on: {cause}"));
    TcpListener::bind(address).await.map_err(failed)
}

/// What is done beside answering.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Networks to index.
    pub(super) networks: Vec<Prepared>,
    /// Networks of Spacemesh to index.
    pub(super) layered: Vec<Followed>,
    /// Wallets to pay from.
    pub(super) tellers: Vec<Teller>,
    /// The file of the database, where it is one.
    pub(super) beside: Option<PathBuf>,
}

/// Work, and answer visitors, until the process is asked to end.
pub(super) async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    work: Work,
    config: &Config,
    interval: Duration,
) -> Result<(), Failure> {
    let Work { networks, layered, tellers, beside } = work;
    let clock = Arc::new(SystemClock);
    let nodes = Arc::new(Nodes::open(&config.networks).map_err(Failure::input)?);
    let sources = Arc::new(Sources::new(Arc::<SystemClock>::clone(&clock), &networks, Arc::clone(&nodes)));
    let (end, ended) = watch::channel(false);
    let (mut feeds, mut indexing) = (Vec::new(), Vec::new());
    for network in networks {
        let stopped = Stopped::default();
        let feed = match &network {
            Prepared::Recording(_) => Feed::Recorded { stopped: Arc::clone(&stopped) },
            Prepared::Nodes(nodes) => {
                Feed::Followed { pool: Arc::clone(&nodes.pool), stopped: Arc::clone(&stopped) }
            }
        };
        feeds.push((network.name().clone(), feed));
        let entropy = edge::entropy_source()?;
        indexing.push(follow::follow(network, Arc::clone(&store), entropy, stopped, ended.clone()));
    }
    let (turn, mut counted) = (Turn::default(), Vec::new());
    for network in layered {
        let stopped = Stopped::default();
        let (tell, heads) = watch::channel(None);
        let with = (&store, &(Arc::<SystemClock>::clone(&clock) as Arc<dyn Clock>), &turn);
        if let Some(keeper) = network.keeper(beside.as_deref(), with).map_err(Failure::world)? {
            counted.push((network.id().clone(), keeper.told()));
            tokio::spawn(keeper.keep(heads, ended.clone()));
        }
        let feed = match network.is_live() {
            true => Feed::Layers { stopped: Arc::clone(&stopped) },
            false => Feed::Recorded { stopped: Arc::clone(&stopped) },
        };
        feeds.push((network.id().clone(), feed));
        tokio::spawn(network.follow(Arc::clone(&store), stopped, tell, ended.clone()));
    }
    let (reports, owner) = (Reports::default(), edge::owner()?);
    let measures: Measures = tellers.iter().map(|teller| (teller.key(), teller.measures())).collect();
    for teller in tellers {
        let (store, clock, reports) =
            (Arc::clone(&store), Arc::<SystemClock>::clone(&clock), Arc::clone(&reports));
        // What a turn had begun when the process ends is whole or not there.
        tokio::spawn(teller.run(store, clock, owner.clone(), reports, ended.clone()));
    }
    let door =
        config.identity.door(Arc::clone(&store), Arc::<SystemClock>::clone(&clock), edge::entropy_source()?);
    let door = Arc::new(door.map_err(Failure::input)?);
    let shared: Arc<dyn Clock> = Arc::<SystemClock>::clone(&clock);
    let faucets = Faucets::open(config, &store, &shared, &sources).await?;
    let faucets = Arc::new(faucets);
    tokio::spawn(Arc::clone(&faucets).keep(Arc::clone(&store), ended.clone()));
    let refunds = Arc::new(Refunds::open(config, &*store, &*shared).await?);
    refunds.keep(&store, &shared, &sources, &ended);
    let bots = Bots::open(config, dealbot::secret).map_err(Failure::input)?;
    let bots = Arc::new(bots);
    bots.keep(&store, (&shared, &sources), &ended);
    let checks =
        bots.reach().map(|private| Checks::new(private, &shared)).transpose().map_err(Failure::world)?;
    let limits = &config.http;
    let watch = Arc::new(Watch::new(Arc::clone(&store), clock, feeds, counted));
    watch.look().await.map_err(Failure::world)?;
    let looking = tokio::spawn({
        let watch = Arc::clone(&watch);
        async move { watch.run(interval).await }
    });
    let rankings = Arc::new(Rankings::new(Arc::clone(&store), apogee_rankings::Limits::default()));
    let ranking = tokio::spawn(ranked::keep(Arc::clone(&rankings), watch.now(), interval));
    let site = Site::new(App {
        rankings,
        stands: Arc::new(Stands::new(Arc::clone(&store))),
        guard: Guard::new(edge::entropy()?),
        sources,
        door,
        faucets,
        chats: Arc::new(Chats::open(config)),
        nodes,
        refunds,
        reports,
        measures: Arc::new(measures),
        inbox: Arc::default(),
        checkpoint: Arc::default(),
        bots: Arc::clone(&bots),
        checks: checks.map(Arc::new),
        counted: Arc::default(),
        downloads: Default::default(),
        declaring: Arc::default(),
        store: Arc::clone(&store),
        now: watch.now(),
    });
    let [a, b, c, d, ..] = edge::entropy()?;
    let service = Arc::new(Service::new(
        site,
        watch,
        Controller::new(bots, store),
        limits.clone(),
        u32::from_le_bytes([a, b, c, d]),
    ));
    let address = listener.local_addr().map_err(Failure::world)?;
    // On standard output, and nothing else: whoever starts the program can read where it answers.
    println!("http://{address}/");
    tracing::info!(%address, "serving");
    let drain = Duration::from_secs(limits.drain_seconds.into());
    let limits = limits.clone();
    let served =
        tokio::spawn(async move { http::serve(listener, service, &limits, edge::interrupted()).await });
    let serving = async {
        // It ends when the process is asked to.
        drop(served.await);
        tracing::info!("ending");
        end.send_replace(true);
        tokio::time::sleep(drain).await;
    };
    // Indexing that has ended by itself does not end the service.
    let indexing = async {
        futures::future::join_all(indexing).await;
        let mut ended = ended;
        // An error means that nobody is left to end it.
        let _ = ended.wait_for(|end| *end).await;
    };
    tokio::select! {
        // A transaction that is cut off is undone; the next start goes on from the last whole batch.
        () = serving => tracing::warn!("indexing was cut off"),
        () = indexing => {}
    }
    looking.abort();
    ranking.abort();
    Ok(())
}

impl From<NoFaucet> for Failure {
    fn from(error: NoFaucet) -> Self {
        match error {
            NoFaucet::Store(error) => Self::world(error),
            error => Self::input(error),
        }
    }
}

impl From<NoRefund> for Failure {
    fn from(error: NoRefund) -> Self {
        match error {
            NoRefund::Store(error) => Self::world(error),
            error => Self::input(error),
        }
    }
}
