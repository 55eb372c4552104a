use apogee_store::{IdentityId, Role, Standing};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::field;
use crate::identity::{LISTED, Refused, Visitor};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::query::{Asked, Questions, Why, number};
use crate::web::view::View;
use crate::web::{App, Problem};

/// Everybody who has signed in.
#[derive(Debug, Serialize)]
pub(crate) struct People {
    people: Vec<Person>,
    /// The number of the last one, where there may be more.
    next: Option<i64>,
    #[serde(skip)]
    mark: String,
    /// Whether whoever looks may block people.
    #[serde(skip)]
    operates: bool,
}

#[derive(Debug, Serialize)]
struct Person {
    number: i64,
    identity: String,
    handle: String,
    account_created: Option<String>,
    last_seen: String,
    roles: Vec<&'static str>,
    /// Why, where they are blocked.
    blocked: Option<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a People,
}

impl View for People {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `?after=`: the number of the last one of the page before.
#[derive(Debug, Default)]
pub(crate) struct AfterQuery(Option<IdentityId>);

impl Questions for AfterQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if name != "after" {
            return Err(Why::Name);
        }
        self.0 = Some(IdentityId(number(value)?.try_into().map_err(|_| Why::Number)?));
        Ok(())
    }
}

/// `GET /admin/people`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Asked(AfterQuery(after)): Asked<AfterQuery>,
) -> Result<Response, Problem> {
    let people = app.door.people(&visitor, after).await?;
    let people: Vec<Person> = people
        .into_iter()
        .map(|(identity, grants)| Person {
            number: identity.id.0,
            identity: identity.actor(),
            account_created: identity.account.created.map(|at| at.to_string()),
            last_seen: identity.last_seen.to_string(),
            roles: grants.iter().map(|grant| grant.role.name()).collect(),
            blocked: match identity.standing {
                Standing::Ok => None,
                Standing::Blocked { reason } => Some(reason),
            },
            handle: identity.account.handle,
        })
        .collect();
    let is_full = people.len() >= LISTED as usize;
    let next = people.last().filter(|_| is_full).map(|person| person.number);
    ask.answer(&People { people, next, mark: visitor.mark(), operates: visitor.has(Role::Operator) })
}

/// `POST /admin/people/standing`
pub(in crate::web) async fn set_standing(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let id = field(&form, "number").parse().map_err(|_| Refused::NoIdentity)?;
    let block = field(&form, "block") == "yes";
    app.door.set_standing(&visitor, IdentityId(id), block, &field(&form, "reason")).await?;
    Ok(Redirect::to(&ask.to("/admin/people")).into_response())
}
