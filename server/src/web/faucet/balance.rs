use apogee_chat::AddressText;
use apogee_domain::{Atto, NetworkId, NetworkKind};
use apogee_faucet::account_of;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::told::{self, Row, Told, money};
use super::{SMIDGE, silent, unreadable};
use crate::faucets::Drip;
use crate::nodes::{Node, NodeNow};
use crate::web::ask::{Ask, Language};
use crate::web::figure::grouped;
use crate::web::view::View;
use crate::web::{App, Problem};

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    network: String,
    /// As it was asked for.
    address: String,
    /// Whether it has ever been paid; `null` where that is not told.
    exists: Option<bool>,
    /// What it has.
    balance: String,
    /// What it will have once what waits at the node is executed; `null` where that is not told.
    projected: Option<String>,
    /// In what amounts are counted: `smidge` or `attoFIL`.
    unit: &'static str,
    /// The nonce of its next transaction, with those that wait; `null` where that is not told.
    next_nonce: Option<u64>,
    /// The layer in which it last changed, or the epoch by whose state it is told.
    at: Option<i64>,
    /// The node that says so; `null` where it was read from the indexed state.
    node: Option<NodeNow>,
    #[serde(skip)]
    kind: NetworkKind,
    #[serde(skip)]
    atto: Atto,
}

impl Balance {
    pub(super) async fn read(app: &App, network: &NetworkId, address: &AddressText) -> Result<Self, Problem> {
        match app.nodes.of(network) {
            Some(node) => Self::told(node, network, address).await,
            None => Self::indexed(app, network, &app.faucet(network.as_str())?.2, address).await,
        }
    }

    /// By a node of Spacemesh.
    async fn told(node: &Node, network: &NetworkId, text: &AddressText) -> Result<Self, Problem> {
        let address =
            account_of(text.as_str(), node.prefix).map_err(|error| super::undecided(error.into()))?;
        let (now, account) = node.account(&address).await.map_err(|error| silent(&error))?;
        let current = account.map(|account| account.current).unwrap_or_default();
        let projected = account.map(|account| account.projected).unwrap_or_default();
        Ok(Self {
            network: network.to_string(),
            address: text.to_string(),
            exists: Some(account.is_some()),
            balance: current.balance.to_string(),
            projected: Some(projected.balance.to_string()),
            unit: "smidge",
            next_nonce: Some(projected.next_nonce),
            at: account.map(|account| account.current.layer.0.into()),
            node: Some(now),
            kind: NetworkKind::Spacemesh,
            atto: Atto(u128::from(current.balance).saturating_mul(SMIDGE)),
        })
    }

    /// In the newest indexed state of Filecoin.
    async fn indexed(
        app: &App,
        network: &NetworkId,
        drip: &Drip,
        text: &AddressText,
    ) -> Result<Self, Problem> {
        let address = drip.desk.recipient(text.as_str()).map_err(super::undecided)?;
        let recipient = drip.recipient(&address).await.map_err(super::unresolved)?;
        let cursor = app.store.cursor(network).await?;
        Ok(Self {
            network: network.to_string(),
            address: text.to_string(),
            exists: None,
            balance: recipient.balance.to_string(),
            projected: None,
            unit: "attoFIL",
            next_nonce: None,
            at: cursor.map(|cursor| cursor.epoch.height()),
            node: None,
            kind: NetworkKind::Filecoin,
            atto: recipient.balance,
        })
    }
}

impl Told for Balance {
    fn title(&self) -> &'static str {
        "lookup-balance"
    }

    fn network(&self) -> &str {
        &self.network
    }

    fn rows(&self, language: Language) -> Vec<Row> {
        let mut rows = vec![
            Row::code(language, "lookup-address", &self.address),
            Row::words(language, "lookup-has", money(self.kind, self.atto)),
        ];
        if self.exists == Some(false) {
            rows.push(Row::words(language, "lookup-state", language.t("lookup-never-paid")));
        }
        if let Some(projected) = self.projected.as_ref().filter(|projected| **projected != self.balance) {
            let text = format!("{} {}", grouped(projected), self.unit);
            rows.push(Row::words(language, "lookup-projected", text));
        }
        rows.extend(self.next_nonce.map(|nonce| Row::words(language, "grant-nonce", grouped(nonce))));
        rows.extend(self.at.map(|at| {
            let label = match self.kind {
                NetworkKind::Filecoin => "lookup-indexed",
                NetworkKind::Spacemesh => "lookup-changed",
            };
            Row::words(language, label, grouped(at))
        }));
        rows.extend(self.node.iter().flat_map(|node| told::node(node, language)));
        rows
    }
}

impl View for Balance {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        told::page(self, ask)
    }
}

/// `GET /faucet/{network}/balance/{address}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, address)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let network = app.looked_at(&network)?;
    let address = AddressText::read(&address).map_err(unreadable)?;
    ask.answer(&Balance::read(&app, &network, &address).await?)
}
