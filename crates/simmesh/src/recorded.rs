//! A node that was recorded: copies of its database, of which one is live at a time, up to a layer.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::id::{EpochId, LayerId, SmesherId};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh::scale::encode;
use apogee_spacemesh_state::{AccountRow, LayerRow, Layers, ReadError, State, TransactionRow};

use crate::chain::{Chain, Known, Network, TransactionState};
use crate::refusal::Refusal;

/// Copies of a node's database, by name, each of another moment or of another node. Going from one to another is what a
/// node does when it reverts: what is above the fork is gone, and something else is there.
pub struct Recorded {
    network: Network,
    copies: BTreeMap<String, State>,
    live: String,
    head: LayerId,
}

/// There is no copy of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no copy {0:?}")]
pub struct NoSuchCopy(pub String);

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded").field("live", &self.live).field("head", &self.head).finish_non_exhaustive()
    }
}

impl Recorded {
    /// A node of `network` whose present is `head` of the copy `live`. Copies are read again for each question: the
    /// steps that reading may take ([`Limits`](apogee_spacemesh_state::Limits)) are for all of them.
    ///
    /// # Errors
    /// When there is no such copy.
    pub fn new(
        network: Network,
        copies: BTreeMap<String, State>,
        live: &str,
        head: LayerId,
    ) -> Result<Self, NoSuchCopy> {
        let mut recorded = Self { network, copies, live: String::new(), head };
        recorded.set(live, head)?;
        Ok(recorded)
    }

    /// From now on, `head` of the copy `live` is the present.
    ///
    /// # Errors
    /// When there is no such copy; nothing changes.
    pub fn set(&mut self, live: &str, head: LayerId) -> Result<(), NoSuchCopy> {
        if !self.copies.contains_key(live) {
            return Err(NoSuchCopy(live.to_owned()));
        }
        live.clone_into(&mut self.live);
        self.head = head;
        Ok(())
    }

    /// Read from the copy that is live.
    fn read<T>(&self, read: impl FnOnce(&State) -> Result<T, ReadError>) -> Result<T, Refusal> {
        let state = self.copies.get(&self.live).ok_or_else(|| Refusal::internal("no copy is live"))?;
        read(state).map_err(Refusal::internal)
    }

    /// The part of `layers` that is past; `None` for none.
    fn past(&self, layers: &Layers) -> Option<Layers> {
        let past = *layers.start()..=(*layers.end()).min(self.head);
        (!past.is_empty()).then_some(past)
    }
}

impl Chain for Recorded {
    fn network(&self) -> Network {
        self.network
    }

    fn head(&self) -> LayerId {
        self.head
    }

    fn layers(&self, layers: &Layers) -> Result<Vec<LayerRow>, Refusal> {
        self.past(layers).map_or(Ok(Vec::new()), |past| self.read(|state| state.layers(&past)))
    }

    fn rewards(&self, layers: &Layers) -> Result<Vec<Reward>, Refusal> {
        self.past(layers).map_or(Ok(Vec::new()), |past| self.read(|state| state.rewards(&past)))
    }

    fn activations(&self, published: &RangeInclusive<EpochId>) -> Result<Vec<Atx>, Refusal> {
        let past = *published.start()..=(*published.end()).min(self.network.epochs.of(self.head));
        if past.is_empty() { Ok(Vec::new()) } else { self.read(|state| state.activations(&past)) }
    }

    fn malicious(&self) -> Result<Vec<SmesherId>, Refusal> {
        Ok(self.read(State::malicious)?.into_keys().collect())
    }

    fn account(&self, address: &Address) -> Result<Option<AccountRow>, Refusal> {
        self.read(|state| state.account(address, self.head))
    }

    fn projected(&self, account: &AccountRow) -> Result<(u64, u64), Refusal> {
        let waiting = self.transactions()?.into_iter().filter(|known| known.result.is_none());
        let own = waiting
            .filter_map(|known| known.header)
            .filter(|header| header.principal == account.address && header.nonce >= account.next_nonce);
        Ok(own.fold((account.next_nonce, account.balance), |(next, balance), header| {
            let fee = header.max_gas.saturating_mul(header.gas_price);
            let spent = header.max_spend.saturating_add(fee);
            (next.max(header.nonce.saturating_add(1)), balance.saturating_sub(spent))
        }))
    }

    fn transactions(&self) -> Result<Vec<Known>, Refusal> {
        let waiting = self.read(State::pending)?.into_iter().map(|row| known(row, None));
        let executed = self.read(|state| state.executed(&(LayerId(0)..=self.head)))?;
        waiting.chain(executed.into_iter().map(|done| known(done.row, Some(done.result)))).collect()
    }
}

fn known(
    row: TransactionRow,
    result: Option<apogee_spacemesh::result::TransactionResult>,
) -> Result<Known, Refusal> {
    let raw = encode(&row.transaction.map_err(Refusal::internal)?);
    let state = if result.is_some() { TransactionState::Processed } else { TransactionState::Mempool };
    Ok(Known { id: row.id, raw, header: row.header, state, result })
}
