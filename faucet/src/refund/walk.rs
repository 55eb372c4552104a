//! A faucet's way along the final epochs, in order. Where it is stands in the database alone: whoever walks on after a crash does what was left.

use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_store::{ClaimState, Page, Reimbursable, Store, StoreError};
use async_trait::async_trait;

use super::pay::PAGE;
use super::{FinalEpoch, Held, RefundPolicy, Settled, ingest, release, settle};

/// What cannot be read of a chain.
pub type Unread = Box<dyn std::error::Error + Send + Sync>;

/// The final part of a chain.
#[async_trait]
pub trait FinalChain: Send + Sync {
    /// The first epoch from this one on that has a tipset, once it and what came of it are final; `None` before.
    async fn next(&self, from: Epoch) -> Result<Option<FinalEpoch>, Unread>;

    /// How the sectors of each of these messages stand in the state before the tipset of an epoch that [`next`](Self::next) has named.
    async fn stand(&self, at: Epoch, rows: &[Reimbursable]) -> Result<Vec<Held>, Unread>;
}

/// Why a faucet does not go on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The database.
    #[error("the database refuses")]
    Store(#[from] StoreError),
    /// The chain.
    #[error("the chain cannot be read from epoch {from} on")]
    Chain {
        /// From where.
        from: Epoch,
        /// Why.
        #[source]
        cause: Unread,
    },
    /// There is no such faucet.
    #[error("there is no faucet {0} in the database")]
    NoFaucet(String),
}

/// How far a faucet came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Epochs with a tipset that were read.
    pub epochs: u32,
    /// Messages that are new.
    pub added: u64,
    /// Messages that no longer wait.
    pub released: u64,
    /// What was settled.
    pub settled: Vec<Settled>,
    /// Whether there may be more to read at once.
    pub more: bool,
}

/// Read at most so many epochs. At the end of a period, before anything of the next one is read, whoever waits is looked at and what is owed is settled: so it is
/// the chain that decides what is paid when, and not the moment at which it is read. `from` passes over what lies before it.
///
/// # Errors
/// [`WalkError`]: what was done is done, and the next call goes on.
pub async fn walk(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    chain: &dyn FinalChain,
    from: Epoch,
    (most, now): (u32, Timestamp),
) -> Result<Walked, WalkError> {
    let mut walked = Walked::default();
    while walked.epochs < most {
        let row = store.faucet(network, faucet).await?;
        let read = row.ok_or_else(|| WalkError::NoFaucet(faucet.to_owned()))?.day;
        let next = Epoch::new(read.saturating_add(1)).map_or(from, |next| next.max(from));
        let unread = |cause| WalkError::Chain { from: next, cause };
        let Some(found) = chain.next(next).await.map_err(unread)? else { return Ok(walked) };
        let last = Epoch::new(read);
        if last.is_none_or(|last| policy.period_of(last) != policy.period_of(found.epoch)) {
            let (released, settled) =
                close(store, policy, (network, faucet), chain, (found.epoch, now)).await?;
            walked.released += released;
            walked.settled.extend((settled.payments > 0).then_some(settled));
        }
        let ingested = ingest(store, policy, (network, faucet), &found, now).await?;
        walked.added += ingested.added;
        walked.epochs += 1;
    }
    walked.more = true;
    Ok(walked)
}

/// End a period before an epoch: look at whoever waits, and settle what is owed. How many no longer wait, and what was settled.
///
/// # Errors
/// [`WalkError`]; done again, it does what was left.
pub async fn close(
    store: &dyn Store,
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    chain: &dyn FinalChain,
    (at, now): (Epoch, Timestamp),
) -> Result<(u64, Settled), WalkError> {
    let (mut released, mut after) = (0, None);
    loop {
        let page = Page { after, limit: PAGE };
        let held = store.reimbursables(network, faucet, ClaimState::Held, page).await?;
        let Some(last) = held.last() else { break };
        after = Some((last.epoch, last.message.clone()));
        let stand = chain.stand(at, &held).await.map_err(|cause| WalkError::Chain { from: at, cause })?;
        let looked: Vec<_> = held.into_iter().zip(stand).collect();
        released += release(store, policy, (network, faucet), at, &looked).await?;
    }
    Ok((released, settle(store, policy, (network, faucet), at, now).await?))
}
