//! Deals that were offered to providers, followed on the verified chain, which alone says what became of them.
//!
//! A provider may say that it has published a deal, and under which id: here the chain's proposals are compared with what was offered, as a
//! whole, and nothing that a provider says is needed. [`Standing::of`] tells which states the index vouches for, [`follow`] what they say of
//! some offers. What it returns as [`Progress`] is to be kept and given back the next time.
//!
//! Deals by direct data onboarding (FIP-0076) have no proposal on chain and cannot be followed here.

use std::collections::BTreeMap;

use apogee_domain::{Epoch, NetworkId};
use apogee_filecoin_state::{DealTerms, Market, ReadError, StateTree};
use apogee_store::{EpochRecord, Store, StoreError};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use crate::checks::concerns_a_message;

/// Proposals that are read together.
const PAGE: usize = 1_000;

/// A state, by the epoch that begins with it: everything up to the epoch before is done in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateAt {
    /// The epoch.
    pub epoch: Epoch,
    /// The state's root.
    pub root: Cid,
}

/// Which states an index vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The newest one. A reorganisation may take it back.
    pub newest: StateAt,
    /// The newest one that nothing takes back; `None` before anything is final.
    pub settled: Option<StateAt>,
}

/// A deal that was offered to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the client signed; client and provider may be addresses of any kind.
    pub terms: DealTerms,
    /// How far it was followed.
    pub progress: Progress,
}

/// How far an offer was followed. Who offers a deal begins with [`Progress::since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its id, once it was seen on chain. A reorganisation may give it another one.
    pub deal: Option<u64>,
    /// No deal below can be it: where searching goes on.
    pub from: u64,
    /// Whether it was active, or had been, in a state that nothing takes back.
    pub active: bool,
}

impl Progress {
    /// Of a deal that is offered when `next_deal` is the next id in a settled state ([`Means::next_deal`]).
    #[must_use]
    pub const fn since(next_deal: u64) -> Self {
        Self { deal: None, from: next_deal, active: false }
    }
}

/// What a state says of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on chain and waits to be activated.
    Published {
        /// Its id.
        deal: u64,
    },
    /// Its sector is proven.
    Active {
        /// Its id.
        deal: u64,
        /// The epoch in which it was activated.
        since: Epoch,
    },
    /// It was active, and ended before its time.
    Slashed {
        /// Its id.
        deal: u64,
        /// The epoch in which it did. From actors v13 on nothing of it is left, and nobody can say.
        at: Option<Epoch>,
    },
    /// Its start has passed: nobody can publish or activate it any more.
    TimedOut {
        /// Its id; `None` where it was not seen on chain.
        deal: Option<u64>,
    },
    /// It reached its end.
    Ended {
        /// Its id.
        deal: u64,
    },
}

impl Fate {
    /// Its id on chain; `None` where it was not seen there.
    #[must_use]
    pub const fn deal(&self) -> Option<u64> {
        match self {
            Self::Published { deal }
            | Self::Active { deal, .. }
            | Self::Slashed { deal, .. }
            | Self::Ended { deal } => Some(*deal),
            Self::TimedOut { deal } => *deal,
        }
    }
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// To be kept, and given back.
    pub progress: Progress,
    /// What the newest state says; `None` while it says nothing.
    pub newest: Option<Fate>,
    /// What the newest settled state says, which can be acted upon.
    pub settled: Option<Fate>,
}

/// Why deals could not be followed. What they were stays; it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum DealsError {
    /// A node of the state is missing, cannot be asked for, or is malformed.
    #[error("the state of the market cannot be read")]
    Read(#[from] ReadError),
    /// The database refuses.
    #[error("the database refuses")]
    Store(#[from] StoreError),
    /// An epoch that the database holds names no state.
    #[error("epoch {0} has a state root that is no CID")]
    Root(Epoch),
    /// An epoch that the database holds does not stand up to its checks.
    #[error("epoch {epoch} fails the check {check}")]
    Doubtful {
        /// Which epoch.
        epoch: Epoch,
        /// The first check that failed.
        check: String,
    },
    /// The thread that reads ended by itself: a defect.
    #[error("reading deals was cut off")]
    Worker(#[source] tokio::task::JoinError),
}

impl Standing {
    /// The states that the index of a network vouches for: those that its newest epoch and its newest final one begin with. `None` before
    /// anything is indexed, and in the moment in which a reorganisation is.
    ///
    /// # Errors
    /// The database refuses, or one of the two epochs fails a check.
    pub async fn of(store: &dyn Store, network: &NetworkId) -> Result<Option<Self>, DealsError> {
        let cursor = match store.cursor(network).await {
            Err(StoreError::UnknownNetwork(_)) => return Ok(None),
            cursor => cursor?,
        };
        let Some(cursor) = cursor else { return Ok(None) };
        let newest = store.epoch(network, cursor.epoch).await?;
        let Some(newest) = newest.filter(|record| record.key == cursor.key) else { return Ok(None) };
        let settled = match cursor.final_epoch {
            None => None,
            Some(epoch) => store.epoch(network, epoch).await?,
        };
        Ok(Some(Self { newest: state_of(&newest)?, settled: settled.as_ref().map(state_of).transpose()? }))
    }
}

/// The state that an epoch begins with. That of a null round is the one that the tipset after it begins with.
fn state_of(record: &EpochRecord) -> Result<StateAt, DealsError> {
    let epoch = record.epoch;
    if let Some(failed) = record.checks.iter().find(|check| check.failed > 0 && !concerns_a_message(check)) {
        return Err(DealsError::Doubtful { epoch, check: failed.check.clone() });
    }
    let root = record.state_root.parse().map_err(|_| DealsError::Root(epoch))?;
    Ok(StateAt { epoch, root })
}

/// What somebody has who wants to offer deals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// For [`Progress::since`]: deals below are older than any offer that is made from now on. 0 before anything is settled.
    pub next_deal: u64,
    /// What is in escrow and not locked, attoFIL; nothing for a client whom the chain does not know.
    pub available: TokenAmount,
}

/// What `client` has to offer deals with: the next id by the settled state, the escrow by the newest one.
///
/// # Errors
/// A node is missing, cannot be asked for, or is malformed.
pub async fn means<S: Blockstore + Send + 'static>(
    nodes: S,
    standing: Standing,
    client: Address,
) -> Result<Means, DealsError> {
    let read = move || -> Result<Means, ReadError> {
        let settled = standing.settled.map(|at| View::open(&nodes, &at)).transpose()?;
        let newest = View::open(&nodes, &standing.newest)?;
        let id = newest.tree.resolve(&client)?;
        let available = id.map(|id| newest.market.available(&nodes, id)).transpose()?;
        Ok(Means {
            next_deal: settled.map_or(0, |view| view.market.next_deal),
            available: available.unwrap_or_default(),
        })
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(DealsError::Worker)??)
}

/// What the chain says of these offers, in their order. `nodes` hands out nodes that it has checked against their CIDs
/// ([`Source::blocks`](apogee_filecoin::source::Source::blocks)). At most `limit` proposals are searched; the next call goes on, where settled
/// states allow it.
///
/// # Errors
/// A node is missing, cannot be asked for, or is malformed: then nothing is said of any offer.
pub async fn follow<S: Blockstore + Send + 'static>(
    nodes: S,
    standing: Standing,
    offers: Vec<Offer>,
    limit: usize,
) -> Result<Vec<Followed>, DealsError> {
    let look = move || look(&nodes, &standing, &offers, limit);
    Ok(tokio::task::spawn_blocking(look).await.map_err(DealsError::Worker)??)
}

/// What [`follow`] says, on this thread.
///
/// # Errors
/// See [`follow`].
pub fn look<S: Blockstore>(
    nodes: &S,
    standing: &Standing,
    offers: &[Offer],
    limit: usize,
) -> Result<Vec<Followed>, ReadError> {
    let newest = View::open(nodes, &standing.newest)?;
    let settled = standing.settled.map(|at| View::open(nodes, &at)).transpose()?;
    // The ids below are given for good.
    let sure = settled.as_ref().map_or(0, |view| view.market.next_deal);
    let offers = newest.resolved(offers)?;
    let mut known = Vec::with_capacity(offers.len());
    for offer in &offers {
        known.push(newest.known(offer, sure)?);
    }
    let searched: Vec<_> = offers.iter().zip(&known).filter(|(_, known)| known.is_none()).collect();
    let from = searched.iter().map(|(offer, _)| offer.progress.from).min();
    let search = match from {
        Some(from) => newest.search(from, searched.into_iter().map(|(offer, _)| offer), limit)?,
        None => Search::default(),
    };
    let each = |(offer, known): (&Offer, &Option<u64>)| {
        let deal = known
            .or_else(|| search.found.iter().find(|(_, terms)| *terms == offer.terms).map(|found| found.0));
        let Progress { from, active, .. } = offer.progress;
        let now = newest.fate(offer, deal, search.next >= newest.market.next_deal)?;
        let settled = match &settled {
            // What has no id there has none here yet.
            Some(view) => view.fate(offer, deal.filter(|deal| *deal < sure), search.next >= sure)?,
            None => None,
        };
        let from = match deal {
            Some(deal) if deal < sure => deal,
            Some(_) => from,
            None => from.max(search.next.min(sure)),
        };
        let active = active || matches!(settled, Some(Fate::Active { .. } | Fate::Slashed { .. }));
        Ok(Followed { progress: Progress { deal, from, active }, newest: now, settled })
    };
    offers.iter().zip(&known).map(each).collect()
}

/// The market in a state.
struct View<'a, S> {
    tree: StateTree<'a, S>,
    market: Market,
    epoch: i64,
}

/// What came of a search.
#[derive(Default)]
struct Search {
    found: Vec<(u64, DealTerms)>,
    /// Everything below was looked at.
    next: u64,
}

impl<'a, S: Blockstore> View<'a, S> {
    fn open(nodes: &'a S, at: &StateAt) -> Result<Self, ReadError> {
        let tree = StateTree::open(nodes, &at.root)?;
        let market = tree.market()?;
        Ok(Self { tree, market, epoch: at.epoch.height() })
    }

    /// The offers with their parties by id, as on chain. A party that has none yet stays, and is party to no deal.
    fn resolved(&self, offers: &[Offer]) -> Result<Vec<Offer>, ReadError> {
        let mut ids: BTreeMap<Vec<u8>, Address> = BTreeMap::new();
        let mut id = |address: &Address| -> Result<Address, ReadError> {
            if let Some(id) = ids.get(&address.to_bytes()) {
                return Ok(*id);
            }
            let id = self.tree.resolve(address)?.map_or(*address, Address::new_id);
            ids.insert(address.to_bytes(), id);
            Ok(id)
        };
        let each = |offer: &Offer| {
            let (client, provider) = (id(&offer.terms.client)?, id(&offer.terms.provider)?);
            let terms = DealTerms { client, provider, ..offer.terms.clone() };
            Ok(Offer { terms, progress: offer.progress })
        };
        offers.iter().map(each).collect()
    }

    /// The id of an offer that has one already. Where it has gone, it is still its own if ids below `sure` were given for good.
    fn known(&self, offer: &Offer, sure: u64) -> Result<Option<u64>, ReadError> {
        let Some(deal) = offer.progress.deal else { return Ok(None) };
        let still = match self.market.proposal(self.tree.store(), deal)? {
            Some(terms) => terms == offer.terms,
            None => deal < sure,
        };
        Ok(still.then_some(deal))
    }

    /// Compare proposals from an id on with those that were offered.
    fn search<'b>(
        &self,
        from: u64,
        offers: impl Iterator<Item = &'b Offer>,
        limit: usize,
    ) -> Result<Search, ReadError> {
        let wanted: Vec<&DealTerms> = offers.map(|offer| &offer.terms).collect();
        let mut search = Search { found: Vec::new(), next: from };
        let mut left = limit;
        while search.next < self.market.next_deal && left > 0 {
            let span = (search.next, self.market.next_deal);
            let some = self.market.proposals(self.tree.store(), span, left.min(PAGE))?;
            left = left.saturating_sub(some.found.len());
            search.next = some.next;
            search.found.extend(some.found.into_iter().filter(|(_, terms)| wanted.contains(&terms)));
        }
        Ok(search)
    }

    /// What this state says of an offer that has an id here, or none although `all` ids were looked at.
    fn fate(&self, offer: &Offer, deal: Option<u64>, all: bool) -> Result<Option<Fate>, ReadError> {
        let (terms, late) = (&offer.terms, self.epoch > offer.terms.start);
        let Some(deal) = deal else { return Ok((late && all).then_some(Fate::TimedOut { deal: None })) };
        let (nodes, ended) = (self.tree.store(), self.epoch >= terms.end);
        if self.market.proposal(nodes, deal)?.is_none() {
            return Ok(Some(match offer.progress.active {
                _ if ended => Fate::Ended { deal },
                false if late => Fate::TimedOut { deal: Some(deal) },
                // Before its start nothing but an end of its sector takes a deal away.
                _ => Fate::Slashed { deal, at: None },
            }));
        }
        let state = self.market.deal(nodes, deal)?;
        let state = state
            .and_then(|state| Some((Epoch::new(state.sector_start?)?, state.slashed.and_then(Epoch::new))));
        Ok(Some(match state {
            Some((_, Some(at))) => Fate::Slashed { deal, at: Some(at) },
            Some(_) if ended => Fate::Ended { deal },
            Some((since, None)) => Fate::Active { deal, since },
            None if late => Fate::TimedOut { deal: Some(deal) },
            None => Fate::Published { deal },
        }))
    }
}
