//! What of an entry is computed, computed once more: nothing of it is believed because somebody wrote it.

use std::collections::BTreeMap;

use apogee_competition::{Act, Entry, Pin};
use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Quantity};

use super::effect::{Effect, NoEffect, effect};
use super::ground::Ground;
use super::held::Held;
use super::payments::{Destination, Missing, NoPayments, final_standings, payments};
use super::shadow::{NoShadow, Shadow};
use super::stood::{NoStandings, Stands, Triple};

/// What is not in a ledger and goes into an act all the same.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Where whoever is owed something is paid, besides what the ledger shows.
    pub(crate) given: BTreeMap<Id, Destination>,
    /// What becomes of whoever has no address.
    pub(crate) missing: Missing,
    /// The second implementation.
    pub(crate) shadow: Shadow,
}

/// What comes out for an entry.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// Its act, with everything that is computed of it.
    pub(crate) act: Act,
    /// What it does to everybody.
    pub(crate) effect: Option<Effect>,
}

/// Why nothing can be said of an entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAgain {
    #[error(transparent)]
    Effect(#[from] NoEffect),
    #[error(transparent)]
    Standings(#[from] NoStandings),
    #[error(transparent)]
    Payments(#[from] NoPayments),
    #[error(transparent)]
    Shadow(#[from] NoShadow),
    #[error("wrong-state: no rules hold at epoch {0}")]
    NoRules(Epoch),
    #[error("blocked: the second implementation computes another root")]
    OtherRoot,
    #[error("the second implementation was cut off")]
    CutOff,
}

/// What an entry says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    /// The report of its effect: this one comes out.
    Report(Option<Digest>),
    /// Its act: a root, a sum.
    Act,
}

impl Again {
    /// What the entry says that does not come out.
    pub(crate) fn differs(&self, entry: &Entry) -> Option<Differs> {
        let report = self.effect.as_ref().map(|effect| effect.hash);
        if [entry.preview, simulation(&entry.act)].into_iter().flatten().any(|said| report != Some(said)) {
            return Some(Differs::Report(report));
        }
        (self.act != entry.act).then_some(Differs::Act)
    }
}

/// The report that an act names itself.
pub(crate) const fn simulation(act: &Act) -> Option<Digest> {
    match act {
        Act::PublishRules { simulation, .. } => *simulation,
        _ => None,
    }
}

/// Compute an entry on top of the ledger that `held` is.
pub(crate) async fn again(
    stands: &Stands,
    held: &Held,
    ground: &Ground,
    entry: &Entry,
    terms: Terms,
) -> Result<Again, NotAgain> {
    let effect = effect(stands, held.competition(), ground, entry).await?;
    let act = match &entry.act {
        Act::Freeze { pin } => {
            let (pin, _) = pin_again(stands, held, ground, pin.at, None).await?;
            Act::Freeze { pin }
        }
        Act::Finalize { pin, .. } => {
            let (pin, shadow) = pin_again(stands, held, ground, pin.at, Some(terms.shadow)).await?;
            Act::Finalize { pin, shadow }
        }
        Act::Amend { pin, .. } => {
            let (pin, shadow) = pin_again(stands, held, ground, pin.at, Some(terms.shadow)).await?;
            Act::Amend { pin, shadow }
        }
        Act::ApprovePayout { .. } => {
            let (_, stood) = final_standings(stands, held, ground).await?;
            let payments =
                payments(&stood, held.competition(), &terms.given, terms.missing, ground.network())?;
            let version = u64::try_from(held.competition().finals().len()).unwrap_or(u64::MAX);
            Act::ApprovePayout { version, root: payments.root, total: Quantity(payments.list.total().0) }
        }
        act => act.clone(),
    };
    Ok(Again { act, effect })
}

/// The standings at an epoch with the whole ledger, and what the second implementation makes of them.
async fn pin_again(
    stands: &Stands,
    held: &Held,
    ground: &Ground,
    at: Epoch,
    second: Option<Shadow>,
) -> Result<(Pin, Digest), NotAgain> {
    let competition = held.competition();
    let rules = competition.rules_at(at).ok_or(NotAgain::NoRules(at))?.hash;
    let stood = stands.stand(held, ground, Triple { at, rules, seq: competition.seq() }).await?;
    let (triple, root) = (stood.triple, stood.standings.root);
    if let Some(second) = second {
        let computed = tokio::task::spawn_blocking(move || second.root(&stood)).await;
        if computed.map_err(|_| NotAgain::CutOff)?? != root {
            return Err(NotAgain::OtherRoot);
        }
    }
    Ok((Pin { at: triple.at, root, rules: triple.rules, seq: triple.seq }, root))
}
