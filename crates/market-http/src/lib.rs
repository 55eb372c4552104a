#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod auth;
mod client;
mod code;
mod deal;
mod endpoint;
mod failure;
mod link;
mod status;
mod terms;
mod ulid;

pub use auth::{Authorization, NotAuthorized, Refused, authorization, verify_authorization};
pub use client::{Client, Limits};
pub use code::DealCode;
pub use deal::{Data, Ddo, Deal, Format, Products, Retrieval, Source, Url};
pub use endpoint::Endpoint;
pub use failure::{Clock, Failure};
pub use link::payload;
pub use status::{Progress, State, Status};
pub use terms::{Terms, TermsError, address_text};
pub use ulid::{InvalidUlid, Ulid};
