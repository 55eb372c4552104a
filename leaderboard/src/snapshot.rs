use std::fmt::Write as _;

use apogee_domain::{Digest, Epoch, NetworkId, SeriesName, Subject, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{Standing, rank};

/// What standings are about: which numbers of which chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Scope {
    /// The network.
    pub network: NetworkId,
    /// Its genesis: tells two networks of one name apart.
    pub genesis: String,
    /// The series that is ranked.
    pub series: SeriesName,
    /// The window begins after this epoch; `None` for the value that holds at [`at`](Self::at).
    pub since: Option<Epoch>,
    /// The epoch.
    pub at: Epoch,
    /// Digest of everything indexed up to that epoch.
    pub chain: Digest,
}

/// A row with its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotRow {
    /// The row.
    #[serde(flatten)]
    pub standing: Standing,
    /// SHA-256 over scope and row.
    pub hash: Digest,
}

/// Standings that are named by what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// SHA-256 over the scope and the hashes of all rows, in order.
    pub id: Digest,
    /// What it is about.
    pub scope: Scope,
    /// The rows in order of rank.
    pub rows: Vec<SnapshotRow>,
}

impl Snapshot {
    /// Rank `rows`, in whatever order they come, and name the result.
    ///
    /// The hashed text is lines that end in `\n`: `apogee-scope-1`, network, genesis, series, since, at, chain; a row adds `row`, rank,
    /// subject, value; the snapshot adds `snapshot` and one hash a line. What is absent is `-`. No part can hold a line end: identifiers are
    /// restricted, and a genesis with one is escaped.
    #[must_use]
    pub fn new(scope: Scope, rows: &[(Subject, Option<Value>)]) -> Self {
        let header = scope.canonical();
        let rows: Vec<SnapshotRow> = rank(rows)
            .into_iter()
            .map(|standing| {
                let mut row = String::new();
                write_row(&mut row, standing.rank, standing.subject.as_str(), standing.value);
                SnapshotRow { hash: digest(&[&header, &row]), standing }
            })
            .collect();
        let hashes: String = rows.iter().map(|row| format!("{}\n", row.hash)).collect();
        Self { id: digest(&[&header, "snapshot\n", &hashes]), scope, rows }
    }
}

impl Scope {
    pub(crate) fn canonical(&self) -> String {
        let since = self.since.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
        let genesis = self.genesis.escape_default();
        format!(
            "apogee-scope-1\n{}\n{genesis}\n{}\n{since}\n{}\n{}\n",
            self.network, self.series, self.at, self.chain
        )
    }
}

/// A row as it is hashed.
pub(crate) fn write_row(text: &mut String, rank: Option<usize>, subject: &str, value: Option<Value>) {
    text.push_str("row\n");
    // Writing to a string does not fail.
    let _ = match rank {
        Some(rank) => writeln!(text, "{rank}\n{subject}"),
        None => writeln!(text, "-\n{subject}"),
    };
    let _ = match value {
        Some(value) => writeln!(text, "{value}"),
        None => writeln!(text, "-"),
    };
}

fn digest(parts: &[&str]) -> Digest {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest(hasher.finalize().into())
}
