use askama::Template;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::problem::{Explained, KINDS, Problem};
use super::view::View;

/// Kinds of problems: what the `type` of an answer that went wrong leads to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problems {
    problems: Vec<Explained>,
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Problems,
}

impl View for Problems {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `GET /problems`
pub(super) async fn all(ask: Ask) -> Result<Response, Problem> {
    ask.answer(&Problems { problems: KINDS.iter().map(|kind| Explained::new(kind, ask.language)).collect() })
}
