//! Where an empty database begins.

use apogee_domain::Epoch;
use apogee_filecoin::source::SourceError;
use apogee_filecoin::types::{Tipset, TipsetKey};

use crate::{IndexError, Indexer};

/// Epochs that are looked at together when the oldest state is searched.
const WINDOW: i64 = 900;

/// Where an empty database begins. One that holds epochs goes on where it stands.
///
/// The first tipset gives the levels of everybody, read from its parent state, and the first parts of the sums: its blocks and wins, and, once
/// its child is there, what executing it paid. What was before it is not counted: the sums of everybody with a claim to power are zero at the
/// epoch before it and unknown until then, so that a window that begins earlier is unknown, too. The chain of digests starts there; only
/// indexes that start at the same tipset have the same digests.
///
/// Expected wins need the look-back state. Where the source does not hold it they are unknown, as every sum with an unknown part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At genesis, which the source has to hold.
    #[default]
    Genesis,
    /// At a tipset that the operator trusts; the source has to hold its state.
    Checkpoint {
        /// Its epoch.
        epoch: Epoch,
        /// Its key.
        key: TipsetKey,
    },
    /// At the oldest tipset of an archive since which every state is there, back from its head: a snapshot of recent states.
    Snapshot,
}

impl Indexer {
    /// The tipset to begin with on the chain of `head`.
    pub(crate) async fn first(&self, head: &Tipset) -> Result<Tipset, IndexError> {
        let (source, name) = (&self.source, || self.source.name().to_owned());
        match &self.options.start {
            Start::Genesis => {
                let oldest = source.oldest().await?;
                if !oldest.first().is_genesis() {
                    return Err(IndexError::NoGenesis { source_name: name(), oldest: oldest.epoch() });
                }
                self.same_chain(&oldest)?;
                Ok(oldest)
            }
            Start::Checkpoint { epoch, key } => {
                let there = source.range(head.key(), *epoch, *epoch).await?.pop();
                let first = there.clone().filter(|tipset| tipset.key() == key);
                let first = first.ok_or_else(|| IndexError::Checkpoint {
                    source_name: name(),
                    epoch: *epoch,
                    expected: key.to_string(),
                    found: there.map(|tipset| tipset.key().to_string()),
                })?;
                self.has_state(&first).await?;
                Ok(first)
            }
            Start::Snapshot => {
                let oldest = source.oldest().await?;
                self.same_chain(&oldest)?;
                let first = self.oldest_state(head, oldest.epoch()).await?;
                tracing::info!(epoch = %first.epoch(), "the snapshot's oldest state");
                Ok(first)
            }
        }
    }

    /// The chain has to begin with the network's genesis, where it goes back so far.
    fn same_chain(&self, oldest: &Tipset) -> Result<(), IndexError> {
        if !oldest.first().is_genesis() || oldest.key().to_string() == self.network.genesis {
            return Ok(());
        }
        Err(IndexError::OtherChain {
            source_name: self.source.name().to_owned(),
            found: oldest.key().to_string(),
            expected: self.network.genesis.clone(),
        })
    }

    async fn has_state(&self, tipset: &Tipset) -> Result<(), IndexError> {
        match self.without_state(vec![tipset.clone()]).await? {
            None => Ok(()),
            Some(_) => Err(self.stateless(tipset)),
        }
    }

    fn stateless(&self, tipset: &Tipset) -> IndexError {
        let what = format!("the state at epoch {}, {}", tipset.epoch(), tipset.first().parent_state_root);
        SourceError::Missing { what, source_name: self.source.name().to_owned() }.into()
    }

    /// The oldest tipset down to `oldest` since which every state root is there.
    async fn oldest_state(&self, head: &Tipset, oldest: Epoch) -> Result<Tipset, IndexError> {
        let mut found: Option<Tipset> = None;
        let mut high = head.epoch();
        loop {
            let low = high.minus(WINDOW - 1).max(oldest);
            let tipsets = self.source.range(head.key(), low, high).await?;
            let gap = self.without_state(tipsets.clone()).await?;
            let since = gap.map_or(0, |index| index + 1);
            found = tipsets.into_iter().nth(since).or(found);
            if gap.is_some() || low == oldest {
                return found.ok_or_else(|| self.stateless(head));
            }
            high = low.minus(1);
        }
    }

    /// The index of the newest of these tipsets whose state is not there.
    async fn without_state(&self, tipsets: Vec<Tipset>) -> Result<Option<usize>, IndexError> {
        let blocks = self.source.blocks();
        let search = move || -> anyhow::Result<Option<usize>> {
            for (index, tipset) in tipsets.iter().enumerate().rev() {
                if !blocks.has(&tipset.first().parent_state_root)? {
                    return Ok(Some(index));
                }
            }
            Ok(None)
        };
        let found = tokio::task::spawn_blocking(search).await.map_err(IndexError::Worker)?;
        let source_name = self.source.name().to_owned();
        found.map_err(|cause| SourceError::Unreachable { source_name, cause: cause.into() }.into())
    }
}
