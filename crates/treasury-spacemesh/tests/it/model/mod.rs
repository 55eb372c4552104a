//! The engine against a chain that skips nonces, forks and forgets, and a node that breaks off, loses and is full; it ends at every place, and all of
//! it is checked after every step. The pattern is that of the treasury's own model.

mod checks;
mod crash;
#[path = "../../../../treasury/tests/model/dice.rs"]
mod dice;
mod mutants;
mod process;
pub(crate) mod run;
mod schedules;
mod trouble;
