//! What has to be in order before this bot asks for work.

use std::fmt;
use std::time::Duration;

use apogee_domain::Timestamp;

use crate::canary::Canary;
use crate::outbox::MOST;

/// How far this clock may be from the controller's, microseconds: a third of what requests and records may be.
const SKEW: i64 = 10_000_000;

/// Why this bot asks for no work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Microseconds ahead.
    Clock(i64),
    Disk(String),
    Full,
    NoCanary,
    OldCanary,
    Canary(&'static str),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(ahead) => write!(f, "the clock is {} s ahead of the controller's", ahead / 1_000_000),
            Self::Disk(error) => write!(f, "the disk cannot be written: {error}"),
            Self::Full => write!(f, "{MOST} results wait for the controller, or were refused by it"),
            Self::NoCanary => f.write_str("no canary has been probed yet"),
            Self::OldCanary => f.write_str("the last canary is too long ago"),
            Self::Canary(code) => write!(f, "the last canary failed: {code}"),
        }
    }
}

/// How far this clock is ahead of one that showed `theirs` at some moment between two of it.
pub(crate) fn ahead(before: Timestamp, after: Timestamp, theirs: i64) -> i64 {
    if theirs > after.0 { after.0.saturating_sub(theirs) } else { before.0.saturating_sub(theirs).max(0) }
}

/// Whether a clock that is so far ahead will do.
pub(crate) fn clock(ahead: i64) -> Result<(), Closed> {
    if ahead.saturating_abs() > SKEW { Err(Closed::Clock(ahead)) } else { Ok(()) }
}

/// Whether the last canary lets attempts count that begin now.
pub(crate) fn canary(last: Option<Canary>, interval: Duration, now: Timestamp) -> Result<(), Closed> {
    let last = last.ok_or(Closed::NoCanary)?;
    if !last.code.is_empty() {
        return Err(Closed::Canary(last.code));
    }
    let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
    if now.0.saturating_sub(last.at.0) > interval { Err(Closed::OldCanary) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_by_what_no_delay_explains() {
        let at = |micros| Timestamp(micros);
        assert_eq!(ahead(at(100), at(200), 150), 0);
        assert_eq!(ahead(at(100), at(200), 100), 0);
        assert_eq!(ahead(at(100), at(200), 90), 10);
        assert_eq!(ahead(at(100), at(200), 230), -30);
        assert_eq!(clock(SKEW), Ok(()));
        assert_eq!(clock(-SKEW), Ok(()));
        assert_eq!(clock(SKEW + 1), Err(Closed::Clock(SKEW + 1)));
        assert!(clock(i64::MIN).is_err());
    }

    #[test]
    fn only_a_good_canary_of_this_interval_will_do() {
        let interval = Duration::from_micros(100);
        let last = |code| Some(Canary { at: Timestamp(1000), code });
        assert_eq!(canary(None, interval, Timestamp(1000)), Err(Closed::NoCanary));
        assert_eq!(canary(last(""), interval, Timestamp(1100)), Ok(()));
        assert_eq!(canary(last(""), interval, Timestamp(1101)), Err(Closed::OldCanary));
        assert_eq!(canary(last("STALLED"), interval, Timestamp(1000)), Err(Closed::Canary("STALLED")));
    }
}
