//! A policy applied to a request.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};
use apogee_store::LimitKey;

use super::window::{self, Fit};
use super::{
    Applicant, Assessment, Award, Bucket, CHATS, Check, Code, Condition, Counts, Event, Exception, Facts,
    Limit, Money, Outcome, Policy, Scope, Span, Standing, Tier, limit_key,
};

/// What the charges of a request will be, and which charges of the past decide it.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    policy: &'a Policy,
    applicant: &'a Applicant,
    now: Timestamp,
    lane: Lane<'a>,
    /// Every limit with the key it counts by here.
    limits: Vec<(LimitKey, &'a Limit)>,
    buckets: Vec<(LimitKey, &'a Bucket)>,
}

/// Under which amounts and limits a request falls.
#[derive(Clone, Copy, Debug)]
enum Lane<'a> {
    Plain,
    Tier(&'a Tier),
    Event(&'a Event),
    /// A code that opens nothing; why is told, and the figures are those of no tier.
    Shut(Code),
}

/// What is known of the identity, the actor and each network: the keys under which an operator's words are looked up.
pub(super) fn subjects(applicant: &Applicant) -> Vec<LimitKey> {
    let mut keys = vec![
        limit_key(Scope::Identity, None, &applicant.identity),
        limit_key(Scope::Actor, None, &applicant.actor),
    ];
    keys.extend(applicant.prefixes.iter().map(|(scope, key)| limit_key(*scope, None, key)));
    keys
}

impl Policy {
    /// What has to be known to decide this request.
    #[must_use]
    pub fn plan<'a>(&'a self, applicant: &'a Applicant, now: Timestamp) -> Plan<'a> {
        let lane = self.lane(applicant, now);
        let (tier, own) = match lane {
            Lane::Plain | Lane::Shut(_) => (None, None),
            Lane::Tier(tier) => (Some(tier.name.as_str()), Some(&tier.limit)),
            Lane::Event(event) => (Some(event.name.as_str()), Some(&event.limit)),
        };
        let key = |scope: Scope| {
            let of = match scope {
                Scope::Identity => &applicant.identity,
                Scope::Actor => &applicant.actor,
                Scope::Event => "",
                _ => &applicant.prefixes.iter().find(|(prefix, _)| *prefix == scope)?.1,
            };
            Some(limit_key(scope, tier, of))
        };
        // Who has limits of a tier has those of the IP address besides, and no others.
        let holds = |scope: Scope| own.is_none() || scope.is_prefix();
        let common = self.limit.iter().filter(|limit| holds(limit.scope));
        let limits = common.chain(own.into_iter().flatten());
        let buckets = self.bucket.iter().filter(|bucket| holds(bucket.scope));
        Plan {
            policy: self,
            applicant,
            now,
            lane,
            limits: limits.filter_map(|limit| Some((key(limit.scope)?, limit))).collect(),
            buckets: buckets.filter_map(|bucket| Some((key(bucket.scope)?, bucket))).collect(),
        }
    }

    fn lane(&self, applicant: &Applicant, now: Timestamp) -> Lane<'_> {
        let guest = |event: &&Event| now < event.end() && event.guests.contains(&applicant.identity);
        match (&applicant.code, &self.event) {
            (Some(code), Some(event)) if event.admits(code) => {
                if now < event.end() {
                    Lane::Event(event)
                } else {
                    Lane::Shut(Code::EventOver)
                }
            }
            (Some(_), _) => Lane::Shut(Code::EventCode),
            (None, event) => {
                if let Some(event) = event.as_ref().filter(guest) {
                    return Lane::Event(event);
                }
                let fits = |tier: &&Tier| match &tier.when {
                    Condition::Miner => applicant.miner,
                    Condition::Provider(provider) => *provider == applicant.provider,
                };
                self.tier.iter().find(fits).map_or(Lane::Plain, Lane::Tier)
            }
        }
    }
}

impl Plan<'_> {
    /// The keys that are charged, with how many of each one's newest charges have to be known. In the order in which they are locked.
    #[must_use]
    pub fn demands(&self) -> BTreeMap<LimitKey, u32> {
        let mut demands = BTreeMap::new();
        let mut ask = |key: &LimitKey, charges: u32| {
            let most: &mut u32 = demands.entry(key.clone()).or_default();
            *most = charges.max(*most);
        };
        self.limits.iter().for_each(|(key, limit)| ask(key, limit.grants.max(1)));
        self.buckets.iter().for_each(|(key, bucket)| ask(key, bucket.charges()));
        // The first grant of a tier may be another amount than the next: there has to be a key by which to tell.
        if let Some(key) = self.first_key() {
            ask(&key, 1);
        }
        demands
    }

    /// The keys under which operators may have put something down about who asks.
    #[must_use]
    pub fn subjects(&self) -> Vec<LimitKey> {
        subjects(self.applicant)
    }

    fn tier(&self) -> Option<&str> {
        match self.lane {
            Lane::Plain | Lane::Shut(_) => None,
            Lane::Tier(tier) => Some(&tier.name),
            Lane::Event(event) => Some(&event.name),
        }
    }

    fn first_key(&self) -> Option<LimitKey> {
        let Lane::Tier(tier) = self.lane else { return None };
        tier.first.map(|_| limit_key(Scope::Actor, Some(&tier.name), &self.applicant.actor))
    }

    fn amount(&self, facts: &Facts) -> Money {
        match self.lane {
            Lane::Plain | Lane::Shut(_) => self.policy.amount,
            Lane::Event(event) => event.amount,
            Lane::Tier(tier) => {
                let had = self.first_key().and_then(|key| facts.charges.get(&key));
                tier.first.filter(|_| had.is_none_or(Vec::is_empty)).unwrap_or(tier.amount)
            }
        }
    }

    /// Decide. Looks at every rule, whether or not another one refuses already.
    #[must_use]
    pub fn assess(&self, facts: &Facts) -> Assessment {
        let amount = self.amount(facts).atto;
        let mut checks = vec![paused(&facts.standing)];
        checks.extend(self.denied(&facts.exceptions));
        checks.extend(self.account());
        if let Lane::Shut(code) = self.lane {
            let over = self.policy.event.as_ref().filter(|_| code == Code::EventOver);
            let limit = over.and_then(|event| u128::try_from(event.until).ok());
            checks.push(Check { limit, ..plain(code, false) });
        }
        let none = Vec::new();
        let charges = |key: &LimitKey| facts.charges.get(key).unwrap_or(&none).as_slice();
        for (key, limit) in &self.limits {
            let code = limit_code(limit.scope);
            checks.push(fitted(code, &limit.rule, window::grants(limit, charges(key), self.now)));
            let money = window::money(limit, charges(key), self.now, amount);
            checks.extend(money.map(|fit| fitted(code, &limit.rule, fit)));
        }
        for (key, bucket) in &self.buckets {
            let fit = window::bucket(bucket, charges(key), self.now);
            checks.push(fitted(limit_code(bucket.scope), &bucket.rule, fit));
        }
        checks.extend(self.recipient_balance());
        checks.extend(self.budget(&facts.standing, amount));
        checks.push(self.wallet(&facts.standing, amount));
        self.lift(&mut checks, &facts.exceptions);
        let granted = checks.iter().all(|check| check.outcome != Outcome::Refused);
        let award = granted.then(|| Award { amount, charges: self.demands().into_keys().collect() });
        Assessment { tier: self.tier().map(str::to_owned), amount, checks, award }
    }

    fn valid<'e>(&self, exceptions: &'e [Exception]) -> impl Iterator<Item = &'e Exception> {
        let now = self.now;
        exceptions.iter().filter(move |exception| exception.until.is_none_or(|until| now < until))
    }

    fn denied(&self, exceptions: &[Exception]) -> Option<Check> {
        // Of several, the one that holds longest: then none refuses.
        let denial = self
            .valid(exceptions)
            .filter(|exception| exception.denies)
            .max_by_key(|exception| exception.until.unwrap_or(Timestamp(i64::MAX)))?;
        Some(Check {
            resets: denial.until,
            reason: Some(denial.reason.clone()),
            ..plain(Code::Denied, false)
        })
    }

    fn lift(&self, checks: &mut [Check], exceptions: &[Exception]) {
        let lifts = |code: Code| {
            code.can_be_lifted()
                && self
                    .valid(exceptions)
                    .any(|one| !one.denies && (one.lifts.is_empty() || one.lifts.contains(&code)))
        };
        for check in checks.iter_mut().filter(|check| check.outcome == Outcome::Refused) {
            if lifts(check.code) {
                (check.outcome, check.resets) = (Outcome::Lifted, None);
            }
        }
    }

    fn account(&self) -> Vec<Check> {
        let (rule, who) = (&self.policy.account, self.applicant);
        let mut checks = Vec::new();
        if CHATS.contains(&who.provider.as_str()) {
            checks.push(plain(Code::AccountChat, rule.chats.contains(&who.provider)));
        }
        if rule.exempt_providers.contains(&who.provider) {
            return checks;
        }
        if !rule.kinds.is_empty() {
            checks.push(plain(Code::AccountKind, rule.kinds.contains(&who.account_kind)));
        }
        checks.extend(rule.min_age.map(|least| {
            let old_enough_at = who.account_created.map(|created| least.after(created));
            let met = old_enough_at.is_some_and(|at| at <= self.now);
            let age = who.account_created.map(|created| u128::from(self.now.since(created).as_secs()));
            Check {
                counts: Counts::Seconds,
                have: age,
                limit: Some(u128::from(least.seconds())),
                resets: old_enough_at.filter(|_| !met),
                ..plain(Code::AccountAge, met)
            }
        }));
        checks
    }

    fn recipient_balance(&self) -> Option<Check> {
        let below = self.policy.recipient_below?.atto;
        let has = self.applicant.recipient_balance;
        let met = has.is_some_and(|has| has < below);
        let check = plain(Code::RecipientBalance, met);
        Some(Check { counts: Counts::Atto, have: has.map(|has| has.0), limit: Some(below.0), ..check })
    }

    fn budget(&self, standing: &Standing, amount: Atto) -> Vec<Check> {
        let (budget, mut checks) = (&self.policy.budget, Vec::new());
        let midnight = Timestamp::from_seconds((self.now.seconds().div_euclid(86_400) + 1) * 86_400);
        let mut day = |code, counts, have: u128, limit: u128, met: bool| {
            let resets = Some(midnight).filter(|_| !met);
            let within = Some(Span::DAY);
            checks.push(Check {
                counts,
                have: Some(have),
                limit: Some(limit),
                within,
                resets,
                ..plain(code, met)
            });
        };
        if let Some(most) = budget.grants_per_day {
            let had = standing.day_grants;
            day(Code::BudgetGrants, Counts::Grants, had.into(), most.into(), had < most);
        }
        if let Some(most) = budget.amount_per_day {
            let sum = standing.day_amount.checked_add(amount);
            let met = sum.is_some_and(|sum| sum <= most.atto);
            day(Code::BudgetAmount, Counts::Atto, standing.day_amount.0, most.atto.0, met);
        }
        if let Some(pace) = &budget.pace {
            let word = Code::Pace.word();
            checks.push(fitted(Code::Pace, word, window::pace(pace, standing.full_at, self.now)));
        }
        checks
    }

    fn wallet(&self, standing: &Standing, amount: Atto) -> Check {
        let needed = self.policy.wallet.floor.atto.checked_add(amount);
        let met = standing.funds.zip(needed).is_some_and(|(funds, needed)| needed <= funds);
        Check {
            counts: Counts::Atto,
            have: standing.funds.map(|funds| funds.0),
            limit: needed.map(|needed| needed.0),
            ..plain(Code::WalletEmpty, met)
        }
    }
}

const fn limit_code(scope: Scope) -> Code {
    match scope {
        Scope::Identity => Code::IdentityLimit,
        Scope::Actor => Code::RecipientLimit,
        Scope::Event => Code::EventLimit,
        Scope::V4Address | Scope::V4Network | Scope::V6Network | Scope::V6Site => Code::NetworkLimit,
    }
}

fn paused(standing: &Standing) -> Check {
    Check { reason: standing.paused.clone(), ..plain(Code::Paused, standing.paused.is_none()) }
}

fn plain(code: Code, met: bool) -> Check {
    Check {
        code,
        rule: code.word().to_owned(),
        counts: Counts::Nothing,
        have: None,
        limit: None,
        within: None,
        outcome: if met { Outcome::Met } else { Outcome::Refused },
        resets: None,
        reason: None,
    }
}

fn fitted(code: Code, rule: &str, fit: Fit) -> Check {
    Check {
        rule: rule.to_owned(),
        counts: fit.counts,
        have: Some(fit.have),
        limit: Some(fit.limit),
        within: fit.within,
        resets: fit.resets,
        ..plain(code, fit.fits)
    }
}
