//! Who is granted how much: a policy is data, and deciding is a function of it and of facts.

mod assess;
mod document;
mod facts;
pub mod presets;
mod scope;
mod units;
mod verdict;
mod window;

pub use assess::Plan;
pub use document::{
    Account, Bucket, Budget, CHATS, Condition, Event, Limit, Pace, Policy, PolicyError, Tier, Wallet,
};
pub use facts::{Applicant, Exception, Facts, Standing, limit_key};
pub use scope::{Scope, prefixes};
pub use units::{Coin, InvalidMoney, InvalidSpan, Money, Span};
pub use verdict::{Assessment, Award, Check, Code, Counts, Outcome, UnknownCode};

use apogee_domain::{Atto, Timestamp};

/// How much the wallet has left, told without its balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// Enough for a while.
    Ample,
    /// A few grants.
    Low,
    /// Not one.
    Empty,
}

impl Policy {
    /// The band of a wallet that holds `funds` beyond what is promised.
    #[must_use]
    pub fn band(&self, funds: Atto) -> Band {
        let left = funds.0.saturating_sub(self.wallet.floor.atto.0) / self.amount.atto.0.max(1);
        match left {
            0 => Band::Empty,
            left if left < u128::from(self.wallet.low) => Band::Low,
            _ => Band::Ample,
        }
    }

    /// When the pace's bucket is full after one more grant at `now`; as before where there is no pace.
    #[must_use]
    pub fn paced(&self, full_at: Timestamp, now: Timestamp) -> Timestamp {
        self.budget.pace.as_ref().map_or(full_at, |pace| pace.refill.after(full_at.max(now)))
    }
}
