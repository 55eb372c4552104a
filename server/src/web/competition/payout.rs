//! What a competition pays: if it ended now, and in the end.

mod page;
mod progress;
mod proof;

use std::collections::BTreeMap;

use apogee_competition::Act;
use apogee_domain::{Digest, Epoch};
use apogee_package::payout::{AuditTree, StandardTree};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::page::Page;
use self::progress::Prize;
use super::measured::coin_of;
use super::pools::{PoolView, pools};
use super::{Meta, Stage, TripleQuery};
use crate::competitions::{Missing, Payments, Stood, payments};
use crate::web::ask::{Ask, Form};
use crate::web::figure::Coin;
use crate::web::query::{Asked, Questions, Why, number};
use crate::web::view::{Csv, View};
use crate::web::{App, Problem};

pub(crate) use self::proof::Proof;
pub(super) use self::proof::show as prove;

/// Rows of one page.
const ROWS: usize = 50;
/// Most rows of one JSON answer.
const MOST: usize = 500;

/// How payouts are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayoutQuery {
    triple: TripleQuery,
    page: Option<usize>,
    limit: Option<usize>,
}

impl Questions for PayoutQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "page" => self.page = Some(number(value)?),
            "limit" => self.limit = Some(number(value)?),
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// What a competition pays.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionPayout)]
pub(crate) struct Payout {
    meta: Meta,
    /// Whether the competition is over; before that it is what would be paid if it ended now.
    over: bool,
    /// Which version of final standings this is, from 1 on; `null` for others.
    version: Option<usize>,
    /// Sum of all rows, in atto: shares and awards.
    total: String,
    /// Sum of what pools hold and of awards, in atto.
    amount: String,
    /// What nobody gets, in atto: `amount - total`.
    undistributed: String,
    /// Awards beside all pools, in atto.
    awards: String,
    pools: Vec<PoolView>,
    /// Entities that are paid.
    entities: usize,
    first: usize,
    /// The next page of the same standings.
    next: Option<String>,
    /// The largest amount first.
    rows: Vec<Row>,
    /// Root of the tree over the rows with their addresses (RFC 9162); `null` where an address is not known.
    #[schema(value_type = Option<String>)]
    audit_root: Option<Digest>,
    /// Root of the tree `standard-v1` of `OpenZeppelin`; `null` where an address has no Ethereum form.
    standard_root: Option<String>,
    /// The payout that was approved last.
    approved: Option<Approved>,
    /// Payments that the ledger records.
    payments: Vec<Paid>,
    /// Their sum, in atto.
    paid: String,
    #[serde(skip)]
    sums: Sums,
    #[serde(skip)]
    coin: Coin,
    #[serde(skip)]
    page: usize,
    #[serde(skip)]
    limit: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    total: u128,
    amount: u128,
    awards: u128,
    paid: u128,
    /// What pools hold is what is paid of them and what is not.
    conserved: bool,
}

/// What an entity is paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutRow)]
struct Row {
    entity: String,
    name: String,
    /// In atto.
    amount: String,
    /// Where it is paid, once results are final and it is shown.
    address: Option<String>,
    /// How far its prize is, once a payout is approved: `owed`, `waiting`, `on-chain`, `final`, `proposed` (to a multisig), `failed`, `taken-back`, `elsewhere` (paid by other
    /// means), or `unknown`: something was paid by other means, and the ledger does not say to whom.
    status: Option<&'static str>,
    /// What the ledger records for it beyond what the treasury paid, in atto.
    elsewhere: Option<String>,
    /// Payments of it that a wallet was given.
    payments: Vec<Prize>,
    #[serde(skip)]
    atto: u128,
}

/// An approved payout.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutApproved)]
struct Approved {
    seq: u64,
    #[schema(value_type = String)]
    root: Digest,
    /// In atto.
    total: String,
    approvers: Vec<String>,
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: String,
    #[serde(skip)]
    atto: u128,
}

/// Payments that were made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutPaid)]
struct Paid {
    seq: u64,
    amount: String,
    transactions: Vec<String>,
    time: String,
    #[serde(skip)]
    atto: u128,
}

/// `GET /c/{competition}/payout`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<PayoutQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    let mut payout = Payout::of(&stage, &query, ask.form)?;
    payout.follow(&app, &stage).await?;
    ask.answer(&payout)
}

/// The list that is paid, where every address is known.
fn list(stage: &Stage, stood: &Stood) -> Option<Payments> {
    let last = stage.competition.finals().last()?;
    let is_final = stage.meta.snapshot == Some(last.pin.root);
    let (nothing, network) = (BTreeMap::new(), stage.ground().and_then(|ground| ground.network()));
    let made = payments(stood, &stage.competition, &nothing, Missing::Refused, network);
    made.ok().filter(|_| is_final)
}

impl Payout {
    fn of(stage: &Stage, query: &PayoutQuery, form: Form) -> Result<Self, Problem> {
        let stood = stage.standing()?;
        let standings = &stood.standings;
        let pools = pools(stage, stood, |_, _| true);
        let held: u128 = standings.pools.iter().map(|pool| pool.amount.0).fold(0, u128::saturating_add);
        let shares = standings.pools.iter().flat_map(|pool| &pool.shares);
        let shares = shares.map(|share| share.amount.0).fold(0, u128::saturating_add);
        let left = standings.pools.iter().map(|pool| pool.undistributed.0).fold(0, u128::saturating_add);
        let total = standings.payouts.iter().map(|payout| payout.total.0).fold(0, u128::saturating_add);
        let awards = total.saturating_sub(shares);
        let conserved = shares.checked_add(left) == Some(held);
        let mut order: Vec<_> = standings.payouts.iter().collect();
        order.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.entity.cmp(&b.entity)));
        let entities = order.len();
        let limit =
            if form == Form::Csv { entities.max(1) } else { query.limit.unwrap_or(ROWS).clamp(1, MOST) };
        let page = query.page.unwrap_or(1).max(1);
        let skipped = limit.saturating_mul(page - 1);
        let row = |payout: &apogee_leaderboard::Payout| {
            let entity = standings.entity(payout.entity.as_str());
            let competitor = stage.competition.entities().get(&payout.entity);
            Row {
                entity: payout.entity.to_string(),
                name: entity.map(|row| row.name().to_owned()).unwrap_or_default(),
                amount: payout.total.to_string(),
                address: competitor.and_then(|competitor| competitor.address.clone()),
                status: None,
                elsewhere: None,
                payments: Vec::new(),
                atto: payout.total.0,
            }
        };
        let list = list(stage, stood);
        let standard = list.as_ref().and_then(|list| StandardTree::new(&list.list).ok());
        let finals = stage.competition.finals();
        let version = finals.iter().position(|last| stage.meta.snapshot == Some(last.pin.root));
        let paid = paid(stage);
        let sum = paid.iter().map(|paid| paid.atto).fold(0, u128::saturating_add);
        let next = (skipped.saturating_add(limit) < entities).then(|| {
            let meta = &stage.meta;
            let pinned = if meta.asked.is_empty() {
                format!("at=e:{}&seq={}", meta.chain.epoch, meta.seq)
            } else {
                meta.asked.clone()
            };
            format!("/c/{}/payout.json?page={}&limit={limit}&{pinned}", meta.competition, page + 1)
        });
        Ok(Self {
            meta: stage.meta.clone(),
            over: standings.scope.over,
            version: version.map(|version| version + 1),
            total: total.to_string(),
            amount: held.saturating_add(awards).to_string(),
            undistributed: left.to_string(),
            awards: awards.to_string(),
            pools,
            entities,
            first: skipped.saturating_add(1).min(entities),
            next,
            rows: order.into_iter().skip(skipped).take(limit).map(row).collect(),
            audit_root: list.as_ref().map(|list| list.root),
            standard_root: standard.map(|tree| Digest(tree.root())).map(|root| format!("0x{root}")),
            approved: approved(stage),
            payments: paid,
            paid: sum.to_string(),
            sums: Sums { total, amount: held.saturating_add(awards), awards, paid: sum, conserved },
            coin: coin_of(stage),
            page,
            limit,
        })
    }
}

/// The payout that was approved last, and by whom.
fn approved(stage: &Stage) -> Option<Approved> {
    let (payout, _) = stage.competition.payout()?;
    let mut entries = stage.now.held.entries().iter();
    let entry = &entries.find(|signed| signed.entry.seq == payout.seq)?.entry;
    Some(Approved {
        seq: payout.seq,
        root: payout.root,
        total: payout.total.to_string(),
        approvers: entry.approvers.iter().map(ToString::to_string).collect(),
        epoch: entry.epoch,
        time: entry.time.to_string(),
        atto: payout.total.0,
    })
}

fn paid(stage: &Stage) -> Vec<Paid> {
    let last = stage.competition.seq();
    let entries = stage.now.held.entries().iter().take_while(|signed| signed.entry.seq <= last);
    let payment = |signed: &std::sync::Arc<apogee_competition::Signed>| match &signed.entry.act {
        Act::Pay { amount, transactions, .. } => Some(Paid {
            seq: signed.entry.seq,
            amount: amount.to_string(),
            transactions: transactions.clone(),
            time: signed.entry.time.to_string(),
            atto: amount.0,
        }),
        _ => None,
    };
    entries.filter_map(payment).collect()
}

/// The audit tree of a list.
fn audit(list: &Payments) -> AuditTree {
    AuditTree::new(&list.list)
}

impl View for Payout {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "entity",
            "name",
            "atto",
            "fil",
            "address",
            "status",
            "elsewhere",
            "payments",
            "messages",
        ]);
        for row in &self.rows {
            let fil = apogee_package::payout::fil(apogee_domain::Atto(row.atto));
            let address = row.address.as_deref().unwrap_or_default();
            let payments: Vec<_> = row.payments.iter().map(Prize::name).collect();
            let messages: Vec<_> = row.payments.iter().filter_map(Prize::message).collect();
            csv.row(&[
                &row.entity,
                &row.name,
                &row.amount,
                &fil,
                address,
                row.status.unwrap_or_default(),
                row.elsewhere.as_deref().unwrap_or_default(),
                &payments.join(" "),
                &messages.join(" "),
            ]);
        }
        Some(csv)
    }
}
