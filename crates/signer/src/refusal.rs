use std::fmt;

use apogee_treasury::SignError;

/// The rule that a message is against. Its word is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `cap-message`: value or fee of one message.
    CapMessage,
    /// `cap-day`: values or fees of a day.
    CapDay,
    /// `payee`: who may get how much.
    Payee,
    /// `nonce-reused`: one nonce pays one payee one amount.
    NonceReused,
    /// `fence`: whoever had the wallet before has it no more.
    Fence,
    /// `message`: the message is what the order says, and can be executed.
    Message,
    /// `wallet`: the wallets of the policy, and no others.
    Wallet,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CapMessage => "cap-message",
            Self::CapDay => "cap-day",
            Self::Payee => "payee",
            Self::NonceReused => "nonce-reused",
            Self::Fence => "fence",
            Self::Message => "message",
            Self::Wallet => "wallet",
        })
    }
}

/// Why nothing is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) nonce: u64,
    pub(crate) rule: Rule,
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(nonce: u64, rule: Rule, detail: impl Into<String>) -> Self {
        Self { nonce, rule, detail: detail.into() }
    }
}

impl From<Refusal> for SignError {
    fn from(Refusal { nonce, rule, detail }: Refusal) -> Self {
        Self::Refused { nonce, rule: rule.to_string(), detail }
    }
}
