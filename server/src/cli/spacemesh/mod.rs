//! `apogee spacemesh`

mod import;
mod odds;
mod recount;

use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;

use apogee_spacemesh::id::{Epochs, GenesisId, LayerId};
use apogee_spacemesh::report::{Difference, Report};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh_state::{GenesisCheck, Layers, Limits, State};
use clap::{Args, Subcommand};

use self::import::Import;
use self::odds::Chances;
use self::recount::Recount;
use super::competition::documents::wrong;
use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Spacemesh {
    /// Check a copy of a node's database: every page, every ballot's signature, slots and draws, every reward.
    ///
    /// Exits 1 where something is wrong. Nothing is written.
    Check(Copy),
    /// Work rewards out again from the blocks of a copy of a node's database, and print those of each layer and smesher, CSV.
    ///
    /// Exits 1 where the node tells others.
    Rewards(Copy),
    /// Index a copy of a node's database: what an earlier copy said otherwise is taken back.
    ///
    /// Exits 1 where a check failed. A copy that is refused leaves the database as it is.
    Import(Box<Import>),
    /// How likely it is that layers bring a smesher nothing, by chance alone.
    Odds(Chances),
    /// Count votes again.
    #[command(subcommand)]
    Recount(Recount),
}

#[derive(Debug, Args)]
pub(super) struct Copy {
    /// A copy of state.sql, made with: sqlite3 state.sql "VACUUM INTO 'copy.sql'"
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The network's genesis id, hex
    #[arg(long, value_name = "ID", value_parser = genesis)]
    genesis: GenesisId,
    /// Layers of an epoch
    #[arg(long, default_value = "4032", value_name = "LAYERS")]
    epoch: NonZeroU32,
    /// The first layer that is looked at
    #[arg(long, default_value_t = 0, value_name = "LAYER")]
    from: u32,
    /// The last one; the last of the file where it is absent
    #[arg(long, value_name = "LAYER")]
    to: Option<u32>,
}

fn genesis(text: &str) -> Result<GenesisId, String> {
    text.parse().map_err(|error| format!("{error}"))
}

impl Spacemesh {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Check(copy) => copy.check(),
            Self::Rewards(copy) => copy.rewards(),
            Self::Import(import) => import.run().await,
            Self::Odds(chances) => chances.run(),
            Self::Recount(recount) => recount.run().await,
        }
    }
}

impl Copy {
    fn epochs(&self) -> Epochs {
        Epochs { layers: self.epoch }
    }

    fn open(&self) -> Result<(State, Layers), Failure> {
        let state = State::open(&self.file, &self.genesis, Limits::default())
            .map_err(|error| wrong(&self.file, error))?;
        let last = match self.to {
            Some(layer) => LayerId(layer),
            None => state.last_layer().map_err(Failure::input)?.unwrap_or(LayerId(0)),
        };
        Ok((state, LayerId(self.from)..=last))
    }

    fn check(&self) -> Result<Answer, Failure> {
        let (state, layers) = self.open()?;
        let mut good = true;
        match state.genesis_check() {
            GenesisCheck::Passed => println!("network made: a ballot is signed for it"),
            GenesisCheck::NotMade => println!("network not made: the file has no ballots"),
        }
        match state.damage().map_err(Failure::input)? {
            None => println!("pages made: tables and indexes are whole"),
            Some(damage) => {
                good = false;
                println!("pages FAILED: {damage}");
            }
        }
        let ballots = state.check_ballots(&layers, self.epochs()).map_err(Failure::input)?;
        good &= ballots.failed.is_empty();
        println!(
            "ballots made: {} are what they claim, {} are not, {} could not be checked",
            ballots.passed,
            ballots.failed.len(),
            ballots.not_made.len()
        );
        for (id, fault) in ballots.failed.iter().take(20) {
            println!("  {id}: {fault}");
        }
        let first = self.epochs().first_effective_genesis();
        let rewards = state.check_rewards(&layers, first).map_err(Failure::input)?;
        good &= rewards.agrees();
        println!(
            "rewards made: {} are the same to the smidge, {} differ; worked out {} smidge, told {}",
            rewards.equal,
            rewards.differences.len(),
            rewards.ours,
            rewards.node
        );
        for difference in rewards.differences.iter().take(20) {
            println!("  {}", words(difference));
        }
        Ok(if good { Answer::Yes } else { Answer::No })
    }

    fn rewards(&self) -> Result<Answer, Failure> {
        let (state, layers) = self.open()?;
        let first = self.epochs().first_effective_genesis();
        let rewards = state.recompute_rewards(&layers, first).map_err(Failure::input)?;
        let mut out = std::io::stdout().lock();
        let written = (|| {
            writeln!(out, "layer,smesher,subsidy,fees,total")?;
            for Reward { layer, smesher, amount, .. } in &rewards {
                let fees = amount.total.saturating_sub(amount.subsidy);
                writeln!(out, "{layer},{smesher},{},{fees},{}", amount.subsidy, amount.total)?;
            }
            out.flush()
        })();
        written.map_err(Failure::world)?;
        let report = Report::compare(&rewards, &state.rewards(&layers).map_err(Failure::input)?);
        for difference in report.differences.iter().take(20) {
            eprintln!("apogee: {}", words(difference));
        }
        Ok(if report.agrees() { Answer::Yes } else { Answer::No })
    }
}

fn words(difference: &Difference) -> String {
    let (layer, smesher) = difference.place();
    let what = match difference {
        Difference::Missing(ours) => format!("{} smidge are due, and the node tells none", ours.amount.total),
        Difference::Unexpected(node) => {
            format!("the node tells {} smidge, and none are due", node.amount.total)
        }
        Difference::Again(node) => format!("the node tells it once more, with {} smidge", node.amount.total),
        Difference::Other { ours, node } => {
            format!("{} smidge are due, and the node tells {}", ours.amount.total, node.amount.total)
        }
    };
    format!("layer {layer}, smesher {smesher}: {what}")
}
