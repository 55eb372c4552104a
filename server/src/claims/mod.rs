//! Claims of miners against verified state: who holds a miner's roles, and whether a wallet made a signature.

mod file;
mod keys;
mod known;
mod proposals;
mod wallets;

pub(crate) use self::file::{Accepted, Filed, NotFiled, file};
pub(crate) use self::keys::NoState;
pub(crate) use self::known::{Known, Wants};
pub(crate) use self::wallets::Wallets;
