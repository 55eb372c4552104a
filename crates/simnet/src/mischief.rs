use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apogee_filecoin::types::{Tipset, json};
use fvm_shared::address::Network;
use serde_json::Value;

use crate::answer::Refusal;

/// Alters a result.
type Forger = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What goes wrong with one answer.
#[derive(Clone)]
pub enum Misdeed {
    /// The answer comes so much later.
    Late(Duration),
    /// The body comes in pieces of so many bytes with a pause between them.
    Drip {
        /// Bytes a piece; at least 1.
        bytes: usize,
        /// Between two pieces.
        pause: Duration,
    },
    /// The whole body is announced and the connection breaks after so many bytes of it; a subscription breaks at once.
    Truncate(usize),
    /// No answer at all while the connection stands. A frame of a subscription is swallowed.
    Silence,
    /// This HTTP status and no body; the call is not carried out.
    Status(u16),
    /// A refusal.
    Refuse {
        /// Which.
        refusal: Refusal,
        /// Whether the call is carried out all the same: a push that is accepted and answered with an error.
        executed: bool,
    },
    /// The result is altered: another CID, another head, a flipped bit.
    Forge(Forger),
}

impl fmt::Debug for Misdeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(by) => write!(f, "Late({by:?})"),
            Self::Drip { bytes, pause } => write!(f, "Drip({bytes} bytes, {pause:?})"),
            Self::Truncate(after) => write!(f, "Truncate({after})"),
            Self::Silence => f.write_str("Silence"),
            Self::Status(status) => write!(f, "Status({status})"),
            Self::Refuse { refusal, executed } => write!(f, "Refuse({refusal}, executed: {executed})"),
            Self::Forge(_) => f.write_str("Forge(…)"),
        }
    }
}

impl Misdeed {
    /// Alter the result with `forger`.
    #[must_use]
    pub fn forge(forger: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Forge(Arc::new(forger))
    }

    /// Answer `ChainHead` with another tipset: one that is stale, of a fork, of another chain.
    #[must_use]
    pub fn head(tipset: &Tipset) -> Self {
        let tipset = serde_json::to_value(json::Tipset::of(tipset, Network::Testnet)).unwrap_or_default();
        Self::forge(move |result| tipset.clone_into(result))
    }

    /// Answer with another result than the chain's.
    #[must_use]
    pub fn instead(result: Value) -> Self {
        Self::forge(move |given| result.clone_into(given))
    }
}

#[derive(Debug)]
struct Rule {
    method: String,
    /// `None`: for ever.
    left: Option<usize>,
    misdeed: Misdeed,
}

/// How a node misbehaves; honest until a test says otherwise.
///
/// Methods are named without `Filecoin.`; `*` is every method, `xrpc.ch.val` a frame of a subscription. Rules that hold for some
/// calls only are used up in the order in which they were made, before those that hold for ever.
#[derive(Debug, Default)]
pub struct Mischief {
    rules: Mutex<Vec<Rule>>,
    done: AtomicUsize,
}

impl Mischief {
    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Do this at every call of `method`.
    pub fn always(&self, method: &str, misdeed: Misdeed) {
        self.rules().push(Rule { method: method.to_owned(), left: None, misdeed });
    }

    /// Do this at the next `times` calls of `method`.
    pub fn next(&self, method: &str, times: usize, misdeed: Misdeed) {
        self.rules().push(Rule { method: method.to_owned(), left: Some(times), misdeed });
    }

    /// Be honest again.
    pub fn stop(&self) {
        self.rules().clear();
    }

    /// How many calls have been answered badly so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// What to do at this call.
    pub(crate) fn at(&self, method: &str) -> Option<Misdeed> {
        let method = method.strip_prefix("Filecoin.").unwrap_or(method);
        let mut rules = self.rules();
        let concerns = |rule: &Rule| rule.method == method || rule.method == "*";
        let limited = rules.iter().position(|rule| concerns(rule) && rule.left.is_some_and(|left| left > 0));
        let index =
            limited.or_else(|| rules.iter().position(|rule| concerns(rule) && rule.left.is_none()))?;
        let rule = rules.get_mut(index)?;
        rule.left = rule.left.map(|left| left - 1);
        self.done.fetch_add(1, Ordering::Relaxed);
        Some(rule.misdeed.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_some_calls_are_used_up_before_those_for_ever() {
        let mischief = Mischief::default();
        let status = |method| match mischief.at(method) {
            Some(Misdeed::Status(status)) => status,
            _ => 0,
        };
        mischief.always("*", Misdeed::Status(500));
        mischief.next("A", 2, Misdeed::Status(429));
        mischief.next("A", 1, Misdeed::Status(502));
        assert_eq!(
            [status("Filecoin.A"), status("B"), status("A"), status("A"), status("A")],
            [429, 500, 429, 502, 500]
        );
        assert_eq!(mischief.done(), 5);
        mischief.stop();
        assert_eq!(status("A"), 0);
    }
}
