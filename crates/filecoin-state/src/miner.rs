//! A miner actor: who runs it, what it owes, where its sectors are.

use cid::Cid;
use fvm_ipld_bitfield::BitField;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;

use crate::cbor::Cbor;
use crate::node::read;
use crate::{Fault, ReadError};

/// Control addresses a miner may have (ten; policy `MAX_CONTROL_ADDRESSES`), with room for other networks.
const MAX_CONTROL_ADDRESSES: u64 = 1024;
/// Multiaddresses are bounded by their bytes on chain (1 KiB in all).
const MAX_MULTIADDRESSES: u64 = 1024;

/// State of a miner actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miner {
    /// Root of [`MinerInfo`].
    pub info: Cid,
    /// Deposits for sectors that are pre-committed, attoFIL.
    pub pre_commit_deposits: TokenAmount,
    /// Rewards that are still vesting, attoFIL.
    pub locked_funds: TokenAmount,
    /// What it owes to the network, attoFIL; while it owes anything it wins no block. Zero in actors v1, which know no debt.
    pub fee_debt: TokenAmount,
    /// Pledge of its sectors, attoFIL.
    pub initial_pledge: TokenAmount,
    /// Root of its pre-committed sectors by number.
    pub pre_committed: Cid,
    /// Root of its sectors by number.
    pub sectors: Cid,
    /// First epoch of its present proving period.
    pub proving_period_start: ChainEpoch,
    /// The deadline that is open or next, as of its last cron.
    pub current_deadline: u64,
    /// Root of its deadlines. Where it has not changed, nor have counts, faults and powers.
    pub deadlines: Cid,
    /// Deadlines with early terminations that are not yet paid for.
    pub early_terminations: BitField,
}

impl Miner {
    /// Fields: 13 (actors v1), 14 (v2, v3), 15 (v4 on).
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid) -> Result<Self, ReadError> {
        read(store, state, "a miner's state", |cursor| {
            let fields = cursor.tuple(&[13, 14, 15])?;
            let info = cursor.link()?;
            let (pre_commit_deposits, locked_funds) = (cursor.amount()?, cursor.amount()?);
            cursor.skip()?; // vesting funds
            let fee_debt = if fields == 13 { TokenAmount::default() } else { cursor.amount()? };
            let initial_pledge = cursor.amount()?;
            let pre_committed = cursor.link()?;
            cursor.skip_many(2)?; // their clean-up, allocated numbers
            let miner = Self {
                info,
                pre_commit_deposits,
                locked_funds,
                fee_debt,
                initial_pledge,
                pre_committed,
                sectors: cursor.link()?,
                proving_period_start: cursor.int()?,
                current_deadline: cursor.uint()?,
                deadlines: cursor.link()?,
                early_terminations: cursor.bit_field()?,
            };
            if fields == 15 {
                cursor.boolean()?; // whether its cron is active
            }
            Ok(miner)
        })
    }

    /// Who runs it.
    ///
    /// # Errors
    /// The node is missing or malformed.
    pub fn info<BS: Blockstore>(&self, store: &BS) -> Result<MinerInfo, ReadError> {
        MinerInfo::read(store, &self.info)
    }
}

/// A worker that takes over at an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingWorker {
    /// Its ID address.
    pub worker: Address,
    /// The epoch from which it may take over.
    pub from: ChainEpoch,
}

/// Who runs a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinerInfo {
    /// ID address of the owner.
    pub owner: Address,
    /// ID address of the worker, whose key signs blocks.
    pub worker: Address,
    /// ID addresses that may send its messages.
    pub control: Vec<Address>,
    /// The next worker, where one is proposed.
    pub pending_worker: Option<PendingWorker>,
    /// Its libp2p peer id, as bytes; empty where it announces none.
    pub peer_id: Vec<u8>,
    /// Its multiaddresses, as bytes.
    pub multiaddresses: Vec<Vec<u8>>,
    /// Registered WindowPoSt proof type (from actors v3 on; the seal proof type before).
    pub proof_type: i64,
    /// Bytes of a sector.
    pub sector_size: u64,
    /// Sectors of a full partition.
    pub partition_sectors: u64,
    /// It wins no block up to this epoch; −1 where it never was at fault. None in actors v1.
    pub consensus_fault_elapsed: Option<ChainEpoch>,
    /// The next owner, where one is proposed.
    pub pending_owner: Option<Address>,
    /// Who may withdraw, from actors v9 on; the owner before.
    pub beneficiary: Address,
}

impl MinerInfo {
    /// Fields: 9 (actors v1), 11 (v2 to v8), 14 (v9 on).
    fn read<BS: Blockstore>(store: &BS, cid: &Cid) -> Result<Self, ReadError> {
        read(store, cid, "a miner's info", |cursor| {
            let fields = cursor.tuple(&[9, 11, 14])?;
            let owner = cursor.address()?;
            let mut info = Self {
                owner,
                worker: cursor.address()?,
                control: control(cursor)?,
                pending_worker: cursor.option(pending_worker)?,
                peer_id: cursor.option(|cursor| cursor.bytes().map(<[u8]>::to_vec))?.unwrap_or_default(),
                multiaddresses: cursor.option(multiaddresses)?.unwrap_or_default(),
                proof_type: cursor.int()?,
                sector_size: cursor.uint()?,
                partition_sectors: cursor.uint()?,
                consensus_fault_elapsed: None,
                pending_owner: None,
                beneficiary: owner,
            };
            if fields >= 11 {
                info.consensus_fault_elapsed = Some(cursor.int()?);
                info.pending_owner = cursor.option(Cbor::address)?;
            }
            if fields == 14 {
                info.beneficiary = cursor.address()?;
                cursor.skip_many(2)?; // beneficiary's term and the pending one
            }
            Ok(info)
        })
    }

    /// The registered WinningPoSt proof type of its sector size; `None` for a size that no proof exists for.
    #[must_use]
    pub fn winning_post_proof_type(&self) -> Option<i64> {
        match self.sector_size {
            0x800 => Some(0),
            0x80_0000 => Some(1),
            0x2000_0000 => Some(2),
            0x8_0000_0000 => Some(3),
            0x10_0000_0000 => Some(4),
            _ => None,
        }
    }
}

fn control(cursor: &mut Cbor<'_>) -> Result<Vec<Address>, Fault> {
    if cursor.null() {
        return Ok(Vec::new());
    }
    let count = cursor.list(MAX_CONTROL_ADDRESSES)?;
    (0..count).map(|_| cursor.address()).collect()
}

fn pending_worker(cursor: &mut Cbor<'_>) -> Result<PendingWorker, Fault> {
    cursor.tuple(&[2])?;
    Ok(PendingWorker { worker: cursor.address()?, from: cursor.int()? })
}

fn multiaddresses(cursor: &mut Cbor<'_>) -> Result<Vec<Vec<u8>>, Fault> {
    let count = cursor.list(MAX_MULTIADDRESSES)?;
    (0..count).map(|_| cursor.bytes().map(<[u8]>::to_vec)).collect()
}
