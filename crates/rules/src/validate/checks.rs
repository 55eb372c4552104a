use super::Validator;
use crate::read::LIST;
use crate::{Bound, Check, CheckKind, Id, Measure, Ratio};

impl<'r> Validator<'r> {
    pub(super) fn eligibility(&mut self) {
        let checks = &self.rules.eligibility;
        let mut places = Vec::new();
        gather(checks, "eligibility", &mut places);
        if places.len() > LIST {
            let reason = format_args!("{} checks with those inside, where {LIST} are allowed", places.len());
            self.problem("eligibility", reason);
        }
        self.unique(places.iter().map(|(check, path)| (&check.id, format!("{path}.id"))));
        for (check, path) in places {
            self.check(&path, check);
        }
    }

    fn check(&mut self, path: &str, check: &'r Check) {
        let end = self.rules.competition.end;
        match &check.kind {
            CheckKind::AtLeast { metric, value, .. } | CheckKind::AtMost { metric, value, .. } => {
                self.bound(path, metric, *value);
            }
            CheckKind::Region if self.rules.competition.regions.is_empty() => {
                self.problem(format_args!("{path}.kind"), "the competition has no regions");
            }
            CheckKind::Registered { deadline, late } => {
                if *deadline > end {
                    self.problem(
                        format_args!("{path}.deadline"),
                        format_args!("{deadline} is after the end, {end}"),
                    );
                }
                let Some(late) = late.map(|late| late.deadline) else { return };
                let path = format!("{path}.late.deadline");
                if late <= *deadline {
                    self.problem(&path, format_args!("{late} is not after the first deadline, {deadline}"));
                }
                if late > end {
                    self.problem(&path, format_args!("{late} is after the end, {end}"));
                }
            }
            CheckKind::All { checks } | CheckKind::Any { checks } if checks.is_empty() => {
                self.problem(format_args!("{path}.checks"), "it is empty");
            }
            CheckKind::Claimed
            | CheckKind::Region
            | CheckKind::Attested { .. }
            | CheckKind::All { .. }
            | CheckKind::Any { .. } => {}
        }
    }

    fn bound(&mut self, path: &str, metric: &'r Id, value: Bound) {
        let measure = self.measured(&format!("{path}.metric"), metric);
        let path = format!("{path}.value");
        match (measure, value) {
            (Some(Measure::Ratio), Bound::Quantity(_)) => {
                self.problem(path, format_args!("{metric} is a ratio: a value such as 4/5 is expected"));
            }
            (Some(Measure::Whole(_)), Bound::Ratio(_)) => {
                self.problem(path, format_args!("{metric} is a whole number: a quantity is expected"));
            }
            (Some(Measure::Ratio), Bound::Ratio(ratio)) if ratio > Ratio::ONE => {
                self.problem(path, format_args!("{metric} is never above 1"));
            }
            (Some(Measure::Whole(unit)), Bound::Quantity(quantity)) => self.unit(&path, quantity, Some(unit)),
            _ => {}
        }
    }
}

/// Every check with its path, a check before those inside it.
fn gather<'r>(checks: &'r [Check], path: &str, places: &mut Vec<(&'r Check, String)>) {
    for (index, check) in checks.iter().enumerate() {
        let path = format!("{path}[{index}]");
        places.push((check, path.clone()));
        if let CheckKind::All { checks } | CheckKind::Any { checks } = &check.kind {
            gather(checks, &format!("{path}.checks"), places);
        }
    }
}
