//! A chain of one account with a message pool, that forks, forgets, lies and is slow, all from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use apogee_domain::{Atto, Epoch, Timestamp};
use apogee_treasury::Signed;
use apogee_treasury::chain::{
    Account, Chain, ChainError, Draft, Executed, Gas, Outcome, PrepareError, Proposal, Tip,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::dice::Dice;

pub(crate) const WALLET: &str = "w";
pub(crate) const MULTISIG: &str = "m";
pub(crate) const SECONDS: i64 = 30;
const NORMAL_FEE: u128 = 100;
const PREMIUM: u128 = 50;
const LIMIT: u64 = 1_000;
const START: i64 = 1_700_000_000;

/// What is signed, in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Who pays, where that is proposed.
    pub(crate) multisig: Option<String>,
    pub(crate) nonce: u64,
    pub(crate) amount: u128,
    pub(crate) limit: u64,
    pub(crate) fee_cap: u128,
    pub(crate) premium: u128,
}

impl Message {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap()
    }

    /// What it takes out of the wallet besides gas.
    fn own(&self) -> u128 {
        if self.multisig.is_some() || self.to == WALLET { 0 } else { self.amount }
    }

    pub(crate) fn id(&self) -> String {
        let Self { to, multisig, nonce, amount, limit, fee_cap, premium, .. } = self;
        let multisig = multisig.as_deref().unwrap_or_default();
        format!("{nonce}:{to}:{multisig}:{amount}:{limit}:{fee_cap}:{premium}")
    }
}

#[derive(Clone, Debug)]
struct Node {
    parent: Option<usize>,
    epoch: i64,
    fee: u128,
    before: Account,
    after: Account,
    messages: Vec<(Message, u32, u128)>,
}

/// How often something goes wrong, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) unavailable: u64,
    pub(crate) stale: u64,
    pub(crate) lost_request: u64,
    pub(crate) lost_reply: u64,
    pub(crate) lie: u64,
    pub(crate) full: u64,
    pub(crate) evict: u64,
    pub(crate) failure: u64,
    pub(crate) lacks: u64,
}

#[derive(Debug)]
pub(crate) struct State {
    nodes: Vec<Node>,
    head: usize,
    pool: BTreeMap<u64, Message>,
    pub(crate) fee: u128,
    pub(crate) trouble: Trouble,
    pub(crate) dice: Dice,
    /// Money that comes with the next tip.
    pub(crate) deposit: u128,
    /// What the pool keeps at most.
    pub(crate) room: usize,
    /// Every id that was ever handed over.
    pub(crate) handed: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct World(Mutex<State>);

impl World {
    pub(crate) fn new(seed: u64, balance: u128) -> Self {
        let account = Account { nonce: 0, balance: Atto(balance) };
        let genesis = Node {
            parent: None,
            epoch: 0,
            fee: NORMAL_FEE,
            before: account,
            after: account,
            messages: vec![],
        };
        let world = Self(Mutex::new(State {
            nodes: vec![genesis],
            head: 0,
            pool: BTreeMap::new(),
            fee: NORMAL_FEE,
            trouble: Trouble::default(),
            dice: Dice::new(seed ^ 0xc0ffee),
            deposit: 0,
            room: 1_000,
            handed: BTreeSet::new(),
        }));
        world.mine(20);
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn mine(&self, tips: u64) {
        let mut state = self.state();
        for _ in 0..tips {
            let parent = state.head;
            state.head = state.mine_on(parent);
        }
    }

    /// When the head was made.
    pub(crate) fn now(&self) -> Timestamp {
        let state = self.state();
        Timestamp::from_seconds(START + state.nodes[state.head].epoch * SECONDS)
    }

    /// Another chain from `depth` tips below the head takes over.
    pub(crate) fn fork(&self, depth: u64) {
        let mut state = self.state();
        let mut from = state.head;
        let mut left = Vec::new();
        for _ in 0..depth {
            let Some(parent) = state.nodes[from].parent else { break };
            left.extend(state.nodes[from].messages.clone());
            from = parent;
        }
        for (message, ..) in left {
            // Nodes take back what left the chain, mostly.
            if state.dice.chance(700) {
                state.pool.entry(message.nonce).or_insert(message);
            }
        }
        let length = u64::try_from(state.nodes[state.head].epoch - state.nodes[from].epoch).unwrap() + 1;
        for _ in 0..length {
            from = state.mine_on(from);
        }
        state.head = from;
    }

    /// The messages that the head's chain has executed, with exit code and cost.
    pub(crate) fn canonical(&self) -> Vec<(Message, u32, u128)> {
        self.seen(0)
    }

    /// The same, for somebody who lags so many epochs behind.
    pub(crate) fn seen(&self, behind: i64) -> Vec<(Message, u32, u128)> {
        let state = self.state();
        let mut all = Vec::new();
        let mut at = Some(state.back(state.head, (state.nodes[state.head].epoch - behind).max(0)));
        while let Some(index) = at {
            let node = &state.nodes[index];
            all.extend(node.messages.iter().rev().cloned());
            at = node.parent;
        }
        all.reverse();
        all
    }

    /// How often each payee was paid on the head's chain.
    pub(crate) fn paid(&self) -> BTreeMap<String, u64> {
        let mut times = BTreeMap::new();
        for (message, code, _) in self.canonical() {
            if code == 0 && message.to != WALLET {
                *times.entry(message.to).or_insert(0) += 1;
            }
        }
        times
    }

    /// Once the head has been executed.
    pub(crate) fn account_now(&self) -> Account {
        let state = self.state();
        state.nodes[state.head].after
    }

    pub(crate) fn pool_nonce(&self) -> u64 {
        let state = self.state();
        let next = state.nodes[state.head].after.nonce;
        (next..).find(|nonce| !state.pool.contains_key(nonce)).unwrap()
    }
}

impl State {
    fn mine_on(&mut self, parent: usize) -> usize {
        let (before, epoch) = (self.nodes[parent].after, self.nodes[parent].epoch + 1);
        let fee = self.fee;
        let mut after = before;
        after.balance.0 += std::mem::take(&mut self.deposit);
        let mut messages = Vec::new();
        let most = self.dice.below(12);
        for _ in 0..most {
            let Some(message) = self.pool.get(&after.nonce).cloned() else { break };
            let gas = message.fee_cap * u128::from(message.limit);
            if message.fee_cap < fee || after.balance.0 < gas {
                break;
            }
            let tip = message.premium.min(message.fee_cap - fee);
            let cost = fee * u128::from(message.limit * 4 / 5) + tip * u128::from(message.limit);
            let spendable = after.balance.0 - gas;
            let code = match () {
                () if message.own() > spendable => 6,
                () if self.dice.chance(self.trouble.lacks) => 6,
                () if self.dice.chance(self.trouble.failure) => 33,
                () => 0,
            };
            after.nonce += 1;
            after.balance.0 -= cost;
            if code == 0 {
                after.balance.0 -= message.own();
            }
            self.pool.remove(&message.nonce);
            messages.push((message, code, cost));
        }
        let evicted: Vec<u64> = self.pool.keys().copied().collect();
        for nonce in evicted {
            if nonce < after.nonce || self.dice.chance(self.trouble.evict) {
                self.pool.remove(&nonce);
            }
        }
        self.nodes.push(Node { parent: Some(parent), epoch, fee, before, after, messages });
        self.nodes.len() - 1
    }

    fn tip(&self, index: usize) -> Tip {
        let epoch = self.nodes[index].epoch;
        let time = Timestamp::from_seconds(START + epoch * SECONDS);
        Tip { epoch: Epoch::new(epoch).unwrap(), key: index.to_string(), time }
    }

    fn back(&self, mut index: usize, epoch: i64) -> usize {
        while self.nodes[index].epoch > epoch {
            index = self.nodes[index].parent.unwrap();
        }
        index
    }

    fn up(&mut self) -> Result<(), ChainError> {
        let unavailable = self.trouble.unavailable;
        if self.dice.chance(unavailable) {
            return Err(ChainError::Unavailable("the node is away".into()));
        }
        Ok(())
    }

    /// What a node with a message pool does.
    pub(crate) fn take(&mut self, message: Message) -> Outcome {
        let next = self.nodes[self.head].after.nonce;
        if message.nonce < next {
            return Outcome::NonceTooLow;
        }
        let expected = (next..).find(|nonce| !self.pool.contains_key(nonce)).unwrap();
        if message.nonce > expected + 4 {
            return Outcome::Gap;
        }
        match self.pool.get(&message.nonce) {
            Some(old) if *old == message => return Outcome::Known,
            Some(old) if message.premium < old.premium * 110 / 100 + 1 => return Outcome::FeeTooLow,
            None if self.pool.len() >= self.room => return Outcome::Full,
            _ => {}
        }
        self.pool.insert(message.nonce, message);
        Outcome::Accepted
    }

    /// What comes back over a bad line to a node that may lie.
    pub(crate) fn hand(&mut self, message: Message) -> Outcome {
        self.handed.insert(message.id());
        let trouble = self.trouble;
        if self.dice.chance(trouble.lost_request) {
            return Outcome::Unknown("the request was lost".into());
        }
        if self.dice.chance(trouble.full) {
            return Outcome::Full;
        }
        let lies = [
            Outcome::NonceTooLow,
            Outcome::Accepted,
            Outcome::FeeTooLow,
            Outcome::Gap,
            Outcome::Rejected("no".into()),
        ];
        if self.dice.chance(trouble.lie) {
            // Taken or not, and something else is said.
            if self.dice.chance(500) {
                self.take(message);
            }
            let which = usize::try_from(self.dice.below(5)).unwrap();
            return lies[which].clone();
        }
        let outcome = self.take(message);
        if self.dice.chance(trouble.lost_reply) {
            return Outcome::Unknown("the reply was lost".into());
        }
        outcome
    }
}

fn index(tip: &Tip) -> usize {
    tip.key.parse().unwrap()
}

#[async_trait]
impl Chain for World {
    async fn head(&self) -> Result<Tip, ChainError> {
        let mut state = self.state();
        state.up()?;
        let mut at = state.head;
        let stale = state.trouble.stale;
        if state.dice.chance(stale) {
            for _ in 0..state.dice.below(40) {
                at = state.nodes[at].parent.unwrap_or(at);
            }
        }
        Ok(state.tip(at))
    }

    async fn ancestor(&self, tip: &Tip, epoch: Epoch) -> Result<Tip, ChainError> {
        let mut state = self.state();
        state.up()?;
        let at = state.back(index(tip), epoch.height());
        Ok(state.tip(at))
    }

    async fn account(&self, tip: &Tip, address: &str) -> Result<Account, ChainError> {
        assert_eq!(address, WALLET);
        let mut state = self.state();
        state.up()?;
        Ok(state.nodes[index(tip)].before)
    }

    async fn executed(&self, address: &str, after: &Tip, upto: &Tip) -> Result<Vec<Executed>, ChainError> {
        assert_eq!(address, WALLET);
        let mut state = self.state();
        state.up()?;
        let (after, mut at) = (index(after), index(upto));
        let mut found = Vec::new();
        while at != after {
            let Some(parent) = state.nodes[at].parent.filter(|_| state.nodes[at].epoch > 0) else {
                return Err(ChainError::Wrong { what: "a tip", detail: "not on this chain".into() });
            };
            at = parent;
            for (message, exit_code, cost) in state.nodes[at].messages.iter().rev() {
                found.push(Executed {
                    nonce: message.nonce,
                    id: message.id(),
                    tip: state.tip(at),
                    payee: message.to.clone(),
                    amount: Atto(message.amount),
                    exit_code: *exit_code,
                    cost: Atto(*cost),
                    moved: if *exit_code == 0 { Atto(message.own()) } else { Atto::ZERO },
                    proposal: message.multisig.clone().map(|multisig| Proposal {
                        multisig,
                        number: (*exit_code == 0).then_some(message.nonce),
                    }),
                });
            }
        }
        found.reverse();
        Ok(found)
    }

    async fn floor(&self, tip: &Tip) -> Result<Atto, ChainError> {
        let mut state = self.state();
        state.up()?;
        Ok(Atto(state.nodes[index(tip)].fee))
    }

    async fn prepare(&self, draft: &Draft) -> Result<Gas, PrepareError> {
        let mut state = self.state();
        state.up()?;
        if draft.to.starts_with("nobody") {
            return Err(PrepareError::Recipient("no such actor".into()));
        }
        if draft.multisig.is_none() && state.nodes[state.head].after.balance < draft.amount {
            return Err(PrepareError::Funds("too little".into()));
        }
        let premium = Atto(PREMIUM);
        Ok(Gas { limit: LIMIT, fee_cap: Atto(state.fee * 2 + PREMIUM), premium })
    }

    fn bump(&self, old: &Gas, floor: Atto, percent: u32) -> Gas {
        let more = |of: u128| (of * u128::from(percent) / 100).max(of * 110 / 100 + 1);
        let premium = more(old.premium.0);
        let fee_cap = more(old.fee_cap.0).max(floor.0 * 2 + premium);
        Gas { limit: old.limit, fee_cap: Atto(fee_cap), premium: Atto(premium) }
    }

    fn build(&self, draft: &Draft, nonce: u64, gas: &Gas) -> Result<Vec<u8>, ChainError> {
        let message = Message {
            from: draft.from.clone(),
            to: draft.to.clone(),
            multisig: draft.multisig.clone(),
            nonce,
            amount: draft.amount.0,
            limit: gas.limit,
            fee_cap: gas.fee_cap.0,
            premium: gas.premium.0,
        };
        Ok(message.bytes())
    }

    fn check(&self, message: &[u8], signed: &Signed) -> Result<(), ChainError> {
        assert_eq!(message, signed.bytes);
        Ok(())
    }

    async fn broadcast(&self, bytes: &[u8]) -> Outcome {
        self.state().hand(Message::read(bytes))
    }

    fn lacked_funds(&self, one: &Executed) -> bool {
        one.exit_code == 6
    }

    async fn signs_for(&self, _: &Tip, _: &str, multisig: &str) -> Result<bool, ChainError> {
        Ok(multisig == MULTISIG)
    }
}
