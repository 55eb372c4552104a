//! Five thousand participants at a new epoch, `bench-leaderboard standings`, and a million ranked by one series, `bench-leaderboard ranking`. Fails
//! where a bar is missed.

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use apogee_domain::{Digest, Epoch, Subject, Value, series};
use apogee_leaderboard::{
    Decision, Decisions, Effect, Entities, Entity, Facts, FactsDocument, Membership, Participant, Ranking,
    Scope, SeriesDocument, Source, Standings, Steps, stand,
};
use apogee_rules::{Id, Quantity, RuleSet};
use serde_json::json;
use sha2::{Digest as _, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("standings") => standings(),
        Some("ranking") => ranking(),
        _ => Err("usage: bench-leaderboard standings | ranking".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a bar is missed");
            ExitCode::FAILURE
        }
        Err(cause) => {
            eprintln!("bench-leaderboard: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// What a program costs is what it makes the processor do, whoever else is running.
fn cpu_ms() -> Outcome<u64> {
    let stat = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = stat.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1_000_000)
}

struct Inputs {
    facts: Facts,
    entities: Entities,
    rules: RuleSet,
    decisions: Decisions,
}

impl Inputs {
    fn stand(&self) -> Outcome<Standings> {
        let at = Epoch::new(50).ok_or("50 is an epoch")?;
        stand(&self.facts, &self.entities, &self.rules, &self.decisions, at, 1)
            .map_err(|p| p.to_string().into())
    }
}

const REGIONS: [&str; 6] = ["africa", "asia", "europe", "north-america", "oceania", "south-america"];

/// Entities of one member each, with a rate to fulfil, ranked by power, paid by weight.
fn inputs(count: u32) -> Outcome<Inputs> {
    let start = Epoch::GENESIS;
    let ids = (0..count).map(|number| format!("f0{number:07}").parse()).collect::<Result<Vec<Id>, _>>()?;
    let mut participants = Vec::new();
    let mut entities = Vec::new();
    let regions = REGIONS.iter().map(|region| region.parse()).collect::<Result<Vec<Id>, _>>()?;
    for ((number, id), region) in (0..count).zip(&ids).zip(regions.iter().cycle()) {
        participants.push(Participant { id: id.clone(), region: Some(region.clone()), seen: start });
        let member = Membership { from: start, participant: id.clone(), until: None };
        entities.push(Entity {
            attested: Vec::new(),
            id: format!("team-{number:07}").parse()?,
            members: vec![member],
            name: format!("Team {number}").into(),
            region: None,
            registered: Some(start),
            tracks: Vec::new(),
        });
    }
    let entities = Entities::new(entities).map_err(|problem| problem.to_string())?;
    let first = Epoch::new(1).ok_or("1 is an epoch")?;
    let series = |name: &str, reading: &str, unit: &str, source, value: &dyn Fn(u32) -> u128| -> Outcome<_> {
        let steps = (0..count).zip(&ids).map(|(number, id)| {
            let step = (first, Some(Quantity(value(number))));
            (id.clone(), vec![step])
        });
        Ok(SeriesDocument {
            name: name.parse()?,
            reading: serde_json::from_value(json!(reading))?,
            source,
            steps: Steps(steps.collect()),
            unit: serde_json::from_value(json!(unit))?,
        })
    };
    // Spread by a fixed odd multiplier, so that ranks have nothing to do with ids.
    let power = |number: u32| u128::from(number.wrapping_mul(2_654_435_761)) << 15;
    let facts = Facts::new(FactsDocument {
        deals: Vec::new(),
        network: "testnet".parse()?,
        participants,
        sectors: Vec::new(),
        series: vec![
            series("power.raw", "level", "bytes", Source::Chain, &power)?,
            series("probe.ok", "cumulative", "count", Source::Observed, &|number| {
                u128::from(number % 40 + 200)
            })?,
            series("probe.failed", "cumulative", "count", Source::Observed, &|number| {
                u128::from(number % 61)
            })?,
        ],
    })
    .map_err(|problem| problem.to_string())?;
    let decisions =
        Decisions::new(vec![Decision { effect: Effect::Note {}, seq: 1 }]).map_err(|p| p.to_string())?;
    Ok(Inputs { facts, entities, rules: rules()?, decisions })
}

fn rules() -> Outcome<RuleSet> {
    let observed = |name| json!({"name": name, "unit": "count", "reading": "cumulative"});
    let board = |id, partition| json!({"id": id, "metric": "power", "population": "eligible", "partition": partition, "cutoff": "by-id"});
    let document = json!({
        "competition": {
            "id": "bench", "name": {"en": "Bench", "zh": "基准"}, "network": "testnet", "start": 0, "end": 100,
            "regions": REGIONS, "tracks": [],
        },
        "version": {"number": 1, "from": 0, "retroactive": false, "reason": {"en": "First", "zh": "首版"}},
        "series": [observed("probe.ok"), observed("probe.failed")],
        "entities": {"history": "whole", "same_region": true},
        "metrics": [
            {"id": "power", "kind": "level", "series": "power.raw"},
            {"id": "storage", "kind": "rate", "passed": "probe.ok", "failed": "probe.failed", "aggregation": "pooled"},
        ],
        "eligibility": [
            {"id": "claimed", "kind": "claimed"},
            {"id": "region", "kind": "region"},
            {"id": "storage", "kind": "at-least", "metric": "storage", "value": "4/5", "per": "entity"},
        ],
        "boards": [board("global", "none")],
        "pools": [{
            "id": "global", "board": "global", "divide": {"kind": "weight", "metric": "power"}, "rounding": "largest-remainder",
            "amount": {
                "kind": "tiers", "mode": "highest", "metric": "power", "population": "all", "base": "0",
                "tiers": [{"at": "1", "amount": "4000000000000000000000000"}],
            },
        }],
        "vesting": {"kind": "linear", "epochs": 518_400},
    });
    RuleSet::from_value(&document).map_err(|problems| problems.to_string().into())
}

fn standings() -> Outcome<bool> {
    let inputs = inputs(5_000)?;
    let before = cpu_ms()?;
    let runs = 10;
    for _ in 0..runs {
        inputs.stand()?;
    }
    let one = (cpu_ms()? - before) / runs;
    println!("5000 participants at a new epoch: {one} ms of CPU (bar 250, pages included)");
    Ok(one < 250)
}

/// Rows of a ranking, and how many times longer than a bare sort and hash of them it may take to make.
const ROWS: u64 = 1_000_000;
const MOST_TIMES: u64 = 2;

fn ranking() -> Outcome<bool> {
    // Spread by a fixed odd multiplier, so that ranks have nothing to do with names, as boards are read: by name.
    let spread = |number: u64| u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 5_000);
    let rows = (0..ROWS).map(|number| Ok((format!("{number:064x}").parse()?, Some(Value(spread(number))))));
    let rows = rows.collect::<Outcome<Vec<(Subject, Option<Value>)>>>()?;
    let scope = Scope {
        network: "mesh".parse()?,
        genesis: "bench".into(),
        series: series::SPACE_UNITS,
        since: None,
        at: Epoch::GENESIS,
        chain: Digest([7; 32]),
    };
    let begun = cpu_ms()?;
    let made = Ranking::new(scope.clone(), &rows, None)?;
    let first = cpu_ms()? - begun;
    let begun = cpu_ms()?;
    let again = Ranking::new(scope.clone(), &rows, Some(made.names()))?;
    let second = cpu_ms()? - begun;
    if again.id() != made.id() {
        return Err("the same rows have the same name".into());
    }
    let begun = cpu_ms()?;
    let mut sorted: Vec<_> = rows.iter().map(|(subject, value)| (*value, subject)).collect();
    sorted.sort_unstable();
    let hash = |(value, subject): &(Option<Value>, &Subject)| {
        let text = format!("{subject} {}", value.map_or(0, |value| value.0));
        Sha256::digest(text)
    };
    let mut whole = Sha256::new();
    sorted.iter().for_each(|row| whole.update(hash(row)));
    let bare = cpu_ms()? - begun;
    let begun = cpu_ms()?;
    let shown = (0..1_000).flat_map(|page| page * 1_000..page * 1_000 + 50);
    let shown = shown.filter_map(|position| made.row(position)).count();
    let slices = cpu_ms()? - begun;
    let begun = cpu_ms()?;
    let order = made.ordered_by_name(false);
    let ordering = cpu_ms()? - begun;
    let begun = cpu_ms()?;
    let found = made.pick(Some(&order), Some("abcd"), 0, 50).found;
    let search = cpu_ms()? - begun;
    println!("{:?} is the hash of the bare rows", Digest(whole.finalize().into()));
    println!(
        "{ROWS} rows ranked: {first} ms of CPU, {second} ms with names at hand; bare sort and hash {bare} ms"
    );
    println!(
        "bytes: {} of names, {} of the ranking, {} of an order",
        made.names().bytes(),
        made.bytes(),
        order.bytes()
    );
    println!(
        "{shown} rows in 1,000 pages: {slices} ms; put in another order: {ordering} ms; {found} found among all: {search} ms"
    );
    Ok(first <= bare * MOST_TIMES)
}
