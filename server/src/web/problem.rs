use std::fmt;
use std::sync::Arc;

use apogee_competition::Refusal;
use apogee_domain::Epoch;
use apogee_rankings::NoRanking;
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
use super::ratelimit::{self, Quota};
use super::view::View;
use super::words::fluent_args;
use crate::checks::NotNow;
use crate::claims::NotDeclared;
use crate::competitions::{NoFacts, NoLedger, NoStandings};
use crate::http::Flood;
use crate::identity::Refused;

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
    /// A table has more rows than an answer may; `most` of them can be asked for.
    TableTooLarge {
        rows: usize,
        most: usize,
    },
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
        version: u64,
    },
    UnknownEntry {
        seq: u64,
        last: u64,
    },
    UnknownRecount {
        input: String,
    },
    /// Nothing newer than that epoch is shown.
    Frozen {
        asked: Epoch,
        at: Epoch,
    },
    NotStarted {
        start: Option<Epoch>,
        at: Epoch,
    },
    NoRules,
    /// Nobody probes the miners of a competition.
    NoProbes {
        competition: String,
    },
    /// No batch of the log of evidence may be told yet, or there is none so far.
    NoEvidence {
        competition: String,
    },
    /// Nobody probes this miner.
    NotProbed {
        miner: String,
    },
    /// Nobody looks at a miner now.
    NotNow(NotNow),
    /// Maintenance is not declared.
    NotDeclared(#[source] Box<NotDeclared>),
    /// Neither its network nor a package of it is in the database.
    NoGround {
        competition: String,
    },
    NoStandings(#[source] NoStandings),
    Ledger(#[source] NoLedger),
    BeforeGenesis {
        time: String,
    },
    /// A claim is not accepted.
    Refused(#[source] Box<Refusal>),
    /// Something would be changed from a page of another site.
    OtherOrigin,
    /// A form that this server did not make.
    StaleForm,
    /// Keys cannot be looked up.
    NoState {
        why: String,
    },
    /// Somebody asks too often.
    Flood(Flood),
    /// A faucet does not look at a request; the message says why.
    Faucet(Kind, &'static str),
    /// Somebody is not let in, or may not do what they ask.
    SignIn(#[source] Refused),
    /// What an operator wanted was not done; the message says why.
    NotDone(&'static str),
    /// A proposal cannot become an entry.
    NoEntry(#[source] Box<Refusal>),
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
}

impl Kind {
    /// The page that explains it, relative to the service.
    fn address(&self) -> String {
        format!("/problems/{}", self.name)
    }

    /// What it is, the same for every problem of the kind.
    fn title(&self, language: Language) -> String {
        language.name("problem", self.name)
    }

    /// What it means and what to do.
    fn advice(&self, language: Language) -> String {
        language.t(&format!("problem-{}-advice", self.name))
    }

    /// The kind of somebody who is not let in.
    fn not_let_in(refused: &Refused) -> Self {
        match refused {
            Refused::SignInNeeded => SIGN_IN_NEEDED,
            Refused::Off => SIGN_IN_OFF,
            Refused::UnknownProvider(_) => UNKNOWN_PROVIDER,
            Refused::Stale => SIGN_IN_STALE,
            Refused::Declined { .. } => SIGN_IN_DECLINED,
            Refused::Suspended { .. } => PROVIDER_SUSPENDED,
            Refused::NotConfirmed { .. } => SIGN_IN_NOT_CONFIRMED,
            Refused::Unreachable { .. } => PROVIDER_UNREACHABLE,
            Refused::NotAPerson { .. } => NOT_A_PERSON,
            Refused::Blocked { .. } => IDENTITY_BLOCKED,
            Refused::RoleNeeded(_) => ROLE_NEEDED,
            Refused::StepUpNeeded => STEP_UP_NEEDED,
            Refused::NoInvite => INVITE_INVALID,
            Refused::NoKey => KEY_INVALID,
            Refused::TooManyKeys(_) => TOO_MANY_KEYS,
            Refused::Passkey(_) => PASSKEY_REFUSED,
            Refused::NoDevice => DEVICE_UNKNOWN,
            Refused::ReasonNeeded => REASON_NEEDED,
            Refused::NoIdentity => UNKNOWN_IDENTITY,
            Refused::Crowded => BUSY,
            Refused::Store(_) => UNAVAILABLE,
        }
    }

    /// The kind of a claim that is not accepted.
    fn refused(refusal: &Refusal) -> Self {
        let wanted = refusal.kind.name();
        let found = KINDS.iter().find(|kind| kind.name.strip_prefix("claim-") == Some(wanted));
        found.copied().unwrap_or(CLAIM_REFUSED)
    }
}

macro_rules! kinds {
    ($($id:ident = $name:literal, $status:ident;)*) => {
        $(pub(super) const $id: Kind = Kind { name: $name, status: StatusCode::$status };)*
        /// Every kind, in the order of their documentation.
        pub(crate) const KINDS: &[Kind] = &[$($id),*];
    };
}

kinds! {
    NOT_FOUND = "not-found", NOT_FOUND;
    UNKNOWN_NETWORK = "unknown-network", NOT_FOUND;
    UNKNOWN_PARTICIPANT = "unknown-participant", NOT_FOUND;
    UNKNOWN_SERIES = "unknown-series", NOT_FOUND;
    EPOCH_IN_FUTURE = "epoch-in-future", NOT_FOUND;
    NOT_INDEXED = "not-indexed", NOT_FOUND;
    UNKNOWN_COMPETITION = "unknown-competition", NOT_FOUND;
    UNKNOWN_ENTITY = "unknown-entity", NOT_FOUND;
    UNKNOWN_BOARD = "unknown-board", NOT_FOUND;
    UNKNOWN_RULES = "rules-version-unknown", NOT_FOUND;
    UNKNOWN_ENTRY = "unknown-entry", NOT_FOUND;
    FROZEN = "frozen", FORBIDDEN;
    NOT_STARTED = "not-started", NOT_FOUND;
    NO_PROBES = "no-probes", NOT_FOUND;
    NO_EVIDENCE = "no-evidence", NOT_FOUND;
    NOT_PROBED = "not-probed", NOT_FOUND;
    CHECK_LIMIT = "check-limit", TOO_MANY_REQUESTS;
    MAINTENANCE_REFUSED = "maintenance-refused", UNPROCESSABLE_ENTITY;
    NO_STANDINGS = "no-standings", UNPROCESSABLE_ENTITY;
    INVALID_QUERY = "invalid-query", BAD_REQUEST;
    TABLE_TOO_LARGE = "table-too-large", UNPROCESSABLE_ENTITY;
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED;
    CONTENT_TOO_LARGE = "content-too-large", PAYLOAD_TOO_LARGE;
    BUSY = "busy", SERVICE_UNAVAILABLE;
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE;
    INTERNAL = "internal", INTERNAL_SERVER_ERROR;
    OTHER_ORIGIN = "other-origin", FORBIDDEN;
    STALE_FORM = "stale-form", FORBIDDEN;
    NOT_DONE = "not-done", CONFLICT;
    NO_STATE = "no-state", SERVICE_UNAVAILABLE;
    SIGN_IN_NEEDED = "sign-in-needed", UNAUTHORIZED;
    SIGN_IN_OFF = "sign-in-off", NOT_FOUND;
    UNKNOWN_PROVIDER = "unknown-provider", NOT_FOUND;
    SIGN_IN_STALE = "sign-in-stale", FORBIDDEN;
    SIGN_IN_DECLINED = "sign-in-declined", FORBIDDEN;
    PROVIDER_SUSPENDED = "provider-suspended", SERVICE_UNAVAILABLE;
    SIGN_IN_NOT_CONFIRMED = "sign-in-not-confirmed", FORBIDDEN;
    PROVIDER_UNREACHABLE = "provider-unreachable", SERVICE_UNAVAILABLE;
    NOT_A_PERSON = "not-a-person", FORBIDDEN;
    IDENTITY_BLOCKED = "identity-blocked", FORBIDDEN;
    ROLE_NEEDED = "role-needed", FORBIDDEN;
    STEP_UP_NEEDED = "step-up-needed", FORBIDDEN;
    INVITE_INVALID = "invite-invalid", FORBIDDEN;
    KEY_INVALID = "key-invalid", UNAUTHORIZED;
    TOO_MANY_KEYS = "too-many-keys", CONFLICT;
    PASSKEY_REFUSED = "passkey-refused", FORBIDDEN;
    DEVICE_UNKNOWN = "device-unknown", NOT_FOUND;
    REASON_NEEDED = "reason-needed", BAD_REQUEST;
    UNKNOWN_IDENTITY = "unknown-identity", NOT_FOUND;
    UNKNOWN_FAUCET = "unknown-faucet", NOT_FOUND;
    UNKNOWN_GRANT = "unknown-grant", NOT_FOUND;
    FAUCET_LIMIT = "faucet-limit", TOO_MANY_REQUESTS;
    FAUCET_RECIPIENT = "faucet-recipient", UNPROCESSABLE_ENTITY;
    FAUCET_KEY = "faucet-key", BAD_REQUEST;
    FAUCET_KEY_REUSED = "faucet-key-reused", UNPROCESSABLE_ENTITY;
    FAUCET_FLOOD = "faucet-flood", TOO_MANY_REQUESTS;
    FAUCET_POLICY = "faucet-policy", SERVICE_UNAVAILABLE;
    FAUCET_ENTRY = "faucet-entry", UNPROCESSABLE_ENTITY;
    FLOOD = "flood", TOO_MANY_REQUESTS;
    LOOKUP_INVALID = "lookup-invalid", UNPROCESSABLE_ENTITY;
    LOOKUP_ELSEWHERE = "lookup-elsewhere", NOT_FOUND;
    NODE_SILENT = "node-silent", SERVICE_UNAVAILABLE;
    CHAT_UNVERIFIED = "chat-unverified", UNAUTHORIZED;
    CHAT_UNREADABLE = "chat-unreadable", BAD_REQUEST;
    CLAIM_REFUSED = "claim-refused", UNPROCESSABLE_ENTITY;
    CLAIM_MALFORMED_CLAIM = "claim-malformed-claim", UNPROCESSABLE_ENTITY;
    CLAIM_UNKNOWN_ACTION = "claim-unknown-action", UNPROCESSABLE_ENTITY;
    CLAIM_OTHER_COMPETITION = "claim-other-competition", UNPROCESSABLE_ENTITY;
    CLAIM_OTHER_NETWORK = "claim-other-network", UNPROCESSABLE_ENTITY;
    CLAIM_OTHER_DOMAIN = "claim-other-domain", UNPROCESSABLE_ENTITY;
    CLAIM_OTHER_RULES = "claim-other-rules", UNPROCESSABLE_ENTITY;
    CLAIM_NOT_YET_VALID = "claim-not-yet-valid", UNPROCESSABLE_ENTITY;
    CLAIM_EXPIRED = "claim-expired", UNPROCESSABLE_ENTITY;
    CLAIM_REPLAYED = "claim-replayed", UNPROCESSABLE_ENTITY;
    CLAIM_MALFORMED_SIGNATURE = "claim-malformed-signature", UNPROCESSABLE_ENTITY;
    CLAIM_BAD_SIGNATURE = "claim-bad-signature", UNPROCESSABLE_ENTITY;
    CLAIM_WRONG_ROLE = "claim-wrong-role", UNPROCESSABLE_ENTITY;
    CLAIM_ROTATED_KEY = "claim-rotated-key", UNPROCESSABLE_ENTITY;
    CLAIM_KEY_UNKNOWN = "claim-key-unknown", UNPROCESSABLE_ENTITY;
    CLAIM_OWNER_IS_MULTISIG = "claim-owner-is-multisig", UNPROCESSABLE_ENTITY;
    CLAIM_NO_SUCH_PROPOSAL = "claim-no-such-proposal", UNPROCESSABLE_ENTITY;
    CLAIM_CONSENT_MISSING = "claim-consent-missing", UNPROCESSABLE_ENTITY;
    CLAIM_NOT_THE_LEADER = "claim-not-the-leader", UNPROCESSABLE_ENTITY;
    CLAIM_ALREADY_MEMBER = "claim-already-member", UNPROCESSABLE_ENTITY;
    CLAIM_NOT_A_MEMBER = "claim-not-a-member", UNPROCESSABLE_ENTITY;
    CLAIM_ID_TAKEN = "claim-id-taken", UNPROCESSABLE_ENTITY;
    CLAIM_DEADLINE_PASSED = "claim-deadline-passed", UNPROCESSABLE_ENTITY;
    CLAIM_OTHER_REGION = "claim-other-region", UNPROCESSABLE_ENTITY;
    CLAIM_APPEALS_CLOSED = "claim-appeals-closed", UNPROCESSABLE_ENTITY;
    CLAIM_BAD_NAME = "claim-bad-name", UNPROCESSABLE_ENTITY;
    CLAIM_NAME_RESERVED = "claim-name-reserved", UNPROCESSABLE_ENTITY;
    CLAIM_NAME_TAKEN = "claim-name-taken", UNPROCESSABLE_ENTITY;
    CLAIM_NAME_CONFUSABLE = "claim-name-confusable", UNPROCESSABLE_ENTITY;
    CLAIM_WRONG_STATE = "claim-wrong-state", UNPROCESSABLE_ENTITY;
    CLAIM_CLOSED = "claim-closed", UNPROCESSABLE_ENTITY;
    CLAIM_BAD_TEXT = "claim-bad-text", UNPROCESSABLE_ENTITY;
    CLAIM_NO_SUCH_ENTRY = "claim-no-such-entry", UNPROCESSABLE_ENTITY;
    CLAIM_UNKNOWN_ENTITY = "claim-unknown-entity", UNPROCESSABLE_ENTITY;
    CLAIM_UNKNOWN_PARTICIPANT = "claim-unknown-participant", UNPROCESSABLE_ENTITY;
    CLAIM_NO_SUCH_RULES = "claim-no-such-rules", UNPROCESSABLE_ENTITY;
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
    /// Seconds to wait, where whoever asks comes too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NoPage
            | Self::NoTable { .. }
            | Self::NothingNamed { .. }
            | Self::UnknownRecount { .. }
            | Self::NotAnEpoch { .. }
            | Self::NoKind { .. } => NOT_FOUND,
            Self::UnknownNetwork(_) => UNKNOWN_NETWORK,
            Self::UnknownParticipant { .. } => UNKNOWN_PARTICIPANT,
            Self::UnknownSeries(_) => UNKNOWN_SERIES,
            Self::TableTooLarge { .. } => TABLE_TOO_LARGE,
            Self::EpochInFuture { .. } => EPOCH_IN_FUTURE,
            Self::NoEpochs { .. } | Self::NoFinalEpoch { .. } | Self::NotIndexed { .. } => NOT_INDEXED,
            Self::UnknownCompetition(_) => UNKNOWN_COMPETITION,
            Self::UnknownEntity { .. } => UNKNOWN_ENTITY,
            Self::UnknownBoard { .. } => UNKNOWN_BOARD,
            Self::UnknownRules { .. } => UNKNOWN_RULES,
            Self::UnknownEntry { .. } => UNKNOWN_ENTRY,
            Self::Frozen { .. } => FROZEN,
            Self::NotStarted { .. } | Self::NoRules => NOT_STARTED,
            Self::NoProbes { .. } => NO_PROBES,
            Self::NoEvidence { .. } => NO_EVIDENCE,
            Self::NotProbed { .. } => NOT_PROBED,
            Self::NotDeclared(_) => MAINTENANCE_REFUSED,
            Self::NotNow(_) => CHECK_LIMIT,
            Self::NoGround { .. } => NOT_INDEXED,
            Self::NoStandings(_) => NO_STANDINGS,
            Self::Ledger(_) => INTERNAL,
            Self::Refused(refusal) => Kind::refused(refusal),
            Self::OtherOrigin => OTHER_ORIGIN,
            Self::StaleForm => STALE_FORM,
            Self::NotDone(_) | Self::NoEntry(_) => NOT_DONE,
            Self::NoState { .. } => NO_STATE,
            Self::Flood(flood) if flood.gate == "faucet" => FAUCET_FLOOD,
            Self::Flood(_) => FLOOD,
            Self::Faucet(kind, _) => *kind,
            Self::SignIn(refused) => Kind::not_let_in(refused),
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
            Self::TableTooLarge { rows, most } => say(
                "detail-table-too-large",
                fluent_args!["rows" => grouped(rows), "most" => most.to_string()],
            ),
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
            Self::UnknownRules { version } => {
                say("detail-unknown-rules", fluent_args!["version" => *version])
            }
            Self::UnknownEntry { seq, last } => {
                say("detail-unknown-entry", fluent_args!["seq" => *seq, "last" => *last])
            }
            Self::UnknownRecount { input } => {
                say("detail-unknown-recount", fluent_args!["input" => input.as_str()])
            }
            Self::Frozen { asked, at } => {
                say("detail-frozen", fluent_args!["epoch" => grouped(asked), "at" => grouped(at)])
            }
            Self::NotStarted { start, at } => match start {
                Some(start) => {
                    say("detail-not-started", fluent_args!["start" => grouped(start), "epoch" => grouped(at)])
                }
                None => language.t("detail-no-rules"),
            },
            Self::NoRules => language.t("detail-no-rules"),
            Self::NoProbes { competition } => {
                say("detail-no-probes", fluent_args!["competition" => competition.as_str()])
            }
            Self::NoEvidence { competition } => {
                say("detail-no-evidence", fluent_args!["competition" => competition.as_str()])
            }
            Self::NotDeclared(why) => not_declared(why, language),
            Self::NotNow(NotNow::Looked(wait)) => say("check-looked", fluent_args!["n" => *wait]),
            Self::NotNow(NotNow::Crowded(wait)) => say("check-crowded", fluent_args!["n" => *wait]),
            Self::NotProbed { miner } => say("detail-not-probed", fluent_args!["miner" => miner.as_str()]),
            Self::NoGround { competition } => {
                say("detail-no-ground", fluent_args!["competition" => competition.as_str()])
            }
            Self::NoStandings(why) => say("detail-no-standings", fluent_args!["why" => why.to_string()]),
            // What is wrong there is known in English only; what it is and what to do, in both.
            Self::Refused(refusal) | Self::NoEntry(refusal) => refusal.to_string(),
            Self::OtherOrigin => language.t("detail-other-origin"),
            Self::StaleForm => language.t("detail-stale-form"),
            Self::NotDone(why) => language.t(why),
            Self::NoState { why } => say("detail-no-state", fluent_args!["why" => why.as_str()]),
            Self::Flood(flood) => say("flood", fluent_args!["n" => flood.wait]),
            Self::Faucet(_, why) => language.t(why),
            Self::SignIn(refused) => not_let_in(refused, language),
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
            title: kind.title(language),
            status: kind.status.as_u16(),
            detail: self.detail(language),
            instance: instance.to_owned(),
            retry_after: match self {
                Self::Flood(flood) => Some(flood.wait),
                Self::NotNow(NotNow::Looked(wait) | NotNow::Crowded(wait)) => Some(*wait),
                _ => None,
            },
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
        if let Self::NotNow(NotNow::Looked(wait) | NotNow::Crowded(wait)) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait));
        }
        if let Self::Flood(Flood { gate, a_minute, wait }) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait));
            let (quota, window, wait) = (u128::from(*a_minute), Some(60), Some(*wait));
            ratelimit::say(&mut headers, &[Quota { name: gate, quota, window, left: 0, wait }]);
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

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Store(error) => Self::Store(error),
            Refused::Crowded => Self::Busy,
            refused => Self::SignIn(refused),
        }
    }
}

/// Why somebody is not let in.
fn not_let_in(refused: &Refused, language: Language) -> String {
    let say = |key: &str, arguments| language.say(key, &arguments);
    match refused {
        Refused::SignInNeeded => language.t("detail-sign-in-needed"),
        Refused::Off => language.t("detail-sign-in-off"),
        Refused::UnknownProvider(name) => {
            say("detail-unknown-provider", fluent_args!["name" => name.as_str()])
        }
        Refused::Stale => language.t("detail-sign-in-stale"),
        Refused::Declined { provider } => {
            say("detail-sign-in-declined", fluent_args!["provider" => provider.as_str()])
        }
        Refused::Suspended { provider } => {
            say("detail-provider-suspended", fluent_args!["provider" => provider.as_str()])
        }
        Refused::NotConfirmed { provider, why } => say(
            "detail-sign-in-not-confirmed",
            fluent_args!["provider" => provider.as_str(), "why" => why.as_str()],
        ),
        Refused::Unreachable { provider, why } => say(
            "detail-provider-unreachable",
            fluent_args!["provider" => provider.as_str(), "why" => why.as_str()],
        ),
        Refused::NotAPerson { handle, kind } => {
            let kind = language.name("account", kind);
            say("detail-not-a-person", fluent_args!["handle" => handle.as_str(), "kind" => kind])
        }
        Refused::Blocked { reason } => {
            say("detail-identity-blocked", fluent_args!["reason" => reason.as_str()])
        }
        Refused::RoleNeeded(role) => {
            say("detail-role-needed", fluent_args!["role" => language.name("role", role.name())])
        }
        Refused::StepUpNeeded => language.t("detail-step-up-needed"),
        Refused::NoInvite => language.t("detail-invite-invalid"),
        Refused::NoKey => language.t("detail-key-invalid"),
        Refused::TooManyKeys(most) => say("detail-too-many-keys", fluent_args!["n" => *most]),
        // What is wrong with it is known in English only; what to do, in both.
        Refused::Passkey(why) => (*why).to_owned(),
        Refused::NoDevice => language.t("detail-device-unknown"),
        Refused::ReasonNeeded => language.t("detail-reason-needed"),
        Refused::NoIdentity => language.t("detail-unknown-identity"),
        Refused::Crowded => language.t("detail-busy"),
        Refused::Store(_) => language.t("detail-store"),
    }
}

/// Why maintenance is not declared.
fn not_declared(why: &NotDeclared, language: Language) -> String {
    let say = |key: &str, arguments| language.say(key, &arguments);
    match why {
        NotDeclared::Malformed(line) => say("rest-malformed", fluent_args!["n" => line.0]),
        NotDeclared::Elsewhere => language.t("rest-elsewhere"),
        NotDeclared::NotProbed(miner) => say("detail-not-probed", fluent_args!["miner" => miner.as_str()]),
        NotDeclared::Stale => language.t("rest-stale"),
        NotDeclared::TooSoon(earliest) => say("rest-too-soon", fluent_args!["time" => earliest.to_string()]),
        NotDeclared::TooFar => language.t("rest-too-far"),
        NotDeclared::Backwards => language.t("rest-backwards"),
        NotDeclared::Budget { day, left, budget } => {
            say("rest-budget", fluent_args!["day" => day.as_str(), "left" => *left, "budget" => *budget])
        }
        NotDeclared::Taken => language.t("rest-taken"),
        NotDeclared::Many(day) => say("rest-many", fluent_args!["day" => day.as_str()]),
        NotDeclared::NoSignature => language.t("rest-no-signature"),
        NotDeclared::KeyUnknown(role) => {
            say("rest-key-unknown", fluent_args!["role" => language.name("rest-role", &role.to_string())])
        }
        NotDeclared::BadSignature(role, key) => say(
            "rest-bad-signature",
            fluent_args!["role" => language.name("rest-role", &role.to_string()), "key" => key.as_str()],
        ),
        NotDeclared::State(_) | NotDeclared::Store(_) | NotDeclared::Desk(_) => language.t("detail-store"),
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

impl From<NoRanking> for Problem {
    fn from(error: NoRanking) -> Self {
        match error {
            NoRanking::Store(error) => Self::Store(StoreError::Unavailable(Box::new(error))),
            NoRanking::Replaced | NoRanking::Crowded | NoRanking::Unfinished => Self::Busy,
            error @ NoRanking::TooMany(_) => Self::Broken(Box::new(error)),
        }
    }
}

impl From<NoStandings> for Problem {
    fn from(error: NoStandings) -> Self {
        match error {
            NoStandings::Ledger(error) => error.into(),
            NoStandings::Facts(NoFacts::Store(error)) => Self::Store(error),
            NoStandings::Unfinished | NoStandings::Facts(NoFacts::Moving) => Self::Busy,
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
    title: String,
    /// What it means and what to do.
    advice: String,
    #[serde(skip)]
    pub(super) name: &'static str,
}

impl Explained {
    pub(super) fn new(kind: &Kind, language: Language) -> Self {
        Self {
            r#type: kind.address(),
            status: kind.status.as_u16(),
            title: kind.title(language),
            advice: kind.advice(language),
            name: kind.name,
        }
    }
}

/// `GET /problems/{kind}`: the page that `type` leads to.
pub(super) async fn explain(ask: Ask, Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or(Problem::NoKind { name })?;
    ask.answer(&Explained::new(kind, ask.language))
}

impl View for Explained {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let details = Details {
            r#type: self.r#type.clone(),
            title: self.title.clone(),
            status: self.status,
            detail: String::new(),
            instance: String::new(),
            retry_after: None,
        };
        let c = Chrome::alone(ask, Section::Elsewhere);
        Page { c, details: &details }.render()
    }
}

impl Page<'_> {
    /// The page where what is to be done is done, and what it is called, where there is one.
    fn way_on(&self) -> Option<(&'static str, &'static str)> {
        match self.kind() {
            "sign-in-needed"
            | "sign-in-stale"
            | "sign-in-declined"
            | "sign-in-not-confirmed"
            | "provider-suspended"
            | "provider-unreachable"
            | "unknown-provider"
            | "not-a-person"
            | "invite-invalid" => Some(("/signin", "signin-title")),
            "step-up-needed" | "passkey-refused" | "too-many-keys" | "key-invalid" => {
                Some(("/me", "me-title"))
            }
            "device-unknown" => Some(("/device", "device-title")),
            _ => None,
        }
    }

    fn kind(&self) -> &str {
        self.details.r#type.rsplit('/').next().unwrap_or_default()
    }

    fn text(&self, rest: &str) -> String {
        self.c.t(&format!("problem-{}{rest}", self.kind()))
    }

    fn title(&self) -> String {
        self.text("")
    }

    fn advice(&self) -> String {
        self.text("-advice")
    }
}
