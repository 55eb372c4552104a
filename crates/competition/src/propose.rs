use std::time::Duration;

use apogee_domain::{Digest, Epoch, Timestamp};
use apogee_rules::Id;

use crate::act::Act;
use crate::blockers::{self, Blocker};
use crate::claim::{self, Action, Chain, Message, Proof, Role, Verify};
use crate::competition::Competition;
use crate::entry::{Entry, Signed};
use crate::fold::Broken;
use crate::guard;
use crate::parts::Pin;
use crate::records::Competitor;
use crate::refusal::{Kind, Refusal, ensure};

/// How old an entry may be when it is put in, in epochs and time: nobody sees it before.
const OLDEST: (i64, Duration) = (120, Duration::from_secs(3_600));

/// What is known besides the ledger at the moment of an act.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// The head of the chain.
    pub head: Epoch,
    /// Last final epoch; `None` before there is one.
    pub final_epoch: Option<Epoch>,
    /// How many collectors of facts are healthy.
    pub collectors: u32,
    /// What was to be observed and is missing, in words with the place.
    pub gaps: &'a [String],
    /// How many signed messages wait for their entry.
    pub pending_claims: u32,
    /// Verified state.
    pub chain: &'a dyn Chain,
    /// Cryptography.
    pub verify: &'a dyn Verify,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).field("head", &self.head).finish_non_exhaustive()
    }
}

/// What an operator wants to do.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who proposes it.
    pub actor: Id,
    /// Who will sign it, the actor among them, in any order.
    pub approvers: Vec<Id>,
    /// What is done.
    pub act: Act,
    /// Why, for everybody.
    pub reason: String,
    /// Commitment to a reason that is kept elsewhere.
    pub private: Option<Digest>,
    /// Where to look.
    pub evidence: Vec<String>,
    /// Hash of the report of what it does.
    pub preview: Option<Digest>,
}

/// What a miner sends in.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The message, to the byte.
    pub message: &'a str,
    /// As the wallet printed it.
    pub signature: &'a str,
    /// Name of the owner's proposal, where the owner is a multisig.
    pub proposal: Option<&'a str>,
    /// With an action that needs it: the role and signature of the leader who consents.
    pub consent: Option<(Role, &'a str)>,
}

/// The entry that an operator's act would be: every guard is passed but the signatures, which are made over its hash.
///
/// # Errors
/// Why the act cannot be taken.
pub fn propose(competition: &Competition, draft: Draft, context: &Context<'_>) -> Result<Entry, Refusal> {
    let Draft { actor, mut approvers, act, reason, private, evidence, preview } = draft;
    ensure(
        !matches!(act, Act::Claim { .. }),
        Kind::NotAnAct,
        "act",
        || "a claim is the miner's".to_owned(),
        "submit the signed message",
    )?;
    approvers.sort();
    let entry = Entry {
        approvers,
        reason: Some(reason),
        private,
        evidence,
        preview,
        ..next(competition, actor, act, context)
    };
    circumstances(competition, &entry, context)?;
    Ok(entry)
}

/// The entry for a signed message, which needs no operator.
///
/// # Errors
/// Why it is not accepted: each thing that can be wrong has a kind of its own.
pub fn submit(
    competition: &Competition,
    submission: &Submission<'_>,
    context: &Context<'_>,
) -> Result<Signed, Refusal> {
    let message: Message = submission.message.parse()?;
    let entry = |act| next(competition, message.miner.clone(), act, context);
    let at = now(competition, context);
    guard::claims::message(competition, &message, at)?;
    let participant = context.chain.participant(&message.miner, at);
    let region = participant.and_then(|participant| participant.region);
    guard::claims::grouping(competition, &message, region.as_ref(), at)?;
    let prove = |miner: &Id, role, signed| {
        claim::prove((miner, role), submission.message, signed, at, context.chain, context.verify)
    };
    let proof = prove(&message.miner, message.role, (submission.signature, submission.proposal))?;
    let leader = competition.entities.get(&message.entity).and_then(Competitor::leader);
    let consent = match (leader, submission.consent) {
        (Some(leader), Some((role, signature))) if message.action.needs_consent() => Some(
            prove(leader, role, (signature, None))
                .map_err(|refusal| Refusal { path: "consent".to_owned(), ..refusal })?,
        ),
        _ => None,
    };
    let act = Act::Claim { message: submission.message.to_owned(), proof, consent, region };
    let signed = entry(act).signed(Vec::new())?;
    circumstances(competition, &signed.entry, context)?;
    Ok(signed)
}

/// Let an entry follow, if what is known besides the ledger allows it too. The last gate before it is stored.
///
/// # Errors
/// Why it cannot; nothing has changed then.
pub fn admit(competition: &mut Competition, signed: &Signed, context: &Context<'_>) -> Result<(), Refusal> {
    circumstances(competition, &signed.entry, context)?;
    competition.append(signed)
}

/// Everything that stands between a competition and its final standings, as far as it is known now.
#[must_use]
pub fn blockers(competition: &Competition, context: &Context<'_>) -> Vec<Blocker> {
    let mut blockers = blockers::in_ledger(competition, now(competition, context), None);
    blockers.extend(around(competition, context));
    blockers
}

/// What is in the way of final standings as far as the ledger, the head and finality show it: no collector and no message is asked.
#[must_use]
pub fn standing_in_the_way(
    competition: &Competition,
    head: Epoch,
    final_epoch: Option<Epoch>,
) -> Vec<Blocker> {
    let now = competition.head.map_or(head, |(last, _)| last.epoch.max(head));
    let mut blockers = blockers::in_ledger(competition, now, None);
    blockers.extend(not_final(competition, final_epoch));
    blockers
}

/// Whether the signatures of all claims are good, by verified state of their epochs.
///
/// # Errors
/// The first claim that proves nothing.
pub fn audit<'a>(
    entries: impl IntoIterator<Item = &'a Signed>,
    chain: &dyn Chain,
    verify: &dyn Verify,
) -> Result<(), Broken> {
    for Signed { entry, .. } in entries {
        proofs(entry, chain, verify).map_err(|refusal| Broken { seq: entry.seq, refusal })?;
    }
    Ok(())
}

fn now(competition: &Competition, context: &Context<'_>) -> Epoch {
    competition.head.map_or(context.head, |(last, _)| last.epoch.max(context.head))
}

/// A head that fell back, or a clock, cannot turn the ledger back.
fn next(competition: &Competition, actor: Id, act: Act, context: &Context<'_>) -> Entry {
    Entry {
        competition: competition.id.clone(),
        seq: competition.seq() + 1,
        time: competition.head.map_or(context.now, |(last, _)| last.time.max(context.now)),
        epoch: now(competition, context),
        actor,
        approvers: Vec::new(),
        act,
        reason: None,
        private: None,
        evidence: Vec::new(),
        preview: None,
        previous: competition.head.map(|(_, hash)| hash),
    }
}

fn around(competition: &Competition, context: &Context<'_>) -> Vec<Blocker> {
    let mut blockers: Vec<Blocker> =
        context.gaps.iter().map(|what| Blocker::Gap { what: what.clone() }).collect();
    if context.pending_claims > 0 {
        blockers.push(Blocker::PendingClaims { count: context.pending_claims });
    }
    blockers.extend(not_final(competition, context.final_epoch));
    blockers
}

fn not_final(competition: &Competition, final_epoch: Option<Epoch>) -> Option<Blocker> {
    let last = competition.end()?.minus(1);
    final_epoch.is_none_or(|epoch| epoch < last).then_some(Blocker::NotFinal { last, final_epoch })
}

fn circumstances(competition: &Competition, entry: &Entry, context: &Context<'_>) -> Result<(), Refusal> {
    guard::check(competition, entry)?;
    let (now, head) = (entry.time, now(competition, context));
    ensure(
        entry.epoch <= head && now <= context.now.max(competition.head.map_or(now, |(last, _)| last.time)),
        Kind::TooEarly,
        "entry",
        || format!("it is of epoch {} and {now}, later than now", entry.epoch),
        "wait until then",
    )?;
    let (epochs, time) = OLDEST;
    ensure(
        head.since(entry.epoch) <= epochs && context.now.since(now) <= time,
        Kind::Expired,
        "entry.epoch",
        || format!("it is of epoch {} and {now}, and this is epoch {head}", entry.epoch),
        "propose the act again, on top of the ledger as it is",
    )?;
    if entry.epoch < head {
        // By being held back nothing becomes retroactive, short of notice or late.
        guard::check(competition, &Entry { epoch: head, ..entry.clone() })?;
    }
    match &entry.act {
        Act::Start => ensure(
            context.collectors > 0,
            Kind::NoCollector,
            "act",
            || "no collector of facts is healthy".to_owned(),
            "see that one node at least is followed",
        ),
        Act::End => {
            let last = competition.end().map(|end| end.minus(1));
            ensure(
                context.final_epoch.is_some_and(|epoch| last.is_some_and(|last| epoch >= last)),
                Kind::TooEarly,
                "act",
                || "the chain can still undo its last epoch".to_owned(),
                "wait until the last epoch is final",
            )
        }
        Act::Provisional { .. } => {
            blockers::refuse(context.gaps.iter().map(|what| Blocker::Gap { what: what.clone() }).collect())
        }
        Act::Freeze { pin } => whole(pin, context),
        Act::Finalize { pin, .. } | Act::Amend { pin, .. } => {
            whole(pin, context)?;
            blockers::refuse(around(competition, context))
        }
        Act::Claim { message, .. } => {
            proofs(entry, context.chain, context.verify)?;
            shown(competition, &message.parse()?, entry.epoch, context)
        }
        act if act.is_decision() => targets(competition, act, entry.epoch, context),
        _ => Ok(()),
    }
}

/// What an epoch did is known with the next one: standings that are read before may change.
fn whole(pin: &Pin, context: &Context<'_>) -> Result<(), Refusal> {
    ensure(
        pin.at < context.head,
        Kind::TooEarly,
        "act.pin.at",
        || format!("epoch {} is not whole before the next one, and the head is {}", pin.at, context.head),
        "pin an epoch before the head",
    )
}

fn proofs(entry: &Entry, chain: &dyn Chain, verify: &dyn Verify) -> Result<(), Refusal> {
    let Act::Claim { message, proof, consent, region } = &entry.act else { return Ok(()) };
    for proof in [Some(proof), consent.as_ref()].into_iter().flatten() {
        claim::check_proof(proof, message, entry.epoch, chain, verify)?;
    }
    let Proof { miner, .. } = proof;
    let seen = chain.participant(miner, entry.epoch);
    ensure(
        seen.as_ref().is_some_and(|seen| seen.region == *region),
        Kind::UnknownParticipant,
        "act.region",
        || format!("{miner} has not been seen on the chain, or elsewhere than in the region that is named"),
        "a miner is seen within a few epochs of its first proven sector; try again then",
    )
}

/// What people will see of a claim.
fn shown(
    competition: &Competition,
    message: &Message,
    at: Epoch,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if let Action::Claim { name, .. } | Action::Rename { name } = &message.action {
        claim::check_name(name)?;
        let others = competition.entities.iter().filter(|(id, _)| **id != message.entity);
        claim::clash(name, others.map(|(_, entity)| entity.name.as_str()))?;
    }
    let taken = matches!(message.action, Action::Claim { .. })
        && context.chain.participant(&message.entity, at).is_some();
    ensure(
        !taken,
        Kind::IdTaken,
        "message Entity",
        || format!("{} is a participant's id", message.entity),
        "choose another id",
    )
}

/// Whom a decision names: a decision about nobody would leave everybody without standings.
fn targets(competition: &Competition, act: &Act, at: Epoch, context: &Context<'_>) -> Result<(), Refusal> {
    let participant = |id: &Id| {
        let there = context.chain.participant(id, at).is_some();
        ensure(
            there,
            Kind::UnknownParticipant,
            "act",
            || format!("{id} has not been seen on the chain"),
            "name a participant that has been seen",
        )
    };
    let entity = |id: &Id| {
        if competition.entities.contains_key(id) {
            return Ok(());
        }
        participant(id).map_err(|refusal| Refusal { kind: Kind::UnknownEntity, ..refusal })
    };
    match act {
        Act::Disqualify { entities } => entities.iter().try_for_each(entity),
        Act::Waive { entity: id, .. }
        | Act::Attest { entity: id, .. }
        | Act::Award { entity: id, .. }
        | Act::SetRegion { target: id, .. } => entity(id),
        Act::Adjust { participant: id, .. } => participant(id),
        _ => Ok(()),
    }
}
