//! Schedules and verdicts.

#[cfg(test)]
mod schedule;
#[cfg(test)]
mod verdict;
