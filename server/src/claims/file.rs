use apogee_competition::claim::{Message, Role};
use apogee_competition::{Refusal, Submission, submit};
use apogee_domain::Digest;
use apogee_store::Store;

use super::keys::NoState;
use super::known::Wants;
use crate::competitions::{Around, Ground, Held, NoLedger, NotAppended, World, append};

/// How often a claim is made again on top of what others wrote meanwhile.
const TRIES: u32 = 5;

/// What a miner sends in.
#[derive(Clone, Debug)]
pub(crate) struct Filed {
    /// The message, to the byte.
    pub(crate) message: String,
    /// As the wallet printed it.
    pub(crate) signature: String,
    /// Name of the owner's proposal, where the owner is a multisig.
    pub(crate) proposal: Option<String>,
    /// The role and signature of the leader who consents, where one has to.
    pub(crate) consent: Option<(Role, String)>,
}

/// A claim that is in the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    /// Number of its entry.
    pub(crate) seq: u64,
    /// Hash of its entry.
    pub(crate) hash: Digest,
}

/// Why a claim is not in the ledger; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFiled {
    /// It is not accepted: what is wrong has a kind of its own.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// There is no such competition.
    #[error("there is no competition {0}")]
    NoCompetition(String),
    /// Nothing is known of the chain that it runs on.
    #[error("the network of the competition is not indexed")]
    NoGround,
    /// The ledger does not read.
    #[error(transparent)]
    Ledger(#[from] NoLedger),
    /// State could not be looked at.
    #[error(transparent)]
    State(#[from] NoState),
    /// The database failed, or others were faster again and again.
    #[error(transparent)]
    Store(#[from] apogee_store::StoreError),
}

/// Put a claim into the ledger of a competition, if it proves itself.
pub(crate) async fn file(
    store: &dyn Store,
    world: &World,
    competition: &str,
    filed: &Filed,
) -> Result<Accepted, NotFiled> {
    let mut held = Held::load(store, competition).await?;
    for attempt in 1.. {
        if held.head().is_none() {
            return Err(NotFiled::NoCompetition(competition.to_owned()));
        }
        let ground = Ground::of(store, &held).await?.ok_or(NotFiled::NoGround)?;
        let message: Message = filed.message.parse().map_err(Box::new)?;
        let last = held.entries().last().map(|signed| signed.entry.epoch);
        let at = last.into_iter().chain([ground.head()]).max().unwrap_or(message.issued);
        let mut wants = Wants::default();
        wants.message(held.competition(), &message, at);
        if let Some(proposal) = &filed.proposal {
            wants.proposal(&message, &filed.message, proposal, at);
        }
        let around = Around::of(store, &held, &ground, world, &wants).await?;
        let submission = Submission {
            message: &filed.message,
            signature: &filed.signature,
            proposal: filed.proposal.as_deref(),
            consent: filed.consent.as_ref().map(|(role, signature)| (*role, signature.as_str())),
        };
        let signed = submit(held.competition(), &submission, &around.context()).map_err(Box::new)?;
        match append(store, &held, &signed, &around).await {
            Ok(()) => return Ok(Accepted { seq: signed.entry.seq, hash: signed.hash }),
            Err(error) if error.is_conflict() && attempt < TRIES => held = held.grown(store).await?,
            Err(NotAppended::Refused(refusal)) => return Err(NotFiled::Refused(refusal)),
            Err(NotAppended::Store(error)) => return Err(NotFiled::Store(error)),
        }
    }
    Err(NotFiled::NoGround)
}
