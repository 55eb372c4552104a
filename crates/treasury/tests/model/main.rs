//! The engine against a chain in memory that does everything that chains and nodes were seen to do, and crashes at every place; checked after
//! every step (faucets.md, I1 to I5, I7, I10 to I13, I15, I16).

mod checks;
mod crash;
mod dice;
mod mutants;
mod process;
mod run;
mod schedules;
mod world;
