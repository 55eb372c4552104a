//! The engine ends at its first place, at its second one, … at its last one, and is started again.

use std::sync::Arc;

use apogee_simmesh::Undone;
use apogee_store::Store;
use apogee_treasury::operate::{self, By};
use apogee_treasury::{Cashier, TreasuryError};

use super::process::Fate;
use super::run::{Process, Run};
use super::schedules::{full, runtime};
use crate::world::database;

/// One process after the other with one fate.
struct Line {
    run: Run,
    fate: Arc<Fate>,
}

impl Line {
    async fn new(name: &str, store: Arc<dyn Store>) -> Self {
        let mut line = Self { run: Run::new(11, name, store, 0).await, fate: Arc::new(Fate::default()) };
        line.start();
        line
    }

    fn start(&mut self) {
        let desk = self.run.desk(self.fate.clone());
        let cashier = Cashier::new(desk, format!("process {}", self.fate.passed()));
        self.run.processes = vec![Process { cashier, fate: self.fate.clone() }];
    }

    async fn tick(&mut self) {
        let now = self.run.now();
        if let Err(error) = self.run.processes[0].cashier.tick(now).await {
            assert!(matches!(error, TreasuryError::Halt(_)), "{error:?}");
            self.start();
            // Until the lease of who is gone is over.
            self.run.world.mine(3);
            let now = self.run.now();
            self.run.processes[0].cashier.tick(now).await.unwrap();
        }
        self.run.check().await;
    }

    async fn pass(&mut self, times: u64) {
        for _ in 0..times {
            self.run.world.mine(1);
            self.tick().await;
        }
    }

    /// Everything that the engine can do.
    async fn story(&mut self) {
        self.tick().await;
        for _ in 0..3 {
            self.run.owe().await;
        }
        self.pass(2).await;
        for _ in 0..2 {
            self.run.owe().await;
        }
        self.tick().await;
        let (store, network) = (self.run.store.clone(), self.run.network.clone());
        if let Some(last) = self.run.payments.last().cloned() {
            let by = By { actor: "tester", reason: "not any more", now: self.run.now() };
            // Where it took longer to come back, the message is on the chain by now.
            let cancelled = operate::cancel(&*store, &network, &last.id, by).await;
            let late = |why: &str| why == "it is paid" || why == "a message of it is on the chain";
            let over = matches!(&cancelled, Err(TreasuryError::Refused { why, .. }) if late(why));
            assert!(over || cancelled.is_ok(), "{cancelled:?}");
        }
        self.tick().await;
        // Nothing is mined for so long that what waits is replaced.
        self.run.world.idle(6);
        self.tick().await;
        self.pass(7).await;
        self.run.world.fork(3, Undone::Pending);
        self.pass(2).await;
        self.run.world.fork(14, Undone::Dropped);
        self.pass(8).await;
        self.run.owe().await;
        self.run.calm().await;
    }
}

/// How many places there are, when those of this thread have been tried.
async fn places(first: usize, step: usize) -> u64 {
    let (store, _folder) = database().await;
    for place in (first as u64..).step_by(step) {
        let mut line = Line::new(&format!("c{place}"), store.clone()).await;
        line.fate.end(place);
        line.story().await;
        if line.fate.passed() < place {
            let places = line.fate.points.lock().unwrap().clone();
            for step in ["lease", "begin", "assign", "sign", "send", "include", "book", "fork"] {
                assert!(places.iter().any(|place| place.starts_with(step)), "no place of {step}");
            }
            return line.fate.passed();
        }
    }
    unreachable!()
}

/// All of the places are tried where everything is wanted, else one in ten.
#[test]
fn ended_at_any_place_and_started_again_it_pays_everything_once() {
    let step = if full() { 2 } else { 20 };
    let from = [1, 1 + step / 2];
    let threads: Vec<_> = from
        .into_iter()
        .map(|first| std::thread::spawn(move || runtime().block_on(places(first, step))))
        .collect();
    for thread in threads {
        eprintln!("{} places", thread.join().unwrap());
    }
}
