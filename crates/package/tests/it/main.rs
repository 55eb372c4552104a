//! Packages and payouts, from outside.

#[cfg(test)]
mod file;
#[cfg(test)]
mod made;
#[cfg(test)]
mod package;
#[cfg(test)]
mod payout;
