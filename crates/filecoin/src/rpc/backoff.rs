use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

/// Decides whether and when a question that got no answer is asked again.
#[async_trait]
pub trait Backoff: Send + Sync + fmt::Debug {
    /// Waits after the `failures`-th failure in a row (from 1 on); `false` when it is time to give up.
    async fn wait(&self, failures: u32) -> bool;
}

/// Waits twice as long after every failure, each time between half of that and all of it.
#[derive(Debug)]
pub struct Exponential {
    attempts: u32,
    first: Duration,
    longest: Duration,
    random: Mutex<u64>,
}

impl Exponential {
    /// At most `attempts` attempts in all; after the first failure a wait of up to `first`, never longer than `longest`.
    #[must_use]
    pub const fn new(attempts: u32, first: Duration, longest: Duration, seed: u64) -> Self {
        Self { attempts, first, longest, random: Mutex::new(seed) }
    }

    /// Never asks twice.
    #[must_use]
    pub const fn never() -> Self {
        Self::new(1, Duration::ZERO, Duration::ZERO, 0)
    }

    /// How long to wait after that many failures; `None` to give up.
    fn delay(&self, failures: u32) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.first.saturating_mul(doubled).min(self.longest);
        let half = longest / 2;
        let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        Some(half + Duration::from_micros(self.next() % span))
    }

    /// `SplitMix64`: enough to spread retries.
    fn next(&self) -> u64 {
        let mut state = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[async_trait]
impl Backoff for Exponential {
    async fn wait(&self, failures: u32) -> bool {
        match self.delay(failures) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let backoff = Exponential::new(6, Duration::from_millis(100), Duration::from_millis(500), 7);
        for (failures, longest) in [(1, 100), (2, 200), (3, 400), (4, 500), (5, 500)] {
            let delay = backoff.delay(failures).unwrap();
            let longest = Duration::from_millis(longest);
            assert!((longest / 2..=longest).contains(&delay), "{failures}: {delay:?}");
        }
        assert_eq!(backoff.delay(6), None);
        assert_eq!(Exponential::never().delay(1), None);
    }
}
