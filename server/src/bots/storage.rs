//! Deals that are offered in slots of storage: made, signed and written down before anybody is told of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::{Offer, Pass, Place, Task, Via};
use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_indexer::deals::{DealsError, Means, Standing, StateAt, means};
use apogee_market::{KeyError, Secp256k1Key};
use apogee_offer::{Conditions, Made, NoOffer, Offers, Protocol, Slot};
use apogee_outbound::Target;
use apogee_payload::{Class, InvalidSizes, Sizes};
use apogee_store::{DealCourse, Lane, Page, ProbeDeal, Store, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;

use super::contacts::Contacts;
use super::data::Shelf;
use crate::config;
use crate::refunds::Readable;

/// For how many minutes a bot is given passes to Curio: one before, as clocks are apart, and as long as an attempt may take.
const PASSES: std::ops::Range<i64> = -1..9;
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// How long what was seen of the chain is good for, microseconds.
const STALE: i64 = 600_000_000;
/// A day, seconds.
const DAY: u32 = 86_400;

/// Why no deals can be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoStorage {
    #[error("seconds is 4 at least, and slots is 1 at least")]
    Cadence,
    #[error("data is an address such as https://board.example")]
    Data,
    #[error("success_at is accepted, published or active")]
    SuccessAt,
    #[error("miners.{0}: Curio's deals are not in the market actor: success_at has to be accepted for them")]
    Unseen(String),
    #[error("miners.{0}: url is an address such as https://sp.example")]
    Url(String),
    #[error("the sizes cannot be")]
    Sizes(#[from] InvalidSizes),
    #[error("the client's key is none")]
    Key(#[from] KeyError),
    #[error("the conditions cannot be")]
    Offers(#[from] NoOffer),
}

/// Why there is no task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTask {
    #[error("the database refuses")]
    Store(#[from] StoreError),
    #[error("no deal could be made")]
    Offer(#[from] NoOffer),
    #[error("making a deal broke off")]
    Broke(#[from] tokio::task::JoinError),
}

/// Why no deals are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The index is behind the clock.
    Behind,
    /// Nothing was read of the chain yet.
    Unseen,
    /// What the client has in escrow is less than signed deals and the largest one take.
    Unpaid,
}

impl Closed {
    /// In words, for the log.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Behind => "the index is behind the clock",
            Self::Unseen => "nothing was read of the market on the chain yet",
            Self::Unpaid => {
                "the client has less in escrow than the signed deals and the largest one take together: add to it"
            }
        }
    }
}

/// What the chain and the database said.
#[derive(Clone, Debug)]
struct Seen {
    /// When.
    at: Timestamp,
    /// In which state.
    state: StateAt,
    /// What the client can offer deals with.
    means: Means,
    /// What deals take that are signed and not on the chain yet, attoFIL.
    promised: TokenAmount,
}

/// The deals of a competition.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(super) offers: Arc<Offers>,
    settings: config::Storage,
    prefix: Network,
    private: bool,
    /// What was last seen on the chain.
    seen: Mutex<Option<Seen>>,
    /// How miners say on the chain that they are reached, where the settings leave it to them.
    contacts: Contacts,
}

impl Storage {
    pub(super) fn new(
        settings: &config::Storage,
        (secret, key): ([u8; 32], [u8; 32]),
        private: bool,
    ) -> Result<Self, NoStorage> {
        if settings.seconds < 4 || settings.slots == 0 {
            return Err(NoStorage::Cadence);
        }
        if Target::parse(&settings.data).is_err() {
            return Err(NoStorage::Data);
        }
        for (miner, market) in &settings.miners {
            if let config::Market::Http { url } = market {
                if Target::parse(url).is_err() {
                    return Err(NoStorage::Url(miner.clone()));
                }
                if settings.success_at != "accepted" {
                    return Err(NoStorage::Unseen(miner.clone()));
                }
            }
        }
        let classes = settings.sizes.iter().map(|size| Class { bytes: size.bytes, weight: size.weight });
        let sizes = match settings.sizes.is_empty() {
            true => Sizes::new(Sizes::default().classes().to_vec(), settings.day_bytes),
            false => Sizes::new(classes.collect(), settings.day_bytes),
        };
        let conditions = Conditions {
            price: TokenAmount::from_atto(settings.price),
            collateral: TokenAmount::from_atto(settings.collateral),
            start: settings.start_epochs.into(),
            duration: settings.duration_epochs.into(),
            verified: false,
            sizes: sizes?,
            window: (DAY / settings.seconds).max(1).into(),
        };
        let mainnet = settings.miners.keys().next().is_some_and(|miner| miner.starts_with('f'));
        Ok(Self {
            offers: Arc::new(Offers::new(secret, Secp256k1Key::from_bytes(&key)?, conditions)?),
            settings: settings.clone(),
            prefix: if mainnet { Network::Mainnet } else { Network::Testnet },
            private,
            seen: Mutex::default(),
            contacts: Contacts::of(&settings.miners),
        })
    }

    /// The miners that are offered deals.
    pub(super) fn miners(&self) -> impl Iterator<Item = &String> {
        self.settings.miners.keys()
    }

    /// Whether the chain tells what becomes of deals, so that it is followed.
    pub(super) fn is_followed(&self) -> bool {
        self.settings.success_at != "accepted"
    }

    /// What is read on the chain of how miners are reached.
    pub(super) const fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// Where a miner is spoken to; `None` where nobody says.
    pub(super) fn place(&self, miner: &str) -> Option<Place> {
        Some(match self.settings.miners.get(miner)? {
            config::Market::Libp2p { peer, addresses } => {
                Place::Libp2p { peer: peer.clone(), addresses: addresses.clone() }
            }
            config::Market::Chain { .. } => self.contacts.of_miner(miner)?,
            config::Market::Http { url } => Place::Http { url: url.clone() },
        })
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look on the chain what the client can offer deals with, and in the database what it has promised. Up to `head` the network is indexed.
    pub(super) async fn look(
        &self,
        store: &dyn Store,
        (network, race): (&NetworkId, &str),
        (nodes, standing): (Readable, Standing),
        (head, at): (Epoch, Timestamp),
    ) -> Result<(), DealsError> {
        let state = standing.newest;
        // One look is enough for a state.
        if let Some(seen) = self.seen().as_mut().filter(|seen| seen.state == state) {
            seen.at = at;
            return Ok(());
        }
        let means = means(nodes, standing, self.offers.client()).await?;
        let promised = store.promised_deals(network, race, head).await?;
        let promised = promised.into_iter().map(|(size, deals)| self.offers.cost(size) * deals).sum();
        *self.seen() = Some(Seen { at, state, means, promised });
        Ok(())
    }

    /// Why no deals can be offered; `None` where they can: the chain is seen, and pays for the largest of them beside those that are signed.
    pub(super) fn closed(&self, now: Timestamp) -> Option<Closed> {
        let need = self.offers.need();
        let free = need.is_zero() || self.settings.miners.values().all(config::Market::is_free);
        match &*self.seen() {
            Some(seen) if now.0.saturating_sub(seen.at.0) < STALE => {
                let short = !free && seen.means.available < &seen.promised + &need;
                short.then_some(Closed::Unpaid)
            }
            _ => (self.is_followed() || !free).then_some(Closed::Unseen),
        }
        .or_else(|| (!self.contacts.are_known()).then_some(Closed::Unseen))
    }

    /// What a bot is told of a slot; `None` for a miner that is offered no deals, and where it is too late.
    pub(super) async fn task(
        &self,
        store: &dyn Store,
        lane: &Lane,
        shelf: &Shelf,
        (head, now): (Epoch, Timestamp),
    ) -> Result<Option<Task>, NoTask> {
        let Some(place) = self.place(&lane.key.miner) else { return Ok(None) };
        // Whoever was told of the deal before may have sent it.
        let (deal, sent) = match store.deal(&lane.key, lane.slot).await? {
            Some(deal) => (deal, true),
            None => match self.put(store, lane, &place, shelf, (head, now)).await? {
                Some(deal) => (deal, false),
                None => return Ok(None),
            },
        };
        if head >= deal.start {
            return Ok(None);
        }
        let refused = sent && refused(store, lane).await?;
        let slot = Slot { miner: &lane.key.miner, number: lane.slot };
        let document = STANDARD.encode(&deal.document);
        let via = match place {
            Place::Libp2p { peer, addresses } => {
                let status = STANDARD.encode(self.offers.ask_status(slot)?);
                Via::Libp2p { peer, addresses, deal: document, status }
            }
            Place::Http { url } => {
                let passes = self.passes(slot, &url, now)?;
                Via::Http { url, deal: document, passes }
            }
        };
        Ok(Some(Task::Deal(Box::new(Offer {
            via,
            data: self.url(&deal.id),
            id: deal.id,
            proposal: deal.proposal,
            piece: deal.piece,
            size: deal.size,
            cap: self.settings.price.to_string(),
            sent,
            refused,
            private: self.private,
        }))))
    }

    fn url(&self, id: &str) -> String {
        format!("{}/dealbot/v1/data/{id}", self.settings.data.trim_end_matches('/'))
    }

    fn passes(&self, slot: Slot<'_>, url: &str, now: Timestamp) -> Result<Vec<Pass>, NoOffer> {
        let Ok(base) = Target::parse(url) else { return Ok(Vec::new()) };
        let minute = now.0.div_euclid(MINUTE);
        let pass = |offset| {
            let minute = minute.saturating_add(offset);
            let pass = self.offers.pass(slot, &base, minute)?;
            Ok(Pass { minute, propose: pass.propose, status: pass.status })
        };
        PASSES.map(pass).collect()
    }

    /// Make the deal of a slot and write it down; `None` where its window has no bytes left.
    async fn put(
        &self,
        store: &dyn Store,
        lane: &Lane,
        place: &Place,
        shelf: &Shelf,
        (head, now): (Epoch, Timestamp),
    ) -> Result<Option<ProbeDeal>, NoTask> {
        let protocol = match place {
            Place::Libp2p { .. } => Protocol::Market,
            Place::Http { .. } => Protocol::Direct(self.prefix),
        };
        let (offers, miner, number) = (Arc::clone(&self.offers), lane.key.miner.clone(), lane.slot);
        let Some(provider) = miner.get(2..).and_then(|number| number.parse().ok()).map(Address::new_id)
        else {
            return Ok(None);
        };
        let url = self.url(&offers.id(Slot { miner: &miner, number }, protocol));
        // It is hashed twice: not where requests are answered.
        let made = tokio::task::spawn_blocking(move || {
            let slot = Slot { miner: &miner, number };
            let payload = offers.payload(slot)?;
            Some(offers.make(slot, (protocol, provider), payload, head.height(), &url))
        });
        let Some(made) = made.await? else { return Ok(None) };
        let (made, car) = made?;
        let deal = row(made, lane, self.seen().as_ref().map_or(0, |seen| seen.means.next_deal), now);
        let mut work = store.begin().await?;
        let deal = work.put_deal(&deal).await?;
        work.commit().await?;
        shelf.add(deal.id.clone(), car);
        if let Some(seen) = self.seen().as_mut().filter(|_| !deal.proposal.is_empty()) {
            seen.promised += self.offers.cost(deal.size);
        }
        Ok(Some(deal))
    }
}

/// Whether an earlier attempt of the slot was refused for the moment: by whoever is asked again.
async fn refused(store: &dyn Store, lane: &Lane) -> Result<bool, StoreError> {
    let page = Page { after: Some((lane.slot, lane.attempt)), limit: lane.attempt };
    let earlier = store.probe_attempts(&lane.key, page).await?;
    let of_slot = earlier.iter().filter(|attempt| attempt.slot == lane.slot);
    let codes = of_slot.filter_map(|attempt| Code::parse(&attempt.code));
    Ok(codes.into_iter().any(|code| matches!(code, Code::RejectBackpressure | Code::RejectRateLimit)))
}

fn row(made: Made, lane: &Lane, after: u64, made_at: Timestamp) -> ProbeDeal {
    let epoch = |height| Epoch::new(height).unwrap_or(Epoch::GENESIS);
    ProbeDeal {
        key: lane.key.clone(),
        slot: lane.slot,
        id: made.id,
        payload: made.payload,
        size: made.size,
        root: made.root.to_string(),
        piece: made.piece.to_string(),
        proposal: made.proposal.map_or_else(String::new, |cid| cid.to_string()),
        document: made.document,
        made: made_at,
        start: epoch(made.start),
        end: epoch(made.end),
        after,
        course: DealCourse::default(),
    }
}
