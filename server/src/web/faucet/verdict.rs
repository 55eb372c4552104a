use apogee_domain::Timestamp;
use apogee_faucet::policy::{Assessment, Check, Counts, Fil, Outcome};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::web::ask::{Ask, Language};
use crate::web::figure::grouped;
use crate::web::problem::FAUCET_LIMIT;
use crate::web::time::span;

/// What the rules say of a request.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// Whether it would be granted.
    pub(super) allowed: bool,
    /// How much, attoFIL.
    amount: String,
    /// From when on no rule refuses, if nothing else happens.
    pub(super) next_allowed_at: Option<String>,
    /// Seconds until then.
    pub(super) retry_after: Option<u64>,
    pub(super) checks: Vec<Line>,
}

/// One rule.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// Which sort of rule.
    pub(super) code: &'static str,
    /// Its name in the policy.
    pub(super) rule: String,
    outcome: Outcome,
    have: Option<String>,
    limit: Option<String>,
    pub(super) resets: Option<String>,
    pub(super) reason: Option<String>,
    /// In words.
    #[serde(skip)]
    pub(super) text: String,
    #[serde(skip)]
    pub(super) figures: String,
    #[serde(skip)]
    pub(super) refuses: bool,
}

impl Line {
    fn of(check: &Check, language: Language) -> Self {
        let code = check.code.word();
        let figure = |of: u128| match check.counts {
            Counts::Atto => Fil(apogee_domain::Atto(of)).to_string(),
            Counts::Seconds => span(language, i64::try_from(of).unwrap_or(i64::MAX)),
            Counts::Nothing | Counts::Grants => grouped(of),
        };
        let figures = match (check.counts, check.have, check.limit) {
            (Counts::Nothing, ..) => String::new(),
            (_, have, limit) => {
                let say = |of: Option<u128>| of.map_or_else(|| "?".to_owned(), figure);
                format!("{} / {}", say(have), say(limit))
            }
        };
        let refuses = check.outcome == Outcome::Refused;
        let kind = if refuses { "faucet-refused" } else { "faucet-check" };
        Self {
            code,
            rule: check.rule.clone(),
            outcome: check.outcome,
            have: check.have.map(|have| have.to_string()),
            limit: check.limit.map(|limit| limit.to_string()),
            resets: check.resets.map(|at| rounded_up(at).to_string()),
            reason: check.reason.clone().filter(|reason| !reason.is_empty()),
            text: language.name(kind, code),
            figures,
            refuses,
        }
    }
}

/// Texts tell whole seconds: what is told must not be too early.
fn rounded_up(at: Timestamp) -> Timestamp {
    Timestamp(at.0.saturating_add(999_999))
}

impl Verdict {
    pub(super) fn of(assessment: &Assessment, language: Language, now: Timestamp) -> Self {
        let next = assessment.next_allowed_at().map(rounded_up);
        // Who comes back a second too early is refused once more.
        let wait = |at: Timestamp| at.since(now).as_micros().div_ceil(1_000_000).max(1);
        Self {
            allowed: assessment.award.is_some(),
            amount: assessment.amount.to_string(),
            next_allowed_at: next.map(|at| Timestamp::from_seconds(at.seconds()).to_string()),
            retry_after: next.and_then(|at| u64::try_from(wait(Timestamp::from_seconds(at.seconds()))).ok()),
            checks: assessment.checks.iter().map(|check| Line::of(check, language)).collect(),
        }
    }

    /// The rules that refuse.
    pub(super) fn refusals(&self) -> impl Iterator<Item = &Line> {
        self.checks.iter().filter(|line| line.refuses)
    }

    /// Coming back helps, or it does not.
    pub(super) fn status(&self) -> StatusCode {
        if self.retry_after.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN }
    }

    pub(super) fn json(&self) -> Response {
        let text = serde_json::json!(self).to_string();
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    }

    /// Problem details (RFC 9457) with what a program needs to come back.
    pub(super) fn problem(&self, ask: &Ask) -> Response {
        let first = self.refusals().next();
        let details = serde_json::json!({
            "type": format!("/problems/{}", FAUCET_LIMIT.name),
            "title": ask.language.name("problem", FAUCET_LIMIT.name),
            "status": self.status().as_u16(),
            "detail": first.map(|line| line.text.as_str()),
            "instance": ask.path,
            "code": first.map(|line| line.code),
            "rule": first.map(|line| line.rule.as_str()),
            "retry_after": self.retry_after,
            "next_allowed_at": self.next_allowed_at,
            "checks": self.checks,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status(), kind, details.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(ask.language.tag()));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            // draft-ietf-httpapi-ratelimit-headers: what is left of the rule's quota, and in how many seconds there is some.
            let limit = first.map(|line| format!("\"{}\";r=0;t={seconds}", line.rule));
            if let Some(limit) = limit.and_then(|limit| HeaderValue::try_from(limit).ok()) {
                headers.insert("ratelimit", limit);
            }
        }
        response
    }
}
