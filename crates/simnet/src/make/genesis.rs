use std::sync::Arc;

use apogee_filecoin::types::{
    BeaconEntry, BlockHeader, BlockMessages, ElectionProof, Receipt, Ticket, Tipset, cid_of, dense_array,
};
use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use super::actors::{self, Contact, KINDS, Sectors, code, put};
use super::keys::{BlsKey, Wallet, derive};
use super::miner::miner as miner_state;
use super::state::{Actor, BURNT, CRON, INIT, MARKET, POWER, REWARD, SYSTEM, State, init};
use super::traffic::SENDERS_A_MESSAGE;
use super::{MakeError, NETWORK, Recipe, market, multisig};
use crate::ledger::Ledger;

/// The first miner's id.
pub(super) const FIRST_MINER: ActorID = 1000;

/// A miner with the key that signs its blocks.
#[derive(Clone, Debug)]
pub(super) struct Miner {
    pub(super) id: ActorID,
    pub(super) worker_id: ActorID,
    pub(super) worker: BlsKey,
    pub(super) sectors: Sectors,
}

/// Who is there at genesis.
pub(super) struct People {
    pub(super) miners: Vec<Miner>,
    /// Accounts for tests.
    pub(super) wallets: Vec<Wallet>,
    /// Accounts of the chain's own traffic.
    pub(super) senders: Vec<Wallet>,
    /// The ids of wallets, then senders, then multisigs, begin here.
    pub(super) first_wallet: ActorID,
}

impl People {
    /// The ids of multisigs begin here.
    pub(super) fn first_multisig(&self) -> Result<ActorID, MakeError> {
        let count = self.wallets.len() + self.senders.len();
        Ok(self.first_wallet + u64::try_from(count).map_err(MakeError::state)?)
    }
}

/// The f2 address of a multisig.
pub(super) fn multisig_address(index: usize) -> Address {
    Address::new_actor(format!("apogee-simnet/multisig/{index}").as_bytes())
}

impl People {
    pub(super) fn new(recipe: &Recipe) -> Result<Self, MakeError> {
        let count = u64::from(recipe.miners);
        let first_worker = FIRST_MINER + count;
        let miner = |index: u64| {
            Ok(Miner {
                id: FIRST_MINER + index,
                worker_id: first_worker + index,
                worker: BlsKey::new(recipe.seed, "worker", index)?,
                // Powers of different size: every third miner has one, two, three shares.
                sectors: Sectors { live: recipe.sectors * (1 + index % 3), faulty: 0 },
            })
        };
        Ok(Self {
            miners: (0..count).map(miner).collect::<Result<_, MakeError>>()?,
            wallets: wallets(recipe.seed, "wallet", recipe.wallets)?,
            senders: wallets(recipe.seed, "sender", recipe.messages.saturating_mul(SENDERS_A_MESSAGE))?,
            first_wallet: first_worker + count,
        })
    }
}

fn wallets(seed: u64, purpose: &str, count: u32) -> Result<Vec<Wallet>, MakeError> {
    (0..u64::from(count)).map(|index| Wallet::new(seed, purpose, index)).collect()
}

/// A ledger that holds the genesis block of these people, which is its head.
pub(super) fn ledger(recipe: &Recipe, people: &People) -> Result<Arc<Ledger>, MakeError> {
    // Blocks are written into a ledger, and a ledger wants its genesis: the first one only lends its store.
    let scratch =
        Ledger::new(NETWORK, tipset(recipe, Cid::default(), Cid::default(), Cid::default())?, vec![]);
    let state = state(&scratch, recipe, people)?;
    let (messages, blocks) = BlockMessages::default().to_blocks();
    let (receipts, more) = dense_array::<Receipt>(&[]);
    let genesis = tipset(recipe, state, messages, receipts)?;
    let ledger = Ledger::new(NETWORK, genesis, vec![]);
    ledger.take_blocks(scratch);
    for (cid, bytes) in blocks.into_iter().chain(more) {
        ledger.put(cid, bytes);
    }
    Ok(Arc::new(ledger))
}

fn tipset(recipe: &Recipe, state: Cid, messages: Cid, receipts: Cid) -> Result<Tipset, MakeError> {
    let header = BlockHeader {
        miner: Address::new_id(SYSTEM),
        ticket: Some(Ticket { vrf_proof: derive(recipe.seed, "genesis ticket", 0).to_vec() }),
        election_proof: Some(ElectionProof { win_count: 0, vrf_proof: vec![] }),
        // Lotus' genesis carries a round that never was.
        beacon_entries: vec![BeaconEntry { round: 0, signature: vec![0; 32] }],
        winning_post_proof: vec![],
        parents: vec![cid_of(b"before genesis")],
        parent_weight: 0.into(),
        height: 0,
        parent_state_root: state,
        parent_message_receipts: receipts,
        messages,
        bls_aggregate: None,
        timestamp: recipe.genesis_time,
        block_sig: None,
        fork_signaling: 0,
        parent_base_fee: TokenAmount::from_atto(100_000_000),
    };
    Tipset::new(vec![header]).map_err(MakeError::state)
}

fn state(ledger: &Ledger, recipe: &Recipe, people: &People) -> Result<Cid, MakeError> {
    const MINTED: u64 = 1_100_000_000;
    let mut state = State::empty(ledger)?;
    let nothing = TokenAmount::default;
    let manifest = put(ledger, &KINDS.map(|kind| (kind, code(kind))).to_vec())?;
    state.set(SYSTEM, Actor::new("system", put(ledger, &(manifest,))?, nothing()))?;
    let ids = people.miners.iter().map(|miner| (miner.worker.address, miner.worker_id));
    let wallets = people.wallets.iter().chain(&people.senders).zip(people.first_wallet..);
    let ids = ids.chain(wallets.clone().map(|(wallet, id)| (wallet.address(), id)));
    let first_multisig = people.first_multisig()?;
    let multisigs = recipe.multisigs.iter().enumerate().zip(first_multisig..);
    let ids = ids.chain(multisigs.clone().map(|((index, _), id)| (multisig_address(index), id)));
    let next_id = first_multisig + u64::try_from(recipe.multisigs.len()).map_err(MakeError::state)?;
    state.set(INIT, Actor::new("init", init(ledger, &recipe.network, next_id, ids)?, nothing()))?;
    let reward = actors::first_reward(ledger)?;
    state.set(REWARD, Actor::new("reward", reward, TokenAmount::from_whole(MINTED)))?;
    state.set(CRON, Actor::new("cron", put(ledger, &(Vec::<u64>::new(),))?, nothing()))?;
    let claims: Vec<_> = people.miners.iter().map(|miner| (miner.id, miner.sectors)).collect();
    state.set(POWER, Actor::new("storagepower", actors::power(ledger, &claims)?, nothing()))?;
    state.set(MARKET, Actor::new("storagemarket", market::market(ledger)?, nothing()))?;
    state.set(BURNT, Actor::new("account", put(ledger, &(Address::new_id(BURNT),))?, nothing()))?;
    let silent = Contact::default();
    for (index, miner) in people.miners.iter().enumerate() {
        let worker = Address::new_id(miner.worker_id);
        let contact = recipe.contacts.get(index).unwrap_or(&silent);
        let head = miner_state(ledger, (worker, worker), contact, miner.sectors)?;
        state.set(miner.id, Actor::new("storageminer", head, nothing()))?;
        let account = put(ledger, &(miner.worker.address,))?;
        state.set(miner.worker_id, Actor::new("account", account, nothing()))?;
    }
    for ((_, made), id) in multisigs {
        let signers: Vec<_> =
            made.signers.iter().map(|signer| people.first_wallet + ActorID::from(*signer)).collect();
        let head = multisig::first(ledger, &signers, made.threshold)?;
        state.set(id, Actor::new("multisig", head, TokenAmount::from_whole(made.balance)))?;
    }
    for (wallet, id) in wallets {
        let account = put(ledger, &(wallet.address(),))?;
        state.set(id, Actor::new("account", account, TokenAmount::from_whole(recipe.balance)))?;
    }
    state.flush()
}
