use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use apogee_filecoin_state::{Claim, Ineligible, Power, ReadError, StateTree};
use cid::Cid;
use fvm_shared::address::{Address, Payload};
use fvm_shared::bigint::BigInt;

use super::check::{Finding, Reason, Unknown};
use super::params::NetworkParams;
use super::store::CheckedStore;
use crate::crypto::bls::{MinPk, PublicKey};

/// What is read from state more than once is kept: per state root and miner, or per node.
#[derive(Debug, Default)]
pub(super) struct StateMemo {
    powers: Memo<Cid, Arc<Power>>,
    voters: Memo<(Cid, u64), Arc<Voter>>,
    keys: Memo<[u8; 48], PublicKey<MinPk>>,
}

/// What an election looks up in the look-back state.
#[derive(Debug)]
pub(super) struct Voter {
    /// Key of the miner's worker.
    pub(super) key: PublicKey<MinPk>,
    /// Quality-adjusted power of the miner.
    pub(super) power: BigInt,
    /// Quality-adjusted power of the network.
    pub(super) total: BigInt,
}

/// A map that empties itself when it has grown too large.
#[derive(Debug)]
struct Memo<K, V>(HashMap<K, V>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    const LIMIT: usize = 20_000;

    fn get_or(&mut self, key: K, read: impl FnOnce() -> Result<V, Unknown>) -> Result<V, Unknown> {
        if let Some(value) = self.0.get(&key) {
            return Ok(value.clone());
        }
        let value = read()?;
        if self.0.len() >= Self::LIMIT {
            self.0.clear();
        }
        self.0.insert(key, value.clone());
        Ok(value)
    }
}

/// Reads state through the memo.
pub(super) struct StateReader<'a> {
    pub(super) store: &'a CheckedStore,
    pub(super) params: &'a NetworkParams,
    pub(super) memo: &'a mut StateMemo,
}

impl StateReader<'_> {
    /// The power actor in the state of that root.
    pub(super) fn power(&mut self, root: &Cid) -> Result<Arc<Power>, Unknown> {
        let store = self.store;
        self.memo.powers.get_or(*root, || Ok(Arc::new(StateTree::open(store, root)?.power()?)))
    }

    /// Power and worker key of a miner in its look-back state.
    pub(super) fn voter(&mut self, root: &Cid, miner: u64) -> Finding<Arc<Voter>> {
        if let Some(voter) = self.memo.voters.0.get(&(*root, miner)) {
            return Ok(Ok(Arc::clone(voter)));
        }
        let power = self.power(root)?;
        let Some(worker) = self.worker(root, miner)? else {
            return Ok(Err(format!("the look-back state has no miner f0{miner}")));
        };
        let key = match self.bls_key(root, &worker)? {
            Ok(key) => key,
            Err(detail) => return Ok(Err(detail)),
        };
        let claim = self.claim(&power, miner)?;
        let voter = Arc::new(Voter {
            key,
            power: claim.map(|claim| claim.power.qa).unwrap_or_default(),
            total: power.total().qa.clone(),
        });
        self.memo.voters.get_or((*root, miner), || Ok(voter)).map(Ok)
    }

    /// A miner's claim.
    pub(super) fn claim(&self, power: &Power, miner: u64) -> Result<Option<Claim>, Unknown> {
        Ok(power.claim(self.store, miner)?)
    }

    /// Whether a claim has the power that elections want.
    pub(super) fn meets_minimum(&self, power: &Power, claim: &Claim) -> bool {
        power.meets_minimum(claim, &self.params.min_power, self.params.min_miners)
    }

    /// The ID address of a miner's worker; `None` where there is no such miner.
    pub(super) fn worker(&self, root: &Cid, miner: u64) -> Result<Option<Address>, Unknown> {
        let Some(miner) = StateTree::open(self.store, root)?.miner(miner)? else { return Ok(None) };
        Ok(Some(miner.info(self.store)?.worker))
    }

    /// Why a miner may not win on a parent of that epoch; the root is that of the parent's own parent state.
    pub(super) fn ineligible(
        &self,
        root: &Cid,
        miner: u64,
        parent: i64,
    ) -> Result<Option<Ineligible>, Unknown> {
        Ok(StateTree::open(self.store, root)?.ineligible(miner, parent)?)
    }

    /// The BLS key of an account in the state of that root; key addresses need no state.
    pub(super) fn bls_key(&mut self, root: &Cid, account: &Address) -> Finding<PublicKey<MinPk>> {
        let address = match self.key_address(root, account)? {
            Ok(address) => address,
            Err(detail) => return Ok(Err(detail)),
        };
        let Payload::BLS(bytes) = address.payload() else {
            return Ok(Err(format!("{account} signs as {address}, which is no BLS key")));
        };
        if let Some(key) = self.memo.keys.0.get(bytes) {
            return Ok(Ok(*key));
        }
        match PublicKey::from_bytes(bytes) {
            Ok(key) => self.memo.keys.get_or(*bytes, || Ok(key)).map(Ok),
            Err(error) => Ok(Err(format!("key of {account}: {error}"))),
        }
    }

    /// The address that an account signs with.
    pub(super) fn key_address(&self, root: &Cid, account: &Address) -> Finding<Address> {
        if !matches!(account.payload(), Payload::ID(_)) {
            return Ok(Ok(*account));
        }
        let key = StateTree::open(self.store, root)?.account_key(account)?;
        Ok(key.ok_or_else(|| format!("there is no account {account}")))
    }
}

impl From<ReadError> for Unknown {
    fn from(error: ReadError) -> Self {
        let reason = match &error {
            ReadError::Missing(_) => Reason::MissingState,
            ReadError::Store { .. } => Reason::StoreFailed,
            _ => Reason::UnreadableState,
        };
        Self::new(reason, error.to_string())
    }
}
