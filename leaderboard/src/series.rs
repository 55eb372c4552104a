use apogee_domain::series::{Reading, Unit};
use apogee_rules::{Id, Quantity};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use apogee_domain::Epoch;

/// Where the values of a series come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Read from the chain: decisions cannot touch it.
    Chain,
    /// Observed by bots or people: decisions can adjust it.
    Observed,
}

/// One series of the facts (`docs/rules.md` §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesDocument {
    /// Its name.
    pub name: Id,
    /// Level or cumulative.
    pub reading: Reading,
    /// Chain or observed.
    pub source: Source,
    /// Its values, by participant.
    pub steps: Steps,
    /// Unit of the values.
    pub unit: Unit,
}

/// For each participant, from when on a series has which value; `None` is *unknown*.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(pub Vec<(Id, Vec<StepDocument>)>);

/// From an epoch on, a value.
pub type StepDocument = (Epoch, Option<Quantity>);

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(participant, steps)| (participant, steps)))
    }
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Steps;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from participant to steps")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Steps, A::Error> {
                let mut steps = Vec::new();
                while let Some(member) = members.next_entry()? {
                    steps.push(member);
                }
                Ok(Steps(steps))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A series as it is read: the steps of all participants in one row.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: Id,
    pub(crate) reading: Reading,
    pub(crate) source: Source,
    pub(crate) unit: Unit,
    /// For each participant the end of its steps.
    ends: Vec<u32>,
    steps: Vec<Step>,
}

/// From an epoch on, a value. There can be a hundred million of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The halves of the value: together they would ask for 32 bytes a step instead of 24.
    high: u64,
    low: u64,
    /// The epoch; its complement, which is below zero, where the value is unknown.
    epoch: i64,
}

impl Step {
    pub(crate) fn new(epoch: i64, value: Option<u128>) -> Self {
        let whole = value.unwrap_or(0);
        let epoch = if value.is_some() { epoch } else { !epoch };
        Self { high: (whole >> 64) as u64, low: whole as u64, epoch }
    }

    pub(crate) fn epoch(self) -> i64 {
        self.epoch.max(!self.epoch)
    }

    /// `None` is unknown.
    pub(crate) fn value(self) -> Option<u128> {
        (self.epoch >= 0).then_some(u128::from(self.high) << 64 | u128::from(self.low))
    }
}

/// What a series says of a participant at an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Absent,
    Unknown,
    Value(u128),
}

impl Series {
    pub(crate) fn new(document: &SeriesDocument) -> Self {
        let SeriesDocument { name, reading, source, unit, .. } = document;
        Self {
            name: name.clone(),
            reading: *reading,
            source: *source,
            unit: *unit,
            ends: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Add the steps of the next participant.
    pub(crate) fn push(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
        self.ends.push(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
    }

    fn of(&self, participant: u32) -> &[Step] {
        let index = participant as usize;
        let end = self.ends.get(index).map_or(0, |end| *end as usize);
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.steps.get(start..end).unwrap_or_default()
    }

    pub(crate) fn at(&self, participant: u32, epoch: i64) -> At {
        match self.step(participant, epoch) {
            None => At::Absent,
            Some(step) => step.value().map_or(At::Unknown, At::Value),
        }
    }

    /// The step that holds at `epoch`.
    pub(crate) fn step(&self, participant: u32, epoch: i64) -> Option<Step> {
        let steps = self.of(participant);
        let after = steps.partition_point(|step| step.epoch() <= epoch);
        after.checked_sub(1).and_then(|last| steps.get(last)).copied()
    }
}
