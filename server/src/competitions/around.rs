use std::sync::Arc;

use apogee_competition::{Context, Phase};
use apogee_domain::{Epoch, Network, NetworkKind, Timestamp};
use apogee_filecoin::source::Source;
use apogee_rules::RuleSet;
use apogee_store::{EpochRecord, Page, Recount, RecountState, Store, StoreError};

use super::ground::Ground;
use super::held::Held;
use crate::claims::{Known, NoState, Wallets, Wants};

/// Epochs that an index may be behind the schedule of a network that lives: its collector counts as healthy until then.
const BEHIND: i64 = 120;
/// Epochs that are read at once.
const RECORDS: u32 = 256;

/// What is there besides the database.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The time.
    pub(crate) now: Timestamp,
    /// Where state is read, if anywhere.
    pub(crate) source: Option<Arc<dyn Source>>,
    /// Whether the network is a recording, which is never late.
    pub(crate) recorded: bool,
}

impl World {
    /// Whether its nodes say where the chain is now.
    pub(crate) fn is_live(&self) -> bool {
        self.source.is_some() && !self.recorded
    }
}

/// What is known besides a ledger at one moment: what [`Context`] borrows.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    now: Timestamp,
    head: Epoch,
    final_epoch: Option<Epoch>,
    collectors: u32,
    gaps: Vec<String>,
    known: Known,
}

impl Around {
    /// Look at what is around a competition, and at those who are concerned.
    pub(crate) async fn of(
        store: &dyn Store,
        held: &Held,
        ground: &Ground,
        world: &World,
        wants: &Wants,
    ) -> Result<Self, NoState> {
        let rules: Vec<RuleSet> =
            held.competition().rules().iter().map(|published| (*published.rules).clone()).collect();
        Ok(Self {
            now: world.now,
            head: ground.head(),
            final_epoch: ground.final_epoch(),
            collectors: collectors(ground, world),
            gaps: gaps(store, held, ground).await?,
            known: Known::read(store, ground, world.source.as_ref(), &rules, wants).await?,
        })
    }

    /// As guards read it.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: self.now,
            head: self.head,
            final_epoch: self.final_epoch,
            collectors: self.collectors,
            gaps: &self.gaps,
            // A message becomes an entry as it comes in, or is refused.
            pending_claims: 0,
            chain: &self.known,
            verify: &Wallets,
        }
    }

    /// What verified state says of those who are concerned.
    pub(crate) const fn known(&self) -> &Known {
        &self.known
    }
}

/// How many collectors are healthy: the one indexer, unless it is late.
fn collectors(ground: &Ground, world: &World) -> u32 {
    let due = ground.schedule().epoch_of(world.now).unwrap_or(Epoch::GENESIS);
    let late = due.height().saturating_sub(ground.head().height()) > BEHIND;
    u32::from(world.recorded || matches!(ground, Ground::Archive(_)) || !late)
}

/// Layers that paid otherwise than their blocks say: an index takes a node's rows for what they are, and says so.
async fn wrong_rewards(
    store: &dyn Store,
    network: &Network,
    (start, last): (Epoch, Epoch),
) -> Result<Option<String>, StoreError> {
    let (mut above, mut wrong) = (last.plus(1), Vec::new());
    while above > start {
        let page = store.epochs(&network.id, Page { after: Some(above), limit: RECORDS }).await?;
        let Some(oldest) = page.last() else { break };
        above = oldest.epoch;
        let failed = |record: &&EpochRecord| {
            record.epoch >= start
                && record.checks.iter().any(|check| check.check == "rewards" && check.failed > 0)
        };
        wrong.extend(page.iter().filter(failed).map(|record| record.epoch));
    }
    let count = wrong.len();
    let said =
        |first| format!("{count} layers did not pay what their blocks say, the first is layer {first}");
    Ok(wrong.last().map(said))
}

/// What of the competition's epochs is not indexed. An index has no holes: it begins and ends somewhere.
async fn gaps(store: &dyn Store, held: &Held, ground: &Ground) -> Result<Vec<String>, StoreError> {
    let competition = held.competition();
    let (Ground::Index { network, cursor }, Some(start), Some(end)) =
        (ground, competition.start(), competition.end())
    else {
        return Ok(Vec::new());
    };
    let mut gaps = Vec::new();
    if start <= cursor.epoch && store.epoch(&network.id, start).await?.is_none() {
        gaps.push(format!("the index of {} does not reach back to epoch {start}", network.id));
    }
    let last = end.minus(1);
    let over = !matches!(competition.phase(), Phase::Draft | Phase::Registration | Phase::Running);
    if over && cursor.epoch <= last {
        gaps.push(format!("{} is indexed up to epoch {}, not to epoch {last}", network.id, cursor.epoch));
    }
    if over && network.kind == NetworkKind::Spacemesh {
        gaps.extend(wrong_rewards(store, network, (start, last.min(cursor.epoch))).await?);
    }
    for recount in store.recounts(&network.id).await? {
        let Recount { input, first, last: to, state, .. } = recount;
        if state == RecountState::Open && first <= last && to >= start {
            gaps.push(format!("the recount {input} of layers {first} to {to} waits for a decision"));
        }
    }
    Ok(gaps)
}
