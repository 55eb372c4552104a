//! Looks at miners that somebody asks for: what a bot would see now. Nobody scores them, and nothing of them is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_bot::{BotError, Checked, Checker, Patience};
use apogee_dealbot::protocol::Task;
use apogee_domain::{Clock, ProbeKind, Timestamp};
use apogee_outbound::Reach;
use tokio::sync::Semaphore;

/// How far apart two looks at one miner are, seconds.
const APART: i64 = 600;
/// Looks that are made at a time.
const AT_ONCE: usize = 2;
/// Looks that wait or are made.
const MOST: usize = 8;
/// How long whoever finds no place waits, seconds: so long a look takes at most.
const TURN: u64 = 30;

/// At whom, in which competition, and by which kind of probe.
pub(crate) type Key = (String, String, ProbeKind);

/// A look that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// When it was asked for.
    pub(crate) at: Timestamp,
    /// What was seen; `None` until it was.
    pub(crate) seen: Option<Arc<Checked>>,
}

/// Why nobody looks now; seconds to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// Somebody looked at this miner a moment ago.
    Looked(u64),
    /// Too many looks wait.
    Crowded(u64),
}

/// Makes looks.
#[derive(Debug)]
pub(crate) struct Checks {
    checker: Checker,
    clock: Arc<dyn Clock>,
    places: Semaphore,
    looks: Mutex<BTreeMap<Key, Look>>,
}

impl Checks {
    /// `private`: whether a task may say that it reaches private addresses.
    pub(crate) fn new(private: bool, clock: &Arc<dyn Clock>) -> Result<Self, BotError> {
        let reach = if private { Reach::AlsoPrivate } else { Reach::Global };
        let checker = Checker::new(reach, &[], Patience::default(), Arc::clone(clock))?;
        let (places, looks) = (Semaphore::new(AT_ONCE), Mutex::default());
        Ok(Self { checker, clock: Arc::clone(clock), places, looks })
    }

    fn looks(&self) -> MutexGuard<'_, BTreeMap<Key, Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest look, of the last minutes.
    pub(crate) fn newest(&self, key: &Key) -> Option<Look> {
        let now = self.clock.now();
        self.looks().get(key).filter(|look| left(look.at, now) > 0).cloned()
    }

    /// Seconds until a miner may be looked at again.
    pub(crate) fn wait(&self, key: &Key) -> u64 {
        self.newest(key).map_or(0, |look| left(look.at, self.clock.now()))
    }

    /// Look, as soon as there is a place.
    pub(crate) fn begin(self: &Arc<Self>, key: Key, task: Task) -> Result<(), NotNow> {
        let now = self.clock.now();
        {
            let mut looks = self.looks();
            looks.retain(|_, look| left(look.at, now) > 0 || look.seen.is_none());
            if let Some(look) = looks.get(&key) {
                return Err(NotNow::Looked(left(look.at, now).max(1)));
            }
            if looks.values().filter(|look| look.seen.is_none()).count() >= MOST {
                return Err(NotNow::Crowded(TURN));
            }
            looks.insert(key.clone(), Look { at: now, seen: None });
        }
        let checks = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_place) = checks.places.acquire().await else { return };
            let seen = checks.checker.check(&task).await;
            if let Some(look) = checks.looks().get_mut(&key) {
                look.seen = Some(Arc::new(seen));
            }
        });
        Ok(())
    }
}

/// Seconds until the next look.
fn left(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(APART.saturating_sub(now.seconds().saturating_sub(at.seconds()))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apogee_dealbot::protocol::Part;
    use apogee_domain::ManualClock;

    use super::*;

    fn key(number: usize) -> Key {
        ("sprint".to_owned(), format!("t0{number}"), ProbeKind::Retrieval)
    }

    /// A server that never answers.
    fn silent(listener: &std::net::TcpListener) -> Task {
        Task::Gateway {
            url: format!("http://{}", listener.local_addr().unwrap()),
            root: "bafkqaaa".into(),
            size: 1_024,
            part: Part::Whole,
            private: true,
        }
    }

    #[tokio::test]
    async fn a_miner_is_looked_at_once_in_ten_minutes_and_only_a_few_wait() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000_000)));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let checks = Arc::new(Checks::new(true, &shared).unwrap());
        checks.begin(key(0), silent(&listener)).unwrap();
        assert_eq!(checks.begin(key(0), silent(&listener)), Err(NotNow::Looked(600)));
        for number in 1..MOST {
            checks.begin(key(number), silent(&listener)).unwrap();
        }
        assert_eq!(checks.begin(key(99), silent(&listener)), Err(NotNow::Crowded(TURN)));
        assert!(checks.newest(&key(3)).unwrap().seen.is_none());
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(checks.places.available_permits(), 0, "two at a time");
        clock.advance(Duration::from_secs(600));
        assert_eq!(checks.wait(&key(0)), 0);
        // What is still being made is not begun again.
        assert_eq!(checks.begin(key(0), silent(&listener)), Err(NotNow::Looked(1)));
    }

    #[tokio::test]
    async fn an_address_that_is_not_public_is_not_dialled() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000_000)));
        let checks = Arc::new(Checks::new(false, &clock).unwrap());
        checks.begin(key(0), silent(&listener)).unwrap();
        let seen = loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(seen) = checks.newest(&key(0)).unwrap().seen {
                break seen;
            }
        };
        assert!(seen.failure.is_some());
        assert!(listener.accept().is_err(), "nobody came");
    }
}
