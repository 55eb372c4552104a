//! What whoever wants money does: it is asked of a running service.

use std::path::PathBuf;
use std::time::Duration;

use apogee_domain::{Atto, NetworkId};
use apogee_faucet::LONGEST_CODE;
use apogee_faucet::policy::Coin;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kept::Kept;
use crate::cli::login::kept;
use crate::cli::{Answer, Failure, chain_of};
use crate::identity::Client;

/// Between looks at a grant.
const BEAT: Duration = Duration::from_secs(3);
/// Looks in a row without an answer, after which nobody waits any longer.
const MOST_FAILURES: u32 = 40;

/// Which faucet.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The file that `apogee login` made
    #[arg(long, value_name = "FILE", default_value = "apogee.key")]
    key: PathBuf,
    /// The faucet's network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
}

/// What is asked.
#[derive(Clone, Debug, Args)]
struct Question {
    #[command(flatten)]
    place: Place,
    /// Who is to have it: an address in any of its forms
    recipient: String,
    /// A file with the code of an event. It is no option: other users of the machine see those
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Request {
    #[command(flatten)]
    question: Question,
    /// Go on until the grant is final, and say how far it is
    #[arg(long)]
    wait: bool,
    /// Print the service's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    question: Question,
    /// Print the service's answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    place: Place,
    /// A grant, by the id that `request` has said
    grant: Option<String>,
    /// Go on until the grant is final
    #[arg(long, requires = "grant")]
    wait: bool,
    /// Print the service's answer as JSON
    #[arg(long)]
    json: bool,
}

/// A service, and the key to it.
struct Service {
    client: Client,
    server: String,
    key: String,
}

impl Service {
    fn of(place: &Place) -> Result<Self, Failure> {
        let (server, key) = kept(&place.key)?;
        Ok(Self { client: Client::new().map_err(Failure::world)?, server, key })
    }

    async fn ask(
        &self,
        path: &str,
        named: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failure> {
        let bearer = format!("Bearer {}", self.key);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(named.map(|key| ("idempotency-key", key)));
        let address = format!("{}{path}", self.server);
        let (status, body) = self.client.ask(&address, &headers, body).await.map_err(Failure::world)?;
        let value = serde_json::from_slice(&body);
        value.map(|value| (status, value)).map_err(|_| {
            Failure::world(format!("{address} has answered {status} and no JSON: is this an Apogee service?"))
        })
    }
}

impl Question {
    fn code(&self) -> Result<String, Failure> {
        let Some(file) = &self.code_file else { return Ok(String::new()) };
        let wrong = |what: &dyn std::fmt::Display| Failure::input(format!("{}: {what}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let code = text.trim().to_owned();
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(wrong(&format!("a code has 1 to {LONGEST_CODE} letters")));
        }
        Ok(code)
    }

    fn path(&self, rest: &str) -> String {
        format!("/faucet/{}{rest}.json", self.place.network)
    }
}

/// What a rule says.
#[derive(Debug, Deserialize)]
struct Rule {
    rule: String,
    outcome: String,
    #[serde(default)]
    text: String,
    have: Option<String>,
    limit: Option<String>,
    resets: Option<String>,
    reason: Option<String>,
}

/// What all rules say; also as problem details.
#[derive(Debug, Deserialize)]
struct Verdict {
    #[serde(default)]
    allowed: bool,
    next_allowed_at: Option<String>,
    checks: Vec<Rule>,
}

impl Verdict {
    fn say(&self, all: bool) {
        for rule in self.checks.iter().filter(|rule| all || rule.outcome == "refused") {
            let figures =
                rule.have.iter().zip(&rule.limit).map(|(have, limit)| format!("  {have} of {limit}"));
            let figures: String = figures.collect();
            let again = rule.resets.as_ref().map_or_else(String::new, |at| format!("  again at {at}"));
            let reason = rule.reason.as_ref().map_or_else(String::new, |why| format!("  ({why})"));
            println!("{:<8} {:<18}{figures}{again}  {}{reason}", rule.outcome, rule.rule, rule.text);
        }
        if let Some(next) = self.next_allowed_at.as_ref().filter(|_| !self.allowed) {
            println!("come back at {next}");
        }
    }
}

/// Problem details (RFC 9457).
#[derive(Debug, Deserialize)]
struct Problem {
    r#type: String,
    title: String,
    detail: Option<String>,
    retry_after: Option<u64>,
}

/// What an answer that grants nothing comes to. Refusals by rules are told in full.
fn refused(status: u16, answer: Value, json: bool) -> Result<Answer, Failure> {
    if json {
        println!("{answer}");
    }
    let problem = serde_json::from_value::<Problem>(answer.clone());
    let problem =
        problem.map_err(|_| Failure::world(format!("the service has answered {status}, and not why")))?;
    if let Ok(verdict) = serde_json::from_value::<Verdict>(answer) {
        if !json {
            verdict.say(false);
        }
        return Ok(Answer::No);
    }
    let why = format!("{}: {}", problem.title, problem.detail.unwrap_or_default());
    let no = matches!(problem.r#type.as_str(), "/problems/identity-blocked" | "/problems/faucet-flood");
    if no {
        eprintln!("apogee: {why}");
        if let Some(seconds) = problem.retry_after {
            println!("come back in {seconds} s");
        }
        return Ok(Answer::No);
    }
    Err(if status >= 500 { Failure::world(why) } else { Failure::input(why) })
}

impl Request {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (question, service) = (&self.question, Service::of(&self.question.place)?);
        let (code, path) = (question.code()?, question.path(""));
        let kept = Kept::of(&question.place.key, &[&service.server, &path, &question.recipient, &code])?;
        let body = json!({ "recipient": question.recipient, "code": code });
        let asked = service.ask(&path, Some(&kept.key), Some(&body)).await;
        let (status, answer) = asked.map_err(|error| {
            Failure::world(format!("{}; ask again the same way: it is the same request", chain_of(&error)))
        })?;
        if status != 202 {
            // Whoever failed may have granted it all the same.
            if status < 500 {
                kept.answered()?;
            }
            return refused(status, answer, self.json);
        }
        let grant: Grant = serde_json::from_value(answer.clone()).map_err(Failure::world)?;
        grant.say(&service, self.json.then_some(&answer));
        kept.answered()?;
        if self.wait { grant.follow(&service, self.json).await } else { Ok(Answer::Yes) }
    }
}

impl Check {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let (question, service) = (&self.question, Service::of(&self.question.place)?);
        let body = json!({ "recipient": question.recipient, "code": question.code()? });
        let (status, answer) = service.ask(&question.path("/eligibility"), None, Some(&body)).await?;
        if status != 200 {
            return refused(status, answer, self.json);
        }
        if self.json {
            println!("{answer}");
        }
        let verdict: Verdict = serde_json::from_value(answer).map_err(Failure::world)?;
        if !self.json {
            verdict.say(true);
        }
        Ok(if verdict.allowed { Answer::Yes } else { Answer::No })
    }
}

/// How far a grant is.
#[derive(Debug, Deserialize)]
struct Grant {
    id: String,
    network: String,
    coin: Coin,
    amount: Atto,
    recipient: String,
    state: String,
    reason: String,
    queue: Option<u64>,
    message: Option<String>,
    confirmations: Option<i64>,
    settled: bool,
}

impl Grant {
    fn path(&self) -> String {
        format!("/faucet/{}/g/{}.json", self.network, self.id)
    }

    fn say(&self, service: &Service, json: Option<&Value>) {
        if let Some(json) = json {
            println!("{json}");
            return;
        }
        println!("{} to {}: {}", self.coin.money(self.amount), self.recipient, self.id);
        println!("{}{}", service.server, self.path().trim_end_matches(".json"));
        println!("{}", self.how());
    }

    /// In a line.
    fn how(&self) -> String {
        let queue = self.queue.map_or_else(String::new, |queue| format!(", {queue} before it"));
        let message = self.message.as_ref().map_or_else(String::new, |message| format!(", {message}"));
        let deep = self.confirmations.map_or_else(String::new, |deep| format!(", {deep} confirmations"));
        let reason = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        format!("{}{reason}{queue}{message}{deep}", self.state)
    }

    fn answer(&self) -> Answer {
        if matches!(self.state.as_str(), "failed" | "cancelled") { Answer::No } else { Answer::Yes }
    }

    /// Until nothing more happens.
    async fn follow(self, service: &Service, json: bool) -> Result<Answer, Failure> {
        let (path, mut now, mut failures) = (self.path(), self, 0);
        while !now.settled {
            tokio::time::sleep(BEAT).await;
            match service.ask(&path, None, None).await {
                Ok((200, answer)) => {
                    failures = 0;
                    let next: Self = serde_json::from_value(answer.clone()).map_err(Failure::world)?;
                    if next.how() != now.how() {
                        println!("{}", if json { answer.to_string() } else { next.how() });
                    }
                    now = next;
                }
                Ok((status, answer)) if status < 500 => return refused(status, answer, json),
                // It is paid whether anybody looks or not.
                Ok(_) | Err(Failure::World(_)) if failures < MOST_FAILURES => failures += 1,
                Ok((status, answer)) => return refused(status, answer, json),
                Err(error) => return Err(error),
            }
        }
        Ok(now.answer())
    }
}

/// What a faucet says of itself.
#[derive(Debug, Deserialize)]
struct Shown {
    faucet: String,
    coin: Coin,
    amount: Atto,
    open: bool,
    reason: Option<String>,
    band: String,
    queue: u64,
    median_seconds: Option<i64>,
    today: Today,
}

#[derive(Debug, Deserialize)]
struct Today {
    grants: u32,
}

impl Status {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let service = Service::of(&self.place)?;
        let network = &self.place.network;
        if let Some(id) = &self.grant {
            let fits = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
            if !id.bytes().all(fits) {
                return Err(Failure::input("a grant's id is of hexadecimal digits and -"));
            }
            let (status, answer) = service.ask(&format!("/faucet/{network}/g/{id}.json"), None, None).await?;
            if status != 200 {
                return refused(status, answer, self.json);
            }
            let grant: Grant = serde_json::from_value(answer.clone()).map_err(Failure::world)?;
            grant.say(&service, self.json.then_some(&answer));
            return if self.wait { grant.follow(&service, self.json).await } else { Ok(grant.answer()) };
        }
        let (status, answer) = service.ask(&format!("/faucet/{network}.json"), None, None).await?;
        if status != 200 {
            return refused(status, answer, self.json);
        }
        if self.json {
            println!("{answer}");
        }
        let shown: Shown = serde_json::from_value(answer).map_err(Failure::world)?;
        if !self.json {
            let why = shown.reason.map_or_else(String::new, |why| format!(" ({why})"));
            println!("{network}/{}  {}{why}", shown.faucet, if shown.open { "open" } else { "paused" });
            println!(
                "  {} a grant, wallet {}, {} wait",
                shown.coin.money(shown.amount),
                shown.band,
                shown.queue
            );
            let median =
                shown.median_seconds.map_or_else(String::new, |s| format!(", on the chain after {s} s"));
            println!("  {} grants today{median}", shown.today.grants);
        }
        Ok(if shown.open { Answer::Yes } else { Answer::No })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: Value, status: u16) -> Result<Answer, Failure> {
        refused(status, value, false)
    }

    #[test]
    fn a_refusal_by_rules_is_no_and_bad_input_is_bad_input() {
        let check = json!({ "code": "identity-limit", "rule": "identity-day", "outcome": "refused", "have": "1", "limit": "1",
            "resets": "2026-01-01T00:00:00Z", "reason": null, "text": "…" });
        let limit =
            json!({ "type": "/problems/faucet-limit", "title": "a", "detail": "b", "checks": [check] });
        assert_eq!(answer(limit, 429).unwrap(), Answer::No);
        let kind = |kind: &str| json!({ "type": format!("/problems/{kind}"), "title": "a", "detail": "b" });
        assert_eq!(answer(kind("faucet-flood"), 429).unwrap(), Answer::No);
        assert_eq!(answer(kind("identity-blocked"), 403).unwrap(), Answer::No);
        assert!(matches!(answer(kind("faucet-recipient"), 422), Err(Failure::Input(_))));
        assert!(matches!(answer(kind("key-invalid"), 401), Err(Failure::Input(_))));
        assert!(matches!(answer(kind("busy"), 503), Err(Failure::World(_))));
        assert!(matches!(answer(json!(["?"]), 200), Err(Failure::World(_))));
    }

    #[test]
    fn a_code_is_read_from_a_file_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("code");
        let place = Place { key: PathBuf::from("k"), network: "a".parse().unwrap() };
        let question = Question { place, recipient: String::new(), code_file: Some(file.clone()) };
        for (text, good) in [(" abc\n".to_owned(), true), (String::new(), false), ("a".repeat(129), false)] {
            std::fs::write(&file, &text).unwrap();
            assert_eq!(question.code().is_ok(), good, "{text:?}");
        }
        assert!(Question { code_file: None, ..question }.code().unwrap().is_empty());
    }
}
