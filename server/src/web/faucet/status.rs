use apogee_domain::{Atto, NetworkId, NetworkKind};
use apogee_store::PaymentState;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::told::{self, Row, Told, money};
use super::undecided;
use crate::faucets::{Drip, band, latest, median};
use crate::nodes::NodeNow;
use crate::web::ask::{Ask, Language};
use crate::web::figure::grouped;
use crate::web::time::span;
use crate::web::view::View;
use crate::web::{App, Problem};

/// How a faucet does, and the node behind it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FaucetStatus)]
pub(crate) struct Status {
    network: String,
    faucet: String,
    /// Whether it grants anything.
    open: bool,
    /// Why not, in its operator's words.
    reason: Option<String>,
    /// How much its wallet has left: `ample`, `low`, `empty`, or `unknown`.
    band: &'static str,
    /// A grant, in the 10⁻¹⁸ of a coin.
    amount: String,
    /// The wallet's address; `null` before it is booked.
    wallet: Option<String>,
    /// Payments that wait for a nonce.
    queue: u64,
    /// Seconds from a request to the chain, in the middle of the newest ones that are on it.
    median_seconds: Option<i64>,
    /// The newest indexed epoch or layer.
    indexed: Option<i64>,
    /// How the node does that is asked, as it says itself; `null` where none is asked.
    node: Option<NodeNow>,
    #[serde(skip)]
    kind: NetworkKind,
    #[serde(skip)]
    atto: Atto,
}

impl Status {
    pub(super) async fn read(
        app: &App,
        (network, name): (&NetworkId, &str),
        drip: &Drip,
    ) -> Result<Self, Problem> {
        let node = async {
            match app.nodes.of(network) {
                Some(node) => Some(node.now().await),
                None => None,
            }
        };
        let (standing, node) = tokio::join!(drip.desk.standing(), node);
        let standing = standing.map_err(undecided)?;
        let policy = drip.desk.policy();
        let counts = app.store.open_counts(network, &drip.wallet).await?;
        let waiting = counts.iter().find(|(state, _)| *state == PaymentState::Accepted);
        let wallet = app.store.wallet(network, &drip.wallet).await?;
        let cursor = app.store.cursor(network).await?;
        Ok(Self {
            network: network.to_string(),
            faucet: name.to_owned(),
            open: standing.paused.is_none(),
            reason: standing.paused.filter(|reason| !reason.is_empty()),
            band: band(Some(policy), standing.funds),
            amount: policy.amount.atto.to_string(),
            wallet: wallet.map(|wallet| wallet.address),
            queue: waiting.map_or(0, |(_, count)| count.payments),
            median_seconds: median(&latest(&*app.store, network, name).await?),
            indexed: cursor.map(|cursor| cursor.epoch.height()),
            node,
            kind: app.kind(network),
            atto: policy.amount.atto,
        })
    }
}

impl Told for Status {
    fn title(&self) -> &'static str {
        "lookup-status"
    }

    fn network(&self) -> &str {
        &self.network
    }

    fn rows(&self, language: Language) -> Vec<Row> {
        let state = language.t(if self.open { "faucet-open" } else { "faucet-paused" });
        let state = match &self.reason {
            Some(reason) => format!("{state}: {}", told::words(reason)),
            None => state,
        };
        let mut rows = vec![
            Row::words(language, "faucet-state", state),
            Row::words(language, "faucet-grant", money(self.kind, self.atto)),
            Row::words(language, "faucet-wallet", language.name("faucet-band", self.band)),
        ];
        rows.extend(self.wallet.as_ref().map(|wallet| Row::code(language, "lookup-address", wallet)));
        rows.push(Row::words(language, "faucet-queue", grouped(self.queue)));
        let median = self.median_seconds.map(|seconds| span(language, seconds));
        rows.extend(median.map(|median| Row::words(language, "faucet-median", median)));
        let indexed = self.indexed.map(grouped);
        rows.extend(indexed.map(|indexed| Row::words(language, "lookup-indexed", indexed)));
        rows.extend(self.node.iter().flat_map(|node| told::node(node, language)));
        rows
    }
}

impl View for Status {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        told::page(self, ask)
    }
}

/// `GET /faucet/{network}/status`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
) -> Result<Response, Problem> {
    let (id, name, drip) = app.faucet(&network)?;
    ask.answer(&Status::read(&app, (&id, &name), &drip).await?)
}
