//! The engine against a chain in memory that does everything that chains and nodes were seen to do, and crashes at every place; checked after
//! every step (faucets.md, I1 to I5, I7, I10 to I13, I15, I16).

#[cfg(test)]
mod checks;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod people;
#[cfg(test)]
mod process;
#[cfg(test)]
mod run;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod world;
