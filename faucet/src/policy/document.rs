//! A policy as it is written.

use std::collections::BTreeSet;

use apogee_domain::{Atto, Digest, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Coin, Money, Scope, Span};

/// Everything that decides whether somebody is granted money, and how much. TOML; an unknown key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its number; every change has a higher one.
    pub version: u32,
    /// How much a grant is.
    pub amount: Money,
    /// Nobody who has this much already is granted more.
    pub recipient_below: Option<Money>,
    /// What is asked of accounts.
    #[serde(default)]
    pub account: Account,
    /// Sliding windows. Those by IP address hold for everybody, the others for who is in no tier.
    #[serde(default)]
    pub limit: Vec<Limit>,
    /// Token buckets; for whom they hold as for [`limit`](Self::limit).
    #[serde(default)]
    pub bucket: Vec<Bucket>,
    /// What all grants of a UTC day come to at most, and how fast they follow each other.
    #[serde(default)]
    pub budget: Budget,
    /// What has to stay in the wallet.
    pub wallet: Wallet,
    /// Other amounts and limits for some.
    #[serde(default)]
    pub tier: Vec<Tier>,
    /// A workshop or the like, with a code for its guests.
    pub event: Option<Event>,
}

/// What is asked of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Kinds that may ask (`user`, `bot`, `organization`); empty for all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// How old it is at least, to the microsecond.
    pub min_age: Option<Span>,
    /// Providers whose accounts neither kind nor age is asked of: who has an invite was looked at by whoever gave it.
    #[serde(default)]
    pub exempt_providers: Vec<String>,
    /// Chats whose people may ask in the chat ([`CHATS`]); empty for none. Their own networks are not known: what counts by network does not hold for
    /// them. Left out of the canonical form while it is empty, so that policies from before there were chats have the digests that they had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chats: Vec<String>,
}

/// Providers of identities that are chats: nobody from there may ask unless the policy says so.
pub const CHATS: [&str; 1] = ["discord"];

/// At most so many grants, and so much money, in a window that slides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Its name, by which a refusal is told.
    pub rule: String,
    /// What it counts by.
    pub scope: Scope,
    /// How many grants.
    pub grants: u32,
    /// How much money.
    pub amount: Option<Money>,
    /// In what time; for ever where it is left out.
    pub within: Option<Span>,
}

/// A bucket of tokens, full at first. A grant takes one; one comes back at a time. Looks back [`Bucket::LOOK_BACK`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name, by which a refusal is told.
    pub rule: String,
    /// What it counts by.
    pub scope: Scope,
    /// How many tokens it holds.
    pub burst: u32,
    /// How long one takes to come back.
    pub refill: Span,
}

/// What everybody together may get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Grants in a UTC day.
    pub grants_per_day: Option<u32>,
    /// Money in a UTC day.
    pub amount_per_day: Option<Money>,
    /// How fast grants may follow each other.
    pub pace: Option<Pace>,
}

/// A token bucket of all grants together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// How many at once.
    pub burst: u32,
    /// How long until the next.
    pub refill: Span,
}

/// What has to stay in the wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wallet {
    /// Nothing is granted that would leave less than this.
    pub floor: Money,
    /// With fewer grants left than this, it is told to be low.
    pub low: u32,
}

/// Another amount with limits of its own, which are counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub when: Condition,
    /// How much a grant is.
    pub amount: Money,
    /// How much the first one is, where that differs.
    pub first: Option<Money>,
    /// Limits by identity and actor.
    #[serde(default)]
    pub limit: Vec<Limit>,
}

/// Who is in a tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The recipient is owner or worker of a storage miner on the network: `when = "miner"`.
    Miner,
    /// Who asks is known by this provider: `when = { provider = "discord" }`.
    Provider(String),
}

/// A workshop or the like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// SHA-256 of each code that lets a guest in; the codes themselves are not in the policy, which is public.
    #[serde(default)]
    pub codes: Vec<Digest>,
    /// Guests who need no code: identities, as `github:583231`.
    #[serde(default)]
    pub guests: Vec<String>,
    /// When it is over: seconds since 1970.
    pub until: i64,
    /// How much a grant is.
    pub amount: Money,
    /// Limits by identity, by actor, and of the whole event.
    #[serde(default)]
    pub limit: Vec<Limit>,
}

/// A policy that is none.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML, or a key is unknown, missing or of the wrong kind.
    #[error("the policy does not read")]
    Toml(#[from] toml::de::Error),
    /// It reads, but makes no sense.
    #[error("the policy's {what} {problem}")]
    Invalid {
        /// Which part.
        what: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// The most charges of one key that a limit looks at.
const MOST_CHARGES: u32 = 10_000;
const LONGEST_NAME: usize = 40;
const MOST_RULES: usize = 64;

impl Bucket {
    /// Grants older than this are forgotten: who kept the bucket empty for so long finds it full at the beginning of the day.
    pub const LOOK_BACK: Span = Span::DAY;

    /// How many charges decide it at most.
    #[must_use]
    pub fn charges(&self) -> u32 {
        let refilled = Self::LOOK_BACK.micros() / self.refill.micros().max(1);
        u32::try_from(refilled).unwrap_or(u32::MAX).saturating_add(self.burst)
    }
}

impl Event {
    /// Whether this code lets somebody in.
    #[must_use]
    pub fn admits(&self, code: &str) -> bool {
        let given = Digest(Sha256::digest(code.as_bytes()).into());
        // No early end: how long it takes says nothing of the codes.
        self.codes.iter().fold(false, |found, known| found | (*known == given))
    }

    /// When it is over.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        Timestamp::from_seconds(self.until)
    }
}

impl Policy {
    /// Read and check it.
    ///
    /// # Errors
    /// [`PolicyError`] says what is wrong and where.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text)?;
        policy.check()?;
        Ok(policy)
    }

    /// SHA-256 of its canonical form: JSON with every key, in the order of this type.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Text, integers and lists of them: there is nothing in it that JSON cannot hold.
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        Digest(Sha256::digest(canonical).into())
    }

    /// What all of its amounts are counted in.
    #[must_use]
    pub const fn coin(&self) -> Coin {
        self.amount.coin
    }

    /// Every amount in it.
    fn amounts(&self) -> impl Iterator<Item = Money> {
        let of = |limits: &[Limit]| limits.iter().filter_map(|limit| limit.amount).collect::<Vec<_>>();
        let tiers = self
            .tier
            .iter()
            .flat_map(move |tier| of(&tier.limit).into_iter().chain([tier.amount]).chain(tier.first));
        let event =
            self.event.iter().flat_map(move |event| of(&event.limit).into_iter().chain([event.amount]));
        [self.amount, self.wallet.floor]
            .into_iter()
            .chain(self.recipient_below)
            .chain(self.budget.amount_per_day)
            .chain(of(&self.limit))
            .chain(tiers)
            .chain(event)
    }

    fn check(&self) -> Result<(), PolicyError> {
        let one = self.amounts().all(|amount| amount.coin == self.coin());
        ensure(one, "list of amounts", "is in more than one coin")?;
        let mut names = BTreeSet::new();
        some(self.amount, "amount")?;
        some(self.recipient_below.unwrap_or(self.amount), "recipient_below")?;
        rules(&self.limit, &mut names, |scope| scope != Scope::Event, "limit")?;
        for bucket in &self.bucket {
            let what = format!("bucket {}", bucket.rule);
            name(&bucket.rule, &mut names, &what)?;
            ensure(bucket.scope != Scope::Event, &what, "counts by event, which only an event's limits may")?;
            ensure(bucket.burst > 0, &what, "never lets anybody pass")?;
            ensure(bucket.charges() <= MOST_CHARGES, &what, "looks at more than 10,000 grants")?;
        }
        if let Some(pace) = &self.budget.pace {
            ensure(pace.burst > 0, "pace", "never lets anybody pass")?;
        }
        ensure(
            self.tier.len() + self.bucket.len() <= MOST_RULES,
            "list of tiers and buckets",
            "is too long",
        )?;
        for tier in &self.tier {
            let what = format!("tier {}", tier.name);
            name(&tier.name, &mut names, &what)?;
            some(tier.amount, &what)?;
            some(tier.first.unwrap_or(tier.amount), &what)?;
            // Its limits stand in the place of those by identity and recipient.
            ensure(!tier.limit.is_empty(), &what, "has no limit: whoever is in it could ask without end")?;
            rules(&tier.limit, &mut names, |scope| scope != Scope::Event && !scope.is_prefix(), &what)?;
        }
        self.check_chats()?;
        if let Some(event) = &self.event {
            let what = format!("event {}", event.name);
            name(&event.name, &mut names, &what)?;
            some(event.amount, &what)?;
            ensure(!event.limit.is_empty(), &what, "has no limit: every guest could ask without end")?;
            rules(&event.limit, &mut names, |scope| !scope.is_prefix(), &what)?;
            let bounded = event.codes.len() <= 1_000 && event.guests.len() <= 10_000;
            ensure(bounded, &what, "has more than 1,000 codes or 10,000 guests")?;
        }
        Ok(())
    }

    /// Where no network is known, nothing but the account stands between one person and the wallet.
    fn check_chats(&self) -> Result<(), PolicyError> {
        let counts = |limits: &[Limit]| limits.iter().any(|limit| limit.scope == Scope::Identity);
        let plain = counts(&self.limit) || self.bucket.iter().any(|bucket| bucket.scope == Scope::Identity);
        for chat in &self.account.chats {
            ensure(
                CHATS.contains(&chat.as_str()),
                "account.chats",
                "names what is no chat; there is discord",
            )?;
            let tier = |tier: &&Tier| matches!(&tier.when, Condition::Provider(provider) if provider == chat);
            // Tiers before it may have its people first, and those after it never.
            let own = self.tier.iter().position(|of| tier(&of));
            let before = self.tier.iter().take(own.map_or(self.tier.len(), |own| own.saturating_add(1)));
            let bounded = before.clone().all(|tier| counts(&tier.limit)) && (own.is_some() || plain);
            ensure(bounded, "account.chats", "lets people ask for whom no limit counts by identity")?;
            // An account costs nothing there, and comes from nowhere.
            let aged = self.account.min_age.is_some() && !self.account.exempt_providers.contains(chat);
            ensure(aged, "account.chats", "lets accounts ask of which no min_age is asked")?;
            let budget = self.budget.grants_per_day.is_some() || self.budget.amount_per_day.is_some();
            ensure(
                budget,
                "account.chats",
                "lets people ask, and no budget bounds what a day of it comes to",
            )?;
            let guest = |guest: &String| guest.strip_prefix(chat).is_some_and(|rest| rest.starts_with(':'));
            let event =
                self.event.iter().all(|event| counts(&event.limit) || !event.guests.iter().any(guest));
            ensure(
                event,
                "account.chats",
                "lets guests of an event ask for whom no limit counts by identity",
            )?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, what: &str, problem: &'static str) -> Result<(), PolicyError> {
    if holds { Ok(()) } else { Err(PolicyError::Invalid { what: what.to_owned(), problem }) }
}

fn some(amount: Money, what: &str) -> Result<(), PolicyError> {
    ensure(amount.atto > Atto::ZERO, what, "is no money at all")
}

fn name<'a>(name: &'a str, names: &mut BTreeSet<&'a str>, what: &str) -> Result<(), PolicyError> {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    ensure(plain && !name.is_empty(), what, "has a name that is not of a to z, 0 to 9 and -")?;
    ensure(name.len() <= LONGEST_NAME, what, "has a name of more than 40 letters")?;
    ensure(names.insert(name), what, "has the name of another rule")
}

fn rules<'a>(
    limits: &'a [Limit],
    names: &mut BTreeSet<&'a str>,
    allowed: impl Fn(Scope) -> bool,
    whose: &str,
) -> Result<(), PolicyError> {
    ensure(limits.len() <= MOST_RULES, whose, "has more than 64 limits")?;
    for limit in limits {
        let what = format!("{whose} {}", limit.rule);
        name(&limit.rule, names, &what)?;
        ensure(allowed(limit.scope), &what, "counts by what it cannot count by here")?;
        ensure(limit.grants <= MOST_CHARGES, &what, "allows more than 10,000 grants")?;
    }
    Ok(())
}
