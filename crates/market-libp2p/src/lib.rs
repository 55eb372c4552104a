#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod agree;
mod connect;
mod error;
mod exchange;
mod identify;
mod link;
mod mux;
mod serve;
mod session;
mod target;

pub use connect::{Caps, Dialer};
pub use error::{ConnectError, Exchange, ExchangeError, SetupError, Step, StreamFault, TcpFault};
pub use identify::Identity;
pub use libp2p_identity::{Keypair, PeerId};
pub use session::{Proposed, Session};
pub use target::{Carrier, Target};
