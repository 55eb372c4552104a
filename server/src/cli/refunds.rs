//! `apogee refunds`: what miners are paid back for proving sectors.

mod dry_run;

use std::collections::BTreeMap;

use apogee_domain::{Atto, NetworkId};
use apogee_faucet::policy::Coin;
use apogee_faucet::refund;
use apogee_store::{ClaimState, Page, Reimbursable, Store};
use clap::{Args, Subcommand};

use super::source::Database;
use super::{Answer, Failure, Format};

/// Rows that are read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Refunds {
    /// Show what would be paid back over a range of epochs: everything is done up to signing, in a database that is thrown away.
    ///
    /// With --car or --rpc it is the chain as that source tells it, and nothing of it is verified here. Else the epochs are those that the
    /// database has as final, and their messages are read where the settings say.
    DryRun(dry_run::DryRun),
    /// List messages with what was decided of them, and why.
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    database: Database,
    /// The faucet's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The faucet
    #[arg(long, value_name = "NAME")]
    faucet: String,
    /// refused, held, owed or settled; all of them unless given
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// One miner, such as t01000
    #[arg(long, value_name = "MINER")]
    miner: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Refunds {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::DryRun(dry_run) => dry_run.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<Answer, Failure> {
        let states = match &self.state {
            None => ClaimState::ALL.to_vec(),
            Some(word) => vec![ClaimState::of(word).ok_or_else(|| {
                Failure::input(format!("--state: {word:?} is none of refused, held, owed, settled"))
            })?],
        };
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let known = store.faucet(&self.network, &self.faucet).await.map_err(Failure::world)?;
        if known.is_none() {
            return Err(Failure::input(format!(
                "no faucet {}/{} in the database",
                self.network, self.faucet
            )));
        }
        let mut rows = Vec::new();
        for state in states {
            let mut found = in_state(&*store, &self.network, &self.faucet, state).await?;
            found.retain(|row| self.miner.as_ref().is_none_or(|miner| row.miner == *miner));
            rows.extend(found);
        }
        rows.sort_by(|a, b| (a.epoch, &a.message).cmp(&(b.epoch, &b.message)));
        match self.format {
            Format::Json => println!("{}", refund::json(&rows)),
            Format::Csv => print!("{}", refund::csv(&rows)),
            Format::Table => table(&rows),
        }
        Ok(Answer::Yes)
    }
}

async fn in_state(
    store: &dyn Store,
    network: &NetworkId,
    faucet: &str,
    state: ClaimState,
) -> Result<Vec<Reimbursable>, Failure> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: PAGE };
        let found = store.reimbursables(network, faucet, state, page).await.map_err(Failure::world)?;
        let Some(last) = found.last() else { return Ok(rows) };
        after = Some((last.epoch, last.message.clone()));
        rows.extend(found);
    }
}

/// What rows come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    messages: u64,
    burn: Atto,
    refund: Atto,
}

impl Sum {
    fn of<'a>(rows: impl IntoIterator<Item = &'a Reimbursable>) -> Self {
        rows.into_iter().fold(Self::default(), |sum, row| Self {
            messages: sum.messages + 1,
            burn: Atto(sum.burn.0.saturating_add(row.burn.0)),
            refund: Atto(sum.refund.0.saturating_add(row.refund.0)),
        })
    }
}

fn table(rows: &[Reimbursable]) {
    println!(
        "{:>10}  {:<12}{:>7}{:>28}{:>28}  {:<8}  {:<13}message",
        "epoch", "miner", "sectors", "burnt", "paid back", "state", "reason"
    );
    for row in rows {
        let (burn, refund) = (Coin::Fil.money(row.burn).to_string(), Coin::Fil.money(row.refund).to_string());
        println!(
            "{:>10}  {:<12}{:>7}{burn:>28}{refund:>28}  {:<8}  {:<13}{}",
            row.epoch.height(),
            row.miner,
            row.sectors.len(),
            row.state.as_str(),
            row.reason,
            row.message
        );
    }
    let mut groups: BTreeMap<(&str, &str), Vec<&Reimbursable>> = BTreeMap::new();
    for row in rows {
        groups.entry((row.state.as_str(), &row.reason)).or_default().push(row);
    }
    println!();
    for ((state, reason), rows) in groups {
        let sum = Sum::of(rows.iter().copied());
        let name = if reason.is_empty() { state.to_owned() } else { format!("{state}: {reason}") };
        println!(
            "{name:<24}{:>8} messages  burnt {}  paid back {}",
            sum.messages,
            Coin::Fil.money(sum.burn),
            Coin::Fil.money(sum.refund)
        );
    }
    let sum = Sum::of(rows);
    println!(
        "{:<24}{:>8} messages  burnt {}  paid back {}",
        "together",
        sum.messages,
        Coin::Fil.money(sum.burn),
        Coin::Fil.money(sum.refund)
    );
}
