//! The rules: those of `examples/rules`, with the changes between them taken apart and the replay's own name.

use anyhow::{Context as _, Result, anyhow};
use apogee_rules::{CheckKind, RuleSet, Texts};

use crate::time::{epoch, moment};
use apogee_domain::Timestamp;

/// The name of the competition and of the network that it invents.
pub const NAME: &str = "sr1-history";

const BEGIN: &str = include_str!("../../rules/sr1-v1.toml");
const TIERS: &str = include_str!("../../rules/sr1-v2.toml");
const POOLED: &str = include_str!("../../rules/sr1-v3.toml");

/// A version of the rules, when it was published, and where that is documented.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) rules: RuleSet,
    pub(crate) published: Timestamp,
    pub(crate) source: &'static str,
}

fn read(text: &str) -> Result<RuleSet> {
    let mut rules = RuleSet::from_toml(text).map_err(|problems| anyhow!("{problems}"))?;
    rules.competition.id = NAME.parse()?;
    rules.competition.network = NAME.parse()?;
    rules.competition.name = Texts {
        en: "Space Race 1, replayed with invented miners".to_owned(),
        zh: "太空竞赛一期重演（矿工皆为虚构）".to_owned(),
    };
    Ok(rules)
}

/// Without a deadline for registering.
fn unregistered(mut rules: RuleSet) -> RuleSet {
    rules.eligibility.retain(|check| !matches!(check.kind, CheckKind::Registered { .. }));
    rules
}

/// Without a deadline for joining.
fn unbounded(mut rules: RuleSet) -> RuleSet {
    rules.entities.deadline = None;
    rules
}

/// Everything of `rules` but what was changed on 2 September.
fn of_the_day_before(rules: &RuleSet, pooled: &RuleSet) -> RuleSet {
    let mut rules = rules.clone();
    rules.entities = pooled.entities;
    rules.eligibility.clone_from(&pooled.eligibility);
    rules
}

/// Every version, in order. Where a source has the day alone, it holds from noon.
pub(crate) fn versions() -> Result<Vec<Version>> {
    let (begin, tiers, pooled) = (read(BEGIN)?, read(TIERS)?, read(POOLED)?);
    let drafts = [
        (
            unregistered(unbounded(begin.clone())),
            moment(8, 20, 12, 0),
            "filecoin-docs 9519c925 and a919d474: at least 80 % of deals, before the start more than 90 %",
            "The rules at the start.",
            "开赛时的规则。",
        ),
        (
            unbounded(begin.clone()),
            moment(8, 25, 12, 0),
            "filecoin-docs e9801d74",
            "Whoever mines already registers until 31 August.",
            "已开始挖矿者须于 8 月 31 日前注册。",
        ),
        (
            begin,
            moment(8, 26, 12, 0),
            "filecoin-docs 034e69c6",
            "Miners are combined until 2 September.",
            "合并矿工的截止日期为 9 月 2 日。",
        ),
        (
            tiers.clone(),
            moment(8, 31, 16, 6),
            "filecoin-docs 977ee229: Update spacerace.md",
            "Smaller regions reach the first tiers: 10 TiB and 100 TiB.",
            "让较小的地区也能达到最初两级：10 TiB 与 100 TiB。",
        ),
        (
            of_the_day_before(&tiers, &pooled),
            moment(9, 1, 12, 0),
            "filecoin-docs 4558fbf7 and b46b1584",
            "Late registration for new miners; combined miners are of one region.",
            "新矿工可延期注册；合并的矿工须属同一地区。",
        ),
        (
            pooled,
            moment(9, 2, 13, 58),
            "filecoin-docs 1733057b: the sum of all the deals across the miners; AMA 1: a tier at 200 PiB",
            "Deal rates of combined miners are pooled; a tier at 200 PiB.",
            "合并矿工的交易成功率合并计算；新增 200 PiB 一级。",
        ),
    ];
    let mut versions: Vec<Version> = Vec::new();
    for ((mut rules, published, source, en, zh), number) in drafts.into_iter().zip(1..) {
        let before = versions.last().map(|version| version.rules.hash()).transpose();
        rules.version.supersedes = before.context("a version has no hash")?;
        rules.version.number = number;
        rules.version.from = epoch(published);
        rules.version.reason = Texts { en: en.to_owned(), zh: zh.to_owned() };
        versions.push(Version { rules, published, source });
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version of `examples/rules` under the head of the replay's.
    fn under(text: &str, head: &RuleSet) -> RuleSet {
        let mut rules = read(text).unwrap();
        rules.version = head.version.clone();
        rules
    }

    #[test]
    fn the_published_versions_are_those_of_the_rule_sets_and_steps_between_them() {
        let versions: Vec<RuleSet> = versions().unwrap().into_iter().map(|version| version.rules).collect();
        assert_eq!(versions[2], under(BEGIN, &versions[2]));
        assert_eq!(versions[3], under(TIERS, &versions[3]));
        assert_eq!(versions[5], under(POOLED, &versions[5]));
        let changes: Vec<usize> =
            versions.windows(2).map(|pair| apogee_rules::diff(&pair[0], &pair[1]).unwrap().len()).collect();
        assert!(changes.iter().all(|count| *count > 0), "{changes:?}");
        apogee_rules::Versions::new(versions).unwrap();
    }
}
