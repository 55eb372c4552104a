//! What is paid with: one approved list of payments, and the artefacts that are made from it.

mod address;
mod audit;
mod genesis;
mod list;
mod plain;
mod safe;
mod script;
mod standard;

pub use address::{Address, InvalidAddress};
pub use audit::{AuditTree, Inclusion};
pub use genesis::{GenesisTerms, MOST_GENESIS_IDS, genesis_months, genesis_multisigs};
pub use list::{Payment, PaymentList, Unpayable, fil};
pub use plain::plain_csv;
pub use safe::{SafeTerms, safe_batches};
pub use script::multisig_script;
pub use standard::StandardTree;
