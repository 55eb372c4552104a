//! What a decision is made from.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};

use super::{Code, Scope};

/// What a charge is counted under: of a tier or an event with its own limits, apart from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// As it is stored: `actor`, or in the tier `miner` `actor.miner`.
    pub scope: String,
    /// Who or what: `github:583231`, `t01000`, `192.0.2.0/24`.
    pub key: String,
}

impl Key {
    /// The key of a scope, in a tier or in none.
    #[must_use]
    pub fn of(scope: Scope, tier: Option<&str>, key: &str) -> Self {
        let scope = match tier {
            Some(tier) if !scope.is_prefix() => format!("{scope}.{tier}"),
            _ => scope.to_string(),
        };
        Self { scope, key: key.to_owned() }
    }
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

/// A grant that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub amount: Atto,
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
    pub charges: BTreeMap<Key, Vec<Charge>>,
}
