use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Quantity, RuleSet};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Hex;

/// A rule set inside an act: the document itself, so that the ledger needs nothing beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rules(pub Box<RuleSet>);

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        RuleSet::from_value(&value).map(Box::new).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Which standings are meant: their root, and what one needs to compute them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Epoch that was asked for.
    pub at: Epoch,
    /// `root` of the standings (`docs/rules.md` §12).
    pub root: Digest,
    /// Hash of the version of the rules.
    pub rules: Digest,
    /// The last entry of the ledger that was looked at.
    pub seq: u64,
}

/// A change of an observed count: decimal digits, behind `-` where it takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delta {
    /// Whether it takes away.
    pub negative: bool,
    /// How much; not zero where it takes away.
    pub amount: Quantity,
}

impl TryFrom<String> for Delta {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, &*text), |digits| (true, digits));
        let wrong = "a delta is a quantity, or '-' and a quantity above zero";
        let amount: Quantity = digits.parse().map_err(|_| wrong)?;
        if negative && amount == Quantity::ZERO { Err(wrong) } else { Ok(Self { negative, amount }) }
    }
}

impl From<Delta> for String {
    fn from(delta: Delta) -> Self {
        format!("{}{}", if delta.negative { "-" } else { "" }, delta.amount)
    }
}

/// What becomes of an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is followed.
    Upheld,
    /// It is not.
    Dismissed,
}

/// A payout address that is shown, with what its commitment was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Whose.
    pub entity: Id,
    /// Where payouts go.
    pub address: String,
    /// What hid it.
    pub salt: Hex<32>,
}
