#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod address;
mod dial;
mod error;
mod http;
mod places;
mod resolve;
mod target;
mod tls;
mod trace;

pub use address::{Reach, Special};
pub use dial::{Connection, Connector, Pinned, Socket, Stream, Timeouts};
pub use error::DialError;
pub use http::{Body, Call, Client, HttpError, Limits, Pace, Request, Response};
pub use places::{Place, Places};
pub use resolve::{Dns, Family, ResolveError, Resolver};
pub use target::{Host, Scheme, Target, TargetError};
pub use tls::Trust;
pub use trace::{Stage, Timing, Trace};
