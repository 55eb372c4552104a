#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod answer;
mod chain;
mod fault;
mod fields;
mod json;
mod made;
mod recorded;
mod refusal;
mod rules;
mod serve;
mod service;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use chain::{Chain, Known, Network, TransactionState};
pub use fault::Fault;
pub use made::{Made, Recipe, Undone};
pub use recorded::{NoSuchCopy, Recorded};
pub use refusal::{Code, Refusal};

/// How many requests are remembered: the oldest go.
const REMEMBERED: usize = 10_000;

/// A request, as far as behaviour may depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number, from 0.
    pub number: u64,
    /// The version of the protocol: `v2beta1`.
    pub version: String,
    /// Service and method: `RewardService/List`.
    pub method: String,
    /// Where its page begins.
    pub offset: usize,
}

type Behaviour = Arc<dyn Fn(&Asked) -> Option<Fault> + Send + Sync>;

struct Manners {
    behaviour: Behaviour,
    asked: VecDeque<Asked>,
    count: u64,
}

struct Shared<C> {
    chain: Mutex<C>,
    manners: Mutex<Manners>,
    /// Whether the node is no more. Connections that stand outlive it.
    gone: AtomicBool,
}

/// What is kept is whole between its methods, so a task that panicked elsewhere does no harm.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Shared<C> {
    /// Count a request, and say what goes wrong with it.
    fn asked(&self, mut asked: Asked) -> (u64, Option<Fault>) {
        let mut manners = lock(&self.manners);
        asked.number = manners.count;
        manners.count += 1;
        if manners.asked.len() == REMEMBERED {
            manners.asked.pop_front();
        }
        manners.asked.push_back(asked.clone());
        let behaviour = manners.behaviour.clone();
        drop(manners);
        (asked.number, behaviour(&asked))
    }
}

/// A node at work. Dropping it ends it: nothing is answered any more.
pub struct Mesh<C> {
    shared: Arc<Shared<C>>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl<C> fmt::Debug for Mesh<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<C: Chain> Mesh<C> {
    /// One that serves `chain` on this port of loopback; 0 for any that is free.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, chain: C) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let manners = Manners { behaviour: Arc::new(|_| None), asked: VecDeque::new(), count: 0 };
        let (chain, manners) = (Mutex::new(chain), Mutex::new(manners));
        let shared = Arc::new(Shared { chain, manners, gone: AtomicBool::new(false) });
        let mut serving = JoinSet::new();
        serving.spawn(serve::serve(listener, shared.clone()));
        Ok(Self { shared, address, _serving: serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a client is told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its chain. No request is answered while it is held.
    pub fn chain(&self) -> MutexGuard<'_, C> {
        lock(&self.shared.chain)
    }

    /// From now on, do this wrong with every request; `None`: nothing.
    pub fn misbehave(&self, fault: Option<Fault>) {
        self.behave(move |_| fault.clone());
    }

    /// From now on, let `behaviour` say of each request what is done wrong with it.
    pub fn behave(&self, behaviour: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        lock(&self.shared.manners).behaviour = Arc::new(behaviour);
    }

    /// The latest requests, ten thousand at most.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.manners).asked.iter().cloned().collect()
    }
}

impl<C> Drop for Mesh<C> {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Relaxed);
    }
}
