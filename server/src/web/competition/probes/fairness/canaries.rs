//! What bots found at the organiser's own provider.

use std::collections::BTreeMap;

use apogee_domain::Timestamp;
use apogee_store::{Canary, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::competition::probes::Probing;

/// How far back canaries are looked at, microseconds: thirty days.
const REACH: i64 = 30 * 86_400_000_000;
/// Gaps that are told.
const GAPS: usize = 50;

/// A bot, and how it did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProbeBot)]
pub(super) struct BotView {
    pub(super) bot: String,
    /// Looks at the organiser's own provider.
    pub(super) looks: u64,
    /// Those that found it in order.
    pub(super) good: u64,
    /// The newest of those.
    pub(super) last_good: Option<String>,
    /// The newest one that did not, and its code.
    pub(super) last_bad: Option<String>,
    pub(super) last_code: Option<String>,
    /// The longest time without a good one, seconds.
    pub(super) longest_gap: u64,
    /// Whether it has found it in order within twice the interval.
    pub(super) live: bool,
}

/// A while in which what a bot found does not count.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeGap)]
pub(super) struct Gap {
    pub(super) bot: String,
    pub(super) from: String,
    /// `null` while it goes on.
    pub(super) to: Option<String>,
    pub(super) seconds: u64,
}

impl Probing<'_> {
    /// Every bot that has looked, and the times without a good look, the newest first.
    pub(super) async fn canaries(&self, to: Timestamp) -> Result<(Vec<BotView>, Vec<Gap>), StoreError> {
        let from = Timestamp(to.0.saturating_sub(REACH));
        let rows = self.store.canaries(&self.plan.network, &self.plan.race, from, to).await?;
        let most = self.plan.measures.canary.saturating_mul(2).saturating_add(self.plan.measures.grace);
        Ok(look(&rows, to, most))
    }
}

/// `most`: how far good looks may be apart, microseconds.
fn look(rows: &[Canary], to: Timestamp, most: i64) -> (Vec<BotView>, Vec<Gap>) {
    let mut by_bot: BTreeMap<&str, Vec<&Canary>> = BTreeMap::new();
    for row in rows {
        by_bot.entry(&row.bot).or_default().push(row);
    }
    let (mut bots, mut gaps) = (Vec::new(), Vec::new());
    for (bot, mut rows) in by_bot {
        rows.sort_by_key(|row| row.at);
        let good: Vec<Timestamp> = rows.iter().filter(|row| row.code.is_empty()).map(|row| row.at).collect();
        let bad = rows.iter().rev().find(|row| !row.code.is_empty());
        let live = good.last().is_some_and(|last| to.0.saturating_sub(last.0) <= most);
        // From one good look to the next; the first look begins, and now ends.
        let first = rows.first().map(|row| row.at);
        let mut before = first;
        let mut longest = 0;
        for at in good.iter().map(|at| Some(*at)).chain([None]) {
            let (Some(begun), until) = (before, at.unwrap_or(to)) else { break };
            if until.0.saturating_sub(begun.0) > most {
                let seconds = until.since(begun).as_secs();
                longest = longest.max(seconds);
                gaps.push((
                    begun,
                    Gap {
                        bot: bot.to_owned(),
                        from: begun.to_string(),
                        to: at.map(|at| at.to_string()),
                        seconds,
                    },
                ));
            }
            before = at;
        }
        bots.push(BotView {
            bot: bot.to_owned(),
            looks: rows.len() as u64,
            good: good.len() as u64,
            last_good: good.last().map(ToString::to_string),
            last_bad: bad.map(|row| row.at.to_string()),
            last_code: bad.map(|row| row.code.clone()),
            longest_gap: longest,
            live,
        });
    }
    gaps.sort_by_key(|(begun, _)| std::cmp::Reverse(*begun));
    (bots, gaps.into_iter().take(GAPS).map(|(_, gap)| gap).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bot_without_a_good_look_for_too_long_has_a_gap() {
        let second = 1_000_000;
        let canary = |at: i64, code: &str| Canary {
            bot: "ada".into(),
            at: Timestamp(at * second),
            code: code.into(),
            entry: 0,
        };
        let rows = [canary(0, ""), canary(10, ""), canary(20, "TCP_REFUSED"), canary(60, ""), canary(70, "")];
        let (bots, gaps) = look(&rows, Timestamp(75 * second), 25 * second);
        let told: Vec<_> = gaps.iter().map(|gap| (gap.seconds, gap.to.is_some())).collect();
        assert_eq!(told, [(50, true)]);
        assert_eq!((bots[0].looks, bots[0].good, bots[0].longest_gap, bots[0].live), (5, 4, 50, true));
        let (bots, gaps) = look(&rows, Timestamp(200 * second), 25 * second);
        assert_eq!((gaps[0].seconds, &gaps[0].to, bots[0].live), (130, &None, false));
    }
}
