//! How much one may hold at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places, of which everybody may hold so many at once.
#[derive(Clone, Debug)]
pub struct Places<K: Ord> {
    most: u32,
    held: Arc<Mutex<BTreeMap<K, u32>>>,
}

impl<K: Ord + Clone> Places<K> {
    /// So many for each.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { most, held: Arc::default() }
    }

    /// A place for this one, until it is dropped; `None` where there is none.
    #[must_use]
    pub fn take(&self, of: &K) -> Option<Place<K>> {
        let mut held = lock(&self.held);
        let holds = held.get(of).copied().unwrap_or(0);
        if holds >= self.most {
            return None;
        }
        held.insert(of.clone(), holds + 1);
        Some(Place { of: of.clone(), held: self.held.clone() })
    }
}

/// A place that is held.
#[derive(Debug)]
pub struct Place<K: Ord> {
    of: K,
    held: Arc<Mutex<BTreeMap<K, u32>>>,
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        match held.get_mut(&self.of) {
            Some(holds) if *holds > 1 => *holds -= 1,
            _ => drop(held.remove(&self.of)),
        }
    }
}

/// It is whole between two calls.
fn lock<K>(held: &Mutex<BTreeMap<K, u32>>) -> MutexGuard<'_, BTreeMap<K, u32>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holds_so_many_and_those_that_are_given_back_are_free() {
        let places = Places::new(2);
        let (one, two) = (places.take(&"a"), places.take(&"a"));
        assert!(one.is_some() && two.is_some() && places.take(&"a").is_none());
        assert!(places.take(&"b").is_some());
        drop(one);
        let again = places.clone().take(&"a");
        assert!(again.is_some() && places.take(&"a").is_none());
        drop((two, again));
        assert!(lock(&places.held).is_empty());
    }
}
