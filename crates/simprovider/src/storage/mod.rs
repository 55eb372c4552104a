//! A storage provider over libp2p.

mod book;
mod check;
mod counter;
mod misdeed;
mod swarm;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_market::DealUuid;
use apogee_market::ask::StorageAsk;
use apogee_market::deal::DealParams;
use apogee_market::transports::Transport;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use libp2p_core::transport::TransportError;
use libp2p_identity::{Keypair, PeerId};
use tokio::task::JoinHandle;

pub use book::{Client, Progress};
pub use misdeed::{Misdeed, Talk};

use book::Book;

/// What a provider is.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Its key as a peer.
    pub key: Keypair,
    /// What it says its software is.
    pub agent: String,
    /// The protocols that it speaks: of [`apogee_market::protocol`].
    pub speaks: Vec<&'static str>,
    /// Its address on the chain.
    pub miner: Address,
    /// What it asks.
    pub ask: StorageAsk,
    /// The chain's head, as it sees it.
    pub head: ChainEpoch,
    /// The least collateral of a provider, in attoFIL; twice as much is the most.
    pub least_collateral: TokenAmount,
    /// What each client has in escrow, in attoFIL.
    pub escrow: TokenAmount,
    /// Where it says that it serves what it stores.
    pub transports: Vec<Transport>,
    /// What becomes of a deal: each question for its status is one step further, the last one stays.
    pub progress: Vec<Progress>,
    /// Addresses that it announces beside those where it listens, as TCP.
    pub announces: Vec<SocketAddr>,
    /// For a secure WebSocket: a certificate and its PKCS #8 key, in DER.
    pub tls: Option<(Vec<u8>, Vec<u8>)>,
}

impl Recipe {
    /// An honest provider that asks a thousand attoFIL for a GiB and epoch, at epoch 1,000.
    #[must_use]
    pub fn honest(key: Keypair, miner: Address) -> Self {
        use apogee_market::protocol as p;
        let price = TokenAmount::from_atto(1_000);
        let ask = StorageAsk {
            price: price.clone(),
            verified_price: price,
            min_piece_size: fvm_shared::piece::PaddedPieceSize(256),
            max_piece_size: fvm_shared::piece::PaddedPieceSize(32 << 30),
            miner,
            timestamp: 900,
            expiry: 1_000_000,
            seq_no: 1,
        };
        Self {
            key,
            agent: "apogee-simprovider".into(),
            speaks: vec![p::DEAL_1_2_1, p::DEAL_1_2_0, p::STATUS_1_2_0, p::ASK_1_1_0, p::TRANSPORTS_1_0_0],
            miner,
            ask,
            head: 1_000,
            least_collateral: TokenAmount::from_atto(0),
            escrow: TokenAmount::from_whole(1_000),
            transports: Vec::new(),
            progress: vec![Progress::at("Accepted")],
            announces: Vec::new(),
            tls: None,
        }
    }
}

/// What a provider listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
    /// WebSocket over TLS.
    SecureWebSocket,
}

/// A provider that does not listen.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its key signs no handshake.
    #[error("the key signs no handshake")]
    Key(#[source] libp2p_noise::Error),
    /// Its certificate or its key is none.
    #[error("the certificate or its key is none")]
    Tls(#[source] libp2p_websocket::tls::Error),
    /// It cannot listen there.
    #[error("it cannot listen on {at}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// Why not.
        #[source]
        source: TransportError<io::Error>,
    },
    /// It stopped before it listened.
    #[error("it stopped before it listened")]
    Stopped,
    /// A protocol twice, or none.
    #[error("{0} cannot be spoken")]
    Protocol(&'static str),
}

/// A provider at work. Dropping it ends it.
#[derive(Debug)]
pub struct StorageProvider {
    peer: PeerId,
    listens: Vec<(Listen, SocketAddr)>,
    book: Arc<Mutex<Book>>,
    tasks: Vec<JoinHandle<()>>,
}

impl StorageProvider {
    /// Listen at these addresses: port 0 is any.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(recipe: Recipe, at: &[(Listen, SocketAddr)]) -> Result<Self, StartError> {
        let peer = recipe.key.public().to_peer_id();
        let book = Arc::new(Mutex::new(Book::new(&recipe)));
        let (listens, tasks) = swarm::start(&recipe, at, &book).await?;
        Ok(Self { peer, listens, book, tasks })
    }

    /// Who it is.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// Where it listens for this, if it does.
    #[must_use]
    pub fn address(&self, listen: Listen) -> Option<SocketAddr> {
        self.listens.iter().find(|(what, _)| *what == listen).map(|(_, address)| *address)
    }

    /// Misbehave in these talks from now on; `None` to behave again.
    pub fn misbehave(&self, talk: Talk, misdeed: Option<Misdeed>) {
        self.book().misbehave(talk, misdeed);
    }

    /// The deals that it has taken, in that order.
    #[must_use]
    pub fn deals(&self) -> Vec<DealParams> {
        self.book().deals()
    }

    /// How often it was asked for a deal, taken or not.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.book().proposals()
    }

    /// Move a deal to this state, and leave it there.
    pub fn set_progress(&self, deal: DealUuid, progress: Progress) {
        self.book().set_progress(deal, progress);
    }

    /// Who has said who they are.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        self.book().clients().to_vec()
    }

    /// Let the chain's head be here.
    pub fn set_head(&self, head: ChainEpoch) {
        self.book().set_head(head);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

impl Drop for StorageProvider {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A book is whole between its methods, so one that panicked elsewhere does no harm.
fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
