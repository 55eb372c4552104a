//! Schedules and verdicts.

mod schedule;
mod verdict;
