//! `apogee payout`: from final standings to what is paid.

mod send;
mod standing;
mod status;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use apogee_domain::{Clock, Digest};
use apogee_package::payout::{
    Address, AuditTree, GenesisTerms, SafeTerms, StandardTree, Unpayable, fil, genesis_months,
    genesis_multisigs, multisig_script, plain_csv, safe_batches,
};
use apogee_rules::{Quantity, Vesting};
use clap::{Args, Subcommand};
use serde_json::json;

use super::competition::documents::wrong;
use super::decide::PayoutTerms;
use super::desk::Desk;
use super::source::Database;
use super::{Answer, Failure, Format};
use crate::competitions::{Payments, final_standings};
use crate::edge::SystemClock;

/// Payments in one batch of a Safe: what fits into a block.
const BATCH: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum Payout {
    /// Compute from the final standings who is paid what, and the root that is approved with `apogee decide take approve-payout`.
    Propose(Propose),
    /// Write everything that the approved list can be paid and proven with into a new folder.
    Export(Box<Export>),
    /// Give the approved list to the treasury, which pays each entry exactly once. Sent again, only what is missing is added.
    Send(send::Send),
    /// How far each prize is; of what was proposed to a multisig, whether that has paid it. Exits 1 while anybody waits for money.
    Status(status::Status),
}

#[derive(Debug, Args)]
pub(super) struct Propose {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    terms: PayoutTerms,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    terms: PayoutTerms,
    /// The multisig that proposes the payments, for a script
    #[arg(long, value_name = "ADDRESS")]
    multisig: Option<Address>,
    /// The Safe that pays, for its batches
    #[arg(long, value_name = "ADDRESS", requires = "chain_id")]
    safe: Option<Address>,
    /// The chain's EIP-155 number: 314 for Filecoin, 314159 for Calibration
    #[arg(long, value_name = "NUMBER", requires = "safe")]
    chain_id: Option<u64>,
    /// The custodian in the table of genesis multisigs
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    custodian: u32,
    /// The folder to make
    folder: PathBuf,
}

impl Payout {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Propose(propose) => propose.run().await,
            Self::Export(export) => export.run().await,
            Self::Send(send) => send.run().await,
            Self::Status(status) => status.run().await,
        }
    }
}

impl Propose {
    async fn run(self) -> Result<Answer, Failure> {
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let payments = self.terms.payments(&desk).await?;
        match self.format {
            Format::Csv => print!("{}", plain_csv(&payments.list)),
            Format::Json => println!("{}", document(&desk, &payments)),
            Format::Table => {
                for payment in payments.list.payments() {
                    let addresses: Vec<_> = payment.addresses.iter().map(ToString::to_string).collect();
                    let (entity, amount) = (payment.entity.as_str(), fil(payment.amount));
                    println!("{entity:<24}{amount:>40} FIL  {}", addresses.join(" "));
                }
                for (entity, amount) in &payments.withheld {
                    println!("{:<24}{amount:>40} atto withheld: no address", entity.as_str());
                }
                let (count, total) = (payments.list.payments().len(), payments.list.total());
                println!("\n{count} payments, {total} atto of {} that the standings owe", payments.owed);
                println!("root {}", payments.root);
            }
        }
        Ok(Answer::Yes)
    }
}

/// The root of the approved list, which these payments have to have.
fn approved(desk: &Desk, payments: &Payments) -> Result<Digest, Failure> {
    let approved = desk.competition().payout().map(|(payout, _)| payout.root);
    let approved = approved.ok_or_else(|| Failure::input("wrong-state: no payout is approved"))?;
    if approved == payments.root {
        return Ok(approved);
    }
    Err(Failure::input(format!(
        "the approved list has the root {approved}, but {} comes out: name the same addresses as then",
        payments.root
    )))
}

fn document(desk: &Desk, payments: &Payments) -> serde_json::Value {
    let rows: Vec<_> = payments.list.payments().iter().map(|payment| {
        let addresses: Vec<_> = payment.addresses.iter().map(ToString::to_string).collect();
        json!({"entity": payment.entity, "addresses": addresses, "threshold": payment.threshold, "amount": payment.amount.to_string()})
    }).collect();
    json!({
        "competition": desk.held.id(), "version": desk.competition().finals().len(), "root": payments.root,
        "total": payments.list.total().to_string(), "owed": payments.owed, "payments": rows, "withheld": payments.withheld,
    })
}

impl Export {
    async fn run(self) -> Result<Answer, Failure> {
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let payments = self.terms.payments(&desk).await?;
        approved(&desk, &payments)?;
        let paid = desk.competition().payout().map_or(Quantity(0), |(_, paid)| paid);
        // Artefacts of an amended list hold the whole amounts again, also of those who have theirs.
        if paid.0 > 0 && desk.competition().finals().len() > 1 {
            return Err(Failure::input(format!(
                "wrong-state: {paid} atto were paid before results were amended, and the ledger does not say to whom: pay the differences by hand, from `payout propose` before and after"
            )));
        }
        let (_, stood) = final_standings(&desk.stands, &desk.held, &desk.ground).await?;
        let epochs = match stood.rules().vesting {
            Vesting::None => 0,
            Vesting::Linear { epochs } => epochs,
        };
        let out = &self.folder;
        std::fs::create_dir(out).map_err(|cause| wrong(out, cause))?;
        let written = self.write(&payments, &desk, epochs);
        if written.is_err() {
            // Half of the artefacts are none.
            drop(std::fs::remove_dir_all(out));
        }
        written.map(|()| Answer::Yes)
    }

    fn write(&self, payments: &Payments, desk: &Desk, epochs: u64) -> Result<(), Failure> {
        let list = &payments.list;
        self.file("payout.json", document(desk, payments).to_string().as_bytes())?;
        self.file("payout.csv", plain_csv(list).as_bytes())?;
        let tree = AuditTree::new(list);
        let mut proofs = Vec::new();
        for payment in list.payments() {
            let proof = tree.inclusion(list, payment.entity.as_str());
            let proof = proof.ok_or_else(|| Failure::world(format!("{} has no proof", payment.entity)))?;
            serde_json::to_writer(&mut proofs, &proof).map_err(Failure::world)?;
            proofs.push(b'\n');
        }
        self.file("audit-proofs.jsonl", &proofs)?;
        match StandardTree::new(list) {
            Ok(tree) => {
                let mut dump = Vec::new();
                tree.dump(&mut BufWriter::new(&mut dump)).map_err(Failure::world)?;
                self.file("standard-v1.json", &dump)?;
            }
            Err(unfit) => skipped("standard-v1.json", &unfit),
        }
        let (months, takes) = genesis_months(epochs);
        match genesis_multisigs(list, GenesisTerms { months, custodian: self.custodian }) {
            Ok(table) => {
                if takes != epochs {
                    println!("lotus-seed.csv: {months} months are {takes} epochs, the rules say {epochs}");
                }
                self.file("lotus-seed.csv", table.as_bytes())?;
            }
            Err(unfit) => skipped("lotus-seed.csv", &unfit),
        }
        if let Some(multisig) = &self.multisig {
            match multisig_script(list, multisig) {
                Ok(script) => self.file("lotus-msig.sh", script.as_bytes())?,
                Err(unfit) => skipped("lotus-msig.sh", &unfit),
            }
        }
        if let (Some(safe), Some(chain_id)) = (&self.safe, self.chain_id) {
            let safe = safe
                .ethereum()
                .ok_or_else(|| Failure::input(format!("--safe: {safe} has no Ethereum form")))?;
            let created_ms = u64::try_from(SystemClock.now().0 / 1_000).unwrap_or(0);
            let name = desk.held.id().to_string();
            let terms = SafeTerms { chain_id, safe, created_ms, name, most: BATCH };
            match safe_batches(list, &terms) {
                Ok(batches) => {
                    for (index, batch) in batches.iter().enumerate() {
                        self.file(&format!("safe-{}.json", index + 1), batch.to_string().as_bytes())?;
                    }
                }
                Err(unfit) => skipped("safe-1.json", &unfit),
            }
        }
        println!("root {}", payments.root);
        Ok(())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path: &Path = &self.folder.join(name);
        let world = |cause: std::io::Error| Failure::world(format!("{}: {cause}", path.display()));
        let mut file = std::fs::File::create_new(path).map_err(world)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(world)?;
        println!("{}", path.display());
        Ok(())
    }
}

/// Not every list can be paid in every way.
fn skipped(name: &str, unfit: &Unpayable) {
    println!("no {name}: {unfit}");
}
