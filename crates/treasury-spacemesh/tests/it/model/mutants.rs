//! Engines that break one rule each, as faucets were seen to do it (faucets.md §2, §2.1), and one that the chain's own rule breaks: it takes a
//! nonce that was left out for one that waits. The same troubles and the same counting find every one of them; the small outbox that breaks none
//! passes.

use std::collections::{BTreeMap, BTreeSet};

use apogee_simmesh::{Chain as _, Made, Network, Recipe, Undone};
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::TransactionId;
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::Call;

use super::dice::Dice;
use crate::world::{EPOCHS, GENESIS, WALLET, pay, payee, signed, wallet, wallet_address};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Nothing,
    /// What was not accepted is signed again with the nonce that the node says now.
    RefreshedNonce,
    /// What was paid is noted once the whole batch is through.
    WatermarkAfterBatch,
    /// A refusal, also of what it has, is taken for "not paid".
    ReassignedOnRefusal,
    /// What was seen on the chain is never looked at again.
    FirstInclusionIsFinal,
    /// What was handed over is taken for executed.
    NeverSentAgain,
    /// Two processes pay from one wallet.
    TwoWriters,
    /// A nonce that was left out is waited for.
    WaitsForDead,
}

/// What outlives the engine.
#[derive(Clone, Debug, Default)]
struct Book {
    next: u64,
    /// The nonce and the bytes of each payment.
    messages: BTreeMap<u64, (u64, Vec<u8>)>,
    sent: BTreeSet<u64>,
    over: BTreeSet<u64>,
    watermark: u64,
}

const PAYMENTS: u64 = 25;
const WINDOW: usize = 10;

fn message(payment: u64, nonce: u64) -> (u64, Vec<u8>) {
    (nonce, pay(payee(payment), 1_000 + payment, nonce, 1))
}

struct Engine {
    broken: Broken,
    chain: Made,
    dice: Dice,
    book: Book,
    /// Requests and answers that are lost, and what is dropped, in a thousand.
    trouble: u64,
}

impl Engine {
    fn new(broken: Broken, seed: u64) -> Self {
        let network = Network {
            genesis: GENESIS,
            genesis_time: 0,
            layer_duration: 1,
            prefix: Prefix::TEST,
            effective_genesis: EPOCHS.first_effective_genesis(),
            epochs: EPOCHS,
            labels_per_unit: 1,
        };
        let mut chain = Made::new(Recipe { network, accounts: vec![(wallet_address(), 1 << 50)] });
        chain.submit(&signed(WALLET, Call::Spawn(Spawn::Wallet(wallet().public())), 0, 1)).unwrap();
        chain.step();
        let book = Book { next: 1, ..Book::default() };
        Self { broken, chain, dice: Dice::new(seed), book, trouble: 150 }
    }

    /// Whether the engine ends here.
    fn ends(&mut self) -> bool {
        self.trouble > 0 && self.dice.chance(20)
    }

    /// What the node says, if the answer comes.
    fn hand(&mut self, raw: &[u8]) -> Option<Result<(), String>> {
        if self.dice.chance(self.trouble) {
            return None;
        }
        // It says that it has it, and forgets it.
        if self.dice.chance(self.trouble / 3) {
            return Some(Ok(()));
        }
        let answer = self.chain.submit(raw).map(drop).map_err(|refusal| refusal.message);
        if self.dice.chance(self.trouble) { None } else { Some(answer) }
    }

    /// The next nonce by the node's own count.
    fn node_nonce(&self) -> u64 {
        let row = self.chain.account(&wallet_address()).unwrap().unwrap();
        self.chain.projected(&row).unwrap().0
    }

    /// The names of what was executed and paid, and the next nonce that can be, as nodes that lag a layer tell it.
    fn executed(&self) -> (BTreeSet<TransactionId>, u64) {
        let head = self.chain.head();
        let (mut paid, mut next) = (BTreeSet::new(), 0);
        for known in self.chain.transactions().unwrap() {
            if let (Some(result), Some(header)) = (known.result.filter(|one| one.layer < head), known.header)
            {
                next = next.max(header.nonce + 1);
                if result.succeeded {
                    paid.insert(known.id);
                }
            }
        }
        (paid, next)
    }

    fn tick(&mut self) {
        match self.broken {
            Broken::RefreshedNonce => self.refreshed(),
            Broken::WatermarkAfterBatch => self.batch(),
            Broken::TwoWriters => {
                // The other one has read the book before this one writes, and writes afterwards.
                let before = self.book.clone();
                self.assign(&before);
                self.send();
                self.chain.step();
                if self.dice.chance(100) {
                    self.assign(&before);
                }
                self.send();
            }
            _ => {
                let now = self.book.clone();
                self.assign(&now);
                self.send();
            }
        }
    }

    fn refreshed(&mut self) {
        let open: Vec<u64> = (0..PAYMENTS).filter(|payment| !self.book.over.contains(payment)).collect();
        for payment in open {
            for _ in 0..3 {
                let (_, raw) = message(payment, self.node_nonce());
                let answer = self.hand(&raw);
                if self.ends() {
                    return;
                }
                if answer.is_some_and(|answer| answer.is_ok()) {
                    self.book.over.insert(payment);
                    break;
                }
            }
        }
    }

    fn batch(&mut self) {
        let end = (self.book.watermark + 5).min(PAYMENTS);
        for payment in self.book.watermark..end {
            let (_, raw) = message(payment, self.node_nonce());
            self.hand(&raw);
            if self.ends() {
                return;
            }
        }
        self.book.watermark = end;
    }

    /// Nonces for what `seen` says to have none.
    fn assign(&mut self, seen: &Book) {
        let open = seen.messages.len() - seen.over.len().min(seen.messages.len());
        let waiting = (0..PAYMENTS).filter(|payment| !seen.messages.contains_key(payment));
        for payment in waiting.take(WINDOW.saturating_sub(open)).collect::<Vec<_>>() {
            self.book.messages.insert(payment, message(payment, self.book.next));
            self.book.sent.remove(&payment);
            self.book.next += 1;
        }
    }

    fn again(&mut self, payment: u64) {
        self.book.messages.insert(payment, message(payment, self.book.next));
        self.book.next += 1;
    }

    fn send(&mut self) {
        let (executed, next) = self.executed();
        for (payment, (nonce, raw)) in self.book.messages.clone() {
            let paid = executed.contains(&TransactionId::of(&raw));
            if paid {
                self.book.over.insert(payment);
            } else if self.broken != Broken::FirstInclusionIsFinal {
                // A fork has taken it away.
                self.book.over.remove(&payment);
            }
            if self.book.over.contains(&payment) {
                continue;
            }
            // Dead, as deep as forks reach here: nothing is undone any more.
            if nonce < next && self.trouble == 0 && self.broken != Broken::WaitsForDead {
                self.again(payment);
                continue;
            }
            if self.broken == Broken::NeverSentAgain && self.book.sent.contains(&payment) {
                continue;
            }
            let answer = self.hand(&raw);
            if self.ends() {
                return;
            }
            self.book.sent.insert(payment);
            let refused =
                matches!(&answer, Some(Err(why)) if why.contains("bad nonce") || why.contains("exists"));
            if self.broken == Broken::ReassignedOnRefusal && refused {
                self.again(payment);
            }
        }
    }
}

/// Payments that were paid more than once, and that were not paid, after trouble and quiet.
fn schedule(broken: Broken, seed: u64) -> (u64, u64) {
    let mut dice = Dice::new(seed ^ 0xfeed);
    let mut engine = Engine::new(broken, seed);
    for _ in 0..60 {
        engine.tick();
        if dice.chance(80) {
            let undone = if dice.chance(300) { Undone::Dropped } else { Undone::Pending };
            let depth = 1 + dice.below(6);
            let most = engine.chain.head().0.saturating_sub(8);
            engine.chain.fork(u32::try_from(depth).unwrap().min(most), undone);
        }
        engine.chain.step();
    }
    engine.trouble = 0;
    for _ in 0..60 {
        engine.chain.step();
        engine.tick();
        engine.chain.step();
    }
    let mut times: BTreeMap<_, u64> = BTreeMap::new();
    for known in engine.chain.transactions().unwrap() {
        let transaction = apogee_spacemesh::transaction::Transaction::decode(&known.raw).unwrap();
        if let (Call::Spend(payment), Some(true)) =
            (transaction.body.call, known.result.map(|result| result.succeeded))
        {
            *times.entry(payment.destination).or_default() += 1;
        }
    }
    let times = |payment: u64| times.get(&payee(payment)).copied().unwrap_or(0);
    let count =
        |wrong: fn(u64) -> bool| (0..PAYMENTS).filter(|payment| wrong(times(*payment))).count() as u64;
    (count(|times| times > 1), count(|times| times == 0))
}

fn schedules(broken: Broken) -> (u64, u64) {
    const SCHEDULES: u64 = 12;
    let all = (0..SCHEDULES).map(|seed| schedule(broken, seed));
    let (twice, never) = all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    eprintln!("{broken:?}: {twice} of {} paid more than once, {never} not at all", SCHEDULES * PAYMENTS);
    (twice, never)
}

#[test]
fn an_outbox_that_breaks_no_rule_pays_everything_once() {
    assert_eq!(schedules(Broken::Nothing), (0, 0));
}

#[test]
fn signing_again_with_a_refreshed_nonce_pays_twice() {
    assert!(schedules(Broken::RefreshedNonce).0 > 0);
}

#[test]
fn a_watermark_after_the_batch_pays_twice_and_forgets() {
    let (twice, never) = schedules(Broken::WatermarkAfterBatch);
    assert!(twice > 0 && never > 0);
}

#[test]
fn another_nonce_after_a_refusal_pays_twice() {
    assert!(schedules(Broken::ReassignedOnRefusal).0 > 0);
}

#[test]
fn taking_the_first_inclusion_for_final_leaves_payments_unpaid() {
    assert!(schedules(Broken::FirstInclusionIsFinal).1 > 0);
}

#[test]
fn never_sending_again_leaves_payments_unpaid() {
    assert!(schedules(Broken::NeverSentAgain).1 > 0);
}

#[test]
fn two_writers_without_a_fence_pay_twice() {
    assert!(schedules(Broken::TwoWriters).0 > 0);
}

#[test]
fn waiting_for_a_nonce_that_was_left_out_leaves_payments_unpaid() {
    let (twice, never) = schedules(Broken::WaitsForDead);
    assert!(twice == 0 && never > 0);
}
