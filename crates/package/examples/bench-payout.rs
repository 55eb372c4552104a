//! A million claimed entities ranked, paid and put into both trees, beside sorting and hashing the same rows alone. Fails where a bar is missed.

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use apogee_domain::{Atto, Epoch};
use apogee_leaderboard::{
    Decisions, Entities, Entity, Facts, FactsDocument, Membership, Participant, SeriesDocument, Source,
    Standings, Steps, stand,
};
use apogee_package::payout::{Address, AuditTree, Payment, PaymentList, StandardTree};
use apogee_rules::{Quantity, RuleSet, canonical};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROWS: u32 = 1_000_000;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a bar is missed");
            ExitCode::FAILURE
        }
        Err(cause) => {
            eprintln!("bench-payout: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// What the processor did for this program, which has one thread, whoever else is running.
fn cpu_ms() -> Outcome<u64> {
    let stat = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = stat.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1_000_000)
}

/// The most memory that was held at once, in units of a million bytes, rounded up.
fn peak_mb() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    let kib: u64 = line.split_whitespace().next().ok_or("an empty line")?.parse()?;
    Ok((kib * 1024).div_ceil(1_000_000))
}

/// Spread by a fixed odd multiplier, so that ranks and addresses have nothing to do with ids.
const fn spread(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

fn inputs() -> Outcome<(Facts, Entities, RuleSet)> {
    let first = Epoch::GENESIS;
    let (mut participants, mut entities, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ROWS {
        let participant: apogee_rules::Id = format!("f0{number:07}").parse()?;
        steps.push((participant.clone(), vec![(first, Some(Quantity(u128::from(spread(number)) << 15)))]));
        participants.push(Participant { id: participant.clone(), region: None, seen: first });
        entities.push(Entity {
            attested: Vec::new(),
            id: format!("team-{number:07}").parse()?,
            members: vec![Membership { from: first, participant, until: None }],
            name: format!("Team {number}").into(),
            region: None,
            registered: None,
            tracks: Vec::new(),
        });
    }
    let power = SeriesDocument {
        name: "power.raw".parse()?,
        reading: serde_json::from_value(json!("level"))?,
        source: Source::Chain,
        steps: Steps(steps),
        unit: serde_json::from_value(json!("bytes"))?,
    };
    let facts = FactsDocument {
        deals: Vec::new(),
        network: "testnet".parse()?,
        participants,
        sectors: Vec::new(),
        series: vec![power],
    };
    let rules = json!({
        "competition": {
            "id": "bench", "name": {"en": "Bench", "zh": "基准"}, "network": "testnet", "start": 0, "end": 100,
            "regions": [], "tracks": [],
        },
        "version": {"number": 1, "from": 0, "retroactive": false, "reason": {"en": "First", "zh": "首版"}},
        "series": [],
        "entities": {"history": "whole", "same_region": false},
        "metrics": [{"id": "power", "kind": "level", "series": "power.raw"}],
        "eligibility": [{"id": "claimed", "kind": "claimed"}],
        "boards": [{"id": "global", "metric": "power", "population": "all", "partition": "none", "cutoff": "by-id"}],
        "pools": [{
            "id": "global", "board": "global", "divide": {"kind": "weight", "metric": "power"},
            "rounding": "largest-remainder", "amount": {"kind": "fixed", "amount": "4000000000000000000000000"},
        }],
        "vesting": {"kind": "none"},
    });
    let told = |problem: &dyn std::fmt::Display| problem.to_string();
    Ok((
        Facts::new(facts).map_err(|problem| told(&problem))?,
        Entities::new(entities).map_err(|problem| told(&problem))?,
        RuleSet::from_value(&rules).map_err(|problems| told(&problems))?,
    ))
}

/// The list that pays every entity what the standings owe it.
fn list(standings: &Standings) -> Outcome<PaymentList> {
    let mut total = Atto::ZERO;
    let mut payments = Vec::with_capacity(standings.payouts.len());
    for (payout, number) in standings.payouts.iter().zip(1..) {
        let mut address = [0x5a; 20];
        address.iter_mut().zip(spread(number).to_be_bytes()).for_each(|(to, from)| *to = from);
        let amount = Atto(payout.total.0);
        total = total.checked_add(amount).ok_or("the total is too large")?;
        let (entity, addresses) = (payout.entity.clone(), vec![Address::Ethereum(address)]);
        payments.push(Payment { entity, name: String::new(), addresses, threshold: 1, amount });
    }
    Ok(PaymentList::new(payments, total)?)
}

fn standings((facts, entities, rules): &(Facts, Entities, RuleSet)) -> Outcome<Standings> {
    let at = Epoch::new(50).ok_or("50 is an epoch")?;
    stand(facts, entities, rules, &Decisions::default(), at, 0).map_err(|problem| problem.to_string().into())
}

/// From inputs to both trees; how long that takes beside making the inputs, and the list.
fn paid() -> Outcome<(u64, PaymentList)> {
    let inputs = inputs()?;
    println!("{ROWS} participants and {} entities: peak {} MB", inputs.1.list().len(), peak_mb()?);
    let start = cpu_ms()?;
    let standings = standings(&inputs)?;
    let stood = cpu_ms()?;
    println!(
        "ranked, paid and in the tree of standings: {} ms of CPU, peak {} MB",
        stood - start,
        peak_mb()?
    );
    drop(inputs);
    let list = list(&standings)?;
    drop(standings);
    let listed = cpu_ms()?;
    let audit = AuditTree::new(&list);
    let audited = cpu_ms()?;
    let standard = StandardTree::new(&list)?;
    let done = cpu_ms()?;
    let (listing, auditing, hashing) = (listed - stood, audited - listed, done - audited);
    println!("the list {listing} ms, the audit tree {auditing} ms, the standard tree {hashing} ms");
    let claimed = standard.root().iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}"));
    println!("{} payments, roots {} and {claimed}", list.payments().len(), audit.root());
    Ok((done - start, list))
}

/// Every row that was put into a tree: entities, ranks and payouts once, payments in both trees.
fn rows(list: &PaymentList) -> Outcome<Vec<String>> {
    let standings = standings(&inputs()?)?;
    let mut rows: Vec<String> = Vec::new();
    for entity in &standings.entities {
        rows.push(serde_json::to_string(entity)?);
    }
    for row in standings.boards.iter().flat_map(|board| &board.rows) {
        rows.push(serde_json::to_string(row)?);
    }
    for payout in &standings.payouts {
        rows.push(serde_json::to_string(payout)?);
    }
    for payment in list.payments() {
        rows.extend([payment.row(), payment.row()]);
    }
    Ok(rows)
}

fn run() -> Outcome<bool> {
    let (took, list) = paid()?;
    let peak = peak_mb()?;
    let mut rows = rows(&list)?;
    // In an order that is not the one they are sorted into.
    rows.sort_by_cached_key(|row| canonical::sha256(row.as_bytes()));
    let start = cpu_ms()?;
    rows.sort_unstable();
    let hashes: Vec<_> = rows.iter().map(|row| canonical::sha256(row.as_bytes())).collect();
    let alone = (cpu_ms()? - start).max(1);
    println!("sorting and hashing the same {} rows alone: {alone} ms of CPU", hashes.len());
    println!(
        "ranked, paid and in both trees: {took} ms of CPU, ratio {}.{:02} (bar 3), peak {peak} MB (bar 1000)",
        took / alone,
        took * 100 / alone % 100
    );
    Ok(took <= alone * 3 && peak < 1000)
}
