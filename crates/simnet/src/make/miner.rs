//! The state of a miner of actors version 18, with what a generated chain needs filled in.

use cid::Cid;
use fvm_ipld_bitfield::BitField;
use fvm_ipld_encoding::BytesSer;
use fvm_ipld_encoding::tuple::*;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;

use super::MakeError;
use super::actors::{Contact, Int, Pair, SECTOR_SIZE, Sectors, WINDOW_PROOF, array, map, named, put};
use crate::ledger::Ledger;

/// `StackedDRG32GiBV1_1`.
const SEAL_PROOF: i64 = 8;
/// Sectors of a partition of that size.
const PARTITION: u64 = 2349;
const DEADLINES: usize = 48;

/// `miner.MinerInfo`.
#[derive(Serialize_tuple)]
struct MinerInfo<'a> {
    owner: Address,
    worker: Address,
    control: Vec<Address>,
    pending_worker: Option<u64>,
    #[serde(with = "fvm_ipld_encoding::strict_bytes")]
    peer_id: &'a [u8],
    multiaddresses: Vec<BytesSer<'a>>,
    window_proof: i64,
    sector_size: u64,
    partition_sectors: u64,
    consensus_fault_elapsed: i64,
    pending_owner: Option<Address>,
    beneficiary: Address,
    beneficiary_term: (TokenAmount, TokenAmount, i64),
    pending_beneficiary: Option<u64>,
}

/// `miner.Partition`.
#[derive(Clone, Serialize_tuple, Deserialize_tuple)]
struct Partition {
    sectors: BitField,
    unproven: BitField,
    faults: BitField,
    recoveries: BitField,
    terminated: BitField,
    expirations: Cid,
    early_terminated: Cid,
    live: Pair,
    unproven_power: Pair,
    faulty: Pair,
    recovering: Pair,
}

/// `miner.Deadline`.
#[derive(Serialize_tuple)]
struct Deadline {
    partitions: Cid,
    expirations: Cid,
    posted: BitField,
    early_terminations: BitField,
    live_sectors: u64,
    total_sectors: u64,
    faulty: Pair,
    submissions: Cid,
    sectors_snapshot: Cid,
    partitions_snapshot: Cid,
    submissions_snapshot: Cid,
    live: Pair,
    daily_fee: TokenAmount,
}

/// `miner.SectorOnChainInfo`.
#[derive(Clone, Serialize_tuple, Deserialize_tuple)]
struct Sector {
    number: u64,
    seal_proof: i64,
    sealed: Cid,
    deals: Vec<u64>,
    activation: i64,
    expiration: i64,
    deal_weight: Int,
    verified_deal_weight: Int,
    pledge: TokenAmount,
    day_reward: Option<TokenAmount>,
    storage_pledge: Option<TokenAmount>,
    power_base: i64,
    replaced_day_reward: Option<TokenAmount>,
    key: Option<Cid>,
    flags: u32,
    daily_fee: TokenAmount,
}

/// `miner.State`.
#[derive(Serialize_tuple)]
struct MinerState {
    info: Cid,
    pre_commit_deposits: TokenAmount,
    locked_funds: TokenAmount,
    vesting: Option<u64>,
    fee_debt: TokenAmount,
    initial_pledge: TokenAmount,
    pre_committed: Cid,
    clean_up: Cid,
    allocated: Cid,
    sectors: Cid,
    proving_period_start: i64,
    current_deadline: u64,
    deadlines: Cid,
    early_terminations: BitField,
    cron_active: bool,
}

fn bits(range: std::ops::Range<u64>) -> Result<BitField, MakeError> {
    BitField::try_from_bits(range).map_err(MakeError::state)
}

/// Write a miner's state with these owner and worker, reached so: sectors 0, 1, … in partitions of deadline 0, the first ones faulty.
pub(super) fn miner(
    ledger: &Ledger,
    (owner, worker): (Address, Address),
    contact: &Contact,
    sectors: Sectors,
) -> Result<Cid, MakeError> {
    let empty_array = array::<u64>(ledger, 5, [])?;
    let pair = |count: u64| {
        let bytes = Int(BigInt::from(count) * SECTOR_SIZE);
        Pair { raw: bytes.clone(), qa: bytes }
    };
    let faulty_of = |from: u64, to: u64| sectors.faulty.clamp(from, to) - from;
    let mut partitions = Vec::new();
    for index in 0..sectors.live.div_ceil(PARTITION) {
        let from = index * PARTITION;
        let to = (from + PARTITION).min(sectors.live);
        let faulty = faulty_of(from, to);
        partitions.push((
            index,
            Partition {
                sectors: bits(from..to)?,
                unproven: BitField::new(),
                faults: bits(from..from + faulty)?,
                recoveries: BitField::new(),
                terminated: BitField::new(),
                expirations: empty_array,
                early_terminated: empty_array,
                live: pair(to - from),
                unproven_power: Pair::default(),
                faulty: pair(faulty),
                recovering: Pair::default(),
            },
        ));
    }
    let deadline = |partitions: Vec<(u64, Partition)>, sectors: Sectors| {
        let partitions = array(ledger, 5, partitions)?;
        put(
            ledger,
            &Deadline {
                partitions,
                expirations: empty_array,
                posted: BitField::new(),
                early_terminations: BitField::new(),
                live_sectors: sectors.live,
                total_sectors: sectors.live,
                faulty: pair(sectors.faulty),
                submissions: empty_array,
                sectors_snapshot: empty_array,
                partitions_snapshot: partitions,
                submissions_snapshot: empty_array,
                live: pair(sectors.live),
                daily_fee: TokenAmount::default(),
            },
        )
    };
    let full = deadline(partitions, sectors)?;
    let mut deadlines = vec![deadline(vec![], Sectors::default())?; DEADLINES];
    deadlines.splice(0..1, [full]);
    let sector = |number: u64| Sector {
        number,
        seal_proof: SEAL_PROOF,
        sealed: named("sealed"),
        deals: vec![],
        activation: 0,
        expiration: 1_000_000,
        deal_weight: Int::default(),
        verified_deal_weight: Int::default(),
        pledge: TokenAmount::default(),
        day_reward: None,
        storage_pledge: None,
        power_base: 0,
        replaced_day_reward: None,
        key: None,
        flags: 1,
        daily_fee: TokenAmount::default(),
    };
    let info = MinerInfo {
        owner,
        worker,
        control: vec![],
        pending_worker: None,
        peer_id: &contact.peer_id,
        multiaddresses: contact.multiaddresses.iter().map(|address| BytesSer(address)).collect(),
        window_proof: WINDOW_PROOF,
        sector_size: SECTOR_SIZE,
        partition_sectors: PARTITION,
        consensus_fault_elapsed: -1,
        pending_owner: None,
        beneficiary: owner,
        beneficiary_term: (TokenAmount::default(), TokenAmount::default(), 0),
        pending_beneficiary: None,
    };
    let state = MinerState {
        info: put(ledger, &info)?,
        pre_commit_deposits: TokenAmount::default(),
        locked_funds: TokenAmount::default(),
        vesting: None,
        fee_debt: TokenAmount::default(),
        initial_pledge: TokenAmount::default(),
        pre_committed: map::<u64>(ledger, [])?,
        clean_up: empty_array,
        allocated: put(ledger, &bits(0..sectors.live)?)?,
        sectors: array(ledger, 5, (0..sectors.live).map(|number| (number, sector(number))))?,
        proving_period_start: 0,
        current_deadline: 0,
        deadlines: put(ledger, &(deadlines,))?,
        early_terminations: BitField::new(),
        cron_active: true,
    };
    put(ledger, &state)
}
