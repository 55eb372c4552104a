//! Schedules, faults, evidence, judgements and verdicts.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod entry;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod log;
#[cfg(test)]
mod races;
#[cfg(test)]
mod record;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod verdict;
