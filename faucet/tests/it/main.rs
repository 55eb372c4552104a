//! The faucet from outside.

#[cfg(test)]
mod desk;
#[cfg(test)]
mod lookup;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod refund;
#[cfg(test)]
mod walk;
