//! What miners run: how far is an upgrade?

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::series;
use apogee_store::{Page as Rows, ProbeAgent};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::count::percent;
use super::{Probing, plain};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::{Meta, TripleQuery};
use crate::web::figure::{Coin, Scale, coin};
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Rows that are read at once.
const PAGE: u32 = 5_000;
/// Rows of a list on the page.
const SHOWN: usize = 50;

/// What miners say that they run. Nobody proves it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeVersions)]
pub(crate) struct Versions {
    meta: Meta,
    kinds: Vec<KindView>,
    #[serde(skip)]
    coin: Coin,
}

/// By probes of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeKindVersions)]
struct KindView {
    kind: &'static str,
    /// Miners that were seen.
    miners: u64,
    /// Their raw power, bytes.
    raw: String,
    /// Their quality-adjusted power, bytes.
    qa: String,
    /// By what they call themselves, that with the most power first; empty for who does not say.
    agents: Vec<Group>,
    /// By what they speak. A miner is in many.
    protocols: Vec<Group>,
    #[serde(skip)]
    power: (u128, u128),
}

/// Those who say the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeVersion)]
struct Group {
    name: String,
    miners: u64,
    raw: String,
    qa: String,
    /// Of the raw power of all that were seen, millionths.
    share: u64,
    /// When one of them was seen last.
    seen: String,
    #[serde(skip)]
    power: u128,
}

#[derive(Default)]
struct Sum {
    miners: u64,
    raw: u128,
    qa: u128,
    seen: apogee_domain::Timestamp,
}

/// `GET /c/{competition}/probes/versions`
pub(in crate::web::competition) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let probing = Probing::of(&app, &stage)?;
    let (network, at) = (&probing.plan.network, stage.meta.chain.epoch);
    let mut powers = [BTreeMap::new(), BTreeMap::new()];
    for (powers, series) in powers.iter_mut().zip([series::POWER_RAW, series::POWER_QA]) {
        let rows = app.store.board(network, &series, at).await?;
        powers.extend(
            rows.into_iter().map(|(subject, value)| (subject.to_string(), value.map_or(0, |value| value.0))),
        );
    }
    let agents = probing.agents(&stage).await?;
    let kinds = probing.plan.cadences.iter().map(|cadence| {
        let of: Vec<&ProbeAgent> = agents.iter().filter(|agent| agent.kind == cadence.kind).collect();
        KindView::of(cadence.kind.as_str(), &of, &powers)
    });
    let kind = app.now.load().network(network.as_str()).map(|now| now.network.kind);
    let view = Versions {
        kinds: kinds.collect(),
        coin: coin(kind.unwrap_or(apogee_domain::NetworkKind::Filecoin)),
        meta: stage.meta.clone(),
    };
    Ok(probing.fresh(ask.answer(&view)?))
}

impl Probing<'_> {
    /// What every miner runs. What was seen after the epoch that is looked at is left out.
    async fn agents(&self, stage: &crate::web::competition::Stage) -> Result<Vec<ProbeAgent>, Problem> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = Rows { after, limit: PAGE };
            let rows = self.store.agents(&self.plan.network, &self.plan.race, page).await?;
            after = rows.last().map(|agent| (agent.miner.clone(), agent.kind));
            let full = rows.len() == PAGE as usize;
            all.extend(rows);
            if !full {
                let to = self.to(stage);
                all.retain(|agent| self.until.is_none() || agent.seen <= to);
                return Ok(all);
            }
        }
    }
}

impl KindView {
    fn of(kind: &'static str, agents: &[&ProbeAgent], powers: &[BTreeMap<String, u128>; 2]) -> Self {
        let [raw, qa] = powers;
        let power = |of: &BTreeMap<String, u128>, miner: &str| {
            // f01000 and t01000 are one actor.
            let other = || match miner.split_at_checked(1) {
                Some(("f", rest)) => format!("t{rest}"),
                Some(("t", rest)) => format!("f{rest}"),
                _ => String::new(),
            };
            of.get(miner).or_else(|| of.get(&other())).copied().unwrap_or(0)
        };
        let mut all = Sum::default();
        let (mut by_agent, mut by_protocol) = (BTreeMap::new(), BTreeMap::new());
        for agent in agents {
            let (raw, qa) = (power(raw, &agent.miner), power(qa, &agent.miner));
            let add = |sum: &mut Sum| {
                sum.miners = sum.miners.saturating_add(1);
                sum.raw = sum.raw.saturating_add(raw);
                sum.qa = sum.qa.saturating_add(qa);
                sum.seen = sum.seen.max(agent.seen);
            };
            add(&mut all);
            add(by_agent.entry(agent.agent.as_str()).or_default());
            for protocol in agent.protocols.iter().map(String::as_str).collect::<BTreeSet<_>>() {
                add(by_protocol.entry(protocol).or_default());
            }
        }
        Self {
            kind,
            miners: all.miners,
            raw: all.raw.to_string(),
            qa: all.qa.to_string(),
            agents: groups(by_agent, all.raw),
            protocols: groups(by_protocol, all.raw),
            power: (all.raw, all.qa),
        }
    }
}

fn groups(sums: BTreeMap<&str, Sum>, whole: u128) -> Vec<Group> {
    let group = |(name, sum): (&str, Sum)| Group {
        name: name.to_owned(),
        miners: sum.miners,
        raw: sum.raw.to_string(),
        qa: sum.qa.to_string(),
        share: part(sum.raw, whole),
        seen: sum.seen.to_string(),
        power: sum.raw,
    };
    let mut groups: Vec<Group> = sums.into_iter().map(group).collect();
    groups.sort_by(|a, b| (b.power, b.miners, &a.name).cmp(&(a.power, a.miners, &b.name)));
    groups
}

/// Millionths of a whole; nothing of nothing.
fn part(part: u128, whole: u128) -> u64 {
    let parts = part.checked_mul(1_000_000).and_then(|parts| parts.checked_div(whole));
    parts.and_then(|parts| u64::try_from(parts).ok()).unwrap_or(0)
}

#[derive(Template)]
#[template(path = "competition/probes/versions.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Versions,
}

impl View for Versions {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Probes), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["kind", "what", "name", "miners", "raw", "qa", "share", "seen"]);
        for kind in &self.kinds {
            for (what, groups) in [("agent", &kind.agents), ("protocol", &kind.protocols)] {
                for group in groups {
                    csv.row(&[
                        kind.kind,
                        what,
                        &plain(&group.name),
                        &group.miners.to_string(),
                        &group.raw,
                        &group.qa,
                        &group.share.to_string(),
                        &group.seen,
                    ]);
                }
            }
        }
        Some(csv)
    }
}

impl Page<'_> {
    fn kind(&self, kind: &KindView) -> String {
        self.c.name("pr-kind", kind.kind)
    }

    fn scale(&self, kind: &KindView) -> Scale {
        let unit = apogee_domain::series::Unit::Bytes;
        Scale::of(unit, self.view.coin, Some(apogee_domain::Value(kind.power.0.max(kind.power.1))))
    }

    fn symbol(&self, kind: &KindView) -> &'static str {
        self.scale(kind).symbol
    }

    fn power(&self, kind: &KindView, bytes: &str) -> String {
        self.scale(kind).text(apogee_domain::Value(bytes.parse().unwrap_or(0)))
    }

    fn text(&self, name: &str) -> String {
        plain(name)
    }

    fn share(&self, group: &Group) -> String {
        percent(group.share)
    }

    /// Of a drawing that is a hundred wide.
    fn width(&self, group: &Group) -> String {
        format!("{}.{}", group.share / 10_000, group.share / 1_000 % 10)
    }

    fn shown<'g>(&self, groups: &'g [Group]) -> &'g [Group] {
        groups.get(..SHOWN).unwrap_or(groups)
    }

    fn more(&self, groups: &[Group]) -> Option<String> {
        let more = groups.len().checked_sub(SHOWN).filter(|more| *more > 0)?;
        Some(self.c.language().say("ver-more", &fluent_args!["n" => more]))
    }

    /// Which of the lists it is.
    fn lists<'k>(&self, kind: &'k KindView) -> [(&'static str, &'k Vec<Group>); 2] {
        [("ver-agents", &kind.agents), ("ver-protocols", &kind.protocols)]
    }

    fn lead(&self, kind: &KindView) -> String {
        let arguments = fluent_args!["n" => kind.miners, "versions" => kind.agents.len()];
        self.c.language().say("ver-lead", &arguments)
    }
}
