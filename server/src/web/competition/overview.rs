use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Meta, Stage, TripleQuery};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::query::Asked;
use crate::web::view::View;
use crate::web::{App, Problem};

/// A competition at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionOverview)]
pub(crate) struct Overview {
    meta: Meta,
    entities: usize,
}

/// `GET /c/{competition}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    ask.answer(&Overview::of(&stage))
}

impl Overview {
    fn of(stage: &Stage) -> Self {
        let entities = stage.stood().map_or(0, |stood| stood.standings.entities.len());
        Self { meta: stage.meta.clone(), entities }
    }
}

#[derive(Template)]
#[template(path = "competition/overview.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Overview,
}

impl View for Overview {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Overview), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }
}
