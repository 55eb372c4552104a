use std::cmp::Reverse;
use std::fmt;

use apogee_domain::{Subject, Value};
use serde::Serialize;

/// One row of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Place from 1 on, shared by equal values; `None` where the value is unknown.
    pub rank: Option<usize>,
    /// Whether another row has the same rank.
    pub tied: bool,
    /// Whose row.
    pub subject: Subject,
    /// What it is ranked by; `None` is *unknown*.
    pub value: Option<Value>,
}

impl Standing {
    /// The rank as it is written: `3`, `=17`, `–` where there is none.
    #[must_use]
    pub fn label(&self) -> impl fmt::Display + use<> {
        Label { rank: self.rank, tied: self.tied }
    }
}

struct Label {
    rank: Option<usize>,
    tied: bool,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rank {
            Some(rank) if self.tied => write!(f, "={rank}"),
            Some(rank) => write!(f, "{rank}"),
            None => f.write_str("–"),
        }
    }
}

/// Order rows by value, largest first; unknown values last; rows of one value by subject.
#[must_use]
pub fn rank(rows: &[(Subject, Option<Value>)]) -> Vec<Standing> {
    let mut ordered: Vec<_> = rows.iter().collect();
    ordered.sort_by_key(|(subject, value)| (Reverse(*value), subject));
    let mut standings = Vec::with_capacity(ordered.len());
    for equal in ordered.chunk_by(|(_, left), (_, right)| left == right) {
        let place = standings.len() + 1;
        standings.extend(equal.iter().map(|(subject, value)| Standing {
            rank: value.map(|_| place),
            tied: value.is_some() && equal.len() > 1,
            subject: subject.clone(),
            value: *value,
        }));
    }
    standings
}
