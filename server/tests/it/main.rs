//! The binary as people use it.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod chain_verify;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod health;
#[cfg(test)]
mod reference;
