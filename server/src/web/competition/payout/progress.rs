//! What has become of each prize.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Epoch, NetworkKind};
use apogee_rules::Id;
use apogee_store::Payment;
use serde::Serialize;
use utoipa::ToSchema;

use super::Payout;
use crate::competitions::{Paid, Progress, payable};
use crate::web::competition::Stage;
use crate::web::{App, Problem};

/// Rows whose messages are looked up at most; beyond them states are told alone.
const LOOKED_UP: usize = 500;

/// A payment that a wallet was given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutPrize)]
pub(super) struct Prize {
    /// Its name in the treasury.
    payment: String,
    /// In atto.
    amount: String,
    /// `accepted`, `held`, `paying`, `included`, `final`, `failed` or `cancelled`.
    pub(super) state: &'static str,
    /// Why it is held, failed or was taken back.
    pub(super) reason: String,
    /// The multisig that it is proposed to, where the wallet does not pay itself.
    multisig: Option<String>,
    /// The number of that proposal.
    proposal: Option<u64>,
    /// CID of the message that is on the chain for it.
    message: Option<String>,
    /// The epoch of the tipset that has it.
    #[schema(value_type = Option<i64>)]
    epoch: Option<Epoch>,
    /// Epochs from there to the head.
    pub(super) confirmations: Option<i64>,
}

impl Prize {
    pub(super) fn name(&self) -> &str {
        &self.payment
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl Payout {
    /// Say of each row how far it is. Of standings that are not those that are paid, and of a page that is the same for ever, nothing is said.
    pub(super) async fn follow(&mut self, app: &App, stage: &Stage) -> Result<(), Problem> {
        let competition = &stage.competition;
        let (finals, total) = (competition.finals().len(), competition.payout().map(|(_, paid)| paid));
        let (Some(total), false) = (total, self.meta.chain.is_settled() || self.version != Some(finals))
        else {
            return Ok(());
        };
        let prizes = &stage.now.prizes.given;
        let paid = Paid { total, to: competition.paid_to() };
        let head = stage.ground().map(|ground| ground.head());
        let network = stage.ground().and_then(|ground| ground.network());
        let kind = network.map_or(NetworkKind::Filecoin, |network| network.kind);
        let wallets = app.store.wallets().await?.into_iter();
        let multisigs: BTreeMap<_, _> = wallets
            .filter_map(|wallet| Some(((wallet.network, wallet.name), wallet.proposes_for?)))
            .collect();
        let multisig =
            |payment: &Payment| multisigs.get(&(payment.network.clone(), payment.wallet.clone())).cloned();
        for (index, row) in self.rows.iter_mut().enumerate() {
            let Ok(entity) = row.entity.parse::<Id>() else { continue };
            let given = prizes.get(&entity).map_or(&[][..], Vec::as_slice);
            let elsewhere = paid.elsewhere(&entity, prizes);
            let amount = payable(Atto(row.atto), kind);
            let progress = Progress::of(amount, given, elsewhere);
            let proposed = given.iter().any(|payment| multisig(payment).is_some());
            row.status = Some(if proposed { progress.proposed() } else { progress }.as_str());
            row.elsewhere =
                elsewhere.filter(|elsewhere| *elsewhere > Atto::ZERO).map(|atto| atto.to_string());
            for payment in given {
                row.payments.push(prize(app, payment, multisig(payment), head, index < LOOKED_UP).await?);
            }
        }
        Ok(())
    }
}

async fn prize(
    app: &App,
    payment: &Payment,
    multisig: Option<String>,
    head: Option<Epoch>,
    look: bool,
) -> Result<Prize, Problem> {
    let mut included = None;
    if look {
        let transfers = app.store.transfers_of(&payment.network, &payment.id).await?;
        included = transfers.into_iter().rev().find_map(|transfer| transfer.included);
    }
    let epoch = included.as_ref().map(|included| included.epoch);
    let confirmations =
        head.zip(epoch).map(|(head, epoch)| head.height().saturating_sub(epoch.height()).max(0));
    Ok(Prize {
        payment: payment.id.clone(),
        amount: payment.amount.to_string(),
        state: payment.state.as_str(),
        reason: payment.reason.clone(),
        multisig,
        proposal: included.as_ref().and_then(|included| included.proposal),
        message: included.map(|included| included.message),
        epoch,
        confirmations,
    })
}
