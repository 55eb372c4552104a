use apogee_domain::{Epoch, NetworkId};
use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::App;
use super::problem::Problem;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    networks: Vec<Row>,
}

struct Row {
    id: NetworkId,
    head: Option<Epoch>,
}

/// `GET /`
pub(super) async fn show(State(app): State<App>) -> Result<Html<String>, Problem> {
    let mut networks = Vec::new();
    for network in app.store.networks().await? {
        let head = app.store.cursor(&network.id).await?.map(|cursor| cursor.epoch);
        networks.push(Row { id: network.id, head });
    }
    Ok(Html(Home { networks }.render()?))
}
