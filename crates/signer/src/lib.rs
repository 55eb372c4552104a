#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod account;
mod book;
mod client;
mod files;
mod journal;
mod keys;
mod keystore;
mod lists;
mod lotus;
mod mesh;
mod order;
mod policy;
mod refusal;
mod remote;
mod secret;
mod server;
mod signer;
mod wire;

pub use account::{Account, Protocol};
pub use client::SocketSigner;
pub use files::FileError;
pub use journal::{Journal, JournalError};
pub use keys::{InvalidKey, Key, KeyKind, NotSigned, verify};
pub use keystore::{AnyKey, Cost, KeyName, Keystore, KeystoreError, MOST_KEYS};
pub use lists::{ListApproval, ListError, MOST_PAYEES, Payee, PayoutList};
pub use lotus::{InvalidExport, LONGEST_EXPORT, read_export};
pub use mesh::MeshKey;
pub use order::Unsigned;
pub use policy::{Policy, PolicyError};
pub use refusal::Rule;
pub use remote::RemoteWallet;
pub use secret::{PassphraseError, PassphraseSource, Secret};
pub use server::{Access, bind, serve};
pub use signer::{Keys, KeysError, LocalSigner, MOST_ORDERS};
