use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::answer::{Answer, Refusal};
use crate::ledger::Ledger;
use crate::mischief::Mischief;
use crate::{http, methods};

/// A chain that a node serves.
pub trait Chain: Send + Sync + fmt::Debug {
    /// Its blocks, tipsets and head.
    fn ledger(&self) -> &Ledger;

    /// The answer to a method that the ledger alone cannot answer, `Filecoin.` included in its name; `None` when there is no
    /// such method.
    fn answer(&self, method: &str, params: &[Value]) -> Option<Answer>;

    /// Whether the answer will only be there once the head has moved: the node asks again then.
    fn is_waiting(&self, _method: &str, _params: &[Value]) -> bool {
        false
    }
}

/// Who may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The token that may do everything. Without a token a caller may read; with another one it gets 401. `None`: any token
    /// is good.
    pub token: Option<String>,
}

/// What the tasks of a node share.
pub(crate) struct Shared {
    pub(crate) chain: Arc<dyn Chain>,
    pub(crate) access: Access,
    pub(crate) mischief: Arc<Mischief>,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn call(&self, method: &str, params: &[Value]) -> Answer {
        let own = methods::answer(self.chain.ledger(), method, params);
        match own {
            Some(Ok(result)) => Ok(result),
            // The chain may know by heart what its blocks do not tell.
            Some(Err(refusal)) => match self.chain.answer(method, params) {
                Some(Ok(result)) => Ok(result),
                _ => Err(refusal),
            },
            None => self.chain.answer(method, params).unwrap_or_else(|| Err(Refusal::unknown_method(method))),
        }
    }
}

/// A node that answers until it is shut down or dropped. Then connections end without a farewell, as those of a killed Lotus.
#[derive(Debug)]
pub struct SimNode {
    address: SocketAddr,
    mischief: Arc<Mischief>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SimNode {
    /// Serve `chain` on `listener`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, chain: Arc<dyn Chain>, access: Access) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let mischief = Arc::new(Mischief::default());
        let shared = Arc::new(Shared { chain, access, mischief: mischief.clone(), stopped: stopped.clone() });
        let task = tokio::spawn(http::serve(listener, shared, stopped));
        Ok(Self { address, mischief, stop, task })
    }

    /// Where it answers: `http://127.0.0.1:1234/rpc/v1`. For the WebSocket replace `http` by `ws`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/rpc/v1", self.address)
    }

    /// How it misbehaves.
    #[must_use]
    pub const fn mischief(&self) -> &Arc<Mischief> {
        &self.mischief
    }

    /// Stop answering.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the simulated node did not end well");
        }
    }
}

impl Drop for SimNode {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
