//! The port through which a chain is read.

mod cache;
mod car;
mod recording;
mod remote;
mod rpc;

pub use cache::ObjectCache;
pub use car::{CarSource, OpenError};
pub use recording::{RecordedCertificates, RecordingError};
pub use rpc::{RpcOptions, RpcSource};

use std::fmt;
use std::sync::Arc;

use apogee_domain::Epoch;
use async_trait::async_trait;
use fvm_ipld_blockstore::Blockstore;

use crate::types::{Tipset, TipsetKey};

/// Blocks by CID. Implementations hand out a block only when its bytes hash to its CID.
pub trait Blocks: Blockstore + Send + Sync + fmt::Debug {}
impl<T: Blockstore + Send + Sync + fmt::Debug> Blocks for T {}

/// Why a source could not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The tipset, block or range is not there (pruned, or never was).
    #[error("{what} is not in {source_name}")]
    Missing {
        /// What was asked for.
        what: String,
        /// Which source.
        source_name: String,
    },
    /// What was handed over cannot be right: wrong CID, wrong height, not the chain that was asked for.
    #[error("{source_name} handed over a wrong {what}: {detail}")]
    Dishonest {
        /// What was asked for.
        what: String,
        /// Which source.
        source_name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The source did not answer in time or at all; asking again may help.
    #[error("{source_name} could not be reached")]
    Unreachable {
        /// Which source.
        source_name: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The way from one tipset to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainPath {
    /// Tipsets to take back, newest first.
    pub revert: Vec<Tipset>,
    /// Tipsets to add, oldest first.
    pub apply: Vec<Tipset>,
}

/// A chain that can be read: an archive, one node, or several that check each other.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// How people call it: a file name, an endpoint without its token.
    fn name(&self) -> &str;

    /// The genesis tipset, or the oldest one the source holds.
    async fn oldest(&self) -> Result<Tipset, SourceError>;

    /// The current head.
    async fn head(&self) -> Result<Tipset, SourceError>;

    /// The tipset of that name.
    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError>;

    /// The tipsets with `from <= epoch <= to` on the chain that ends in `head`, oldest first; null rounds are simply absent.
    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError>;

    /// The way from `from` to `to`, without a gap: each applied tipset's parent is the one before it.
    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError>;

    /// Blocks by CID: messages, receipts, state.
    fn blocks(&self) -> Arc<dyn Blocks>;

    /// Execution results of the messages of `tipset`, implicit ones included, where the source has them.
    async fn trace(&self, tipset: &Tipset) -> Result<Option<crate::types::ExecutionTrace>, SourceError>;

    /// Finality certificates from `instance` on, in order, at most `limit`; empty where there are none (yet).
    async fn certificates(
        &self,
        instance: u64,
        limit: usize,
    ) -> Result<Vec<crate::types::FinalityCertificate>, SourceError>;

    /// Returns when the head may have moved. A source that never moves never returns.
    async fn changed(&self);

    /// Say that the chain of `head` did not stand up to verification. Returns the names of the endpoints that are set aside for it from now
    /// on; none where they were already, or where the source has no endpoints.
    fn distrust(&self, _head: &TipsetKey) -> Vec<String> {
        Vec::new()
    }
}

impl ChainPath {
    /// What is wrong with this path as one from `from` to `to`; `None` when parent links lead from one to the other.
    #[must_use]
    pub fn break_in(&self, from: &TipsetKey, to: &TipsetKey) -> Option<String> {
        let mut at = from.clone();
        for tipset in &self.revert {
            if *tipset.key() != at {
                return Some(format!("{tipset:?} is reverted where {at} is the head"));
            }
            at = tipset.parents();
        }
        for tipset in &self.apply {
            if tipset.parents() != at {
                return Some(format!("{tipset:?} is applied to {at}"));
            }
            at = tipset.key().clone();
        }
        (at != *to).then(|| format!("it leads to {at} instead of {to}"))
    }
}
