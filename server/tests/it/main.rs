//! The binary as people use it.

#[cfg(test)]
mod chain_verify;
#[cfg(test)]
mod health;
