//! What everybody may know of how miners are probed.

use apogee_dealbot::plan::Plan;
use apogee_dealbot::protocol::{Greeting, Part, Task};
use apogee_dealbot::schedule::Kind;
use apogee_dealbot::verdict::Bar;
use apogee_domain::Timestamp;

use super::Bots;

/// The block of no bytes, which every gateway has.
const EMPTY: &str = "bafkqaaa";

/// What is asked of miners where nothing else is said: 80 of 100, of 100 slots at least, four of five of which count.
pub(crate) const BAR: Bar = Bar { rate: 800_000, least: 100, coverage: 800_000 };

/// Whether the last interval is over.
fn is_over(plan: &Plan, now: Timestamp) -> bool {
    plan.cadences.iter().all(|cadence| {
        let last = cadence.slots.checked_sub(1).and_then(|slot| cadence.window(slot));
        last.is_some_and(|(_, end)| end <= now)
    })
}

impl Bots {
    /// Minutes of a day that a miner may declare maintenance for.
    pub(crate) fn maintenance(&self, race: &str) -> u32 {
        let race = self.races.iter().find(|known| known.plan.race == race);
        race.map_or(0, |race| race.settings.maintenance_minutes)
    }

    /// Whether any competition is on a network of one's own, so that addresses that are not public may be dialled; `None` where nobody is probed.
    pub(crate) fn reach(&self) -> Option<bool> {
        let private = self.races.iter().any(|race| race.settings.allow_private);
        (!self.races.is_empty()).then_some(private)
    }

    /// What is done to look at a miner: nothing is offered, and what is asked for is the smallest that there is. `None` where the settings do not say
    /// where it serves.
    pub(crate) fn look(&self, race: &str, miner: &str, kind: Kind) -> Option<Task> {
        let known = self.races.iter().find(|known| known.plan.race == race)?;
        let settings = &known.settings;
        let private = settings.allow_private;
        match kind {
            Kind::Retrieval => {
                let data = settings.data.iter().min_by_key(|data| data.size);
                Some(Task::Gateway {
                    url: settings.gateways.get(miner)?.clone(),
                    root: data.map_or_else(|| EMPTY.to_owned(), |data| data.root.clone()),
                    size: data.map_or(1_024, |data| data.size),
                    part: Part::Whole,
                    private,
                })
            }
            Kind::Storage => {
                let at = known.storage.as_ref()?.place(miner)?;
                Some(Task::Greet(Box::new(Greeting { miner: miner.to_owned(), at, private })))
            }
        }
    }

    /// The seed of a competition once its last interval is over, and that of every other one with the same seed: it tells their moments too.
    pub(crate) fn revealed(&self, plan: &Plan, now: Timestamp) -> Option<[u8; 32]> {
        let commitment = plan.seed.commitment();
        let same = self.races.iter().filter(|race| race.plan.seed.commitment() == commitment);
        let over = same.map(|race| &race.plan).all(|plan| is_over(plan, now));
        over.then(|| *plan.seed.reveal())
    }

    /// Whether no other competition goes on with the same seed: its moments would be told by those of this one.
    pub(crate) fn is_alone(&self, plan: &Plan, now: Timestamp) -> bool {
        let commitment = plan.seed.commitment();
        let others = self.races.iter().map(|race| &race.plan).filter(|other| other.race != plan.race);
        others.filter(|other| other.seed.commitment() == commitment).all(|other| is_over(other, now))
    }
}
