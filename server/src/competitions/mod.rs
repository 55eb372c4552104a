//! Competitions as a database has them: their ledgers folded, and the standings that follow.
//!
//! The command line and the pages both come here; nothing else reads a ledger or works out standings of a competition in a database.

mod facts;
mod ground;
mod held;
mod stood;

pub(crate) use self::facts::{NoFacts, read as read_facts, wanted};
pub(crate) use self::ground::Ground;
pub(crate) use self::held::{Held, NoLedger};
pub(crate) use self::stood::{NoStandings, Stands, Stood, Triple};
