use std::collections::BTreeMap;

use apogee_domain::{SeriesName, Subject, Value, series};
use apogee_store::{ChangeRecord, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::App;
use crate::web::figure::{Figure, Scale, coin};
use crate::web::problem::Problem;
use crate::web::reading::unit_name;
use crate::web::scene::Scene;

/// Steps of a page of the database.
const STEPS: u32 = 10_000;

/// A step that begins at the epoch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    #[schema(value_type = String)]
    pub(super) series: SeriesName,
    pub(super) unit: &'static str,
    #[schema(value_type = String)]
    pub(super) subject: Subject,
    /// `null` where it was unknown, or where there was no step.
    #[schema(value_type = Option<String>)]
    pub(super) before: Figure,
    #[schema(value_type = Option<String>)]
    pub(super) after: Figure,
}

impl App {
    /// The steps that begin at the scene's epoch and change a value, in the order of the list of series.
    pub(super) async fn changes(&self, scene: &Scene) -> Result<Vec<Changed>, Problem> {
        let mut records: Vec<ChangeRecord> = Vec::new();
        loop {
            let after = records.last().map(|last| (last.change.series.clone(), last.change.subject.clone()));
            let more =
                self.store.changes(scene.network(), scene.epoch(), Page { after, limit: STEPS }).await?;
            let full = more.len() == usize::try_from(STEPS).unwrap_or(usize::MAX);
            records.extend(more);
            if !full {
                break;
            }
        }
        records.retain(|record| record.change.value != record.before);
        let place = |name: &SeriesName| series::ALL.iter().position(|spec| spec.name == name.as_str());
        records.sort_by_key(|record| place(&record.change.series));
        let mut most: BTreeMap<&SeriesName, Option<Value>> = BTreeMap::new();
        for ChangeRecord { change, before } in &records {
            let most = most.entry(&change.series).or_default();
            *most = (*most).max(change.value).max(*before);
        }
        let coin = coin(scene.now.network.kind);
        let changed = |ChangeRecord { change, before }: &ChangeRecord| {
            let unit = change.series.spec()?.unit;
            let scale = Scale::of(unit, coin, most.get(&change.series).copied().flatten());
            let figure = |value| Figure { value, unit, scale };
            Some(Changed {
                series: change.series.clone(),
                unit: unit_name(unit),
                subject: change.subject.clone(),
                before: figure(*before),
                after: figure(change.value),
            })
        };
        Ok(records.iter().filter_map(changed).collect())
    }
}
