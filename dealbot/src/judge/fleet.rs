use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::later;

/// When one bot is at odds with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// How long a stretch of a bot's looks is compared with what others found, microseconds.
    pub window: u64,
    /// How far from it what others found may be, microseconds.
    pub near: u64,
    /// More than this part of the miners that it looked at fail though others find them in order, millionths.
    pub share: u32,
    /// Fewer miners say nothing.
    pub least: usize,
    /// How many standard deviations its share has to be above the share of failures that others find.
    ///
    /// Miners that come and go are found broken by one and in order by another as well. Without this bad luck would be set aside for being bad, and
    /// rates would become better than they are.
    pub deviations: u32,
}

/// An attempt of any slot, as far as it matters here. Only those whose fault is the miner's, ambiguous or none are looks at a miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look<'a> {
    /// Of which miner.
    pub miner: &'a str,
    /// By which bot.
    pub worker: &'a str,
    /// When it began.
    pub at: Timestamp,
    /// Whether it went well.
    pub good: bool,
}

/// Which looks (by their place in the slice) say something of the bot and nothing of the miners. To judge a while, give what was seen from
/// `window + near` before it to as much after it.
///
/// All looks of the bot in such a window, the good ones too: to leave out the bad ones alone would make rates better than they are.
#[must_use]
pub fn correlated(looks: &[Look<'_>], rule: &Correlation) -> BTreeSet<usize> {
    let mut order: Vec<(usize, &Look<'_>)> = looks.iter().enumerate().collect();
    order.sort_unstable_by_key(|(place, look)| (look.at, *place));
    let all = Counts::of(order.iter().map(|(_, look)| *look));
    let mut good: BTreeMap<&str, Vec<(Timestamp, &str)>> = BTreeMap::new();
    let mut by_worker: BTreeMap<&str, Vec<(usize, &Look<'_>)>> = BTreeMap::new();
    for (place, look) in order {
        if look.good {
            good.entry(look.miner).or_default().push((look.at, look.worker));
        }
        by_worker.entry(look.worker).or_default().push((place, look));
    }
    // Whether others find the miner in order about then, and this bot does not.
    let disputed = |look: &Look<'_>| {
        let Some(good) = good.get(look.miner).filter(|_| !look.good) else { return false };
        let from = Timestamp(look.at.0.saturating_sub_unsigned(rule.near));
        let near = good.iter().skip(good.partition_point(|(at, _)| *at < from));
        near.take_while(|(at, _)| *at <= later(look.at, rule.near)).any(|(_, worker)| *worker != look.worker)
    };
    let mut marked = BTreeSet::new();
    for seen in by_worker.into_values() {
        let own = Counts::of(seen.iter().map(|(_, look)| *look));
        let seen: Vec<_> =
            seen.into_iter().map(|(place, look)| Seen { place, look, odd: disputed(look) }).collect();
        mark(&seen, &all, &own, rule, &mut marked);
    }
    marked
}

/// A look of one bot.
struct Seen<'a> {
    place: usize,
    look: &'a Look<'a>,
    odd: bool,
}

/// How many looks there were up to each moment, and how many of them were bad.
struct Counts(Vec<(Timestamp, usize)>);

impl Counts {
    fn of<'a>(looks: impl Iterator<Item = &'a Look<'a>>) -> Self {
        let bad = looks.scan(0, |bad, look| {
            *bad += usize::from(!look.good);
            Some((look.at, *bad))
        });
        Self(bad.collect())
    }

    /// Looks and bad ones in `[from, to]`.
    fn within(&self, from: Timestamp, to: Timestamp) -> (usize, usize) {
        let (first, past) =
            (self.0.partition_point(|(at, _)| *at < from), self.0.partition_point(|(at, _)| *at <= to));
        let bad =
            |count: usize| count.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, bad)| *bad);
        (past.saturating_sub(first), bad(past).saturating_sub(bad(first)))
    }
}

/// Mark what lies in a window of one bot's looks, which are in order, that has too many disputed miners.
fn mark(seen: &[Seen<'_>], all: &Counts, own: &Counts, rule: &Correlation, marked: &mut BTreeSet<usize>) {
    // Of each miner in the window: its looks, and those of them that are disputed.
    let mut miners: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut past, mut done, mut before) = (0, 0, None);
    for (first, leaving) in seen.iter().enumerate() {
        let began = leaving.look.at;
        let end = later(began, rule.window);
        while let Some(next) = seen.get(past).filter(|next| next.look.at < end) {
            let (looks, odd) = miners.entry(next.look.miner).or_default();
            (*looks, *odd) = (*looks + 1, *odd + usize::from(next.odd));
            past += 1;
        }
        let odd = miners.values().filter(|(_, odd)| *odd > 0).count();
        // A window begins with the first look of its moment.
        let begins = before.replace(began) != Some(began);
        if begins && miners.len() >= rule.least.max(1) && above(odd, miners.len(), rule.share) {
            let (from, to) = (Timestamp(began.0.saturating_sub_unsigned(rule.near)), later(end, rule.near));
            let ((looks, bad), (own_looks, own_bad)) = (all.within(from, to), own.within(from, to));
            let others = (bad.saturating_sub(own_bad), looks.saturating_sub(own_looks));
            if exceeds((odd, miners.len()), others, rule.deviations) {
                marked
                    .extend(seen.get(done.max(first)..past).unwrap_or_default().iter().map(|one| one.place));
                done = past;
            }
        }
        if let Some((looks, odd)) = miners.get_mut(leaving.look.miner) {
            (*looks, *odd) = (looks.saturating_sub(1), odd.saturating_sub(usize::from(leaving.odd)));
            if *looks == 0 {
                miners.remove(leaving.look.miner);
            }
        }
    }
}

/// Whether `part` of `whole` is more than a share, millionths.
fn above(part: usize, whole: usize, share: u32) -> bool {
    part as u128 * 1_000_000 > whole as u128 * u128::from(share)
}

/// Whether one share is so many standard deviations above another: the test of two proportions, without fractions.
fn exceeds((k, n): (usize, usize), (other_k, other_n): (usize, usize), deviations: u32) -> bool {
    let [k, n, other_k, other_n] = [k, n, other_k, other_n].map(|count| count as u128);
    let Some(apart) = (k * other_n).checked_sub(other_k * n).filter(|_| other_n > 0) else { return false };
    let (bad, looks) = (k + other_k, n + other_n);
    let chance = bad.saturating_mul(looks - bad).saturating_mul(n * other_n);
    let z2 = u128::from(deviations) * u128::from(deviations);
    apart.saturating_mul(apart).saturating_mul(looks) > chance.saturating_mul(z2)
}
