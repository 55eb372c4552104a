//! Which tables a file must have.

use rusqlite::{Connection, OptionalExtension};

use crate::error::OpenError;

/// The versions of the schema that are known: that of go-spacemesh 1.7.
pub const VERSIONS: &[u32] = &[25];

/// What is read of each table.
const TABLES: &[(&str, &[&str])] = &[
    ("accounts", &["address", "balance", "next_nonce", "layer_updated", "template", "state"]),
    (
        "atxs",
        &[
            "id",
            "epoch",
            "effective_num_units",
            "nonce",
            "base_tick_height",
            "tick_count",
            "pubkey",
            "coinbase",
            "weight",
        ],
    ),
    ("ballots", &["id", "atx", "layer", "pubkey", "ballot"]),
    ("beacons", &["epoch", "beacon"]),
    ("blocks", &["id", "layer", "validity", "block"]),
    ("certificates", &["layer", "block", "valid"]),
    ("identities", &["pubkey", "proof", "received"]),
    ("layers", &["id", "weak_coin", "processed", "applied_block", "state_hash", "aggregated_hash"]),
    ("malfeasance", &["pubkey", "received"]),
    ("rewards", &["pubkey", "coinbase", "layer", "total_reward", "layer_reward"]),
    ("transactions", &["id", "tx", "header", "result", "layer", "block"]),
];

/// Check that the file has these tables, and that they are tables.
pub(crate) fn check(connection: &Connection) -> Result<(), OpenError> {
    for (table, columns) in TABLES {
        let kind: Option<String> = connection
            .query_row("SELECT type FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
            .optional()?;
        let mut found = Vec::new();
        if kind.as_deref() == Some("table") {
            let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
            found = statement.query_map([table], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        }
        if let Some(column) = columns.iter().find(|column| !found.iter().any(|name| name == **column)) {
            return Err(OpenError::Schema { table, column });
        }
    }
    Ok(())
}
