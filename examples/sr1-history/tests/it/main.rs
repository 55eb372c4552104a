//! The replay: its file, its ledger, its numbers, and that nothing in it can be altered unseen.

#[cfg(test)]
mod altered;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod paid;
#[cfg(test)]
mod shared;
