use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_filecoin::crypto::drand::{BeaconKey, BeaconNetwork};
use apogee_filecoin::types::{BlockMessages, Tipset, TipsetKey};
use apogee_filecoin::verify::NetworkParams;
use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;

use super::actors::{Keys, Sectors};
use super::deals::Calendar;
use super::execute::{self, Outcome};
use super::genesis::{self, People};
use super::keys::{BeaconSecret, Wallet};
use super::mine::Round;
use super::pool::Pool;
use super::{MakeError, Recipe};
use crate::ledger::{ChangeKind, HeadChange, Ledger};

/// A chain that is made epoch by epoch, with real keys and signatures: what [`Verifier`](apogee_filecoin::verify::Verifier) accepts.
///
/// It executes plain transfers, calls of multisigs, block rewards, deals and the crons of market and reward actor; `WinningPoSt` proofs it
/// has none.
pub struct Simulation {
    pub(super) recipe: Recipe,
    pub(super) people: People,
    pub(super) beacon: BeaconSecret,
    pub(super) params: Arc<NetworkParams>,
    pub(super) ledger: Arc<Ledger>,
    /// What will be known of miners' sectors, by the epoch whose execution changes them.
    schedule: Mutex<Schedule>,
    /// Who will hold the roles of a miner, in the same way.
    holders: Mutex<BTreeMap<(i64, ActorID), Keys>>,
    /// What will happen to deals.
    calendar: Mutex<Calendar>,
    /// State and receipts after tipsets that were executed.
    executed: Mutex<HashMap<TipsetKey, (Cid, Cid)>>,
    pool: Mutex<Pool>,
    /// Epochs that pass before the next one is mined; who moves the head holds it.
    turn: Mutex<i64>,
}

/// Sectors of a miner from an epoch on.
type Schedule = BTreeMap<(i64, ActorID), Sectors>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simulation(seed {}, {:?})", self.recipe.seed, self.ledger)
    }
}

impl Simulation {
    /// A chain that has its genesis.
    ///
    /// # Errors
    /// When the recipe is none that a chain can be made of.
    pub fn new(recipe: Recipe) -> Result<Self, MakeError> {
        /// Rounds of the beacon before genesis.
        const HEAD_START: u64 = 1_000;
        recipe.check()?;
        let people = People::new(&recipe)?;
        let beacon = BeaconSecret::new(recipe.seed)?;
        let network = BeaconNetwork {
            key: BeaconKey::Unchained(beacon.public()?),
            period: recipe.block_delay,
            genesis_time: recipe.genesis_time.saturating_sub(recipe.block_delay.saturating_mul(HEAD_START)),
        };
        let devnet =
            NetworkParams::devnet(recipe.genesis_time, recipe.block_delay, recipe.network_version, network);
        let params = NetworkParams { chain_finality: recipe.finality, ..devnet };
        let ledger = genesis::ledger(&recipe, &people)?;
        Ok(Self {
            recipe,
            people,
            beacon,
            params: Arc::new(params),
            ledger,
            schedule: Mutex::default(),
            holders: Mutex::default(),
            calendar: Mutex::default(),
            executed: Mutex::default(),
            pool: Mutex::default(),
            turn: Mutex::default(),
        })
    }

    /// What it is like.
    #[must_use]
    pub const fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The rules by which it can be verified.
    #[must_use]
    pub fn params(&self) -> NetworkParams {
        NetworkParams::clone(&self.params)
    }

    /// Its blocks, tipsets and head.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// An account that a test can send from: with even `index` a BLS key, else secp256k1. `None` beyond the recipe's wallets.
    #[must_use]
    pub fn wallet(&self, index: usize) -> Option<&Wallet> {
        self.people.wallets.get(index)
    }

    /// The ids of the miners.
    pub fn miners(&self) -> impl Iterator<Item = ActorID> {
        self.people.miners.iter().map(|miner| miner.id)
    }

    /// Mine the next epoch on the head that somebody wins, and make it the head.
    ///
    /// # Errors
    /// When the chain is broken, or nobody wins for 1,000 epochs.
    pub fn mine(&self) -> Result<Tipset, MakeError> {
        let mut turn = self.turn();
        let head = self.ledger.head();
        let tipset = self.mine_on(&head, head.epoch().height() + 1 + *turn, &Round::default())?;
        self.move_head(&tipset)?;
        *turn = 0;
        Ok(tipset)
    }

    /// Let `epochs` epochs pass without a block before the next one is mined.
    pub fn skip(&self, epochs: u32) {
        *self.turn() += i64::from(epochs);
    }

    /// Mine until the head is at or beyond `epoch`.
    ///
    /// # Errors
    /// See [`mine`](Self::mine).
    pub fn mine_to(&self, epoch: Epoch) -> Result<(), MakeError> {
        while self.ledger.head().epoch() < epoch {
            self.mine()?;
        }
        Ok(())
    }

    /// Mine an epoch every `delay` until the head is at or beyond `epoch`.
    ///
    /// # Errors
    /// See [`mine`](Self::mine).
    pub async fn run(&self, delay: Duration, epoch: Epoch) -> Result<(), MakeError> {
        while self.ledger.head().epoch() < epoch {
            tokio::time::sleep(delay).await;
            self.mine()?;
        }
        Ok(())
    }

    /// Mine `length` tipsets on the tipset `depth` tipsets below the head, and make the last one the head. The blocks of a branch differ
    /// from those of any other branch by its number, which is not 0. A branch that is not longer than `depth` is lighter than what it leaves:
    /// a head no honest node would take.
    ///
    /// # Errors
    /// When the chain is not that long, and see [`mine`](Self::mine).
    pub fn fork(&self, depth: usize, length: usize, branch: u64) -> Result<Tipset, MakeError> {
        let _turn = self.turn();
        let mut tip = self.ledger.head();
        for _ in 0..depth {
            tip = self.ledger.parent(&tip).ok_or(MakeError::Recipe("the chain is not as long as that"))?;
        }
        for _ in 0..length {
            tip = self.mine_on(&tip, tip.epoch().height() + 1, &Round { branch })?;
        }
        self.move_head(&tip)?;
        Ok(tip)
    }

    /// Make `tipset` the head, however it lies to the present one.
    pub(super) fn move_head(&self, tipset: &Tipset) -> Result<(), MakeError> {
        let path = self.ledger.path(&self.ledger.head(), tipset);
        let path = path.ok_or_else(|| MakeError::state("the new head is of another chain"))?;
        self.settle_pool(&path.revert, &path.apply)?;
        let steps = |kind, tipsets: Vec<Tipset>| {
            tipsets.into_iter().map(move |tipset| HeadChange { kind, tipset }).collect::<Vec<_>>()
        };
        let mut changes = steps(ChangeKind::Revert, path.revert);
        changes.extend(steps(ChangeKind::Apply, path.apply));
        self.ledger.change(changes);
        Ok(())
    }

    /// Give a miner these sectors when `epoch` is executed, on every branch: what is read after that epoch shows them.
    ///
    /// # Errors
    /// When there is no such miner, more sectors are faulty than live, or the epoch has been mined.
    pub fn set_sectors(&self, epoch: Epoch, miner: ActorID, sectors: Sectors) -> Result<(), MakeError> {
        if self.miners().all(|known| known != miner) {
            return Err(MakeError::Recipe("there is no such miner"));
        }
        if sectors.faulty > sectors.live {
            return Err(MakeError::Recipe("more sectors are faulty than there are"));
        }
        if epoch <= self.ledger.head().epoch() {
            return Err(MakeError::Recipe("that epoch has been mined"));
        }
        lock(&self.schedule).insert((epoch.height(), miner), sectors);
        Ok(())
    }

    /// Give a miner these owner and worker when `epoch` is executed, on every branch, as `ChangeOwnerAddress` and `ConfirmChangeWorkerAddress` do.
    /// It has no power from then on: blocks would want the worker's key.
    ///
    /// # Errors
    /// When there is no such miner, or the epoch has been mined.
    pub fn set_keys(&self, epoch: Epoch, miner: ActorID, keys: Keys) -> Result<(), MakeError> {
        self.set_sectors(epoch, miner, Sectors::default())?;
        lock(&self.holders).insert((epoch.height(), miner), keys);
        Ok(())
    }

    /// The actor of a wallet.
    #[must_use]
    pub fn wallet_id(&self, index: usize) -> Option<ActorID> {
        self.wallet(index)?;
        u64::try_from(index).ok().map(|index| self.people.first_wallet + index)
    }

    /// The f2 address and the actor of a multisig of the recipe.
    #[must_use]
    pub fn multisig(&self, index: usize) -> Option<(Address, ActorID)> {
        self.recipe.multisigs.get(index)?;
        let id = self.people.first_multisig().ok()? + u64::try_from(index).ok()?;
        Some((genesis::multisig_address(index), id))
    }

    /// Sectors of all miners once `epoch` has been executed; `None` when nothing has changed since `before` was.
    fn sectors(&self, before: i64, epoch: i64) -> Option<Vec<(ActorID, Sectors)>> {
        let schedule = lock(&self.schedule);
        let from = before.saturating_add(1);
        schedule.range((from, 0)..=(epoch, ActorID::MAX)).next()?;
        let mut all: BTreeMap<ActorID, Sectors> =
            self.people.miners.iter().map(|miner| (miner.id, miner.sectors)).collect();
        all.extend(schedule.range(..=(epoch, ActorID::MAX)).map(|((_, miner), sectors)| (*miner, *sectors)));
        Some(all.into_iter().collect())
    }

    /// State and receipts after a tipset.
    pub(super) fn executed(&self, tipset: &Tipset) -> Result<(Cid, Cid), MakeError> {
        let known = lock(&self.executed).get(tipset.key()).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let roots = if tipset.first().is_genesis() {
            let first = tipset.first();
            (first.parent_state_root, first.parent_message_receipts)
        } else {
            let outcome = self.outcome(tipset)?;
            (outcome.root, outcome.receipts)
        };
        lock(&self.executed).insert(tipset.key().clone(), roots);
        Ok(roots)
    }

    /// Everything that executing a tipset brings.
    pub(super) fn outcome(&self, tipset: &Tipset) -> Result<Outcome, MakeError> {
        let parent = self.parent(tipset)?.epoch().height();
        let messages = self.messages(tipset)?;
        let sectors = self.sectors(parent, tipset.epoch().height());
        let (from, to) = ((parent.saturating_add(1), 0), (tipset.epoch().height(), ActorID::MAX));
        let holders = lock(&self.holders);
        let keys: Vec<_> = holders.range(from..=to).map(|((_, miner), keys)| (*miner, *keys)).collect();
        drop(holders);
        let (branch, epoch) = (tipset.first().fork_signaling, tipset.epoch().height());
        let due = self.calendar().due(branch, parent, epoch);
        execute::execute(&self.ledger, tipset, parent, &messages, sectors.as_deref(), &keys, &due)
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, i64> {
        lock(&self.turn)
    }

    pub(super) fn calendar(&self) -> MutexGuard<'_, Calendar> {
        lock(&self.calendar)
    }

    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.pool)
    }

    pub(super) fn parent(&self, tipset: &Tipset) -> Result<Tipset, MakeError> {
        self.ledger.parent(tipset).ok_or_else(|| MakeError::state("the parent of a tipset is not there"))
    }

    pub(super) fn messages(&self, tipset: &Tipset) -> Result<Vec<BlockMessages>, MakeError> {
        let load = |root: &Cid| BlockMessages::load(&*self.ledger, root).map_err(MakeError::state);
        tipset.blocks().iter().map(|block| load(&block.messages)).collect()
    }
}
