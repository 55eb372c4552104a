use apogee_domain::{Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use crate::{LaneKey, Page, Result};

/// A deal that is offered in a slot of storage. It is written down before anybody is told of it, and there is one for each slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeDeal {
    /// Whose slot.
    pub key: LaneKey,
    /// Its number.
    pub slot: u64,
    /// Its name: a UUID or ULID, as its protocol writes it.
    pub id: String,
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes of what the miner gets: the payload as a CAR.
    pub size: u64,
    /// CID of the root of the payload.
    pub root: String,
    /// The commitment to the piece, a CID of version 1.
    pub piece: String,
    /// CID of the signed proposal; empty for a protocol without one.
    pub proposal: String,
    /// What is sent.
    pub document: Vec<u8>,
    /// When it was made.
    pub made: Timestamp,
    /// The epoch by which it has to be in force.
    pub start: Epoch,
    /// The epoch with which it ends.
    pub end: Epoch,
    /// Deals of the chain below this number are older.
    pub after: u64,
    /// What became of it.
    pub course: DealCourse,
}

/// Most bytes of what is sent of a deal.
pub const MAX_DEAL: usize = 64 << 10;

/// What is known of a deal beyond its terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DealCourse {
    /// How far its miner has fetched the data without a gap, bytes.
    pub fetched: u64,
    /// When it last fetched.
    pub fetched_at: Option<Timestamp>,
    /// Its number on the chain.
    pub deal: Option<u64>,
    /// Since when it stands there.
    pub published: Option<Epoch>,
    /// Since when it is in force.
    pub active: Option<Epoch>,
    /// When its data was lost.
    pub slashed: Option<Epoch>,
    /// Whether it is followed no more.
    pub closed: bool,
}

/// What is known of deals.
#[async_trait]
pub trait ProbeDeals {
    /// The deal of a slot.
    async fn deal(&self, key: &LaneKey, slot: u64) -> Result<Option<ProbeDeal>>;

    /// The deal of this name.
    async fn deal_named(&self, id: &str) -> Result<Option<ProbeDeal>>;

    /// Deals of a race that are followed, by when they have to be in force, name.
    async fn open_deals(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<ProbeDeal>>;

    /// Sizes of signed deals of a race that can still be published, and how many there are of each: they start at `from` or later and were not seen on the
    /// chain.
    async fn promised_deals(&self, network: &NetworkId, race: &str, from: Epoch) -> Result<Vec<(u64, u64)>>;

    /// Deals of a lane of which it was known by a moment that their slots went well, and whose data was not lost, from newest to oldest.
    async fn stored_deals(&self, key: &LaneKey, by: Timestamp, limit: u32) -> Result<Vec<ProbeDeal>>;

    /// How many bots found in slots of a lane, in `[from, to]`, that the data of its deals could not be had.
    async fn bots_without_data(&self, key: &LaneKey, from: Timestamp, to: Timestamp) -> Result<u32>;
}

/// Changes of what is known of deals.
#[async_trait]
pub trait ProbeDealsWork {
    /// Add a deal; where its slot has one already, that stays, and is given.
    async fn put_deal(&mut self, deal: &ProbeDeal) -> Result<ProbeDeal>;

    /// Its data was fetched: bytes `[from, to)`.
    async fn put_fetch(&mut self, id: &str, from: u64, to: u64, at: Timestamp) -> Result<()>;

    /// What the chain says of it, and whether it is followed further. What was fetched stays.
    async fn set_deal(&mut self, id: &str, course: &DealCourse) -> Result<()>;
}
