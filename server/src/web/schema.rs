//! How values of other crates look in JSON. Those crates know no web, so they are described here; answers are held against it by tests.

#![expect(dead_code, reason = "only the derived descriptions are used")]

use utoipa::ToSchema;

/// What standings are about.
#[derive(ToSchema)]
pub(crate) struct Scope {
    network: String,
    /// Tells two networks of one name apart.
    genesis: String,
    series: String,
    /// The window begins after this epoch; `null` for values that hold at `at`.
    since: Option<i64>,
    at: i64,
    /// Digest of everything indexed up to that epoch.
    chain: String,
}

/// A row of standings.
#[derive(ToSchema)]
pub(crate) struct Ranked {
    /// From 1 on, shared by equal values; `null` where the value is unknown.
    rank: Option<usize>,
    /// Whether another row has the same rank.
    tied: bool,
    subject: String,
    /// A string of digits; `null` is unknown.
    value: Option<String>,
    /// SHA-256 over scope and row.
    hash: String,
}

/// How one check went.
#[derive(ToSchema)]
pub(crate) struct Check {
    check: String,
    passed: u64,
    failed: u64,
    not_made: Vec<Unmade>,
    /// The first failures in words.
    failures: Vec<String>,
}

/// Why a check could not be made.
#[derive(ToSchema)]
pub(crate) struct Unmade {
    reason: String,
    count: u64,
}

/// A derived sum and what state says.
#[derive(ToSchema)]
pub(crate) struct Sum {
    what: String,
    /// A string of digits; `null` is unknown.
    derived: Option<String>,
    /// A string of digits; `null` is unknown.
    state: Option<String>,
}

/// A value and the epoch since which it holds.
#[derive(ToSchema)]
pub(crate) struct StepAt {
    epoch: i64,
    /// A string of digits; `null` is unknown.
    value: Option<String>,
}

/// A metric: for rates with its samples.
#[derive(ToSchema)]
pub(crate) struct Metered {
    /// Digits, or a ratio `p/q`; `null` is unknown.
    value: Option<String>,
    /// Of rates: digits; `null` is unknown.
    #[schema(required = false)]
    samples: Option<String>,
}

/// That a row stands under a root (RFC 9162 §2.1.3).
#[derive(ToSchema)]
pub(crate) struct Inclusion {
    /// The leaf: canonical JSON.
    row: String,
    /// Which leaf it is, from 0 on.
    index: u64,
    /// How many there are.
    size: u64,
    /// Hashes from the neighbour up.
    path: Vec<String>,
    /// The root.
    root: String,
}
