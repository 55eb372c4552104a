//! A file that says what a network is.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use apogee_domain::{Finality, Network, NetworkId, NetworkKind, Timestamp};
use apogee_recount::{Config, Settings};
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::eligibility::Committee;
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId};
use apogee_spacemesh_index::Params;
use apogee_store::{Store, StoreError};
use apogee_tortoise::Layer;
use serde::Deserialize;

/// The most bytes of such a file.
const MOST: u64 = 64 << 10;

/// A network, as its operators configured it. Everybody who counts it needs the same figures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    /// The genesis id, 40 hexadecimal digits.
    genesis: String,
    /// When layer 0 began: `2023-07-14T08:00:00Z`.
    genesis_time: String,
    /// What addresses begin with: `sm`, `stest`, `standalone`.
    address_prefix: String,
    /// Seconds of a layer.
    layer_seconds: NonZeroU32,
    /// Layers of an epoch.
    layers_per_epoch: NonZeroU32,
    /// The last layer before the first that pays, in the network's first start: subsidies are counted from it.
    effective_genesis: u32,
    /// Slots that a layer has on average.
    committee: NonZeroU32,
    /// The weight below which the network is not taken to be.
    min_weight: u64,
    /// Layers below the head from which on a layer is final: more than any split lasts that is to heal.
    finality_layers: u32,
    /// Whether layers are final only as far as a recount that was applied says so as well.
    recount: bool,
    /// How votes are counted.
    tortoise: Tortoise,
}

/// How a network's nodes count votes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tortoise {
    hdist: u32,
    zdist: u32,
    window: u32,
    max_exceptions: u32,
    bad_beacon_delay: u32,
}

/// Why a file says of no network what it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDescribed {
    #[error("{} cannot be read", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    #[error("{}: {what}", file.display())]
    Wrong { file: PathBuf, what: String },
    #[error(
        "the database knows {0} by other figures: genesis id and time, prefix, seconds of a layer and finality stay what they were"
    )]
    Other(NetworkId),
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

impl Described {
    /// Read and check it.
    pub(crate) fn read(file: &Path) -> Result<Self, NotDescribed> {
        let unread = |cause| NotDescribed::File(file.to_owned(), cause);
        let wrong = |what: String| NotDescribed::Wrong { file: file.to_owned(), what };
        if std::fs::metadata(file).map_err(unread)?.len() > MOST {
            return Err(wrong(format!("it has more than {MOST} bytes")));
        }
        let text = std::fs::read_to_string(file).map_err(unread)?;
        let described: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        described.genesis().map_err(&wrong)?;
        described.genesis_time().map_err(&wrong)?;
        Prefix::new(&described.address_prefix).map_err(|error| wrong(format!("address_prefix: {error}")))?;
        if described.effective_genesis == 0 {
            return Err(wrong("effective_genesis is 1 at least".to_owned()));
        }
        if described.tortoise.hdist < described.tortoise.zdist {
            return Err(wrong("tortoise: hdist is not less than zdist".to_owned()));
        }
        if described.finality_layers < described.tortoise.hdist {
            return Err(wrong(
                "finality_layers is not less than hdist: until then votes do not decide".to_owned(),
            ));
        }
        if described.tortoise.window == 0 {
            return Err(wrong("tortoise: window is 1 at least".to_owned()));
        }
        Ok(described)
    }

    fn genesis(&self) -> Result<GenesisId, String> {
        self.genesis.parse().map_err(|error| format!("genesis: {error}"))
    }

    fn genesis_time(&self) -> Result<Timestamp, String> {
        self.genesis_time
            .parse()
            .map_err(|_| "genesis_time is a time such as 2023-07-14T08:00:00Z".to_owned())
    }

    /// The network under a name.
    pub(crate) fn network(&self, id: NetworkId) -> Network {
        Network {
            id,
            kind: NetworkKind::Spacemesh,
            genesis: self.params().genesis.to_string(),
            genesis_time: self.genesis_time().unwrap_or_default(),
            epoch_seconds: self.layer_seconds.get(),
            address_prefix: self.address_prefix.clone(),
            finality: Finality { depth: self.finality_layers, certificates: false },
        }
    }

    /// What its addresses begin with.
    pub(crate) fn prefix(&self) -> Prefix {
        Prefix::new(&self.address_prefix).unwrap_or(Prefix::MAIN)
    }

    /// Whether nothing is final that no recount has counted.
    pub(crate) const fn is_recounted(&self) -> bool {
        self.recount
    }

    /// That a database knows the network by the same figures, or not yet.
    pub(crate) async fn same(&self, store: &dyn Store, id: &NetworkId) -> Result<(), NotDescribed> {
        let networks = store.networks().await?;
        match networks.into_iter().find(|known| known.id == *id) {
            Some(known) if known != self.network(id.clone()) => Err(NotDescribed::Other(id.clone())),
            _ => Ok(()),
        }
    }

    /// What indexing needs to know.
    pub(crate) fn params(&self) -> Params {
        Params {
            genesis: self.genesis().unwrap_or_default(),
            committee: Committee {
                size: self.committee,
                least_weight: self.min_weight,
                epochs: Epochs { layers: self.layers_per_epoch },
            },
            first: LayerId(self.effective_genesis),
        }
    }

    /// What a recount needs to know.
    pub(crate) fn recount(&self) -> Settings {
        let Tortoise { hdist, zdist, window, max_exceptions, bad_beacon_delay } = self.tortoise;
        Settings {
            config: Config {
                hdist,
                zdist,
                window,
                exceptions: max_exceptions,
                delay: bad_beacon_delay,
                layer_size: self.committee.get(),
                epoch: self.layers_per_epoch.get(),
                genesis: Layer(self.effective_genesis),
            },
            first_genesis: LayerId(self.effective_genesis),
            from: None,
            check: true,
            limits: apogee_recount::Limits::default(),
        }
    }
}
