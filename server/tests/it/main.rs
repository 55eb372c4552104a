//! The binary as people use it.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod board;
#[cfg(test)]
mod bots;
#[cfg(test)]
mod chain_verify;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod competition;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod faucet;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod freeze;
#[cfg(test)]
#[path = "../../../leaderboard/tests/it/golden.rs"]
mod golden;
#[cfg(test)]
mod health;
#[cfg(test)]
mod http;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod links;
#[cfg(test)]
mod made;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod paying;
#[cfg(test)]
mod postgres;
#[cfg(test)]
#[path = "../shared/probed.rs"]
mod probed;
#[cfg(test)]
mod probing;
#[cfg(test)]
mod proposing;
#[cfg(test)]
#[path = "../../../leaderboard/tests/it/race.rs"]
mod race;
#[cfg(test)]
mod recomputed;
#[cfg(test)]
mod recounts;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod resting;
#[cfg(test)]
mod served;
#[cfg(test)]
mod signin;
#[cfg(test)]
mod spacemesh;
#[cfg(test)]
mod standings;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod tap;
#[cfg(test)]
mod told;
