use std::path::PathBuf;

use apogee_leaderboard as leaderboard;
use apogee_leaderboard::BoardList;
use clap::Args;

use super::documents::{self, Documents};
use crate::cli::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(in crate::cli) struct Standings {
    /// The rule set
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    #[command(flatten)]
    documents: Documents,
    /// How to print the result; JSON is the canonical document, CSV the payouts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Standings {
    pub(in crate::cli) fn run(self) -> Result<Answer, Failure> {
        let rules = documents::rules(&self.rules)?;
        let standings = self.documents.read()?.stand(&rules)?;
        match self.format {
            Format::Json => {
                println!("{}", standings.canonical().map_err(|problem| Failure::input(problem.to_string()))?)
            }
            Format::Csv => {
                println!("entity,eligible,atto");
                for row in &standings.entities {
                    let total = standings.payout(row.id.as_str()).map_or(0, |payout| payout.total.0);
                    println!("{},{},{total}", row.id, row.eligible);
                }
            }
            Format::Table => table(&standings),
        }
        Ok(Answer::Yes)
    }
}

fn table(standings: &leaderboard::Standings) {
    let scope = &standings.scope;
    let state = if scope.over { "over" } else { "if it ended now" };
    println!("{} at epoch {} ({state})", scope.competition, scope.epoch);
    standings.boards.iter().for_each(|list| board(standings, list));
    for pool in &standings.pools {
        let region = pool.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
        println!(
            "\n{}{region}: {} atto, of which nobody gets {}",
            pool.pool, pool.amount, pool.undistributed
        );
        for share in &pool.shares {
            println!("  {:<24}{:>40}", share.entity.as_str(), share.amount);
        }
    }
    println!("\nroot {}", standings.root);
}

fn board(standings: &leaderboard::Standings, list: &BoardList) {
    let region = list.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
    println!("\n{}{region}", list.board);
    println!("{:>6}  {:<24}{:>40}  eligible", "rank", "entity", "value");
    for row in &list.rows {
        let rank = match (row.rank, row.tied) {
            (Some(rank), true) => format!("={rank}"),
            (Some(rank), false) => rank.to_string(),
            (None, _) => "–".to_owned(),
        };
        let value = match (row.value.whole(), row.value.fraction()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(fraction)) => fraction.to_string(),
            (None, None) => "–".to_owned(),
        };
        let eligible = standings.entity(row.entity.as_str()).is_some_and(|entity| entity.eligible);
        println!(
            "{rank:>6}  {:<24}{value:>40}  {}",
            row.entity.as_str(),
            if eligible { "yes" } else { "no" }
        );
    }
}
