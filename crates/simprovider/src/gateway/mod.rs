//! A trustless gateway and piece server over HTTP.

mod answer;
mod car;
mod fault;
mod library;
mod serve;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use self::fault::Fault;
pub use self::library::Library;

/// A request, as far as behaviour may depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number, from 0.
    pub number: u64,
    /// Path and query.
    pub path: String,
}

type Behaviour = Arc<dyn Fn(&Asked) -> Option<Fault> + Send + Sync>;

struct State {
    behaviour: Behaviour,
    asked: Vec<Asked>,
}

struct Shared {
    library: Library,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Count a request, and say what goes wrong with it.
    fn asked(&self, path: &str) -> Option<Fault> {
        let mut state = self.state();
        let asked = Asked { number: state.asked.len() as u64, path: path.into() };
        let behaviour = state.behaviour.clone();
        state.asked.push(asked.clone());
        drop(state);
        behaviour(&asked)
    }
}

/// A gateway that serves until it is dropped.
pub struct Gateway {
    shared: Arc<Shared>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Gateway {
    /// One on a free port of loopback.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn start(library: Library) -> io::Result<Self> {
        Self::on(TcpListener::bind("127.0.0.1:0").await?, library)
    }

    /// One that listens here.
    ///
    /// # Errors
    /// Where the listener has no address.
    pub fn on(listener: TcpListener, library: Library) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = State { behaviour: Arc::new(|_| None), asked: vec![] };
        let shared = Arc::new(Shared { library, state: Mutex::new(state) });
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

    /// From now on, let every request go wrong in this way; `None`: let none.
    pub fn fault(&self, fault: Option<Fault>) {
        self.behave(move |_| fault.clone());
    }

    /// From now on, let `behaviour` say of each request what goes wrong with it.
    pub fn behave(&self, behaviour: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        self.shared.state().behaviour = Arc::new(behaviour);
    }

    /// All requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }
}
