//! How bots find the miners of a competition: what they saw of each, and how fairly they looked.
//!
//! Nothing here reads a lane: when a slot is due, and who tries it, is nobody's to know before its interval is over. A slot is shown from then on.

mod attempt;
mod count;
mod evidence;
mod fairness;
mod log;
mod maintenance;
mod rests;
mod slots;
mod versions;
mod words;

use apogee_dealbot::plan::Plan;
use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_store::{Store, StoreError};
use axum::http::{HeaderValue, header};
use axum::response::Response;

pub(super) use self::count::pooled;
pub(crate) use self::count::{Counted, Tallied};
pub(crate) use self::evidence::Downloads;
pub(super) use self::evidence::{car, lines};
pub(crate) use self::fairness::Fairness;
pub(super) use self::fairness::show as fairness;
pub(crate) use self::log::AttemptLog;
pub(super) use self::log::show as log;
pub(crate) use self::maintenance::Maintenance;
pub(super) use self::maintenance::{show as maintenance, submit as declare};
pub(crate) use self::versions::Versions;
pub(super) use self::versions::show as versions;
pub(crate) use self::words::{advice, title};
use super::Stage;
use crate::web::{App, Problem};

/// The probes of a competition, as they may be shown.
#[derive(Clone, Copy)]
struct Probing<'a> {
    store: &'a dyn Store,
    plan: &'a Plan,
    /// Verdicts that count later are not shown; `None`: all are.
    until: Option<Epoch>,
    now: Timestamp,
}

impl<'a> Probing<'a> {
    /// Those of a competition that is looked at.
    fn of(app: &'a App, stage: &Stage) -> Result<Self, Problem> {
        let none = || Problem::NoProbes { competition: stage.id().to_owned() };
        let plan = app.bots.plan(stage.id()).filter(|_| stage.meta.probed).ok_or_else(none)?;
        let chain = &stage.meta.chain;
        // Whoever looks at an earlier epoch, or while standings are frozen, sees what counted then.
        let earlier = stage.meta.frozen || chain.pinned;
        let until = earlier.then_some(chain.epoch);
        Ok(Self { store: &*app.store, plan, until, now: app.sources.now() })
    }

    /// Nothing later is told.
    fn to(&self, stage: &Stage) -> Timestamp {
        let time = self.until.and_then(|_| stage.meta.chain.time.parse::<Timestamp>().ok());
        time.map_or(self.now, |time| time.min(self.now))
    }

    /// What an answer tells goes on with every probe: it is kept only where it is of an epoch.
    fn fresh(&self, mut response: Response) -> Response {
        if self.until.is_none() {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

/// The competitions on a network in which a participant is probed.
pub(crate) async fn probed_in(
    app: &App,
    network: &NetworkId,
    participant: &str,
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for competition in &app.now.load_full().competitions {
        let id = competition.held.id().as_str();
        let Some(plan) = app.bots.plan(id).filter(|plan| plan.network == *network) else { continue };
        for cadence in &plan.cadences {
            // Whether there is one is all that is asked of it.
            if app.store.lane(&plan.key(cadence.kind, participant)).await?.is_some() {
                found.push(id.to_owned());
                break;
            }
        }
    }
    Ok(found)
}

/// A text of somebody else: without signs that change how what stands around it is read.
pub(crate) fn plain(text: &str) -> String {
    let is_shown = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_shown(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_foreign_text_turns_nothing_around() {
        assert_eq!(plain("a\u{202e}b\r\n\u{1b}[2J中"), "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}[2J中");
    }
}
