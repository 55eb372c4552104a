//! The faucet from outside.

#[cfg(test)]
mod policy;
