use apogee_faucet::policy::Coin;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::figure::grouped;
use super::problem::Problem;
use super::query::{Asked, Nothing};
use super::time::span;
use super::view::View;
use crate::faucets::FaucetNow;

/// How every faucet does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Faucets {
    faucets: Vec<FaucetNow>,
}

/// `GET /faucets`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    ask.answer(&Faucets { faucets: app.now.load().faucets.faucets.clone() })
}

#[derive(Template)]
#[template(path = "faucets.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Faucets,
}

impl View for Faucets {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Status), view: self }.render()
    }
}

/// Money as people write it.
fn money(coin: Coin, atto: &str) -> String {
    atto.parse().map_or_else(|_| atto.to_owned(), |atto| coin.money(atto).to_string())
}

impl Page<'_> {
    fn median(&self, faucet: &FaucetNow) -> String {
        faucet.median_seconds.map_or_else(|| "–".to_owned(), |seconds| span(self.c.language(), seconds))
    }

    fn amount(&self, faucet: &FaucetNow) -> Option<String> {
        faucet.amount.as_deref().map(|amount| money(faucet.coin, amount))
    }

    fn grants(&self, faucet: &FaucetNow) -> String {
        of(grouped(faucet.grants_today), faucet.grants_per_day.map(grouped))
    }

    fn money(&self, faucet: &FaucetNow) -> String {
        let written = |amount: &str| money(faucet.coin, amount);
        of(written(&faucet.amount_today), faucet.amount_per_day.as_deref().map(written))
    }

    fn queued(&self, faucet: &FaucetNow) -> String {
        grouped(faucet.queue)
    }
}

fn of(part: String, whole: Option<String>) -> String {
    whole.map_or(part.clone(), |whole| format!("{part} / {whole}"))
}
