//! The regions of a competition beside each other.

use std::sync::Arc;

use apogee_leaderboard::BoardList;
use apogee_rules::{Id, Partition, RuleSet};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::measured::{Shown, coin_of, metric_name};
use super::pools::{PoolView, Thermo, money, pools};
use super::{Meta, Stage, TripleQuery};
use crate::competitions::Stood;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::Coin;
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Every region of a competition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionRegions)]
pub(crate) struct Regions {
    meta: Meta,
    /// The metric that is added up, and its unit; `null` where the first board is ranked by a ratio.
    metric: Option<String>,
    unit: Option<&'static str>,
    regions: Vec<Region>,
    /// Entities that are in none of them.
    elsewhere: usize,
    #[serde(skip)]
    rules: Arc<RuleSet>,
    #[serde(skip)]
    metric_id: Option<Id>,
    #[serde(skip)]
    shown: Option<Shown>,
    #[serde(skip)]
    coin: Coin,
    #[serde(skip)]
    board: Option<String>,
}

/// One region.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionRegion)]
struct Region {
    region: String,
    entities: usize,
    eligible: usize,
    /// Sum of the metric over all entities, what is unknown left out.
    level: Option<String>,
    /// Who is first: of the board by region where there is one, else of those in the region on the first board.
    leader: Option<Leader>,
    /// Pools of this region alone.
    pools: Vec<PoolView>,
    #[serde(skip)]
    sum: u128,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegionLeader)]
struct Leader {
    entity: String,
    name: String,
    #[serde(skip)]
    value: String,
}

/// `GET /c/{competition}/regions`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    ask.answer(&Regions::of(&stage)?)
}

impl Regions {
    fn of(stage: &Stage) -> Result<Self, Problem> {
        let stood = stage.standing()?;
        let (rules, standings) = (stood.rules(), &stood.standings);
        let coin = coin_of(stage);
        let is_whole = |metric: &&Id| matches!(rules.measure(metric), Some(apogee_rules::Measure::Whole(_)));
        let metric = rules.boards.first().map(|board| &board.metric).filter(is_whole);
        let mut counts = vec![(0_usize, 0_usize, 0_u128); rules.competition.regions.len()];
        let mut elsewhere = 0;
        for row in &standings.entities {
            let place =
                rules.competition.regions.iter().position(|region| row.region.as_ref() == Some(region));
            let Some((entities, eligible, sum)) = place.and_then(|place| counts.get_mut(place)) else {
                elsewhere += 1;
                continue;
            };
            *entities += 1;
            *eligible += usize::from(row.eligible);
            let value = metric.and_then(|metric| row.metric(metric.as_str())?.whole());
            *sum = sum.saturating_add(value.unwrap_or(0));
        }
        let most = counts.iter().map(|(.., sum)| *sum).max();
        let shown = metric.map(|metric| Shown::of(rules, metric, coin, most));
        let divided = rules.boards.iter().find(|board| board.partition == Partition::Region);
        let regions = rules.competition.regions.iter().zip(counts);
        let regions = regions.map(|(region, (entities, eligible, sum))| Region {
            region: region.to_string(),
            entities,
            eligible,
            level: metric.map(|_| sum.to_string()),
            leader: leader(stood, divided.map(|board| &board.id), region, coin),
            pools: pools(stage, stood, |_, result| result.region.as_ref() == Some(region)),
            sum,
        });
        Ok(Self {
            meta: stage.meta.clone(),
            metric: metric.map(ToString::to_string),
            unit: shown.map(|shown| shown.name()),
            regions: regions.collect(),
            elsewhere,
            rules: Arc::clone(&stood.rules.rules),
            metric_id: metric.cloned(),
            shown,
            coin,
            board: divided.map(|board| board.id.to_string()),
        })
    }
}

/// Who is first in a region.
fn leader(stood: &Stood, divided: Option<&Id>, region: &Id, coin: Coin) -> Option<Leader> {
    let standings = &stood.standings;
    let of = |list: &&BoardList| match divided {
        Some(board) => list.board == *board && list.region.as_ref() == Some(region),
        None => true,
    };
    let list = standings.boards.iter().find(of)?;
    let entity = |id: &Id| standings.entity(id.as_str());
    let first = list.rows.iter().filter(|row| row.rank.is_some()).find_map(|row| {
        let entity = entity(&row.entity).filter(|entity| !entity.disqualified)?;
        (divided.is_some() || entity.region.as_ref() == Some(region)).then_some((row, entity))
    })?;
    let metric = &stood.rules().board(&list.board)?.metric;
    let shown = Shown::of(stood.rules(), metric, coin, first.0.value.whole());
    Some(Leader {
        entity: first.1.id.to_string(),
        name: first.1.name().to_owned(),
        value: shown.text(&first.0.value),
    })
}

#[derive(Template)]
#[template(path = "competition/regions.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Regions,
}

impl Page<'_> {
    fn region(&self, region: &Region) -> String {
        self.c.name("region", &region.region)
    }

    fn head(&self) -> Option<String> {
        let (metric, shown) = (self.view.metric_id.as_ref()?, self.view.shown?);
        let name = metric_name(self.c.language(), &self.view.rules, metric);
        let symbol = shown.symbol();
        Some(if symbol.is_empty() { name } else { format!("{name}, {symbol}") })
    }

    fn level(&self, region: &Region) -> String {
        self.view.shown.map(|shown| shown.whole(region.sum)).unwrap_or_default()
    }

    fn exact(&self, region: &Region) -> String {
        region.level.clone().unwrap_or_default()
    }

    fn lead(&self) -> String {
        let n = self.view.regions.len();
        let elsewhere = self.view.elsewhere;
        self.c.language().say("rg-lead", &fluent_args!["n" => n, "elsewhere" => elsewhere])
    }

    fn board(&self, region: &Region) -> Option<String> {
        let board = self.view.board.as_ref()?;
        Some(self.c.at_stage(&format!("board/{board}?region={}", region.region)))
    }

    fn entity(&self, leader: &Leader) -> String {
        self.c.at_stage(&format!("e/{}", leader.entity))
    }

    /// What all pools of a region hold.
    fn pool(&self, region: &Region) -> Option<String> {
        let amounts = region.pools.iter().map(|pool| pool.amount.parse::<u128>().unwrap_or(0));
        let sum = amounts.fold(0_u128, u128::saturating_add);
        (!region.pools.is_empty()).then(|| money(self.view.coin, sum))
    }

    fn has_pools(&self) -> bool {
        self.view.regions.iter().any(|region| !region.pools.is_empty())
    }

    fn thermo(&self, pool: &PoolView) -> Option<Thermo> {
        pool.thermo(self.c.language())
    }

    fn pool_heading(&self, pool: &PoolView) -> String {
        pool.heading(self.c.language())
    }
}

impl View for Regions {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Regions), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["region", "entities", "eligible", "level", "leader", "pools_atto"]);
        for region in &self.regions {
            let amounts = region.pools.iter().map(|pool| pool.amount.parse::<u128>().unwrap_or(0));
            csv.row(&[
                &region.region,
                &region.entities.to_string(),
                &region.eligible.to_string(),
                region.level.as_deref().unwrap_or_default(),
                region.leader.as_ref().map(|leader| &*leader.entity).unwrap_or_default(),
                &amounts.fold(0_u128, u128::saturating_add).to_string(),
            ]);
        }
        Some(csv)
    }
}
