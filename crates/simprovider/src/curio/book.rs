//! The deals that were taken.

use std::collections::BTreeMap;

use apogee_market_http::Ulid;
use fvm_shared::address::Address;
use serde_json::{Value, json};

use super::check::Order;

/// Where a deal is, as Curio's status says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Taken.
    Accepted,
    /// Its data is awaited.
    Uploading,
    /// Its data is fetched and verified.
    Processing,
    /// Its sector is sealed.
    Sealing,
    /// Its blocks are indexed.
    Indexing,
    /// Everything is done.
    Complete,
    /// The provider has given up, in these words.
    Failed(String),
}

/// What has become of a deal's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Nobody has begun.
    Not,
    /// It is under way.
    Begun,
    /// It came, and is what was offered.
    Verified,
    /// It did not come, or is something else.
    Failed,
}

/// A deal that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Who proposed it.
    pub client: Address,
    /// The document, as it came.
    pub json: Vec<u8>,
    /// Where it is.
    pub progress: Progress,
    /// What has become of its data.
    pub fetched: Fetched,
    /// Steps that its status has gone by itself.
    pub(super) steps: usize,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    taken: BTreeMap<Ulid, Taken>,
    /// What becomes of a deal once its data is verified.
    ahead: Vec<Progress>,
}

impl Book {
    pub(super) const fn new(ahead: Vec<Progress>) -> Self {
        Self { taken: BTreeMap::new(), ahead }
    }

    /// Take a deal; not, if there is one of that name.
    pub(super) fn take(&mut self, client: Address, order: &Order, json: &[u8]) -> bool {
        if self.taken.contains_key(&order.identifier) {
            return false;
        }
        let progress = if order.urls.is_empty() { Progress::Uploading } else { Progress::Accepted };
        let taken = Taken { client, json: json.to_vec(), progress, fetched: Fetched::Not, steps: 0 };
        self.taken.insert(order.identifier, taken);
        true
    }

    pub(super) fn all(&self) -> &BTreeMap<Ulid, Taken> {
        &self.taken
    }

    pub(super) fn get_mut(&mut self, deal: &Ulid) -> Option<&mut Taken> {
        self.taken.get_mut(deal)
    }

    /// Whether this client has such a deal.
    pub(super) fn is_of(&self, deal: &Ulid, client: &Address) -> bool {
        self.taken.get(deal).is_some_and(|taken| taken.client == *client)
    }

    /// A deal's status; each question for it is one step further.
    pub(super) fn status(&mut self, deal: &Ulid) -> Option<Value> {
        let taken = self.taken.get_mut(deal)?;
        if taken.fetched == Fetched::Verified
            && let Some(next) = self.ahead.get(taken.steps)
        {
            taken.progress = next.clone();
            taken.steps += 1;
        }
        let (state, error) = match &taken.progress {
            Progress::Accepted => ("accepted", ""),
            Progress::Uploading => ("uploading", ""),
            Progress::Processing => ("processing", ""),
            Progress::Sealing => ("sealing", ""),
            Progress::Indexing => ("indexing", ""),
            Progress::Complete => ("complete", ""),
            Progress::Failed(why) => ("failed", why.as_str()),
        };
        Some(json!({ "ddo_v1": { "status": state, "errorMsg": error } }))
    }
}
