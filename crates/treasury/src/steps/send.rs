//! Stored bytes go to the nodes, again and again until they are seen on the chain.

use std::time::Duration;

use apogee_domain::Timestamp;
use apogee_store::{Attempt, AttemptKind, Transfer, TransferState, WalletMode};

use super::open;
use crate::chain::Outcome;
use crate::desk::{Desk, Shift};
use crate::error::Result;

/// A node that gives no answer so often in a row is left alone until the next turn.
const PATIENCE: u32 = 3;

/// The message of a transfer that is to be sent now. `Err` when nothing after it can be: its nonce has no message yet.
pub(crate) fn due<'a>(
    transfer: &Transfer,
    attempts: &'a [Attempt],
    now: Timestamp,
    again_after: Duration,
) -> Result<Option<&'a Attempt>, ()> {
    let Some(newest) = attempts.last() else { return Err(()) };
    match transfer.state {
        TransferState::Signed | TransferState::Replacing | TransferState::Broadcast => {}
        TransferState::Cancelling if newest.kind == AttemptKind::Cancel => {}
        // What it had before is not wanted any more, and what takes its place is not signed yet.
        TransferState::Cancelling => return Err(()),
        _ => return Ok(None),
    }
    let due = match newest.last_sent {
        None => true,
        Some(sent) => Outcome::is_open(&newest.outcome) || now.since(sent) >= again_after,
    };
    Ok(due.then_some(newest))
}

/// Send what is due, the lowest nonce first. How many were sent.
pub(crate) async fn send(desk: &Desk, shift: Shift) -> Result<u64> {
    let own = open(desk).await?;
    let mut messages = Vec::new();
    for (transfer, attempts) in own.values() {
        match due(transfer, attempts, shift.now, desk.config.rebroadcast_after) {
            Ok(Some(attempt)) => messages.push((transfer, attempt)),
            Ok(None) => {}
            Err(()) => break,
        }
    }
    if messages.is_empty() {
        return Ok(0);
    }
    // From here on a node may have them: that has to last before it can be so.
    let first_time = |state| matches!(state, TransferState::Signed | TransferState::Replacing);
    let (mut work, wallet) = desk.unit(shift).await?;
    if wallet.mode == WalletMode::Frozen {
        return Ok(0);
    }
    if messages.iter().any(|(transfer, _)| first_time(transfer.state)) {
        for (transfer, _) in messages.iter().filter(|(transfer, _)| first_time(transfer.state)) {
            let next = Transfer { state: TransferState::Broadcast, ..(*transfer).clone() };
            work.set_transfer(transfer.state, &next).await?;
        }
        desk.commit(work, "send: before it is announced", "send: announced").await?;
    } else {
        drop(work);
    }
    let (mut outcomes, mut silent) = (Vec::new(), 0);
    for (_, attempt) in messages {
        let outcome = desk.chain.broadcast(&attempt.bytes).await;
        desk.faults.at("send: sent and not noted").await?;
        let text = outcome.text();
        if matches!(outcome, Outcome::Rejected(_) | Outcome::Unknown(_)) && text != attempt.outcome {
            tracing::warn!(
                wallet = desk.wallet,
                nonce = attempt.nonce,
                outcome = text,
                "a node did not take a message"
            );
        } else {
            tracing::debug!(wallet = desk.wallet, nonce = attempt.nonce, outcome = text, "sent");
        }
        silent = if matches!(outcome, Outcome::Unknown(_)) { silent + 1 } else { 0 };
        let stop = matches!(outcome, Outcome::Gap | Outcome::Full) || silent >= PATIENCE;
        outcomes.push((attempt.message.as_str(), outcome));
        if stop {
            break;
        }
    }
    let (mut work, _) = desk.unit(shift).await?;
    for (message, outcome) in &outcomes {
        work.sent(&desk.network, &desk.wallet, message, shift.now, &outcome.text()).await?;
    }
    desk.commit(work, "send: before it is noted", "send: noted").await?;
    Ok(u64::try_from(outcomes.len()).unwrap_or(u64::MAX))
}
