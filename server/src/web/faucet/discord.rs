//! A faucet's door in Discord: what is said is verified, decided as for everybody, and answered at once.
//!
//! Nothing is sent to Discord: an answer is the answer to its request, and has to be there within three seconds.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use apogee_chat::{
    AddressText, Asked, Audience, Command, Interaction, Message, NoCommand, Part, Signed, commands, pong,
};
use apogee_domain::{NetworkId, Timestamp};
use apogee_faucet::Answer;
use apogee_faucet::policy::Assessment;
use apogee_store::{Account, AccountKind, Grant};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::balance::Balance;
use super::status::Status;
use super::told::{Told, money};
use super::transaction::Transaction;
use super::{Sent, undecided};
use crate::config::DISCORD;
use crate::faucets::Drip;
use crate::identity::Visitor;
use crate::web::ask::Language;
use crate::web::problem::{CHAT_UNREADABLE, CHAT_UNVERIFIED, UNKNOWN_FAUCET};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// How long what comes before a decision may take.
const WITHIN: Duration = Duration::from_millis(2_200);
/// How long the decision itself may take after that: it is made in the database alone.
const DECIDED_WITHIN: Duration = Duration::from_millis(500);

fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// `GET /discord/{network}`: the commands, as Discord is told of them.
pub(in crate::web) async fn registered(
    State(app): State<App>,
    Path(network): Path<String>,
) -> Result<Response, Problem> {
    app.discord(&network)?;
    Ok(json(&commands()))
}

/// `POST /discord/{network}`
pub(in crate::web) async fn receive(
    State(app): State<App>,
    visitor: Visitor,
    Path(network): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let at = app.discord(&network)?;
    let named = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (signature, timestamp) = (named("x-signature-ed25519"), named("x-signature-timestamp"));
    let key = &app.chats.door(&at.network).ok_or_else(unknown)?.key;
    let verified = key.verify(&Signed { signature, timestamp, body: &body }, visitor.now);
    let verified = verified.map_err(|error| {
        tracing::debug!(error = &error as &dyn Error, "a request for Discord's door is not Discord's");
        Problem::Faucet(CHAT_UNVERIFIED, "discord-unverified")
    })?;
    let asked = match Interaction::read(verified) {
        Ok(Interaction::Ping) => return Ok(json(&pong())),
        Ok(Interaction::Asked(asked)) => asked,
        Err(error) => {
            tracing::debug!(error = &error as &dyn Error, "what Discord has sent cannot be read");
            return Err(Problem::Faucet(CHAT_UNREADABLE, "discord-unreadable"));
        }
    };
    let language = if asked.locale.starts_with("zh") { Language::Chinese } else { Language::English };
    let told = match app.chats.pass(asked.by.id) {
        Err(wait) => Ok(said(&[Part::Words(&language.say("flood", &fluent_args!["n" => wait]))])),
        Ok(()) => at.answer(&app, &asked, language).await,
    };
    Ok(json(&told.unwrap_or_else(|problem| failed(&problem, language)).answer()))
}

fn unknown() -> Problem {
    Problem::Faucet(UNKNOWN_FAUCET, "discord-none")
}

/// One line for whoever asked.
fn said(parts: &[Part<'_>]) -> Message {
    let mut message = Message::new(Audience::Asker);
    message.line(parts);
    message
}

/// Why there is no answer. What went wrong here is for the log.
fn failed(problem: &Problem, language: Language) -> Message {
    if problem.kind().status.is_server_error() {
        tracing::warn!(error = problem as &dyn Error, "a command in Discord could not be answered");
    }
    said(&[Part::Words(&problem.detail(language))])
}

/// The faucet behind a door.
struct Behind {
    network: NetworkId,
    faucet: String,
    drip: Arc<Drip>,
}

impl App {
    fn discord(&self, network: &str) -> Result<Behind, Problem> {
        let network: NetworkId = network.parse().map_err(|_| unknown())?;
        let faucet = self.chats.door(&network).ok_or_else(unknown)?.faucet.clone();
        let mut all = self.faucets.all();
        let found = all.find(|((of, name), _)| *of == network && *name == faucet);
        let drip = Arc::clone(found.ok_or_else(unknown)?.1);
        Ok(Behind { network, faucet, drip })
    }

    /// A page of this site, for people who are elsewhere.
    fn link(&self, language: Language, path: &str) -> String {
        format!("{}{}{path}", self.door.base(), language.prefix())
    }
}

impl Behind {
    async fn answer(&self, app: &App, asked: &Asked, language: Language) -> Result<Message, Problem> {
        let address = match &asked.command {
            Ok(Command::Tap(address)) => address,
            Ok(Command::Help) => return Ok(help(None, language)),
            Err(why) => return Ok(help(Some(*why), language)),
            Ok(command) => {
                let looked = tokio::time::timeout(WITHIN, self.look(app, command, language)).await;
                return looked.unwrap_or(Err(Problem::Busy));
            }
        };
        self.tap(app, asked, address, language).await
    }

    async fn look(&self, app: &App, command: &Command, language: Language) -> Result<Message, Problem> {
        let network = &self.network;
        Ok(match command {
            Command::Balance(address) | Command::Tap(address) => {
                self.tell(app, &Balance::read(app, network, address).await?, Audience::Asker, language)
            }
            Command::Transaction(name) => {
                self.tell(app, &Transaction::read(app, network, name).await?, Audience::Asker, language)
            }
            Command::Status => {
                let status = Status::read(app, (network, &self.faucet), &self.drip).await?;
                self.tell(app, &status, Audience::Everybody, language)
            }
            Command::Help => help(None, language),
        })
    }

    fn tell(&self, app: &App, told: &impl Told, audience: Audience, language: Language) -> Message {
        let mut message = Message::new(audience);
        for row in told.rows(language) {
            let text = if row.code { Part::Code(&row.text) } else { Part::Words(&row.text) };
            message.line(&[Part::Strong(&row.label), Part::Words(" "), text]);
        }
        if let Some(grant) = told.grant() {
            message.line(&[Part::Link(&app.link(language, &format!("/faucet/{}/g/{grant}", self.network)))]);
        }
        message
    }

    /// Decide a request by the rules that hold for everybody. The interaction's id is the request's key: brought twice, it is granted once.
    async fn tap(
        &self,
        app: &App,
        asked: &Asked,
        address: &AddressText,
        language: Language,
    ) -> Result<Message, Problem> {
        let account = Account {
            provider: DISCORD.to_owned(),
            subject: asked.by.id.to_string(),
            handle: asked.by.name.clone(),
            kind: if asked.by.is_bot { AccountKind::Bot } else { AccountKind::User },
            created: Some(asked.by.id.created()),
        };
        let asking = async {
            let identity = app.door.meet(&account).await?;
            let sent = Sent {
                recipient: address.to_string(),
                code: String::new(),
                key: format!("discord-{}", asked.id),
            };
            app.request_of(&self.drip, (&identity, IpAddr::V4(Ipv4Addr::UNSPECIFIED)), &sent).await
        };
        // Nothing is counted yet: whoever is told to ask again may.
        let mut request = tokio::time::timeout(WITHIN, asking).await.unwrap_or(Err(Problem::Busy))?;
        // Requests come from Discord's servers, which are nobody's network: what counts by network holds for nobody here.
        request.applicant.prefixes.clear();
        let deciding = tokio::time::timeout(DECIDED_WITHIN, self.drip.desk.accept(request)).await;
        let Ok(decided) = deciding else {
            // It is decided all the same.
            let place = app.link(language, &format!("/faucet/{}", self.network));
            return Ok(said(&[
                Part::Words(&language.t("discord-late")),
                Part::Words(" "),
                Part::Link(&place),
            ]));
        };
        Ok(match decided.map_err(undecided)? {
            Answer::Granted(grant) | Answer::Repeated(grant) => self.granted(app, &grant, language),
            Answer::Refused(assessment) => refused(&assessment, language),
            // An interaction says one thing only: this one was made up.
            Answer::OtherRequest => said(&[Part::Words(&language.t("faucet-key-reused"))]),
        })
    }

    fn granted(&self, app: &App, grant: &Grant, language: Language) -> Message {
        let amount = money(app.kind(&self.network), grant.amount);
        let mut message = Message::new(Audience::Asker);
        message.line(&[Part::Strong(&language.t("discord-granted")), Part::Words(&format!(" {amount}"))]);
        message.line(&[Part::Code(&grant.given)]);
        message.line(&[
            Part::Words(&language.t("discord-watch")),
            Part::Words(" "),
            Part::Link(&app.link(language, &format!("/faucet/{}/g/{}", self.network, grant.id))),
        ]);
        message
    }
}

/// Every rule that refuses, with the moment from which it lets somebody pass.
fn refused(assessment: &Assessment, language: Language) -> Message {
    let mut message = said(&[Part::Strong(&language.t("faucet-refused"))]);
    let told = |at: Timestamp| Part::Time(Timestamp(at.0.saturating_add(999_999)));
    for check in assessment.refusals() {
        let (text, advice) = (
            language.name("faucet-refused", check.code.word()),
            language.name("faucet-advice", check.code.word()),
        );
        let mut parts = vec![Part::Words(&text), Part::Words(" "), Part::Code(&check.rule)];
        if let Some(reason) = check.reason.as_deref().filter(|reason| !reason.is_empty()) {
            parts.extend([Part::Words(" "), Part::Words(reason)]);
        }
        parts.extend(check.resets.into_iter().flat_map(|at| [Part::Words(" → "), told(at)]));
        message.line(&parts);
        message.line(&[Part::Words(&advice)]);
    }
    if let Some(next) = assessment.next_allowed_at() {
        message.line(&[Part::Words(&language.t("faucet-again")), Part::Words(" "), told(next)]);
    }
    message
}

/// What can be said; after what was not understood.
fn help(after: Option<NoCommand>, language: Language) -> Message {
    let mut message = Message::new(Audience::Asker);
    if let Some(why) = after {
        let why = match why {
            NoCommand::Unknown => "discord-not-understood",
            NoCommand::Address => "faucet-recipient-invalid",
            NoCommand::Transaction => "discord-no-transaction",
        };
        message.line(&[Part::Strong(&language.t(why))]);
    }
    for (command, says) in [
        ("/tap", "discord-help-tap"),
        ("/status", "discord-help-status"),
        ("/balance", "discord-help-balance"),
        ("/tx", "discord-help-tx"),
        ("/paste", "discord-help-paste"),
    ] {
        message.line(&[Part::Code(command), Part::Words(" "), Part::Words(&language.t(says))]);
    }
    message
}

#[cfg(test)]
mod tests {
    use apogee_faucet::policy::{Check, Code, Counts, Outcome};

    use super::*;

    #[test]
    fn a_refusal_names_every_rule_its_reason_and_the_moment() {
        let check = |code: Code, resets, reason: Option<&str>| Check {
            code,
            rule: format!("{}-rule", code.word()),
            counts: Counts::Nothing,
            have: None,
            limit: None,
            within: None,
            outcome: Outcome::Refused,
            resets,
            reason: reason.map(str::to_owned),
        };
        let checks = vec![
            check(Code::Denied, Some(Timestamp(5_000_001)), Some("a farm @everyone")),
            check(Code::IdentityLimit, Some(Timestamp(4_000_000)), None),
        ];
        let amount = apogee_domain::Atto::ZERO;
        let assessment = Assessment { tier: None, amount, checks, award: None };
        for language in Language::ALL {
            let text = refused(&assessment, language).text().to_owned();
            assert!(text.contains("`denied-rule`") && text.contains("`identity-limit-rule`"), "{text}");
            assert!(text.contains("a farm \\@everyone → <t:6:F>") && text.contains("→ <t:4:F>"), "{text}");
            assert!(text.ends_with("<t:6:F>"), "the later one, and not too early: {text}");
        }
    }

    #[test]
    fn whoever_is_not_understood_is_told_why_and_what_can_be_said() {
        for language in Language::ALL {
            for why in [NoCommand::Unknown, NoCommand::Address, NoCommand::Transaction] {
                let text = help(Some(why), language).text().to_owned();
                assert!(!text.contains("discord"), "a word is missing: {text}");
                assert!(text.contains("`/tap`") && text.contains("`/tx`"), "{text}");
            }
        }
    }
}
