//! Where people sign in, and what they see of themselves.

pub(super) mod device;
pub(super) mod me;
pub(super) mod passkey;
pub(super) mod people;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::query::{Asked, Questions, Why};
use super::view::View;
use super::{App, Problem};
use crate::identity::{Came, LetIn, Refused, Visitor};

/// What a form says under a name; the empty text where it says nothing.
pub(super) fn field(form: &[u8], name: &str) -> String {
    let found = form_urlencoded::parse(form).find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// Where people sign in.
#[derive(Debug, Serialize)]
pub(crate) struct SignIn {
    /// Name in addresses and title of every provider.
    providers: Vec<(String, String)>,
    /// The name that invitations go by, where there are any.
    invites: Option<String>,
    /// The page that is wanted.
    next: String,
    #[serde(skip)]
    mark: String,
}

#[derive(Template)]
#[template(path = "signin.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a SignIn,
}

impl Page<'_> {
    fn with(&self, provider: &str) -> String {
        self.c.language().say("signin-with", &super::words::fluent_args!["provider" => provider])
    }
}

impl View for SignIn {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `?next=`: the page that is wanted.
#[derive(Debug, Default)]
pub(crate) struct NextQuery {
    next: String,
}

impl Questions for NextQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "next" => value.clone_into(&mut self.next),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /signin`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Asked(query): Asked<NextQuery>,
) -> Result<Response, Problem> {
    if app.door.is_closed() {
        return Err(Refused::Off.into());
    }
    let providers = app.door.providers();
    // Whoever wants no page in particular is led to their own, in the language of this one.
    let next = if query.next.is_empty() { ask.to("/me") } else { query.next };
    let view = SignIn {
        providers: providers.map(|one| (one.name().to_owned(), one.title().to_owned())).collect(),
        invites: app.door.invites().map(str::to_owned),
        next,
        mark: visitor.mark(),
    };
    let mut response = ask.answer(&view)?;
    // Browsers hold a form's answer to the policy of its page, also where it leads to another site.
    let origins: Vec<String> = app.door.providers().map(crate::identity::IdentityProvider::origin).collect();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        origins.join(" ")
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// `POST /signin/{provider}`: off to the provider, or in with an invitation.
pub(super) async fn begin(
    State(app): State<App>,
    Path(provider): Path<String>,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let next = field(&form, "next");
    if app.door.is_invite(&provider) {
        return Ok(let_in(app.door.invited(&visitor, &field(&form, "code"), &next).await?));
    }
    Ok(Redirect::to(&app.door.begin(&visitor, &provider, &next).await?).into_response())
}

/// With what somebody came back.
#[derive(Debug, Default)]
pub(crate) struct CallbackQuery(Came);

impl Questions for CallbackQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        let place = match name {
            "state" => &mut self.0.state,
            "code" => &mut self.0.code,
            "error" => &mut self.0.error,
            // Providers add what they like: a description, an address, a session of theirs.
            _ => return Ok(()),
        };
        value.clone_into(place);
        Ok(())
    }
}

/// `GET /signin/{provider}/callback`: the only GET that changes something, and it does so once for each state.
pub(super) async fn come_back(
    State(app): State<App>,
    Path(provider): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    Asked(CallbackQuery(came)): Asked<CallbackQuery>,
) -> Result<Response, Problem> {
    Ok(let_in(app.door.finish(&visitor, &headers, &provider, &came).await?))
}

fn let_in(LetIn { cookie, next }: LetIn) -> Response {
    with_cookie(Redirect::to(&next).into_response(), cookie)
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// `POST /signout`
pub(super) async fn sign_out(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let cookie = app.door.sign_out(&visitor, field(&form, "everywhere") == "yes").await?;
    Ok(with_cookie(Redirect::to(&ask.to("/")).into_response(), cookie))
}
