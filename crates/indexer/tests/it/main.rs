//! The indexer over recorded chains.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod backfill;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod common;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod deep;
#[cfg(test)]
mod doubt;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod flaky;
#[cfg(test)]
mod following;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod log;
#[cfg(test)]
mod made;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod verify;
