//! Pages of a competition: one file a page, all made from a [`Stage`].

mod about;
mod acts;
mod blockers;
mod board;
mod checks;
mod claim;
mod curve;
mod decision;
mod decisions;
mod effect;
mod effect_table;
mod entity;
mod fields;
mod lanes;
mod listed;
mod marks;
mod measured;
mod meta;
mod overview;
mod owed;
mod package;
mod payout;
mod pools;
mod probes;
mod question;
mod regions;
mod rules;
mod rules_diff;
mod signs;
mod simulate;
mod stage;
mod status;
mod timeline;
mod verify;
mod versions;

use axum::routing::{MethodRouter, get};

use super::App;

pub(crate) use self::board::Board;
pub(crate) use self::claim::Claim;
pub(crate) use self::decision::EntryView;
pub(crate) use self::decisions::Decisions;
pub(crate) use self::entity::Entity;
pub(crate) use self::listed::Listed;
pub(crate) use self::meta::Meta;
pub(crate) use self::overview::Overview;
pub(crate) use self::owed::OwedEffect;
pub(crate) use self::payout::{Payout, Proof};
pub(crate) use self::probes::{
    AttemptLog, Counted, Downloads, Fairness, Maintenance, Versions, advice, plain, probed_in, title,
};
pub(crate) use self::regions::Regions;
pub(crate) use self::rules::RulesView;
pub(crate) use self::rules_diff::DiffView;
pub(crate) use self::simulate::Simulation;
pub(crate) use self::stage::{Stage, TripleQuery};
pub(crate) use self::timeline::Timeline;
pub(crate) use self::verify::Verify;

/// Whether the network has pages of its own: that of a package has none.
fn is_indexed(stage: &Stage) -> bool {
    matches!(stage.ground(), Some(crate::competitions::Ground::Index { .. }))
}

/// Every page of a competition.
pub(super) fn pages() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/c/{competition}", get(overview::show)),
        ("/c/{competition}/board", get(board::first)),
        ("/c/{competition}/board/{board}", get(board::show)),
        ("/c/{competition}/claim", get(claim::show).post(claim::submit)),
        ("/c/{competition}/decisions", get(decisions::show)),
        ("/c/{competition}/decisions/{seq}", get(decision::show)),
        ("/c/{competition}/e/{entity}", get(entity::show)),
        ("/c/{competition}/evidence.car", get(probes::car)),
        ("/c/{competition}/evidence.ndjson", get(probes::lines)),
        ("/c/{competition}/m/{miner}", get(entity::miner)),
        ("/c/{competition}/m/{miner}/attempts", get(probes::log)),
        ("/c/{competition}/package", get(package::show)),
        ("/c/{competition}/payout", get(payout::show)),
        ("/c/{competition}/payout/{entity}", get(payout::prove)),
        ("/c/{competition}/maintenance", get(probes::maintenance).post(probes::declare)),
        ("/c/{competition}/probes", get(probes::fairness)),
        ("/c/{competition}/probes/versions", get(probes::versions)),
        ("/c/{competition}/regions", get(regions::show)),
        ("/c/{competition}/rules", get(rules::show)),
        ("/c/{competition}/rules/{version}", get(rules::versions)),
        ("/c/{competition}/simulate", get(simulate::show)),
        ("/c/{competition}/timeline", get(timeline::show)),
        ("/c/{competition}/verify", get(verify::show)),
    ]
}
