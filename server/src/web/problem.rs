use std::fmt;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_store::StoreError;
use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Form, Language};
use super::chrome::{Chrome, Section};
use super::figure::grouped;
use super::query::Unreadable;
use super::view::View;
use super::words::fluent_args;
use crate::competitions::{NoFacts, NoLedger, NoStandings};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    NoPage,
    NoTable {
        page: String,
    },
    NothingNamed {
        wanted: String,
    },
    NotAnEpoch {
        written: String,
    },
    NoKind {
        name: String,
    },
    UnknownNetwork(String),
    UnknownParticipant {
        participant: String,
        network: String,
        at: Epoch,
    },
    UnknownSeries(String),
    EpochInFuture {
        network: String,
        asked: Epoch,
        head: Epoch,
    },
    /// The network has none at all.
    NoEpochs {
        network: String,
    },
    NoFinalEpoch {
        network: String,
    },
    NotIndexed {
        network: String,
        epoch: Epoch,
    },
    UnknownCompetition(String),
    UnknownEntity {
        entity: String,
        at: Epoch,
    },
    UnknownBoard {
        board: String,
    },
    UnknownRules {
        competition: String,
        version: u64,
    },
    UnknownEntry {
        competition: String,
        seq: u64,
        last: u64,
    },
    /// Nothing newer than that epoch is shown.
    Frozen {
        asked: Epoch,
        at: Epoch,
    },
    NotStarted {
        competition: String,
        start: Option<Epoch>,
        at: Epoch,
    },
    NoRules {
        competition: String,
    },
    /// Neither its network nor a package of it is in the database.
    NoGround {
        competition: String,
    },
    NoStandings(#[source] NoStandings),
    Ledger(#[source] NoLedger),
    BeforeGenesis {
        time: String,
    },
    Query(Unreadable),
    Method,
    Body,
    Busy,
    Store(#[from] StoreError),
    Render(#[from] askama::Error),
    Json(#[from] serde_json::Error),
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail(Language::English))
    }
}

/// A kind of problem: its name is the last part of its `type`, `/problems/unknown-network`, which is a page that explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Name in addresses.
    pub(crate) name: &'static str,
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// The same for every problem of the kind.
    pub(crate) title: &'static str,
    /// What it means and what to do.
    pub(crate) advice: &'static str,
}

impl Kind {
    /// The page that explains it, relative to the service.
    fn address(&self) -> String {
        format!("/problems/{}", self.name)
    }
}

macro_rules! kinds {
    ($($id:ident = $name:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        $(const $id: Kind = Kind { name: $name, status: StatusCode::$status, title: $title, advice: $advice };)*
        /// Every kind, in the order of their documentation.
        pub(crate) const KINDS: &[Kind] = &[$($id),*];
    };
}

kinds! {
    NOT_FOUND = "not-found", NOT_FOUND, "There is nothing at this address",
        "The address names no page. The home page lists the networks, /openapi.json every address.";
    UNKNOWN_NETWORK = "unknown-network", NOT_FOUND, "Unknown network",
        "This service does not index a network of that name. The home page lists those that it does.";
    UNKNOWN_PARTICIPANT = "unknown-participant", NOT_FOUND, "Unknown participant",
        "No series of this network has a value for that address at that epoch. Participants are named by their actor's ID address, such as t01000; one that joined later is found at a later epoch.";
    UNKNOWN_SERIES = "unknown-series", NOT_FOUND, "Unknown series",
        "There is no board of that name. Series are named by dotted words, such as power.raw or sectors.faulty.";
    EPOCH_IN_FUTURE = "epoch-in-future", NOT_FOUND, "Epoch in the future",
        "The epoch comes after the newest indexed one. Ask again when the index has reached it; detail says how far it is.";
    NOT_INDEXED = "not-indexed", NOT_FOUND, "Not indexed",
        "The epoch, or the whole network, is not in the index: it lies before the epoch at which indexing began, or indexing has not begun.";
    UNKNOWN_COMPETITION = "unknown-competition", NOT_FOUND, "Unknown competition",
        "This service has no ledger of a competition of that name. The home page lists those that it has.";
    UNKNOWN_ENTITY = "unknown-entity", NOT_FOUND, "Unknown entity",
        "Nobody of that name competes at that epoch. Unclaimed miners are named by their ID address, such as t01000; a miner appears with its first power.";
    UNKNOWN_BOARD = "unknown-board", NOT_FOUND, "Unknown board",
        "The rules that are applied have no board of that name, or not in that region. The competition's page lists its boards.";
    UNKNOWN_RULES = "rules-version-unknown", NOT_FOUND, "Unknown version of the rules",
        "The ledger, as far as it is looked at, has no version of that number. The rules page lists those there are.";
    UNKNOWN_ENTRY = "unknown-entry", NOT_FOUND, "Unknown entry",
        "The ledger has no entry of that number, or none that is shown yet. Entries are numbered from 1.";
    FROZEN = "frozen", FORBIDDEN, "Frozen",
        "Standings are frozen: nothing newer than the freeze is shown until they are thawed. Ask for an epoch up to the one that detail names, or for none.";
    NOT_STARTED = "not-started", NOT_FOUND, "Not started",
        "There are no standings before the first epoch of the competition.";
    NO_STANDINGS = "no-standings", UNPROCESSABLE_ENTITY, "No standings",
        "Standings cannot be worked out from these rules, facts and decisions; detail says why.";
    INVALID_QUERY = "invalid-query", BAD_REQUEST, "Invalid query",
        "A part of the query is unknown or is not written as it has to be; detail names it. An epoch is written at=e:51204.";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "Everything here is only read: use GET or HEAD.";
    CONTENT_TOO_LARGE = "content-too-large", PAYLOAD_TOO_LARGE, "Content too large",
        "The request carries more content than this address takes.";
    BUSY = "busy", SERVICE_UNAVAILABLE, "At the limit",
        "More is asked at a time than this service answers. Ask again after the seconds in Retry-After.";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "Database unavailable",
        "The database did not answer. Ask again after the seconds in Retry-After; /status shows how the service does.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "A defect of this program: the log of the service has its cause under the request's id.";
}

/// Problem details (RFC 9457), as `application/problem+json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Details {
    /// A page that explains this kind of problem, relative to the service.
    pub(crate) r#type: String,
    /// The kind in words, in the language of the address.
    pub(crate) title: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// What is wrong with this request, in the language of the address.
    pub(crate) detail: String,
    /// The address that was asked for.
    pub(crate) instance: String,
}

impl Problem {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoPage
            | Self::NoTable { .. }
            | Self::NothingNamed { .. }
            | Self::NotAnEpoch { .. }
            | Self::NoKind { .. } => NOT_FOUND,
            Self::UnknownNetwork(_) => UNKNOWN_NETWORK,
            Self::UnknownParticipant { .. } => UNKNOWN_PARTICIPANT,
            Self::UnknownSeries(_) => UNKNOWN_SERIES,
            Self::EpochInFuture { .. } => EPOCH_IN_FUTURE,
            Self::NoEpochs { .. } | Self::NoFinalEpoch { .. } | Self::NotIndexed { .. } => NOT_INDEXED,
            Self::UnknownCompetition(_) => UNKNOWN_COMPETITION,
            Self::UnknownEntity { .. } => UNKNOWN_ENTITY,
            Self::UnknownBoard { .. } => UNKNOWN_BOARD,
            Self::UnknownRules { .. } => UNKNOWN_RULES,
            Self::UnknownEntry { .. } => UNKNOWN_ENTRY,
            Self::Frozen { .. } => FROZEN,
            Self::NotStarted { .. } | Self::NoRules { .. } => NOT_STARTED,
            Self::NoGround { .. } => NOT_INDEXED,
            Self::NoStandings(_) => NO_STANDINGS,
            Self::Ledger(_) => INTERNAL,
            Self::BeforeGenesis { .. } | Self::Query(_) => INVALID_QUERY,
            Self::Method => METHOD_NOT_ALLOWED,
            Self::Body => CONTENT_TOO_LARGE,
            Self::Busy => BUSY,
            Self::Store(_) => UNAVAILABLE,
            Self::Render(_) | Self::Json(_) | Self::Broken(_) => INTERNAL,
        }
    }

    /// What is wrong, in one sentence.
    pub(super) fn detail(&self, language: Language) -> String {
        let say = |key: &str, arguments| language.say(key, &arguments);
        match self {
            Self::NoPage => language.t("detail-no-page"),
            Self::NoTable { page } => say("detail-no-table", fluent_args!["page" => page.as_str()]),
            Self::NothingNamed { wanted } => {
                say("detail-nothing-named", fluent_args!["wanted" => wanted.as_str()])
            }
            Self::NotAnEpoch { written } => {
                say("detail-not-an-epoch", fluent_args!["written" => written.as_str()])
            }
            Self::NoKind { name } => say("detail-no-kind", fluent_args!["name" => name.as_str()]),
            Self::UnknownNetwork(network) => {
                say("detail-unknown-network", fluent_args!["network" => network.as_str()])
            }
            Self::UnknownParticipant { participant, network, at } => say(
                "detail-unknown-participant",
                fluent_args![
                    "participant" => participant.as_str(), "network" => network.as_str(), "epoch" => grouped(at),
                ],
            ),
            Self::UnknownSeries(series) => {
                say("detail-unknown-series", fluent_args!["series" => series.as_str()])
            }
            Self::EpochInFuture { network, asked, head } => say(
                "detail-epoch-in-future",
                fluent_args![
                    "network" => network.as_str(), "epoch" => grouped(asked), "head" => grouped(head),
                ],
            ),
            Self::NoEpochs { network } => {
                say("detail-no-epochs", fluent_args!["network" => network.as_str()])
            }
            Self::NoFinalEpoch { network } => {
                say("detail-no-final-epoch", fluent_args!["network" => network.as_str()])
            }
            Self::NotIndexed { network, epoch } => say(
                "detail-not-indexed",
                fluent_args!["network" => network.as_str(), "epoch" => grouped(epoch)],
            ),
            Self::UnknownCompetition(name) => {
                say("detail-unknown-competition", fluent_args!["name" => name.as_str()])
            }
            Self::UnknownEntity { entity, at } => say(
                "detail-unknown-entity",
                fluent_args!["entity" => entity.as_str(), "epoch" => grouped(at)],
            ),
            Self::UnknownBoard { board } => {
                say("detail-unknown-board", fluent_args!["board" => board.as_str()])
            }
            Self::UnknownRules { version, .. } => {
                say("detail-unknown-rules", fluent_args!["version" => *version])
            }
            Self::UnknownEntry { seq, last, .. } => {
                say("detail-unknown-entry", fluent_args!["seq" => *seq, "last" => *last])
            }
            Self::Frozen { asked, at } => {
                say("detail-frozen", fluent_args!["epoch" => grouped(asked), "at" => grouped(at)])
            }
            Self::NotStarted { start, at, .. } => match start {
                Some(start) => {
                    say("detail-not-started", fluent_args!["start" => grouped(start), "epoch" => grouped(at)])
                }
                None => language.t("detail-no-rules"),
            },
            Self::NoRules { .. } => language.t("detail-no-rules"),
            Self::NoGround { competition } => {
                say("detail-no-ground", fluent_args!["competition" => competition.as_str()])
            }
            Self::NoStandings(why) => say("detail-no-standings", fluent_args!["why" => why.to_string()]),
            Self::BeforeGenesis { time } => {
                say("detail-before-genesis", fluent_args!["time" => time.as_str()])
            }
            Self::Query(unreadable) => {
                let Unreadable { name, value, why } = unreadable;
                say(why.key(), fluent_args!["name" => name.as_str(), "value" => value.as_str()])
            }
            Self::Method => language.t("detail-method"),
            Self::Body => language.t("detail-body"),
            Self::Busy => language.t("detail-busy"),
            Self::Store(_) => language.t("detail-store"),
            Self::Render(_) | Self::Json(_) | Self::Broken(_) | Self::Ledger(_) => {
                language.t("detail-broken")
            }
        }
    }

    /// What is said of it to whoever asked for `instance`.
    fn details(&self, language: Language, instance: &str) -> Details {
        let kind = self.kind();
        Details {
            r#type: kind.address(),
            title: match language {
                Language::English => kind.title.to_owned(),
                Language::Chinese => language.name("problem", kind.name),
            },
            status: kind.status.as_u16(),
            detail: self.detail(language),
            instance: instance.to_owned(),
        }
    }

    /// Headers and text of the answer: a page where the request accepts one, otherwise JSON.
    pub(crate) fn answer(&self, ask: &Ask, instance: &str, accepts_html: bool) -> (HeaderMap, Bytes) {
        let details = self.details(ask.language, instance);
        let page = (accepts_html && ask.form == Form::Html).then(|| {
            let c = Chrome::alone(ask, Section::Elsewhere);
            Page { c, details: &details }.render()
        });
        let (text, kind) = match page {
            Some(Ok(page)) => (page, "text/html; charset=utf-8"),
            _ => (serde_json::json!(details).to_string(), "application/problem+json"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(ask.language.tag()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.kind().status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            _ => {}
        }
        (headers, text.into())
    }
}

/// A problem on its way through the router: whoever knows the request writes its text.
#[derive(Clone, Debug)]
pub(crate) struct Met(pub(crate) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind().status.into_response();
        response.extensions_mut().insert(Met(Arc::new(self)));
        response
    }
}

impl From<NoLedger> for Problem {
    fn from(error: NoLedger) -> Self {
        match error {
            NoLedger::Store(error) => Self::Store(error),
            error => Self::Ledger(error),
        }
    }
}

impl From<NoStandings> for Problem {
    fn from(error: NoStandings) -> Self {
        match error {
            NoStandings::Ledger(error) => error.into(),
            NoStandings::Facts(NoFacts::Store(error)) => Self::Store(error),
            NoStandings::Unfinished => Self::Busy,
            error => Self::NoStandings(error),
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    c: Chrome<'a>,
    details: &'a Details,
}

/// A kind of problem, explained.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explained {
    /// What problems of this kind have as their `type`.
    pub(super) r#type: String,
    /// HTTP status.
    pub(super) status: u16,
    /// The kind in words.
    title: &'static str,
    /// What it means and what to do.
    advice: &'static str,
    #[serde(skip)]
    pub(super) name: &'static str,
}

impl From<&Kind> for Explained {
    fn from(kind: &Kind) -> Self {
        Self {
            r#type: kind.address(),
            status: kind.status.as_u16(),
            title: kind.title,
            advice: kind.advice,
            name: kind.name,
        }
    }
}

/// `GET /problems/{kind}`: the page that `type` leads to.
pub(super) async fn explain(ask: Ask, Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or(Problem::NoKind { name })?;
    ask.answer(&Explained::from(kind))
}

impl View for Explained {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let details = Details {
            r#type: self.r#type.clone(),
            title: self.title.to_owned(),
            status: self.status,
            detail: String::new(),
            instance: String::new(),
        };
        let c = Chrome::alone(ask, Section::Elsewhere);
        Page { c, details: &details }.render()
    }
}

impl Page<'_> {
    fn text(&self, rest: &str) -> String {
        let kind = self.details.r#type.rsplit('/').next().unwrap_or_default();
        self.c.t(&format!("problem-{kind}{rest}"))
    }

    fn title(&self) -> String {
        self.text("")
    }

    fn advice(&self) -> String {
        self.text("-advice")
    }
}
