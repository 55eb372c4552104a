//! Engines that break one rule each, as faucets were seen to do it (faucets.md §2, §2.1). The same troubles and the same counting find every
//! one of them; the small outbox that breaks none passes.

use std::collections::BTreeMap;

use apogee_treasury::chain::Outcome;

use crate::dice::Dice;
use crate::world::{Message, Trouble, WALLET, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Nothing,
    /// What was not accepted is signed again with the nonce that the node says now.
    RefreshedNonce,
    /// What was paid is noted once the whole batch is through.
    WatermarkAfterBatch,
    /// "Nonce too low" is taken for "not paid".
    ReassignedOnLow,
    /// What was seen on the chain is never looked at again.
    FirstInclusionIsFinal,
    /// What was handed over is taken for mined.
    NeverSentAgain,
    /// Two processes pay from one wallet.
    TwoWriters,
}

/// What outlives the engine.
#[derive(Clone, Debug, Default)]
struct Book {
    next: u64,
    /// The message of each payment.
    messages: BTreeMap<usize, Message>,
    sent: BTreeMap<usize, bool>,
    over: BTreeMap<usize, bool>,
    watermark: usize,
}

const PAYMENTS: usize = 25;
const WINDOW: usize = 10;

fn message(payment: usize, nonce: u64) -> Message {
    Message {
        from: WALLET.into(),
        to: format!("p{payment}"),
        multisig: None,
        nonce,
        amount: 1_000 + payment as u128,
        limit: 1_000,
        fee_cap: 250,
        premium: 50,
    }
}

struct Engine<'a> {
    broken: Broken,
    world: &'a World,
    dice: Dice,
    book: Book,
}

impl Engine<'_> {
    /// Whether the engine ends here.
    fn ends(&mut self) -> bool {
        self.dice.chance(20)
    }

    fn hand(&self, message: &Message) -> Outcome {
        self.world.state().hand(message.clone())
    }

    fn tick(&mut self) {
        match self.broken {
            Broken::RefreshedNonce => self.refreshed(),
            Broken::WatermarkAfterBatch => self.batch(),
            Broken::TwoWriters => {
                // The other one has read the book before this one writes, and writes afterwards.
                let before = self.book.clone();
                self.assign(before.clone());
                self.send();
                self.world.mine(1);
                if self.dice.chance(100) {
                    self.assign(before);
                }
                self.send();
            }
            _ => {
                let now = self.book.clone();
                self.assign(now);
                self.send();
            }
        }
    }

    fn refreshed(&mut self) {
        for payment in
            (0..PAYMENTS).filter(|payment| !self.book.over.contains_key(payment)).collect::<Vec<_>>()
        {
            for _ in 0..3 {
                let outcome = self.hand(&message(payment, self.world.pool_nonce()));
                if self.ends() {
                    return;
                }
                if matches!(outcome, Outcome::Accepted | Outcome::Known) {
                    self.book.over.insert(payment, true);
                    break;
                }
            }
        }
    }

    fn batch(&mut self) {
        let end = (self.book.watermark + 5).min(PAYMENTS);
        for payment in self.book.watermark..end {
            self.hand(&message(payment, self.world.pool_nonce()));
            if self.ends() {
                return;
            }
        }
        self.book.watermark = end;
    }

    /// Nonces for what `seen` says to have none.
    fn assign(&mut self, seen: Book) {
        let open = seen.messages.len() - seen.over.len().min(seen.messages.len());
        let waiting = (0..PAYMENTS).filter(|payment| !seen.messages.contains_key(payment));
        for payment in waiting.take(WINDOW.saturating_sub(open)).collect::<Vec<_>>() {
            self.book.messages.insert(payment, message(payment, self.book.next));
            self.book.sent.remove(&payment);
            self.book.next += 1;
        }
    }

    fn send(&mut self) {
        // Nodes lag a little.
        let chain: BTreeMap<u64, String> =
            self.world.seen(1).into_iter().map(|(one, ..)| (one.nonce, one.id())).collect();
        for (payment, message) in self.book.messages.clone() {
            let mined = chain.get(&message.nonce) == Some(&message.id());
            match self.broken {
                Broken::FirstInclusionIsFinal => {
                    if mined {
                        self.book.over.insert(payment, true);
                    }
                }
                _ if mined => drop(self.book.over.insert(payment, true)),
                // A fork has taken it away.
                _ => drop(self.book.over.remove(&payment)),
            }
            if self.book.over.contains_key(&payment) {
                continue;
            }
            if self.broken == Broken::NeverSentAgain && self.book.sent.contains_key(&payment) {
                continue;
            }
            let outcome = self.hand(&message);
            if self.ends() {
                return;
            }
            self.book.sent.insert(payment, true);
            if self.broken == Broken::ReassignedOnLow && outcome == Outcome::NonceTooLow {
                let next = self.book.next;
                self.book.messages.insert(payment, self::message(payment, next));
                self.book.next += 1;
            }
            if matches!(outcome, Outcome::Gap | Outcome::Full) {
                return;
            }
        }
    }
}

/// Payments that were paid more than once, and that were not paid, after trouble and quiet.
fn schedule(broken: Broken, seed: u64) -> (u64, u64) {
    let world = World::new(seed, 1_000_000_000_000);
    let mut dice = Dice::new(seed ^ 0xfeed);
    world.state().trouble =
        Trouble { lost_request: 150, lost_reply: 150, full: 50, evict: 50, ..Trouble::default() };
    let mut engine = Engine { broken, world: &world, dice: Dice::new(seed), book: Book::default() };
    for _ in 0..60 {
        engine.tick();
        if dice.chance(80) {
            let depth = 1 + dice.below(6);
            world.fork(depth);
        }
        world.mine(1);
    }
    world.state().trouble = Trouble::default();
    for _ in 0..60 {
        engine.tick();
        world.mine(2);
    }
    let paid = world.paid();
    let times = |payment: usize| paid.get(&format!("p{payment}")).copied().unwrap_or(0);
    let count =
        |wrong: fn(u64) -> bool| (0..PAYMENTS).filter(|payment| wrong(times(*payment))).count() as u64;
    (count(|times| times > 1), count(|times| times == 0))
}

fn schedules(broken: Broken) -> (u64, u64) {
    let all = (0..100).map(|seed| schedule(broken, seed));
    let (twice, never) = all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    eprintln!("{broken:?}: {twice} of {} paid more than once, {never} not at all", 100 * PAYMENTS);
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
fn another_nonce_after_nonce_too_low_pays_twice() {
    assert!(schedules(Broken::ReassignedOnLow).0 > 0);
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
