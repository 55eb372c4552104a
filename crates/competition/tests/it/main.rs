//! The ledger of a competition: its life, what it refuses, and that nothing in it can be altered.

#[cfg(test)]
mod acts;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bad;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod detection;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod page;
#[cfg(test)]
mod random;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod standings;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod world;
