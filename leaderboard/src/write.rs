//! Standings as canonical JSON: members in the order of their bytes.

use apogee_rules::{Id, Problem};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::document::problem;
use crate::measure::Measure;
use crate::standings::{Checked, EntityRow, Standings, Won};

pub(crate) fn value<S: Serializer>(measure: &Measure, serializer: S) -> Result<S::Ok, S::Error> {
    measure.value().serialize(serializer)
}

pub(crate) fn wins<S: Serializer>(won: &Won, serializer: S) -> Result<S::Ok, S::Error> {
    match (won.places, won.among) {
        (0, _) => serializer.serialize_str("0/1"),
        (1, 1) => serializer.serialize_str("1/1"),
        (places, among) => serializer.collect_str(&format_args!("{places}/{among}")),
    }
}

impl Serialize for EntityRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("checks", &Each(|| self.checks()))?;
        object.serialize_entry("claimed", &self.claimed)?;
        object.serialize_entry("disqualified", &self.disqualified)?;
        object.serialize_entry("eligible", &self.eligible)?;
        object.serialize_entry("id", self.id.as_str())?;
        object.serialize_entry("metrics", &Metrics(self))?;
        object.serialize_entry("name", self.name())?;
        object.serialize_entry("region", &self.region.as_ref().map(Id::as_str))?;
        object.end()
    }
}

impl Serialize for Checked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if self.below().is_some() {
            object.serialize_entry("checks", &Each(|| self.below().into_iter().flatten()))?;
        }
        object.serialize_entry("id", self.id())?;
        if let Some(need) = self.need() {
            object.serialize_entry("need", &need)?;
        }
        object.serialize_entry("state", &self.state())?;
        object.end()
    }
}

/// Writes what an iterator gives as an array.
struct Each<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        (self.0)().try_for_each(|item| array.serialize_element(&item))?;
        array.end()
    }
}

struct Metrics<'a>(&'a EntityRow);

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.metrics().map(|(id, measure)| (id.as_str(), measure)))
    }
}

#[derive(Serialize)]
struct Head<'a> {
    board: &'a Id,
    region: Option<&'a Id>,
}

/// Writes one leaf after another into the same room.
struct Leaves<'a, F> {
    text: &'a mut Vec<u8>,
    take: &'a mut F,
}

impl<F: FnMut(&[u8])> Leaves<'_, F> {
    fn add<T: Serialize>(&mut self, leaf: &T) -> Result<(), Problem> {
        self.text.clear();
        serde_json::to_writer(&mut *self.text, leaf).map_err(|cause| problem("", cause))?;
        (self.take)(self.text);
        Ok(())
    }
}

impl Standings {
    /// Hand over the canonical JSON of every row, in the order of the tree.
    pub(crate) fn each_leaf(&self, mut take: impl FnMut(&[u8])) -> Result<(), Problem> {
        let mut text = Vec::new();
        let mut leaves = Leaves { text: &mut text, take: &mut take };
        leaves.add(&self.scope)?;
        self.entities.iter().try_for_each(|row| leaves.add(row))?;
        for list in &self.boards {
            leaves.add(&Head { board: &list.board, region: list.region.as_ref() })?;
            list.rows.iter().try_for_each(|row| leaves.add(row))?;
        }
        self.pools.iter().try_for_each(|pool| leaves.add(pool))?;
        self.payouts.iter().try_for_each(|payout| leaves.add(payout))
    }
}
