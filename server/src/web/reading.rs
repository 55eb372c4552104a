//! What several pages read of a network at an epoch.

use std::collections::HashMap;

use apogee_domain::series::{self, Unit};
use apogee_domain::{Epoch, NetworkKind, SeriesName, Step, Subject, Value};
use apogee_rankings::Found;

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

    /// Everybody by a series, and the scene that this is of: where many are ranked perhaps that of a moment ago.
    pub(crate) async fn ranked(&self, scene: Scene, series: &SeriesName) -> Result<(Scene, Found), Problem> {
        let found = self.rankings.near(&scene.key(series), scene.asked.is_some()).await?;
        let scene = match &found.older {
            Some(record) => Scene { record: record.clone(), passing: true, ..scene },
            None => scene,
        };
        Ok((scene, found))
    }

    /// What these series of these subjects hold at the scene's epoch.
    pub(crate) async fn held(
        &self,
        scene: &Scene,
        series: &[SeriesName],
        subjects: &[Subject],
    ) -> Result<Holdings, Problem> {
        let mut holdings = Holdings::default();
        if series.is_empty() {
            return Ok(holdings);
        }
        for subjects in subjects.chunks(apogee_store::MAX_HELD) {
            for held in self.store.held(scene.network(), series, subjects, scene.epoch()).await? {
                holdings.0.entry(held.subject).or_default().push((held.series, held.value));
            }
        }
        Ok(holdings)
    }

    /// The steps of a series of these subjects up to the scene's epoch, from the one that holds at `from` on.
    pub(crate) async fn recent(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subjects: &[Subject],
        from: Epoch,
    ) -> Result<HashMap<Subject, Vec<Step>>, Problem> {
        let mut steps: HashMap<Subject, Vec<Step>> = HashMap::new();
        let mut after = None;
        loop {
            let page = apogee_store::Page { after, limit: STEPS };
            let more =
                self.store.recent(scene.network(), series, subjects, from, scene.epoch(), page).await?;
            let full = more.len() == usize::try_from(STEPS).unwrap_or(usize::MAX);
            after = more.last().map(|(subject, step)| (subject.clone(), step.epoch));
            for (subject, step) in more {
                let step = Step { epoch: step.epoch.max(from), ..step };
                steps.entry(subject).or_default().push(step);
            }
            if !full {
                return Ok(steps);
            }
        }
    }

    /// One value at the scene's epoch; `None` where it is unknown.
    pub(crate) async fn value(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subject: &Subject,
    ) -> Result<Option<Value>, Problem> {
        let held = self.held(scene, std::slice::from_ref(series), std::slice::from_ref(subject)).await?;
        Ok(held.get(subject, series).flatten())
    }

    /// When the network changed its version: a mark on every chart.
    pub(crate) async fn upgrades(&self, scene: &Scene, from: Epoch) -> Result<Vec<(Epoch, String)>, Problem> {
        let steps = self.history(scene, &series::NETWORK_VERSION, &Subject::network(), from).await?;
        let named = |step: &Step| Some((step.epoch, format!("nv{}", step.value?)));
        Ok(steps.iter().skip(1).filter_map(named).collect())
    }
}

/// What subjects hold of some series.
#[derive(Debug, Default)]
pub(crate) struct Holdings(HashMap<Subject, Vec<(SeriesName, Option<Value>)>>);

impl Holdings {
    /// The value; `None` where there is no step.
    pub(crate) fn get(&self, subject: &Subject, series: &SeriesName) -> Option<Option<Value>> {
        let held = self.0.get(subject)?;
        held.iter().find(|(name, _)| name == series).map(|(_, value)| *value)
    }

    /// The value of somebody who is ranked, and has nothing of what they have no step of.
    pub(crate) fn of_ranked(&self, subject: &Subject, series: &SeriesName) -> Option<Value> {
        self.get(subject, series).unwrap_or(Some(Value::ZERO))
    }
}
