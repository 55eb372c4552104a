//! Whether somebody is eligible, in one word.

use std::collections::BTreeSet;

use apogee_leaderboard::{EntityRow, State};
use apogee_rules::{Check, CheckKind, Id};
use serde::Serialize;
use utoipa::ToSchema;

use super::Stage;
use crate::competitions::Stood;
use crate::web::ask::Language;
use crate::web::words::fluent_args;

/// Where an entity stands with the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EntityStatus)]
pub(super) enum Status {
    /// Every check is met.
    Eligible,
    /// An appeal of it is open.
    UnderAppeal,
    /// Some checks are not decided yet, and none has failed.
    Pending,
    /// Checks are not met.
    Ineligible,
    /// Nobody has signed for the miner, and the rules ask for that.
    Unclaimed,
    /// By decision.
    Disqualified,
}

/// A status and how many checks have failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) status: Status,
    pub(super) failing: usize,
}

/// Knows what a status is made of.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    appealing: BTreeSet<&'a Id>,
    asks_claim: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(stage: &'a Stage, stood: &Stood) -> Self {
        let open = stage.competition.appeals().values().filter(|appeal| appeal.answered.is_none());
        let appealing = open.map(|appeal| &appeal.entity).collect();
        Self { appealing, asks_claim: asks_claim(&stood.rules().eligibility) }
    }

    pub(super) fn look(&self, row: &EntityRow) -> Standing {
        let failing = row.checks().filter(|check| check.state() == State::Fail).count();
        let status = match row {
            row if row.disqualified => Status::Disqualified,
            row if self.appealing.contains(&row.id) => Status::UnderAppeal,
            row if row.eligible => Status::Eligible,
            row if !row.claimed && self.asks_claim => Status::Unclaimed,
            _ if failing > 0 => Status::Ineligible,
            _ => Status::Pending,
        };
        Standing { status, failing }
    }
}

fn asks_claim(checks: &[Check]) -> bool {
    checks.iter().any(|check| match &check.kind {
        CheckKind::Claimed => true,
        CheckKind::All { checks } => asks_claim(checks),
        _ => false,
    })
}

impl Status {
    /// All, in the order of the legend.
    pub(super) const ALL: [Self; 6] = [
        Self::Eligible,
        Self::Pending,
        Self::Ineligible,
        Self::Unclaimed,
        Self::Disqualified,
        Self::UnderAppeal,
    ];

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Eligible => "is-ok",
            Self::UnderAppeal => "is-appeal",
            Self::Pending => "is-wait",
            Self::Ineligible => "is-bad",
            Self::Unclaimed => "is-none",
            Self::Disqualified => "is-dq",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::UnderAppeal => "under-appeal",
            Self::Pending => "pending",
            Self::Ineligible => "ineligible",
            Self::Unclaimed => "unclaimed",
            Self::Disqualified => "disqualified",
        }
    }

    pub(super) fn word(self, language: Language) -> String {
        language.t(&format!("status-{}", self.key()))
    }

    /// What it means.
    pub(super) fn meaning(self, language: Language) -> String {
        language.t(&format!("status-{}-means", self.key()))
    }
}

impl Standing {
    /// `ineligible (2)`
    pub(super) fn word(&self, language: Language) -> String {
        match self.status {
            Status::Ineligible => language.say("status-ineligible-n", &fluent_args!["n" => self.failing]),
            status => status.word(language),
        }
    }
}

/// Class and message of what became of a check.
pub(super) const fn check_state(state: State) -> (&'static str, &'static str) {
    match state {
        State::Pass => ("is-ok", "check-pass"),
        State::Fail => ("is-bad", "check-fail"),
        State::Pending => ("is-wait", "check-pending"),
        State::Waived => ("is-none is-waived", "check-waived"),
    }
}
