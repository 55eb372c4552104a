use apogee_domain::NetworkKind;
use apogee_faucet::policy::Coin;
use apogee_store::{Grant, PaymentState};
use askama::Template;
use serde::Serialize;

use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::grouped;
use crate::web::view::View;
use crate::web::{App, Problem};

/// The steps that a payment goes through, as they are shown.
const STEPS: [&str; 4] = ["accepted", "paying", "included", "final"];

/// What became of a request. It is nobody's secret: it tells what the chain tells, and not who asked.
#[derive(Debug, Serialize)]
pub(crate) struct GrantPage {
    id: String,
    network: String,
    faucet: String,
    /// What the amount is of: `FIL`, `SMH`.
    coin: Coin,
    /// 10⁻¹⁸ of the coin.
    amount: String,
    recipient: String,
    created: String,
    policy_version: u32,
    /// `accepted`, `held`, `paying`, `included`, `final`, `failed` or `cancelled`.
    state: &'static str,
    reason: String,
    /// How many are paid before it.
    queue: Option<u64>,
    /// The message that pays it: the newest one of its nonce, or the one on the chain.
    message: Option<String>,
    nonce: Option<u64>,
    /// How many messages were signed for the nonce.
    attempts: Option<usize>,
    /// The epoch that has it.
    epoch: Option<i64>,
    /// Epochs from there to the newest.
    confirmations: Option<i64>,
    /// Whether nothing more happens.
    #[serde(rename = "settled")]
    pub(super) over: bool,
    #[serde(skip)]
    money: String,
    #[serde(skip)]
    step: usize,
}

impl GrantPage {
    pub(super) async fn read(app: &App, grant: Grant) -> Result<Self, Problem> {
        let payment = app.store.payment(&grant.network, &grant.payment()).await?;
        let state = payment.as_ref().map_or(PaymentState::Accepted, |payment| payment.state);
        let queue = match &payment {
            Some(payment) if state == PaymentState::Accepted => Some(app.store.ahead(payment).await?),
            _ => None,
        };
        let transfers = app.store.transfers_of(&grant.network, &grant.payment()).await?;
        let transfer = transfers.last();
        let attempts = match transfer {
            Some(of) => app.store.attempts(&grant.network, &of.wallet, of.nonce, of.nonce).await?,
            None => Vec::new(),
        };
        let included = transfer.and_then(|transfer| transfer.included.as_ref());
        let head = app.store.cursor(&grant.network).await?.map(|cursor| cursor.epoch.height());
        let epoch = included.map(|inclusion| inclusion.epoch.height());
        let newest = attempts.last().map(|attempt| attempt.message.clone());
        let kind = app.network(grant.network.as_str()).map_or(NetworkKind::Filecoin, |now| now.network.kind);
        let coin = Coin::of(kind);
        Ok(Self {
            network: grant.network.to_string(),
            faucet: grant.faucet,
            amount: grant.amount.to_string(),
            recipient: payment.as_ref().map_or(grant.given, |payment| payment.payee.clone()),
            created: grant.created.to_string(),
            policy_version: grant.policy_version,
            state: state.as_str(),
            reason: payment.map(|payment| payment.reason).unwrap_or_default(),
            queue,
            message: included.map(|inclusion| inclusion.message.clone()).or(newest),
            nonce: transfer.map(|transfer| transfer.nonce),
            attempts: transfer.map(|_| attempts.len()),
            epoch,
            confirmations: head.zip(epoch).map(|(head, epoch)| (head - epoch).max(0)),
            over: state.is_terminal(),
            money: coin.money(grant.amount).to_string(),
            coin,
            step: STEPS.iter().position(|step| *step == state.as_str()).unwrap_or(0),
            id: grant.id,
        })
    }

    /// Whether it goes the usual way.
    fn goes_on(&self) -> bool {
        STEPS.contains(&self.state)
    }

    fn place(&self) -> String {
        self.queue.map(grouped).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "grant.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a GrantPage,
}

impl View for GrantPage {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}
