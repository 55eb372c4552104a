//! Curio's market (`mk20`) over HTTP.

mod answer;
mod book;
mod check;
mod document;
mod fetch;
mod misdeed;
mod serve;
mod swagger;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_domain::Clock;
use apogee_market_http::Ulid;
use fvm_shared::address::{Address, Network};
use fvm_shared::clock::ChainEpoch;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use self::book::{Fetched, Progress, Taken};
pub use self::misdeed::Misdeed;

use self::book::Book;

/// What a market is.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The miners of its cluster.
    pub miners: Vec<Address>,
    /// How it writes addresses.
    pub network: Network,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// The chain's head, as it sees it.
    pub head: ChainEpoch,
    /// Epochs that it takes to seal.
    pub sealing: ChainEpoch,
    /// Bytes of a sector.
    pub sector: u64,
    /// Products that it knows, and whether they are switched on.
    pub products: Vec<(&'static str, bool)>,
    /// Sources that it knows (`http`, `aggregate`, `offline`, `put`), and whether they are switched on.
    pub sources: Vec<(&'static str, bool)>,
    /// Miners that take no deals here.
    pub disabled: Vec<Address>,
    /// Who is let in at all; `None`: everybody.
    pub known: Option<Vec<Address>>,
    /// Whose deals are taken; `None`: everybody's.
    pub allowed: Option<Vec<Address>>,
    /// Whether it has too much to do.
    pub pressure: bool,
    /// Requests a second that it answers on each route.
    pub rate: u32,
    /// What becomes of a deal once its data is verified: each question for its status is one step further, the last one stays.
    pub ahead: Vec<Progress>,
}

impl Recipe {
    /// An honest market of one miner on a test network, at epoch 1,000, with sectors of 32 GiB.
    #[must_use]
    pub fn honest(miner: Address, clock: Arc<dyn Clock>) -> Self {
        Self {
            miners: vec![miner],
            network: Network::Testnet,
            clock,
            head: 1_000,
            sealing: 960,
            sector: 32 << 30,
            products: vec![("ddo_v1", true), ("retrieval_v1", true)],
            sources: vec![("http", true), ("put", true), ("aggregate", false), ("offline", false)],
            disabled: vec![],
            known: None,
            allowed: None,
            pressure: false,
            rate: 50,
            ahead: vec![],
        }
    }
}

/// A request, as far as behaviour may depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number, from 0.
    pub number: u64,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
}

type Behaviour = Arc<dyn Fn(&Asked) -> Option<Misdeed> + Send + Sync>;

struct State {
    behaviour: Behaviour,
    asked: Vec<Asked>,
    /// Requests of the present second, by route.
    present: (i64, BTreeMap<String, u32>),
}

struct Shared {
    recipe: Recipe,
    web: apogee_outbound::Client,
    state: Mutex<State>,
    book: Mutex<Book>,
    fetching: Mutex<JoinSet<()>>,
    /// Something has become of a deal's data.
    changed: Notify,
}

/// What is kept is whole between its methods, so a task that panicked elsewhere does no harm.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    fn fetching(&self) -> MutexGuard<'_, JoinSet<()>> {
        lock(&self.fetching)
    }

    /// Count a request, and say what goes wrong with it.
    fn asked(&self, mut asked: Asked) -> Option<Misdeed> {
        let mut state = lock(&self.state);
        asked.number = state.asked.len() as u64;
        let behaviour = state.behaviour.clone();
        state.asked.push(asked.clone());
        drop(state);
        behaviour(&asked)
    }

    /// Whether one more request on this route is within the rate.
    fn admits(&self, route: &str) -> bool {
        let second = self.seconds(None);
        let mut state = lock(&self.state);
        if state.present.0 != second {
            state.present = (second, BTreeMap::new());
        }
        let asked = state.present.1.entry(route.to_owned()).or_default();
        *asked += 1;
        *asked <= self.recipe.rate
    }

    /// What its clock shows, in seconds since 1970.
    fn seconds(&self, misdeed: Option<&Misdeed>) -> i64 {
        let off = match misdeed {
            Some(Misdeed::Clock(minutes)) => minutes.saturating_mul(60),
            _ => 0,
        };
        self.recipe.clock.now().seconds().saturating_add(off)
    }
}

/// A market does not come about.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen.
    #[error("it cannot listen")]
    Listen(#[from] io::Error),
    /// It cannot fetch.
    #[error("TLS could not be configured")]
    Tls(#[from] rustls::Error),
}

/// A market at work. Dropping it ends it, and what it fetches.
pub struct Market {
    shared: Arc<Shared>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl fmt::Debug for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Market").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Market {
    /// One on a free port of loopback.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(recipe: Recipe) -> Result<Self, StartError> {
        Self::on(TcpListener::bind("127.0.0.1:0").await?, recipe)
    }

    /// One that listens here.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn on(listener: TcpListener, recipe: Recipe) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        let state = State { behaviour: Arc::new(|_| None), asked: vec![], present: (0, BTreeMap::new()) };
        let shared = Arc::new(Shared {
            book: Mutex::new(Book::new(recipe.ahead.clone())),
            recipe,
            web: fetch::client()?,
            state: Mutex::new(state),
            fetching: Mutex::default(),
            changed: Notify::new(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve::serve(listener, shared.clone()));
        Ok(Self { shared, address, _serving: serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as miners announce it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on, do this wrong with every request; `None`: nothing.
    pub fn misbehave(&self, misdeed: Option<Misdeed>) {
        self.behave(move |_| misdeed.clone());
    }

    /// From now on, let `behaviour` say of each request what is done wrong with it.
    pub fn behave(&self, behaviour: impl Fn(&Asked) -> Option<Misdeed> + Send + Sync + 'static) {
        lock(&self.shared.state).behaviour = Arc::new(behaviour);
    }

    /// All requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.state).asked.clone()
    }

    /// The deals that it has taken, by name.
    #[must_use]
    pub fn deals(&self) -> Vec<(Ulid, Taken)> {
        self.shared.book().all().iter().map(|(name, taken)| (*name, taken.clone())).collect()
    }

    /// Move a deal to this state. What its data is doing goes on.
    pub fn set_progress(&self, deal: Ulid, progress: Progress) {
        if let Some(taken) = self.shared.book().get_mut(&deal) {
            taken.progress = progress;
        }
    }

    /// Wait until it is known what has become of a deal's data; for ever, if it is never fetched.
    pub async fn settled(&self, deal: Ulid) -> Fetched {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let fetched = self.shared.book().all().get(&deal).map(|taken| taken.fetched);
            if let Some(fetched @ (Fetched::Verified | Fetched::Failed)) = fetched {
                return fetched;
            }
            changed.await;
        }
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.shared.fetching().abort_all();
    }
}
