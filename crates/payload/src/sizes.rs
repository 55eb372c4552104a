//! How large the payload of a slot is.

use crate::{Key, Payload};

/// A size and how often it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Bytes of the payload.
    pub bytes: u64,
    /// Of a million slots.
    pub weight: u32,
}

/// Weights are millionths.
const WHOLE: u32 = 1_000_000;
/// A page shows them all.
const CLASSES: usize = 16;

/// What is wrong with the sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSizes {
    /// None, or more than sixteen.
    #[error("{count} size classes: 1 to 16 are possible")]
    Count {
        /// Classes given.
        count: usize,
    },
    /// Nothing to store, or more than a sector takes.
    #[error("a size class of {bytes} bytes: 1 to {most} are possible", most = Payload::MOST)]
    Bytes {
        /// Of the class.
        bytes: u64,
    },
    /// The same size in two classes.
    #[error("two size classes of {bytes} bytes")]
    Twice {
        /// Of both.
        bytes: u64,
    },
    /// Something that is not the whole.
    #[error("the weights of the size classes sum up to {sum} millionths")]
    Weights {
        /// Of all weights.
        sum: u64,
    },
    /// Not one deal could be made.
    #[error("a budget of {budget} bytes is below the smallest size class, {smallest} bytes")]
    Budget {
        /// Bytes given.
        budget: u64,
        /// Bytes of the smallest class.
        smallest: u64,
    },
}

/// Size classes, and the bytes that one miner is sent in one window at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The smallest first.
    classes: Vec<Class>,
    budget: u64,
}

impl Default for Sizes {
    /// 256 KiB (30 %), 10 MiB (60 %) and 100 MiB (10 %), at most 1 GiB: of 24 slots a day, 394 MiB in the mean.
    fn default() -> Self {
        let classes = [(256 << 10, 300_000), (10 << 20, 600_000), (100 << 20, 100_000)];
        let classes = classes.map(|(bytes, weight)| Class { bytes, weight }).to_vec();
        Self { classes, budget: 1 << 30 }
    }
}

impl Sizes {
    /// Classes in any order; `budget` in bytes of payload, for one miner and one window (a day, usually).
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(mut classes: Vec<Class>, budget: u64) -> Result<Self, InvalidSizes> {
        if classes.len() > CLASSES {
            return Err(InvalidSizes::Count { count: classes.len() });
        }
        classes.sort_unstable_by_key(|class| class.bytes);
        let Some(smallest) = classes.first().map(|class| class.bytes) else {
            return Err(InvalidSizes::Count { count: 0 });
        };
        if let Some(class) = classes.iter().find(|class| class.bytes == 0 || class.bytes > Payload::MOST) {
            return Err(InvalidSizes::Bytes { bytes: class.bytes });
        }
        if let Some([class, _]) = classes.array_windows().find(|[one, other]| one.bytes == other.bytes) {
            return Err(InvalidSizes::Twice { bytes: class.bytes });
        }
        let sum = classes.iter().map(|class| u64::from(class.weight)).sum();
        if sum != u64::from(WHOLE) {
            return Err(InvalidSizes::Weights { sum });
        }
        if budget < smallest {
            return Err(InvalidSizes::Budget { budget, smallest });
        }
        Ok(Self { classes, budget })
    }

    /// The classes, the smallest first.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Bytes of payload that one miner is sent in one window at most.
    #[must_use]
    pub const fn budget(&self) -> u64 {
        self.budget
    }

    /// Bytes of the payload of the slot with this key, where the slots of the window before it took `spent` bytes. What the key draws is taken if the budget
    /// allows for it, else the largest class that it allows for; `None` where it allows for none.
    ///
    /// `spent` is what this gave for those slots, whatever became of them: then the sizes of a window follow from its keys alone.
    #[must_use]
    pub fn choose(&self, key: &Key, spent: u64) -> Option<u64> {
        let mut left = key.draw(WHOLE);
        let drawn = self.classes.iter().find(|class| match left.checked_sub(class.weight) {
            Some(less) => {
                left = less;
                false
            }
            None => true,
        });
        let room = self.budget.saturating_sub(spent).min(drawn?.bytes);
        self.classes.iter().rev().map(|class| class.bytes).find(|bytes| *bytes <= room)
    }
}
