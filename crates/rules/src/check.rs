use std::fmt;

use apogee_domain::Epoch;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Id, Quantity, Ratio};

/// Something an entity has to fulfil (`docs/rules.md` §7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name among all checks, nested ones included.
    pub id: Id,
    /// What it asks.
    #[serde(flatten)]
    pub kind: CheckKind,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CheckKind {
    /// The metric is at least the value.
    AtLeast {
        /// What is compared.
        metric: Id,
        /// With what.
        value: Bound,
        /// Of whom.
        per: Per,
    },
    /// The metric is at most the value.
    AtMost {
        /// What is compared.
        metric: Id,
        /// With what.
        value: Bound,
        /// Of whom.
        per: Per,
    },
    /// The entity has claimed its members.
    Claimed,
    /// Its region is known and one of the competition's.
    Region,
    /// It was registered in time.
    Registered {
        /// Epoch before which.
        deadline: Epoch,
        /// A later class for those who are new on the chain.
        #[serde(skip_serializing_if = "Option::is_none")]
        late: Option<Late>,
    },
    /// Somebody attested something about it.
    Attested {
        /// What.
        what: Id,
    },
    /// Every one of these.
    All {
        /// The checks.
        checks: Vec<Check>,
    },
    /// One of these at least.
    Any {
        /// The checks.
        checks: Vec<Check>,
    },
}

/// The class of those who register late: new on the chain since the first deadline, with one membership ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Late {
    /// Epoch before which they register.
    pub deadline: Epoch,
}

/// What a metric is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// For metrics that are whole numbers.
    Quantity(Quantity),
    /// For metrics that are ratios.
    Ratio(Ratio),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => fmt::Display::fmt(quantity, f),
            Self::Ratio(ratio) => fmt::Display::fmt(ratio, f),
        }
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Of whom a metric is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Of the entity.
    Entity,
    /// Of each member alone; the worst counts.
    Member,
}
