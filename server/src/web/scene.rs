use std::sync::Arc;

use apogee_domain::{Epoch, NetworkId, NetworkKind, SeriesName};
use apogee_leaderboard::Scope;
use apogee_rankings::Key;
use apogee_store::{Cursor, EpochRecord};

use super::App;
use super::now::{Meta, NetworkNow};
use super::problem::Problem;
use super::query::At;

/// A network at an epoch: what a page about it is made from.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// What is known of the network.
    pub(crate) now: Arc<NetworkNow>,
    /// How far it is indexed.
    pub(crate) cursor: Cursor,
    /// The epoch that is shown.
    pub(crate) record: EpochRecord,
    /// Which epoch was asked for.
    pub(crate) asked: Option<At>,
    /// Whether it is shown only until that of the newest epoch is made.
    pub(crate) passing: bool,
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
        let network = || network.to_owned();
        let cursor = now.cursor.clone().ok_or_else(|| Problem::NoEpochs { network: network() })?;
        let epoch = match at {
            None => cursor.epoch,
            Some(At::Epoch(epoch)) => epoch,
            Some(At::Time(time)) => {
                let begun = now.network.schedule().epoch_of(time);
                begun.ok_or_else(|| Problem::BeforeGenesis { time: time.to_string() })?
            }
            Some(At::Final) => {
                cursor.final_epoch.ok_or_else(|| Problem::NoFinalEpoch { network: network() })?
            }
        };
        if epoch > cursor.epoch {
            return Err(Problem::EpochInFuture { network: network(), asked: epoch, head: cursor.epoch });
        }
        let record = match &now.record {
            Some(record) if record.epoch == epoch => Some(record.clone()),
            _ => self.store.epoch(&now.network.id, epoch).await?,
        };
        let record = record.ok_or_else(|| Problem::NotIndexed { network: network(), epoch })?;
        Ok(Scene { now, cursor, record, asked: at, passing: false })
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

    /// Which ranking by `series` is shown.
    pub(crate) fn key(&self, series: &SeriesName) -> Key {
        key(&self.now, &self.cursor, &self.record, series)
    }

    /// What every answer about it says first.
    pub(crate) fn meta(&self) -> Meta {
        let (head, final_epoch) = (self.cursor.epoch, self.cursor.final_epoch);
        let is_final = final_epoch.is_some_and(|last| self.epoch() <= last);
        // What an epoch did is whole once the one after it is there.
        let by_number = matches!(self.asked, Some(At::Epoch(_)));
        let is_settled = by_number && is_final && self.epoch() < head;
        Meta {
            network: self.network().clone(),
            epoch: self.epoch(),
            time: self.record.time.to_string(),
            tipset: self.record.key.clone(),
            digest: self.record.digest,
            head: (!is_settled).then_some(head),
            final_epoch: final_epoch.filter(|_| !is_settled),
            is_final,
            pinned: self.asked.is_some(),
            passing: self.passing,
            freshness: (!is_settled).then_some(self.now.freshness),
            recounts: self.now.network.kind == NetworkKind::Spacemesh,
        }
    }
}

impl NetworkNow {
    /// The ranking by `series` at the newest epoch; `None` before the first one.
    pub(crate) fn newest(&self, series: &SeriesName) -> Option<Key> {
        Some(key(self, self.cursor.as_ref()?, self.record.as_ref()?, series))
    }
}

fn key(now: &NetworkNow, cursor: &Cursor, record: &EpochRecord, series: &SeriesName) -> Key {
    let scope = Scope {
        network: now.network.id.clone(),
        genesis: now.network.genesis.clone(),
        series: series.clone(),
        since: None,
        at: record.epoch,
        chain: record.digest,
    };
    // Steps of what is shown may come with what is not shown yet.
    let indexed = now.indexed.unwrap_or(cursor.digest);
    Key::new(scope, (cursor.epoch, indexed), cursor.final_epoch)
}
