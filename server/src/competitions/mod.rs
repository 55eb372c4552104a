//! Competitions as a database has them: their ledgers folded, and the standings that follow.
//!
//! The command line and the pages both come here; nothing else reads a ledger or works out standings of a competition in a database.

mod again;
mod append;
mod archive;
mod around;
mod contents;
mod effect;
mod facts;
mod ground;
mod held;
mod observations;
mod observed;
mod owed;
mod payments;
mod prizes;
mod shadow;
mod stood;
mod what_if;

pub(crate) use self::again::{Again, Differs, NotAgain, Terms, again, simulation};
pub(crate) use self::append::{NotAppended, append};
pub(crate) use self::archive::{NotImported, founded, import, pack, reader};
pub(crate) use self::around::{Around, World};
pub(crate) use self::contents::{NoContents, PRODUCER, contents, provenance};
pub(crate) use self::effect::{Effect, NoEffect, effect};
pub(crate) use self::facts::{NoFacts, read as read_facts, wanted};
pub(crate) use self::ground::Ground;
pub(crate) use self::held::{Held, NoLedger};
pub(crate) use self::observations::{NoObservations, observations, signed as signed_observations};
pub(crate) use self::observed::recounted;
pub(crate) use self::payments::{Destination, Missing, NoPayments, Payments, final_standings, payments};
pub(crate) use self::prizes::{
    From, Paid, Prizes, Progress, Unpaid, dues, is_paid_elsewhere, payable, prizes, unpaid,
};
pub(crate) use self::shadow::{NoShadow, Shadow};
pub(crate) use self::stood::{NoStandings, Stands, Stood, Triple};
