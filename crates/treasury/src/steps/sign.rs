//! Signed messages for nonces that have none.
//!
//! The signer works outside of the unit of work that stores what it made: it binds a nonce to payee and amount before a signature leaves it, so
//! that asking again after a crash gives a message for the same payment.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};
use apogee_store::{
    Attempt, AttemptKind, AuditEvent, PaymentState, Spent, Transfer, TransferState, Wallet, WalletMode, Work,
};

use super::assign::{Done, day, dearest};
use super::open;
use crate::cashier::View;
use crate::chain::{Draft, Gas, PrepareError};
use crate::desk::{Desk, ITSELF, Shift};
use crate::error::Result;
use crate::signing::{Order, Purpose, SignError, Signed};

/// Messages that are signed at a time.
const BATCH: usize = 100;

/// A message that is to be signed for a transfer.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) transfer: Transfer,
    /// The transfer's state once the message is stored.
    pub(crate) state: TransferState,
    pub(crate) kind: AttemptKind,
    /// Number among the transfer's messages.
    pub(crate) number: u32,
    pub(crate) draft: Draft,
    pub(crate) gas: Gas,
    /// What is added to the day's sums.
    pub(crate) spends: Spent,
}

/// The gas of a stored message.
pub(crate) fn gas_of(attempt: &Attempt) -> Gas {
    let limit = attempt.fee.0.checked_div(attempt.fee_cap.0).unwrap_or(0);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Gas { limit, fee_cap: attempt.fee_cap, premium: attempt.premium }
}

/// The most that any of these messages offers, field by field: what replaces that, replaces each of them.
pub(crate) fn best<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Option<Gas> {
    attempts.into_iter().map(gas_of).reduce(|one, other| Gas {
        limit: one.limit.max(other.limit),
        fee_cap: one.fee_cap.max(other.fee_cap),
        premium: one.premium.max(other.premium),
    })
}

/// What replaces `old`: a higher offer, with `limit` units at the least, for no more than `most`. `None` when that is too little to replace it.
pub(crate) fn outbid(desk: &Desk, old: Gas, limit: u64, floor: Atto, most: Atto) -> Option<Gas> {
    let wanted =
        desk.chain.bump(&Gas { limit: old.limit.max(limit), ..old }, floor, desk.config.bump_percent);
    let offered = wanted.within(most);
    // What the caps leave must still be the least that a node takes.
    let least = desk.chain.bump(&old, Atto::ZERO, 0);
    let enough = offered.premium >= least.premium && offered.fee_cap > old.fee_cap;
    enough.then_some(offered)
}

/// Sign what has to be signed: payments while the wallet is open, cancellations also while it is paused.
pub(crate) async fn sign(
    desk: &Desk,
    shift: Shift,
    view: &View,
    mode: WalletMode,
    estimates: &mut BTreeMap<String, Gas>,
) -> Result<Done> {
    let own = open(desk).await?;
    let wallet = desk.stored().await?;
    let spent = desk.store.spent(&desk.network, &desk.wallet, day(shift.now)).await?;
    let mut fees = desk.config.fees_per_day.0.saturating_sub(spent.fees.0);
    let (mut jobs, mut done) = (Vec::new(), Done::default());
    for (transfer, attempts) in own.into_values() {
        let cancels = attempts.iter().any(|attempt| attempt.kind == AttemptKind::Cancel);
        let job = match transfer.state {
            TransferState::Reserved if mode == WalletMode::Open => {
                pay(desk, shift, &wallet, transfer, estimates).await?
            }
            TransferState::Cancelling if !cancels => {
                cancel(desk, shift, view, &wallet, transfer, &attempts).await?
            }
            _ => continue,
        };
        let job = match job {
            Ok(job) => job,
            Err(blocked) => {
                done.blocked = Some(blocked);
                break;
            }
        };
        match fees.checked_sub(job.spends.fees.0) {
            Some(left) => fees = left,
            None => {
                done.blocked = Some("day-fees".into());
                break;
            }
        }
        jobs.push(job);
        if jobs.len() >= BATCH {
            break;
        }
    }
    // What is not signed now gets a new estimate.
    estimates.clear();
    match make(desk, shift, &wallet.address, &jobs).await? {
        Ok(count) => done.count = count,
        Err(blocked) => done.blocked = Some(blocked),
    }
    Ok(done)
}

/// A payment's first message. In place of it, what is in the way.
async fn pay(
    desk: &Desk,
    shift: Shift,
    wallet: &Wallet,
    transfer: Transfer,
    estimates: &BTreeMap<String, Gas>,
) -> Result<Result<Job, String>> {
    let payment = desk.payment(&transfer.payment).await?;
    let draft = Desk::draft(wallet, &payment);
    let prepared = match estimates.get(&payment.id) {
        Some(gas) => Ok(*gas),
        None => desk.chain.prepare(&draft).await,
    };
    let gas = match prepared {
        Ok(gas) => gas.within(desk.config.max_fee),
        Err(PrepareError::Recipient(why)) => {
            // Since it got its nonce. That must be used all the same, by a message that pays nobody.
            let (mut work, _) = desk.unit(shift).await?;
            let next = Transfer { state: TransferState::Cancelling, ..transfer.clone() };
            work.set_transfer(transfer.state, &next).await?;
            let reason = format!("recipient: {why}");
            work.set_payment(&desk.network, &payment.id, payment.state, PaymentState::Paying, &reason)
                .await?;
            desk.commit(work, "sign: before giving up is true", "sign: giving up is true").await?;
            return Ok(Err("recipient".into()));
        }
        Err(PrepareError::Funds(_)) => return Ok(Err("low-funds".into())),
        Err(PrepareError::Multisig(why)) => return Ok(Err(format!("multisig: {why}"))),
        Err(PrepareError::Chain(error)) => {
            tracing::debug!(%error, payment = payment.id, "no estimate");
            return Ok(Err("node: no estimate".into()));
        }
    };
    let spends = Spent { value: payment.amount, fees: gas.fee() };
    let state = TransferState::Signed;
    Ok(Ok(Job { transfer, state, kind: AttemptKind::Pay, number: 1, draft, gas, spends }))
}

/// The message that takes a nonce and pays nobody.
async fn cancel(
    desk: &Desk,
    shift: Shift,
    view: &View,
    wallet: &Wallet,
    transfer: Transfer,
    attempts: &[Attempt],
) -> Result<Result<Job, String>> {
    let draft = Desk::nothing(wallet);
    let estimate = match desk.chain.prepare(&draft).await {
        Ok(gas) => gas,
        Err(error) => {
            tracing::debug!(%error, nonce = transfer.nonce, "no estimate of a cancellation");
            return Ok(Err("node: no estimate".into()));
        }
    };
    let floor = desk.chain.floor(&view.head).await?;
    let most = desk.config.max_fee;
    let outbid = |old| outbid(desk, old, estimate.limit, floor, most);
    // The newest may have left without that having been noted, so all are to be replaced. Where that is too dear, those that are known to have left.
    let known = best(attempts.iter().filter(|attempt| attempt.first_sent.is_some()));
    let gas = match (best(attempts).and_then(outbid), known) {
        (Some(gas), _) => gas,
        // There is nothing to outbid, as far as is known.
        (None, None) => estimate.within(most),
        (None, Some(known)) => match outbid(known) {
            Some(gas) => gas,
            None => return keep(desk, shift, transfer).await,
        },
    };
    let fees = more_fees(attempts, &gas);
    let number = attempts.last().map_or(1, |newest| newest.number.saturating_add(1));
    let (state, kind) = (TransferState::Cancelling, AttemptKind::Cancel);
    Ok(Ok(Job { transfer, state, kind, number, draft, gas, spends: Spent { value: Atto::ZERO, fees } }))
}

/// A cancellation that would cost more than a message may is given up: what was sent stands.
async fn keep(desk: &Desk, shift: Shift, transfer: Transfer) -> Result<Result<Job, String>> {
    let payment = desk.payment(&transfer.payment).await?;
    let (mut work, _) = desk.unit(shift).await?;
    let next = Transfer { state: TransferState::Broadcast, ..transfer.clone() };
    work.set_transfer(transfer.state, &next).await?;
    work.set_payment(&desk.network, &payment.id, payment.state, PaymentState::Paying, "").await?;
    let event = AuditEvent {
        at: shift.now,
        actor: ITSELF.into(),
        action: "payment-cancel-given-up".into(),
        subject: format!("{}/payment/{}", desk.network, payment.id),
        reason: "a message that replaces the one that was sent would cost more than a message may".into(),
        document: "{}".into(),
    };
    work.record(&event).await?;
    desk.commit(work, "sign: before keeping is true", "sign: keeping is true").await?;
    Ok(Err("max-fee".into()))
}

/// By how much a further message makes a nonce dearer.
pub(crate) fn more_fees(attempts: &[Attempt], gas: &Gas) -> Atto {
    Atto(gas.fee().0.saturating_sub(dearest(attempts).unwrap_or_default().0))
}

/// Have messages signed and store them. How many, or what is in the way.
pub(crate) async fn make(
    desk: &Desk,
    shift: Shift,
    address: &str,
    jobs: &[Job],
) -> Result<Result<u64, String>> {
    if jobs.is_empty() {
        return Ok(Ok(0));
    }
    let orders = jobs.iter().map(|job| order(desk, job)).collect::<Result<Vec<_>>>()?;
    desk.faults.at("sign: before the signer").await?;
    let signed = match desk.signer.sign(address, shift.fence, &orders).await {
        Ok(signed) => signed,
        Err(error @ SignError::Refused { .. }) => {
            let SignError::Refused { nonce, rule, detail } = &error else { return Err(error.into()) };
            if rule == "fence" {
                return Err(error.into());
            }
            // It heals by itself: its day and ours begin a moment apart.
            if rule == "cap-day" {
                return Ok(Err(format!("signer-day: nonce {nonce}: {detail}")));
            }
            let reason = format!("signer-refuses: nonce {nonce}, {rule}: {detail}");
            desk.restrain(shift, WalletMode::Paused, &reason).await?;
            return Ok(Err(format!("paused: {reason}")));
        }
        Err(SignError::Unavailable(error)) => {
            tracing::warn!(error = %error, wallet = desk.wallet, "the signer does not answer");
            return Ok(Err("signer: no answer".into()));
        }
    };
    if signed.len() != orders.len() {
        let detail = format!("{} messages for {} orders", signed.len(), orders.len());
        return Err(desk.damaged("the signer's answer", detail));
    }
    for (order, signed) in orders.iter().zip(&signed) {
        desk.chain.check(&order.message, signed)?;
    }
    desk.faults.at("sign: after the signer").await?;
    let (mut work, wallet) = desk.unit(shift).await?;
    let pays = jobs.iter().any(|job| job.kind == AttemptKind::Pay);
    if wallet.mode == WalletMode::Frozen || (pays && wallet.mode != WalletMode::Open) {
        // Since this step began. What was signed stays here, and goes nowhere.
        return Ok(Err(format!("{}: {}", wallet.mode.as_str(), wallet.reason)));
    }
    for (job, signed) in jobs.iter().zip(signed) {
        store(desk, shift.now, &mut *work, job, signed).await?;
    }
    desk.commit(work, "sign: before it is true", "sign: true").await?;
    Ok(Ok(u64::try_from(jobs.len()).unwrap_or(u64::MAX)))
}

fn order(desk: &Desk, job: &Job) -> Result<Order> {
    let nonce = job.transfer.nonce;
    Ok(Order {
        purpose: match job.kind {
            AttemptKind::Pay => Purpose::Pay,
            AttemptKind::Replace => Purpose::Replace,
            AttemptKind::Cancel => Purpose::Cancel,
        },
        nonce,
        payment: Some(job.transfer.payment.clone()),
        payee: job.draft.to.clone(),
        amount: job.draft.amount,
        multisig: job.draft.multisig.clone(),
        fee: job.gas.fee(),
        message: desk.chain.build(&job.draft, nonce, &job.gas)?,
    })
}

async fn store(desk: &Desk, now: Timestamp, work: &mut dyn Work, job: &Job, signed: Signed) -> Result<()> {
    let next = Transfer { state: job.state, ..job.transfer.clone() };
    work.set_transfer(job.transfer.state, &next).await?;
    let attempt = Attempt {
        nonce: job.transfer.nonce,
        number: job.number,
        kind: job.kind,
        message: signed.id,
        bytes: signed.bytes,
        fee: job.gas.fee(),
        fee_cap: job.gas.fee_cap,
        premium: job.gas.premium,
        created: now,
        first_sent: None,
        last_sent: None,
        outcome: String::new(),
    };
    work.put_attempt(&desk.network, &desk.wallet, &attempt).await?;
    work.spend(&desk.network, &desk.wallet, day(now), job.spends).await?;
    Ok(())
}
