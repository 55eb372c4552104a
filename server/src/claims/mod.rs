//! Claims of miners against verified state: who holds a miner's roles, and whether a wallet made a signature.

mod declare;
mod file;
mod keys;
mod known;
mod proposals;
mod rest;
mod wallets;

pub(crate) use self::declare::{AHEAD, Ground as Declaring, NotDeclared, declare, declared, left};
pub(crate) use self::file::{Accepted, Filed, NotFiled, file};
pub(crate) use self::keys::NoState;
pub(crate) use self::known::{Known, Wants};
pub(crate) use self::rest::Rest;
pub(crate) use self::wallets::Wallets;
