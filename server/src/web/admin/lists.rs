//! Whom a faucet refuses, and who is excepted from its rules.

use apogee_domain::{NetworkId, Timestamp};
use apogee_faucet::operate::{self, By};
use apogee_faucet::policy::Code;
use apogee_faucet::{InvalidSubject, Unresolved, liftable};
use apogee_store::{FaucetEntry, LimitKey, Page, Role, StoreError};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::reason;
use crate::faucets::{Lookup, NoSubject, key_of};
use crate::identity::Visitor;
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::problem::{FAUCET_ENTRY, UNKNOWN_FAUCET};
use crate::web::query::{Asked, Questions, Why};
use crate::web::signin::field;
use crate::web::view::View;
use crate::web::{App, Problem};

/// Entries of a page.
const LISTED: u32 = 100;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days that an exception lasts at most: whoever needs it longer is looked at again.
const LONGEST: u16 = 365;
/// Days that a refusal lasts at most, unless it is for good.
const LONGEST_REFUSAL: u16 = 3_650;

/// The lists of a faucet.
#[derive(Debug, Serialize)]
pub(crate) struct Lists {
    network: String,
    faucet: String,
    entries: Vec<One>,
    /// What comes after this, where there may be more.
    next: Option<String>,
    /// Rules that an exception can lift.
    liftable: Vec<&'static str>,
    #[serde(skip)]
    mark: String,
    /// Whether whoever looks may refuse somebody, and strike exceptions.
    operates: bool,
    /// Whether they may except somebody, and strike refusals.
    pays: bool,
}

#[derive(Debug, Serialize)]
struct One {
    denies: bool,
    scope: String,
    subject: String,
    /// Codes; none for all that can be lifted.
    lifts: Vec<String>,
    until: Option<String>,
    /// Whether that has passed.
    over: bool,
    reason: String,
    by: String,
    at: String,
}

#[derive(Template)]
#[template(path = "faucet_lists.html")]
struct ListsPage<'a> {
    c: Chrome<'a>,
    view: &'a Lists,
}

impl View for Lists {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        ListsPage { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}

/// `?after=deny/actor/t1…`: the last entry of the page before.
#[derive(Debug, Default)]
pub(crate) struct AfterQuery(Option<(LimitKey, bool)>);

impl Questions for AfterQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if name != "after" {
            return Err(Why::Name);
        }
        let parts: Vec<&str> = value.splitn(3, '/').collect();
        let [list @ ("allow" | "deny"), scope, key] = parts.as_slice() else { return Err(Why::Choice) };
        let key = LimitKey { scope: (*scope).to_owned(), key: (*key).to_owned() };
        self.0 = Some((key, *list == "deny"));
        Ok(())
    }
}

fn wrong(why: &'static str) -> Problem {
    Problem::Faucet(FAUCET_ENTRY, why)
}

impl From<NoSubject> for Problem {
    fn from(error: NoSubject) -> Self {
        match error {
            NoSubject::Invalid(InvalidSubject::Nobody) => wrong("entry-nobody"),
            NoSubject::Invalid(InvalidSubject::Identity) => wrong("entry-identity"),
            NoSubject::Invalid(InvalidSubject::Length) => wrong("entry-length"),
            NoSubject::Invalid(InvalidSubject::Address(_)) => wrong("entry-address"),
            NoSubject::Unmet(_) => wrong("entry-unmet"),
            NoSubject::Unresolved(Unresolved::NoActor(_)) => wrong("entry-absent"),
            NoSubject::Unresolved(Unresolved::NoRecipient { .. }) => wrong("entry-lost"),
            NoSubject::Unresolved(Unresolved::Unavailable(why)) => Self::NoState { why: why.to_string() },
            NoSubject::Store(error) => error.into(),
        }
    }
}

/// A faucet of the database by the parts of its path.
async fn found(app: &App, (network, name): (String, String)) -> Result<(NetworkId, String), Problem> {
    let unknown = || Problem::Faucet(UNKNOWN_FAUCET, "faucet-unknown");
    let network: NetworkId = network.parse().map_err(|_| unknown())?;
    app.store.faucet(&network, &name).await?.ok_or_else(unknown)?;
    Ok((network, name))
}

/// `GET /admin/faucet/{network}/{name}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(place): Path<(String, String)>,
    Asked(AfterQuery(after)): Asked<AfterQuery>,
) -> Result<Response, Problem> {
    visitor.acting(Role::Viewer)?;
    let (network, faucet) = found(&app, place).await?;
    let page = Page { after, limit: LISTED };
    let entries = app.store.faucet_entries(&network, &faucet, page).await?;
    let last = entries.last().filter(|_| entries.len() >= LISTED as usize);
    let next = last.map(|last| {
        let list = if last.denies { "deny" } else { "allow" };
        let after = format!("{list}/{}/{}", last.subject.scope, last.subject.key);
        form_urlencoded::Serializer::new(String::new()).append_pair("after", &after).finish()
    });
    let one = |entry: FaucetEntry| One {
        denies: entry.denies,
        scope: entry.subject.scope,
        subject: entry.subject.key,
        lifts: entry.lifts.split(',').filter(|code| !code.is_empty()).map(str::to_owned).collect(),
        over: entry.until.is_some_and(|until| until <= visitor.now),
        until: entry.until.map(|until| until.to_string()),
        reason: entry.reason,
        by: entry.by,
        at: entry.at.to_string(),
    };
    ask.answer(&Lists {
        network: network.to_string(),
        faucet,
        entries: entries.into_iter().map(one).collect(),
        next,
        liftable: Code::ALL.iter().filter(|code| code.can_be_lifted()).map(|code| code.word()).collect(),
        mark: visitor.mark(),
        operates: visitor.has(Role::Operator),
        pays: visitor.has(Role::Payer),
    })
}

/// Until when an entry holds that somebody puts down now.
fn until(form: &[u8], denies: bool, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let days = field(form, "days");
    if days.is_empty() && denies {
        return Ok(None);
    }
    let longest = if denies { LONGEST_REFUSAL } else { LONGEST };
    let days = days.parse().ok().filter(|days: &u16| (1..=longest).contains(days));
    let days = days.ok_or_else(|| wrong("entry-days"))?;
    Ok(Some(Timestamp::from_seconds(now.seconds() + i64::from(days) * DAY)))
}

/// `POST /admin/faucet/{network}/{name}/put`: to refuse somebody needs an operator; to let somebody have more than the rules give, a payer.
pub(in crate::web) async fn put(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(place): Path<(String, String)>,
    form: Bytes,
) -> Result<Response, Problem> {
    let denies = field(&form, "list") == "deny";
    let actor = visitor.acting(if denies { Role::Operator } else { Role::Payer })?.actor();
    let (network, faucet) = found(&app, place).await?;
    let reason = reason(&form)?;
    let words: Vec<_> = form_urlencoded::parse(&form).filter(|(name, _)| name == "lift").collect();
    let codes = liftable(words.iter().map(|(_, word)| &**word)).map_err(|_| wrong("entry-lift"))?;
    let lifts: Vec<&str> = codes.iter().filter(|_| !denies).map(|code| code.word()).collect();
    let until = until(&form, denies, visitor.now)?;
    let now = app.network(network.as_str())?;
    let lookup = Lookup::of(app.store.clone(), app.sources.clone(), &now.network);
    let subject = key_of(&*app.store, &lookup, &field(&form, "subject")).await?;
    let entry = FaucetEntry {
        network,
        faucet,
        subject,
        denies,
        lifts: lifts.join(","),
        until,
        reason: String::new(),
        by: String::new(),
        at: visitor.now,
    };
    let by = By { actor: &actor, reason: &reason, at: visitor.now };
    operate::put_entry(&*app.store, &entry, by).await.map_err(|error| match error {
        StoreError::Conflict { .. } => wrong("entry-longer"),
        error => error.into(),
    })?;
    Ok(back(&ask, &entry.network, &entry.faucet))
}

/// `POST /admin/faucet/{network}/{name}/strike`: what lets somebody have more again needs a payer, the other an operator.
pub(in crate::web) async fn strike(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path(place): Path<(String, String)>,
    form: Bytes,
) -> Result<Response, Problem> {
    let denies = field(&form, "list") == "deny";
    let actor = visitor.acting(if denies { Role::Payer } else { Role::Operator })?.actor();
    let (network, faucet) = found(&app, place).await?;
    let reason = reason(&form)?;
    let key = LimitKey { scope: field(&form, "scope"), key: field(&form, "key") };
    let by = By { actor: &actor, reason: &reason, at: visitor.now };
    if !operate::remove_entry(&*app.store, (&network, &faucet), (&key, denies), by).await? {
        return Err(wrong("entry-gone"));
    }
    Ok(back(&ask, &network, &faucet))
}

fn back(ask: &Ask, network: &NetworkId, faucet: &str) -> Response {
    Redirect::to(&ask.to(&format!("/admin/faucet/{network}/{faucet}"))).into_response()
}
