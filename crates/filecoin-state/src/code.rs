//! Which actor a code CID stands for.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::node::read;
use crate::{Fault, ReadError};

/// More built-in actors than any bundle has.
const MAX_ACTORS: u64 = 64;
const IDENTITY_HASH: u64 = 0;

/// A kind of built-in actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ActorKind {
    /// f00.
    System,
    /// f01.
    Init,
    /// f02.
    Reward,
    /// f03.
    Cron,
    /// f04.
    Power,
    /// f05.
    Market,
    /// f06.
    VerifiedRegistry,
    /// f07.
    DataCap,
    /// f010.
    AddressManager,
    /// A key's account.
    Account,
    /// A storage miner.
    Miner,
    /// A wallet of several signers.
    Multisig,
    /// A payment channel.
    PaymentChannel,
    /// A contract.
    Evm,
    /// An address that has received and never sent.
    Placeholder,
    /// An Ethereum account.
    EthAccount,
}

impl ActorKind {
    /// The kind by its name in a manifest or in a `fil/N/name` code.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "system" => Self::System,
            "init" => Self::Init,
            "reward" => Self::Reward,
            "cron" => Self::Cron,
            "storagepower" => Self::Power,
            "storagemarket" => Self::Market,
            "verifiedregistry" => Self::VerifiedRegistry,
            "datacap" => Self::DataCap,
            "eam" => Self::AddressManager,
            "account" => Self::Account,
            "storageminer" => Self::Miner,
            "multisig" => Self::Multisig,
            "paymentchannel" => Self::PaymentChannel,
            "evm" => Self::Evm,
            "placeholder" => Self::Placeholder,
            "ethaccount" => Self::EthAccount,
            _ => return None,
        })
    }
}

/// Code CIDs of built-in actors, from a network's manifest or from a table that ships with a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes(BTreeMap<Cid, ActorKind>);

impl Codes {
    /// No code at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a code by its name in a manifest; names that are not known are left out.
    pub fn insert(&mut self, name: &str, code: Cid) {
        if let Some(kind) = ActorKind::from_name(name) {
            self.0.insert(code, kind);
        }
    }

    /// The kind of a code. `fil/N/name` codes (actors v1 to v7) need no table.
    #[must_use]
    pub fn kind(&self, code: &Cid) -> Option<ActorKind> {
        named(code).and_then(|(_, name)| ActorKind::from_name(name)).or_else(|| self.0.get(code).copied())
    }

    /// Reads the manifest that the system actor names (actors v8 on): a list of name and code.
    ///
    /// # Errors
    /// The node is missing or malformed.
    pub fn manifest<BS: Blockstore>(store: &BS, manifest: &Cid) -> Result<Self, ReadError> {
        read(store, manifest, "the actors' manifest", |cursor| {
            let mut codes = Self::new();
            for _ in 0..cursor.list(MAX_ACTORS)? {
                cursor.tuple(&[2])?;
                let name = cursor.text()?;
                codes.insert(name, cursor.link()?);
            }
            Ok(codes)
        })
    }
}

/// Version and name in a code of actors v1 to v7.
fn named(code: &Cid) -> Option<(u32, &str)> {
    if code.hash().code() != IDENTITY_HASH {
        return None;
    }
    let (version, name) =
        std::str::from_utf8(code.hash().digest()).ok()?.strip_prefix("fil/")?.split_once('/')?;
    Some((version.parse().ok()?, name))
}

/// The actors' version in a `fil/N/name` code; `None` for a bundle's code, which does not tell.
#[must_use]
pub fn named_version(code: &Cid) -> Option<u32> {
    named(code).map(|(version, _)| version)
}

/// The manifest's CID in the system actor's state.
pub(crate) fn manifest_link<BS: Blockstore>(store: &BS, head: &Cid) -> Result<Cid, ReadError> {
    read(store, head, "the system actor's state", |cursor| {
        cursor.tuple(&[1])?;
        cursor.link().map_err(|_| Fault::Invalid("names no manifest"))
    })
}
