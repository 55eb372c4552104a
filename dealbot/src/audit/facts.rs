use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Timestamp;

use super::What;
use crate::entry::{Attempted, Basis, Looked, Rested};
use crate::fault::Code;
use crate::judge::{Canaries, Canary, Rest, Rests, Why, at_odds, look};
use crate::plan::Plan;
use crate::record::SlotId;
use crate::schedule::Kind;

/// What is looked at around verdicts, at most: so much in any case, and so much for each entry. A month of two thousand miners needs a thirtieth of it.
const LOOKED: u64 = 100_000_000;
const FOR_EACH: u64 = 20_000;

/// A name, by its place in a list: names are said again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named(u32);

#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    places: BTreeMap<String, Named>,
}

impl Names {
    fn of(&mut self, name: &str) -> Named {
        if let Some(known) = self.places.get(name) {
            return *known;
        }
        let new = Named(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(name.to_owned());
        self.places.insert(name.to_owned(), new);
        new
    }

    fn text(&self, Named(place): Named) -> &str {
        usize::try_from(place).ok().and_then(|place| self.all.get(place)).map_or("", String::as_str)
    }
}

/// An attempt, as far as it says something of other attempts.
#[derive(Clone, Copy, Debug)]
struct Tried {
    entry: u64,
    slot: (Kind, Named, u64),
    attempt: u32,
    bot: Named,
    leased: Timestamp,
    code: Option<Code>,
}

#[derive(Debug)]
struct Said {
    entry: u64,
    rest: Rest,
    said: Timestamp,
}

/// What is known beside the attempts of a slot.
#[derive(Debug, Default)]
pub(super) struct Around {
    basis: Option<Basis>,
    pub(super) canaries: Canaries,
    set_aside: BTreeSet<(Kind, Named, u64, u32)>,
}

/// What the log says of bots and of times in which nothing counts.
#[derive(Debug, Default)]
pub(super) struct Facts {
    names: Names,
    /// By when they ended.
    tried: BTreeMap<Timestamp, Vec<Tried>>,
    canaries: BTreeMap<(Timestamp, Named), (u64, bool)>,
    /// By miner; an empty name is everybody.
    rests: BTreeMap<String, Vec<Said>>,
    /// Slots are judged together: what was around the last one.
    around: Around,
    /// Entries of attempts and canaries, and how many of them were looked at around verdicts.
    entries: u64,
    looked: u64,
}

impl Facts {
    pub(super) fn tried(&mut self, entry: u64, of: &Attempted) {
        self.entries = self.entries.saturating_add(1);
        let slot = (of.slot.kind, self.names.of(&of.slot.miner), of.slot.number);
        let bot = self.names.of(&of.bot);
        let tried = Tried { entry, slot, attempt: of.attempt, bot, leased: of.leased, code: of.code };
        self.tried.entry(of.ended).or_default().push(tried);
    }

    pub(super) fn canary(&mut self, entry: u64, of: Looked) -> Result<(), What> {
        self.entries = self.entries.saturating_add(1);
        let bot = self.names.of(&of.bot);
        let before = self.canaries.insert((of.ended, bot), (entry, of.code.is_none()));
        if before.is_some() { Err(What::Twice("a canary of this bot and moment")) } else { Ok(()) }
    }

    pub(super) fn rest(&mut self, entry: u64, of: Rested) -> Result<(), What> {
        let Some(why) = Why::of(&of.why) else { return Err(What::Reason(of.why)) };
        let rest = Rest { from: of.from, to: of.to, why };
        self.rests.entry(of.miner).or_default().push(Said { entry, rest, said: of.said });
        Ok(())
    }

    /// The rests of a slot that were known with an entry, and begin until a moment.
    pub(super) fn rests(&self, seen: u64, until: Timestamp, slot: &SlotId) -> Vec<Rest> {
        let mut rests = Rests::default();
        for miner in ["", &slot.miner] {
            let known = self.rests.get(miner).into_iter().flatten();
            for said in known.filter(|said| said.entry <= seen && said.rest.from <= until) {
                rests.add(miner, said.rest, said.said);
            }
        }
        rests.of(slot.kind, &slot.miner)
    }

    /// How many bots found in slots of a miner, in `[from, to]`, that the data of its deals could not be had, as far as it was known with an entry.
    pub(super) fn without_data(&self, of: &SlotId, seen: u64, (from, to): (Timestamp, Timestamp)) -> u32 {
        if from > to {
            return 0;
        }
        let found = self.tried.range(from..=to).flat_map(|(_, tried)| tried);
        let found =
            found.filter(|tried| tried.entry <= seen && tried.code == Some(Code::BotServerUnreachable));
        let of_lane =
            found.filter(|tried| tried.slot.0 == of.kind && self.names.text(tried.slot.1) == of.miner);
        let bots: BTreeSet<Named> = of_lane.map(|tried| tried.bot).collect();
        u32::try_from(bots.len()).unwrap_or(u32::MAX)
    }

    /// What was known around some attempts.
    pub(super) fn around(&mut self, basis: Basis, plan: &Plan) -> Result<&Around, What> {
        if self.around.basis == Some(basis) {
            return Ok(&self.around);
        }
        let mut around = Around { basis: Some(basis), ..Around::default() };
        let mut looked = 0_u64;
        let ((from, to), lowest) = (basis.within(plan.measures.canary), Named(0));
        if from <= to {
            for ((at, bot), (entry, good)) in self.canaries.range((from, lowest)..=(to, Named(u32::MAX))) {
                looked = looked.saturating_add(1);
                if *entry <= basis.seen {
                    around.canaries.add(self.names.text(*bot), Canary { at: *at, good: *good });
                }
            }
        }
        let (from, to) = basis.within(plan.measures.around());
        if plan.fleet > 1 && from < to {
            let known = self.tried.range(from..to).flat_map(|(_, tried)| tried);
            let known = known.inspect(|_| looked = looked.saturating_add(1));
            let known = known.filter(|tried| tried.entry <= basis.seen);
            let named = known.filter_map(|tried| {
                let (kind, miner, slot) = tried.slot;
                let names = (self.names.text(miner), self.names.text(tried.bot));
                let look = look(plan, names, tried.leased, tried.code)?;
                Some(((kind, miner, slot, tried.attempt), look))
            });
            around.set_aside = at_odds(plan, named.collect());
        }
        self.around = around;
        self.looked = self.looked.saturating_add(looked);
        // Nobody keeps an auditor busy for ever.
        if self.looked > LOOKED.saturating_add(self.entries.saturating_mul(FOR_EACH)) {
            return Err(What::Endless);
        }
        Ok(&self.around)
    }

    /// Whether an attempt was set aside in what was last looked at.
    pub(super) fn is_set_aside(&self, slot: &SlotId, attempt: u32) -> bool {
        let miner = self.names.places.get(&slot.miner);
        miner.is_some_and(|miner| self.around.set_aside.contains(&(slot.kind, *miner, slot.number, attempt)))
    }
}
