//! That an entity is paid so much, as anybody can check with a few lines.

use apogee_leaderboard::merkle::Tree;
use apogee_package::payout::{Inclusion, StandardTree};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{audit, list};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::measured::coin_of;
use crate::web::competition::pools::money;
use crate::web::competition::{Meta, TripleQuery};
use crate::web::figure::Coin;
use crate::web::query::Asked;
use crate::web::view::View;
use crate::web::{App, Problem, schema};

/// What an entity is paid, and that it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutProof)]
pub(crate) struct Proof {
    meta: Meta,
    entity: String,
    name: String,
    /// In atto.
    amount: String,
    /// That its payout is a leaf of the standings; `null` where it is paid nothing.
    #[schema(value_type = Option<schema::Inclusion>)]
    proof: Option<Inclusion>,
    /// That its payment is a leaf of the approved list; `null` until every address is known.
    #[schema(value_type = Option<schema::Inclusion>)]
    audit: Option<Inclusion>,
    /// Its proof in the tree `standard-v1` of `OpenZeppelin`, from its neighbour up; `null` where an address has no Ethereum form.
    standard: Option<Vec<String>>,
    #[serde(skip)]
    atto: u128,
    #[serde(skip)]
    coin: Coin,
}

/// `GET /c/{competition}/payout/{entity}`
pub(in crate::web::competition) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((competition, entity)): Path<(String, String)>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let stood = stage.standing()?;
    let unknown = || Problem::UnknownEntity { entity: entity.clone(), at: stage.meta.chain.epoch };
    let standings = &stood.standings;
    let row = standings.entity(&entity).ok_or_else(unknown)?;
    let place = standings.payouts.binary_search_by(|payout| payout.entity.cmp(&row.id)).ok();
    let payout = place.and_then(|place| Some((place, standings.payouts.get(place)?)));
    let mut proof = None;
    if let Some((place, payout)) = payout {
        let impossible = |problem: apogee_rules::Problem| Problem::Broken(problem.to_string().into());
        let tree = Tree::new(standings.leaves().map_err(impossible)?);
        // Payouts are the last leaves.
        let index = tree.size().saturating_sub(standings.payouts.len()).saturating_add(place);
        // Payouts write themselves in canonical JSON.
        let row = serde_json::to_string(payout)?;
        let (size, root) = (tree.size() as u64, tree.root());
        proof = tree.proof(index).map(|path| Inclusion { row, index: index as u64, size, path, root });
    }
    let list = list(&stage, stood);
    let standard = list.as_ref().and_then(|list| {
        let tree = StandardTree::new(&list.list).ok()?;
        let place = list.list.payments().binary_search_by(|payment| payment.entity.cmp(&row.id)).ok()?;
        let path = tree.proof(place)?;
        Some(path.into_iter().map(|hash| format!("0x{}", apogee_domain::Digest(hash))).collect())
    });
    let atto = payout.map_or(0, |(_, payout)| payout.total.0);
    ask.answer(&Proof {
        entity: row.id.to_string(),
        name: row.name().to_owned(),
        amount: atto.to_string(),
        proof,
        audit: list.as_ref().and_then(|list| audit(list).inclusion(&list.list, row.id.as_str())),
        standard,
        atto,
        coin: coin_of(&stage),
        meta: stage.meta,
    })
}

#[derive(Template)]
#[template(path = "competition/proof.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Proof,
}

impl Page<'_> {
    fn amount(&self) -> String {
        money(self.view.coin, self.view.atto)
    }

    fn entity(&self) -> String {
        self.c.at_stage(&format!("e/{}", self.view.entity))
    }

    fn json_path(&self) -> String {
        self.c.json()
    }
}

impl View for Proof {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Payout), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }
}
