//! Messages that prove new sectors, read from the chain.

use apogee_domain::{Atto, Epoch};
use apogee_filecoin::types::{
    BlockMessages, LoadError, Message, Receipt, Tipset, executed_messages, fee_split,
};
use apogee_filecoin_state::{ActorKind, MinerInfo, ReadError, SectorSets, StateTree};
use cid::Cid;
use fvm_ipld_bitfield::BitField;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{RawBytes, from_slice};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

/// `ProveCommitSector`, one sector; removed by FIP-0084 (builtin-actors `miner::Method`, as the others).
pub const PROVE_COMMIT_SECTOR: u64 = 7;
/// `ProveCommitAggregate` (FIP-0013); its parameters name the sectors as a bit field.
pub const PROVE_COMMIT_AGGREGATE: u64 = 26;
/// `ProveCommitSectors3` (FIP-0076); tells how each sector went.
pub const PROVE_COMMIT_SECTORS3: u64 = 34;
/// `ProveReplicaUpdates3` (FIP-0076); tells how each sector went.
pub const PROVE_REPLICA_UPDATES3: u64 = 35;
/// `ProveCommitSectorsNI` (FIP-0092); tells how each sector went.
pub const PROVE_COMMIT_SECTORS_NI: u64 = 36;

/// The most sectors of one message that are looked at; an aggregate has at most 819 (builtin-actors `MAX_AGGREGATED_SECTORS`).
const MOST_SECTORS: usize = 2_048;

/// A message to a miner that proves new sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its CID.
    pub message: String,
    /// When it was executed.
    pub epoch: Epoch,
    /// The miner, as the network writes its id.
    pub miner: String,
    /// The miner's owner before it was executed.
    pub owner: String,
    /// Who sent it, by id.
    pub sender: String,
    /// Whether that was the miner's worker or one of its control addresses then.
    pub operator: bool,
    /// Its method.
    pub method: u64,
    /// Whether it was executed without failing; that alone proves no sector.
    pub succeeded: bool,
    /// Gas that it used.
    pub gas_used: u64,
    /// Base fee of the tipset, attoFIL a unit of gas.
    pub base_fee: Atto,
    /// Base fee that was burnt for the gas that it used: no tip, no over-estimation.
    pub burn: Atto,
    /// The sectors that it proved.
    pub sectors: Vec<u64>,
}

/// A tipset that cannot be read now. Nothing is known of any of its messages.
#[derive(Debug, thiserror::Error)]
pub enum UnreadTipset {
    /// Messages or receipts.
    #[error("messages or receipts of epoch {epoch} cannot be read")]
    Messages {
        /// Of which epoch.
        epoch: Epoch,
        /// Why.
        #[source]
        cause: LoadError,
    },
    /// Receipts do not belong to the messages.
    #[error("epoch {epoch} has {messages} messages and {receipts} receipts")]
    Receipts {
        /// Of which epoch.
        epoch: Epoch,
        /// Messages that were executed.
        messages: usize,
        /// Receipts.
        receipts: usize,
    },
    /// State before or after.
    #[error("the state around epoch {epoch} cannot be read")]
    State {
        /// Of which epoch.
        epoch: Epoch,
        /// Why.
        #[source]
        cause: ReadError,
    },
}

/// Every message of an executed tipset that proves new sectors, in the order of execution; `child` names what came of it. Addresses are written with
/// `prefix`.
///
/// # Errors
/// [`UnreadTipset`]: then none is known, and the tipset has to be read again.
pub fn candidates<BS: Blockstore>(
    store: &BS,
    tipset: &Tipset,
    child: &Tipset,
    prefix: char,
) -> Result<Vec<Candidate>, UnreadTipset> {
    let epoch = tipset.epoch();
    let unread = |cause| UnreadTipset::Messages { epoch, cause };
    let blocks: Result<Vec<_>, _> =
        tipset.blocks().iter().map(|block| BlockMessages::load(store, &block.messages)).collect();
    let blocks = blocks.map_err(unread)?;
    let receipts = Receipt::load_all(store, &child.first().parent_message_receipts).map_err(unread)?;
    let state = |cause| UnreadTipset::State { epoch, cause };
    let before = StateTree::open(store, &tipset.first().parent_state_root).map_err(state)?;
    let after = StateTree::open(store, &child.first().parent_state_root).map_err(state)?;
    // After execution every sender that was executed has an id.
    let resolved = |address: &Address| after.resolve(address).ok().flatten();
    let executed = executed_messages(&blocks, |from| resolved(from).map_or(*from, Address::new_id));
    if executed.len() != receipts.len() {
        let (messages, receipts) = (executed.len(), receipts.len());
        return Err(UnreadTipset::Receipts { epoch, messages, receipts });
    }
    let trees = Trees { before, after, prefix };
    let mut found = Vec::new();
    for (one, receipt) in executed.iter().zip(&receipts) {
        if !is_proof(one.message.method_num) {
            continue;
        }
        let read = trees.read(one.message, receipt).map_err(state)?;
        let Some(Read { miner, owner, sender, operator, sectors }) = read else { continue };
        let base_fee = &tipset.first().parent_base_fee;
        let split = fee_split(one.message, one.chain_length(), receipt, base_fee, true);
        let amounts = atto(base_fee).zip(atto(&split.base_fee_burn));
        let Some((base_fee, burn)) = amounts else { continue };
        found.push(Candidate {
            message: one.cid.to_string(),
            epoch,
            miner,
            owner,
            sender,
            operator,
            method: one.message.method_num,
            succeeded: receipt.exit_code.is_success(),
            gas_used: receipt.gas_used,
            base_fee,
            burn,
            sectors,
        });
    }
    Ok(found)
}

const fn is_proof(method: u64) -> bool {
    matches!(
        method,
        PROVE_COMMIT_SECTOR
            | PROVE_COMMIT_AGGREGATE
            | PROVE_COMMIT_SECTORS3
            | PROVE_REPLICA_UPDATES3
            | PROVE_COMMIT_SECTORS_NI
    )
}

/// Nothing that was ever minted comes near the end of a `u128`.
fn atto(amount: &TokenAmount) -> Option<Atto> {
    u128::try_from(amount.atto()).ok().map(Atto)
}

struct Trees<'a, BS> {
    before: StateTree<'a, BS>,
    after: StateTree<'a, BS>,
    prefix: char,
}

struct Read {
    miner: String,
    owner: String,
    sender: String,
    operator: bool,
    sectors: Vec<u64>,
}

impl<BS: Blockstore> Trees<'_, BS> {
    /// `None` for a message that is not to a miner, or whose sender has no id: it was not executed.
    fn read(&self, message: &Message, receipt: &Receipt) -> Result<Option<Read>, ReadError> {
        let Some(id) = self.after.resolve(&message.to)? else { return Ok(None) };
        let Some(sender) = self.after.resolve(&message.from)? else { return Ok(None) };
        // A miner that was made in this tipset had no sector to prove.
        let Some(actor) = self.before.actor(id)? else { return Ok(None) };
        match self.before.kind(&actor.code) {
            Ok(ActorKind::Miner) => {}
            // A code that no manifest names is none of the built-in actors.
            Ok(_) | Err(ReadError::UnknownCode(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let Some(miner) = self.before.miner(id)? else { return Ok(None) };
        let info = miner.info(self.before.store())?;
        let sectors =
            if receipt.exit_code.is_success() { self.proved(id, message, receipt)? } else { Vec::new() };
        let name = |id: ActorID| format!("{}0{id}", self.prefix);
        Ok(Some(Read {
            miner: name(id),
            owner: info.owner.id().map_or_else(|_| info.owner.to_string(), name),
            sender: name(sender),
            operator: operates(&info, sender),
            sectors,
        }))
    }

    /// The sectors that a successful message proved.
    fn proved(&self, miner: ActorID, message: &Message, receipt: &Receipt) -> Result<Vec<u64>, ReadError> {
        let Some(asked) = sectors_of(message.method_num, &message.params) else { return Ok(Vec::new()) };
        if matches!(message.method_num, PROVE_COMMIT_SECTOR | PROVE_COMMIT_AGGREGATE) {
            // They return nothing, and single sectors may have failed: what the miner has afterwards tells.
            let Some(miner) = self.after.miner(miner)? else { return Ok(Vec::new()) };
            let mut proved = Vec::new();
            for number in asked {
                if miner.sector(self.after.store(), number)?.is_some() {
                    proved.push(number);
                }
            }
            return Ok(proved);
        }
        Ok(succeeded(&asked, &receipt.return_data).unwrap_or_default())
    }
}

fn operates(info: &MinerInfo, sender: ActorID) -> bool {
    let sender = Address::new_id(sender);
    info.worker == sender || info.control.contains(&sender)
}

/// The numbers of the sectors in the parameters of such a message; `None` where they do not decode, or are too many.
fn sectors_of(method: u64, params: &RawBytes) -> Option<Vec<u64>> {
    let numbers: Vec<u64> = match method {
        PROVE_COMMIT_SECTOR => vec![from_slice::<First<u64>>(params.bytes()).ok()?.0],
        PROVE_COMMIT_AGGREGATE => {
            let set = from_slice::<First<BitField>>(params.bytes()).ok()?.0;
            set.bounded_iter(MOST_SECTORS as u64)?.collect()
        }
        _ => {
            let items = from_slice::<First<Vec<First<u64>>>>(params.bytes()).ok()?.0;
            items.into_iter().map(|item| item.0).collect()
        }
    };
    (numbers.len() <= MOST_SECTORS).then_some(numbers)
}

/// The sectors that a batch's return does not name as failed (builtin-actors `BatchReturn`: how many succeeded, and index and exit code of each that
/// failed); `None` where it does not fit.
fn succeeded(asked: &[u64], returned: &RawBytes) -> Option<Vec<u64>> {
    let (count, failed): (u64, Vec<(u64, u32)>) = from_slice(returned.bytes()).ok()?;
    let failed: std::collections::BTreeSet<u64> = failed.into_iter().map(|(index, _)| index).collect();
    let kept: Vec<u64> =
        (0..).zip(asked).filter(|(index, _)| !failed.contains(index)).map(|(_, number)| *number).collect();
    (u64::try_from(kept.len()).ok() == Some(count)).then_some(kept)
}

/// The first item of an array; the others are passed over.
struct First<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Array<T> {
            type Value = First<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array with at least one item")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First<T>, A::Error> {
                let first = items.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Array(std::marker::PhantomData))
    }
}

/// How the sectors of a message that waits for their first WindowPoSt stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// One of them is still to be proven.
    Waits,
    /// Those that are left are proven: so many.
    Proven(usize),
    /// None is left.
    Gone,
}

/// What a miner has to prove in a state.
#[derive(Clone, Debug)]
pub struct Proofs(Option<SectorSets>);

impl Proofs {
    /// Read it; one that is not there has nothing.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn read<BS: Blockstore>(store: &BS, state: &Cid, miner: ActorID) -> Result<Self, ReadError> {
        let tree = StateTree::open(store, state)?;
        tree.miner(miner)?.map(|miner| miner.sector_sets(store)).transpose().map(Self)
    }

    /// How some of its sectors stand.
    #[must_use]
    pub fn of(&self, sectors: &[u64]) -> Held {
        let Some(sets) = &self.0 else { return Held::Gone };
        let (mut left, mut waits) = (0_usize, false);
        for number in sectors.iter().filter(|number| sets.live.get(**number)) {
            left += 1;
            // Who misses the first WindowPoSt is faulty, and no longer unproven.
            waits |= sets.unproven.get(*number) || sets.faulty.get(*number);
        }
        if waits {
            Held::Waits
        } else if left == 0 {
            Held::Gone
        } else {
            Held::Proven(left)
        }
    }
}
