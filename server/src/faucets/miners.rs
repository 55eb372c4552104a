//! Who operates storage miners, for the tiers that are theirs.
//!
//! A registered miner is one that has raw power at the newest indexed epoch, or competes for an entity in a competition on the network, which
//! its owner or worker has signed for. Whoever is its owner, its worker or one of its control addresses operates it: those send its messages, and
//! it is they who want the money. A miner without either costs nothing to make, and opens no tier.
//!
//! Nobody waits for that: it is read every few minutes beside everything else, and until it is, nobody is known to operate anything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{NetworkId, Subject, Timestamp, series};
use apogee_faucet::{Notation, Operators, parse_recipient};
use apogee_store::{Store, StoreError};
use arc_swap::ArcSwapOption;
use fvm_shared::ActorID;
use fvm_shared::address::Payload;

use super::{Lookup, NoState, Nodes};
use crate::competitions::{Held, NoLedger};

/// How long it is believed. A miner that has stopped meanwhile is still believed: one that has begun is not yet.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// Miners that are read at most: ten times as many as mainnet has.
const MOST_MINERS: usize = 30_000;

/// Who operates miners on one network, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct Known(ArcSwapOption<(Timestamp, Operators)>);

/// Why that is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKnown {
    #[error("the state cannot be read")]
    State(#[from] NoState),
    #[error("a ledger cannot be read")]
    Ledger(#[from] NoLedger),
    #[error("miners cannot be read")]
    Unread(#[from] apogee_filecoin_state::ReadError),
    #[error("the database refuses")]
    Store(#[from] StoreError),
    #[error("whoever reads has failed")]
    Ended(#[from] tokio::task::JoinError),
}

impl Known {
    /// Whether an actor is known, now, to operate a registered miner.
    pub(super) fn operates(&self, actor: ActorID, now: Timestamp) -> bool {
        let known = self.0.load();
        let known = known.as_ref().filter(|known| now.since(known.0) <= BELIEVED);
        known.is_some_and(|known| known.1.has(actor))
    }

    /// Look again: at the newest indexed state, and only at miners that have changed. How many there are.
    pub(super) async fn look(&self, lookup: &Lookup, now: Timestamp) -> Result<usize, NotKnown> {
        let Notation::Filecoin(prefix) = lookup.notation else { return Ok(0) };
        let miners = registered(&*lookup.store, &lookup.network, prefix).await?;
        let (source, root) = lookup.state().await?;
        let before = self.0.load_full();
        let nodes = Nodes(source.blocks());
        let reading = tokio::task::spawn_blocking(move || {
            let nothing = Operators::default();
            let before = before.as_ref().map_or(&nothing, |known| &known.1);
            Operators::read(&nodes, &root, &miners, before)
        });
        let operators = reading.await??;
        let miners = operators.miners();
        self.0.store(Some(Arc::new((now, operators))));
        Ok(miners)
    }
}

/// The registered miners of a network.
async fn registered(
    store: &dyn Store,
    network: &NetworkId,
    prefix: char,
) -> Result<BTreeSet<ActorID>, NotKnown> {
    let id = |text: &str| match parse_recipient(text, prefix).ok()?.payload() {
        Payload::ID(id) => Some(*id),
        _ => None,
    };
    let mut miners = BTreeSet::new();
    if let Some(cursor) = store.cursor(network).await? {
        let board = store.board(network, &series::POWER_RAW, cursor.epoch).await?;
        let powerful = board.into_iter().filter(|(_, power)| power.is_some_and(|power| power.0 > 0));
        miners.extend(powerful.filter_map(|(subject, _): (Subject, _)| id(&subject.to_string())));
    }
    for head in store.competitions().await? {
        let held = Held::load(store, &head.competition).await?;
        let competition = held.competition();
        if competition.founding().is_none_or(|founding| founding.network != *network) {
            continue;
        }
        let members = competition.entities().values().flat_map(|entity| &entity.members);
        let now = members.filter(|member| member.until.is_none());
        miners.extend(now.filter_map(|member| id(member.participant.as_str())));
    }
    // In the order of their numbers: the oldest are read.
    Ok(miners.into_iter().take(MOST_MINERS).collect())
}
