//! Packages and payouts, from outside.

#[cfg(test)]
mod file;
#[cfg(test)]
mod payout;
