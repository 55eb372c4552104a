//! `apogee decide`: what operators do, one entry of the ledger each.

mod act;
mod draft;
mod proposal;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use apogee_competition::{Entry, Refusal, operator};
use apogee_rules::Id;
use clap::{Args, Subcommand};

use self::draft::Drafting;
use super::desk::Desk;
use super::operator::Secret;
use super::source::Database;
use super::{Answer, Failure};

pub(super) use self::act::PayoutTerms;
pub(super) use self::proposal::write as write_proposal;

#[derive(Debug, Subcommand)]
pub(super) enum Decide {
    /// Show what an act does to every rank and amount, sign it with the keys that are here, and put it into the ledger.
    Take(Box<Take>),
    /// Write an act that others have to sign into a file, and show what it does.
    Propose(Box<Propose>),
    /// Add a signature to a proposal.
    ///
    /// With --check everything in it that is computed is computed once more from a database of one's own: roots, totals, what it does to
    /// everybody.
    Sign(Box<Sign>),
    /// Put a proposal that everybody has signed into the ledger, if what it says of its effect is so.
    ///
    /// When others have written to the ledger since it was proposed, it has to be proposed again.
    Submit(Submit),
}

#[derive(Debug, Args)]
pub(super) struct Take {
    #[command(flatten)]
    drafting: Drafting,
    /// File with the key of an operator; once for each who signs
    #[arg(long = "key", required = true, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Take it without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Propose {
    #[command(flatten)]
    drafting: Drafting,
    /// An operator who will sign besides the actor
    #[arg(long = "approver", value_name = "OPERATOR")]
    approvers: Vec<Id>,
    /// The file to make
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The proposal; the signature is added to it
    file: PathBuf,
    /// Who signs
    #[arg(long, value_name = "OPERATOR")]
    operator: Id,
    /// File with that operator's key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Compute what is in it once more before it is signed
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    terms: PayoutTerms,
    /// Another second implementation than the one that comes with the program
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// Sign it without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Submit {
    /// The proposal
    file: PathBuf,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    terms: PayoutTerms,
    /// Another second implementation than the one that comes with the program
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// The network is a recording, which is never late
    #[arg(long)]
    recorded: bool,
}

impl Decide {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Take(take) => take.run().await,
            Self::Propose(propose) => propose.run().await,
            Self::Sign(sign) => sign.run().await,
            Self::Submit(submit) => submit.run().await,
        }
    }
}

impl Take {
    async fn run(self) -> Result<Answer, Failure> {
        let secrets = self.keys.iter().map(|file| Secret::read(file)).collect::<Result<Vec<_>, _>>()?;
        let desk = self.drafting.desk().await?;
        let signers = signers(&desk, secrets)?;
        let approvers = signers.iter().map(|(id, _)| id.clone()).collect();
        let (entry, kept) = self.drafting.entry(&desk, approvers).await?;
        agreed(self.yes)?;
        if let Some(kept) = kept {
            kept.write()?;
        }
        desk.append(&signed(entry, &signers)?).await
    }
}

/// Sign an entry with keys that are here.
pub(super) fn signed(entry: Entry, signers: &[(Id, Secret)]) -> Result<apogee_competition::Signed, Refusal> {
    let hash = entry.hash()?;
    let mut approvals: Vec<_> = signers
        .iter()
        .map(|(id, secret)| operator::Approval { operator: id.clone(), signature: secret.sign(&hash) })
        .collect();
    approvals.sort_by(|a, b| a.operator.cmp(&b.operator));
    entry.signed(approvals)
}

/// Whose keys these are.
fn signers(desk: &Desk, secrets: Vec<Secret>) -> Result<Vec<(Id, Secret)>, Failure> {
    let operators = desk.competition().operators();
    let mut signers: Vec<(Id, Secret)> = Vec::new();
    for secret in secrets {
        let key = secret.public();
        let id = operators.iter().find(|(_, other)| **other == key).map(|(id, _)| id.clone());
        let id =
            id.ok_or_else(|| Failure::input(format!("{key} is the key of no operator of this competition")))?;
        if signers.iter().any(|(other, _)| *other == id) {
            return Err(Failure::input(format!("the key of {id} is named twice")));
        }
        signers.push((id, secret));
    }
    Ok(signers)
}

/// Whether somebody at the terminal says so; without one it has to be said on the command line.
pub(super) fn agreed(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input("nothing was done: say --yes, or answer on a terminal"));
    }
    print!("Sign this? Write yes: ");
    std::io::stdout().flush().map_err(Failure::world)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Failure::world)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::input("nothing was done")) }
}
