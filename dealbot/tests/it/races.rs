//! A thousand races in which it is known how good each miner is: what bots, resolvers and chains do to the probes must not move what is found.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use apogee_dealbot::fault::{Circumstances, Code, Fault};
use apogee_dealbot::judge::{
    Attempt, Canaries, Canary, Case, Correlation, Look, Outcome, Policy, Rest, Why, correlated,
};
use apogee_dealbot::verdict::{Bar, Tally, Verdict};
use apogee_domain::Timestamp;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const RACES: u64 = 1_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// Slots are due once in five minutes; two miners have each rate, thousandths.
const INTERVAL: i64 = 5 * MINUTE;
const SLOTS: usize = 135;
const RATES: [u32; 11] = [600, 700, 750, 780, 790, 800, 810, 820, 850, 900, 1_000];
const MINERS: usize = 2 * RATES.len();
const BOTS: [&str; 3] = ["a", "b", "c"];
const END: i64 = SLOTS as i64 * INTERVAL + 60 * MINUTE;

const BAR: Bar = Bar { rate: 800_000, least: 100, coverage: 800_000 };
const POLICY: Policy =
    Policy { interval: 600_000_000, grace: 60_000_000, apart: 120_000_000, fleet: 3, most: 6 };
const FLEET: Correlation =
    Correlation { window: 600_000_000, near: 1_800_000_000, share: 300_000, least: 4, deviations: 4 };

/// What may go wrong without any miner being to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// A bot dies again and again.
    Dying,
    /// A bot's packets are lost: it finds everybody silent.
    Deaf,
    /// A bot's name servers are dead, or lie alike.
    NoNames,
    /// A bot has no way to the miners, but one to the canary.
    HalfDeaf,
    /// A bot's resolvers agree that nobody exists, except for the canary.
    HalfNamed,
    /// No bot is there.
    NoFleet,
    /// No message comes on chain.
    Stall,
}

impl Trouble {
    /// Those that bots, controller or chain notice at once, and the two that only a comparison of bots shows.
    const PLAIN: [Self; 5] = [Self::Dying, Self::Deaf, Self::NoNames, Self::NoFleet, Self::Stall];
    const HIDDEN: [Self; 2] = [Self::HalfDeaf, Self::HalfNamed];

    /// Whether the canary of the bot fails as well.
    fn is_seen(self) -> bool {
        matches!(self, Self::Dying | Self::Deaf | Self::NoNames)
    }
}

/// A trouble of a bot, `[from, to)`.
struct Outage {
    trouble: Trouble,
    bot: usize,
    from: i64,
    to: i64,
}

/// What is true of a slot, whoever looks.
#[derive(Clone, Copy)]
struct Truth {
    due: i64,
    broken: Option<Code>,
}

struct World {
    seed: u64,
    truth: Vec<Truth>,
    outages: Vec<Outage>,
}

/// What was tried of a slot, and which attempts a trouble was in the way of.
#[derive(Clone, Default)]
struct Made {
    attempts: Vec<Attempt>,
    troubled: Vec<bool>,
}

impl World {
    fn new(seed: u64, troubles: &[Trouble]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let broken = [
            Code::HashMismatch,
            Code::Http404,
            Code::PeerIdMismatch,
            Code::TcpRefused,
            Code::TtfbTimeout,
            Code::AskTimeout,
        ];
        let truth = (0..MINERS * SLOTS)
            .map(|slot| {
                let number = i64::try_from(slot % SLOTS).unwrap();
                let rate = RATES[slot / SLOTS / 2];
                Truth {
                    due: number * INTERVAL + random.random_range(0..INTERVAL),
                    broken: (random.random_range(0..1_000) >= rate)
                        .then(|| broken[random.random_range(0..broken.len())]),
                }
            })
            .collect();
        // Each trouble has its own part of the race, so that there are always bots in order to compare with.
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xfeed);
        let part = i64::try_from(SLOTS).unwrap() * INTERVAL / 7;
        let mut outages = Vec::new();
        for (place, trouble) in troubles.iter().enumerate() {
            let length = random.random_range(10 * MINUTE..25 * MINUTE);
            let from = i64::try_from(place).unwrap() * part + random.random_range(0..part - length);
            if random.random_range(0..4) > 0 {
                let bot = random.random_range(0..BOTS.len());
                outages.push(Outage { trouble: *trouble, bot, from, to: from + length });
            }
        }
        Self { seed, truth, outages }
    }

    fn trouble(&self, bot: usize, at: i64) -> Option<Trouble> {
        let whole = |trouble| matches!(trouble, Trouble::NoFleet | Trouble::Stall);
        let hit = |o: &&Outage| o.from <= at && at < o.to && (o.bot == bot || whole(o.trouble));
        self.outages.iter().find(hit).map(|outage| outage.trouble)
    }

    /// A number that is the same whenever it is asked for: one step of a generator (splitmix64) from all that it depends on.
    fn chance(&self, slot: usize, bot: usize, number: usize) -> u64 {
        let from = self.seed << 24 | (slot * 100 + bot * 10 + number) as u64;
        let one = from.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let two = (one ^ one >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let three = (two ^ two >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        three ^ three >> 31
    }

    /// A bot tries a slot. Whether a trouble was in its way.
    fn look(&self, slot: usize, bot: usize, number: usize, at: i64) -> (Attempt, bool) {
        let chance = self.chance(slot, bot, number);
        let among = |codes: &[Code]| Some(codes[usize::try_from(chance >> 32).unwrap() % codes.len()]);
        let trouble = self.trouble(bot, at);
        let failure = match trouble {
            Some(Trouble::Dying) => among(&[Code::WorkerLost, Code::LocalNetDown, Code::LocalFdExhausted]),
            Some(Trouble::Deaf | Trouble::HalfDeaf) => among(&[Code::TcpTimeout, Code::NoRoute]),
            Some(Trouble::NoNames) => among(&[Code::DnsServfail, Code::DnsTimeout, Code::DnsNxdomain]),
            Some(Trouble::HalfNamed) => Some(Code::DnsNxdomain),
            Some(Trouble::Stall) => self.truth[slot].broken.or(Some(Code::NotPublishedByDeadline)),
            // An error that nobody has seen before, and a packet that was lost.
            Some(Trouble::NoFleet) | None => match chance % 1_000 {
                0..3 => Some(Code::Unclassified),
                3..13 => self.truth[slot].broken.or(Some(Code::Stalled)),
                _ => self.truth[slot].broken,
            },
        };
        let circumstances = Circumstances {
            resolvers_agreed: Some(2),
            chain_stalled: Some(trouble == Some(Trouble::Stall)),
            ..Circumstances::default()
        };
        let attempt = Attempt {
            number: u32::try_from(number).unwrap(),
            worker: BOTS[bot].into(),
            region: String::new(),
            started: Timestamp(at),
            ended: Timestamp(at + 20 * SECOND),
            failure,
            circumstances,
            set_aside: None,
        };
        (attempt, trouble.is_some())
    }

    /// What a bot's canary finds.
    fn canary(&self, bot: usize, at: i64) -> Canary {
        Canary { at: Timestamp(at), good: !self.trouble(bot, at).is_some_and(Trouble::is_seen) }
    }

    /// Each bot's canaries, in the order of their moments.
    fn canaries(&self) -> impl Iterator<Item = (&'static str, Canary)> {
        let all = (-2..END / (5 * MINUTE)).flat_map(|turn| (0..BOTS.len()).map(move |bot| (turn, bot)));
        all.map(|(turn, bot)| {
            let at = turn * 5 * MINUTE + i64::try_from(bot).unwrap() * 40 * SECOND;
            (BOTS[bot], self.canary(bot, at))
        })
    }

    fn rests(&self) -> Vec<Rest> {
        let stalls = self.outages.iter().filter(|outage| outage.trouble == Trouble::Stall);
        let rest = |o: &Outage| Rest { from: Timestamp(o.from), to: Timestamp(o.to), why: Why::ChainStall };
        stalls.map(rest).collect()
    }

    fn case<'a>(
        &self,
        slot: usize,
        attempts: &'a [Attempt],
        canaries: &'a Canaries,
        rests: &'a [Rest],
    ) -> Case<'a> {
        let due = self.truth[slot].due;
        // Half of another interval, so that what is due at its end can be confirmed.
        let end = (due / INTERVAL + 1) * INTERVAL;
        let (deadline, confirm) = (Timestamp(end), Timestamp(end + INTERVAL / 2));
        Case { due: Timestamp(due), deadline, confirm, attempts, canaries, rests, policy: &POLICY }
    }

    /// The race as it is run: nobody knows yet how the next canaries come out, nor what the fleet will have seen.
    fn run(&self) -> (Vec<Made>, Canaries) {
        let mut made = vec![Made::default(); self.truth.len()];
        let (mut told, mut canaries) = (self.canaries().peekable(), Canaries::default());
        let rests = self.rests();
        let due = |(slot, truth): (usize, &Truth)| Reverse((truth.due, slot, BTreeSet::new()));
        let mut todo: BinaryHeap<_> = self.truth.iter().enumerate().map(due).collect();
        while let Some(Reverse((at, slot, not_by))) = todo.pop() {
            let Made { attempts, troubled } = &mut made[slot];
            let gone = |o: &&Outage| o.trouble == Trouble::NoFleet && o.from <= at && at < o.to;
            let now = if let Some(outage) = self.outages.iter().find(gone) {
                // Nobody is there: whoever comes back first.
                outage.to
            } else {
                let turn = slot + slot / SLOTS + attempts.len();
                let bot =
                    (turn..turn + 3).map(|bot| bot % 3).find(|bot| !not_by.contains(BOTS[*bot])).unwrap();
                let (attempt, trouble) = self.look(slot, bot, attempts.len(), at);
                let ended = attempt.ended.0 + SECOND;
                // Whoever fails asks at once whether it is itself.
                if attempt.failure.is_some() {
                    canaries.add(BOTS[bot], self.canary(bot, ended));
                }
                attempts.push(attempt);
                troubled.push(trouble);
                ended
            };
            while let Some((bot, canary)) = told.next_if(|(_, canary)| canary.at.0 <= now) {
                canaries.add(bot, canary);
            }
            match self.case(slot, attempts, &canaries, &rests).provisional(Timestamp(now)) {
                Outcome::Confirm { not_before, not_by } => {
                    todo.push(Reverse((not_before.0.max(now), slot, not_by)));
                }
                Outcome::Open { .. } => todo.push(Reverse((now, slot, BTreeSet::new()))),
                _ => {}
            }
        }
        told.for_each(|(bot, canary)| canaries.add(bot, canary));
        (made, canaries)
    }

    /// Set aside what one bot is at odds with the others in.
    fn correlate(made: &mut [Made]) {
        let names: Vec<_> = (0..MINERS).map(|miner| format!("f0{miner}")).collect();
        let mut places = Vec::new();
        let mut looks = Vec::new();
        for (slot, made) in made.iter().enumerate() {
            for (place, attempt) in made.attempts.iter().enumerate() {
                if matches!(attempt.fault(), Fault::Miner | Fault::Ambiguous | Fault::None) {
                    places.push((slot, place));
                    looks.push(Look {
                        miner: &names[slot / SLOTS],
                        worker: &attempt.worker,
                        at: attempt.started,
                        good: attempt.failure.is_none(),
                    });
                }
            }
        }
        let aside = correlated(&looks, &FLEET);
        for (slot, place) in aside.into_iter().map(|place| places[place]) {
            made[slot].attempts[place].set_aside = Some(Code::FleetCorrelated);
        }
    }

    /// What each slot comes to when all is known, and which of the failures are not the miners' at all.
    fn judge(&self) -> (Vec<Outcome>, Vec<usize>) {
        let (mut made, canaries) = self.run();
        Self::correlate(&mut made);
        let rests = self.rests();
        let end = Timestamp(END + 60 * MINUTE);
        let mut wrong = Vec::new();
        let judged = made.iter().enumerate().map(|(slot, made)| {
            let outcome = self.case(slot, &made.attempts, &canaries, &rests).outcome(end);
            assert!(outcome.is_final(), "race {}, slot {slot}: {outcome:?}", self.seed);
            if matches!(outcome, Outcome::Failure(_)) && self.truth[slot].broken.is_none() {
                // Unless packets were lost twice, without any trouble of ours.
                let looks = made.attempts.iter().zip(&made.troubled);
                let lost = looks.filter(|(look, troubled)| look.failure.is_some() && !**troubled);
                if lost.count() < 2 {
                    wrong.push(slot);
                }
            }
            outcome
        });
        (judged.collect(), wrong)
    }
}

fn tally(slots: &[Outcome]) -> Tally {
    let mut tally = Tally::default();
    for outcome in slots {
        match outcome {
            Outcome::Success => tally.sample.successes += 1,
            Outcome::Failure(_) => tally.sample.failures += 1,
            Outcome::Excluded(code) => *tally.excluded.entry(code.as_str().to_owned()).or_default() += 1,
            open => panic!("{open:?}"),
        }
    }
    tally
}

#[test]
fn in_a_thousand_races_nobody_is_judged_wrongly_more_often_than_was_said() {
    let troubles = [&Trouble::PLAIN[..], &Trouble::HIDDEN].concat();
    let mut verdicts: BTreeMap<(u32, Verdict), u32> = BTreeMap::new();
    let mut wrong = 0;
    for seed in 0..RACES {
        let (outcomes, not_theirs) = World::new(seed, &troubles).judge();
        for (miner, slots) in outcomes.chunks(SLOTS).enumerate() {
            *verdicts.entry((RATES[miner / 2], tally(slots).verdict(BAR))).or_default() += 1;
        }
        wrong += not_theirs.len();
    }
    // A lost packet and a liar among resolvers, at once: what neither canary nor comparison shows is not nothing, but one in a million slots.
    assert!(wrong <= 3, "{wrong}");
    for rate in RATES {
        let count = |verdict| verdicts.get(&(rate, verdict)).copied().unwrap_or(0);
        let miners = 2 * u32::try_from(RACES).unwrap();
        assert_eq!(count(Verdict::Insufficient) + count(Verdict::Blocked), 0, "{rate}");
        if rate < 800 {
            assert!(count(Verdict::Pass) * 20 <= miners, "{rate}: {verdicts:?}");
        } else {
            assert!(count(Verdict::Fail) * 20 <= miners, "{rate}: {verdicts:?}");
        }
        // And something is said of those who are far from the bar.
        if rate <= 700 {
            assert!(count(Verdict::Fail) * 4 > miners * 3, "{rate}: {verdicts:?}");
        }
        if rate >= 900 {
            assert!(count(Verdict::Pass) * 4 > miners * 3, "{rate}: {verdicts:?}");
        }
    }
}

#[test]
fn troubles_of_bots_and_chains_move_no_rate() {
    let counts = |outcome: &Outcome| matches!(outcome, Outcome::Success | Outcome::Failure(_));
    let (mut both, mut differ, mut dropped) = (0_u64, 0_u64, BTreeMap::new());
    for seed in 0..200 {
        let (quiet, _) = World::new(seed, &[]).judge();
        let (troubled, wrong) = World::new(seed, &Trouble::PLAIN).judge();
        assert!(wrong.is_empty(), "race {seed}: failures of our making: {wrong:?}");
        for (slot, (one, other)) in quiet.iter().zip(&troubled).enumerate() {
            if counts(one) && counts(other) {
                both += 1;
                differ += u64::from((*one == Outcome::Success) != (*other == Outcome::Success));
            } else if counts(one) {
                let (good, all) = dropped.entry(RATES[slot / SLOTS / 2]).or_insert((0_i64, 0_i64));
                (*good, *all) = (*good + i64::from(*one == Outcome::Success), *all + 1);
            }
        }
    }
    // A slot that counts comes out as it would have; packets lost by another bot are all the difference there is.
    assert!(differ * 10_000 < both, "{differ} of {both}");
    // What does not count any more was as good as the rest: to leave it out moves no rate by a thousandth. (Some, whom nobody was there to confirm, are
    // failures; the error is in the miners' favour.)
    let apart: i64 = dropped.iter().map(|(rate, (good, all))| good * 1_000 - all * i64::from(*rate)).sum();
    assert!(apart.unsigned_abs() < both, "{apart} thousandths of a slot, of {both} slots");
    let all: i64 = dropped.values().map(|(_, all)| all).sum();
    assert!(all > 10_000, "there were troubles: {all}");
}
