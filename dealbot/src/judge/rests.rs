use std::collections::BTreeMap;

use apogee_domain::{ProbeKind, Timestamp};

use super::{Rest, Why};

/// When nothing counted, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rests {
    /// By beginning, miner (an empty name is everybody) and the word of the reason: until when.
    all: BTreeMap<(Timestamp, String, &'static str), Rest>,
}

impl Rests {
    /// Add one that was said then. What a miner says of its maintenance when that has begun does not count; of two that differ by their end the longer stands.
    pub fn add(&mut self, miner: &str, rest: Rest, said: Timestamp) {
        if rest.why == Why::Maintenance && said > rest.from {
            return;
        }
        let of = self.all.entry((rest.from, miner.to_owned(), rest.why.as_str())).or_insert(rest);
        of.to = of.to.max(rest.to);
    }

    /// Those that concern probes of a kind of a miner, by their beginning.
    #[must_use]
    pub fn of(&self, kind: ProbeKind, miner: &str) -> Vec<Rest> {
        let concerns = |((_, of, _), rest): &(&(Timestamp, String, &'static str), &Rest)| {
            (of.is_empty() || of == miner) && rest.why.concerns(kind)
        };
        self.all.iter().filter(concerns).map(|(_, rest)| *rest).collect()
    }
}
