//! What operators do to a faucet, each with who and why in the audit chain.

use apogee_domain::{NetworkId, Timestamp};
use apogee_store::{AuditEvent, FaucetEntry, LimitKey, Result, Store, StoreError};

use crate::policy::{Code, Scope};

/// Who does something, when and why.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who, as the audit chain names them: `operator:ada`, `cli`, `faucet`.
    pub actor: &'a str,
    /// Why; nothing is done without a reason.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
}

fn event(by: By<'_>, action: &str, subject: String, document: String) -> AuditEvent {
    let (actor, reason) = (by.actor.to_owned(), by.reason.to_owned());
    AuditEvent { at: by.at, actor, action: action.to_owned(), subject, reason, document }
}

/// Let a faucet grant again, or no longer. Whatever is decided after this is decided by it.
///
/// # Errors
/// The database's; an unknown faucet is a conflict.
pub async fn set_enabled(
    store: &dyn Store,
    (network, faucet): (&NetworkId, &str),
    enabled: bool,
    by: By<'_>,
) -> Result<()> {
    let mut work = store.begin().await?;
    let mut row = work.lock_faucet(network, faucet).await?;
    row.enabled = enabled;
    row.reason = by.reason.to_owned();
    row.changed_by = by.actor.to_owned();
    row.changed_at = by.at;
    work.set_control(&row).await?;
    let action = if enabled { "faucet-resume" } else { "faucet-pause" };
    work.record(&event(by, action, format!("{network}/faucet/{faucet}"), String::new())).await?;
    work.commit().await
}

/// Refuse somebody, or lift rules for somebody; for a network that is the limit by network and no other rule. The entry's `by`, `at` and `reason` are
/// those of `by`.
///
/// # Errors
/// The database's; an unknown faucet is a conflict, and so is a refusal that would end before the one that is there.
pub async fn put_entry(store: &dyn Store, entry: &FaucetEntry, by: By<'_>) -> Result<()> {
    let prefix = Scope::PREFIXES.iter().any(|scope| scope.name() == entry.subject.scope);
    // Whoever asks from a network may be anybody: it has no account that would not be too young.
    let lifts = if prefix && !entry.denies { Code::NetworkLimit.word() } else { &entry.lifts };
    let entry = FaucetEntry {
        by: by.actor.to_owned(),
        at: by.at,
        reason: by.reason.to_owned(),
        lifts: lifts.to_owned(),
        ..entry.clone()
    };
    let mut work = store.begin().await?;
    work.lock_faucet(&entry.network, &entry.faucet).await?;
    let of = std::slice::from_ref(&entry.subject);
    let held = work.entries_now(&entry.network, &entry.faucet, of).await?;
    // To strike a refusal takes more than to put one down; so nobody ends one by putting down a shorter one.
    let longer = held.iter().find(|held| held.denies && entry.denies && ends(held) > ends(&entry));
    if let Some(longer) = longer {
        let say =
            |entry: &FaucetEntry| entry.until.map_or_else(|| "for good".to_owned(), |at| at.to_string());
        let (found, expected) = (say(longer), say(&entry));
        return Err(StoreError::Conflict { what: "until when the subject is refused", found, expected });
    }
    work.put_entry(&entry).await?;
    let until = entry.until.map(|until| until.to_string());
    let document = serde_json::json!({ "lifts": entry.lifts, "until": until }).to_string();
    let action = if entry.denies { "faucet-deny" } else { "faucet-except" };
    work.record(&event(by, action, subject(&entry.network, &entry.faucet, &entry.subject), document)).await?;
    work.commit().await
}

/// Strike such an entry. Whether there was one.
///
/// # Errors
/// The database's.
pub async fn remove_entry(
    store: &dyn Store,
    (network, faucet): (&NetworkId, &str),
    (of, denies): (&LimitKey, bool),
    by: By<'_>,
) -> Result<bool> {
    let mut work = store.begin().await?;
    let removed = work.remove_entry(network, faucet, of, denies).await?;
    if removed {
        let action = if denies { "faucet-undeny" } else { "faucet-unexcept" };
        work.record(&event(by, action, subject(network, faucet, of), String::new())).await?;
        work.commit().await?;
    }
    Ok(removed)
}

/// When an entry ends; one for good never does.
fn ends(entry: &FaucetEntry) -> Timestamp {
    entry.until.unwrap_or(Timestamp(i64::MAX))
}

fn subject(network: &NetworkId, faucet: &str, of: &LimitKey) -> String {
    format!("{network}/faucet/{faucet}/{}/{}", of.scope, of.key)
}
