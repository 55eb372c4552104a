//! Real state, read from recordings and genesis files.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod genesis;
