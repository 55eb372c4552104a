//! What people do with wallets and payments. Each action has an actor and a reason, and is in the audit log together with its effect.

use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_store::{
    AuditEvent, Payment, PaymentState, Posting, Store, Transfer, TransferState, WalletMode, Work,
};

use crate::config::Config;
use crate::desk::action;
use crate::error::{Result, TreasuryError};
use crate::ledger;
use crate::steps::again::{below_forks, is_over};

/// Who does something, why, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who: `github:583231`, `cli`.
    pub actor: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
    /// When.
    pub now: Timestamp,
}

impl By<'_> {
    fn event(self, action: &str, subject: String, document: String) -> AuditEvent {
        AuditEvent {
            at: self.now,
            actor: self.actor.to_owned(),
            action: action.to_owned(),
            subject,
            reason: self.reason.to_owned(),
            document,
        }
    }
}

/// Say what a wallet may do: [`Open`](WalletMode::Open) resumes it, [`Paused`](WalletMode::Paused) is the kill switch for new payments,
/// [`Frozen`](WalletMode::Frozen) stops also what is signed. Once this has returned, no nonce is taken that the mode forbids.
///
/// # Errors
/// When the database fails, or there is no such wallet.
pub async fn set_mode(
    store: &dyn Store,
    network: &NetworkId,
    wallet: &str,
    mode: WalletMode,
    by: By<'_>,
) -> Result<()> {
    let mut work = store.begin().await?;
    let before = work.lock_wallet(network, wallet, None).await?;
    let reason = if mode == WalletMode::Open { "" } else { by.reason };
    work.set_mode(network, wallet, mode, reason).await?;
    let document = serde_json::json!({"before": before.mode.as_str(), "because": before.reason}).to_string();
    work.record(&by.event(action(mode), format!("{network}/wallet/{wallet}"), document)).await?;
    Ok(work.commit().await?)
}

/// Take a payment back. Before it has a nonce, it is over at once; afterwards a message that pays nobody is to take the nonce, and which of the
/// two is mined is for the chain to say.
///
/// Returns whether it is over.
///
/// # Errors
/// When it is paid or over, or the database fails.
pub async fn cancel(store: &dyn Store, network: &NetworkId, payment: &str, by: By<'_>) -> Result<bool> {
    let (mut work, payment) = held(store, network, payment).await?;
    let over = match payment.state {
        PaymentState::Accepted | PaymentState::Held => {
            let to = PaymentState::Cancelled;
            work.set_payment(network, &payment.id, payment.state, to, by.reason).await?;
            work.post(&owing(&payment, "unowe", by.now)).await?;
            true
        }
        PaymentState::Paying => {
            let transfers = work.transfers_of_now(network, &payment.id).await?;
            let live = transfers.into_iter().find(|transfer| !transfer.state.is_spent());
            if live.as_ref().is_some_and(|live| live.state == TransferState::Included) {
                return Err(refused("a message of it is on the chain"));
            }
            let paying = PaymentState::Paying;
            // Its message may have failed, and it waits for another nonce.
            let to = if live.is_some() { paying } else { PaymentState::Cancelled };
            work.set_payment(network, &payment.id, paying, to, by.reason).await?;
            match live {
                Some(live) => {
                    let next = Transfer { state: TransferState::Cancelling, ..live.clone() };
                    work.set_transfer(live.state, &next).await?;
                    false
                }
                None => {
                    work.post(&owing(&payment, "unowe", by.now)).await?;
                    true
                }
            }
        }
        PaymentState::Included | PaymentState::Final => return Err(refused("it is paid")),
        PaymentState::Failed | PaymentState::Cancelled => return Err(refused("it is over")),
    };
    record(&mut *work, &payment, "payment-cancel", by).await?;
    work.commit().await?;
    return Ok(over);

    fn refused(why: &str) -> TreasuryError {
        TreasuryError::Refused { what: "cancelling the payment", why: why.into() }
    }
}

/// Pay a payment after all that failed or was taken back. Only when no fork can bring its old messages back: `config.requeue_depth` epochs below what is
/// booked, which the head is above.
///
/// # Errors
/// When it is neither, or not for long enough, or the database fails.
pub async fn requeue(
    store: &dyn Store,
    network: &NetworkId,
    payment: &str,
    config: &Config,
    by: By<'_>,
) -> Result<()> {
    let (mut work, payment) = held(store, network, payment).await?;
    let refused = |why: String| TreasuryError::Refused { what: "paying again", why };
    if !matches!(payment.state, PaymentState::Failed | PaymentState::Cancelled) {
        return Err(refused(format!("the payment is {}", payment.state.as_str())));
    }
    let transfers = work.transfers_of_now(network, &payment.id).await?;
    let mark = work.marks_now(network, &payment.wallet, Epoch::MAX, 1).await?.pop();
    let booked = mark.map_or(Epoch::GENESIS, |mark| mark.epoch);
    let below = below_forks(booked, config.requeue_depth);
    let anchor = work.marks_now(network, &payment.wallet, below, 1).await?.pop();
    if !is_over(&transfers, anchor.as_ref()) {
        let why = format!(
            "its messages are not {} epochs below what is booked: a fork could bring them back",
            config.requeue_depth
        );
        return Err(refused(why));
    }
    work.set_payment(network, &payment.id, payment.state, PaymentState::Accepted, "").await?;
    work.post(&owing(&payment, "reowe", by.now)).await?;
    record(&mut *work, &payment, "payment-requeue", by).await?;
    Ok(work.commit().await?)
}

/// Let a paused wallet go on whose key was used elsewhere: from now on its next nonce is `nonce`, which has to be the one that is booked, so that
/// everything before it is final. Nothing of ours may be under way.
///
/// # Errors
/// When any of that is not so, or the database fails.
pub async fn adopt(
    store: &dyn Store,
    network: &NetworkId,
    wallet: &str,
    nonce: u64,
    by: By<'_>,
) -> Result<()> {
    let refused = |why: String| TreasuryError::Refused { what: "adopting the nonce", why };
    let mut work = store.begin().await?;
    let found = work.lock_wallet(network, wallet, None).await?;
    let mark = work.marks_now(network, wallet, Epoch::MAX, 1).await?.pop();
    let open = work.open_transfers_now(network, wallet, 1).await?;
    if found.mode == WalletMode::Open {
        return Err(refused("the wallet is open: pause it first".into()));
    }
    if !open.is_empty() {
        return Err(refused("messages of the wallet are under way".into()));
    }
    match mark {
        Some(mark) if mark.nonce == nonce && nonce > found.next_nonce => {}
        Some(mark) => {
            let (booked, next) = (mark.nonce, found.next_nonce);
            return Err(refused(format!("nonce {booked} is booked, and the wallet's next one is {next}")));
        }
        None => return Err(refused("nothing is booked yet".into())),
    }
    work.set_next_nonce(network, wallet, nonce).await?;
    let document = serde_json::json!({"before": found.next_nonce, "nonce": nonce}).to_string();
    work.record(&by.event("wallet-adopt", format!("{network}/wallet/{wallet}"), document)).await?;
    Ok(work.commit().await?)
}

/// A unit of work that holds the wallet of a payment.
async fn held(store: &dyn Store, network: &NetworkId, id: &str) -> Result<(Box<dyn Work>, Payment)> {
    let unknown = || TreasuryError::Unknown { what: "payment", name: id.to_owned() };
    let wallet = store.payment(network, id).await?.ok_or_else(unknown)?.wallet;
    let mut work = store.begin().await?;
    work.lock_wallet(network, &wallet, None).await?;
    let payment = work.payment_now(network, id).await?.ok_or_else(unknown)?;
    Ok((work, payment))
}

/// The line that ends a debt (`unowe`) or takes it up again (`reowe`).
fn owing(payment: &Payment, what: &str, now: Timestamp) -> Posting {
    let (owed, granted) = (ledger::OWED.to_owned(), ledger::granted(payment.source()));
    let (debit, credit) = if what == "unowe" { (owed, granted) } else { (granted, owed) };
    Posting {
        network: payment.network.clone(),
        id: ledger::of_payment(what, &payment.id, now),
        at: now,
        debit,
        credit,
        amount: payment.amount,
    }
}

async fn record(work: &mut dyn Work, payment: &Payment, action: &str, by: By<'_>) -> Result<()> {
    let document = serde_json::json!({
        "state": payment.state.as_str(),
        "because": payment.reason,
        "amount": payment.amount,
        "payee": payment.payee,
    });
    let subject = format!("{}/payment/{}", payment.network, payment.id);
    work.record(&by.event(action, subject, document.to_string())).await?;
    Ok(())
}
