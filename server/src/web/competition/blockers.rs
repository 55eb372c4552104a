//! What stands between a competition that is over and its final standings.

use apogee_competition::{Blocker, Phase, standing_in_the_way};
use fluent_bundle::FluentArgs;
use serde::Serialize;
use utoipa::ToSchema;

use super::Stage;
use crate::competitions::Ground;
use crate::web::ask::Language;
use crate::web::figure::grouped;
use crate::web::words::fluent_args;

/// One thing that is in the way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FinalBlocker)]
pub(super) struct Blocked {
    /// What kind: `open-appeal`.
    pub(super) kind: &'static str,
    /// What it is, in the language of the address.
    pub(super) what: String,
    /// What settles it.
    pub(super) to_do: String,
    /// The entry it is about.
    pub(super) seq: Option<u64>,
}

/// What is in the way, as far as is known here; `None` unless the competition is over and not final.
pub(super) fn blockers(stage: &Stage, language: Language) -> Option<Vec<Blocked>> {
    let competition = &stage.competition;
    if !matches!(competition.phase(), Phase::Ended | Phase::Provisional) {
        return None;
    }
    let ground = stage.ground()?;
    let found = standing_in_the_way(
        competition,
        stage.newest(),
        ground.final_epoch().map(|last| last.min(stage.newest())),
    );
    let mut blocked: Vec<Blocked> = found.iter().map(|blocker| Blocked::of(blocker, language)).collect();
    if let (Ground::Index { .. }, Some(last)) = (ground, competition.end().map(|end| end.minus(1)))
        && stage.newest() < last
    {
        let what = language.say(
            "blocker-gap",
            &fluent_args!["what" => format!("{} – {}", grouped(stage.newest().plus(1)), grouped(last))],
        );
        blocked.push(Blocked { kind: "gap", what, to_do: language.t("blocker-gap-do"), seq: None });
    }
    if competition.phase() == Phase::Ended {
        let (what, to_do) = (language.t("blocker-not-provisional"), language.t("blocker-not-provisional-do"));
        blocked.insert(0, Blocked { kind: "not-provisional", what, to_do, seq: None });
    }
    Some(blocked)
}

impl Blocked {
    fn of(blocker: &Blocker, language: Language) -> Self {
        let (kind, arguments, seq) = match blocker {
            Blocker::AppealTime { until } => ("appeal-time", fluent_args!["until" => grouped(until)], None),
            Blocker::OpenAppeal { seq } => {
                ("open-appeal", fluent_args!["seq" => seq.to_string()], Some(*seq))
            }
            Blocker::OpenIncident { seq } => {
                ("open-incident", fluent_args!["seq" => seq.to_string()], Some(*seq))
            }
            Blocker::Frozen => ("frozen", FluentArgs::new(), None),
            Blocker::ShadowDiffers { .. } => ("shadow-differs", FluentArgs::new(), None),
            Blocker::NotFinal { last, final_epoch } => {
                let reached = final_epoch.map_or_else(|| "–".to_owned(), grouped);
                ("not-final", fluent_args!["last" => grouped(last), "final" => reached], None)
            }
            Blocker::Gap { what } => ("gap", fluent_args!["what" => what.as_str()], None),
            Blocker::PendingClaims { count } => ("pending-claims", fluent_args!["n" => *count], None),
        };
        Self {
            kind,
            what: language.say(&format!("blocker-{kind}"), &arguments),
            to_do: language.say(&format!("blocker-{kind}-do"), &arguments),
            seq,
        }
    }
}
