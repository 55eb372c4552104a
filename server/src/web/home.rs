use apogee_domain::{Epoch, NetworkId};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::App;
use super::ask::Ask;
use super::problem::Problem;
use super::view::View;

#[derive(Serialize)]
struct Home {
    networks: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: NetworkId,
    head: Option<Epoch>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'a> {
    ask: &'a Ask,
    view: &'a Home,
}

impl View for Home {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { ask, view: self }.render()
    }
}

/// `GET /`
pub(super) async fn show(State(app): State<App>, ask: Ask) -> Result<Response, Problem> {
    let row = |now: &std::sync::Arc<super::NetworkNow>| Row {
        id: now.network.id.clone(),
        head: now.cursor.as_ref().map(|cursor| cursor.epoch),
    };
    let networks = app.now.load().networks.iter().map(row).collect();
    ask.answer(&Home { networks })
}
