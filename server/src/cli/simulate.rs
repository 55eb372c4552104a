//! `apogee simulate`: other rules over a competition of a database.

use std::path::PathBuf;

use apogee_leaderboard::compare;
use clap::Args;

use super::competition::{documents, simulate};
use super::desk::Desk;
use super::explain::Standing;
use super::source::Database;
use super::{Answer, Failure, Format};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    /// The rules to try
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Standing,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Simulate {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let tried = documents::rules(&self.with)?;
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let triple = self.chosen.of(&desk)?;
        let held = desk.stands.stand(&desk.held, &desk.ground, triple).await?;
        let other = desk.stands.stand_under(held.competition.clone(), &desk.ground, tried, triple).await?;
        let comparison = compare(&held.standings, &other.standings);
        match self.format {
            Format::Json => {
                println!("{}", apogee_rules::canonical::text(&comparison).map_err(Failure::world)?);
            }
            Format::Csv => simulate::csv(&comparison),
            Format::Table => simulate::table("SIMULATION: not official", &comparison),
        }
        Ok(Answer::Yes)
    }
}
