use apogee_competition::Phase;
use apogee_domain::{Digest, Epoch};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::ask::Language;
use crate::web::now;

/// What an answer about a competition is about, and how sure it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CompetitionMeta)]
pub(crate) struct Meta {
    /// The chain at the epoch that is shown.
    #[serde(flatten)]
    pub(crate) chain: now::Meta,
    /// The competition.
    pub(crate) competition: String,
    /// Its name for people, in both languages.
    pub(crate) name: Name,
    /// When it runs; `null` before rules are published.
    pub(crate) dates: Option<Dates>,
    /// Where it stands.
    #[schema(value_type = String)]
    pub(crate) phase: Phase,
    /// The rules that are applied; `null` before any are published.
    pub(crate) rules: Option<Rules>,
    /// Number of the last entry of the ledger that is looked at.
    pub(crate) seq: u64,
    /// Root of the standings; `null` before the start.
    #[schema(value_type = Option<String>)]
    pub(crate) snapshot: Option<Digest>,
    /// The root that was frozen or final, where these standings have another one: they are not those, and not to be relied on.
    #[schema(value_type = Option<String>)]
    pub(crate) differs: Option<Digest>,
    /// Whether standings are frozen: then nothing newer than the freeze is shown.
    pub(crate) frozen: bool,
    /// Whether it is paused.
    pub(crate) paused: bool,
    /// Whether other rules are applied than those that hold at that epoch: such standings are not official.
    pub(crate) simulated: bool,
    /// Whether bots probe its miners.
    #[serde(skip)]
    pub(crate) probed: bool,
    /// What of `at`, `rules` and `seq` was asked for, for links that keep it.
    #[serde(skip)]
    pub(crate) asked: String,
}

/// A name in both languages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CompetitionName)]
pub(crate) struct Name {
    /// English.
    pub(crate) en: String,
    /// Chinese.
    pub(crate) zh: String,
}

/// When a competition runs: in `[start, end)`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CompetitionDates)]
pub(crate) struct Dates {
    /// First epoch.
    #[schema(value_type = i64)]
    pub(crate) start: Epoch,
    /// Epoch before which it ends, as decisions have it.
    #[schema(value_type = i64)]
    pub(crate) end: Epoch,
    /// Length of an epoch in seconds.
    pub(crate) epoch_seconds: u32,
}

/// A version of the rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RulesVersion)]
pub(crate) struct Rules {
    /// Its number.
    pub(crate) version: u64,
    /// Its hash.
    #[schema(value_type = String)]
    pub(crate) hash: Digest,
}

impl Meta {
    /// Its name in a language.
    pub(crate) fn title(&self, language: Language) -> &str {
        match language {
            Language::English => &self.name.en,
            Language::Chinese => &self.name.zh,
        }
    }

    /// Whether nothing counts any more.
    pub(crate) const fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Draft | Phase::Registration | Phase::Running)
    }

    /// Class and message of where it stands.
    pub(crate) const fn state(&self) -> (&'static str, &'static str) {
        match self.phase {
            _ if self.frozen => ("is-none", "phase-frozen"),
            Phase::Running if self.paused => ("is-wait", "phase-paused"),
            Phase::Draft => ("is-none", "phase-draft"),
            Phase::Registration => ("is-wait", "phase-registration"),
            Phase::Running => ("is-ok", "phase-running"),
            Phase::Ended => ("is-wait", "phase-ended"),
            Phase::Provisional => ("is-wait", "phase-provisional"),
            Phase::Final => ("is-ok", "phase-final"),
            Phase::Paid => ("is-ok", "phase-paid"),
            Phase::Cancelled => ("is-bad", "phase-cancelled"),
            Phase::Archived => ("is-none", "phase-archived"),
        }
    }
}
