//! Real state, read from recordings and genesis files.

#[cfg(test)]
mod devnet;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod genesis;
#[cfg(test)]
mod layouts;
#[cfg(test)]
mod mainnet;
#[cfg(test)]
mod tries;
