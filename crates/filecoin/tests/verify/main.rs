//! Verification against real chains, and against chains with something wrong in them.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod common;
#[cfg(test)]
mod flips;
#[cfg(test)]
mod forks;
#[cfg(test)]
mod public_chains;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod signed_messages;
#[cfg(all(test, feature = "snark"))]
mod winning_posts;
