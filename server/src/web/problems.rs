use askama::Template;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::problem::{KINDS, Kind, Problem};
use super::view::View;

/// Kinds of problems: what the `type` of an answer that went wrong leads to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problems {
    problems: Vec<Entry>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// The address that answers give as `type`.
    r#type: String,
    /// HTTP status.
    status: u16,
    title: &'static str,
    /// What it means and what to do.
    advice: &'static str,
    #[serde(skip)]
    name: &'static str,
}

impl From<&Kind> for Entry {
    fn from(kind: &Kind) -> Self {
        Self {
            r#type: format!("/problems/{}", kind.name),
            status: kind.status.as_u16(),
            title: kind.title,
            advice: kind.advice,
            name: kind.name,
        }
    }
}

impl Entry {
    fn title_key(&self) -> String {
        format!("problem-{}", self.name)
    }

    fn advice_key(&self) -> String {
        format!("problem-{}-advice", self.name)
    }
}

#[derive(Template)]
#[template(path = "problems.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Problems,
}

impl View for Problems {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome { ask, meta: None, section: Section::Elsewhere }, view: self }.render()
    }
}

/// `GET /problems`
pub(super) async fn all(ask: Ask) -> Result<Response, Problem> {
    ask.answer(&Problems { problems: KINDS.iter().map(Into::into).collect() })
}
