//! The indexer over recorded chains.

#[cfg(test)]
mod backfill;
#[cfg(test)]
mod common;
#[cfg(test)]
mod events;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod verify;
