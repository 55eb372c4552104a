//! Filecoin: nodes for what waits, blocks checked by their CIDs for everything that is counted.

mod executed;
mod links;
mod outcome;
mod standing;

use std::sync::Arc;

use apogee_domain::{Atto, Epoch, Timestamp};
use apogee_filecoin::rpc::Pool;
use apogee_filecoin::source::{Blocks, Source, SourceError};
use apogee_filecoin::types::json::address_text;
use apogee_filecoin::types::multisig::{PROPOSE, Proposal};
use apogee_filecoin::types::{Message, SignedMessage, Tipset, TipsetKey, inclusion_gas};
use apogee_filecoin_state::{ReadError, StateTree};
use async_trait::async_trait;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::METHOD_SEND;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;

use super::{Account, Chain, ChainError, Draft, Executed, Gas, Outcome, PrepareError, Tip};
use crate::signing::Signed;
use links::{Link, Links};
pub use standing::Standing;

/// Epochs that are read tipset by tipset; longer stretches are halved, and halves in which the nonce stood still are left out.
const STRETCH: i64 = 16;
/// Epochs that are walked from parent to parent: more than a fork can be deep.
const WALK: i64 = 2_000;
/// Bytes that a secp256k1 signature adds to a message: kind and 65 bytes with their header, and the header of the pair.
const SIGNATURE: usize = 69;
/// Lotus' `ReplaceByFeePercentageMinimum`.
const REPLACEMENT: u128 = 110;

/// A Filecoin network.
///
/// Accounts, messages and receipts are read as blocks whose bytes hash to their CIDs. What the nodes' word is taken for is which head is the
/// heaviest, what waits, and estimates of gas.
#[derive(Clone, Debug)]
pub struct Filecoin {
    pool: Arc<Pool>,
    source: Arc<dyn Source>,
    network: Network,
    links: Arc<Links>,
}

impl Filecoin {
    /// The network behind these nodes. `prefix`: what its addresses begin with, `f` or `t`.
    #[must_use]
    pub fn new(pool: Arc<Pool>, source: Arc<dyn Source>, prefix: &str) -> Self {
        let network = if prefix == "f" { Network::Mainnet } else { Network::Testnet };
        Self { pool, source, network, links: Arc::default() }
    }

    /// How a tipset hangs on its parents.
    async fn link(&self, key: &TipsetKey) -> Result<Link, ChainError> {
        if let Some(link) = self.links.get(key) {
            return Ok(link);
        }
        Ok(self.links.put(&self.source.tipset(key).await.map_err(unreadable)?))
    }

    async fn tipset(&self, tip: &Tip) -> Result<Tipset, ChainError> {
        let tipset = self.source.tipset(&key(tip)?).await.map_err(unreadable)?;
        if tipset.epoch() == tip.epoch {
            return Ok(tipset);
        }
        let found = tipset.epoch();
        Err(wrong("a tipset", &format_args!("{} is of epoch {found}, not {}", tip.key, tip.epoch)))
    }

    /// The tipset at an epoch, or the newest one before it, by the nodes' word.
    async fn looked_up(&self, of: &Link, epoch: Epoch) -> Result<Tip, ChainError> {
        let head = key(&of.tip)?;
        // Null rounds have no tipset: the newest one before the epoch lies further down.
        let mut from = epoch;
        loop {
            let range = self.source.range(&head, from, epoch).await.map_err(unreadable)?;
            if let Some(tipset) = range.last() {
                return Ok(tip(tipset));
            }
            if from == Epoch::GENESIS {
                return Err(wrong("the chain", &format_args!("it has nothing at or before epoch {epoch}")));
            }
            from = from.minus(STRETCH);
        }
    }

    fn address(&self, text: &str) -> Result<Address, ChainError> {
        address(self.network, text).map_err(|error| wrong("an address", &format_args!("{text}: {error}")))
    }

    /// A message as it is asked to be estimated, or signed.
    fn message(&self, draft: &Draft, nonce: u64, gas: &Gas) -> Result<Message, ChainError> {
        let (payee, amount) = (self.address(&draft.to)?, tokens(draft.amount));
        let (to, value, method_num, params) = match &draft.multisig {
            None => (payee, amount, METHOD_SEND, RawBytes::default()),
            Some(multisig) => {
                let params = Proposal::transfer(payee, amount).encoded();
                (self.address(multisig)?, TokenAmount::default(), PROPOSE, params)
            }
        };
        Ok(Message {
            version: 0,
            from: self.address(&draft.from)?,
            to,
            sequence: nonce,
            value,
            method_num,
            params,
            gas_limit: gas.limit,
            gas_fee_cap: tokens(gas.fee_cap),
            gas_premium: tokens(gas.premium),
        })
    }

    fn nodes(&self) -> Nodes {
        Nodes(self.source.blocks())
    }

    async fn account_at(&self, tipset: &Tipset, address: Address) -> Result<Account, ChainError> {
        let (nodes, root) = (self.nodes(), tipset.first().parent_state_root);
        blocking(move || account(&nodes, &root, &address)).await
    }

    /// The messages of `sender` in tipsets from `after` on, whose results are before `upto`.
    async fn stretch(
        &self,
        sender: Address,
        after: &Tipset,
        upto: &Tipset,
    ) -> Result<Vec<Executed>, ChainError> {
        let range = self.source.range(upto.key(), after.epoch(), upto.epoch()).await.map_err(unreadable)?;
        if range.first().map(Tipset::key) != Some(after.key()) {
            return Err(wrong("a stretch of the chain", &format_args!("{after:?} is not below {upto:?}")));
        }
        let (nodes, network) = (self.nodes(), self.network);
        blocking(move || {
            let mut found = Vec::new();
            for pair in range.windows(2) {
                let [tipset, child] = pair else { continue };
                let (before, then) = (&tipset.first().parent_state_root, &child.first().parent_state_root);
                if account(&nodes, before, &sender)?.nonce != account(&nodes, then, &sender)?.nonce {
                    found.extend(executed::of_sender(&nodes, network, sender, tipset, child)?);
                }
            }
            Ok(found)
        })
        .await
    }
}

fn key(tip: &Tip) -> Result<TipsetKey, ChainError> {
    let cids: Result<Vec<_>, _> = tip.key.split(',').map(str::parse).collect();
    Ok(TipsetKey(cids.map_err(|error| wrong("a tipset's key", &error))?))
}

fn tokens(amount: Atto) -> TokenAmount {
    TokenAmount::from_atto(amount.0)
}

fn atto(amount: &TokenAmount) -> Result<Atto, ChainError> {
    let amount = u128::try_from(amount.atto()).map_err(|error| wrong("an amount", &error))?;
    Ok(Atto(amount))
}

fn wrong(what: &'static str, detail: &dyn std::fmt::Display) -> ChainError {
    ChainError::Wrong { what, detail: detail.to_string() }
}

fn unreadable(error: SourceError) -> ChainError {
    ChainError::Unavailable(Box::new(error))
}

fn unread(error: ReadError) -> ChainError {
    ChainError::Unavailable(Box::new(error))
}

/// An address of this network; one of another network is none.
fn address(network: Network, text: &str) -> Result<Address, fvm_shared::address::Error> {
    network.parse_address(text)
}

fn tip(tipset: &Tipset) -> Tip {
    let seconds = i64::try_from(tipset.first().timestamp).unwrap_or(i64::MAX);
    Tip { epoch: tipset.epoch(), key: tipset.key().to_string(), time: Timestamp::from_seconds(seconds) }
}

/// Blocks are read by threads that may wait.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ChainError> + Send + 'static,
) -> Result<T, ChainError> {
    tokio::task::spawn_blocking(read).await.map_err(|error| ChainError::Unavailable(Box::new(error)))?
}

/// Blocks behind a handle.
struct Nodes(Arc<dyn Blocks>);

impl Blockstore for Nodes {
    fn get(&self, cid: &cid::Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }

    fn put_keyed(&self, cid: &cid::Cid, block: &[u8]) -> anyhow::Result<()> {
        self.0.put_keyed(cid, block)
    }
}

fn account(nodes: &Nodes, root: &cid::Cid, address: &Address) -> Result<Account, ChainError> {
    let tree = StateTree::open(nodes, root).map_err(unread)?;
    let Some(id) = tree.resolve(address).map_err(unread)? else { return Ok(Account::default()) };
    let Some(actor) = tree.actor(id).map_err(unread)? else { return Ok(Account::default()) };
    Ok(Account { nonce: actor.nonce, balance: atto(&actor.balance)? })
}

#[async_trait]
impl Chain for Filecoin {
    async fn head(&self) -> Result<Tip, ChainError> {
        Ok(tip(&self.source.head().await.map_err(unreadable)?))
    }

    async fn ancestor(&self, of: &Tip, epoch: Epoch) -> Result<Tip, ChainError> {
        if epoch >= of.epoch {
            return Ok(of.clone());
        }
        // Parents are followed, so that a node cannot hand over a tipset of another chain; only what lies further than any fork is
        // looked up.
        let mut link = self.link(&key(of)?).await?;
        if of.epoch.since(epoch) > WALK {
            return self.looked_up(&link, epoch).await;
        }
        while link.tip.epoch > epoch {
            let parent = self.link(&link.parents).await?;
            if parent.tip.epoch >= link.tip.epoch {
                return Err(wrong("a tipset", &format_args!("{} lies above its child", parent.tip.key)));
            }
            link = parent;
        }
        Ok(link.tip)
    }

    async fn account(&self, tip: &Tip, address: &str) -> Result<Account, ChainError> {
        let address = self.address(address)?;
        self.account_at(&self.tipset(tip).await?, address).await
    }

    async fn executed(&self, address: &str, after: &Tip, upto: &Tip) -> Result<Vec<Executed>, ChainError> {
        let sender = self.address(address)?;
        let (after, upto) = (self.tipset(after).await?, self.tipset(upto).await?);
        let mut found = Vec::new();
        // The later half lies below the earlier one: what is found ascends.
        let mut stretches = vec![(after, upto)];
        while let Some((after, upto)) = stretches.pop() {
            let (from, to) = (after.epoch(), upto.epoch());
            let (before, then) =
                (self.account_at(&after, sender).await?.nonce, self.account_at(&upto, sender).await?.nonce);
            if from >= to || before == then {
                continue;
            }
            let middle = from.plus(u32::try_from(to.since(from) / 2).unwrap_or(0));
            let middle = self.ancestor(&tip(&upto), middle).await?;
            if to.since(from) <= STRETCH || middle.epoch <= from {
                found.extend(self.stretch(sender, &after, &upto).await?);
                continue;
            }
            let middle = self.tipset(&middle).await?;
            stretches.push((middle.clone(), upto));
            stretches.push((after, middle));
        }
        Ok(found)
    }

    /// The base fee of the tip's own blocks, and the most by which the next one can be above it.
    async fn floor(&self, tip: &Tip) -> Result<Atto, ChainError> {
        let fee = atto(&self.tipset(tip).await?.first().parent_base_fee)?;
        Ok(Atto(fee.0.saturating_add(fee.0 / 8)))
    }

    async fn prepare(&self, draft: &Draft) -> Result<Gas, PrepareError> {
        if let Err(error) = address(self.network, &draft.to) {
            return Err(PrepareError::Recipient(format!("{}: {error}", draft.to)));
        }
        let nothing = Gas { limit: 0, fee_cap: Atto::ZERO, premium: Atto::ZERO };
        let message = &self.message(draft, 0, &nothing)?;
        let estimate = self.pool.ask(|client| async move { client.gas_estimate(message, None, None).await });
        let estimated =
            estimate.await.map_err(|error| outcome::unprepared(error, draft.multisig.is_some()))?;
        let length = fvm_ipld_encoding::to_vec(&estimated).map_or(0, |bytes| bytes.len()) + SIGNATURE;
        // A message with less is mined, and its nonce is stuck for ever.
        let least = inclusion_gas(length).saturating_mul(5) / 4;
        Ok(Gas {
            limit: estimated.gas_limit.max(least),
            fee_cap: atto(&estimated.gas_fee_cap)?,
            premium: atto(&estimated.gas_premium)?,
        })
    }

    fn bump(&self, old: &Gas, floor: Atto, percent: u32) -> Gas {
        let scaled = |amount: Atto| amount.0.saturating_mul(percent.into()) / 100;
        let least = (old.premium.0.saturating_mul(REPLACEMENT) / 100).saturating_add(1);
        let premium = scaled(old.premium).max(least);
        // Twice the floor lasts for six full blocks in a row.
        let cap = floor.0.saturating_mul(2).saturating_add(premium);
        let least = (old.fee_cap.0.saturating_mul(REPLACEMENT) / 100).saturating_add(1);
        let fee_cap = scaled(old.fee_cap).max(least).max(cap);
        Gas { limit: old.limit, fee_cap: Atto(fee_cap), premium: Atto(premium) }
    }

    fn build(&self, draft: &Draft, nonce: u64, gas: &Gas) -> Result<Vec<u8>, ChainError> {
        let message = self.message(draft, nonce, gas)?;
        fvm_ipld_encoding::to_vec(&message).map_err(|error| wrong("a message", &error))
    }

    fn check(&self, message: &[u8], signed: &Signed) -> Result<(), ChainError> {
        let read: SignedMessage = fvm_ipld_encoding::from_slice(&signed.bytes)
            .map_err(|error| wrong("a signed message", &error))?;
        let own = fvm_ipld_encoding::to_vec(&read.message).map_err(|error| wrong("a message", &error))?;
        if own != message {
            return Err(wrong("a signed message", &"it is not the one that was to be signed"));
        }
        let cid = read.cid().to_string();
        if cid == signed.id {
            return Ok(());
        }
        Err(wrong("the name of a signed message", &format_args!("{} for {cid}", signed.id)))
    }

    async fn broadcast(&self, bytes: &[u8]) -> Outcome {
        let signed: SignedMessage = match fvm_ipld_encoding::from_slice(bytes) {
            Ok(signed) => signed,
            Err(error) => return Outcome::Rejected(format!("it is no message: {error}")),
        };
        let signed = &signed;
        let pushed = self.pool.ask(|client| async move { client.mpool_push(signed).await });
        match pushed.await {
            Ok(_) => Outcome::Accepted,
            Err(error) => outcome::refused(&error),
        }
    }

    fn lacked_funds(&self, one: &Executed) -> bool {
        let code = match &one.proposal {
            None => ExitCode::SYS_INSUFFICIENT_FUNDS,
            // With one approval enough it is executed at once, and the multisig owns too little.
            Some(_) => ExitCode::USR_INSUFFICIENT_FUNDS,
        };
        one.exit_code == code.value()
    }

    async fn signs_for(&self, tip: &Tip, address: &str, multisig: &str) -> Result<bool, ChainError> {
        let (address, named) = (self.address(address)?, multisig);
        let multisig = self.address(named)?;
        // What is executed is compared with this text.
        let written = address_text(&multisig, self.network);
        if written != named {
            return Err(wrong("an address", &format_args!("{named} is written {written}")));
        }
        let (nodes, root) = (self.nodes(), self.tipset(tip).await?.first().parent_state_root);
        blocking(move || {
            let tree = StateTree::open(&nodes, &root).map_err(unread)?;
            let Some(found) = tree.multisig(&multisig).map_err(unread)? else { return Ok(false) };
            let id = tree.resolve(&address).map_err(unread)?;
            Ok(id.is_some_and(|id| found.signers.contains(&Address::new_id(id))))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_network_is_none() {
        assert!(address(Network::Testnet, "t01000").is_ok());
        assert!(address(Network::Testnet, "f01000").is_err());
        assert!(address(Network::Mainnet, "t01000").is_err());
    }
}
