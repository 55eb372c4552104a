//! What a multisig has made of the proposals that it was given.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use apogee_domain::NetworkId;
use apogee_store::{Payment, Store};
use apogee_treasury::chain::{Filecoin, Standing};
use serde_json::json;

use super::super::treasury::tellers;
use super::super::{Failure, chain_of};
use crate::config::Config;

/// A proposal that is on the chain.
pub(super) struct Proposed {
    multisig: String,
    number: u64,
    /// What became of it, or why that is not known.
    standing: Result<Standing, String>,
}

impl Proposed {
    /// Whether the multisig has paid.
    pub(super) const fn is_paid(&self) -> bool {
        matches!(self.standing, Ok(Standing::Executed { exit_code: 0, .. }))
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let mut told = match &self.standing {
            Ok(Standing::Waits { approved, missing }) => {
                json!({"state": "waits", "approved": approved, "missing": missing})
            }
            Ok(Standing::Executed { epoch, message, exit_code }) => {
                let state = if *exit_code == 0 { "executed" } else { "failed" };
                json!({"state": state, "epoch": epoch, "message": message, "exit_code": exit_code})
            }
            Ok(Standing::Cancelled { epoch, message }) => {
                json!({"state": "cancelled", "epoch": epoch, "message": message})
            }
            Ok(Standing::Gone { epoch }) => json!({"state": "gone", "epoch": epoch}),
            Err(why) => json!({"state": "unknown", "why": why}),
        };
        if let Some(told) = told.as_object_mut() {
            told.insert("multisig".to_owned(), self.multisig.clone().into());
            told.insert("number".to_owned(), self.number.into());
        }
        told
    }
}

impl fmt::Display for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proposal {} of {}", self.number, self.multisig)?;
        match &self.standing {
            Ok(Standing::Waits { missing, .. }) => write!(f, ": waits for {missing} approvals"),
            Ok(Standing::Executed { epoch, exit_code: 0, message }) => {
                write!(f, ": executed at epoch {epoch} by {message}")
            }
            Ok(Standing::Executed { epoch, exit_code, .. }) => {
                write!(f, ": executed at epoch {epoch}, failed with exit code {exit_code}: nobody was paid")
            }
            Ok(Standing::Cancelled { epoch, message }) => {
                write!(f, ": cancelled by signers at epoch {epoch} by {message}: nobody was paid")
            }
            Ok(Standing::Gone { epoch }) => {
                write!(f, ": ended at epoch {epoch} within another message: whether it paid is unknown")
            }
            Err(why) => write!(f, ": unknown: {why}"),
        }
    }
}

/// Looks proposals up; a node that does not answer makes what became of them unknown, and nothing else.
pub(super) struct Lookup<'a> {
    store: &'a dyn Store,
    config: &'a Config,
    network: &'a NetworkId,
    /// By wallet.
    chains: BTreeMap<String, Result<(Arc<Filecoin>, u32), String>>,
}

impl<'a> Lookup<'a> {
    pub(super) const fn new(store: &'a dyn Store, config: &'a Config, network: &'a NetworkId) -> Self {
        Self { store, config, network, chains: BTreeMap::new() }
    }

    /// What became of a payment's proposal; `None` where none is on the chain.
    pub(super) async fn proposed(&mut self, payment: &Payment) -> Result<Option<Proposed>, Failure> {
        let transfers = self.store.transfers_of(self.network, &payment.id).await.map_err(Failure::world)?;
        let live = transfers.into_iter().rev().find(|transfer| !transfer.state.is_spent());
        let Some(included) = live.and_then(|live| live.included) else { return Ok(None) };
        let Some(number) = included.proposal else { return Ok(None) };
        let wallet = self.store.wallet(self.network, &payment.wallet).await.map_err(Failure::world)?;
        let Some(multisig) = wallet.and_then(|wallet| wallet.proposes_for) else { return Ok(None) };
        let standing = match self.chain(&payment.wallet).await {
            Ok((chain, depth)) => {
                // What a fork could undo is not told as if it had happened.
                let what = (payment.payee.as_str(), payment.amount);
                let found = chain.standing(&multisig, number, included.epoch, what, depth).await;
                found.map_err(|error| chain_of(&error))
            }
            Err(why) => Err(why),
        };
        Ok(Some(Proposed { multisig, number, standing }))
    }

    /// The chain that a wallet is on, with the epochs below its head at which a message is final.
    async fn chain(&mut self, wallet: &str) -> Result<(Arc<Filecoin>, u32), String> {
        if let Some(known) = self.chains.get(wallet) {
            return known.clone();
        }
        let opened = self.open(wallet).await;
        self.chains.insert(wallet.to_owned(), opened.clone());
        opened
    }

    async fn open(&self, wallet: &str) -> Result<(Arc<Filecoin>, u32), String> {
        let tellers = tellers(self.config).map_err(|failure| chain_of(&failure))?;
        let key = (self.network.clone(), wallet.to_owned());
        let teller = tellers.into_iter().find(|teller| teller.key() == key);
        let teller = teller.ok_or_else(|| format!("the settings do not name the wallet {wallet}"))?;
        let chain = teller.proposals().await.map_err(|error| chain_of(&error))?;
        Ok((chain, teller.measures().depth))
    }
}
