use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Network, NetworkId, Timestamp};
use apogee_store::{Cursor, EpochRecord, Recount};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::competitions::{Ground, Held, Prizes};
use crate::faucets::FaucetsNow;
use crate::spacemesh::Counting;

/// What the service knows of its networks at a moment. Pages read it instead of the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    /// By name.
    pub(crate) networks: Vec<Arc<NetworkNow>>,
    /// By name.
    pub(crate) competitions: Vec<Arc<CompetitionNow>>,
    /// How faucets do.
    pub(crate) faucets: Arc<FaucetsNow>,
    /// Tells this moment from others, for pages about several networks.
    pub(crate) generation: Digest,
}

/// What is known of one competition at a moment.
#[derive(Clone, Debug)]
pub(crate) struct CompetitionNow {
    /// Its ledger, folded.
    pub(crate) held: Arc<Held>,
    /// Where its facts come from; `None` where neither its network nor a package of it is there.
    pub(crate) ground: Option<Ground>,
    /// How its facts stand to the chain.
    pub(crate) freshness: Freshness,
    /// What the treasury was given to pay.
    pub(crate) prizes: PrizesNow,
    /// Names what its pages are made from.
    pub(crate) generation: Digest,
}

/// What the treasury was given to pay for a competition, as it was when it was last looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrizesNow {
    /// When.
    pub(crate) seen: Timestamp,
    /// The payments, by entity.
    pub(crate) given: Arc<Prizes>,
    /// What they are like: the same digest, the same payments.
    pub(crate) digest: Digest,
}

impl PrizesNow {
    pub(crate) fn new(seen: Timestamp, given: Prizes) -> Self {
        let mut hasher = Sha256::new();
        for payment in given.values().flatten() {
            hasher.update(format!("{}\n{}\n{}\n", payment.id, payment.state.as_str(), payment.reason));
        }
        Self { seen, given: Arc::new(given), digest: Digest(hasher.finalize().into()) }
    }
}

/// What is known of one network at a moment.
#[derive(Clone, Debug)]
pub(crate) struct NetworkNow {
    /// The network.
    pub(crate) network: Network,
    /// How far it is shown; `None` before the first epoch. While standings on it are frozen, that is the epoch they are frozen at.
    pub(crate) cursor: Option<Cursor>,
    /// Digest of everything indexed, shown or not.
    pub(crate) indexed: Option<Digest>,
    /// The epoch of the cursor.
    pub(crate) record: Option<EpochRecord>,
    /// Its votes, counted again.
    pub(crate) recounts: RecountsNow,
    /// How the index stands to the chain.
    pub(crate) freshness: Freshness,
    /// The nodes it is read from, in the order of the configuration; none for a recording.
    pub(crate) endpoints: Vec<EndpointNow>,
    /// Why indexing stopped, in words, when it did.
    pub(crate) stopped: Option<String>,
    /// When this was put together.
    pub(crate) seen: Timestamp,
    /// Names what pages of this network are made from: the same generation makes the same pages.
    pub(crate) generation: Digest,
}

/// What is known of a network's recounts at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecountsNow {
    /// Those that are kept, by their input.
    pub(crate) kept: Vec<Recount>,
    /// Whether one works now in a process beside this one, or came to nothing.
    pub(crate) counting: Option<Counting>,
    /// Whether this process begins them.
    pub(crate) begun_here: bool,
}

/// How an index stands to its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Freshness {
    /// It is at the head, or an epoch or two behind.
    Live,
    /// It is behind, and moves.
    Delayed,
    /// It has not moved for long, or has stopped.
    Stalled,
    /// It is a recording: it has no head that moves.
    Recorded,
    /// Standings are frozen: nothing newer is shown.
    Frozen,
}

/// A node as it was when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointNow {
    /// Scheme, host and port; never a token.
    pub(crate) name: String,
    /// Its head; `None` before its first answer.
    pub(crate) head: Option<Epoch>,
    /// Calls in a row without a usable answer.
    pub(crate) failures: u32,
    /// Answers, ever, that could not be right.
    pub(crate) dishonest: u32,
    /// How long an answer takes, in milliseconds.
    pub(crate) latency_ms: Option<u64>,
    /// Whether a head of it did not stand up to verification.
    pub(crate) distrusted: bool,
}

impl Now {
    pub(crate) fn new(
        networks: Vec<Arc<NetworkNow>>,
        competitions: Vec<Arc<CompetitionNow>>,
        faucets: Arc<FaucetsNow>,
    ) -> Self {
        let mut hasher = Sha256::new();
        networks.iter().for_each(|now| hasher.update(now.generation.0));
        competitions.iter().for_each(|now| hasher.update(now.generation.0));
        Self { networks, competitions, faucets, generation: Digest(hasher.finalize().into()) }
    }

    /// The competition of that name.
    pub(crate) fn competition(&self, id: &str) -> Option<&Arc<CompetitionNow>> {
        self.competitions.iter().find(|now| now.held.id().as_str() == id)
    }

    /// The network of that name.
    pub(crate) fn network(&self, id: &str) -> Option<&Arc<NetworkNow>> {
        self.networks.iter().find(|now| now.network.id.as_str() == id)
    }
}

impl CompetitionNow {
    pub(crate) fn new(
        held: Arc<Held>,
        ground: Option<Ground>,
        network: Option<&NetworkNow>,
        prizes: PrizesNow,
    ) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(held.head().map_or_else(Digest::default, |(_, hash)| hash).0);
        hasher.update(network.map_or_else(Digest::default, |network| network.generation).0);
        hasher.update(ground.as_ref().map_or_else(Digest::default, Ground::digest).0);
        hasher.update(prizes.digest.0);
        let generation = Digest(hasher.finalize().into());
        let freshness = match network {
            _ if held.competition().frozen().is_some() => Freshness::Frozen,
            Some(network) => network.freshness,
            None => Freshness::Recorded,
        };
        Self { held, ground, freshness, prizes, generation }
    }
}

impl NetworkNow {
    #[expect(clippy::too_many_arguments, reason = "each is a part of what is put together here, once")]
    pub(crate) fn new(
        network: Network,
        indexed: Option<Digest>,
        cursor: Option<Cursor>,
        record: Option<EpochRecord>,
        recounts: RecountsNow,
        freshness: Freshness,
        endpoints: Vec<EndpointNow>,
        stopped: Option<String>,
        seen: Timestamp,
    ) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(network.id.as_str());
        hasher.update(cursor.as_ref().map_or_else(Digest::default, |cursor| cursor.digest).0);
        let finality = cursor.as_ref().and_then(|cursor| cursor.final_epoch);
        // Not the latency: it differs with every answer and is no reason to make all pages anew.
        let nodes: Vec<_> = endpoints
            .iter()
            .map(|node| (&node.name, node.head, node.failures > 0, node.dishonest, node.distrusted))
            .collect();
        hasher.update(format!("{finality:?}{freshness:?}{stopped:?}{nodes:?}{recounts:?}"));
        let generation = Digest(hasher.finalize().into());
        Self { network, indexed, cursor, record, recounts, freshness, endpoints, stopped, seen, generation }
    }
}

/// What an answer is about and how sure it is: in every page and JSON answer about a network.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Meta {
    /// The network.
    #[schema(value_type = String)]
    pub(crate) network: NetworkId,
    /// What is shown is what holds at this epoch.
    #[schema(value_type = i64)]
    pub(crate) epoch: Epoch,
    /// When that epoch began, RFC 3339.
    pub(crate) time: String,
    /// Its tipset: CIDs with commas between them; empty for a null round.
    pub(crate) tipset: String,
    /// Digest of everything indexed up to that epoch.
    #[schema(value_type = String)]
    pub(crate) digest: Digest,
    /// The newest indexed epoch. `null` where an epoch was asked for by its number and is final: such an answer never changes, and so tells
    /// nothing of what came after.
    #[schema(value_type = Option<i64>)]
    pub(crate) head: Option<Epoch>,
    /// Epochs up to this one can no longer change; `null` before anything is final, and where `head` is.
    #[schema(value_type = Option<i64>)]
    pub(crate) final_epoch: Option<Epoch>,
    /// Whether what is shown can no longer change.
    #[serde(rename = "final")]
    pub(crate) is_final: bool,
    /// Whether an epoch was asked for; otherwise it is the newest one.
    pub(crate) pinned: bool,
    /// How the index stands to the chain; `null` where `head` is.
    pub(crate) freshness: Option<Freshness>,
    /// Whether the newest epoch is being ranked, and this is shown meanwhile.
    #[serde(skip)]
    pub(crate) passing: bool,
    /// Whether its votes can be counted again: there are pages of that.
    #[serde(skip)]
    pub(crate) recounts: bool,
}

impl Meta {
    /// Whether an answer about it is only good until the next one can be made.
    pub(crate) const fn is_passing(&self) -> bool {
        self.passing
    }

    /// Whether an answer about it is for good.
    pub(crate) const fn is_settled(&self) -> bool {
        self.head.is_none()
    }
}
