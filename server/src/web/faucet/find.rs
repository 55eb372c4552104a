use apogee_chat::Command;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::unreadable;
use crate::web::ask::Ask;
use crate::web::query::{Asked, Questions, Why};
use crate::web::{App, Problem};

/// `?q=stest1…`
#[derive(Debug, Default)]
pub(in crate::web) struct Sought(String);

impl Questions for Sought {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if name != "q" {
            return Err(Why::Name);
        }
        value.clone_into(&mut self.0);
        Ok(())
    }
}

/// `GET /faucet/{network}/find`: to the page of what was typed.
pub(in crate::web) async fn lead(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
    Asked(Sought(text)): Asked<Sought>,
) -> Result<Response, Problem> {
    let network = app.looked_at(&network)?;
    let place = match Command::read(&text).map(Command::looking).map_err(unreadable)? {
        Command::Balance(address) | Command::Tap(address) => format!("balance/{address}"),
        Command::Transaction(id) => format!("tx/{id}"),
        Command::Status => "status".to_owned(),
        Command::Help => return Err(unreadable(text)),
    };
    Ok(Redirect::to(&ask.to(&format!("/faucet/{network}/{place}"))).into_response())
}
