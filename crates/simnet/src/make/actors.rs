//! States of singleton actors of version 18 as they are on chain: the tuples of builtin-actors v18, with what a generated chain needs filled in.

use apogee_filecoin_state::Reward;
use cid::Cid;
use fvm_ipld_amt::Amt;
use fvm_ipld_encoding::tuple::*;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::bigint::{BigInt, bigint_ser};
use fvm_shared::econ::TokenAmount;
use multihash_codetable::{Code, MultihashDigest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MakeError;
use crate::ledger::Ledger;
use apogee_filecoin::types::cid_of;

/// Bytes of a sector.
pub(super) const SECTOR_SIZE: u64 = 32 << 30;
/// `StackedDRGWindow32GiBV1P1`.
pub(super) const WINDOW_PROOF: i64 = 13;
const HAMT_WIDTH: u32 = 5;

/// Keep a value.
pub(super) fn put(ledger: &Ledger, value: &impl Serialize) -> Result<Cid, MakeError> {
    let bytes = fvm_ipld_encoding::to_vec(value).map_err(MakeError::state)?;
    let cid = cid_of(&bytes);
    ledger.put(cid, bytes);
    Ok(cid)
}

/// Keep a map by address.
pub(super) fn map<V: Serialize + DeserializeOwned + PartialEq>(
    ledger: &Ledger,
    entries: impl IntoIterator<Item = (Address, V)>,
) -> Result<Cid, MakeError> {
    let mut map: Hamt<&Ledger, V> = Hamt::new_with_bit_width(ledger, HAMT_WIDTH);
    for (address, value) in entries {
        map.set(BytesKey(address.to_bytes()), value).map_err(MakeError::state)?;
    }
    map.flush().map_err(MakeError::state)
}

/// Keep an array.
pub(super) fn array<V: Serialize + DeserializeOwned>(
    ledger: &Ledger,
    width: u32,
    entries: impl IntoIterator<Item = (u64, V)>,
) -> Result<Cid, MakeError> {
    let mut array: Amt<V, &Ledger> = Amt::new_with_bit_width(ledger, width);
    for (index, value) in entries {
        array.set(index, value).map_err(MakeError::state)?;
    }
    array.flush().map_err(MakeError::state)
}

/// A code or commitment: the CID of its name.
pub(super) fn named(name: &str) -> Cid {
    const RAW: u64 = 0x55;
    Cid::new_v1(RAW, Code::Blake2b256.digest(name.as_bytes()))
}

/// The names of a bundle's manifest.
pub(super) const KINDS: [&str; 16] = [
    "system",
    "init",
    "cron",
    "account",
    "storagepower",
    "storageminer",
    "storagemarket",
    "paymentchannel",
    "multisig",
    "reward",
    "verifiedregistry",
    "datacap",
    "placeholder",
    "evm",
    "eam",
    "ethaccount",
];

/// The code of a kind of actor.
pub(super) fn code(kind: &str) -> Cid {
    named(&format!("apogee-simnet/{kind}"))
}

/// An integer as the chain writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Int(#[serde(with = "bigint_ser")] pub(super) BigInt);

impl From<&BigInt> for Int {
    fn from(value: &BigInt) -> Self {
        Self(value.clone())
    }
}

/// `init.State`.
#[derive(Serialize_tuple, Deserialize_tuple)]
pub(super) struct Init {
    pub(super) addresses: Cid,
    pub(super) next_id: ActorID,
    pub(super) network: String,
}

/// Raw and quality-adjusted power, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize_tuple, Deserialize_tuple)]
pub(super) struct Pair {
    pub(super) raw: Int,
    pub(super) qa: Int,
}

/// `power.Claim`.
#[derive(Clone, Debug, PartialEq, Serialize_tuple, Deserialize_tuple)]
struct Claim {
    proof: i64,
    raw: Int,
    qa: Int,
}

/// `FilterEstimate`.
#[derive(Clone, Debug, Default, Serialize_tuple, Deserialize_tuple)]
struct Estimate {
    position: Int,
    velocity: Int,
}

/// `power.State`.
#[derive(Serialize_tuple, Deserialize_tuple)]
struct PowerState {
    raw: Int,
    committed: Int,
    qa: Int,
    qa_committed: Int,
    pledge: TokenAmount,
    this_epoch_raw: Int,
    this_epoch_qa: Int,
    this_epoch_pledge: TokenAmount,
    smoothed: Estimate,
    miners: i64,
    above_minimum: i64,
    ramp_start: i64,
    ramp_duration: u64,
    cron_queue: Cid,
    first_cron: i64,
    claims: Cid,
    batch: Option<Cid>,
}

/// How many sectors a miner has, and how many of them are faulty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sectors {
    /// Neither terminated nor expired.
    pub live: u64,
    /// Of these, faulty ones: they have no power.
    pub faulty: u64,
}

/// The actors that hold the roles of a miner: accounts. An owner of an id that no actor has becomes a multisig, of which nothing but its kind
/// is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The owner.
    pub owner: ActorID,
    /// The worker.
    pub worker: ActorID,
}

/// How a miner is reached, as bytes of any kind: the chain does not look at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Its libp2p peer id.
    pub peer_id: Vec<u8>,
    /// Its multiaddresses.
    pub multiaddresses: Vec<Vec<u8>>,
}

impl Sectors {
    fn active(self) -> u64 {
        self.live.saturating_sub(self.faulty)
    }

    /// Bytes of power, quality 1.
    pub(super) fn power(self) -> BigInt {
        BigInt::from(self.active()) * SECTOR_SIZE
    }
}

/// Write the power actor's state for these miners.
pub(super) fn power(ledger: &Ledger, miners: &[(ActorID, Sectors)]) -> Result<Cid, MakeError> {
    let claim = |(id, sectors): &(ActorID, Sectors)| {
        let power = Int(sectors.power());
        (Address::new_id(*id), Claim { proof: WINDOW_PROOF, raw: power.clone(), qa: power })
    };
    let claims = map(ledger, miners.iter().map(claim))?;
    let total = Int(miners.iter().map(|(_, sectors)| sectors.power()).sum());
    let powerful = miners.iter().filter(|(_, sectors)| sectors.active() > 0).count();
    let state = PowerState {
        raw: total.clone(),
        committed: total.clone(),
        qa: total.clone(),
        qa_committed: total.clone(),
        pledge: TokenAmount::default(),
        this_epoch_raw: total.clone(),
        this_epoch_qa: total.clone(),
        this_epoch_pledge: TokenAmount::default(),
        smoothed: Estimate { position: Int(total.0 << 128_u32), velocity: Int::default() },
        miners: i64::try_from(miners.len()).map_err(MakeError::state)?,
        above_minimum: i64::try_from(powerful).map_err(MakeError::state)?,
        ramp_start: 0,
        ramp_duration: 0,
        cron_queue: map::<u64>(ledger, [])?,
        first_cron: 0,
        claims,
        batch: None,
    };
    put(ledger, &state)
}

/// `reward.State` with the totals of mainnet.
#[derive(Serialize_tuple)]
struct RewardState {
    cumsum_baseline: Int,
    cumsum_realized: Int,
    effective_network_time: i64,
    effective_baseline: Int,
    this_epoch_reward: TokenAmount,
    smoothed: Estimate,
    this_epoch_baseline: Int,
    epoch: i64,
    total_minted: TokenAmount,
    simple_total: TokenAmount,
    baseline_total: TokenAmount,
}

const SIMPLE_TOTAL: u64 = 330_000_000;
const BASELINE_TOTAL: u64 = 770_000_000;

/// Write the reward actor's state of genesis, as Lotus' genesis has it without power.
pub(super) fn first_reward(ledger: &Ledger) -> Result<Cid, MakeError> {
    put(
        ledger,
        &RewardState {
            cumsum_baseline: Int::default(),
            cumsum_realized: Int::default(),
            effective_network_time: 0,
            effective_baseline: Int(2_888_888_880_000_000_000_u64.into()),
            this_epoch_reward: TokenAmount::from_atto(36_266_264_293_777_134_739_u128),
            smoothed: Estimate {
                position: Int(BigInt::from(36_266_260_308_195_979_333_u128) << 128_u32),
                velocity: Int(BigInt::from(-109_897_758_509_i64) << 128_u32),
            },
            this_epoch_baseline: Int(2_888_888_879_999_999_999_u64.into()),
            epoch: 0,
            total_minted: TokenAmount::default(),
            simple_total: TokenAmount::from_whole(SIMPLE_TOTAL),
            baseline_total: TokenAmount::from_whole(BASELINE_TOTAL),
        },
    )
}

/// Write the reward actor's state.
pub(super) fn reward(ledger: &Ledger, reward: &Reward) -> Result<Cid, MakeError> {
    put(
        ledger,
        &RewardState {
            cumsum_baseline: Int::from(&reward.cumsum_baseline),
            cumsum_realized: Int::from(&reward.cumsum_realized),
            effective_network_time: reward.effective_network_time,
            effective_baseline: Int::from(&reward.effective_baseline),
            this_epoch_reward: reward.this_epoch_reward.clone(),
            smoothed: Estimate {
                position: Int::from(&reward.smoothed_reward.position),
                velocity: Int::from(&reward.smoothed_reward.velocity),
            },
            this_epoch_baseline: Int::from(&reward.this_epoch_baseline),
            epoch: reward.epoch,
            total_minted: reward.total_minted.clone(),
            simple_total: TokenAmount::from_whole(SIMPLE_TOTAL),
            baseline_total: TokenAmount::from_whole(BASELINE_TOTAL),
        },
    )
}
