//! Pages of a competition: one file a page, all made from a [`Stage`].

mod claim;
mod listed;
mod meta;
mod overview;
mod stage;

use axum::routing::{MethodRouter, get};

use super::App;

pub(crate) use self::claim::Claim;
pub(crate) use self::listed::Listed;
pub(crate) use self::meta::Meta;
pub(crate) use self::overview::Overview;
pub(crate) use self::stage::{Stage, TripleQuery};

/// Every page of a competition.
pub(super) fn pages() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/c/{competition}", get(overview::show)),
        ("/c/{competition}/claim", get(claim::show).post(claim::submit)),
    ]
}
