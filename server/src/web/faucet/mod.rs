//! Where people ask for money, see what became of it, and look up accounts and transactions.

mod balance;
mod discord;
mod find;
mod grant;
mod page;
mod refund;
mod status;
mod told;
mod transaction;
mod verdict;

use std::error::Error;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use apogee_domain::{NetworkId, NetworkKind};
use apogee_faucet::policy::Assessment;
use apogee_faucet::{Answer, Ask as Asking, DeskError, Request, Unresolved};
use apogee_store::{Grant, Identity};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

pub(super) use self::balance::{Balance, show as balance};
pub(super) use self::discord::{receive as discord, registered};
pub(super) use self::find::lead as find;
pub(super) use self::refund::show as refunds;
pub(super) use self::status::{Status, show as status};
pub(super) use self::transaction::{Transaction, show as transaction};
use self::verdict::Verdict;
use super::ask::{Ask, Form};
use super::problem::{
    FAUCET_KEY, FAUCET_KEY_REUSED, FAUCET_POLICY, FAUCET_RECIPIENT, LOOKUP_INVALID, NODE_SILENT,
    UNKNOWN_FAUCET, UNKNOWN_GRANT,
};
use super::signin::field;
use super::{App, Problem};
use crate::faucets::Drip;
use crate::identity::Visitor;
use crate::nodes::Silent;

/// Atto in a smidge, the unit in which Spacemesh counts.
const SMIDGE: u128 = 1_000_000_000;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    recipient: String,
    #[serde(default)]
    code: String,
    /// Forms have it inside, programs send it as `Idempotency-Key`.
    #[serde(default)]
    key: String,
}

impl Sent {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let named = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let json = named("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let mut sent = if json {
            let wrong = |_| Problem::Faucet(FAUCET_RECIPIENT, "faucet-body");
            serde_json::from_slice(body).map_err(wrong)?
        } else {
            Self { recipient: field(body, "recipient"), code: field(body, "code"), key: field(body, "key") }
        };
        if let Some(key) = named("idempotency-key") {
            sent.key = key.trim_matches('"').to_owned();
        }
        Ok(sent)
    }
}

impl App {
    /// The faucet of a network: the first one by name.
    fn faucet(&self, network: &str) -> Result<(NetworkId, String, Arc<Drip>), Problem> {
        let unknown = || Problem::Faucet(UNKNOWN_FAUCET, "faucet-unknown");
        let network: NetworkId = network.parse().map_err(|_| unknown())?;
        let mut all = self.faucets.all();
        let ((network, name), drip) = all.find(|((of, _), _)| *of == network).ok_or_else(unknown)?;
        Ok((network.clone(), name.clone(), Arc::clone(drip)))
    }

    /// What is known of a network where accounts and transactions can be looked up: a node that is asked, or a faucet.
    fn looked_at(&self, network: &str) -> Result<NetworkId, Problem> {
        let id: Option<NetworkId> = network.parse().ok();
        match id.filter(|id| self.nodes.of(id).is_some()) {
            Some(id) => Ok(id),
            None => self.faucet(network).map(|(id, ..)| id),
        }
    }

    /// What kind of network it is.
    fn kind(&self, network: &NetworkId) -> NetworkKind {
        let now = self.now.load();
        let known = now.networks.iter().find(|now| now.network.id == *network);
        // Before anything is indexed of it, only those of Spacemesh are asked about over a node.
        let asked = self.nodes.of(network).map(|_| NetworkKind::Spacemesh);
        known.map(|now| now.network.kind).or(asked).unwrap_or(NetworkKind::Filecoin)
    }

    /// What a visitor asks for.
    async fn request(&self, drip: &Drip, visitor: &Visitor, sent: &Sent) -> Result<Request, Problem> {
        self.request_of(drip, (visitor.signed_in()?, visitor.address), sent).await
    }

    /// What somebody asks for, from an address, with what the network knows of the recipient.
    async fn request_of(
        &self,
        drip: &Drip,
        (identity, from): (&Identity, IpAddr),
        sent: &Sent,
    ) -> Result<Request, Problem> {
        let address = drip.desk.recipient(&sent.recipient).map_err(undecided)?;
        let recipient = drip.recipient(&address).await.map_err(unresolved)?;
        let ask = Asking { identity, from, recipient: &sent.recipient, code: &sent.code, key: &sent.key };
        drip.desk.request(ask, &recipient).map_err(undecided)
    }

    /// The page of a faucet, with what was just decided.
    async fn refused(
        &self,
        ask: &Ask,
        network: &str,
        visitor: &Visitor,
        sent: Sent,
        assessment: &Assessment,
    ) -> Result<Response, Problem> {
        let (id, name, drip) = self.faucet(network)?;
        let verdict = Verdict::of(assessment, drip.desk.policy(), ask.language, visitor.now);
        if ask.form == Form::Json {
            return Ok(verdict.problem(ask));
        }
        let mut page = page::FaucetPage::read(self, (&id, &name), &drip, visitor).await?;
        page.recipient = sent.recipient;
        let (status, mut said) = (verdict.status(), HeaderMap::new());
        verdict.say(&mut said);
        page.verdict = Some(verdict);
        let mut response = ask.answer(&page)?;
        *response.status_mut() = status;
        response.headers_mut().extend(said);
        Ok(response)
    }
}

fn unresolved(error: Unresolved) -> Problem {
    match error {
        Unresolved::NoActor(_) => Problem::Faucet(FAUCET_RECIPIENT, "faucet-recipient-absent"),
        Unresolved::NoRecipient { .. } => Problem::Faucet(FAUCET_RECIPIENT, "faucet-recipient-lost"),
        Unresolved::Unavailable(why) => match why.downcast_ref::<Silent>() {
            Some(why) => silent(why),
            None => Problem::NoState { why: why.to_string() },
        },
    }
}

/// What was typed is neither an address nor the name of a transaction.
fn unreadable(_: impl Display) -> Problem {
    Problem::Faucet(LOOKUP_INVALID, "lookup-none")
}

/// A node says nothing. Why is for the log: its name is nobody's business.
fn silent(error: &Silent) -> Problem {
    tracing::debug!(error = error as &dyn Error, "a node says nothing");
    Problem::Faucet(NODE_SILENT, "lookup-silent")
}

fn undecided(error: DeskError) -> Problem {
    use apogee_faucet::InvalidRecipient;
    match error {
        DeskError::Key => Problem::Faucet(FAUCET_KEY, "faucet-key"),
        DeskError::Recipient(InvalidRecipient::NoAddress) => {
            Problem::Faucet(FAUCET_RECIPIENT, "faucet-recipient-invalid")
        }
        DeskError::Recipient(InvalidRecipient::Checksum) => {
            Problem::Faucet(FAUCET_RECIPIENT, "faucet-recipient-checksum")
        }
        DeskError::Recipient(InvalidRecipient::OtherNetwork(_)) => {
            Problem::Faucet(FAUCET_RECIPIENT, "faucet-recipient-network")
        }
        DeskError::Policy { .. } => Problem::Faucet(FAUCET_POLICY, "faucet-policy"),
        DeskError::Busy => Problem::Busy,
        error @ DeskError::Store(_) => Problem::Broken(Box::new(error)),
    }
}

/// `GET /faucet/{network}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(network): Path<String>,
) -> Result<Response, Problem> {
    let (id, name, drip) = app.faucet(&network)?;
    ask.answer(&page::FaucetPage::read(&app, (&id, &name), &drip, &visitor).await?)
}

/// `POST /faucet/{network}`: granted, and led to its page; or refused, with every rule.
pub(super) async fn request(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(network): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = Sent::read(&headers, &body)?;
    let (id, _, drip) = app.faucet(&network)?;
    let request = app.request(&drip, &visitor, &sent).await?;
    match drip.desk.accept(request).await.map_err(undecided)? {
        Answer::Granted(grant) | Answer::Repeated(grant) => granted(&app, &ask, &id, &grant).await,
        Answer::OtherRequest => Err(Problem::Faucet(FAUCET_KEY_REUSED, "faucet-key-reused")),
        Answer::Refused(assessment) => app.refused(&ask, &network, &visitor, sent, &assessment).await,
    }
}

async fn granted(app: &App, ask: &Ask, network: &NetworkId, grant: &Grant) -> Result<Response, Problem> {
    let place = ask.to(&format!("/faucet/{network}/g/{}", grant.id));
    if ask.form == Form::Html {
        return Ok(Redirect::to(&place).into_response());
    }
    let view = grant::GrantPage::read(app, grant.clone()).await?;
    let mut response = ask.answer(&view)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    if let Ok(place) = HeaderValue::try_from(format!("{place}.json")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// `POST /faucet/{network}/eligibility`: every rule, and nothing is counted.
pub(super) async fn eligibility(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(network): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut sent = Sent::read(&headers, &body)?;
    // Nothing is granted: there is nothing to be named.
    "eligibility".clone_into(&mut sent.key);
    let (id, name, drip) = app.faucet(&network)?;
    let request = app.request(&drip, &visitor, &sent).await?;
    let assessment = drip.desk.eligibility(&request.applicant).await.map_err(undecided)?;
    let verdict = Verdict::of(&assessment, drip.desk.policy(), ask.language, visitor.now);
    if ask.form == Form::Json {
        return Ok(verdict.json());
    }
    let mut page = page::FaucetPage::read(&app, (&id, &name), &drip, &visitor).await?;
    page.recipient = sent.recipient;
    page.verdict = Some(verdict);
    ask.answer(&page)
}

/// `GET /faucet/{network}/g/{id}`
pub(super) async fn grant(
    State(app): State<App>,
    ask: Ask,
    Path((network, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown = || Problem::Faucet(UNKNOWN_GRANT, "faucet-no-grant");
    let network: NetworkId = network.parse().map_err(|_| unknown())?;
    let grant = app.store.grant(&network, &id).await?.ok_or_else(unknown)?;
    let view = grant::GrantPage::read(&app, grant).await?;
    let waits = !view.over;
    let mut response = ask.answer(&view)?;
    if waits && ask.form == Form::Html {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("5"));
    }
    Ok(response)
}
