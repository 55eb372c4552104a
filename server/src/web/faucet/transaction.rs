use apogee_chat::TransactionName;
use apogee_domain::{Atto, NetworkId, NetworkKind};
use apogee_spacemesh::id::TransactionId;
use apogee_spacemesh_gateway::{Transaction as Known, TransactionState};
use apogee_store::Transfer;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::told::{self, Row, Told, money};
use super::{SMIDGE, silent, unreadable};
use crate::nodes::NodeNow;
use crate::web::ask::{Ask, Language};
use crate::web::figure::grouped;
use crate::web::problem::LOOKUP_ELSEWHERE;
use crate::web::view::View;
use crate::web::{App, Problem};

/// What became of a transaction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Transaction {
    network: String,
    id: String,
    /// `unknown`; `pending`; `executed`; `failed`: executed, and it did nothing but pay its fee; `dropped`: it will not be executed as things stand.
    state: &'static str,
    /// The node's word for that: `mempool`, `mesh`, `conflicting`, …; `null` where no node says anything.
    word: Option<&'static str>,
    /// The layer or epoch in which it was executed.
    at: Option<i64>,
    /// Whether that can no longer change, by what is indexed here; `null` where it was not executed, or nothing is indexed.
    r#final: Option<bool>,
    /// Why it failed, in the node's words.
    message: Option<String>,
    /// Its exit code, where the chain has such.
    exit_code: Option<u32>,
    /// What it paid for being executed.
    fee: Option<String>,
    /// In what the fee is counted: `smidge` or `attoFIL`.
    unit: &'static str,
    /// Whether a wallet of this service has signed it.
    ours: bool,
    /// The grant that it was signed for: its page is `/faucet/{network}/g/{grant}`.
    grant: Option<String>,
    /// The node that was asked; `null` where it is told by the books.
    node: Option<NodeNow>,
    #[serde(skip)]
    kind: NetworkKind,
    #[serde(skip)]
    cost: Option<Atto>,
}

impl Transaction {
    pub(super) async fn read(
        app: &App,
        network: &NetworkId,
        name: &TransactionName,
    ) -> Result<Self, Problem> {
        let ours = app.store.transfer_of(network, name.as_str()).await?.map(|(transfer, _)| transfer);
        let found = Self::unknown(app, network, name, ours.as_ref());
        let Some(node) = app.nodes.of(network) else {
            return match &ours {
                Some(ours) => Ok(found.by_the_books(ours)),
                None => Err(Problem::Faucet(LOOKUP_ELSEWHERE, "lookup-not-ours")),
            };
        };
        let Ok(id) = name.as_str().parse::<TransactionId>() else { return Err(unreadable(name)) };
        let (now, known) = node.transaction(&id).await.map_err(|error| silent(&error))?;
        let found = Self { node: Some(now), ..found };
        Ok(match (known, &ours) {
            (Some(known), _) => found.by_the_node(app, network, &known).await?,
            (None, Some(ours)) => found.by_the_books(ours),
            (None, None) => found,
        })
    }

    fn unknown(app: &App, network: &NetworkId, name: &TransactionName, ours: Option<&Transfer>) -> Self {
        let kind = app.kind(network);
        let grant = ours.and_then(|ours| ours.payment.strip_prefix("grant/"));
        Self {
            network: network.to_string(),
            id: name.to_string(),
            state: "unknown",
            word: None,
            at: None,
            r#final: None,
            message: None,
            exit_code: None,
            fee: None,
            unit: match kind {
                NetworkKind::Filecoin => "attoFIL",
                NetworkKind::Spacemesh => "smidge",
            },
            ours: ours.is_some(),
            grant: grant.map(str::to_owned),
            node: None,
            kind,
            cost: None,
        }
    }

    /// As a node knows it. That it was executed is the node's word; what is final is known from the index.
    async fn by_the_node(self, app: &App, network: &NetworkId, known: &Known) -> Result<Self, Problem> {
        let word = word(known.state);
        let Some(result) = &known.result else {
            let lost = matches!(known.state, TransactionState::Rejected | TransactionState::Ineffectual);
            return Ok(Self { state: if lost { "dropped" } else { "pending" }, word: Some(word), ..self });
        };
        let at = i64::from(result.layer.0);
        let cursor = app.store.cursor(network).await?;
        let is_final = |last: apogee_domain::Epoch| at <= last.height();
        let message = Some(told::words(&result.message())).filter(|words| !words.is_empty());
        Ok(Self {
            state: if result.succeeded { "executed" } else { "failed" },
            word: Some(word),
            at: Some(at),
            r#final: cursor.map(|cursor| cursor.final_epoch.is_some_and(is_final)),
            message: message.filter(|_| !result.succeeded),
            fee: Some(result.fee.to_string()),
            cost: Some(Atto(u128::from(result.fee).saturating_mul(SMIDGE))),
            ..self
        })
    }

    /// As the books have it: what the treasury has read of the chain, from blocks that were checked.
    fn by_the_books(self, ours: &Transfer) -> Self {
        let (settled, included) = (ours.state.is_final(), ours.included.as_ref());
        let Some(included) = included.filter(|included| included.message == self.id) else {
            // Another message has its nonce, or none has and it waits.
            let lost = settled || included.is_some();
            return Self { state: if lost { "dropped" } else { "pending" }, ..self };
        };
        let fee = match self.kind {
            NetworkKind::Filecoin => included.cost.0,
            NetworkKind::Spacemesh => included.cost.0 / SMIDGE,
        };
        Self {
            state: if included.exit_code == 0 { "executed" } else { "failed" },
            at: Some(included.epoch.height()),
            r#final: Some(settled),
            exit_code: Some(included.exit_code),
            fee: Some(fee.to_string()),
            cost: Some(included.cost),
            ..self
        }
    }
}

const fn word(state: TransactionState) -> &'static str {
    match state {
        TransactionState::Unspecified => "unspecified",
        TransactionState::Rejected => "rejected",
        TransactionState::InsufficientFunds => "insufficient-funds",
        TransactionState::Conflicting => "conflicting",
        TransactionState::Mempool => "mempool",
        TransactionState::Mesh => "mesh",
        TransactionState::Processed => "processed",
        TransactionState::Ineffectual => "ineffectual",
    }
}

impl Told for Transaction {
    fn title(&self) -> &'static str {
        "lookup-transaction"
    }

    fn network(&self) -> &str {
        &self.network
    }

    fn rows(&self, language: Language) -> Vec<Row> {
        let mut state = language.name("lookup-tx", self.state);
        if let Some(word) = self.word.filter(|_| self.at.is_none()) {
            state = format!("{state}: {}", language.name("lookup-word", word));
        }
        let mut rows =
            vec![Row::code(language, "lookup-id", &self.id), Row::words(language, "lookup-state", state)];
        rows.extend(self.at.map(|at| {
            let label = match self.kind {
                NetworkKind::Filecoin => "grant-epoch",
                NetworkKind::Spacemesh => "lookup-layer",
            };
            Row::words(language, label, grouped(at))
        }));
        let finality = |is_final| language.t(if is_final { "lookup-final" } else { "lookup-not-final" });
        rows.extend(self.r#final.map(|it| Row::words(language, "lookup-finality", finality(it))));
        let message = self.message.clone();
        rows.extend(message.map(|message| Row::words(language, "lookup-message", message)));
        let code = self.exit_code.filter(|code| *code != 0);
        rows.extend(code.map(|code| Row::words(language, "lookup-exit", code.to_string())));
        rows.extend(self.cost.map(|cost| Row::words(language, "lookup-fee", money(self.kind, cost))));
        if self.ours {
            rows.push(Row::words(language, "lookup-ours", language.t("lookup-yes")));
        }
        rows.extend(self.node.iter().flat_map(|node| told::node(node, language)));
        rows
    }

    fn grant(&self) -> Option<&str> {
        self.grant.as_deref()
    }
}

impl View for Transaction {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        told::page(self, ask)
    }
}

/// `GET /faucet/{network}/tx/{id}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let network = app.looked_at(&network)?;
    let name = TransactionName::read(&id).map_err(unreadable)?;
    ask.answer(&Transaction::read(&app, &network, &name).await?)
}
