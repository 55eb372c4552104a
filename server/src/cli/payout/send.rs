//! `apogee payout send`: an approved list becomes payments of the treasury.

use std::path::{Path, PathBuf};

use apogee_domain::{Clock, Digest};
use apogee_rules::Quantity;
use apogee_signer::{Payee, PayoutList};
use apogee_store::{AuditEvent, Wallet};
use clap::Args;
use serde_json::json;

use super::super::decide::PayoutTerms;
use super::super::desk::Desk;
use super::super::source::Database;
use super::super::{Answer, Failure};
use crate::competitions::{From, Paid, Unpaid, dues, prizes, unpaid};
use crate::edge::SystemClock;

#[derive(Debug, Args)]
pub(in crate::cli) struct Send {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    terms: PayoutTerms,
    /// The wallet that pays, or proposes to its multisig
    #[arg(long, value_name = "NAME")]
    wallet: String,
    /// Why now; it goes into the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Write what is still to be paid, also what has failed, as a list for the signer, which approvers sign with `apogee signer approve`
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Do it; without this only say what would be done
    #[arg(long)]
    yes: bool,
}

impl Send {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        if self.reason.trim().is_empty() {
            return Err(Failure::input("--reason: say why, in a few words"));
        }
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let payments = self.terms.payments(&desk).await?;
        let approved = super::approved(&desk, &payments)?;
        let network = desk.ground.network().ok_or_else(archived)?;
        let id = network.id.clone();
        let wallet = desk.store.wallet(&id, &self.wallet).await.map_err(Failure::world)?;
        let wallet = wallet.ok_or_else(|| {
            Failure::input(format!("no wallet {} on {id}; `apogee treasury status` lists them", self.wallet))
        })?;
        let given = prizes(&*desk.store, &id, &self.competition).await.map_err(Failure::world)?;
        let from =
            From { competition: &self.competition, network, wallet: &wallet.name, now: SystemClock.now() };
        let total = desk.competition().payout().map_or(Quantity(0), |(_, paid)| paid);
        let paid = Paid { total, to: desk.competition().paid_to() };
        let dues = dues(&payments.list, &given, paid, &from).map_err(Failure::input)?;
        for due in &dues {
            println!("{:<40}{:>40} atto  {}", due.id, due.amount, due.payee);
        }
        if let Some(file) = &self.list {
            let unpaid = unpaid(&*desk.store, &given, &dues, &wallet).await.map_err(Failure::world)?;
            write(file, approved, &wallet, &unpaid)?;
        }
        let through =
            wallet.proposes_for.as_ref().map(|multisig| format!(", which proposes them to {multisig}"));
        let (count, name, through) = (dues.len(), &wallet.name, through.unwrap_or_default());
        if !self.yes {
            println!("{count} payments would be given to the wallet {name}{through}; --yes does it");
            return Ok(Answer::Yes);
        }
        let mut work = desk.store.begin().await.map_err(Failure::world)?;
        // Two who send at once wait for each other here; the second finds the names taken.
        work.lock_wallet(&id, &wallet.name, None).await.map_err(Failure::world)?;
        for due in &dues {
            work.put_payment(due).await.map_err(Failure::world)?;
        }
        let event = AuditEvent {
            at: from.now,
            actor: "cli".to_owned(),
            action: "payout-send".to_owned(),
            subject: format!("competition/{}", self.competition),
            reason: self.reason,
            document: json!({
                "root": approved, "wallet": wallet.name, "network": id, "payments": dues.len(),
                "proposes_for": wallet.proposes_for,
            })
            .to_string(),
        };
        work.record(&event).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        println!("{count} payments given to the wallet {name}{through}");
        Ok(Answer::Yes)
    }
}

/// Write what is still to be paid as a list for the signer, with a root of its own.
fn write(file: &Path, payout: Digest, wallet: &Wallet, unpaid: &[Unpaid<'_>]) -> Result<(), Failure> {
    let payee = |Unpaid { payment, failed }: &Unpaid<'_>| Payee {
        address: payment.payee.clone(),
        amount: payment.amount,
        payment: Some(payment.id.clone()),
        failed: *failed,
    };
    let payees: Vec<_> = unpaid.iter().map(payee).collect();
    if payees.is_empty() {
        return Err(Failure::input("--list: nothing is left to be paid"));
    }
    let root = PayoutList::root_of(&payout, &payees);
    let root = root.ok_or_else(|| Failure::input("--list: a payee has an address that is none"))?;
    let (network, wallet) = (wallet.network.clone(), wallet.address.clone());
    let list = PayoutList { network, wallet, root, payout: Some(payout), payees, approvals: vec![] };
    list.write(file).map_err(Failure::world)?;
    for Unpaid { payment, failed } in unpaid.iter().filter(|unpaid| unpaid.failed > 0) {
        println!(
            "{} again: {failed} signed messages paid nothing; look at the chain before you sign",
            payment.id
        );
    }
    println!("{} with {} payments, root {root}", file.display(), unpaid.len());
    Ok(())
}

pub(super) fn archived() -> Failure {
    Failure::input("wrong-state: the competition is an imported package: who ran it pays")
}
