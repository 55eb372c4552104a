use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fvm_shared::address::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backoff::{Backoff, Exponential};
use super::dialect::Dialect;
use super::endpoint::Endpoint;
use super::error::{Fault, RpcError};
use super::http::Http;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For the connection to stand.
    pub connect_timeout: Duration,
    /// For a whole ordinary call, body included.
    pub timeout: Duration,
    /// For calls that make the node work: `StateCompute`, `StateWaitMsg`, ….
    pub long_timeout: Duration,
    /// Largest answer to an ordinary call, in bytes.
    pub body_limit: usize,
    /// Largest answer to `StateCompute` and `MpoolPending`, in bytes; 7 to 19 MB were seen for a mainnet tipset.
    pub large_body_limit: usize,
    /// Letter of the addresses that are sent.
    pub network: Network,
    /// When reading is repeated.
    pub backoff: Arc<dyn Backoff>,
}

impl Default for Settings {
    /// 5 s to connect, 30 s and 16 MiB for a call, 5 minutes and 128 MiB for a large one, `t` addresses, four attempts.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            long_timeout: Duration::from_secs(300),
            body_limit: 16 << 20,
            large_body_limit: 128 << 20,
            network: Network::Testnet,
            backoff: Arc::new(Exponential::new(4, Duration::from_millis(250), Duration::from_secs(5), 1)),
        }
    }
}

/// One node. Methods are in [`methods`](super::methods), by topic.
pub struct Client {
    http: Http,
    pub(super) settings: Settings,
    dialect: tokio::sync::OnceCell<Dialect>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.name())
    }
}

/// Time and size that a call may take.
#[derive(Clone, Copy)]
pub(super) enum Size {
    Ordinary,
    /// The node has to work, and answers at length.
    Large,
}

impl Client {
    /// A client for `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the system's TLS set-up cannot be used.
    pub fn new(endpoint: Endpoint, settings: Settings) -> Result<Self, RpcError> {
        let name = endpoint.name().to_owned();
        match Http::new(endpoint, &settings) {
            Ok(http) => Ok(Self { http, settings, dialect: tokio::sync::OnceCell::new() }),
            Err(error) => {
                Err(RpcError { endpoint: name, method: "(set-up)", fault: Fault::Transport(error.into()) })
            }
        }
    }

    /// The endpoint's name: scheme, host and port.
    #[must_use]
    pub fn name(&self) -> &str {
        self.http.endpoint().name()
    }

    /// Where it is.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        self.http.endpoint()
    }

    /// Which kind of node it is; asked for once.
    ///
    /// # Errors
    /// When `Version` gives no answer.
    pub async fn dialect(&self) -> Result<Dialect, RpcError> {
        let ask = || async { Ok(Dialect::of(&self.version().await?.agent)) };
        self.dialect.get_or_try_init(ask).await.copied()
    }

    /// A method that this client has no words for: its name without prefix, its parameters by position. It is called once, as an ordinary call.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn call<P: Serialize, T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<T, RpcError> {
        self.once(method, params, Size::Ordinary).await
    }

    /// The letter of the addresses that are sent.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.settings.network
    }

    /// A call that changes nothing: asked again after a passing fault, as long as the backoff allows.
    pub(super) async fn read<P: Serialize + Clone, T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: P,
        size: Size,
    ) -> Result<T, RpcError> {
        let mut failures = 0;
        loop {
            match self.once(method, params.clone(), size).await {
                Err(error) if error.fault.is_passing() => {
                    failures += 1;
                    tracing::debug!(endpoint = self.name(), method, failures, fault = %error.fault, "call failed");
                    if !self.settings.backoff.wait(failures).await {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
        }
    }

    /// A call that is made once.
    pub(super) async fn once<P: Serialize, T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: P,
        size: Size,
    ) -> Result<T, RpcError> {
        let (timeout, limit) = match size {
            Size::Ordinary => (self.settings.timeout, self.settings.body_limit),
            Size::Large => (self.settings.long_timeout, self.settings.large_body_limit),
        };
        let answer = self.http.call(method, params, timeout, limit).await;
        answer.map_err(|fault| self.error(method, fault))
    }

    pub(super) fn error(&self, method: &'static str, fault: Fault) -> RpcError {
        RpcError { endpoint: self.name().to_owned(), method, fault }
    }

    /// `answer` converted into a chain type.
    pub(super) fn checked<J, T>(&self, method: &'static str, answer: J) -> Result<T, RpcError>
    where
        T: TryFrom<J>,
        T::Error: fmt::Display,
    {
        T::try_from(answer).map_err(|error| self.error(method, Fault::Malformed(error.to_string())))
    }
}
