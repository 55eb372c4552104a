//! Requests that are decided together, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::{Atto, NetworkId, Timestamp};
use apogee_store::{
    Charge, Faucet, FaucetEntry, Grant, LimitKey, Payment, PaymentState, StoreError, Wallet, WalletMode, Work,
};

use super::{Answer, BATCH, Desk, DeskError, Request, Waiting, day};
use crate::policy::{Award, Exception, Facts, Plan, Standing};

pub(super) fn absent(network: &NetworkId, faucet: &str) -> StoreError {
    StoreError::Conflict {
        what: "the faucet",
        found: "absent".to_owned(),
        expected: format!("{network}/{faucet}"),
    }
}

/// What a policy needs to know of a faucet and the wallet that pays for it: one that is stopped grants nothing.
#[must_use]
pub fn standing(faucet: &Faucet, wallet: Option<&Wallet>, funds: Option<Atto>, now: Timestamp) -> Standing {
    let stopped = wallet.filter(|wallet| wallet.mode != WalletMode::Open);
    let stopped = stopped.map(|wallet| wallet.reason.clone());
    let today = faucet.day >= day(now);
    Standing {
        paused: if faucet.enabled { stopped } else { Some(faucet.reason.clone()) },
        day_grants: if today { u32::try_from(faucet.day_grants).unwrap_or(u32::MAX) } else { 0 },
        day_amount: if today { faucet.day_amount } else { Atto::ZERO },
        full_at: faucet.full_at,
        funds,
    }
}

/// Words of an operator. A code that this program does not know lifts nothing.
pub(super) fn exception(entry: &FaucetEntry) -> Exception {
    let words = entry.lifts.split(',').filter(|word| !word.is_empty());
    let lifts: Vec<_> = words.clone().filter_map(|word| word.parse().ok()).collect();
    // Without a name it lifts everything: so an entry of which no name is known has to lift nothing.
    let until = if lifts.is_empty() && words.count() > 0 { Some(Timestamp(i64::MIN)) } else { entry.until };
    Exception { denies: entry.denies, lifts, until, reason: entry.reason.clone() }
}

/// Decide until nobody waits.
pub(super) async fn decide_all(desk: Arc<Desk>) {
    let guard = Busy(&desk);
    loop {
        gather(&desk).await;
        let waiting: Vec<Waiting> = {
            let mut inner = desk.inner();
            let first = BATCH.min(inner.waiting.len());
            if first == 0 {
                inner.busy = false;
                break;
            }
            inner.waiting.drain(..first).collect()
        };
        let (requests, answers): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|one| (one.request, one.answer)).unzip();
        match decide(&desk, &requests).await {
            Ok(decided) => {
                // Whoever no longer listens has been decided nevertheless.
                for (to, answer) in answers.into_iter().zip(decided) {
                    drop(to.send(Ok(answer)));
                }
            }
            Err(error) => {
                for to in answers {
                    drop(to.send(Err(again(&error))));
                }
            }
        }
    }
    std::mem::forget(guard);
}

/// Let those who have just been answered ask again: a unit of work costs much the same for one as for many.
async fn gather(desk: &Desk) {
    let mut before = 0;
    loop {
        tokio::task::yield_now().await;
        let now = desk.inner().waiting.len();
        if now <= before || now >= BATCH {
            return;
        }
        before = now;
    }
}

fn again(error: &DeskError) -> DeskError {
    match error {
        DeskError::Policy { found, ours } => DeskError::Policy { found: *found, ours: *ours },
        DeskError::Store(error) => DeskError::Store(Arc::clone(error)),
        DeskError::Key => DeskError::Key,
        DeskError::Recipient(error) => DeskError::Recipient(error.clone()),
        DeskError::Busy => DeskError::Busy,
    }
}

/// When deciding panics, the next who asks has to find the desk free.
struct Busy<'a>(&'a Desk);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.inner().busy = false;
    }
}

async fn decide(desk: &Desk, requests: &[Request]) -> Result<Vec<Answer>, DeskError> {
    let mut work = desk.store.begin().await?;
    let faucet = work.lock_faucet(&desk.network, &desk.faucet).await?;
    if faucet.policy_digest != desk.digest {
        return Err(DeskError::Policy { found: faucet.policy_version, ours: desk.policy.version });
    }
    // Not before the row is held: time stands still for all who are decided together.
    let now = desk.clock.now();
    let plans: Vec<Plan<'_>> =
        requests.iter().map(|request| desk.policy.plan(&request.applicant, now)).collect();
    let mut round = Round::read(desk, work.as_mut(), faucet, requests, &plans, now).await?;
    let mut answers = Vec::with_capacity(requests.len());
    for (request, plan) in requests.iter().zip(&plans) {
        answers.push(round.decide(request, plan));
    }
    if round.granted.is_empty() {
        return Ok(answers);
    }
    work.add_grants(&desk.network, &desk.faucet, &round.granted).await?;
    let payment = |(grant, payee): (&Grant, &String)| Payment {
        network: grant.network.clone(),
        id: grant.payment(),
        wallet: round.faucet.wallet.clone(),
        payee: payee.clone(),
        amount: grant.amount,
        state: PaymentState::Accepted,
        reason: String::new(),
        created: grant.created,
    };
    let payments: Vec<_> = round.granted.iter().zip(&round.payees).map(payment).collect();
    work.owe(&payments).await?;
    work.set_counted(&round.faucet).await?;
    work.commit().await?;
    let spent = round.granted.iter().fold(0_u128, |sum, grant| sum.saturating_add(grant.amount.0));
    let mut inner = desk.inner();
    inner.funds = inner.funds.map(|funds| Atto(funds.0.saturating_sub(spent)));
    Ok(answers)
}

/// What is known while requests are decided, and what was decided so far.
struct Round<'a> {
    desk: &'a Desk,
    now: Timestamp,
    faucet: Faucet,
    wallet: Option<Wallet>,
    funds: Option<Atto>,
    charges: BTreeMap<LimitKey, Vec<Charge>>,
    entries: Vec<FaucetEntry>,
    before: Vec<Grant>,
    granted: Vec<Grant>,
    payees: Vec<String>,
}

impl<'a> Round<'a> {
    async fn read(
        desk: &'a Desk,
        work: &mut dyn Work,
        faucet: Faucet,
        requests: &[Request],
        plans: &[Plan<'_>],
        now: Timestamp,
    ) -> Result<Self, DeskError> {
        let mut demands: BTreeMap<LimitKey, u32> = BTreeMap::new();
        let mut subjects = Vec::new();
        for plan in plans {
            for (key, most) in plan.demands() {
                let known = demands.entry(key).or_default();
                *known = most.max(*known);
            }
            subjects.extend(plan.subjects());
        }
        subjects.sort_unstable();
        subjects.dedup();
        let demands: Vec<_> = demands.into_iter().collect();
        let asked: Vec<_> = requests
            .iter()
            .map(|request| (request.applicant.identity.clone(), request.key.clone()))
            .collect();
        // Held like the faucet's row: once a pause is true, nothing is granted.
        let wallet = match work.lock_wallet(&desk.network, &faucet.wallet, None).await {
            Ok(wallet) => Some(wallet),
            // It has not been opened yet. What is owed waits for it.
            Err(StoreError::Conflict { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let before = work.grants_asked(&desk.network, &desk.faucet, &asked).await?;
        let charges = work.charges_now(&desk.network, &desk.faucet, &demands).await?;
        let entries = work.entries_now(&desk.network, &desk.faucet, &subjects).await?;
        Ok(Self {
            desk,
            now,
            faucet,
            wallet,
            funds: desk.funds(),
            charges: demands.into_iter().map(|(key, _)| key).zip(charges).collect(),
            entries,
            before,
            granted: Vec::new(),
            payees: Vec::new(),
        })
    }

    fn decide(&mut self, request: &Request, plan: &Plan<'_>) -> Answer {
        let same = |grant: &&Grant| grant.key == request.key && grant.identity == request.applicant.identity;
        if let Some(grant) = self.before.iter().chain(&self.granted).find(same) {
            let repeated = grant.body == request.body;
            return if repeated { Answer::Repeated(grant.clone()) } else { Answer::OtherRequest };
        }
        let newest = |(key, most): (LimitKey, u32)| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let charges = self.charges.get(&key)?.iter().copied().take(most).collect();
            Some((key, charges))
        };
        let subjects = plan.subjects();
        let concerns = |entry: &&FaucetEntry| subjects.contains(&entry.subject);
        let facts = Facts {
            standing: standing(&self.faucet, self.wallet.as_ref(), self.funds, self.now),
            exceptions: self.entries.iter().filter(concerns).map(exception).collect(),
            charges: plan.demands().into_iter().filter_map(newest).collect(),
        };
        let assessment = plan.assess(&facts);
        match &assessment.award {
            None => Answer::Refused(assessment),
            Some(award) => Answer::Granted(self.grant(request, award, assessment.tier.as_deref())),
        }
    }

    fn grant(&mut self, request: &Request, award: &Award, tier: Option<&str>) -> Grant {
        let now = self.now;
        let grant = Grant {
            network: self.desk.network.clone(),
            id: self.desk.new_id(now),
            faucet: self.desk.faucet.clone(),
            identity: request.applicant.identity.clone(),
            actor: request.applicant.actor.clone(),
            given: request.given.clone(),
            amount: award.amount,
            tier: tier.unwrap_or_default().to_owned(),
            policy_version: self.desk.policy.version,
            created: now,
            key: request.key.clone(),
            body: request.body,
            charges: award.charges.clone(),
            refunded: None,
        };
        for key in &award.charges {
            let charge = Charge { at: now, amount: award.amount };
            self.charges.entry(key.clone()).or_default().insert(0, charge);
        }
        let faucet = &mut self.faucet;
        if faucet.day < day(now) {
            (faucet.day, faucet.day_grants, faucet.day_amount) = (day(now), 0, Atto::ZERO);
        }
        faucet.day_grants = faucet.day_grants.saturating_add(1);
        faucet.day_amount = Atto(faucet.day_amount.0.saturating_add(award.amount.0));
        faucet.full_at = self.desk.policy.paced(faucet.full_at, now);
        self.funds = self.funds.map(|funds| Atto(funds.0.saturating_sub(award.amount.0)));
        self.granted.push(grant.clone());
        self.payees.push(request.payee.clone());
        grant
    }
}

impl Desk {
    /// A UUID of version 7 (RFC 9562): the milliseconds, then 74 random bits.
    fn new_id(&self, now: Timestamp) -> String {
        let mut random = [0; 16];
        self.inner().random.fill_bytes(&mut random);
        let millis = u128::try_from(now.0.div_euclid(1_000)).unwrap_or(0) & 0xffff_ffff_ffff;
        let random = u128::from_be_bytes(random);
        let id = millis << 80
            | 7 << 76
            | random >> 52 << 64 & (0xfff << 64)
            | 2 << 62
            | random & (u128::MAX >> 66);
        let hex = format!("{id:032x}");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }
}
