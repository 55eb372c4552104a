use apogee_domain::Timestamp;
use apogee_faucet::policy::{Assessment, Check, Code, Counts, Outcome, Policy};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::web::ask::{Ask, Language};
use crate::web::figure::grouped;
use crate::web::problem::FAUCET_LIMIT;
use crate::web::ratelimit::{self, Quota};
use crate::web::time::span;

/// What the rules say of a request.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// Whether it would be granted.
    pub(super) allowed: bool,
    /// How much, 10⁻¹⁸ of the coin.
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
    /// In words, in the language of the address.
    pub(super) text: String,
    #[serde(skip)]
    pub(super) figures: String,
    #[serde(skip)]
    pub(super) refuses: bool,
    /// What counts requests, for programs that pace themselves.
    #[serde(skip)]
    quota: Option<Counted>,
}

/// A rule that counts requests.
#[derive(Debug)]
struct Counted {
    most: u128,
    left: u128,
    window: Option<u64>,
    wait: Option<u64>,
}

impl Counted {
    /// Sums of money are no requests, and a structured field could not hold them.
    fn of(check: &Check, policy: &Policy, now: Timestamp) -> Option<Self> {
        if check.counts != Counts::Grants {
            return None;
        }
        let (have, most) = check.have.zip(check.limit)?;
        let is_bucket =
            check.code == Code::Pace || policy.bucket.iter().any(|bucket| bucket.rule == check.rule);
        // A bucket's time is that of one token; a window's, of all.
        let tokens = if is_bucket { u64::try_from(most).unwrap_or(u64::MAX) } else { 1 };
        Some(Self {
            most,
            left: if check.outcome == Outcome::Refused { 0 } else { most.saturating_sub(have) },
            window: check.within.map(|within| within.seconds().saturating_mul(tokens)),
            wait: check.resets.map(|at| seconds_until(at, now)),
        })
    }
}

/// Whole seconds, and at least one: who comes back a second too early is refused once more.
fn seconds_until(at: Timestamp, now: Timestamp) -> u64 {
    let wait = Timestamp::from_seconds(rounded_up(at).seconds()).since(now).as_micros().div_ceil(1_000_000);
    u64::try_from(wait.max(1)).unwrap_or(u64::MAX)
}

impl Line {
    fn of(check: &Check, policy: &Policy, language: Language, now: Timestamp) -> Self {
        let code = check.code.word();
        // What a wallet holds is told in bands.
        let have = check.have.filter(|_| check.code != Code::WalletEmpty);
        let figure = |of: u128| match check.counts {
            Counts::Atto => policy.coin().money(apogee_domain::Atto(of)).to_string(),
            Counts::Seconds => span(language, i64::try_from(of).unwrap_or(i64::MAX)),
            Counts::Nothing | Counts::Grants => grouped(of),
        };
        let figures = match (check.counts, have, check.limit) {
            (Counts::Nothing, ..) => String::new(),
            _ if check.code == Code::WalletEmpty => String::new(),
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
            have: have.map(|have| have.to_string()),
            quota: Counted::of(check, policy, now),
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
    pub(super) fn of(assessment: &Assessment, policy: &Policy, language: Language, now: Timestamp) -> Self {
        let next = assessment.next_allowed_at();
        Self {
            allowed: assessment.award.is_some(),
            amount: assessment.amount.to_string(),
            next_allowed_at: next.map(|at| Timestamp::from_seconds(rounded_up(at).seconds()).to_string()),
            retry_after: next.map(|at| seconds_until(at, now)),
            checks: assessment.checks.iter().map(|check| Line::of(check, policy, language, now)).collect(),
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
        let mut response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
        ratelimit::say(response.headers_mut(), &self.quotas());
        response
    }

    fn quotas(&self) -> Vec<Quota<'_>> {
        let counted = self.checks.iter().filter_map(|line| Some((line, line.quota.as_ref()?)));
        counted
            .map(|(line, quota)| Quota {
                name: &line.rule,
                quota: quota.most,
                window: quota.window,
                left: quota.left,
                wait: quota.wait,
            })
            .collect()
    }

    /// When to come back, and how each quota stands.
    pub(super) fn say(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        ratelimit::say(headers, &self.quotas());
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
            // As problems of the draft about rate limits name them.
            "violated-policies": self.refusals().map(|line| line.rule.as_str()).collect::<Vec<_>>(),
            "checks": self.checks,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status(), kind, details.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(ask.language.tag()));
        self.say(headers);
        response
    }
}
