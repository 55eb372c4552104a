//! How many canaries a bot may tell: whoever has its key fills no table with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use apogee_domain::Timestamp;

/// Canaries that a bot may tell at once, such as those of a day on which the controller was away.
const BURST: i64 = 1_000;
/// How many it may tell in the time in which one is wanted: it makes another one after each failure.
const IN_TURN: i64 = 16;

/// Room for the canaries of every bot.
#[derive(Debug)]
pub(super) struct Canaries {
    /// What one takes, microseconds.
    one: i64,
    room: Mutex<BTreeMap<String, (i64, Timestamp)>>,
}

impl Canaries {
    /// Where one is wanted every so many microseconds.
    pub(super) fn new(every: i64) -> Self {
        Self { one: (every / IN_TURN).max(1), room: Mutex::default() }
    }

    /// Whether a bot may tell one more now.
    pub(super) fn take(&self, bot: &str, now: Timestamp) -> bool {
        let whole = self.one.saturating_mul(BURST);
        let mut rooms = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let (room, since) = rooms.entry(bot.to_owned()).or_insert((whole, now));
        // A clock that is set back gives nothing.
        let passed = now.0.saturating_sub(since.0).max(0);
        *room = room.saturating_add(passed).min(whole);
        *since = now;
        let may = *room >= self.one;
        if may {
            *room -= self.one;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_may_come_at_once_and_then_some_in_the_time_of_each() {
        let canaries = Canaries::new(1_600);
        let at = |bot: &str, now: i64| canaries.take(bot, Timestamp(now));
        assert!((0..1_000).all(|_| at("eu-1", 5)));
        assert!(!at("eu-1", 5), "that was all");
        assert!(at("eu-2", 5), "another one has its own room");
        assert!(!at("eu-1", 104) && at("eu-1", 105) && !at("eu-1", 105), "one in a sixteenth");
        assert!(!at("eu-1", 50), "a clock was set back");
        assert_eq!((0..20).filter(|_| at("eu-1", 1_650)).count(), 16);
    }
}
