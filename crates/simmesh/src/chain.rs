use std::ops::RangeInclusive;

use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::id::{EpochId, Epochs, GenesisId, LayerId, SmesherId, TransactionId};
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh_state::{AccountRow, LayerRow, Layers};

use crate::refusal::{Code, Refusal};

/// What a node is configured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The network's name.
    pub genesis: GenesisId,
    /// When its first layer began, in seconds since 1970.
    pub genesis_time: u32,
    /// How long a layer takes, in seconds.
    pub layer_duration: u32,
    /// What its addresses begin with.
    pub prefix: Prefix,
    /// The layer after which it does something.
    pub effective_genesis: LayerId,
    /// Layers in an epoch.
    pub epochs: Epochs,
    /// Labels in a unit of space.
    pub labels_per_unit: u64,
}

/// A transaction that a node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub id: TransactionId,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// What the node took from it.
    pub header: Option<TransactionHeader>,
    /// How far it is.
    pub state: TransactionState,
    /// What came of it.
    pub result: Option<TransactionResult>,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// It waits.
    Mempool,
    /// It was executed.
    Processed,
    /// Its nonce has passed, so that it never will be.
    Ineffectual,
}

/// What a node knows, and what it serves.
pub trait Chain: Send + 'static {
    /// What it is configured for.
    fn network(&self) -> Network;

    /// The present layer.
    fn head(&self) -> LayerId;

    /// Layers up to the head, in their order.
    ///
    /// # Errors
    /// What the node would say.
    fn layers(&self, layers: &Layers) -> Result<Vec<LayerRow>, Refusal>;

    /// Rewards up to the head, by layer and smesher.
    ///
    /// # Errors
    /// What the node would say.
    fn rewards(&self, layers: &Layers) -> Result<Vec<Reward>, Refusal>;

    /// Activations that were published in these epochs, by epoch and name.
    ///
    /// # Errors
    /// What the node would say.
    fn activations(&self, published: &RangeInclusive<EpochId>) -> Result<Vec<Atx>, Refusal>;

    /// Smeshers that broke the rules, by name.
    ///
    /// # Errors
    /// What the node would say.
    fn malicious(&self) -> Result<Vec<SmesherId>, Refusal>;

    /// An account at the head; `None` where it has never been paid.
    ///
    /// # Errors
    /// What the node would say.
    fn account(&self, address: &Address) -> Result<Option<AccountRow>, Refusal>;

    /// Next nonce and balance of an account that there is, after all that it has waiting.
    ///
    /// # Errors
    /// What the node would say.
    fn projected(&self, account: &AccountRow) -> Result<(u64, u64), Refusal>;

    /// All transactions, by layer and name; those that wait come first.
    ///
    /// # Errors
    /// What the node would say.
    fn transactions(&self) -> Result<Vec<Known>, Refusal>;

    /// Take a transaction.
    ///
    /// # Errors
    /// What the node would say.
    fn submit(&mut self, raw: &[u8]) -> Result<TransactionId, Refusal> {
        let _ = raw;
        Err(Refusal::new(Code::Unimplemented, "a recording takes no transactions"))
    }

    /// What an account was made of.
    ///
    /// # Errors
    /// What the node would say.
    fn spawned(&self, address: &Address) -> Result<Option<Spawn>, Refusal> {
        Ok(self.account(address)?.and_then(|account| account.state).map(|state| state.spawn))
    }
}
