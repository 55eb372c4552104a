//! What has become final goes into the books, together with how far they reach.

use std::collections::BTreeSet;

use apogee_domain::Atto;
use apogee_store::{
    Attempt, AttemptKind, Inclusion, Payment, PaymentState, Posting, Transfer, TransferState, Wallet,
    WalletMode,
};

use super::{Open, transfers_from, with_attempts};
use crate::cashier::{View, mark_of};
use crate::chain::{Account, Executed};
use crate::desk::{Desk, Shift, restrain};
use crate::error::Result;
use crate::ledger;

/// Why a payment waits whose message failed for want of money.
pub(crate) const LACKED_FUNDS: &str = "lacked-funds";

/// What a final message means for its transfer and payment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has paid.
    Paid,
    /// It failed. Whether only for want of money.
    Failed { lacked_funds: bool },
    /// It took the nonce and paid nobody, as it should.
    Cancelled,
    /// It is none of ours.
    Foreign,
}

/// Read what a message of a nonce means. `attempts` are the nonce's own.
pub(crate) fn fate(one: &Executed, attempts: &[Attempt], lacked_funds: bool) -> Fate {
    match attempts.iter().find(|attempt| attempt.message == one.id) {
        None => Fate::Foreign,
        Some(attempt) if attempt.kind == AttemptKind::Cancel => Fate::Cancelled,
        Some(_) if one.exit_code == 0 => Fate::Paid,
        Some(_) => Fate::Failed { lacked_funds },
    }
}

/// What the wallet got or lost in between beside its own messages.
pub(crate) fn remainder(before: Account, after: Account, spent: Atto) -> Remainder {
    let now = after.balance.0.saturating_add(spent.0);
    match now.checked_sub(before.balance.0) {
        Some(more) => Remainder::Received(Atto(more)),
        None => Remainder::Missing(Atto(before.balance.0.saturating_sub(now))),
    }
}

/// See [`remainder`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Remainder {
    Received(Atto),
    Missing(Atto),
}

/// A message, where it was executed.
pub(crate) fn inclusion(one: &Executed) -> Inclusion {
    Inclusion {
        epoch: one.tip.epoch,
        key: one.tip.key.clone(),
        message: one.id.clone(),
        exit_code: one.exit_code,
        cost: one.cost,
        proposal: one.proposal.as_ref().and_then(|proposal| proposal.number),
    }
}

/// Whether these are messages for every nonce between two states.
pub(crate) fn dense(desk: &Desk, from: u64, to: u64, executed: &[Executed]) -> Result<()> {
    if from <= to && executed.iter().map(|one| one.nonce).eq(from..to) {
        return Ok(());
    }
    let nonces: Vec<_> = executed.iter().take(20).map(|one| one.nonce).collect();
    let detail = format!("the account went from nonce {from} to {to} by messages with nonces {nonces:?}");
    Err(desk.damaged("the chain", detail))
}

/// What changes by one final message.
struct Entry {
    transfer: Option<(Transfer, Transfer)>,
    payment: Option<(Payment, PaymentState, String)>,
    lines: Vec<Posting>,
    foreign: Option<String>,
}

/// Book everything up to the final depth below the head; the view's mark moves there. How many messages.
pub(crate) async fn book(desk: &Desk, shift: Shift, view: &mut View) -> Result<u64> {
    let settled = desk.chain.ancestor(&view.head, view.head.epoch.minus(desk.config.depth.into())).await?;
    if settled.epoch <= view.mark.epoch {
        return Ok(0);
    }
    let own_wallet = desk.stored().await?;
    let address = &own_wallet.address;
    let before = Account { nonce: view.mark.nonce, balance: view.mark.balance };
    let after = desk.chain.account(&settled, address).await?;
    let executed = if after.nonce == before.nonce {
        Vec::new()
    } else {
        desk.chain.executed(address, &view.booked(), &settled).await?
    };
    dense(desk, before.nonce, after.nonce, &executed)?;
    let mut own: Open = Open::new();
    if !executed.is_empty() {
        let transfers = transfers_from(desk, before.nonce).await?.into_iter();
        let transfers = transfers.take_while(|transfer| transfer.nonce < after.nonce).collect();
        own = with_attempts(desk, transfers).await?;
    }
    let mut spent = Atto::ZERO;
    let mut entries = Vec::with_capacity(executed.len());
    for one in &executed {
        spent = Atto(spent.0.saturating_add(one.moved.0).saturating_add(one.cost.0));
        entries.push(entry(desk, shift, &own_wallet, one, own.remove(&one.nonce)).await?);
    }
    let rest = remainder(before, after, spent);
    let mark = mark_of(&settled, after);
    desk.faults.at("book: before the unit of work").await?;
    let (mut work, wallet) = desk.unit(shift).await?;
    let mut concerns: BTreeSet<String> = BTreeSet::new();
    for entry in entries {
        if let Some((before, next)) = entry.transfer {
            work.set_transfer(before.state, &next).await?;
        }
        if let Some((payment, to, reason)) = entry.payment {
            work.set_payment(&desk.network, &payment.id, payment.state, to, &reason).await?;
        }
        for line in entry.lines {
            work.post(&line).await?;
        }
        concerns.extend(entry.foreign);
    }
    match rest {
        Remainder::Received(Atto(0)) => {}
        Remainder::Received(more) => {
            let id = ledger::of_tip("received", &desk.wallet, &settled.key, shift.now);
            work.post(&desk.posting(shift, id, desk.account(), ledger::RECEIVED, more)).await?;
        }
        Remainder::Missing(less) => {
            let id = ledger::of_tip("unexplained", &desk.wallet, &settled.key, shift.now);
            work.post(&desk.posting(shift, id, ledger::UNEXPLAINED, desk.account(), less)).await?;
            concerns.insert(format!("unexplained: {less} are missing at epoch {}", settled.epoch));
        }
    }
    // Marks reach as far as forks may.
    let keep = settled.epoch.minus(desk.config.memory.max(desk.config.requeue_depth).into());
    work.put_mark(&desk.network, &desk.wallet, &mark, keep).await?;
    if let Some(concern) = concerns.first() {
        restrain(&mut *work, &wallet, WalletMode::Paused, concern, shift.now).await?;
    }
    desk.commit(work, "book: before it is true", "book: true").await?;
    view.mark = mark;
    Ok(u64::try_from(executed.len()).unwrap_or(u64::MAX))
}

/// What changes by `one` for the transfer of its nonce.
async fn entry(
    desk: &Desk,
    shift: Shift,
    wallet: &Wallet,
    one: &Executed,
    own: Option<(Transfer, Vec<Attempt>)>,
) -> Result<Entry> {
    let mut entry = Entry { transfer: None, payment: None, lines: Vec::new(), foreign: None };
    let Some((transfer, attempts)) = own else {
        foreign(desk, shift, one, 0, &mut entry);
        return Ok(entry);
    };
    let life = transfer.reopened;
    let payment = desk.payment(&transfer.payment).await?;
    let fate = fate(one, &attempts, desk.chain.lacked_funds(one));
    let multisig = one.proposal.as_ref().map(|proposal| &proposal.multisig);
    if fate == Fate::Paid && multisig != wallet.proposes_for.as_ref() {
        let detail = format!("{} of nonce {} is not what was to be signed", one.id, one.nonce);
        return Err(desk.damaged("a message", detail));
    }
    let line = |what, debit, credit, amount| {
        let id = ledger::of_nonce(what, &desk.wallet, one.nonce, life);
        desk.posting(shift, id, debit, credit, amount)
    };
    let (state, to, reason) = match &fate {
        Fate::Paid => (TransferState::Final, PaymentState::Final, String::new()),
        Fate::Failed { lacked_funds: true } => {
            (TransferState::FailedFinal, PaymentState::Paying, LACKED_FUNDS.to_owned())
        }
        Fate::Failed { lacked_funds: false } => {
            (TransferState::FailedFinal, PaymentState::Failed, format!("exit-code: {}", one.exit_code))
        }
        Fate::Cancelled => (TransferState::CancelledFinal, PaymentState::Cancelled, payment.reason.clone()),
        Fate::Foreign => {
            (TransferState::SupersededFinal, PaymentState::Failed, format!("foreign-message: {}", one.id))
        }
    };
    if fate == Fate::Foreign {
        foreign(desk, shift, one, life, &mut entry);
    } else {
        if fate == Fate::Paid {
            entry.lines.push(line("paid", ledger::OWED, ledger::payer(wallet), payment.amount));
        }
        if one.cost > Atto::ZERO {
            entry.lines.push(line("fee", ledger::FEES, desk.account(), one.cost));
        }
    }
    if matches!(to, PaymentState::Failed | PaymentState::Cancelled) {
        let id = ledger::of_payment("unowe", &payment.id, shift.now);
        let granted = ledger::granted(payment.source());
        entry.lines.push(desk.posting(shift, id, ledger::OWED, granted, payment.amount));
    }
    let next = Transfer { state, included: Some(inclusion(one)), ..transfer.clone() };
    entry.transfer = Some((transfer, next));
    entry.payment = Some((payment, to, reason));
    Ok(entry)
}

/// A message that somebody else made with the wallet's key.
fn foreign(desk: &Desk, shift: Shift, one: &Executed, life: u32, entry: &mut Entry) {
    let amount = Atto(one.moved.0.saturating_add(one.cost.0));
    if amount > Atto::ZERO {
        // Without a transfer there is no count of lives: the moment tells a second booking apart.
        let id = format!("{}@{}", ledger::of_nonce("foreign", &desk.wallet, one.nonce, life), shift.now.0);
        entry.lines.push(desk.posting(shift, id, ledger::FOREIGN, desk.account(), amount));
    }
    entry.foreign = Some(format!("foreign-message: {} took nonce {}", one.id, one.nonce));
}
