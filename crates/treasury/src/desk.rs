use std::sync::Arc;

use apogee_domain::{Atto, NetworkId, Timestamp};
use apogee_store::{AuditEvent, Payment, Posting, Store, Wallet, WalletMode, Work};

use crate::chain::{Chain, Draft};
use crate::config::Config;
use crate::error::{Result, TreasuryError};
use crate::faults::Faults;
use crate::ledger;
use crate::signing::Signer;

/// What the program itself is called in the audit log.
pub(crate) const ITSELF: &str = "treasury";

/// Whom a cashier works with, and for which wallet.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Where everything that lasts is kept.
    pub store: Arc<dyn Store>,
    /// The wallet's chain.
    pub chain: Arc<dyn Chain>,
    /// Who holds its key.
    pub signer: Arc<dyn Signer>,
    /// What may happen in between.
    pub faults: Arc<dyn Faults>,
    /// The wallet's network.
    pub network: NetworkId,
    /// Its name.
    pub wallet: String,
    /// By which measures it pays.
    pub config: Config,
}

/// A turn's right to write: which fence, and when it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) fence: u64,
    pub(crate) now: Timestamp,
}

impl Desk {
    /// A unit of work that holds the wallet; a conflict when another process has taken it.
    pub(crate) async fn unit(&self, shift: Shift) -> Result<(Box<dyn Work>, Wallet)> {
        let mut work = self.store.begin().await?;
        let wallet = work.lock_wallet(&self.network, &self.wallet, Some(shift.fence)).await?;
        Ok((work, wallet))
    }

    /// Make a unit of work true, with a place to stop before and after.
    pub(crate) async fn commit(
        &self,
        work: Box<dyn Work>,
        before: &'static str,
        after: &'static str,
    ) -> Result<()> {
        self.faults.at(before).await?;
        work.commit().await?;
        Ok(self.faults.at(after).await?)
    }

    /// The wallet as it is stored.
    pub(crate) async fn stored(&self) -> Result<Wallet> {
        let found = self.store.wallet(&self.network, &self.wallet).await?;
        found.ok_or_else(|| TreasuryError::Unknown { what: "wallet", name: self.wallet.clone() })
    }

    /// A payment that has to be there.
    pub(crate) async fn payment(&self, id: &str) -> Result<Payment> {
        let found = self.store.payment(&self.network, id).await?;
        found.ok_or_else(|| self.damaged("a payment", format!("{id} has a nonce and is not there")))
    }

    /// Forbid something to the wallet by itself. One that may do less already is left as it is.
    pub(crate) async fn restrain(&self, shift: Shift, mode: WalletMode, reason: &str) -> Result<()> {
        let (mut work, wallet) = self.unit(shift).await?;
        if restrain(&mut *work, &wallet, mode, reason, shift.now).await? {
            self.commit(work, "pause: before it is true", "pause: true").await?;
        }
        Ok(())
    }

    pub(crate) fn damaged(&self, what: &'static str, detail: String) -> TreasuryError {
        TreasuryError::Damaged { what, network: self.network.clone(), wallet: self.wallet.clone(), detail }
    }

    /// A line of the ledger between two accounts.
    pub(crate) fn posting(
        &self,
        shift: Shift,
        id: String,
        debit: impl Into<String>,
        credit: impl Into<String>,
        amount: Atto,
    ) -> Posting {
        let (debit, credit) = (debit.into(), credit.into());
        Posting { network: self.network.clone(), id, at: shift.now, debit, credit, amount }
    }

    /// The transfer of a payment.
    pub(crate) fn draft(wallet: &Wallet, payment: &Payment) -> Draft {
        Draft {
            from: wallet.address.clone(),
            to: payment.payee.clone(),
            amount: payment.amount,
            multisig: wallet.proposes_for.clone(),
        }
    }

    /// The transfer that pays nobody.
    pub(crate) fn nothing(wallet: &Wallet) -> Draft {
        let own = || wallet.address.clone();
        Draft { from: own(), to: own(), amount: Atto::ZERO, multisig: None }
    }

    /// The wallet's account in the ledger.
    pub(crate) fn account(&self) -> String {
        ledger::wallet(&self.wallet)
    }
}

/// As [`Desk::restrain`], within a unit of work that holds the wallet. Whether anything changed.
pub(crate) async fn restrain(
    work: &mut dyn Work,
    wallet: &Wallet,
    mode: WalletMode,
    reason: &str,
    now: Timestamp,
) -> Result<bool> {
    if wallet.mode >= mode {
        return Ok(false);
    }
    work.set_mode(&wallet.network, &wallet.name, mode, reason).await?;
    let event = AuditEvent {
        at: now,
        actor: ITSELF.into(),
        action: action(mode).into(),
        subject: format!("{}/wallet/{}", wallet.network, wallet.name),
        reason: reason.to_owned(),
        document: "{}".into(),
    };
    work.record(&event).await?;
    tracing::warn!(network = %wallet.network, wallet = wallet.name, mode = mode.as_str(), reason, "restrained");
    Ok(true)
}

/// What setting a mode is called in the audit log.
pub(crate) const fn action(mode: WalletMode) -> &'static str {
    match mode {
        WalletMode::Open => "wallet-resume",
        WalletMode::Paused => "wallet-pause",
        WalletMode::Frozen => "wallet-freeze",
    }
}
