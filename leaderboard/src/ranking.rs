use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use apogee_domain::{Digest, Subject, Value};
use sha2::{Digest as _, Sha256};

use crate::Standing;
use crate::names::{Names, TooMany, index};
use crate::snapshot::{Scope, SnapshotRow, write_row};

/// Standings by one series as a [`Snapshot`](crate::Snapshot) has them, small enough to be kept for a million participants: about 20 bytes for each
/// beside their [`Names`]. Rows are made, and hashed, when they are asked for.
///
/// A row's *position* is its number from 0 on in the order of rank.
#[derive(Debug, PartialEq, Eq)]
pub struct Ranking {
    id: Digest,
    scope: Scope,
    names: Arc<Names>,
    /// Whose row, by position.
    places: Vec<u32>,
    /// By position. Those that are unknown come last, and are not here.
    values: Vec<Value>,
}

/// Another order of a ranking's rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Order(Box<[u32]>);

/// Some of the rows that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// How many rows there are of that kind.
    pub found: usize,
    /// Positions of those that were taken.
    pub positions: Vec<usize>,
}

impl Ranking {
    /// Rank `rows`, in whatever order they come, each participant once. Where all of them are among the `known` names, these are shared.
    ///
    /// # Errors
    /// [`TooMany`] where there are more names than a ranking holds.
    pub fn new(
        scope: Scope,
        rows: &[(Subject, Option<Value>)],
        known: Option<&Arc<Names>>,
    ) -> Result<Self, TooMany> {
        let mut rows: Vec<_> = rows.iter().collect();
        if !rows.is_sorted_by_key(|(subject, _)| subject) {
            rows.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        }
        let subjects = rows.iter().map(|(subject, _)| subject);
        let shared = known.and_then(|names| {
            let places = names.places(subjects.clone().map(Subject::as_str))?;
            Some((Arc::clone(names), places))
        });
        let (names, places) = match shared {
            Some(shared) => shared,
            None => {
                let names = Names::new(subjects)?;
                let places = names.iter().map(|(place, _)| place).collect();
                (Arc::new(names), places)
            }
        };
        let (mut with_value, mut without) = (Vec::with_capacity(rows.len()), Vec::new());
        for ((_, value), place) in rows.into_iter().zip(places) {
            match value {
                Some(value) => with_value.push((*value, place)),
                None => without.push(place),
            }
        }
        with_value.sort_unstable_by_key(|(value, place)| (Reverse(*value), *place));
        let values = with_value.iter().map(|(value, _)| *value).collect();
        let mut places = Vec::with_capacity(with_value.len() + without.len());
        places.extend(with_value.into_iter().map(|(_, place)| place));
        places.extend(without);
        let mut ranking = Self { id: Digest::default(), scope, names, places, values };
        ranking.id = ranking.hash();
        Ok(ranking)
    }

    /// What names a snapshot of these rows.
    fn hash(&self) -> Digest {
        let begun = Sha256::new_with_prefix(self.scope.canonical());
        let mut id = begun.clone().chain_update("snapshot\n");
        let (mut text, mut rank, mut before) = (String::new(), None, None);
        for (position, place) in self.places.iter().enumerate() {
            let value = self.values.get(position).copied();
            if value != before {
                rank = value.map(|_| position + 1);
            }
            before = value;
            text.clear();
            write_row(&mut text, rank, self.names.get(*place).unwrap_or_default(), value);
            id.update(line(begun.clone().chain_update(&text).finalize().into()));
        }
        Digest(id.finalize().into())
    }

    /// SHA-256 over the scope and the hashes of all rows, in order: that of the snapshot.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// What it is about.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The names of its participants, and perhaps of others.
    #[must_use]
    pub const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of memory that it takes, without its names.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.places.capacity() * size_of::<u32>()
            + self.values.capacity() * size_of::<Value>()
    }

    /// The largest value; `None` where none is known.
    #[must_use]
    pub fn largest(&self) -> Option<Value> {
        self.values.first().copied()
    }

    /// Who stands at a position, and with what.
    #[must_use]
    pub fn standing(&self, position: usize) -> Option<Standing> {
        let subject: Subject = self.names.get(*self.places.get(position)?)?.parse().ok()?;
        let value = self.values.get(position).copied();
        let equal = value.map(|value| self.equal(value));
        let tied = equal.as_ref().is_some_and(|equal| equal.len() > 1);
        Some(Standing { rank: equal.map(|equal| equal.start + 1), tied, subject, value })
    }

    /// The row at a position, with its hash.
    #[must_use]
    pub fn row(&self, position: usize) -> Option<SnapshotRow> {
        let standing = self.standing(position)?;
        let mut text = self.scope.canonical();
        write_row(&mut text, standing.rank, standing.subject.as_str(), standing.value);
        Some(SnapshotRow { standing, hash: Digest(Sha256::digest(text).into()) })
    }

    /// The positions that have this value.
    fn equal(&self, value: Value) -> Range<usize> {
        let first = self.values.partition_point(|other| *other > value);
        first..self.values.partition_point(|other| *other >= value)
    }

    /// Where a participant stands.
    #[must_use]
    pub fn position(&self, subject: &Subject) -> Option<usize> {
        let place = self.names.place(subject.as_str())?;
        self.places.iter().position(|other| *other == place)
    }

    /// Rows by another series, the smallest or the largest first. What is unknown comes last both ways; who has no step of it has none of it; rows
    /// of one value stay in the order of rank.
    #[must_use]
    pub fn ordered_by(&self, other: &Self, descending: bool) -> Order {
        let mut values = vec![Some(Value::ZERO); self.names.len()];
        let mut put = |place: u32, position: usize| {
            if let Some(value) = values.get_mut(index(place)) {
                *value = other.values.get(position).copied();
            }
        };
        if Arc::ptr_eq(&self.names, &other.names) {
            other.places.iter().enumerate().for_each(|(position, place)| put(*place, position));
        } else {
            for (position, place) in other.places.iter().enumerate() {
                let here = other.names.get(*place).and_then(|name| self.names.place(name));
                if let Some(here) = here {
                    put(here, position);
                }
            }
        }
        let key = |value: Option<Value>| match value {
            Some(Value(value)) if descending => (false, !value),
            Some(Value(value)) => (false, value),
            None => (true, 0),
        };
        let value = |place: &u32| values.get(index(*place)).copied().flatten();
        let mut rows: Vec<_> =
            (0_u32..).zip(&self.places).map(|(at, place)| (key(value(place)), at)).collect();
        rows.sort_unstable();
        Order(rows.into_iter().map(|(_, position)| position).collect())
    }

    /// Rows by name.
    #[must_use]
    pub fn ordered_by_name(&self, descending: bool) -> Order {
        let mut rows: Vec<(u32, u32)> = self.places.iter().copied().zip(0..).collect();
        rows.sort_unstable();
        if descending {
            rows.reverse();
        }
        Order(rows.into_iter().map(|(_, position)| position).collect())
    }

    /// Rows whose name has a text in it, or all, in an order of this ranking, or by rank: `take` of them after the first `skip`.
    #[must_use]
    pub fn pick(&self, order: Option<&Order>, search: Option<&str>, skip: usize, take: usize) -> Picked {
        let position = |number: usize| match order {
            Some(Order(positions)) => positions.get(number).copied().map(index),
            None => Some(number),
        };
        let Some(search) = search else {
            let end = skip.saturating_add(take).min(self.len());
            return Picked { found: self.len(), positions: (skip..end).filter_map(position).collect() };
        };
        let marks = self.names.containing(search);
        let is_marked = |position: &usize| {
            self.places.get(*position).and_then(|place| marks.get(index(*place))).is_some_and(|mark| *mark)
        };
        let mut picked = Picked { found: 0, positions: Vec::new() };
        for position in (0..self.len()).filter_map(position).filter(is_marked) {
            if picked.found >= skip && picked.positions.len() < take {
                picked.positions.push(position);
            }
            picked.found += 1;
        }
        picked
    }
}

impl Order {
    /// Bytes of memory that it takes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.0.len() * size_of::<u32>()
    }
}

/// A hash and a line end, as [`Digest`] writes it: a million of them at a time.
fn line(hash: [u8; 32]) -> [u8; 65] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut line = [b'\n'; 65];
    for (pair, byte) in line.chunks_exact_mut(2).zip(hash) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    line
}
