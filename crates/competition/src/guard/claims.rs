use apogee_domain::Epoch;
use apogee_rules::Id;

use crate::act::Act;
use crate::claim::{Action, LIFE, Message, Proof, resembles_miner};
use crate::competition::Competition;
use crate::records::{Competitor, Membership, Phase};
use crate::refusal::{Kind, Refusal, ensure};

const GROUPING: &[Phase] = &[Phase::Registration, Phase::Running];
const NAMING: &[Phase] = &[Phase::Registration, Phase::Running, Phase::Ended, Phase::Provisional];
const APPEALS: &[Phase] = &[Phase::Running, Phase::Ended, Phase::Provisional];

/// Whether the message is for here and now.
pub(crate) fn message(competition: &Competition, message: &Message, epoch: Epoch) -> Result<(), Refusal> {
    let again = "ask for a new message, and sign that";
    let founding = competition.founding.as_ref();
    let check = |good, kind, path, wrong: &dyn Fn() -> String| ensure(good, kind, path, wrong, again);
    check(message.competition == competition.id, Kind::OtherCompetition, "message Competition", &|| {
        format!("it was made for {}", message.competition)
    })?;
    check(
        founding.is_some_and(|f| f.network == message.network),
        Kind::OtherNetwork,
        "message Network",
        &|| format!("it was made for {}", message.network),
    )?;
    check(
        founding.is_some_and(|f| f.domain == message.domain),
        Kind::OtherDomain,
        "message Domain",
        &|| "it was made for another site".to_owned(),
    )?;
    check(message.issued <= epoch, Kind::NotYetValid, "message Issued", &|| {
        format!("it holds from epoch {}, and this is epoch {epoch}", message.issued)
    })?;
    let life = message.expires.since(message.issued);
    check(message.issued <= message.expires && life <= LIFE, Kind::Expired, "message Expires", &|| {
        format!("a message lives for 0 to {LIFE} epochs")
    })?;
    check(epoch <= message.expires, Kind::Expired, "message Expires", &|| {
        format!("it held until epoch {}, and this is epoch {epoch}", message.expires)
    })?;
    let used = competition.nonces.get(&message.miner).is_some_and(|nonces| nonces.contains(&message.nonce));
    check(!used, Kind::Replayed, "message Nonce", &|| {
        format!("a message of {} with this nonce has been accepted", message.miner)
    })?;
    let rules = competition.rules_at(epoch).map(|published| published.hash);
    check(rules == Some(message.rules), Kind::OtherRules, "message Rules", &|| {
        rules.map_or_else(|| "no rules hold".to_owned(), |hash| format!("the rules {hash} hold now"))
    })
}

/// Whether the proofs are of those who have to sign.
pub(crate) fn proofs(
    competition: &Competition,
    message: &Message,
    (proof, consent): (&Proof, Option<&Proof>),
) -> Result<(), Refusal> {
    ensure(
        proof.miner == message.miner && proof.role == message.role,
        Kind::BadSignature,
        "act.proof",
        || "it is of another miner or role than the message".to_owned(),
        "prove what the message says",
    )?;
    let leader = competition.entities.get(&message.entity).and_then(Competitor::leader);
    let wanted = message.action.needs_consent();
    ensure(
        match consent {
            Some(consent) => wanted && Some(&consent.miner) == leader,
            None => !wanted,
        },
        Kind::ConsentMissing,
        "act.consent",
        || match (wanted, leader) {
            (true, Some(leader)) => {
                format!("{leader} leads {} and has to sign the same message", message.entity)
            }
            (true, None) => format!("nobody leads {}", message.entity),
            (false, _) => "nobody else signs this".to_owned(),
        },
        "let the leader sign the message as well",
    )
}

/// Whether what is asked for is possible; `region` is the miner's.
pub(crate) fn grouping(
    competition: &Competition,
    message: &Message,
    region: Option<&Id>,
    epoch: Epoch,
) -> Result<(), Refusal> {
    let Message { entity, miner, .. } = message;
    let there = competition.entities.get(entity);
    let now = competition.entity_of(miner).map(|(id, _)| id);
    match &message.action {
        Action::Claim { tracks, region: claimed, .. } => {
            super::phase(competition, GROUPING)?;
            alone(now)?;
            let rules = competition.rules_at(epoch).map(|published| &published.rules.competition);
            let known = |list: Option<&Vec<Id>>, id: &Id| list.is_some_and(|list| list.contains(id));
            let strange = tracks.iter().find(|id| !known(rules.map(|r| &r.tracks), id));
            let strange = strange.or_else(|| claimed.iter().find(|id| !known(rules.map(|r| &r.regions), id)));
            if let Some(id) = strange {
                let wrong = format!("the rules have no track or region {id}");
                return Err(Refusal::new(
                    Kind::UnknownInRules,
                    "message",
                    wrong,
                    "choose what the rules have",
                ));
            }
            ensure(
                there.is_none() && !reads_as_miner(entity),
                Kind::IdTaken,
                "message Entity",
                || format!("{entity} is in use, or reads as a miner's id"),
                "choose another id",
            )
        }
        Action::Join => {
            super::phase(competition, GROUPING)?;
            alone(now)?;
            joins(competition, message, there, (region, epoch))
        }
        Action::Transfer { from } => {
            super::phase(competition, GROUPING)?;
            member(now == Some(from) && from != entity, miner, from)?;
            joins(competition, message, there, (region, epoch))
        }
        Action::Leave => {
            super::phase(competition, GROUPING)?;
            member(now == Some(entity), miner, entity)
        }
        Action::Rename { .. } | Action::SetPayoutAddress { .. } => {
            super::phase(competition, NAMING)?;
            member(now == Some(entity), miner, entity)?;
            ensure(
                there.and_then(Competitor::leader) == Some(miner),
                Kind::NotTheLeader,
                "message Miner",
                || format!("{miner} does not lead {entity}"),
                "let the leader sign",
            )
        }
        Action::Appeal { about, .. } => {
            super::phase(competition, APPEALS)?;
            ensure(
                competition.stamps.provisional_until.is_none_or(|until| epoch < until),
                Kind::AppealsClosed,
                "message",
                || "the time of appeals is over".to_owned(),
                "ask the organisers for a decision",
            )?;
            let was = |entity: &Competitor| entity.members.iter().any(|m| m.participant == *miner);
            // A miner that never claimed is an entity of its own.
            member(there.map_or(entity == miner && now.is_none(), was), miner, entity)?;
            ensure(
                (1..=competition.seq()).contains(about),
                Kind::NoSuchEntry,
                "message About",
                || format!("there is no entry #{about}"),
                "name the number of the entry",
            )
        }
    }
}

/// An entity may not have the id of a participant (`docs/rules.md` §3), also not of one that is still to come.
fn reads_as_miner(id: &Id) -> bool {
    let digits = id.as_str().strip_prefix("f0").or_else(|| id.as_str().strip_prefix("t0"));
    let plain: String = id.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        || resembles_miner(&plain.to_ascii_lowercase())
}

fn alone(now: Option<&Id>) -> Result<(), Refusal> {
    now.map_or(Ok(()), |id| {
        let wrong = format!("it competes for {id}");
        Err(Refusal::new(
            Kind::AlreadyMember,
            "message Miner",
            wrong,
            "leave that entity first, or ask for a transfer",
        ))
    })
}

fn member(good: bool, miner: &Id, entity: &Id) -> Result<(), Refusal> {
    let wrong = || format!("{miner} does not compete for {entity}");
    ensure(good, Kind::NotAMember, "message Miner", wrong, "name the entity for which the miner competes")
}

fn joins(
    competition: &Competition,
    message: &Message,
    there: Option<&Competitor>,
    (region, epoch): (Option<&Id>, Epoch),
) -> Result<(), Refusal> {
    let Some(there) = there else {
        let wrong = format!("nobody competes as {}", message.entity);
        return Err(Refusal::new(
            Kind::UnknownEntity,
            "message Entity",
            wrong,
            "name an entity that there is",
        ));
    };
    let Some(rules) = competition.rules_at(epoch).map(|published| &published.rules.entities) else {
        return Ok(());
    };
    ensure(
        rules.deadline.is_none_or(|deadline| epoch < deadline),
        Kind::DeadlinePassed,
        "message",
        || format!("joining was possible before epoch {}", rules.deadline.unwrap_or_default()),
        "compete alone",
    )?;
    if !rules.same_region {
        return Ok(());
    }
    let decided = |target: &Id| {
        let live = competition.live();
        competition.decisions.iter().rev().find_map(|(seq, act)| match act {
            Act::SetRegion { target: t, region } if t == target && live.contains(seq) => Some(region.clone()),
            _ => None,
        })
    };
    let theirs = decided(&message.entity).or_else(|| there.region.clone()).or_else(|| {
        let members: Vec<&Membership> = there.members.iter().filter(|m| m.until.is_none()).collect();
        let first = members.first()?.region.clone();
        members.iter().all(|m| m.region == first).then_some(first)?
    });
    let own = decided(&message.miner).or_else(|| region.cloned());
    let show =
        |region: &Option<Id>| region.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    ensure(
        theirs.is_some() && theirs == own,
        Kind::OtherRegion,
        "message Entity",
        || {
            format!(
                "the region of {} is {}, that of {} {}",
                message.miner,
                show(&own),
                message.entity,
                show(&theirs)
            )
        },
        "join an entity of the same region, or have the region decided",
    )
}
