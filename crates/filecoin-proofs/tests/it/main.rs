//! Proofs of the bundled recordings and of the local fixture.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod local;
#[cfg(test)]
mod messages;
