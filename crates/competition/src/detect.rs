//! What the chain itself shows: incidents that are proposed, never taken for granted.

use std::collections::BTreeMap;

use apogee_domain::Epoch;
use apogee_rules::Id;
use serde::Serialize;

use crate::Words;

/// What is known of an epoch. Something that is not known is `None` and shows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochFacts {
    /// Which epoch.
    pub epoch: Epoch,
    /// Whether no block was mined.
    pub null: bool,
    /// Base fee, in atto for each unit of gas.
    pub base_fee: Option<u128>,
    /// Gas used by the messages of its blocks, and the limit of its blocks together.
    pub gas: Option<(u64, u64)>,
    /// Whether the randomness beacon had its rounds.
    pub beacon: Option<bool>,
    /// Version of the network.
    pub network_version: Option<u32>,
    /// Raw power of each region, in bytes.
    pub power: BTreeMap<Id, u128>,
    /// Faulty and all live sectors.
    pub sectors: Option<(u64, u64)>,
}

/// From when on something is an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Thresholds {
    /// Null rounds in a row. At five expected blocks an epoch one is null in 150, and five together once in 7 · 10¹⁰.
    pub null_rounds: u32,
    /// Epochs in a row of which nothing is known.
    pub gap: u32,
    /// Base fee as a multiple of that of `window` epochs before.
    pub base_fee_factor: u32,
    /// Used gas in percent of the limit.
    pub full_percent: u32,
    /// Full epochs in a row.
    pub full_blocks: u32,
    /// Epochs in a row without the beacon's rounds.
    pub beacon: u32,
    /// Percent of its power that a region loses within `window`.
    pub collapse_percent: u32,
    /// Percent of all live sectors that become faulty within `window`.
    pub fault_percent: u32,
    /// Epochs that are looked back.
    pub window: u32,
}

/// One hour of Filecoin's epochs to look back.
impl Default for Thresholds {
    fn default() -> Self {
        Self {
            null_rounds: 5,
            gap: 1,
            base_fee_factor: 10,
            full_percent: 95,
            full_blocks: 20,
            beacon: 3,
            collapse_percent: 30,
            fault_percent: 10,
            window: 120,
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Sign {
    /// Null rounds in a row.
    NullRounds,
    /// Epochs of which nothing is known.
    TipsetGap,
    /// The base fee rose.
    BaseFeeSpike {
        /// The highest, in atto.
        highest: u128,
    },
    /// Blocks were full.
    FullBlocks,
    /// The beacon had no rounds.
    BeaconGap,
    /// The network changed its version.
    NetworkVersion {
        /// Before.
        before: u32,
        /// From then on.
        after: u32,
    },
    /// A region lost power.
    PowerCollapse {
        /// Which.
        region: Id,
        /// Power before, in bytes.
        before: u128,
        /// The least since, in bytes.
        least: u128,
    },
    /// Many sectors became faulty.
    MassFault {
        /// Faulty sectors before.
        before: u64,
        /// The most since.
        most: u64,
    },
}

/// An incident that somebody may open, and the interval that may then be removed by a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedIncident {
    /// What was seen.
    pub sign: Sign,
    /// First epoch.
    pub from: Epoch,
    /// First epoch after it; the end of what is known where it lasts.
    pub until: Epoch,
    /// Regions it would be removed in; none for all.
    pub regions: Vec<Id>,
    /// Whether epochs were lost for competitors; a new version of the network alone takes none away.
    pub removes: bool,
    /// In short, for people.
    pub title: Words,
}

/// Whatever the facts show, in the order of (first epoch, kind). `facts` ascend by epoch; others are passed over.
#[must_use]
pub fn detect(facts: &[EpochFacts], thresholds: &Thresholds) -> Vec<ProposedIncident> {
    let facts: Vec<&EpochFacts> = facts
        .iter()
        .scan(None, |last: &mut Option<Epoch>, fact| {
            let ascends = last.is_none_or(|last| last < fact.epoch);
            if ascends {
                *last = Some(fact.epoch);
            }
            Some(ascends.then_some(fact))
        })
        .flatten()
        .collect();
    let t = thresholds;
    let mut found = gaps(&facts, t);
    found.extend(versions(&facts));
    found.extend(
        runs(&facts, t.null_rounds, |_, fact| fact.null)
            .into_iter()
            .map(|run| propose(run, Sign::NullRounds)),
    );
    let full = |_: usize, fact: &EpochFacts| {
        fact.gas.is_some_and(|(used, limit)| {
            limit > 0 && u128::from(used) * 100 >= u128::from(limit) * u128::from(t.full_percent)
        })
    };
    found.extend(runs(&facts, t.full_blocks, full).into_iter().map(|run| propose(run, Sign::FullBlocks)));
    let silent = |_: usize, fact: &EpochFacts| fact.beacon == Some(false);
    found.extend(runs(&facts, t.beacon, silent).into_iter().map(|run| propose(run, Sign::BeaconGap)));
    found.extend(fees(&facts, t));
    found.extend(collapses(&facts, t));
    found.extend(faults(&facts, t));
    found.sort_by_key(|incident| (incident.from, incident.title.en.clone()));
    found
}

type Run<'a> = &'a [&'a EpochFacts];

/// Longest runs of consecutive facts of which `holds` says yes, `least` of them or more.
fn runs<'a>(
    facts: &'a [&'a EpochFacts],
    least: u32,
    holds: impl Fn(usize, &EpochFacts) -> bool,
) -> Vec<Run<'a>> {
    let flags: Vec<bool> = facts.iter().enumerate().map(|(index, fact)| holds(index, fact)).collect();
    let mut runs = Vec::new();
    let mut at = 0;
    for group in flags.chunk_by(|a, b| a == b) {
        let run = facts.get(at..at + group.len()).unwrap_or_default();
        at += group.len();
        if group.first() == Some(&true) && run.len() >= usize::try_from(least.max(1)).unwrap_or(usize::MAX) {
            runs.push(run);
        }
    }
    runs
}

fn bounds(run: Run<'_>) -> (Epoch, Epoch) {
    let first = run.first().map_or(Epoch::GENESIS, |fact| fact.epoch);
    (first, run.last().map_or(first, |fact| fact.epoch.plus(1)))
}

fn propose(run: Run<'_>, sign: Sign) -> ProposedIncident {
    incident(bounds(run), sign)
}

fn incident((from, until): (Epoch, Epoch), sign: Sign) -> ProposedIncident {
    let (en, zh) = match &sign {
        Sign::NullRounds => ("Null rounds in a row".to_owned(), "连续空轮".to_owned()),
        Sign::TipsetGap => ("Epochs of which nothing is known".to_owned(), "缺失的高度".to_owned()),
        Sign::BaseFeeSpike { highest } => {
            (format!("Base fee up to {highest} atto"), format!("基础费用升至 {highest} atto"))
        }
        Sign::FullBlocks => ("Full blocks".to_owned(), "区块已满".to_owned()),
        Sign::BeaconGap => ("No rounds of the randomness beacon".to_owned(), "随机信标缺轮".to_owned()),
        Sign::NetworkVersion { before, after } => {
            (format!("Network version {before} to {after}"), format!("网络版本 {before} 升至 {after}"))
        }
        Sign::PowerCollapse { region, before, least } => (
            format!("Power of {region} fell from {before} to {least} bytes"),
            format!("{region} 算力由 {before} 降至 {least} 字节"),
        ),
        Sign::MassFault { before, most } => (
            format!("Faulty sectors rose from {before} to {most}"),
            format!("故障扇区由 {before} 增至 {most}"),
        ),
    };
    let regions = match &sign {
        Sign::PowerCollapse { region, .. } => vec![region.clone()],
        _ => Vec::new(),
    };
    let removes = !matches!(sign, Sign::NetworkVersion { .. });
    ProposedIncident { sign, from, until, regions, removes, title: Words { en, zh } }
}

fn gaps(facts: &[&EpochFacts], t: &Thresholds) -> Vec<ProposedIncident> {
    let pairs = facts.iter().zip(facts.iter().skip(1));
    pairs
        .map(|(a, b)| (a.epoch.plus(1), b.epoch))
        .filter(|(from, until)| until.since(*from) >= i64::from(t.gap.max(1)))
        .map(|bounds| incident(bounds, Sign::TipsetGap))
        .collect()
}

fn versions(facts: &[&EpochFacts]) -> Vec<ProposedIncident> {
    let known: Vec<(Epoch, u32)> =
        facts.iter().filter_map(|fact| Some((fact.epoch, fact.network_version?))).collect();
    let pairs = known.iter().zip(known.iter().skip(1));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((_, before), (at, after))| {
            incident((*at, at.plus(1)), Sign::NetworkVersion { before: *before, after: *after })
        })
        .collect()
}

/// For each fact, the one that is `window` epochs before it, or as near to that as there is one, and not the fact itself.
fn back<'a>(facts: &'a [&'a EpochFacts], index: usize, window: u32) -> Option<&'a EpochFacts> {
    let epoch = facts.get(index)?.epoch.minus(i64::from(window));
    let before = facts.partition_point(|fact| fact.epoch < epoch);
    facts.get(before).copied().filter(|_| before < index)
}

fn fees(facts: &[&EpochFacts], t: &Thresholds) -> Vec<ProposedIncident> {
    let high = |index: usize, fact: &EpochFacts| {
        let before = back(facts, index, t.window).and_then(|before| before.base_fee);
        fact.base_fee.zip(before).is_some_and(|(now, before)| {
            before.checked_mul(u128::from(t.base_fee_factor)).is_some_and(|bar| now >= bar.max(1))
        })
    };
    runs(facts, 1, high)
        .into_iter()
        .map(|run| {
            let highest = run.iter().filter_map(|fact| fact.base_fee).max().unwrap_or(0);
            propose(run, Sign::BaseFeeSpike { highest })
        })
        .collect()
}

fn collapses(facts: &[&EpochFacts], t: &Thresholds) -> Vec<ProposedIncident> {
    let mut regions: Vec<&Id> = facts.iter().flat_map(|fact| fact.power.keys()).collect();
    regions.sort_unstable();
    regions.dedup();
    let mut found = Vec::new();
    for region in regions {
        let power = |fact: &EpochFacts| fact.power.get(region).copied();
        let fell = |index: usize, fact: &EpochFacts| {
            let before = back(facts, index, t.window).and_then(power);
            before
                .zip(power(fact))
                .is_some_and(|(before, now)| percent_lost(before, now) >= u128::from(t.collapse_percent))
        };
        for run in runs(facts, 1, fell) {
            let first = facts.iter().position(|fact| Some(fact.epoch) == run.first().map(|fact| fact.epoch));
            let before = first.and_then(|index| back(facts, index, t.window)).and_then(power).unwrap_or(0);
            let least = run.iter().filter_map(|fact| power(fact)).min().unwrap_or(0);
            found.push(propose(run, Sign::PowerCollapse { region: region.clone(), before, least }));
        }
    }
    found
}

/// Whole percent of `before` that is gone; nothing can be lost of nothing.
fn percent_lost(before: u128, now: u128) -> u128 {
    // Powers are far below 2^121; what is not is far too much to be lost by rounding.
    let lost = before.saturating_sub(now);
    lost.checked_mul(100)
        .map_or_else(|| lost / (before / 100).max(1), |lost| lost.checked_div(before).unwrap_or(0))
}

fn faults(facts: &[&EpochFacts], t: &Thresholds) -> Vec<ProposedIncident> {
    let rose = |index: usize, fact: &EpochFacts| {
        let before = back(facts, index, t.window).and_then(|before| before.sectors);
        before.zip(fact.sectors).is_some_and(|((before, _), (now, live))| {
            live > 0
                && now > before
                && u128::from(now - before) * 100 >= u128::from(live) * u128::from(t.fault_percent)
        })
    };
    runs(facts, 1, rose)
        .into_iter()
        .map(|run| {
            let first = facts.iter().position(|fact| Some(fact.epoch) == run.first().map(|fact| fact.epoch));
            let before = first.and_then(|index| back(facts, index, t.window)).and_then(|fact| fact.sectors);
            let most =
                run.iter().filter_map(|fact| fact.sectors.map(|(faulty, _)| faulty)).max().unwrap_or(0);
            propose(run, Sign::MassFault { before: before.map_or(0, |(faulty, _)| faulty), most })
        })
        .collect()
}
