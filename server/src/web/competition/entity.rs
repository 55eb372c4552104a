//! An entity of a competition: why it is where it is, what to do, what it gets.

mod chart;
mod page;
mod payout;
mod verdict;

use std::sync::Arc;

use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{EntityRow, explain};
use apogee_rules::{MetricKind, RuleSet};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use utoipa::ToSchema;

use self::page::Page;
use self::payout::PoolShare;
use super::about::{about, waivers};
use super::checks::{CheckView, Context};
use super::curve::{gained, members, memberships};
use super::measured::{Metered, Shown, coin_of};
use super::probes::{Tallied, pooled};
use super::status::{Judge, Standing, Status};
use super::{Meta, Stage, TripleQuery, is_indexed};
use crate::competitions::Stood;
use crate::web::ask::Ask;
use crate::web::chart::Line;
use crate::web::figure::Coin;
use crate::web::query::Asked;
use crate::web::schema;
use crate::web::view::{Csv, View};
use crate::web::{App, Problem};

/// Lists that its ranks are shown on.
const RANKS: usize = 12;

/// An entity of a competition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionEntity)]
pub(crate) struct Entity {
    meta: Meta,
    entity: String,
    name: String,
    region: Option<String>,
    claimed: bool,
    disqualified: bool,
    eligible: bool,
    status: Status,
    /// Checks that have failed.
    failing: usize,
    /// Whether the competition is over.
    over: bool,
    /// Epoch of its registration.
    #[schema(value_type = Option<i64>)]
    registered: Option<Epoch>,
    /// Its places on every board that it is on.
    ranks: Vec<Place>,
    /// Every metric of the rules.
    metrics: Vec<Metric>,
    /// The checks of eligibility, as a tree.
    checks: Vec<CheckView>,
    /// Who belongs to it, and who did.
    members: Vec<Member>,
    /// How its shares come about.
    pools: Vec<PoolShare>,
    /// Awards: number of the decision and amount in atto.
    awards: Vec<Award>,
    /// All that it gets, in atto.
    total: String,
    /// What the ledger says about it, the last first.
    decisions: Vec<About>,
    /// Its appeals.
    appeals: Vec<AppealView>,
    /// What the probes of its miners come to together, by kind; empty where there are none.
    probes: Vec<Tallied>,
    /// Where it is paid, once results are final and it is shown.
    address: Option<String>,
    /// Hash of its row among the leaves of the standings (RFC 9162).
    #[schema(value_type = String)]
    row_hash: Digest,
    #[serde(skip)]
    owed: u128,
    #[serde(skip)]
    coin: Coin,
    #[serde(skip)]
    rules: Arc<RuleSet>,
    #[serde(skip)]
    lines: Option<(Shown, Line)>,
    #[serde(skip)]
    notes: Vec<(Epoch, Note)>,
    #[serde(skip)]
    until: Until,
    #[serde(skip)]
    first_seen: Option<Epoch>,
    /// Whether its miners have pages of their own.
    #[serde(skip)]
    indexed: bool,
}

/// By when something can still change.
#[derive(Clone, Copy, Debug)]
struct Until {
    schedule: apogee_domain::Schedule,
    end: Epoch,
    appeals: Option<Epoch>,
}

/// Something on the chart.
#[derive(Debug)]
enum Note {
    Joins(String),
    Rules(u64),
}

/// A place on a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityPlace)]
struct Place {
    board: String,
    region: Option<String>,
    rank: Option<u64>,
    tied: bool,
    of: usize,
    wins: String,
}

/// A metric of the entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityMetric)]
struct Metric {
    metric: String,
    unit: &'static str,
    #[schema(value_type = schema::Metered)]
    value: Metered,
    #[serde(skip)]
    shown: Shown,
}

/// A miner of the entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityMember)]
struct Member {
    participant: String,
    #[schema(value_type = i64)]
    from: Epoch,
    /// Epoch before which it belonged to it; `null` while it does.
    #[schema(value_type = Option<i64>)]
    until: Option<Epoch>,
    /// Whether it belongs to it at the epoch that is read.
    now: bool,
    /// For each rate of the rules what it brought: metric, successes and failures, as they were measured.
    rates: Vec<MemberRate>,
    #[serde(skip)]
    value: Option<u128>,
}

/// What a miner brought to a rate.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EntityMemberRate)]
struct MemberRate {
    metric: String,
    passed: Option<String>,
    failed: Option<String>,
    #[serde(skip)]
    counts: Option<(u128, u128)>,
}

/// Something paid beside all pools.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityAward)]
struct Award {
    decision: u64,
    amount: String,
    #[serde(skip)]
    atto: u128,
}

/// An entry of the ledger about the entity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityDecision)]
struct About {
    seq: u64,
    /// The kind of the act, as in the ledger.
    act: &'static str,
    #[schema(value_type = i64)]
    epoch: Epoch,
    /// Why, in the words of those who took it.
    reason: Option<String>,
    /// Whether it is a decision that holds.
    holds: bool,
}

/// An appeal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityAppeal)]
struct AppealView {
    seq: u64,
    about: u64,
    text: String,
    /// Number of the entry that answered it; `null` while it is open.
    answered: Option<u64>,
}

/// `GET /c/{competition}/e/{entity}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((competition, entity)): Path<(String, String)>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let stood = stage.standing()?;
    if let Some(row) = stood.standings.entity(&entity) {
        let mut view = Entity::of(&stage, stood, row)?;
        let now = view.members.iter().filter(|member| member.now).map(|member| member.participant.clone());
        view.probes = pooled(&app, &stage, &now.collect::<Vec<_>>()).await?;
        return ask.answer(&view);
    }
    lead(&stage, stood, &ask, &entity)
}

/// `GET /c/{competition}/m/{miner}`: the page of the entity that it competes for.
pub(super) async fn miner(
    State(app): State<App>,
    ask: Ask,
    Path((competition, miner)): Path<(String, String)>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let stood = stage.standing()?;
    lead(&stage, stood, &ask, &miner)
}

/// Whose a miner is at the epoch that is read.
fn whose(stood: &Stood, participant: &str) -> Option<String> {
    if let Some(row) = stood.standings.entity(participant) {
        return Some(row.id.to_string());
    }
    let at = stood.standings.scope.epoch;
    let entities = stood.entities.list().iter();
    let mut owners = entities.filter(|entity| {
        entity.members.iter().any(|member| {
            member.participant.as_str() == participant
                && member.from <= at
                && member.until.is_none_or(|until| at < until)
        })
    });
    owners.next().map(|entity| entity.id.to_string())
}

fn lead(stage: &Stage, stood: &Stood, ask: &Ask, name: &str) -> Result<Response, Problem> {
    let unknown = || Problem::UnknownEntity { entity: name.to_owned(), at: stage.meta.chain.epoch };
    // f01000 and t01000 are one actor.
    let other = match name.split_at_checked(1) {
        Some(("f", rest)) => format!("t{rest}"),
        Some(("t", rest)) => format!("f{rest}"),
        _ => String::new(),
    };
    let owner = whose(stood, name).or_else(|| whose(stood, &other)).ok_or_else(unknown)?;
    let path = format!("/c/{}/e/{owner}{}", stage.id(), ask.form.suffix());
    let query = if stage.meta.asked.is_empty() { String::new() } else { format!("?{}", stage.meta.asked) };
    let address = if ask.form.suffix().is_empty() { ask.to(&path) } else { path };
    Ok(Redirect::to(&format!("{address}{query}")).into_response())
}

impl Entity {
    fn of(stage: &Stage, stood: &Stood, row: &EntityRow) -> Result<Self, Problem> {
        let (rules, standings) = (stood.rules(), &stood.standings);
        let coin = coin_of(stage);
        let Standing { status, failing } = Judge::new(stage, stood).look(row);
        let competitor = stage.competition.entities().get(&row.id);
        let now = members(stood, row);
        let past: Vec<_> = if row.claimed { memberships(stood, &row.id).to_vec() } else { now.clone() };
        let names: Vec<&apogee_rules::Id> = past.iter().map(|member| &member.participant).collect();
        let end = stage.competition.end().unwrap_or(rules.competition.end);
        let waivers = waivers(stage, stood, &row.id);
        let context = Context { rules, coin, end, waivers: &waivers };
        let derivation = explain(standings, rules, row.id.as_str());
        let (checks, pools, awards) = derivation
            .map(|derivation| (derivation.checks, derivation.pools, derivation.awards))
            .unwrap_or_default();
        let owed = standings.payout(row.id.as_str()).map_or(0, |payout| payout.total.0);
        let metric = |(metric, measure): (&apogee_rules::Id, &apogee_leaderboard::Measure)| {
            let shown = Shown::of(rules, metric, coin, measure.whole());
            Metric { metric: metric.to_string(), unit: shown.name(), value: Metered(measure.clone()), shown }
        };
        let entries = about(stage, stood, &row.id, &names);
        let decision = |(signed, holds): (&apogee_competition::Signed, bool)| About {
            seq: signed.entry.seq,
            act: signed.entry.act.kind(),
            epoch: signed.entry.epoch,
            reason: signed.entry.reason.clone(),
            holds,
        };
        let mine = |(_, appeal): &(&u64, &apogee_competition::Appeal)| {
            appeal.entity == row.id || names.contains(&&appeal.entity)
        };
        let appeals = stage.competition.appeals().iter().filter(mine).map(|(seq, appeal)| AppealView {
            seq: *seq,
            about: appeal.about,
            text: appeal.text.clone(),
            answered: appeal.answered,
        });
        // Rows write themselves in canonical JSON.
        let leaf = serde_json::to_vec(row)?;
        Ok(Self {
            meta: stage.meta.clone(),
            entity: row.id.to_string(),
            name: row.name().to_owned(),
            region: row.region.as_ref().map(ToString::to_string),
            claimed: row.claimed,
            disqualified: row.disqualified,
            eligible: row.eligible,
            status,
            failing,
            over: standings.scope.over,
            registered: competitor.map(|competitor| competitor.registered),
            ranks: ranks(stood, row),
            metrics: in_order(rules, row).map(metric).collect(),
            checks: CheckView::all(context, checks),
            members: past.iter().map(|member| one(stood, member, &now)).collect(),
            pools: pools.into_iter().map(|reason| PoolShare::new(rules, coin, reason)).collect(),
            awards: awards
                .into_iter()
                .map(|(decision, amount)| Award { decision, amount: amount.to_string(), atto: amount.0 })
                .collect(),
            total: owed.to_string(),
            decisions: entries.into_iter().map(decision).collect(),
            appeals: appeals.collect(),
            probes: Vec::new(),
            address: competitor.and_then(|competitor| competitor.address.clone()),
            row_hash: apogee_leaderboard::merkle::leaf(&leaf),
            owed,
            coin,
            lines: chart::line(stood, row, &now, coin),
            notes: chart::notes(stage, &past),
            rules: Arc::clone(&stood.rules.rules),
            until: Until {
                schedule: stage.ground().map_or_else(no_schedule, crate::competitions::Ground::schedule),
                end,
                appeals: stage.competition.timestamps().provisional_until,
            },
            first_seen: super::curve::seen(stood, &row.id),
            indexed: is_indexed(stage),
        })
    }
}

/// The metrics of a row: what the first board is ranked by, then in the order of the rules.
fn in_order<'a>(
    rules: &'a RuleSet,
    row: &'a EntityRow,
) -> impl Iterator<Item = (&'a apogee_rules::Id, &'a apogee_leaderboard::Measure)> {
    let first = rules.boards.first().map(|board| &board.metric);
    let others = rules.metrics.iter().map(|metric| &metric.id).filter(move |id| Some(*id) != first);
    let value = |id: &'a apogee_rules::Id| Some((id, row.metric(id.as_str())?));
    first.into_iter().chain(others).filter_map(value)
}

/// A stage without ground has no standings; its times are never asked for.
const fn no_schedule() -> apogee_domain::Schedule {
    apogee_domain::Schedule { genesis: apogee_domain::Timestamp(0), epoch_seconds: 0 }
}

fn ranks(stood: &Stood, row: &EntityRow) -> Vec<Place> {
    let places = stood.standings.boards.iter().filter_map(|list| {
        let place = list.rows.iter().find(|place| place.entity == row.id)?;
        Some(Place {
            board: list.board.to_string(),
            region: list.region.as_ref().map(ToString::to_string),
            rank: place.rank.filter(|_| !row.disqualified),
            tied: place.tied,
            of: list.rows.len(),
            wins: format!("{}/{}", place.wins.places, place.wins.among),
        })
    });
    places.take(RANKS).collect()
}

fn one(
    stood: &Stood,
    member: &apogee_leaderboard::Membership,
    now: &[apogee_leaderboard::Membership],
) -> Member {
    let rules = stood.rules();
    let rate = |metric: &apogee_rules::Metric| {
        let MetricKind::Rate { passed, failed, window, .. } = &metric.kind else { return None };
        let gained = |series: &apogee_domain::SeriesName| gained(stood, series, &member.participant, window);
        let counts = gained(passed).zip(gained(failed));
        Some(MemberRate {
            metric: metric.id.to_string(),
            passed: counts.map(|(passed, _)| passed.to_string()),
            failed: counts.map(|(_, failed)| failed.to_string()),
            counts,
        })
    };
    let is_now = now.contains(member);
    let main = rules.boards.first().map(|board| &board.metric).filter(|_| is_now);
    let value = main.and_then(|metric| {
        let last = stood.standings.scope.epoch;
        let steps = super::curve::curve(stood, metric, std::iter::once(&member.participant), last);
        steps.last().and_then(|step| step.value).map(|value| value.0)
    });
    Member {
        participant: member.participant.to_string(),
        from: member.from,
        until: member.until,
        now: is_now,
        rates: rules.metrics.iter().filter_map(rate).collect(),
        value,
    }
}

impl View for Entity {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv =
            Csv::new(&["check", "state", "metric", "value", "samples", "bar", "need", "before_epoch"]);
        fn rows(csv: &mut Csv, checks: &[CheckView]) {
            for check in checks {
                let value = check.value.as_ref().map(|value| &value.0);
                let text = value.map(|value| match (value.whole(), value.fraction()) {
                    (Some(whole), _) => whole.to_string(),
                    (_, Some(fraction)) => fraction.to_string(),
                    _ => String::new(),
                });
                let samples = value.and_then(|value| value.samples()).map(|samples| samples.to_string());
                let state = serde_json::to_value(check.state).ok();
                csv.row(&[
                    &check.id,
                    state.as_ref().and_then(|state| state.as_str()).unwrap_or_default(),
                    check.metric.as_deref().unwrap_or_default(),
                    text.as_deref().unwrap_or_default(),
                    samples.as_deref().unwrap_or_default(),
                    check.bar.as_deref().unwrap_or_default(),
                    check.need.as_deref().unwrap_or_default(),
                    &check.before.to_string(),
                ]);
                rows(csv, &check.below);
            }
        }
        rows(&mut csv, &self.checks);
        Some(csv)
    }
}
