//! What an entry of the ledger does, in one sentence.

use std::fmt::Display;

use apogee_competition::{Act, Competition, Entry, Outcome, Words};
use apogee_rules::Id;

use super::effect::money;
use crate::web::ask::Language;
use crate::web::figure::{Coin, grouped};
use crate::web::words::fluent_args;

/// Says what entries do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Teller<'a> {
    pub(super) language: Language,
    pub(super) competition: &'a Competition,
    pub(super) coin: Coin,
}

impl Teller<'_> {
    /// A text in the language of the page.
    pub(super) fn text<'w>(&self, words: &'w Words) -> &'w str {
        match self.language {
            Language::English => &words.en,
            Language::Chinese => &words.zh,
        }
    }

    fn entity(&self, id: &Id) -> String {
        self.competition.entities().get(id).map_or_else(|| id.to_string(), |entity| entity.name.clone())
    }

    fn list<T: Display>(&self, items: impl IntoIterator<Item = T>) -> String {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        items.join(&self.language.t("list-comma"))
    }

    fn amount(&self, atto: u128) -> String {
        let figure = money(atto, self.coin);
        format!("{} {}", figure.exact(), figure.scale.symbol)
    }

    /// What the entry does.
    pub(super) fn tell(&self, entry: &Entry) -> String {
        let key = format!("act-{}", entry.act.kind());
        let say = |arguments| self.language.say(&key, &arguments);
        match &entry.act {
            Act::Found { network, operators, threshold, .. } => say(fluent_args![
                "network" => network.to_string(), "n" => operators.len(), "threshold" => *threshold,
            ]),
            Act::Appoint { operator } => say(fluent_args!["operator" => operator.id.to_string()]),
            Act::Dismiss { operator } => say(fluent_args!["operator" => operator.to_string()]),
            Act::PublishRules { rules, .. } => {
                let version = &rules.0.version;
                let reason = match self.language {
                    Language::English => &version.reason.en,
                    Language::Chinese => &version.reason.zh,
                };
                say(fluent_args!["version" => version.number.to_string(), "reason" => reason.as_str()])
            }
            Act::Pause { incident, from } => {
                say(fluent_args!["incident" => incident.to_string(), "from" => grouped(from)])
            }
            Act::Resume { from } => say(fluent_args!["from" => grouped(from)]),
            Act::Freeze { pin } | Act::Finalize { pin, .. } | Act::Amend { pin, .. } => {
                say(fluent_args!["epoch" => grouped(pin.at)])
            }
            Act::Provisional { until } | Act::SetEnd { until, .. } => {
                say(fluent_args!["until" => grouped(until)])
            }
            Act::ApprovePayout { total, .. } => say(fluent_args!["amount" => self.amount(total.0)]),
            Act::Pay { amount, .. } => say(fluent_args!["amount" => self.amount(amount.0)]),
            Act::OpenPayoutAddresses { openings } => say(fluent_args!["n" => openings.len()]),
            Act::Disqualify { entities } => {
                say(fluent_args!["entities" => self.list(entities.iter().map(|id| self.entity(id)))])
            }
            Act::Waive { entity, check } => {
                say(fluent_args!["entity" => self.entity(entity), "check" => check.to_string()])
            }
            Act::RemoveInterval { from, until, metrics, regions } => {
                let all = |list: &[Id], key: &str| match list {
                    [] => self.language.t(key),
                    list => self.list(list),
                };
                say(fluent_args![
                    "from" => grouped(from), "last" => grouped(until.minus(1)),
                    "metrics" => all(metrics, "all-metrics"), "regions" => all(regions, "all-regions"),
                ])
            }
            Act::SetRegion { target, region } => {
                say(fluent_args!["entity" => self.entity(target), "region" => region.to_string()])
            }
            Act::Adjust { participant, series, from, delta } => say(fluent_args![
                "participant" => participant.to_string(), "series" => series.to_string(),
                "from" => grouped(from), "delta" => delta.to_string(),
            ]),
            Act::Attest { entity, what } => {
                say(fluent_args!["entity" => self.entity(entity), "what" => what.to_string()])
            }
            Act::SetAmount { pool, amount } => {
                say(fluent_args!["pool" => pool.to_string(), "amount" => self.amount(amount.0)])
            }
            Act::Award { entity, amount, title } => say(fluent_args![
                "entity" => self.entity(entity), "amount" => self.amount(amount.0), "title" => self.text(title),
            ]),
            Act::Revert { seq } => say(fluent_args!["seq" => seq.to_string()]),
            Act::Claim { message, .. } => self.claim(entry, message),
            Act::AnswerAppeal { appeal, outcome, .. } => {
                let outcome = match outcome {
                    Outcome::Upheld => self.language.t("appeal-upheld"),
                    Outcome::Dismissed => self.language.t("appeal-dismissed"),
                };
                say(fluent_args!["appeal" => appeal.to_string(), "outcome" => outcome])
            }
            Act::Announce { title, .. } => self.text(title).to_owned(),
            Act::Incident { title, .. } => say(fluent_args!["title" => self.text(title)]),
            Act::CloseIncident { incident, until } => {
                let title =
                    self.competition.incidents().get(incident).map(|incident| self.text(&incident.title));
                say(fluent_args![
                    "incident" => incident.to_string(), "until" => grouped(until),
                    "title" => title.unwrap_or_default(),
                ])
            }
            Act::Upgrade { title, network_version, .. } => {
                say(fluent_args!["title" => self.text(title), "version" => network_version.to_string()])
            }
            Act::OpenRegistration | Act::Start | Act::Thaw | Act::End | Act::Archive | Act::Cancel => {
                self.language.t(&key)
            }
        }
    }

    fn claim(&self, entry: &Entry, message: &str) -> String {
        let line = |name: &str| {
            let lines = message.lines().filter_map(|line| line.split_once(": "));
            lines.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default()
        };
        let arguments = fluent_args![
            "miner" => entry.actor.to_string(), "entity" => line("Entity"), "name" => line("Name"),
        ];
        let key = match line("Action") {
            "claim" => "act-claim-claim",
            "join" => "act-claim-join",
            "leave" => "act-claim-leave",
            "transfer" => "act-claim-transfer",
            "rename" => "act-claim-rename",
            "set-payout-address" => "act-claim-payout",
            "appeal" => "act-claim-appeal",
            _ => "act-claim-other",
        };
        self.language.say(key, &arguments)
    }
}

/// How an entry looks on a line of time.
pub(super) const fn class(act: &Act) -> &'static str {
    match act {
        Act::Incident { .. } | Act::CloseIncident { .. } | Act::Pause { .. } | Act::Cancel => "is-incident",
        Act::Upgrade { .. } => "is-upgrade",
        Act::PublishRules { .. }
        | Act::Start
        | Act::End
        | Act::Resume { .. }
        | Act::OpenRegistration
        | Act::Provisional { .. }
        | Act::Freeze { .. }
        | Act::Thaw
        | Act::Archive => "is-rule",
        Act::ApprovePayout { .. } | Act::Pay { .. } | Act::OpenPayoutAddresses { .. } => "is-money",
        Act::Announce { .. } | Act::Claim { .. } | Act::Found { .. } => "",
        _ => "is-decision",
    }
}
