//! What several pages read of a network at an epoch.

use apogee_domain::series::{self, Unit};
use apogee_domain::{Epoch, NetworkKind, SeriesName, Step, Subject, Value};
use apogee_leaderboard::Snapshot;

use super::App;
use super::problem::Problem;
use super::scene::Scene;

/// Epochs that charts go back: seven days of 30 seconds.
pub(crate) const WINDOW: i64 = 20_160;
/// Steps of one series that are read at most; more than one an epoch there are not.
const STEPS: u32 = 10_000;

/// What participants are ranked by where nothing else is asked for.
pub(crate) const fn ranked_by(kind: NetworkKind) -> SeriesName {
    match kind {
        NetworkKind::Filecoin => series::POWER_QA,
        NetworkKind::Spacemesh => series::SPACE_UNITS,
    }
}

/// The unit of a series in JSON.
pub(crate) const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes",
        Unit::Atto => "atto",
        Unit::Gas => "gas",
        Unit::Count => "count",
        Unit::Nano => "nano",
    }
}

impl App {
    /// The steps of a series up to the scene's epoch, from the one that holds at `from` on.
    pub(crate) async fn history(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subject: &Subject,
        from: Epoch,
    ) -> Result<Vec<Step>, Problem> {
        let network = scene.network();
        let mut steps = Vec::new();
        if from > Epoch::GENESIS {
            let before = self.store.subject(network, subject, from).await?;
            let held = before.into_iter().find(|(name, _)| name == series);
            steps.extend(held.map(|(_, step)| Step { epoch: from, ..step }));
        }
        let mut after = (from > Epoch::GENESIS).then_some(from);
        loop {
            let page = apogee_store::Page { after, limit: STEPS };
            let more = self.store.steps(network, series, subject, page).await?;
            after = more.last().map(|step| step.epoch);
            let full = more.len() == usize::try_from(STEPS).unwrap_or(usize::MAX);
            let beyond = after.is_none_or(|last| last > scene.epoch());
            steps.extend(more.into_iter().filter(|step| step.epoch <= scene.epoch()));
            if !full || beyond {
                return Ok(steps);
            }
        }
    }

    /// Everybody by a series at the scene's epoch.
    pub(crate) async fn ranked(&self, scene: &Scene, series: &SeriesName) -> Result<Snapshot, Problem> {
        let mut rows = self.store.board(scene.network(), series, scene.epoch()).await?;
        rows.retain(|(subject, _)| !subject.is_network());
        Ok(Snapshot::new(scene.scope(series), &rows))
    }

    /// One value at the scene's epoch; `None` where it is unknown.
    pub(crate) async fn value(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subject: &Subject,
    ) -> Result<Option<Value>, Problem> {
        let held = self.store.subject(scene.network(), subject, scene.epoch()).await?;
        Ok(held.into_iter().find(|(name, _)| name == series).and_then(|(_, step)| step.value))
    }

    /// When the network changed its version: a mark on every chart.
    pub(crate) async fn upgrades(&self, scene: &Scene, from: Epoch) -> Result<Vec<(Epoch, String)>, Problem> {
        let steps = self.history(scene, &series::NETWORK_VERSION, &Subject::network(), from).await?;
        let named = |step: &Step| Some((step.epoch, format!("nv{}", step.value?)));
        Ok(steps.iter().skip(1).filter_map(named).collect())
    }
}
