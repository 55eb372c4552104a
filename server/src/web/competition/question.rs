//! What a what-if asks: all of it stands in the address.

use apogee_domain::Epoch;
use apogee_leaderboard::Effect;
use apogee_rules::{Edit, Id};

use super::TripleQuery;
use crate::web::query::{Questions, Why, number};

/// Changes of one question.
const MOST: usize = 64;
/// Longest path and longest value, in bytes.
const PATH: usize = 256;
const VALUE: usize = 4_096;
/// Intervals, and entities, of one question.
const LIST: usize = 16;

/// `?rules=2&at=e:100&set.pools.region.amount.tiers.0.at=10TiB&remove=10..20&disqualify=t01000`
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub(super) triple: TripleQuery,
    /// Number of a version that is applied instead.
    pub(super) with: Option<u64>,
    /// Members that are changed, by path.
    pub(super) edits: Vec<Edit>,
    pub(super) removals: Vec<Removal>,
    pub(super) disqualified: Vec<Id>,
    /// Only rows that change.
    pub(super) only: bool,
    pub(super) page: Option<usize>,
    /// `remove` and `disqualify` as they were written.
    pub(super) written: [String; 2],
}

/// An interval that is removed: `from..until[:metrics[:regions]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removal {
    from: Epoch,
    until: Epoch,
    metrics: Vec<Id>,
    regions: Vec<Id>,
}

impl Questions for Question {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        if let Some(path) = name.strip_prefix("set.") {
            // A form sends its empty fields too.
            if value.is_empty() {
                return Ok(());
            }
            if path.len() > PATH || value.len() > VALUE || self.edits.len() >= MOST {
                return Err(Why::Choice);
            }
            self.edits.push(Edit { path: path.to_owned(), value: value.trim().to_owned() });
            return Ok(());
        }
        match name {
            "with" if value.is_empty() => {}
            "with" => {
                let number = value.strip_prefix('v').unwrap_or(value).parse();
                self.with = Some(number.map_err(|_| Why::Number)?);
            }
            "remove" => {
                let parts: Vec<&str> = value.split(';').filter(|part| !part.is_empty()).collect();
                if parts.len() > LIST || value.len() > VALUE {
                    return Err(Why::Choice);
                }
                self.removals = parts.into_iter().map(Removal::read).collect::<Result<_, _>>()?;
                value.clone_into(&mut self.written[0]);
            }
            "disqualify" => {
                self.disqualified = ids(value)?;
                self.disqualified.sort();
                self.disqualified.dedup();
                value.clone_into(&mut self.written[1]);
            }
            "rows" => {
                self.only = match value {
                    "changed" => true,
                    "all" => false,
                    _ => return Err(Why::Choice),
                }
            }
            "page" => self.page = Some(number(value)?),
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// Ids with commas between them.
fn ids(text: &str) -> Result<Vec<Id>, Why> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > LIST {
        return Err(Why::Choice);
    }
    parts.into_iter().map(|part| part.parse().map_err(|_| Why::Choice)).collect()
}

impl Removal {
    fn read(text: &str) -> Result<Self, Why> {
        let mut parts = text.splitn(3, ':');
        let (from, until) = parts.next().and_then(|epochs| epochs.split_once("..")).ok_or(Why::Choice)?;
        let epoch = |text: &str| text.trim().parse::<Epoch>().map_err(|_| Why::Number);
        let mut list = || {
            let mut list = ids(parts.next().unwrap_or_default())?;
            list.sort();
            list.dedup();
            Ok(list)
        };
        Ok(Self { from: epoch(from)?, until: epoch(until)?, metrics: list()?, regions: list()? })
    }
}

impl Question {
    /// What would have been decided.
    pub(super) fn decided(&self) -> Vec<Effect> {
        let removed = self.removals.iter().map(|removal| Effect::RemoveInterval {
            from: removal.from,
            until: removal.until,
            metrics: removal.metrics.clone(),
            regions: removal.regions.clone(),
        });
        let entities = self.disqualified.clone();
        let disqualified = (!entities.is_empty()).then_some(Effect::Disqualify { entities });
        removed.chain(disqualified).collect()
    }

    /// How much is changed.
    pub(super) fn changes(&self) -> usize {
        usize::from(self.with.is_some()) + self.edits.len() + self.removals.len() + self.disqualified.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<Question, Why> {
        let mut question = Question::default();
        pairs.iter().try_for_each(|(name, value)| question.take(name, value)).map(|()| question)
    }

    #[test]
    fn a_question_is_read_from_the_address() {
        let question = asked(&[
            ("rules", "2"),
            ("with", "v3"),
            ("set.pools.region.cap", ""),
            ("set.pools.region.amount.tiers.0.at", "10TiB"),
            ("remove", "10..20;30..40:power,blocks:africa"),
            ("disqualify", "t01001,t01000"),
        ])
        .unwrap();
        assert_eq!((question.triple.rules, question.with, question.changes()), (Some(2), Some(3), 6));
        assert_eq!(question.decided().len(), 3);
        assert_eq!(question.disqualified[0].as_str(), "t01000");
        assert_eq!(question.removals[1].metrics.len(), 2);
        assert_eq!(asked(&[("set.a", ""), ("remove", ""), ("with", ""), ("at", "")]).unwrap().changes(), 0);
    }

    #[test]
    fn what_is_too_much_or_does_not_read_is_refused() {
        let long = "x".repeat(VALUE + 1);
        for (name, value) in [
            ("with", "two"),
            ("remove", "10"),
            ("remove", "10..x"),
            ("remove", "10..20:Power!"),
            ("disqualify", "no body"),
            ("set.a", &long),
            ("set", "1"),
            ("rows", "some"),
            ("unheard-of", "1"),
        ] {
            assert!(asked(&[(name, value)]).is_err(), "{name}={value:.20}");
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("set.a{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
        assert!(asked(&many).is_err());
        assert!(asked(&[("disqualify", &["a"; LIST + 1].join(","))]).is_err());
    }
}
