use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use apogee_domain::{Epoch, NetworkId, SeriesName};
use apogee_leaderboard::Scope;
use apogee_store::{Cursor, EpochRecord};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::App;
use super::now::{Meta, NetworkNow};
use super::problem::Problem;

/// The query of a request as `T`, which refuses unknown names (`#[serde(deny_unknown_fields)]`): a mistyped one would be silently ignored, and
/// invented ones would fill the cache.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(query) =
            Query::try_from_uri(&parts.uri).map_err(|rejection| Problem::Invalid(rejection.body_text()))?;
        Ok(Self(query))
    }
}

/// A query of nothing but `?at=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AtQuery {
    pub(crate) at: Option<At>,
}

/// `?at=`: which moment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// `e:51204`
    Epoch(Epoch),
    /// `final`: the newest epoch that can no longer change.
    Final,
}

impl FromStr for At {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "final" {
            return Ok(Self::Final);
        }
        // A form sends what a person typed: the number alone.
        let epoch = text.strip_prefix("e:").unwrap_or(text).parse().ok();
        epoch.map(Self::Epoch).ok_or("at is e:51204, an epoch after e:, or final")
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoch(epoch) => write!(f, "e:{epoch}"),
            Self::Final => f.write_str("final"),
        }
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A network at an epoch: what a page about it is made from.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// What is known of the network.
    pub(crate) now: Arc<NetworkNow>,
    /// How far it is indexed.
    pub(crate) cursor: Cursor,
    /// The epoch that is shown.
    pub(crate) record: EpochRecord,
    /// Whether an epoch was asked for.
    pub(crate) pinned: bool,
}

impl App {
    /// The network of that name.
    pub(crate) fn network(&self, name: &str) -> Result<Arc<NetworkNow>, Problem> {
        let now = self.now.load();
        now.network(name).cloned().ok_or_else(|| Problem::UnknownNetwork(name.to_owned()))
    }

    /// The network of that name at an epoch, by default its newest one.
    pub(crate) async fn scene(&self, network: &str, at: Option<At>) -> Result<Scene, Problem> {
        let now = self.network(network)?;
        let not_indexed = || Problem::NotIndexed(format!("{network} has no indexed epoch"));
        let cursor = now.cursor.clone().ok_or_else(not_indexed)?;
        let epoch = match at {
            None => cursor.epoch,
            Some(At::Epoch(epoch)) => epoch,
            Some(At::Final) => cursor
                .final_epoch
                .ok_or_else(|| Problem::NotIndexed(format!("no epoch of {network} is final")))?,
        };
        if epoch > cursor.epoch {
            let network = network.to_owned();
            return Err(Problem::EpochInFuture { network, asked: epoch, head: cursor.epoch });
        }
        let record = match &now.record {
            Some(record) if record.epoch == epoch => Some(record.clone()),
            _ => self.store.epoch(&now.network.id, epoch).await?,
        };
        let record = record
            .ok_or_else(|| Problem::NotIndexed(format!("epoch {epoch} of {network} is not indexed")))?;
        Ok(Scene { now, cursor, record, pinned: at.is_some() })
    }
}

impl Scene {
    /// The network's name.
    pub(crate) fn network(&self) -> &NetworkId {
        &self.now.network.id
    }

    /// The epoch that is shown.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.record.epoch
    }

    /// What standings by `series` are about.
    pub(crate) fn scope(&self, series: &SeriesName) -> Scope {
        Scope {
            network: self.network().clone(),
            genesis: self.now.network.genesis.clone(),
            series: series.clone(),
            since: None,
            at: self.epoch(),
            chain: self.record.digest,
        }
    }

    /// What every answer about it says first.
    pub(crate) fn meta(&self) -> Meta {
        let final_epoch = self.cursor.final_epoch;
        Meta {
            network: self.network().clone(),
            epoch: self.epoch(),
            time: self.record.time.to_string(),
            tipset: self.record.key.clone(),
            digest: self.record.digest,
            head: self.cursor.epoch,
            final_epoch,
            is_final: final_epoch.is_some_and(|last| self.epoch() <= last),
            pinned: self.pinned,
            freshness: self.now.freshness,
        }
    }
}
