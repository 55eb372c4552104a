use std::sync::Arc;

use apogee_leaderboard::{Decision, Decisions, Effect, Facts, Standings, stand};
use apogee_rules::RuleSet;

use super::ground::Ground;
use super::stood::{NoStandings, Stands, Stood};

impl Stands {
    /// The standings that would be, had these rules held and had this been decided as well. They are not kept: nobody asks twice.
    pub(crate) async fn what_if(
        &self,
        stood: &Arc<Stood>,
        ground: &Ground,
        rules: RuleSet,
        decided: Vec<Effect>,
    ) -> Result<Standings, NoStandings> {
        let (stood, at) = (Arc::clone(stood), stood.competition.reads(stood.triple.at));
        // Other rules may read what the published ones do not.
        let reads = |name: &str| stood.measured.series.iter().any(|series| series.name.as_str() == name);
        let measured = rules.metrics.iter().all(|metric| metric.series().all(|name| reads(name.as_str())));
        let facts = match measured {
            true => None,
            false => Some(self.facts(ground, std::slice::from_ref(&rules), at).await?),
        };
        let working = tokio::task::spawn_blocking(move || {
            let facts = facts.map(Facts::new).transpose()?;
            let facts = facts.as_ref().unwrap_or(&stood.facts);
            let before = stood.decisions.list();
            let next = u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1);
            let more = (next..).zip(decided).map(|(seq, effect)| Decision { seq, effect });
            let decisions: Vec<Decision> = before.iter().cloned().chain(more).collect();
            let last = u64::try_from(decisions.len()).unwrap_or(u64::MAX);
            stand(facts, &stood.entities, &rules, &Decisions::new(decisions)?, at, last)
        });
        let made = working.await.map_err(|_| NoStandings::Unfinished)?;
        made.map_err(|problem| NoStandings::Impossible { at, problem })
    }
}
