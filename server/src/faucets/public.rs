//! What everybody may know of faucets.

use apogee_domain::{Digest, NetworkId, Timestamp};
use apogee_faucet::policy::{Band, Coin, Policy};
use apogee_faucet::{free_funds, standing};
use apogee_store::{Faucet, Grant, PaymentState, Result, Store, Transfer};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// Grants that the median is of, and that a faucet's page lists.
const LATEST: u32 = 10;

/// How the faucets of the database do.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaucetsNow {
    /// When that was looked at.
    pub(crate) seen: Timestamp,
    /// By network and name.
    pub(crate) faucets: Vec<FaucetNow>,
    /// Tells this from others.
    pub(crate) generation: Digest,
}

/// How a faucet does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FaucetNow {
    #[schema(value_type = String)]
    pub(crate) network: NetworkId,
    pub(crate) faucet: String,
    /// Whether it grants anything.
    pub(crate) open: bool,
    /// Why not, in its operator's words.
    pub(crate) reason: Option<String>,
    /// How much its wallet has left: `ample`, `low`, `empty`, or `unknown`. What it has to the atto is not told.
    pub(crate) band: &'static str,
    /// What amounts are of: `FIL`, `SMH`. They are in 10⁻¹⁸ of it.
    #[schema(value_type = String)]
    pub(crate) coin: Coin,
    /// A grant; `null` where that differs from request to request.
    pub(crate) amount: Option<String>,
    /// Payments of its wallet that wait for a nonce.
    pub(crate) queue: u64,
    /// Seconds from a request to its epoch, in the middle of the newest ones that are on the chain.
    pub(crate) median_seconds: Option<i64>,
    /// Grants of this UTC day.
    pub(crate) grants_today: u32,
    /// How many there may be; `null` for no such limit.
    pub(crate) grants_per_day: Option<u32>,
    /// What they come to.
    pub(crate) amount_today: String,
    /// What they may come to; `null` for no such limit.
    pub(crate) amount_per_day: Option<String>,
}

impl FaucetsNow {
    /// Look at all of them.
    pub(crate) async fn read(store: &dyn Store, now: Timestamp) -> Result<Self> {
        let mut faucets = Vec::new();
        for faucet in store.faucets().await? {
            faucets.push(one(store, faucet, now).await?);
        }
        let generation = Digest(Sha256::digest(serde_json::json!(faucets).to_string()).into());
        Ok(Self { seen: now, faucets, generation })
    }
}

async fn one(store: &dyn Store, faucet: Faucet, now: Timestamp) -> Result<FaucetNow> {
    let network = &faucet.network;
    let wallet = store.wallet(network, &faucet.wallet).await?;
    let funds = free_funds(store, network, &faucet.wallet).await?;
    let standing = standing(&faucet, wallet.as_ref(), funds, now);
    let counts = store.open_counts(network, &faucet.wallet).await?;
    let waiting = counts.iter().find(|(state, _)| *state == PaymentState::Accepted);
    let text = store.policy(network, &faucet.name, faucet.policy_version).await?;
    // Faucets that pay something back have another policy, and no amount of a grant.
    let policy = text.and_then(|text| Policy::read(&text).ok());
    let latest = latest(store, network, &faucet.name).await?;
    Ok(FaucetNow {
        open: standing.paused.is_none(),
        reason: standing.paused.filter(|reason| !reason.is_empty()),
        band: band(policy.as_ref(), standing.funds),
        coin: policy.as_ref().map_or(Coin::Fil, Policy::coin),
        amount: policy.as_ref().map(|policy| policy.amount.atto.to_string()),
        queue: waiting.map_or(0, |(_, count)| count.payments),
        median_seconds: median(&latest),
        grants_today: standing.day_grants,
        grants_per_day: policy.as_ref().and_then(|policy| policy.budget.grants_per_day),
        amount_today: standing.day_amount.to_string(),
        amount_per_day: policy
            .and_then(|policy| policy.budget.amount_per_day)
            .map(|most| most.atto.to_string()),
        network: faucet.network,
        faucet: faucet.name,
    })
}

/// The word for what a wallet has left.
pub(crate) fn band(policy: Option<&Policy>, funds: Option<apogee_domain::Atto>) -> &'static str {
    match policy.zip(funds).map(|(policy, funds)| policy.band(funds)) {
        Some(Band::Ample) => "ample",
        Some(Band::Low) => "low",
        Some(Band::Empty) => "empty",
        None => "unknown",
    }
}

/// A grant with how far it is.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) grant: Grant,
    pub(crate) state: PaymentState,
    /// Seconds that it took to the chain.
    seconds: Option<i64>,
}

/// The newest grants, newest first.
pub(crate) async fn latest(store: &dyn Store, network: &NetworkId, faucet: &str) -> Result<Vec<Latest>> {
    let mut latest = Vec::new();
    for grant in store.newest_grants(network, faucet, LATEST).await? {
        let payment = store.payment(network, &grant.payment()).await?;
        let state = payment.map_or(PaymentState::Accepted, |payment| payment.state);
        let mut seconds = None;
        if matches!(state, PaymentState::Included | PaymentState::Final) {
            let transfers = store.transfers_of(network, &grant.payment()).await?;
            seconds = took(store, network, &grant, transfers.last()).await?;
        }
        latest.push(Latest { grant, state, seconds });
    }
    Ok(latest)
}

/// How long grants take, in the middle of those on the chain.
pub(crate) fn median(latest: &[Latest]) -> Option<i64> {
    let mut times: Vec<i64> = latest.iter().filter_map(|one| one.seconds).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

async fn took(
    store: &dyn Store,
    network: &NetworkId,
    grant: &Grant,
    transfer: Option<&Transfer>,
) -> Result<Option<i64>> {
    let Some(inclusion) = transfer.and_then(|transfer| transfer.included.as_ref()) else { return Ok(None) };
    let record = store.epoch(network, inclusion.epoch).await?;
    Ok(record.map(|record| (record.time.seconds() - grant.created.seconds()).max(0)))
}
