use std::path::PathBuf;

use apogee_leaderboard::{Comparison, Concentration, compare};
use clap::Args;

use super::documents::{self, Documents};
use crate::cli::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(in crate::cli) struct Simulate {
    /// The rules that hold
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The rules to try
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    #[command(flatten)]
    documents: Documents,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Simulate {
    pub(in crate::cli) fn run(self) -> Result<Answer, Failure> {
        let (held, tried) = (documents::rules(&self.rules)?, documents::rules(&self.with)?);
        let inputs = self.documents.read()?;
        let comparison = compare(&inputs.stand(&held)?, &inputs.stand(&tried)?);
        match self.format {
            Format::Json => println!("{}", serde_json::to_string(&comparison).map_err(Failure::world)?),
            Format::Csv => csv(&comparison),
            Format::Table => table("SIMULATION: not official", &comparison),
        }
        Ok(Answer::Yes)
    }
}

/// A comparison for spreadsheets.
pub(in crate::cli) fn csv(comparison: &Comparison) {
    println!(
        "entity,board,region,rank_before,rank_after,atto_before,atto_after,eligible_before,eligible_after"
    );
    for entity in &comparison.entities {
        for rank in &entity.ranks {
            let number = |rank: Option<u64>| rank.map(|rank| rank.to_string()).unwrap_or_default();
            let region = rank.region.as_ref().map_or("", |region| region.as_str());
            println!(
                "{},{},{region},{},{},{},{},{},{}",
                entity.entity,
                rank.board,
                number(rank.before),
                number(rank.after),
                entity.amount.0,
                entity.amount.1,
                flag(entity.eligible.0),
                flag(entity.eligible.1),
            );
        }
    }
}

const fn flag(eligible: Option<bool>) -> &'static str {
    match eligible {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

/// A comparison under a title.
pub(in crate::cli) fn table(title: &str, comparison: &Comparison) {
    println!("{title}\n");
    let changed: Vec<_> = comparison.entities.iter().filter(|entity| entity.is_any()).collect();
    if changed.is_empty() {
        println!("Nothing changes for anybody.");
    } else {
        println!("{:<24}{:>40}{:>40}  eligible", "entity", "atto before", "atto after");
    }
    for entity in &changed {
        let (before, after) = (flag(entity.eligible.0), flag(entity.eligible.1));
        let eligible = if before == after { before.to_owned() } else { format!("{before} → {after}") };
        println!("{:<24}{:>40}{:>40}  {eligible}", entity.entity.as_str(), entity.amount.0, entity.amount.1);
        for rank in entity.ranks.iter().filter(|rank| rank.before != rank.after) {
            let number = |rank: Option<u64>| rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
            let region = rank.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
            println!("  {}{region}: {} → {}", rank.board, number(rank.before), number(rank.after));
        }
    }
    println!("\n{} of {} change", changed.len(), comparison.entities.len());
    for (when, concentration) in
        [("before", &comparison.concentration.0), ("after", &comparison.concentration.1)]
    {
        summary(when, concentration);
    }
}

fn summary(when: &str, concentration: &Concentration) {
    let Concentration { paid, entities, top_ten, gini, nakamoto } = concentration;
    let shown = |fraction: &Option<apogee_leaderboard::Fraction>| {
        fraction.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string)
    };
    println!(
        "{when}: {paid} atto to {entities}; the ten largest have {}, Gini {}, {nakamoto} have more than half",
        shown(top_ten),
        shown(gini)
    );
}
