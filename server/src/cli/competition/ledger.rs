use std::sync::Arc;

use apogee_competition::{Act, Blocker, Competition, audit, blockers};
use apogee_store::Store;
use clap::Args;
use serde_json::{Value, json};

use super::simulate;
use crate::claims::{Wallets, Wants};
use crate::cli::desk::{Desk, absent};
use crate::cli::source::{Chosen, Database};
use crate::cli::{Answer, Failure, Format, chain_of};
use crate::competitions::{Around, Ground, Held, NoLedger, Triple, effect};

/// Entries of the timeline that are shown.
const SHOWN: usize = 30;

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    database: Database,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The competition
    id: String,
    #[command(flatten)]
    database: Database,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The competition
    id: String,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EffectOf {
    /// The competition
    id: String,
    /// Number of the entry
    seq: u64,
    #[command(flatten)]
    database: Database,
    /// How to print the result; JSON is the document whose hash is in the entry
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a competition is, in short.
fn summary(competition: &Competition) -> Value {
    let founding = competition.founding();
    json!({
        "id": competition.id(), "phase": competition.phase(), "seq": competition.seq(),
        "network": founding.map(|founding| &founding.network),
        "start": competition.start(), "end": competition.end(),
        "entities": competition.entities().len(),
        "rules": competition.rules().last().map(|published| published.rules.version.number),
        "head": competition.head().map(|(_, hash)| hash),
    })
}

impl List {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let mut rows = Vec::new();
        for head in store.competitions().await.map_err(Failure::world)? {
            rows.push(summary(Held::load(&*store, &head.competition).await?.competition()));
        }
        let columns = ["id", "phase", "seq", "network", "start", "end", "entities", "rules"];
        let plain = |row: &Value, name: &str| match row.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        match self.format {
            Format::Json => println!("{}", Value::Array(rows)),
            Format::Csv => {
                println!("{}", columns.join(","));
                for row in &rows {
                    println!("{}", columns.map(|name| plain(row, name)).join(","));
                }
            }
            Format::Table => {
                let line = |cells: [String; 8]| {
                    let [id, phase, seq, network, start, end, entities, rules] = cells;
                    println!(
                        "{id:<24}{phase:<14}{seq:>6}  {network:<20}{start:>10}{end:>10}{entities:>10}{rules:>7}"
                    );
                };
                line(columns.map(str::to_owned));
                rows.iter().for_each(|row| line(columns.map(|name| plain(row, name))));
            }
        }
        Ok(Answer::Yes)
    }
}

/// The competition of that name in a database, whatever it runs on.
async fn held(database: &Database, id: &str) -> Result<(Arc<dyn Store>, Held), Failure> {
    let (_, place) = database.place()?;
    let store = place.existing().await?;
    let held = Held::load(&*store, id).await?;
    if held.head().is_none() {
        return Err(absent(&store, id).await?);
    }
    Ok((store, held))
}

impl Show {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (_, held) = held(&self.database, &self.id).await?;
        let competition = held.competition();
        match self.format {
            Format::Json => {
                let operators: Vec<&str> = competition.operators().keys().map(|id| id.as_str()).collect();
                let mut whole = summary(competition);
                let more = json!({
                    "founding": competition.founding(), "operators": operators, "timestamps": competition.timestamps(),
                    "frozen": competition.frozen(), "finals": competition.finals(),
                    "payout": competition.payout(), "incidents": competition.incidents(),
                    "appeals": competition.appeals(), "entities": competition.entities(),
                });
                if let (Value::Object(whole), Value::Object(more)) = (&mut whole, more) {
                    whole.extend(more);
                }
                println!("{whole}");
            }
            Format::Csv => {
                println!("seq,epoch,time,kind,actor,hash");
                for signed in held.entries() {
                    let entry = &signed.entry;
                    let (kind, actor) = (entry.act.kind(), &entry.actor);
                    println!("{},{},{},{kind},{actor},{}", entry.seq, entry.epoch, entry.time, signed.hash);
                }
            }
            Format::Table => table(&held),
        }
        Ok(Answer::Yes)
    }
}

fn table(held: &Held) {
    let competition = held.competition();
    let phase = format!("{:?}", competition.phase()).to_lowercase();
    println!("{} is {phase}, after {} entries", competition.id(), competition.seq());
    if let Some(founding) = competition.founding() {
        println!("on {}, for {}", founding.network, founding.domain);
        let operators: Vec<String> = competition.operators().keys().map(ToString::to_string).collect();
        println!("operators {}; {} act together", operators.join(", "), founding.threshold);
    }
    if let (Some(start), Some(end)) = (competition.start(), competition.end()) {
        println!("epochs {start} to {}", end.minus(1));
    }
    for published in competition.rules() {
        let version = &published.rules.version;
        println!("rules {} from epoch {}: {}", version.number, version.from, published.hash);
    }
    for (id, entity) in competition.entities() {
        let members = entity.members.iter().filter(|member| member.until.is_none()).count();
        println!("{id}: {}, {members} miners", entity.name);
    }
    println!();
    let skipped = held.entries().len().saturating_sub(SHOWN);
    if skipped > 0 {
        println!("… {skipped} entries before");
    }
    for signed in held.entries().iter().skip(skipped) {
        let entry = &signed.entry;
        println!("{:>6}  {:>10}  {:<22}{}", entry.seq, entry.epoch.height(), entry.act.kind(), entry.actor);
    }
}

impl Check {
    /// Exits 1 where something is not as it should be, or cannot be final yet.
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (config, place) = self.database.place()?;
        let store = place.existing().await?;
        let loaded = Held::load(&*store, &self.id).await;
        let held = match loaded {
            Ok(held) if held.head().is_none() => return Err(absent(&store, &self.id).await?),
            Ok(held) => held,
            Err(error @ (NoLedger::Entry { .. } | NoLedger::Broken { .. })) => {
                println!("WRONG {}", chain_of(&error));
                return Ok(Answer::No);
            }
            Err(error) => return Err(error.into()),
        };
        let competition = held.competition();
        println!("ledger: {} entries fold, hashes and signatures of operators are good", competition.seq());
        let Some(ground) = Ground::of(&*store, &held).await.map_err(Failure::world)? else {
            println!("facts: the network is not indexed");
            return Ok(Answer::No);
        };
        let chain = self.chosen.source(&config, competition.founding().map(|f| &f.network)).await?;
        let mut desk = Desk::at(store, held, ground, chain.recorded);
        desk.world.source = chain.source;
        let mut wants = Wants::default();
        wants.ledger(desk.held.entries().iter().map(|signed| &**signed));
        let around = desk.around(&wants).await?;
        let good = claims(&desk, &around) & standings(&desk).await?;
        let blockers = blockers(desk.competition(), &around.context());
        for blocker in &blockers {
            println!("blocker: {}", said(blocker));
        }
        if blockers.is_empty() {
            println!("nothing stands in the way of being final");
        }
        Ok(if good { Answer::Yes } else { Answer::No })
    }
}

/// Whether every claim proves itself by verified state, where that can be read.
fn claims(desk: &Desk, around: &Around) -> bool {
    let entries = || desk.held.entries().iter().map(|signed| &**signed);
    let count = entries().filter(|signed| matches!(signed.entry.act, Act::Claim { .. })).count();
    if count == 0 {
        println!("claims: there are none");
        return true;
    }
    if desk.world.source.is_none() {
        println!("claims: {count}, whose keys were not looked at: name the chain with --car or --rpc");
        return true;
    }
    match audit(entries(), around.known(), &Wallets) {
        Ok(()) => {
            println!("claims: {count}, each signed by the key that verified state names");
            true
        }
        Err(broken) => {
            println!("WRONG {}", chain_of(&broken));
            false
        }
    }
}

/// Whether there are standings now, and final ones are what they were.
async fn standings(desk: &Desk) -> Result<bool, Failure> {
    let competition = desk.competition();
    for last in competition.finals() {
        let pin = &last.pin;
        let triple = Triple { at: pin.at, rules: pin.rules, seq: pin.seq };
        let root = desk.stands.stand(&desk.held, &desk.ground, triple).await?.standings.root;
        let verdict = if root == pin.root { "as they were" } else { "WRONG" };
        println!("final standings of entry {}: root {root}, {verdict}", last.moment.seq);
        if root != pin.root {
            return Ok(false);
        }
    }
    let at = desk.ground.head();
    if competition.start().is_none_or(|start| at < start) {
        println!("standings: the competition has not started");
        return Ok(true);
    }
    let stood = desk.stand(at).await?;
    println!("standings: root {} at epoch {at}", stood.standings.root);
    Ok(true)
}

/// A blocker as people and programs read it: its kind, then what belongs to it.
pub(in crate::cli) fn said(blocker: &Blocker) -> String {
    let mut members = match serde_json::to_value(blocker) {
        Ok(Value::Object(members)) => members,
        _ => return "unknown".to_owned(),
    };
    let kind = members.remove("kind").and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
    let rest = members.iter().map(|(name, value)| format!(" {name}={value}"));
    std::iter::once(kind).chain(rest).collect()
}

impl EffectOf {
    /// Exits 1 where another report comes out than the one that the entry names.
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let desk = Desk::open(&self.database, &self.id, true).await?;
        let before = self.seq.checked_sub(1).map(|before| desk.held.until(before)).transpose()?;
        let signed = desk.held.entries().iter().find(|signed| signed.entry.seq == self.seq);
        let (Some(before), Some(signed)) = (before, signed) else {
            return Err(Failure::input(format!("no-such-entry: the ledger has no entry {}", self.seq)));
        };
        let found = effect(&desk.stands, &before, &desk.ground, &signed.entry).await?;
        let Some(found) = found else {
            return Err(Failure::input(format!("entry {} changes no standings", self.seq)));
        };
        let named = match &signed.entry.act {
            Act::PublishRules { simulation, .. } => *simulation,
            _ => signed.entry.preview,
        };
        match self.format {
            Format::Json => {
                println!("{}", apogee_rules::canonical::text(&found.report).map_err(Failure::world)?);
            }
            Format::Csv => simulate::csv(&found.report),
            Format::Table => {
                simulate::table("WHAT IT DOES", &found.report);
                println!("report {}", found.hash);
            }
        }
        Ok(if named == Some(found.hash) { Answer::Yes } else { Answer::No })
    }
}
