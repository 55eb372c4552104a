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

/// What becomes of an appeal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is followed.
    Upheld,
    /// It is not.
    Dismissed,
}

/// Who was paid, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// Who.
    pub entity: Id,
    /// In atto; above zero.
    pub amount: Quantity,
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
