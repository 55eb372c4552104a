//! What a policy says of a request.

use std::fmt;
use std::str::FromStr;

use apogee_domain::{Atto, Timestamp};
use apogee_store::LimitKey;
use serde::{Serialize, Serializer};

use super::Span;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Which sort of rule refuses. The word is stable: clients may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

codes! {
    /// An operator, or the program by itself, has paused the faucet.
    Paused = "paused",
    /// An operator refuses this identity, actor or network.
    Denied = "denied",
    /// Nobody may ask in this chat.
    AccountChat = "account-chat",
    /// Accounts of this kind may not ask.
    AccountKind = "account-kind",
    /// The account is too young, or nobody knows how old it is.
    AccountAge = "account-age",
    /// The identity has had what it may have.
    IdentityLimit = "identity-limit",
    /// The recipient has had what it may have.
    RecipientLimit = "recipient-limit",
    /// The network that asks has had what it may have.
    NetworkLimit = "network-limit",
    /// The event has given what it may give.
    EventLimit = "event-limit",
    /// No event has this code.
    EventCode = "event-code",
    /// The event is over.
    EventOver = "event-over",
    /// The recipient has enough already, or nobody knows what it has.
    RecipientBalance = "recipient-balance",
    /// No more grants on this day.
    BudgetGrants = "budget-grants",
    /// No more money on this day.
    BudgetAmount = "budget-amount",
    /// Too many grants at once.
    Pace = "pace",
    /// The wallet is empty down to its reserve, or nobody knows what it holds.
    WalletEmpty = "wallet-empty",
}

impl Code {
    /// Whether an operator's exception can lift it. What protects the money of all cannot be lifted for one.
    #[must_use]
    pub const fn can_be_lifted(self) -> bool {
        matches!(
            self,
            Self::AccountKind
                | Self::AccountAge
                | Self::IdentityLimit
                | Self::RecipientLimit
                | Self::NetworkLimit
                | Self::RecipientBalance
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// No code is written like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule of a faucet has the code {0:?}")]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;
    fn from_str(word: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.word() == word).ok_or_else(|| UnknownCode(word.to_owned()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// What the figures of a check count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Nothing: the rule has no figures.
    Nothing,
    /// Grants.
    Grants,
    /// Money, attoFIL.
    Atto,
    /// Seconds of age.
    Seconds,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Met,
    /// It does not hold, but an operator's exception lifts it.
    Lifted,
    /// It does not hold.
    Refused,
}

/// One rule, looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which sort of rule.
    pub code: Code,
    /// Its name in the policy; where the policy has no name for it, the code's word.
    pub rule: String,
    /// What the figures count.
    pub counts: Counts,
    /// What there is: grants had, age reached; `None` where it is not known.
    pub have: Option<u128>,
    /// What may be or has to be.
    pub limit: Option<u128>,
    /// In what time.
    pub within: Option<Span>,
    /// How it came out.
    pub outcome: Outcome,
    /// From when on it holds if nothing else happens; `None` where it holds already or time alone does not help.
    pub resets: Option<Timestamp>,
    /// An operator's words, where the rule is one's doing.
    pub reason: Option<String>,
}

/// What is to be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// How much.
    pub amount: Atto,
    /// What it counts under.
    pub charges: Vec<LimitKey>,
}

/// Everything a policy says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The tier or event it falls under.
    pub tier: Option<String>,
    /// How much a grant would be.
    pub amount: Atto,
    /// Every rule.
    pub checks: Vec<Check>,
    /// What is granted; `None` where a rule refuses.
    pub award: Option<Award>,
}

impl Assessment {
    /// The rules that refuse.
    pub fn refusals(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Refused)
    }

    /// From when on no rule refuses if nothing else happens; `None` where nothing refuses now, or time alone does not help.
    #[must_use]
    pub fn next_allowed_at(&self) -> Option<Timestamp> {
        self.refusals()
            .map(|check| check.resets)
            .try_fold(None, |latest, at| at.map(|at| Some(at).max(latest)))?
    }
}
