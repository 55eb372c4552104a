use apogee_domain::{Digest, Timestamp};
use apogee_store::Standing;
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::field;
use crate::identity::{Refused, Visitor};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::view::View;
use crate::web::{App, Problem};

/// What somebody sees of themselves.
#[derive(Debug, Serialize)]
pub(crate) struct Me {
    /// As in the audit log: `github:583231`.
    identity: String,
    /// What the provider calls it.
    handle: String,
    provider: String,
    /// When the account was made, where the provider tells.
    account_created: Option<String>,
    /// When it signed in first.
    first_seen: String,
    /// Why it may do nothing, where it may not.
    blocked: Option<String>,
    roles: Vec<&'static str>,
    sessions: Vec<OneSession>,
    keys: Vec<OneKey>,
    passkeys: Vec<OnePasskey>,
    /// Until when this session may do what needs a passkey.
    step_up_until: Option<String>,
    /// A key that was just made: it is told this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    #[serde(skip)]
    mark: String,
    /// Whether whoever asks is signed in: a program with a key is not.
    #[serde(skip)]
    here: bool,
}

/// A session.
#[derive(Debug, Serialize)]
struct OneSession {
    since: String,
    last_used: String,
    expires: String,
    /// Whether it is the one that asks.
    this: bool,
}

/// A key for programs.
#[derive(Debug, Serialize)]
struct OneKey {
    name: String,
    created: String,
    expires: String,
    /// Whether it can be used.
    live: bool,
    /// SHA-256 of it, which is its name for revoking.
    digest: Digest,
}

/// A passkey.
#[derive(Debug, Serialize)]
struct OnePasskey {
    name: String,
    created: String,
    #[serde(skip)]
    credential: String,
}

#[derive(Template)]
#[template(path = "me.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Me,
}

impl View for Me {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

impl App {
    async fn me(&self, visitor: &Visitor, made: Option<String>) -> Result<Me, Problem> {
        let identity = visitor.identity().ok_or(Refused::SignInNeeded)?;
        let own = visitor.session().map(|session| session.id);
        let time = |at: Timestamp| at.to_string();
        let sessions = self.door.sessions(identity, visitor.now).await?;
        let keys = self.door.keys(identity).await?;
        let passkeys = self.door.passkeys(identity).await?;
        let stepped_up = visitor.has_stepped_up().then(|| visitor.session()?.step_up_until).flatten();
        Ok(Me {
            identity: identity.actor(),
            handle: identity.account.handle.clone(),
            provider: identity.account.provider.clone(),
            account_created: identity.account.created.map(time),
            first_seen: time(identity.first_seen),
            blocked: match &identity.standing {
                Standing::Ok => None,
                Standing::Blocked { reason } => Some(reason.clone()),
            },
            roles: visitor.roles.iter().map(|role| role.name()).collect(),
            sessions: sessions
                .iter()
                .map(|session| OneSession {
                    since: time(session.created),
                    last_used: time(session.last_used),
                    expires: time(session.expires),
                    this: Some(session.id) == own,
                })
                .collect(),
            keys: keys
                .into_iter()
                .map(|key| OneKey {
                    live: key.is_live(visitor.now),
                    name: key.name,
                    created: time(key.created),
                    expires: time(key.expires),
                    digest: key.digest,
                })
                .collect(),
            passkeys: passkeys
                .into_iter()
                .map(|passkey| OnePasskey {
                    name: passkey.name,
                    created: time(passkey.created),
                    credential: URL_SAFE_NO_PAD.encode(passkey.credential),
                })
                .collect(),
            step_up_until: stepped_up.map(time),
            made,
            mark: visitor.mark(),
            here: own.is_some(),
        })
    }
}

/// `GET /me`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
) -> Result<Response, Problem> {
    ask.answer(&app.me(&visitor, None).await?)
}

/// `POST /me/keys`: the page again, with the key.
pub(in crate::web) async fn make_key(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let made = app.door.make_key(&visitor, &field(&form, "name")).await?;
    ask.answer(&app.me(&visitor, Some(made)).await?)
}

/// `POST /me/keys/revoke`
pub(in crate::web) async fn revoke_key(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let digest = field(&form, "key").parse().map_err(|_| Refused::NoKey)?;
    app.door.revoke_key(&visitor, digest).await?;
    Ok(Redirect::to(&ask.to("/me")).into_response())
}

/// `POST /me/keys/give-back`, by a program that needs its key no more.
pub(in crate::web) async fn give_back(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<StatusCode, Problem> {
    app.door.give_back(&visitor).await?;
    Ok(StatusCode::NO_CONTENT)
}
