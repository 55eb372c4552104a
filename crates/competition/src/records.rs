use std::sync::Arc;

use apogee_domain::{Digest, Epoch, NetworkId, Timestamp};
use apogee_rules::{Id, Quantity, RuleSet};
use serde::Serialize;

use crate::Words;
use crate::parts::Pin;

/// When something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Number of the entry.
    pub seq: u64,
    /// Epoch of the entry.
    pub epoch: Epoch,
    /// Time of the entry.
    pub time: Timestamp,
}

/// Epochs that do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedInterval {
    /// Number of the decision.
    pub seq: u64,
    /// First epoch.
    pub from: Epoch,
    /// First epoch that counts again.
    pub until: Epoch,
    /// For which metrics; none for all.
    pub metrics: Vec<Id>,
    /// In which regions; none for all.
    pub regions: Vec<Id>,
}

/// Epochs in which counting stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PausedInterval {
    /// Number of the entry that paused it.
    pub seq: u64,
    /// The incident that was the cause.
    pub incident: u64,
    /// First epoch.
    pub from: Epoch,
    /// First epoch that counts again; absent while it is paused.
    pub until: Option<Epoch>,
}

/// How far a competition has come, as an object rather than one state. Times of epochs to come are the network's to reckon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timestamps {
    /// Claims were accepted from then on.
    pub registration_opened: Option<Moment>,
    /// It was said to run.
    pub started: Option<Moment>,
    /// Standings were frozen, the last time.
    pub frozen: Option<Moment>,
    /// It was said to be over.
    pub ended: Option<Moment>,
    /// Standings were thawed, the last time.
    pub thawed: Option<Moment>,
    /// The time of appeals was opened.
    pub provisional: Option<Moment>,
    /// Epoch before which appeals can be made.
    pub provisional_until: Option<Epoch>,
    /// Standings were final, the first time.
    pub finalized: Option<Moment>,
    /// All that was approved was paid.
    pub paid: Option<Moment>,
    /// It was archived or cancelled.
    pub end_of_updates: Option<Moment>,
    /// What does not count; decisions that were taken back are not here.
    pub removed_intervals: Vec<RemovedInterval>,
    /// When it was paused.
    pub paused_intervals: Vec<PausedInterval>,
}

/// What a competition goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It is being prepared.
    Draft,
    /// Claims are accepted.
    Registration,
    /// It runs; perhaps paused.
    Running,
    /// It is over; results are being checked.
    Ended,
    /// Results can be appealed.
    Provisional,
    /// Results are final.
    Final,
    /// All that was approved is paid.
    Paid,
    /// It did not take place, or not to its end.
    Cancelled,
    /// Nothing changes any more.
    Archived,
}

/// A version of the rules in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The version.
    pub rules: Arc<RuleSet>,
    /// Its hash.
    pub hash: Digest,
    /// Hash of the report of what it changed.
    pub simulation: Option<Digest>,
    /// When it was published.
    pub moment: Moment,
}

/// What a founding says that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Founding {
    /// The network it runs on.
    pub network: NetworkId,
    /// The site that claims are made for.
    pub domain: String,
    /// How many operators an act with weight needs.
    pub threshold: u32,
    /// Epochs of notice before a new end, and that appeals last at least.
    pub notice: u32,
}

/// A miner competes for an entity in `[from, until)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The miner.
    pub participant: Id,
    /// Its region when it joined, where one was known.
    pub region: Option<Id>,
    /// First epoch.
    pub from: Epoch,
    /// First epoch at which it no longer does; absent while it does.
    pub until: Option<Epoch>,
}

/// An entity as claims made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Competitor {
    /// Its name for people.
    pub name: String,
    /// The region it says it is in.
    pub region: Option<Id>,
    /// Epoch of the claim that founded it.
    pub registered: Epoch,
    /// Tracks it takes part in; none for all.
    pub tracks: Vec<Id>,
    /// Who competes for it, and when, in the order of joining.
    pub members: Vec<Membership>,
    /// What its payout address hashes to.
    pub payout: Option<Digest>,
    /// Its payout address, once it is shown.
    pub address: Option<String>,
}

impl Competitor {
    /// The miner that speaks for it: of those that compete for it now, the one that has for longest.
    #[must_use]
    pub fn leader(&self) -> Option<&Id> {
        let now = self.members.iter().filter(|member| member.until.is_none());
        now.min_by_key(|member| (member.from, &member.participant)).map(|member| &member.participant)
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// In short.
    pub title: Words,
    /// Since when.
    pub from: Epoch,
    /// First epoch after it; absent while it is open.
    pub until: Option<Epoch>,
}

/// A request for another look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Appeal {
    /// Whose.
    pub entity: Id,
    /// Number of the entry it is about.
    pub about: u64,
    /// Why.
    pub text: String,
    /// Number of the entry that answered it; absent while it is open.
    pub answered: Option<u64>,
}

/// One version of final standings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Final {
    /// Which standings.
    pub pin: Pin,
    /// When they were said to be final.
    pub moment: Moment,
}

/// An approved payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payout {
    /// Root of its tree.
    pub root: Digest,
    /// Its sum, in atto.
    pub total: Quantity,
    /// Number of the entry.
    pub seq: u64,
}
