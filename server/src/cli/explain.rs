//! `apogee explain`: why somebody is where it is and gets what it gets.

use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Asked, CheckReason, Derivation, Measure, PoolReason, State, Step, explain};
use apogee_rules::Id;
use clap::Args;
use serde_json::{Value, json};

use super::desk::Desk;
use super::source::{Database, epoch};
use super::{Answer, Failure, Format};
use crate::competitions::Triple;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The entity
    entity: Id,
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Standing,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which standings.
#[derive(Debug, Args)]
pub(super) struct Standing {
    /// At which epoch, written e:51204; by default the newest, or the last one of the competition
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
    /// Under which version of the rules, by its hash; by default the one that holds then
    #[arg(long, value_name = "HASH")]
    rules: Option<Digest>,
    /// With the ledger up to which entry; by default all of it
    #[arg(long, value_name = "NUMBER")]
    seq: Option<u64>,
}

impl Standing {
    /// The standings of a competition that are meant.
    pub(super) fn of(&self, desk: &Desk) -> Result<Triple, Failure> {
        let seq = self.seq.unwrap_or_else(|| desk.competition().seq());
        if seq == 0 || seq > desk.competition().seq() {
            return Err(Failure::input(format!("no-such-entry: the ledger has no entry {seq}")));
        }
        let competition = desk.held.until(seq)?;
        let head = desk.ground.head();
        let last = competition.end().map_or(head, |end| end.minus(1).min(head));
        let at = self.at.unwrap_or(last);
        if at > head {
            return Err(Failure::input(format!("epoch {at} is in the future: epoch {head} is the newest")));
        }
        let holds = || competition.rules_at(at).map(|published| published.hash);
        let rules = self.rules.or_else(holds);
        let rules = rules.ok_or_else(|| Failure::input("no-such-rules: no rules were published by then"))?;
        Ok(Triple { at, rules, seq })
    }
}

impl Explain {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let triple = self.chosen.of(&desk)?;
        let stood = desk.stands.stand(&desk.held, &desk.ground, triple).await?;
        let found = explain(&stood.standings, stood.rules(), self.entity.as_str());
        let found = found.ok_or_else(|| {
            Failure::input(format!("unknown-entity: {} does not stand at epoch {}", self.entity, triple.at))
        })?;
        match self.format {
            Format::Table => {
                println!(
                    "{} at epoch {}, rules {}, entry {}",
                    found.entity, triple.at, triple.rules, triple.seq
                );
                println!("eligible: {}", if found.eligible { "yes" } else { "no" });
                found.checks.iter().for_each(|reason| words(reason, 1));
                found.pools.iter().for_each(pool);
                for (seq, amount) in &found.awards {
                    println!("award of decision #{seq}: {amount} atto");
                }
                println!("total: {} atto", found.total);
                println!("root {}", stood.standings.root);
            }
            Format::Json | Format::Csv => {
                let document = document(&found, stood.standings.root);
                println!("{document}");
            }
        }
        Ok(Answer::Yes)
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Fail => "fail",
        State::Pending => "pending",
        State::Pass => "pass",
        State::Waived => "waived",
    }
}

fn shown(measure: &Measure) -> String {
    let whole = measure.whole().map(|whole| whole.to_string());
    whole.or_else(|| measure.fraction().map(|part| part.to_string())).unwrap_or_else(|| "unknown".to_owned())
}

fn asked(asked: &Asked) -> String {
    match asked {
        Asked::Metric { metric, at_least, bar, value, min_samples, .. } => {
            let side = if *at_least { "at least" } else { "at most" };
            let samples = min_samples.map(|samples| format!(" over {samples} samples")).unwrap_or_default();
            format!("{metric} {side} {bar}{samples}, is {}", shown(value))
        }
        Asked::Claimed => "claimed".to_owned(),
        Asked::Region { region } => {
            format!("in a region of the competition, is in {}", region.as_ref().map_or("none", Id::as_str))
        }
        Asked::Registered { deadline, late } => {
            let late = late.map(|late| format!(", newcomers before {late}")).unwrap_or_default();
            format!("registered before epoch {deadline}{late}")
        }
        Asked::Attested { what } => format!("{what} attested"),
        Asked::All => "all of".to_owned(),
        Asked::Any => "one of".to_owned(),
    }
}

fn words(reason: &CheckReason, depth: usize) {
    let need = match (&reason.need, reason.state) {
        (Some(need), State::Pending) => format!("; {need} more before epoch {}", reason.before),
        (Some(need), State::Fail) => format!("; {need} were missing"),
        _ => String::new(),
    };
    let (id, what) = (&reason.id, asked(&reason.asked));
    println!("{:depth$}{}  {id}: {what}{need}", "", state(reason.state), depth = 2 * depth);
    reason.below.iter().for_each(|below| words(below, depth + 1));
}

fn place(reason: &PoolReason) -> String {
    reason
        .region
        .as_ref()
        .map_or_else(|| reason.pool.to_string(), |region| format!("{} in {region}", reason.pool))
}

fn pool(reason: &PoolReason) {
    println!("{}: {} of {} atto", place(reason), reason.share, reason.amount);
    for step in &reason.steps {
        println!("  {}", arithmetic(step));
    }
    if let Some(next) = &reason.next {
        println!("  the next tier holds {} atto; {} are missing to it", next.amount, next.missing);
    }
}

fn arithmetic(step: &Step) -> String {
    let metric = |metric: &Option<Id>| metric.as_ref().map_or("each the same", Id::as_str).to_owned();
    match step {
        Step::Weigh { metric: of, value, weight, total, .. } => {
            format!("weighs {} {value}: {weight} of {total}", metric(of))
        }
        Step::Cap { amount, weight, total, cap } => {
            format!("{amount} × {weight} / {total} is above the cap of {cap}")
        }
        Step::Divide { amount, weight, total, share, rest } => {
            format!("{amount} × {weight} / {total} = {share}, rest {rest} / {total}")
        }
        Step::Remainder => "1 atto of what rounding left".to_owned(),
        Step::Plain { metric: of, amount, share, .. } => format!("{} pays {amount}: {share}", metric(of)),
        Step::BelowFloor { floor } => format!("below the smallest payment of {floor}"),
        Step::Forfeit => "not eligible: the share stays undistributed".to_owned(),
    }
}

fn check(reason: &CheckReason) -> Value {
    json!({
        "id": reason.id, "state": state(reason.state), "asked": asked(&reason.asked), "need": reason.need,
        "before": reason.before, "below": reason.below.iter().map(check).collect::<Vec<_>>(),
    })
}

fn document(found: &Derivation, root: Digest) -> Value {
    let pools: Vec<Value> = found.pools.iter().map(|reason| {
        let next = reason.next.as_ref().map(|next| json!({"tier": next.tier, "amount": next.amount, "missing": next.missing}));
        json!({
            "pool": reason.pool, "region": reason.region, "amount": reason.amount, "share": reason.share, "next": next,
            "steps": reason.steps.iter().map(arithmetic).collect::<Vec<_>>(),
        })
    }).collect();
    let awards: Vec<Value> =
        found.awards.iter().map(|(seq, amount)| json!({"seq": seq, "amount": amount})).collect();
    json!({
        "entity": found.entity, "eligible": found.eligible, "total": found.total,
        "root": root, "checks": found.checks.iter().map(check).collect::<Vec<_>>(), "pools": pools, "awards": awards,
    })
}
