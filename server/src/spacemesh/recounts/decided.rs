//! A recount is decided once: its state and who decided it, why, are one transaction.

use apogee_domain::{Epoch, NetworkId, Subject, Timestamp, series};
use apogee_store::{AuditEvent, Page, Recount, RecountState, Store, StoreError};
use serde_json::json;

/// Who decides, when, and why.
#[derive(Debug)]
pub(crate) struct By {
    /// As the audit log names them.
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// Why a recount is not decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDecided {
    #[error("{0} has no recount {1}")]
    Unknown(NetworkId, String),
    #[error("it is {} already", .0.as_str())]
    Already(RecountState),
    #[error("the index has another opinion on layer {0}: index a copy that agrees with the recount first")]
    Differs(Epoch),
    #[error("nobody counted the layers after {after} and before {first}: run it again with --from {}", after.plus(1))]
    Gap { after: Epoch, first: Epoch },
    #[error("somebody else has decided it meanwhile")]
    Meanwhile,
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// Decide an open recount: what it says is final, or it says nothing.
///
/// # Errors
/// [`NotDecided`]. Applied is only what an index agrees with, and what begins where the last one ended.
pub(crate) async fn decide(
    store: &dyn Store,
    network: &NetworkId,
    input: &str,
    state: RecountState,
    by: By,
) -> Result<(), NotDecided> {
    // Nobody else writes meanwhile, where there is one who may; and what an index takes back later is not final, whatever was decided.
    let mut work = store.begin().await?;
    let found = store.recounts(network).await?;
    let recount = found.iter().find(|recount| recount.input == input);
    let recount = recount.ok_or_else(|| NotDecided::Unknown(network.clone(), input.to_owned()))?;
    if recount.state != RecountState::Open {
        return Err(NotDecided::Already(recount.state));
    }
    let action = match state {
        RecountState::Applied => "recount-apply",
        RecountState::Cancelled => "recount-cancel",
        RecountState::Open => return Err(NotDecided::Already(state)),
    };
    if state == RecountState::Applied {
        let indexed = store.epoch(network, recount.verified).await?;
        if indexed.is_none_or(|indexed| indexed.key != recount.opinion) {
            return Err(NotDecided::Differs(recount.verified));
        }
        // Nothing becomes final that nobody counted: it begins where the last one ended, or with the index.
        let after = counted(&found).max(begun(store, network).await?);
        if recount.first > after.plus(1) {
            return Err(NotDecided::Gap { after, first: recount.first });
        }
    }
    if !work.decide_recount(network, input, state).await? {
        return Err(NotDecided::Meanwhile);
    }
    let event = AuditEvent {
        at: by.at,
        actor: by.actor,
        action: action.to_owned(),
        subject: format!("{network}/recount/{input}"),
        reason: by.reason,
        document: json!({ "verified": recount.verified, "opinion": recount.opinion }).to_string(),
    };
    work.record(&event).await?;
    work.commit().await?;
    Ok(())
}

/// The layer up to which everything that is indexed was counted: the next recount has to begin with the one after it.
pub(super) async fn reached(store: &dyn Store, network: &NetworkId) -> Result<Epoch, StoreError> {
    Ok(counted(&store.recounts(network).await?).max(begun(store, network).await?))
}

/// The layer up to which recounts that were applied reach.
fn counted(recounts: &[Recount]) -> Epoch {
    let applied = recounts.iter().filter(|recount| recount.state == RecountState::Applied);
    applied.map(|recount| recount.verified).max().unwrap_or(Epoch::GENESIS)
}

/// The layer before the first one that is indexed.
async fn begun(store: &dyn Store, network: &NetworkId) -> Result<Epoch, StoreError> {
    let page = Page { after: None, limit: 1 };
    let steps = store.steps(network, &series::EPOCH_LAYERS, &Subject::network(), page).await?;
    Ok(steps.first().map_or(Epoch::GENESIS, |first| first.epoch.minus(1)))
}
