//! What a decision is made from.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};
use apogee_store::{Charge, LimitKey};

use super::{Code, Scope};

/// What a charge is counted under. A tier or an event with its own limits counts apart from all others; networks are counted for everybody.
#[must_use]
pub fn limit_key(scope: Scope, tier: Option<&str>, key: &str) -> LimitKey {
    let scope = match tier {
        Some(tier) if !scope.is_prefix() => format!("{scope}.{tier}"),
        _ => scope.to_string(),
    };
    LimitKey { scope, key: key.to_owned() }
}

/// Who asks, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicant {
    /// Who signed in: provider and the provider's unchanging name of it, `github:583231`.
    pub identity: String,
    /// Which provider.
    pub provider: String,
    /// What kind of account it is: `user`, `bot`, `organization`.
    pub account_kind: String,
    /// Since when there is the account; `None` where the provider does not tell.
    pub account_created: Option<Timestamp>,
    /// The actor that is to have the money: [`ActorKey`](crate::ActorKey).
    pub actor: String,
    /// Whether that is owner or worker of a storage miner.
    pub miner: bool,
    /// What it has; `None` where nobody asked the network.
    pub recipient_balance: Option<Atto>,
    /// The networks of the address that asks, narrow to wide.
    pub prefixes: Vec<(Scope, String)>,
    /// The code of an event.
    pub code: Option<String>,
}

/// What an operator has put down about an identity, an actor or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Whether it refuses; otherwise it lifts.
    pub denies: bool,
    /// What it lifts; nothing for all that can be lifted.
    pub lifts: Vec<Code>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// The faucet as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why it is paused, where it is.
    pub paused: Option<String>,
    /// Grants of this UTC day.
    pub day_grants: u32,
    /// What they come to.
    pub day_amount: Atto,
    /// When the pace's bucket is full again.
    pub full_at: Timestamp,
    /// What the wallet holds less what is promised already; `None` where that is not known.
    pub funds: Option<Atto>,
}

/// Everything else that a decision needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The faucet.
    pub standing: Standing,
    /// What operators have put down that concerns who asks.
    pub exceptions: Vec<Exception>,
    /// Newest first, as many as [`Plan::demands`](super::Plan::demands) asks for.
    pub charges: BTreeMap<LimitKey, Vec<Charge>>,
}
