use apogee_domain::NetworkId;
use apogee_faucet::Notation;
use apogee_faucet::policy::{Bucket, Coin, Limit, Money, Policy, Scope};
use apogee_store::PaymentState;
use askama::Template;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::undecided;
use super::verdict::Verdict;
use crate::faucets::{self, Drip, band, latest, median};
use crate::identity::Visitor;
use crate::web::ask::{Ask, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::grouped;
use crate::web::time::span;
use crate::web::view::View;
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// A faucet: whether it is open, its rules, and a form.
#[derive(Debug, Serialize)]
pub(crate) struct FaucetPage {
    network: String,
    faucet: String,
    /// What amounts are of: `FIL`, `SMH`.
    coin: Coin,
    /// A grant, 10⁻¹⁸ of the coin.
    amount: String,
    open: bool,
    /// Why it is paused.
    reason: Option<String>,
    /// `ample`, `low`, `empty`; `unknown` where the wallet's balance is not known.
    band: &'static str,
    /// Payments that wait for a nonce.
    queue: u64,
    /// Seconds from a request to its epoch, in the middle of the newest ones that are on the chain.
    median_seconds: Option<i64>,
    today: Today,
    policy_version: u32,
    policy_digest: String,
    rules: Rules,
    latest: Vec<Latest>,
    /// Faucets of the network that pay back.
    refunds: Vec<String>,
    #[serde(skip)]
    money: String,
    #[serde(skip)]
    handle: Option<String>,
    #[serde(skip)]
    mark: String,
    #[serde(skip)]
    key: String,
    /// What addresses begin with, where that is one thing.
    #[serde(skip)]
    prefix: Option<String>,
    #[serde(skip)]
    pub(super) recipient: String,
    #[serde(skip)]
    pub(super) verdict: Option<Verdict>,
    #[serde(skip)]
    events: bool,
}

/// The UTC day.
#[derive(Debug, Serialize)]
struct Today {
    grants: u32,
    /// 10⁻¹⁸ of the coin.
    amount: String,
}

/// The policy without who is invited to what.
#[derive(Debug, Serialize)]
struct Rules {
    account_kinds: Vec<String>,
    account_min_age: Option<String>,
    /// Chats in which people may ask.
    account_chats: Vec<String>,
    recipient_below: Option<Money>,
    limits: Vec<Limit>,
    buckets: Vec<Bucket>,
    grants_per_day: Option<u32>,
    amount_per_day: Option<Money>,
}

#[derive(Debug, Serialize)]
struct Latest {
    id: String,
    amount: String,
    state: &'static str,
    created: String,
    #[serde(skip)]
    money: String,
}

impl Latest {
    fn of(latest: faucets::Latest, coin: Coin) -> Self {
        let grant = latest.grant;
        Self {
            amount: grant.amount.to_string(),
            state: latest.state.as_str(),
            created: grant.created.to_string(),
            money: coin.money(grant.amount).to_string(),
            id: grant.id,
        }
    }
}

impl Rules {
    fn of(policy: &Policy) -> Self {
        Self {
            account_kinds: policy.account.kinds.clone(),
            account_min_age: policy.account.min_age.map(|age| age.to_string()),
            account_chats: policy.account.chats.clone(),
            recipient_below: policy.recipient_below,
            limits: policy.limit.clone(),
            buckets: policy.bucket.clone(),
            grants_per_day: policy.budget.grants_per_day,
            amount_per_day: policy.budget.amount_per_day,
        }
    }
}

impl FaucetPage {
    pub(super) async fn read(
        app: &App,
        (network, name): (&NetworkId, &str),
        drip: &Drip,
        visitor: &Visitor,
    ) -> Result<Self, Problem> {
        let standing = drip.desk.standing().await.map_err(undecided)?;
        let policy = drip.desk.policy();
        let counts = app.store.open_counts(network, &drip.wallet).await?;
        let waiting = counts.iter().find(|(state, _)| *state == PaymentState::Accepted);
        let latest = latest(&*app.store, network, name).await?;
        let mark = visitor.mark();
        // A form is sent once, however often its button is pressed; the next page has the next key.
        let key = Sha256::digest(format!("faucet {mark} {}", visitor.now.0));
        Ok(Self {
            network: network.to_string(),
            faucet: name.to_owned(),
            coin: policy.coin(),
            amount: policy.amount.atto.to_string(),
            open: standing.paused.is_none(),
            reason: standing.paused,
            band: band(Some(policy), standing.funds),
            queue: waiting.map_or(0, |(_, count)| count.payments),
            median_seconds: median(&latest),
            today: Today { grants: standing.day_grants, amount: standing.day_amount.to_string() },
            policy_version: policy.version,
            policy_digest: policy.digest().to_string(),
            rules: Rules::of(policy),
            latest: latest.into_iter().map(|latest| Latest::of(latest, policy.coin())).collect(),
            refunds: app.refunds.of(network),
            money: policy.amount.to_string(),
            handle: visitor.identity().map(|identity| identity.account.handle.clone()),
            mark,
            key: apogee_domain::Digest(key.into()).to_string(),
            prefix: match drip.desk.notation() {
                Notation::Filecoin(_) => None,
                notation @ Notation::Spacemesh(_) => Some(notation.to_string()),
            },
            recipient: String::new(),
            verdict: None,
            events: policy.event.is_some(),
        })
    }

    /// The rules in words: what they are about, and what they say.
    fn rows(&self, language: Language) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut add = |code: &str, text: String| rows.push((language.name("faucet-check", code), text));
        let rules = &self.rules;
        if let Some(age) = &rules.account_min_age {
            add("account-age", language.say("faucet-rule-age", &fluent_args!["age" => age.as_str()]));
        }
        if !rules.account_chats.is_empty() {
            add("account-chat", rules.account_chats.join(", "));
        }
        for limit in &rules.limits {
            let n = limit.grants;
            let text = match limit.within {
                Some(within) => {
                    let within = span(language, i64::try_from(within.seconds()).unwrap_or(i64::MAX));
                    language.say("faucet-rule-within", &fluent_args!["n" => n, "span" => within])
                }
                None => language.say("faucet-rule-ever", &fluent_args!["n" => n]),
            };
            add(code(limit.scope), format!("{text}{}", network_of(limit.scope)));
        }
        for bucket in &rules.buckets {
            let every = span(language, i64::try_from(bucket.refill.seconds()).unwrap_or(i64::MAX));
            let arguments = fluent_args!["n" => bucket.burst, "span" => every];
            let text = language.say("faucet-rule-bucket", &arguments);
            add(code(bucket.scope), format!("{text}{}", network_of(bucket.scope)));
        }
        if let Some(below) = rules.recipient_below {
            let below = below.to_string();
            add("recipient-balance", language.say("faucet-rule-below", &fluent_args!["amount" => below]));
        }
        if let Some(n) = rules.grants_per_day {
            add("budget-grants", language.say("faucet-rule-day", &fluent_args!["n" => n]));
        }
        if let Some(amount) = rules.amount_per_day {
            let amount = amount.to_string();
            add("budget-amount", language.say("faucet-rule-day-amount", &fluent_args!["amount" => amount]));
        }
        rows
    }

    fn median(&self, language: Language) -> Option<String> {
        self.median_seconds.map(|seconds| span(language, seconds))
    }

    fn queued(&self) -> String {
        grouped(self.queue)
    }

    fn granted_today(&self) -> String {
        grouped(self.today.grants)
    }
}

const fn code(scope: Scope) -> &'static str {
    match scope {
        Scope::Identity => "identity-limit",
        Scope::Actor => "recipient-limit",
        Scope::Event => "event-limit",
        Scope::V4Address | Scope::V4Network | Scope::V6Network | Scope::V6Site => "network-limit",
    }
}

const fn network_of(scope: Scope) -> &'static str {
    match scope {
        Scope::V4Address => " (/32)",
        Scope::V4Network => " (/24)",
        Scope::V6Network => " (/64)",
        Scope::V6Site => " (/48)",
        Scope::Identity | Scope::Actor | Scope::Event => "",
    }
}

#[derive(Template)]
#[template(path = "faucet.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a FaucetPage,
}

impl Page<'_> {
    /// What an address looks like.
    fn hint(&self) -> String {
        match &self.view.prefix {
            None => self.c.t("faucet-recipient-hint"),
            Some(prefix) => {
                let arguments = fluent_args!["prefix" => prefix.as_str()];
                self.c.language().say("faucet-recipient-hint-prefix", &arguments)
            }
        }
    }
}

impl View for FaucetPage {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::alone(ask, Section::Elsewhere), view: self }.render()
    }
}
