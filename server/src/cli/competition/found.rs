use std::path::PathBuf;

use apogee_competition::operator::Operator;
use apogee_competition::{Act, Entry};
use apogee_domain::{Clock, NetworkId};
use apogee_rules::Id;
use clap::Args;

use crate::cli::decide::{agreed, signed, write_proposal};
use crate::cli::desk::Desk;
use crate::cli::operator::Secret;
use crate::cli::source::Database;
use crate::cli::{Answer, Failure};
use crate::edge::SystemClock;

#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// Its name
    #[arg(long, value_name = "ID")]
    id: Id,
    /// The indexed network that it runs on
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// The site that claims are made for
    #[arg(long, value_name = "DOMAIN")]
    domain: String,
    /// How many operators an act with weight needs, two at least
    #[arg(long, value_name = "NUMBER")]
    threshold: u32,
    /// Epochs between saying that the end moves and the new end
    #[arg(long, value_name = "EPOCHS")]
    notice: u32,
    /// An operator with the public key, written ID=KEY
    #[arg(long = "operator", required = true, value_name = "ID=KEY", value_parser = operator)]
    operators: Vec<Operator>,
    /// Why, for everybody
    #[arg(long, value_name = "TEXT", default_value = "The competition is founded.")]
    reason: String,
    /// File with the key of an operator: all of them sign
    #[arg(long = "key", value_name = "FILE", required_unless_present = "out")]
    keys: Vec<PathBuf>,
    /// Write a proposal into this file instead, for `apogee decide sign` and `submit`
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    out: Option<PathBuf>,
    #[command(flatten)]
    database: Database,
    /// Found it without asking
    #[arg(long)]
    yes: bool,
}

fn operator(text: &str) -> Result<Operator, String> {
    let (id, key) = text.split_once('=').ok_or("an operator is written ID=KEY")?;
    let id = id.parse().map_err(|error| format!("{id:?}: {error}"))?;
    let key = key.parse().map_err(|error| format!("the key of {id}: {error}"))?;
    Ok(Operator { id, key })
}

impl New {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let secrets = self.keys.iter().map(|file| Secret::read(file)).collect::<Result<Vec<_>, _>>()?;
        let mut operators = self.operators.clone();
        operators.sort_by(|a, b| a.id.cmp(&b.id));
        let mut signers = Vec::new();
        for secret in secrets {
            let key = secret.public();
            let id =
                operators.iter().find(|operator| operator.key == key).map(|operator| operator.id.clone());
            let id =
                id.ok_or_else(|| Failure::input(format!("{key} is the key of no operator that is named")))?;
            signers.push((id, secret));
        }
        let desk = Desk::found(&self.database, self.id.as_str(), &self.network, false).await?;
        if desk.held.head().is_some() {
            return Err(Failure::input(format!("not-founded: the competition {} is there already", self.id)));
        }
        let approvers: Vec<Id> = operators.iter().map(|operator| operator.id.clone()).collect();
        let actor = approvers.first().cloned().ok_or_else(|| Failure::input("nobody founds it"))?;
        let entry = Entry {
            competition: self.id,
            seq: 1,
            time: SystemClock.now(),
            epoch: desk.epoch(),
            actor,
            approvers,
            act: Act::Found {
                network: self.network,
                domain: self.domain,
                operators,
                threshold: self.threshold,
                notice: self.notice,
            },
            reason: Some(self.reason),
            private: None,
            evidence: Vec::new(),
            preview: None,
            previous: None,
        };
        desk.competition().after(&entry)?;
        if let Some(out) = &self.out {
            write_proposal(out, entry)?;
            return Ok(Answer::Yes);
        }
        agreed(self.yes)?;
        desk.append(&signed(entry, &signers)?).await
    }
}
