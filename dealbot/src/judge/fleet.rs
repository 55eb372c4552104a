use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Timestamp;

use super::later;

/// When one bot is at odds with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correlation {
    /// How long a stretch of a bot's attempts is looked at, microseconds.
    pub window: u64,
    /// How far from its failure another bot's success at the same miner may be, microseconds.
    pub near: u64,
    /// More than this part of the miners that it looked at fail though others find them in order, millionths.
    pub share: u32,
    /// Fewer miners say nothing.
    pub least: usize,
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

/// Which looks (by their place in the slice) say something of the bot and nothing of the miners.
///
/// All looks of the bot in such a stretch, the good ones too: to leave out the bad ones alone would make rates better than they are.
#[must_use]
pub fn correlated(looks: &[Look<'_>], rule: &Correlation) -> BTreeSet<usize> {
    let mut good: BTreeMap<&str, BTreeMap<Timestamp, BTreeSet<&str>>> = BTreeMap::new();
    let mut by_worker: BTreeMap<&str, Vec<(Timestamp, usize, &Look<'_>)>> = BTreeMap::new();
    for (place, look) in looks.iter().enumerate() {
        if look.good {
            good.entry(look.miner).or_default().entry(look.at).or_default().insert(look.worker);
        }
        by_worker.entry(look.worker).or_default().push((look.at, place, look));
    }
    // Whether others find the miner in order about then, and this bot does not.
    let disputed = |look: &Look<'_>| {
        let near = Timestamp(look.at.0.saturating_sub_unsigned(rule.near))..=later(look.at, rule.near);
        let others = |by: &BTreeSet<&str>| by.iter().any(|worker| *worker != look.worker);
        !look.good && good.get(look.miner).is_some_and(|all| all.range(near).any(|(_, by)| others(by)))
    };
    let mut marked = BTreeSet::new();
    for mut stretch in by_worker.into_values() {
        stretch.sort_unstable_by_key(|(at, place, _)| (*at, *place));
        let stretch: Vec<_> =
            stretch.into_iter().map(|(at, place, look)| (at, place, look.miner, disputed(look))).collect();
        mark(&stretch, rule, &mut marked);
    }
    marked
}

/// Mark what lies in a window of one bot's looks, which are in order, that has too many disputed miners.
fn mark(stretch: &[(Timestamp, usize, &str, bool)], rule: &Correlation, marked: &mut BTreeSet<usize>) {
    // Of each miner in the window: its looks, and those of them that are disputed.
    let mut miners: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut ahead, mut done) = (stretch.iter().enumerate().peekable(), 0);
    for (first, (began, _, leaving, was)) in stretch.iter().enumerate() {
        let end = later(*began, rule.window);
        let mut past = ahead.peek().map_or(stretch.len(), |(next, _)| *next);
        while let Some((next, (_, _, miner, disputed))) = ahead.next_if(|(_, (at, ..))| *at < end) {
            let (all, odd) = miners.entry(miner).or_default();
            (*all, *odd) = (*all + 1, *odd + usize::from(*disputed));
            past = next + 1;
        }
        let odd = miners.values().filter(|(_, odd)| *odd > 0).count();
        let over = odd as u128 * 1_000_000 > miners.len() as u128 * u128::from(rule.share);
        if over && miners.len() >= rule.least.max(1) {
            let from = done.max(first);
            marked.extend(stretch.get(from..past).unwrap_or_default().iter().map(|(_, place, ..)| *place));
            done = past;
        }
        if let Some((all, odd)) = miners.get_mut(leaving) {
            (*all, *odd) = (all.saturating_sub(1), odd.saturating_sub(usize::from(*was)));
            if *all == 0 {
                miners.remove(leaving);
            }
        }
    }
}
