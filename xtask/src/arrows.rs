use std::collections::BTreeMap;

use serde::Deserialize;

use crate::run::{Failure, command};

/// Who may depend on whom (normal and build dependencies; `testkit` is a dev-dependency of anybody).
const ARROWS: &[(&str, &[&str])] = &[
    ("bot", &["dealbot", "domain", "market", "market-http", "market-libp2p", "outbound", "retrieval"]),
    ("chat", &["domain"]),
    ("competition", &["domain", "leaderboard", "rules"]),
    ("dealbot", &["domain", "store"]),
    ("domain", &[]),
    ("faucet", &["domain", "filecoin", "filecoin-state", "spacemesh", "store", "treasury"]),
    ("filecoin", &["domain", "filecoin-state", "filecoin-proofs"]),
    ("filecoin-proofs", &[]),
    ("filecoin-state", &[]),
    ("indexer", &["domain", "filecoin", "filecoin-proofs", "filecoin-state", "store"]),
    ("leaderboard", &["domain", "rules"]),
    ("market", &[]),
    ("market-http", &["domain", "market", "outbound"]),
    ("market-legacy", &["filecoin", "market"]),
    ("market-libp2p", &["market"]),
    ("rules", &["domain"]),
    ("offer", &["market", "market-http", "outbound", "payload"]),
    ("outbound", &["domain"]),
    ("payload", &["piece"]),
    ("piece", &[]),
    ("package", &["domain", "leaderboard", "rules", "spacemesh"]),
    ("rankings", &["domain", "leaderboard", "store"]),
    ("recount", &["spacemesh", "spacemesh-state", "tortoise"]),
    ("retrieval", &["outbound", "piece"]),
    (
        "server",
        &[
            "bot",
            "chat",
            "competition",
            "dealbot",
            "domain",
            "faucet",
            "filecoin",
            "filecoin-proofs",
            "filecoin-state",
            "indexer",
            "leaderboard",
            "market",
            "offer",
            "outbound",
            "package",
            "payload",
            "rankings",
            "recount",
            "rules",
            "signer",
            "simhub",
            "simnet",
            "simprovider",
            "spacemesh",
            "spacemesh-gateway",
            "spacemesh-index",
            "spacemesh-state",
            "store",
            "store-postgres",
            "store-sqlite",
            "tortoise",
            "treasury",
            "treasury-spacemesh",
        ],
    ),
    ("sr1-history", &["competition", "domain", "leaderboard", "package", "rules"]),
    ("signer", &["domain", "filecoin", "spacemesh", "treasury"]),
    ("simhub", &["domain"]),
    ("simmesh", &["spacemesh", "spacemesh-state"]),
    ("simnet", &["domain", "filecoin", "filecoin-state", "market"]),
    ("simprovider", &["domain", "market", "market-http", "outbound", "piece"]),
    ("spacemesh", &[]),
    ("spacemesh-gateway", &["spacemesh"]),
    ("spacemesh-index", &["domain", "spacemesh", "spacemesh-gateway", "spacemesh-state", "store"]),
    ("spacemesh-state", &["spacemesh"]),
    ("store", &["domain"]),
    ("store-postgres", &["domain", "store"]),
    ("store-sqlite", &["domain", "store"]),
    ("testkit", &["domain"]),
    ("tortoise", &[]),
    ("treasury", &["domain", "filecoin", "filecoin-state", "store"]),
    ("treasury-spacemesh", &["domain", "spacemesh", "spacemesh-gateway", "store", "treasury"]),
];

/// What only some may name.
const DOORS: &[(&str, &[&str])] = &[
    ("sqlx", &["store-postgres", "store-sqlite"]),
    ("axum", &["server", "simhub", "simmesh", "simnet", "simprovider"]),
    ("askama", &["server"]),
    ("reqwest", &["bot", "filecoin", "server", "signer", "spacemesh-gateway"]),
    ("fil_actors_shared", &["filecoin-state"]),
    ("filecoin-proofs-api", &["filecoin-proofs"]),
    ("libp2p-core", &["market-libp2p", "simprovider"]),
    ("libp2p-swarm", &["simprovider"]),
    ("rusqlite", &["spacemesh-state"]),
];

/// Rooms that know no async runtime, database, network or web.
const PURE: &[&str] = &[
    "chat",
    "competition",
    "domain",
    "rules",
    "leaderboard",
    "market",
    "package",
    "payload",
    "piece",
    "filecoin-state",
    "tortoise",
    "spacemesh",
];
const IMPURE: &[&str] = &["tokio", "sqlx", "rusqlite", "axum", "reqwest", "hyper", "futures", "async-trait"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Compare the workspace with the tables and name every edge that breaks them.
pub(crate) fn check() -> Result<(), Failure> {
    let output = command("cargo", &["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|cause| Failure(format!("cargo metadata could not be started: {cause}")))?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|cause| Failure(format!("cargo metadata gave no metadata: {cause}")))?;
    let broken = broken(&metadata);
    if broken.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("these arrows are not in the design:\n  {}", broken.join("\n  "))))
}

fn broken(metadata: &Metadata) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| package.name != "xtask") {
        let room = package.name.strip_prefix("apogee-").unwrap_or(&package.name);
        let Some(may) = allowed.get(room) else {
            broken.push(format!("{room}: no row in xtask/src/arrows.rs"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")) {
            let name = dependency.name.as_str();
            let inner = name.strip_prefix("apogee-");
            let door = DOORS.iter().find(|(door, _)| *door == name);
            let good = match (inner, door) {
                (Some(inner), _) => may.contains(&inner),
                (None, Some((_, rooms))) => rooms.contains(&room),
                (None, None) => true,
            };
            if !good || (PURE.contains(&room) && IMPURE.contains(&name)) {
                broken.push(format!("{room} -> {name}"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(room: &str, dependency: &str, kind: Option<&str>) -> Metadata {
        Metadata {
            packages: vec![Package {
                name: format!("apogee-{room}"),
                dependencies: vec![Dependency { name: dependency.into(), kind: kind.map(Into::into) }],
            }],
        }
    }

    #[test]
    fn an_edge_outside_the_table_is_named() {
        assert_eq!(broken(&workspace("store", "apogee-server", None)), ["store -> apogee-server"]);
        assert_eq!(broken(&workspace("server", "sqlx", None)), ["server -> sqlx"]);
        assert_eq!(broken(&workspace("domain", "tokio", None)), ["domain -> tokio"]);
        assert!(broken(&workspace("indexer", "apogee-store", None)).is_empty());
        assert!(broken(&workspace("indexer", "apogee-testkit", Some("dev"))).is_empty());
    }
}
