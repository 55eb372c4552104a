use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Network, Schedule};
use apogee_leaderboard::FactsDocument;
use apogee_package::{Observation, Provenance};
use apogee_rules::RuleSet;
use apogee_store::{Cursor, Store, StoreError};

use super::archive::archive;
use super::facts::{self, Columns, NoFacts};
use super::held::Held;
use super::observed;

/// What a competition stands on: where its facts come from.
#[derive(Clone, Debug)]
pub(crate) enum Ground {
    /// An indexed network.
    Index {
        /// The network.
        network: Network,
        /// How far it is indexed, or shown.
        cursor: Cursor,
    },
    /// A package that was imported.
    Archive(Arc<Archive>),
}

/// What a package brought.
#[derive(Debug)]
pub(crate) struct Archive {
    /// The hash of the file.
    pub(crate) root: Digest,
    /// The epoch up to which its facts go.
    pub(crate) at: Epoch,
    /// CID of the genesis.
    pub(crate) genesis: String,
    /// When its epochs begin.
    pub(crate) schedule: Schedule,
    /// What was measured.
    pub(crate) facts: FactsDocument,
    /// Where on the chain it comes from, by epoch.
    pub(crate) provenance: Vec<Provenance>,
    /// What bots attempted.
    pub(crate) observations: Vec<Observation>,
}

impl Ground {
    /// What `held` stands on in a database: its package, else its network; `None` where neither is there.
    pub(crate) async fn of(store: &dyn Store, held: &Held) -> Result<Option<Self>, StoreError> {
        let Some(founding) = held.competition().founding() else { return Ok(None) };
        if let Some(archive) = archive(store, held.id().as_str()).await? {
            return Ok(Some(Self::Archive(archive)));
        }
        let networks = store.networks().await?;
        let Some(network) = networks.into_iter().find(|network| network.id == founding.network) else {
            return Ok(None);
        };
        let cursor = store.cursor(&network.id).await?;
        Ok(cursor.map(|cursor| Self::Index { network, cursor }))
    }

    /// The indexed network; a package has none that anything could be done on.
    pub(crate) const fn network(&self) -> Option<&Network> {
        match self {
            Self::Index { network, .. } => Some(network),
            Self::Archive(_) => None,
        }
    }

    /// The newest epoch of which something is known.
    pub(crate) fn head(&self) -> Epoch {
        match self {
            Self::Index { cursor, .. } => cursor.epoch,
            Self::Archive(archive) => archive.at,
        }
    }

    /// Epochs up to this one can no longer change.
    pub(crate) fn final_epoch(&self) -> Option<Epoch> {
        match self {
            Self::Index { cursor, .. } => cursor.final_epoch,
            Self::Archive(archive) => Some(archive.at),
        }
    }

    /// When epochs begin.
    pub(crate) fn schedule(&self) -> Schedule {
        match self {
            Self::Index { network, .. } => network.schedule(),
            Self::Archive(archive) => archive.schedule,
        }
    }

    /// Names all that is known.
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Index { cursor, .. } => cursor.digest,
            Self::Archive(archive) => archive.root,
        }
    }

    /// Names what is known at an epoch: where it is the same, so are the facts up to then.
    pub(super) fn stamp(&self, at: Epoch) -> Digest {
        match self {
            // What an epoch did is whole once the one after it is there.
            Self::Index { cursor, .. } if cursor.final_epoch >= Some(at) && at < cursor.epoch => {
                Digest::default()
            }
            _ => self.digest(),
        }
    }

    /// What some of these rules read, up to an epoch. `columns`: what was read for the same competition before, if anything.
    pub(super) async fn facts(
        &self,
        store: &dyn Store,
        rules: &[RuleSet],
        at: Epoch,
        columns: &mut Option<Columns>,
    ) -> Result<FactsDocument, NoFacts> {
        let facts = match self {
            Self::Index { network, .. } => {
                let wanted = facts::wanted(rules, network)?;
                let known = columns.take().filter(|columns| columns.are(&wanted));
                let columns = columns.insert(known.unwrap_or_else(|| Columns::new(wanted, network.kind)));
                let mut facts = columns.document(&network.id, at, store).await?;
                observed::add(&mut facts, store, &network.id, rules, at).await?;
                facts
            }
            Self::Archive(archive) => archive.facts.clone(),
        };
        Ok(apogee_package::facts_until(facts, rules, at))
    }
}
