use apogee_domain::{Digest, Epoch};

use crate::canonical::{self, NotCanonical};
use crate::{Problem, Problems, RuleSet};

impl RuleSet {
    /// Its canonical text.
    ///
    /// # Errors
    /// An epoch or number is 2⁵³ or more; never for a rule set that was read.
    pub fn canonical(&self) -> Result<String, NotCanonical> {
        canonical::text(self)
    }

    /// The hash of its canonical text.
    ///
    /// # Errors
    /// As [`canonical`](Self::canonical).
    pub fn hash(&self) -> Result<Digest, NotCanonical> {
        canonical::hash(self)
    }
}

/// Every version of the rules of one competition, from number 1 on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions(Vec<RuleSet>);

impl Versions {
    /// Bring versions together, in the order of their numbers.
    ///
    /// # Errors
    /// Numbers are missing or stand twice, a version does not name the hash of the one before, is of another competition or network, or takes effect before the one
    /// before without being retroactive. Paths begin with `versions[n]`, counting from 0.
    pub fn new(versions: Vec<RuleSet>) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut before: Option<&RuleSet> = None;
        for (index, rules) in versions.iter().enumerate() {
            let mut problem = |path: &str, reason: String| {
                problems.push(Problem { path: format!("versions[{index}].{path}"), reason });
            };
            let number = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
            if rules.version.number != number {
                problem(
                    "version.number",
                    format!("{} stands where {number} is expected", rules.version.number),
                );
            }
            if let Some(before) = before {
                follows(rules, before, &mut problem);
            }
            before = Some(rules);
        }
        if versions.is_empty() {
            return Err(Problems::whole("there is no version"));
        }
        Problems::unless_none(problems)?;
        Ok(Self(versions))
    }

    /// The version that holds at an epoch: the highest number among those with `from ≤ epoch`. `None` before the first.
    #[must_use]
    pub fn effective_at(&self, epoch: Epoch) -> Option<&RuleSet> {
        self.0.iter().rev().find(|rules| rules.version.from <= epoch)
    }

    /// The version of this number.
    #[must_use]
    pub fn number(&self, number: u64) -> Option<&RuleSet> {
        self.0.iter().find(|rules| rules.version.number == number)
    }

    /// Each of them, from number 1 on.
    pub fn iter(&self) -> impl Iterator<Item = &RuleSet> {
        self.0.iter()
    }
}

fn follows(rules: &RuleSet, before: &RuleSet, problem: &mut impl FnMut(&str, String)) {
    let (this, that) = (&rules.competition, &before.competition);
    if this.id != that.id {
        problem("competition.id", format!("{} stands where {} is expected", this.id, that.id));
    }
    if this.network != that.network {
        problem("competition.network", format!("{} stands where {} is expected", this.network, that.network));
    }
    match before.hash() {
        Ok(hash) if rules.version.supersedes == Some(hash) => {}
        Ok(hash) => {
            problem("version.supersedes", format!("it is not {hash}, the hash of the version before"))
        }
        Err(cause) => problem("version.supersedes", format!("the version before has no hash: {cause}")),
    }
    let (from, earlier) = (rules.version.from, before.version.from);
    if from <= earlier && !rules.version.retroactive {
        problem(
            "version.from",
            format!("{from} is not after {earlier}, from which the version before holds"),
        );
    }
}
