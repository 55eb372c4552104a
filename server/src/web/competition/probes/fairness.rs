//! How fairly the bots of a competition looked.

mod canaries;
mod page;

use std::collections::BTreeMap;

use apogee_dealbot::plan::Plan;
use apogee_dealbot::schedule::{Cadence, Kind};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::AttemptCount;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::canaries::{BotView, Gap};
use self::page::Page;
use super::Probing;
use super::count::{Count, Counts, Tallied};
use super::log::BarView;
use super::rests::RestView;
use super::words::Cause;
use crate::web::ask::{Ask, Language};
use crate::web::competition::{Meta, Stage, TripleQuery};
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::{App, Problem};

/// The name of those who are in no region.
const NOWHERE: &str = "";

/// How fairly bots looked: the bots decide who is eligible, so they are measured too.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeFairness)]
pub(crate) struct Fairness {
    meta: Meta,
    kinds: Vec<KindView>,
    /// The bots that took part, with what they found at the organiser's own provider.
    bots: Vec<BotView>,
    /// When a bot found that provider in order at no time, the newest first.
    gaps: Vec<Gap>,
    seed: SeedView,
    /// Who tried how often from where; empty where an earlier epoch is looked at.
    vantages: Vec<Vantage>,
    /// When nothing counts, the newest first.
    rests: Vec<RestView>,
    /// The newest batch of the log of evidence.
    log: Option<LogHead>,
    /// The newest batch that can be downloaded at `/c/{competition}/evidence.car` and `.ndjson`.
    downloadable: Option<u64>,
    settings: Settings,
    bar: BarView,
}

/// The probes of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeKindFairness)]
struct KindView {
    /// All miners together.
    tally: Tallied,
    /// Slots that count, of the miner that has the fewest of them.
    least: u64,
    median: u64,
    most: u64,
    causes: Vec<Cause>,
    /// By region of the miner.
    regions: Vec<RegionView>,
    /// Attempts at the miner that got the fewest.
    least_attempts: u64,
    median_attempts: u64,
    most_attempts: u64,
    /// The miners, those of which the least counts first.
    miners: Vec<MinerView>,
}

/// A bot, from where it looks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeVantage)]
struct Vantage {
    kind: &'static str,
    bot: String,
    region: String,
    attempts: u64,
    /// Those that went well.
    ok: u64,
    /// Those that did not, by code.
    codes: BTreeMap<String, u64>,
}

/// How much counts in a region.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeRegion)]
struct RegionView {
    /// Empty for miners that are in none.
    region: String,
    miners: u64,
    tally: Tallied,
    /// Attempts at them, by the region of the bot.
    from: BTreeMap<String, u64>,
}

/// A miner.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeMiner)]
struct MinerView {
    miner: String,
    /// Empty where it is in none.
    region: String,
    tally: Tallied,
}

/// What was committed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeSeed)]
struct SeedView {
    /// SHA-256 of `apogee-schedule-1` and the seed.
    commitment: String,
    /// The beacon that the seed is bound to; `null` where it decides alone.
    beacon: Option<BeaconView>,
    /// The seed in hexadecimal, once the last interval is over; `null` before.
    seed: Option<String>,
    /// When it can be shown at the earliest.
    after: Option<String>,
}

/// A beacon that nobody knew when the seed was committed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeBeacon)]
struct BeaconView {
    /// The first epoch whose beacon it may be.
    #[schema(value_type = i64)]
    epoch: Epoch,
    /// What it said; `null` before it is final.
    said: Option<BeaconSaid>,
}

/// What a beacon said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeBeaconEntry)]
struct BeaconSaid {
    /// The epoch of the tipset that carries the entry.
    #[schema(value_type = i64)]
    epoch: Epoch,
    /// That tipset's key.
    tipset: String,
    /// The beacon's round.
    round: u64,
    /// The entry, hexadecimal.
    entry: String,
}

impl BeaconView {
    fn of(plan: &Plan) -> Option<Self> {
        let said = plan.beacon.get().map(|beacon| BeaconSaid {
            epoch: beacon.epoch,
            tipset: beacon.tipset.clone(),
            round: beacon.round,
            entry: hex::encode(&beacon.entry.0),
        });
        plan.beacon_epoch.map(|epoch| Self { epoch, said })
    }
}

/// The end of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeLogHead)]
struct LogHead {
    /// Number of the batch, from 1.
    seq: u64,
    hash: String,
    #[schema(value_type = i64)]
    epoch: apogee_domain::Epoch,
    at: String,
}

/// By which measures miners are probed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeSettings)]
struct Settings {
    kinds: Vec<CadenceView>,
    /// Where bots stand.
    regions: Vec<String>,
    /// How many there are.
    fleet: u32,
    /// Seconds between the looks of each bot at the organiser's own provider.
    canary_seconds: i64,
    /// Most attempts of a slot.
    attempts: u32,
}

/// The slots of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeCadence)]
struct CadenceView {
    kind: &'static str,
    /// Length of an interval in seconds: one slot in each.
    seconds: u64,
    slots: u64,
    from: String,
    /// The end of the last interval.
    to: Option<String>,
}

/// `GET /c/{competition}/probes`
pub(in crate::web::competition) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let probing = Probing::of(&app, &stage)?;
    let counts = probing.counts(&app.counted).await?;
    let regions = regions(&stage);
    let plan = probing.plan;
    let (mut tried, mut vantages) = (Tried::new(), Vec::new());
    if probing.until.is_none() {
        for row in app.store.attempts_of_miners(&plan.network, &plan.race).await? {
            *tried.entry((row.kind, row.miner)).or_default().entry(row.region).or_default() += row.count;
        }
        vantages = Vantage::all(app.store.attempt_counts(&plan.network, &plan.race).await?);
    }
    let facts = Facts { counts: &counts, regions: &regions, tried: &tried };
    let kinds = plan.cadences.iter().map(|cadence| KindView::of(ask.language, cadence, facts));
    let to = probing.to(&stage);
    let (bots, gaps) = probing.canaries(to).await?;
    let ends = plan.cadences.iter().filter_map(last).max();
    let newest = app.store.newest_batch(&plan.network, &plan.race).await?;
    let shown = |epoch| probing.until.is_none_or(|until| epoch <= until);
    let view = Fairness {
        kinds: kinds.collect(),
        bots,
        gaps,
        vantages,
        rests: probing.rests(&stage, None).await?,
        seed: SeedView {
            commitment: plan.seed.commitment().to_string(),
            beacon: BeaconView::of(plan),
            seed: app.bots.revealed(plan, to).map(hex::encode),
            after: ends.map(|ends| ends.to_string()),
        },
        log: newest.filter(|batch| shown(batch.epoch)).map(|batch| LogHead {
            seq: batch.seq,
            hash: batch.hash.to_string(),
            epoch: batch.epoch,
            at: batch.at.to_string(),
        }),
        downloadable: match probing.until {
            Some(_) => None,
            None => probing.downloadable(&app).await?,
        },
        settings: Settings::of(&probing),
        bar: BarView::new(),
        meta: stage.meta.clone(),
    };
    Ok(probing.fresh(ask.answer(&view)?))
}

/// The end of the last interval.
fn last(cadence: &Cadence) -> Option<Timestamp> {
    let slot = cadence.slots.checked_sub(1)?;
    cadence.window(slot).map(|(_, end)| end)
}

/// The region of each miner, where standings know one.
fn regions(stage: &Stage) -> BTreeMap<String, String> {
    let Some(stood) = stage.stood() else { return BTreeMap::new() };
    let mut regions = BTreeMap::new();
    for row in &stood.standings.entities {
        let Some(region) = &row.region else { continue };
        regions.insert(row.id.to_string(), region.to_string());
        let entity = stood.entities.list().iter().find(|entity| entity.id == row.id);
        for member in entity.into_iter().flat_map(|entity| &entity.members) {
            regions.insert(member.participant.to_string(), region.to_string());
        }
    }
    regions
}

/// Attempts by kind and miner, then by the region of the bot.
type Tried = BTreeMap<(Kind, String), BTreeMap<String, u64>>;

/// What a report is made from.
#[derive(Clone, Copy)]
struct Facts<'a> {
    counts: &'a Counts,
    regions: &'a BTreeMap<String, String>,
    tried: &'a Tried,
}

impl Vantage {
    fn all(rows: Vec<AttemptCount>) -> Vec<Self> {
        let mut all: BTreeMap<(&'static str, String, String), Self> = BTreeMap::new();
        for AttemptCount { kind, region, bot, code, count } in rows {
            let kind = kind.as_str();
            let none = || Self {
                kind,
                bot: bot.clone(),
                region: region.clone(),
                attempts: 0,
                ok: 0,
                codes: BTreeMap::new(),
            };
            let one = all.entry((kind, bot.clone(), region.clone())).or_insert_with(none);
            one.attempts = one.attempts.saturating_add(count);
            if code.is_empty() {
                one.ok = one.ok.saturating_add(count);
            } else {
                one.codes.insert(code, count);
            }
        }
        all.into_values().collect()
    }
}

impl KindView {
    fn of(language: Language, cadence: &Cadence, Facts { counts, regions, tried }: Facts<'_>) -> Self {
        let mut sum = Count::default();
        let mut by_region: BTreeMap<&str, (u64, Count, BTreeMap<String, u64>)> = BTreeMap::new();
        let mut attempts: Vec<u64> = Vec::new();
        let mut miners = Vec::new();
        for ((_, miner), count) in counts.iter().filter(|((kind, _), _)| *kind == cadence.kind) {
            let region = regions.get(miner).map_or(NOWHERE, String::as_str);
            sum.add(count);
            let of = by_region.entry(region).or_default();
            of.0 = of.0.saturating_add(1);
            of.1.add(count);
            let from = tried.get(&(cadence.kind, miner.clone()));
            for (place, count) in from.into_iter().flatten() {
                let sum = of.2.entry(place.clone()).or_default();
                *sum = sum.saturating_add(*count);
            }
            attempts
                .push(from.into_iter().flatten().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count)));
            let tally = Tallied::of(cadence.kind, count);
            miners.push(MinerView { miner: miner.clone(), region: region.to_owned(), tally });
        }
        miners.sort_by_key(|miner| miner.tally.counts());
        attempts.sort_unstable();
        let tries = |place: usize| attempts.get(place).copied().unwrap_or(0);
        let at = |place: usize| miners.get(place).map_or(0, |miner| miner.tally.counts());
        let tally = Tallied::of(cadence.kind, &sum);
        Self {
            least: at(0),
            median: at(miners.len().saturating_sub(1) / 2),
            most: at(miners.len().saturating_sub(1)),
            least_attempts: tries(0),
            median_attempts: tries(miners.len().saturating_sub(1) / 2),
            most_attempts: tries(miners.len().saturating_sub(1)),
            causes: Cause::all(language, &tally),
            tally,
            regions: by_region
                .into_iter()
                .map(|(region, (miners, count, from))| RegionView {
                    region: region.to_owned(),
                    miners,
                    tally: Tallied::of(cadence.kind, &count),
                    from,
                })
                .collect(),
            miners,
        }
    }
}

impl Settings {
    fn of(probing: &Probing<'_>) -> Self {
        let plan = probing.plan;
        let kinds = plan.cadences.iter().map(|cadence| CadenceView {
            kind: cadence.kind.as_str(),
            seconds: cadence.interval / 1_000_000,
            slots: cadence.slots,
            from: cadence.start.to_string(),
            to: last(cadence).map(|end| end.to_string()),
        });
        Self {
            kinds: kinds.collect(),
            regions: plan.regions.clone(),
            fleet: plan.fleet,
            canary_seconds: plan.measures.canary / 1_000_000,
            attempts: plan.measures.attempts,
        }
    }
}

impl View for Fairness {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).html()
    }

    /// One row a miner and kind.
    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "kind", "miner", "region", "ok", "fail", "excluded", "coverage", "lower", "upper", "verdict",
        ]);
        for kind in &self.kinds {
            for MinerView { miner, region, tally } in &kind.miners {
                csv.row(&[
                    tally.kind,
                    miner,
                    region,
                    &tally.ok.to_string(),
                    &tally.fail.to_string(),
                    &tally.excluded.to_string(),
                    &tally.coverage.to_string(),
                    &tally.lower.to_string(),
                    &tally.upper.to_string(),
                    tally.verdict,
                ]);
            }
        }
        Some(csv)
    }
}
