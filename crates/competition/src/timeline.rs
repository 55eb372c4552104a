use apogee_domain::Epoch;
use serde::Serialize;

use crate::Words;
use crate::act::Act;
use crate::entry::Entry;
use crate::records::Moment;

/// What kind of event stands on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Something was told.
    Announcement,
    /// Something went wrong.
    Incident,
    /// The network changes its version.
    Upgrade,
    /// A version of the rules.
    Rules,
    /// A decision.
    Decision,
    /// The competition went on a step.
    Lifecycle,
    /// A claim, appeal or answer.
    Claim,
}

/// One thing on the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The entry.
    pub moment: Moment,
    /// What kind.
    pub kind: EventKind,
    /// The act's kind, as in the ledger.
    pub act: &'static str,
    /// First epoch it is about.
    pub from: Epoch,
    /// First epoch it is no longer about; absent where it is about a moment, or lasts.
    pub until: Option<Epoch>,
    /// Its title, where it has one.
    pub title: Option<Words>,
}

impl Event {
    pub(crate) fn of(entry: &Entry) -> Self {
        let (kind, from, until, title) = match &entry.act {
            Act::Announce { title, .. } => (EventKind::Announcement, None, None, Some(title)),
            Act::Incident { title, from, .. } => (EventKind::Incident, Some(*from), None, Some(title)),
            Act::CloseIncident { until, .. } => (EventKind::Incident, Some(*until), None, None),
            Act::Upgrade { title, at, .. } => (EventKind::Upgrade, Some(*at), None, Some(title)),
            Act::PublishRules { rules, .. } => (EventKind::Rules, Some(rules.0.version.from), None, None),
            Act::RemoveInterval { from, until, .. } => (EventKind::Decision, Some(*from), Some(*until), None),
            Act::Adjust { from, .. } => (EventKind::Decision, Some(*from), None, None),
            Act::Award { title, .. } => (EventKind::Decision, None, None, Some(title)),
            Act::Pause { from, .. } | Act::Resume { from } => (EventKind::Lifecycle, Some(*from), None, None),
            Act::Claim { .. } | Act::AnswerAppeal { .. } => (EventKind::Claim, None, None, None),
            act if act.is_decision() => (EventKind::Decision, None, None, None),
            _ => (EventKind::Lifecycle, None, None, None),
        };
        Self {
            moment: Moment { seq: entry.seq, epoch: entry.epoch, time: entry.time },
            kind,
            act: entry.act.kind(),
            from: from.unwrap_or(entry.epoch),
            until,
            title: title.cloned(),
        }
    }
}
