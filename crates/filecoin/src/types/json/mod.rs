//! Lotus' JSON, both ways: the form in which nodes speak of chain data.
//!
//! Reading is into typed structs, then into chain types, where everything that has a CID must reproduce the one it claims.
//! Writing gives the bytes a Lotus node gives: field order, `null` for empty byte strings and lists that came from the chain,
//! decimal strings for big integers, `{"/": "bafy…"}` for links. Addresses start with the letter of the network.

mod certificate;
mod header;
mod message;
mod scalar;
mod trace;

pub use certificate::{Certificate, PowerEntry};
pub use header::{Header, Tipset};
pub use message::{BlockMessages, Message, Receipt, Signature, SignedMessage};
pub use scalar::{Bytes, Int, Link, address_text, parse_address};
pub use trace::Compute;

/// What is wrong with a node's JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is wrong: {detail}")]
pub struct InvalidJson {
    /// Which part.
    pub what: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

impl InvalidJson {
    fn new(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, detail: detail.into() }
    }
}

/// `Err` unless `claimed`, a CID that the node wrote beside the value, is the value's.
fn same_cid(what: &'static str, claimed: Option<&Link>, real: cid::Cid) -> Result<(), InvalidJson> {
    match claimed {
        Some(Link(claimed)) if *claimed != real => {
            Err(InvalidJson::new(what, format!("it claims the CID {claimed} and has {real}")))
        }
        _ => Ok(()),
    }
}
