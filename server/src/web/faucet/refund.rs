//! What miners are paid back, and why not.

use std::collections::BTreeSet;

use apogee_domain::{Epoch, Network, NetworkId};
use apogee_faucet::policy::{Coin, Money};
use apogee_faucet::refund::RefundPolicy;
use apogee_store::{Faucet, Page, PaymentState, Reimbursable};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;

use crate::refunds::Payback;
use crate::web::ask::{Ask, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::grouped;
use crate::web::problem::UNKNOWN_FAUCET;
use crate::web::query::{Asked, Questions, Why};
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Messages that are listed.
const LISTED: usize = 50;
/// Messages that are read at once, and pages of them that are looked through for those of one miner.
const PAGE: u32 = 500;
const PAGES: usize = 4;

/// `?miner=t01000`
#[derive(Debug, Default)]
pub(crate) struct OfMiner(Option<u64>);

impl Questions for OfMiner {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if name != "miner" {
            return Err(Why::Name);
        }
        // A form sends what a person typed: with or without what addresses begin with, or nothing.
        let id = value.trim().trim_start_matches(['f', 't']);
        self.0 = if id.is_empty() { None } else { Some(id.parse().map_err(|_| Why::Number)?) };
        Ok(())
    }
}

/// A faucet that pays back: whether it does, its rules, and what it has decided.
#[derive(Debug, Serialize)]
pub(super) struct RefundPage {
    network: String,
    faucet: String,
    enabled: bool,
    /// Why it is paused, or was resumed.
    reason: String,
    changed_by: String,
    changed_at: String,
    /// Up to which epoch messages were read.
    read: Option<i64>,
    /// The newest epoch that can no longer change.
    #[serde(rename = "final")]
    last: Option<i64>,
    /// Whether it does not read on: the log says why.
    stands_still: bool,
    day: Option<Today>,
    policy_version: u32,
    policy_digest: String,
    policy: RefundPolicy,
    /// The miner whose messages alone are listed.
    miner: Option<String>,
    /// Newest first.
    messages: Vec<Line>,
    /// Messages of before this epoch were not looked at.
    looked_back_to: Option<i64>,
    payments: Vec<Paid>,
}

/// What the newest day that was read comes to.
#[derive(Debug, Serialize)]
struct Today {
    from: i64,
    sums: Vec<Sum>,
}

#[derive(Debug, Serialize)]
struct Sum {
    state: &'static str,
    messages: u64,
    /// AttoFIL.
    burnt: String,
    /// AttoFIL.
    refund: String,
    #[serde(skip)]
    money: String,
}

/// A message.
#[derive(Debug, Serialize)]
struct Line {
    message: String,
    epoch: i64,
    time: Option<String>,
    miner: String,
    sender: String,
    method: u64,
    sectors: usize,
    /// AttoFIL.
    burnt: String,
    /// AttoFIL.
    refund: String,
    state: &'static str,
    /// A stable word: why it is not paid back, or not yet.
    reason: String,
    payment: Option<String>,
    #[serde(skip)]
    money: String,
    #[serde(skip)]
    burn: String,
}

/// A payment of messages that are listed.
#[derive(Debug, Serialize)]
struct Paid {
    id: String,
    state: &'static str,
    reason: String,
    payee: String,
    amount: String,
    /// The message that pays it.
    message: Option<String>,
    epoch: Option<i64>,
    #[serde(skip)]
    money: String,
}

impl RefundPage {
    async fn read(app: &App, payback: &Payback, row: Faucet, miner: Option<u64>) -> Result<Self, Problem> {
        let (network, name) = (&payback.network, &payback.name);
        let miner = miner.map(|id| format!("{}0{id}", payback.prefix));
        let (rows, looked_back_to) = newest(app, network, name, miner.as_deref()).await?;
        let names: BTreeSet<&String> = rows.iter().filter_map(|row| row.payment.as_ref()).collect();
        let mut payments = Vec::new();
        for id in names {
            payments.extend(paid(app, network, id).await?);
        }
        let state = payback.state();
        let known = app.now.load().network(network.as_str()).map(|now| now.network.clone());
        let cursor = app.store.cursor(network).await?;
        let day = state.day.map(|day| Today {
            from: day.from.height(),
            sums: day
                .sums
                .into_iter()
                .map(|(state, (messages, burnt, refund))| Sum {
                    state,
                    messages,
                    burnt: burnt.to_string(),
                    refund: refund.to_string(),
                    money: Coin::Fil.money(refund).to_string(),
                })
                .collect(),
        });
        Ok(Self {
            network: network.to_string(),
            faucet: name.clone(),
            enabled: row.enabled,
            reason: row.reason,
            changed_by: row.changed_by,
            changed_at: row.changed_at.to_string(),
            read: (row.day >= 0).then_some(row.day),
            last: cursor.and_then(|cursor| cursor.final_epoch).map(Epoch::height),
            stands_still: state.failed.is_some(),
            day,
            policy_version: row.policy_version,
            policy_digest: row.policy_digest.to_string(),
            policy: payback.policy.clone(),
            miner,
            messages: rows.into_iter().map(|row| line(row, known.as_ref())).collect(),
            looked_back_to,
            payments,
        })
    }

    /// The policy in words: what it is about, and what it says.
    fn rules(&self, language: Language) -> Vec<(String, String)> {
        let policy = &self.policy;
        let fil = |amount: Money| amount.to_string();
        let methods: Vec<_> =
            policy.methods.iter().map(|method| language.name("refund-method", &method.to_string())).collect();
        let epochs = |n: u32| language.say("refund-epochs", &fluent_args!["n" => n]);
        let share: Vec<_> = policy
            .share
            .iter()
            .map(|point| {
                let fee = grouped(point.base_fee);
                let percent = format!("{}.{:02}", point.millionths / 10_000, point.millionths % 10_000 / 100);
                language.say("refund-share-point", &fluent_args!["fee" => fee, "percent" => percent])
            })
            .collect();
        let mut rows = vec![
            ("refund-rule-percent", format!("{} %", policy.percent)),
            ("refund-rule-methods", methods.join(", ")),
            ("refund-rule-share", share.join("; ")),
            ("refund-rule-sector", fil(policy.per_sector)),
            ("refund-rule-message", fil(policy.per_message)),
            ("refund-rule-miner", fil(policy.per_miner)),
            ("refund-rule-owner", fil(policy.per_owner)),
            ("refund-rule-day", fil(policy.per_day)),
            ("refund-rule-day-epochs", epochs(policy.day_epochs)),
        ];
        rows.extend(policy.hold_epochs.map(|hold| ("refund-rule-hold", epochs(hold))));
        rows.push(("refund-rule-period", epochs(policy.period_epochs)));
        if !policy.blocked.is_empty() {
            rows.push(("refund-rule-blocked", policy.blocked.join(", ")));
        }
        rows.into_iter().map(|(key, text)| (language.t(key), text)).collect()
    }

    /// What there is to be known about a message beside its state: when it comes, or what to do.
    fn advice(&self, line: &Line, language: Language) -> String {
        let period = i64::from(self.policy.period_epochs).max(1);
        match line.state {
            "held" => {
                let until = line.epoch + i64::from(self.policy.hold_epochs.unwrap_or(0));
                language.say("refund-advice-held", &fluent_args!["epoch" => grouped(until)])
            }
            "owed" if !self.enabled => language.t("refund-advice-paused"),
            "owed" => {
                let read = self.read.unwrap_or(line.epoch);
                let next = (read.div_euclid(period) + 1) * period;
                language.say("refund-advice-owed", &fluent_args!["epoch" => grouped(next)])
            }
            "settled" => language.t("refund-advice-settled"),
            _ => language.name("refund-advice", &line.reason),
        }
    }

    fn epochs_behind(&self) -> String {
        grouped(self.last.unwrap_or(0).saturating_sub(self.read.unwrap_or(0)).max(0))
    }

    fn anchor(&self, payment: &str) -> String {
        payment.replace('/', "-")
    }
}

fn line(row: Reimbursable, network: Option<&Network>) -> Line {
    Line {
        time: network.map(|network| network.time_of(row.epoch).to_string()),
        epoch: row.epoch.height(),
        sectors: row.sectors.len(),
        burnt: row.burn.to_string(),
        refund: row.refund.to_string(),
        state: row.state.as_str(),
        money: Coin::Fil.money(row.refund).to_string(),
        burn: Coin::Fil.money(row.burn).to_string(),
        message: row.message,
        miner: row.miner,
        sender: row.sender,
        method: row.method,
        reason: row.reason,
        payment: row.payment,
    }
}

/// The newest messages, of one miner where one is asked for; and how far back was looked when that was not to the first one.
async fn newest(
    app: &App,
    network: &NetworkId,
    faucet: &str,
    miner: Option<&str>,
) -> Result<(Vec<Reimbursable>, Option<i64>), Problem> {
    let (mut rows, mut after): (Vec<Reimbursable>, Option<(Epoch, String)>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = Page { after, limit: PAGE };
        let found = app.store.newest_reimbursables(network, faucet, page).await?;
        let Some(last) = found.last() else { return Ok((rows, None)) };
        after = Some((last.epoch, last.message.clone()));
        rows.extend(found.into_iter().filter(|row| miner.is_none_or(|miner| row.miner == miner)));
        if rows.len() >= LISTED {
            rows.truncate(LISTED);
            let last = rows.last().map(|row| row.epoch.height());
            return Ok((rows, last));
        }
    }
    Ok((rows, after.map(|(epoch, _)| epoch.height())))
}

async fn paid(app: &App, network: &NetworkId, id: &str) -> Result<Option<Paid>, Problem> {
    let Some(payment) = app.store.payment(network, id).await? else { return Ok(None) };
    let transfers = app.store.transfers_of(network, id).await?;
    let included = transfers.last().and_then(|transfer| transfer.included.as_ref());
    let on_chain = matches!(payment.state, PaymentState::Included | PaymentState::Final);
    let included = included.filter(|_| on_chain);
    Ok(Some(Paid {
        state: payment.state.as_str(),
        reason: payment.reason,
        payee: payment.payee,
        amount: payment.amount.to_string(),
        money: Coin::Fil.money(payment.amount).to_string(),
        message: included.map(|inclusion| inclusion.message.clone()),
        epoch: included.map(|inclusion| inclusion.epoch.height()),
        id: payment.id,
    }))
}

#[derive(Template)]
#[template(path = "refunds.html")]
struct RefundsPage<'a> {
    c: Chrome<'a>,
    view: &'a RefundPage,
}

impl View for RefundPage {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        RefundsPage { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "message", "epoch", "miner", "sender", "method", "sectors", "burnt", "refund", "state", "reason",
            "payment",
        ]);
        for line in &self.messages {
            csv.row(&[
                &line.message,
                &line.epoch.to_string(),
                &line.miner,
                &line.sender,
                &line.method.to_string(),
                &line.sectors.to_string(),
                &line.burnt,
                &line.refund,
                line.state,
                &line.reason,
                line.payment.as_deref().unwrap_or_default(),
            ]);
        }
        Some(csv)
    }
}

/// `GET /faucet/{network}/refunds/{name}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, name)): Path<(String, String)>,
    Asked(OfMiner(miner)): Asked<OfMiner>,
) -> Result<Response, Problem> {
    let unknown = || Problem::Faucet(UNKNOWN_FAUCET, "refund-unknown");
    let network: NetworkId = network.parse().map_err(|_| unknown())?;
    let payback = app.refunds.get(&network, &name).ok_or_else(unknown)?;
    let row = app.store.faucet(&network, &name).await?.ok_or_else(unknown)?;
    ask.answer(&RefundPage::read(&app, payback, row, miner).await?)
}

#[cfg(test)]
mod tests {
    use apogee_faucet::refund::Reason;
    use apogee_store::ClaimState;

    use super::*;

    #[test]
    fn every_reason_is_said_in_words_with_what_to_do() {
        for language in Language::ALL {
            for reason in Reason::ALL {
                let word = reason.word();
                for key in [format!("faucet-refund-{word}"), format!("refund-advice-{word}")] {
                    // Who waits is told until when, in other words.
                    assert!(language.words().has(&key) || key == "refund-advice-unproven", "{key}");
                }
            }
            for state in ClaimState::ALL {
                assert!(language.words().has(&format!("refund-state-{}", state.as_str())));
            }
        }
    }

    #[test]
    fn a_miner_is_found_however_it_is_written() {
        let of = |text: &str| {
            let mut asked = OfMiner::default();
            asked.take("miner", text).map(|()| asked.0)
        };
        assert_eq!([of("t01000"), of("f01000"), of(" 1000 "), of("01000")], [Ok(Some(1_000)); 4]);
        assert_eq!([of(""), of("t")], [Ok(None); 2]);
        assert_eq!([of("t1abc"), of("'; --"), of("t0-1")], [Err(Why::Number); 3]);
    }
}
