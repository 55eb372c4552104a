use super::{Clause, Speaker, say};
use crate::{Check, CheckKind, Per};

impl Speaker<'_> {
    pub(super) fn eligibility(&self) -> Vec<Clause> {
        let checks = &self.rules.eligibility;
        let intro = if checks.is_empty() {
            say!(
                self.lang,
                "Every entity that is not disqualified is eligible.",
                "未被取消资格的参赛方均符合条件。"
            )
        } else {
            say!(
                self.lang,
                "An entity is eligible if it is not disqualified and passes all of these checks:",
                "未被取消资格且通过以下全部检查的参赛方符合条件："
            )
        };
        let mut clauses = vec![self.clause("eligibility", intro)];
        self.checks(checks, "eligibility", 1, &mut clauses);
        clauses
    }

    fn checks(&self, checks: &[Check], path: &str, depth: usize, clauses: &mut Vec<Clause>) {
        for check in checks {
            let path = format!("{path}[{}]", check.id);
            clauses.push(Clause { path: path.clone(), depth, text: self.check(check) });
            if let CheckKind::All { checks } | CheckKind::Any { checks } = &check.kind {
                self.checks(checks, &format!("{path}.checks"), depth.saturating_add(1), clauses);
            }
        }
    }

    fn check(&self, check: &Check) -> String {
        let id = &check.id;
        match &check.kind {
            CheckKind::AtLeast { metric, value, per } => say!(
                self.lang,
                "{id}: {of}{metric} is at least {value}.",
                "{id}：{of}{metric} 不低于 {value}。",
                id = id,
                metric = metric,
                of = self.per(*per),
                value = self.bound(*value, metric)
            ),
            CheckKind::AtMost { metric, value, per } => say!(
                self.lang,
                "{id}: {of}{metric} is at most {value}.",
                "{id}：{of}{metric} 不高于 {value}。",
                id = id,
                metric = metric,
                of = self.per(*per),
                value = self.bound(*value, metric)
            ),
            CheckKind::Claimed => say!(self.lang, "{id}: it is claimed.", "{id}：已被认领。", id = id),
            CheckKind::Region => say!(
                self.lang,
                "{id}: its region is known and one of the competition's.",
                "{id}：所属地区已知且为比赛地区之一。",
                id = id
            ),
            CheckKind::Registered { deadline, late: None } => say!(
                self.lang,
                "{id}: it is registered before {deadline}.",
                "{id}：在{deadline}之前注册。",
                id = id,
                deadline = self.epoch(*deadline)
            ),
            CheckKind::Registered { deadline, late: Some(late) } => say!(
                self.lang,
                "{id}: it is registered before {deadline}; or before {late}, if its one member, the only one it ever had, was not on the chain before {deadline}.",
                "{id}：在{deadline}之前注册；或在{late}之前注册，前提是其唯一且从未更换的成员在{deadline}之前未曾上链。",
                id = id,
                deadline = self.epoch(*deadline),
                late = self.epoch(late.deadline)
            ),
            CheckKind::Attested { what } => {
                say!(self.lang, "{id}: {what} is attested.", "{id}：{what} 已获证明。", id = id, what = what)
            }
            CheckKind::All { .. } => say!(self.lang, "{id}: all of these:", "{id}：以下全部通过：", id = id),
            CheckKind::Any { .. } => {
                say!(self.lang, "{id}: at least one of these:", "{id}：以下至少通过一项：", id = id)
            }
        }
    }

    fn per(&self, per: Per) -> String {
        match per {
            Per::Entity => String::new(),
            Per::Member => say!(self.lang, "of each member alone, ", "每个成员各自的 "),
        }
    }
}
