//! A message that waits too long, or offers less than gas costs, is replaced by one of the same nonce for a higher fee.

use apogee_domain::{Atto, Timestamp};
use apogee_store::{Attempt, AttemptKind, AuditEvent, Spent, Transfer, TransferState, Wallet};

use super::assign::day;
use super::open;
use super::sign::{Job, best, make, more_fees, outbid};
use crate::cashier::View;
use crate::config::Config;
use crate::desk::{Desk, Shift};
use crate::error::{Result, TreasuryError};

/// Messages that are replaced in a turn.
const AT_ONCE: usize = 10;

/// Whether the newest message of a transfer should be replaced. `next` is the nonce that the chain expects: messages after it only wait for
/// it, however long.
pub(crate) fn is_wanted(
    transfer: &Transfer,
    newest: &Attempt,
    next: u64,
    floor: Atto,
    now: Timestamp,
    config: &Config,
) -> bool {
    let waiting = matches!(transfer.state, TransferState::Broadcast | TransferState::Cancelling);
    let sent = newest.first_sent.is_some();
    let too_low = newest.fee_cap < floor || newest.outcome == "fee-too-low";
    // What no node has taken is not waiting: to pay more for it would change nothing.
    let taken = matches!(&*newest.outcome, "accepted" | "known");
    let too_long = taken && transfer.nonce == next && now.since(newest.created) >= config.replace_after;
    waiting && sent && transfer.nonce >= next && (too_low || too_long)
}

/// Replace what should be. What is in the way of it, if anything.
pub(crate) async fn replace(desk: &Desk, shift: Shift, view: &View) -> Result<Option<String>> {
    let own = open(desk).await?;
    if own.is_empty() {
        return Ok(None);
    }
    let floor = desk.chain.floor(&view.head).await?;
    let wallet = desk.stored().await?;
    let spent = desk.store.spent(&desk.network, &desk.wallet, day(shift.now)).await?;
    let mut fees = desk.config.fees_per_day.0.saturating_sub(spent.fees.0);
    let (mut jobs, mut blocked) = (Vec::new(), None);
    for (transfer, attempts) in own.values() {
        let Some(newest) = attempts.last() else { break };
        if !is_wanted(transfer, newest, view.account.nonce, floor, shift.now, &desk.config) {
            continue;
        }
        // The fees of a nonce can only be paid once: one message that is too dear keeps no other from being replaced.
        match job(desk, &wallet, transfer, attempts, floor).await? {
            Ok(job) if job.spends.fees.0 <= fees => {
                fees = fees.saturating_sub(job.spends.fees.0);
                jobs.push(job);
            }
            Ok(_) => blocked = Some("day-fees".into()),
            Err(why) => blocked = Some(why),
        }
        if jobs.len() >= AT_ONCE {
            break;
        }
    }
    match make(desk, shift, &wallet.address, &jobs).await? {
        Ok(_) => Ok(blocked),
        Err(why) => Ok(Some(why)),
    }
}

/// Replace the messages of one nonce because somebody wants it.
pub(crate) async fn forced(desk: &Desk, shift: Shift, nonce: u64, actor: &str, reason: &str) -> Result<()> {
    let refused = |why: String| TreasuryError::Refused { what: "replacing", why };
    let own = open(desk).await?;
    let found = own.get(&nonce).filter(|(transfer, _)| {
        matches!(transfer.state, TransferState::Broadcast | TransferState::Cancelling)
    });
    let (transfer, attempts) =
        found.ok_or_else(|| refused(format!("no message with nonce {nonce} waits to be mined")))?;
    let head = desk.chain.head().await?;
    let floor = desk.chain.floor(&head).await?;
    let wallet = desk.stored().await?;
    let job = job(desk, &wallet, transfer, attempts, floor).await?.map_err(refused)?;
    let spent = desk.store.spent(&desk.network, &desk.wallet, day(shift.now)).await?;
    if spent.fees.0.saturating_add(job.spends.fees.0) > desk.config.fees_per_day.0 {
        return Err(refused("the fees of the day are used up".into()));
    }
    let (mut work, _) = desk.unit(shift).await?;
    let event = AuditEvent {
        at: shift.now,
        actor: actor.to_owned(),
        action: "transfer-replace".into(),
        subject: format!("{}/wallet/{}/{nonce}", desk.network, desk.wallet),
        reason: reason.to_owned(),
        document: serde_json::json!({"payment": transfer.payment, "fee": job.gas.fee()}).to_string(),
    };
    work.record(&event).await?;
    desk.commit(work, "replace: before the wish is true", "replace: the wish is true").await?;
    make(desk, shift, &wallet.address, &[job]).await?.map_err(refused)?;
    Ok(())
}

/// The message that replaces the newest one of a transfer, or why there is none.
async fn job(
    desk: &Desk,
    wallet: &Wallet,
    transfer: &Transfer,
    attempts: &[Attempt],
    floor: Atto,
) -> Result<Result<Job, String>> {
    let Some(newest) = attempts.last() else { return Ok(Err("unsigned".into())) };
    let payment = desk.payment(&transfer.payment).await?;
    let cancels = newest.kind == AttemptKind::Cancel;
    if transfer.state == TransferState::Cancelling && !cancels {
        return Ok(Err("unsigned".into()));
    }
    let draft = if cancels { Desk::nothing(wallet) } else { Desk::draft(wallet, &payment) };
    // The limit of before may have become too low. A node that cannot tell changes nothing.
    let limit = desk.chain.prepare(&draft).await.map_or(0, |gas| gas.limit);
    let Some(gas) = best(attempts).and_then(|best| outbid(desk, best, limit, floor, desk.config.max_fee))
    else {
        return Ok(Err("max-fee".into()));
    };
    Ok(Ok(Job {
        transfer: transfer.clone(),
        state: if cancels { TransferState::Cancelling } else { TransferState::Replacing },
        kind: if cancels { AttemptKind::Cancel } else { AttemptKind::Replace },
        number: newest.number.saturating_add(1),
        draft,
        gas,
        spends: Spent { value: Atto::ZERO, fees: more_fees(attempts, &gas) },
    }))
}
