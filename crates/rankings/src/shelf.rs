use std::collections::VecDeque;
use std::sync::Arc;

use apogee_domain::SeriesName;
use apogee_leaderboard::{Names, Order, Ranking};
use tokio::time::Instant;

use crate::rankings::Limits;
use crate::{By, Key};

/// Rankings at hand, what was used last first.
#[derive(Debug)]
pub(crate) struct Shelf {
    limits: Limits,
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    key: Key,
    ranking: Arc<Ranking>,
    /// Its rows in other orders, newest last.
    orders: Vec<(By, Arc<Order>)>,
    /// Whether somebody looked at it.
    shown: bool,
    /// Since when something newer is known.
    behind: Option<Instant>,
}

impl Shelf {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, kept: VecDeque::new() }
    }

    /// Bring a ranking to the front.
    fn take(&mut self, is_wanted: impl Fn(&Kept) -> bool) -> Option<&mut Kept> {
        let place = self.kept.iter().position(is_wanted)?;
        let kept = self.kept.remove(place)?;
        self.kept.push_front(kept);
        self.kept.front_mut()
    }

    pub(crate) fn get(&mut self, key: &Key) -> Option<Arc<Ranking>> {
        let kept = self.take(|kept| kept.key == *key)?;
        kept.shown = true;
        Some(Arc::clone(&kept.ranking))
    }

    /// Keep a ranking, in place of one of the same scope.
    pub(crate) fn put(&mut self, key: Key, ranking: Arc<Ranking>) {
        self.kept.retain(|kept| kept.key.scope != key.scope);
        self.kept.push_front(Kept { key, ranking, orders: Vec::new(), shown: false, behind: None });
        self.shrink();
    }

    pub(crate) fn order(&self, key: &Key, by: &By) -> Option<Arc<Order>> {
        let kept = self.kept.iter().find(|kept| kept.key == *key)?;
        kept.orders.iter().find(|(other, _)| other == by).map(|(_, order)| Arc::clone(order))
    }

    /// Keep an order beside its ranking, where that is still there.
    pub(crate) fn put_order(&mut self, key: &Key, by: By, order: Arc<Order>) {
        if let Some(kept) = self.take(|kept| kept.key == *key) {
            kept.orders.push((by, order));
            self.shrink();
        }
    }

    /// An earlier ranking that may be shown in place of one that is not there: of many participants, and not for too long after something newer was
    /// asked for. Where the epoch is `pinned`, one of that epoch.
    pub(crate) fn older(&mut self, key: &Key, pinned: bool, now: Instant) -> Option<(Key, Arc<Ranking>)> {
        let Limits { many, patience, .. } = self.limits;
        let fits = |kept: &&Kept| {
            let of_epoch =
                if pinned { kept.key.scope == key.scope } else { kept.key.scope.at <= key.scope.at };
            of_epoch && kept.key.is_sibling(key) && kept.ranking.len() > many
        };
        let newest = self.kept.iter().filter(fits).max_by_key(|kept| kept.key.scope.at)?.key.clone();
        let kept = self.take(|kept| kept.key == newest)?;
        kept.shown = true;
        let since = *kept.behind.get_or_insert(now);
        (now.duration_since(since) <= patience).then(|| (newest, Arc::clone(&kept.ranking)))
    }

    /// The series of a network by which many participants were ranked for somebody, and which is older than `newest`; that of `newest` in any case,
    /// unless few have it.
    pub(crate) fn behind(&mut self, newest: &Key, now: Instant) -> Vec<SeriesName> {
        let (mut wanted, mut main) = (Vec::new(), None);
        for kept in self.kept.iter_mut().filter(|kept| kept.key.is_neighbour(newest)) {
            let current = newest.by(&kept.key.scope.series);
            if !kept.key.is_sibling(&current) {
                continue;
            }
            let is_many = kept.ranking.len() > self.limits.many;
            if kept.key.is_sibling(newest) {
                main = Some(main.unwrap_or(false) || is_many);
            }
            if kept.key == current {
                continue;
            }
            kept.behind.get_or_insert(now);
            if is_many && kept.shown && !wanted.contains(&kept.key.scope.series) {
                wanted.push(kept.key.scope.series.clone());
            }
        }
        let main_series = &newest.scope.series;
        if main.unwrap_or(true) && !wanted.contains(main_series) {
            wanted.insert(0, main_series.clone());
        }
        wanted.retain(|series| !self.kept.iter().any(|kept| kept.key == newest.by(series)));
        wanted
    }

    /// The names of most participants of a network, for a ranking that may have the same.
    pub(crate) fn names(&self, key: &Key) -> Option<Arc<Names>> {
        let here = self.kept.iter().filter(|kept| kept.key.is_neighbour(key));
        here.map(|kept| kept.ranking.names()).max_by_key(|names| names.len()).cloned()
    }

    /// Bytes of everything that is kept; names that are shared count once.
    fn bytes(&self) -> usize {
        let mut names: Vec<&Arc<Names>> = self.kept.iter().map(|kept| kept.ranking.names()).collect();
        names.sort_unstable_by_key(|names| Arc::as_ptr(names));
        names.dedup_by(|a, b| Arc::ptr_eq(a, b));
        let names: usize = names.into_iter().map(|names| names.bytes()).sum();
        let orders = |kept: &Kept| kept.orders.iter().map(|(_, order)| order.bytes()).sum::<usize>();
        names + self.kept.iter().map(|kept| kept.ranking.bytes() + orders(kept)).sum::<usize>()
    }

    /// Drop what was not used for longest, but not the ranking that was used last.
    fn shrink(&mut self) {
        while self.kept.len() > self.limits.count.max(1)
            || (self.kept.len() > 1 && self.bytes() > self.limits.bytes)
        {
            self.kept.pop_back();
        }
        while self.bytes() > self.limits.bytes
            && let Some(kept) = self.kept.front_mut()
            && kept.orders.len() > 1
        {
            kept.orders.remove(0);
        }
    }
}

#[cfg(test)]
mod tests;
