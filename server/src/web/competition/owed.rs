//! What a recount would do to the competitions of its network.

use std::sync::Arc;

use apogee_domain::{Epoch, NetworkId};
use apogee_recount::Consequences;
use apogee_store::Recount;
use askama::filters::HtmlSafe;
use serde::Serialize;
use utoipa::ToSchema;

use super::effect::{Effect, Wanted};
use super::effect_table::EffectTable;
use super::{Meta, TripleQuery, is_indexed};
use crate::web::ask::{Ask, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::words::fluent_args;
use crate::web::{App, CompetitionNow, Problem};

/// Competitions that are looked at: each has its standings worked out twice.
const MOST: usize = 20;

/// What would be, had layers paid what votes decide.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecountEffect)]
pub(crate) struct OwedEffect {
    meta: Meta,
    /// Layers whose rewards are left as they are indexed: the index pays otherwise there than the copy that was counted, or nothing is known of the
    /// block.
    #[schema(value_type = Vec<i64>)]
    unknown: Vec<Epoch>,
    /// Ranks and payouts as they stand against those; `null` where there are no standings yet.
    effect: Option<Effect>,
}

impl App {
    /// What the rewards of a recount do to every competition on its network that looks at its layers.
    pub(crate) async fn owed_effects(
        &self,
        network: &NetworkId,
        recount: &Recount,
        rewards: &Arc<Consequences>,
        page: Option<usize>,
    ) -> Result<Vec<OwedEffect>, Problem> {
        let now = self.now.load_full();
        let concerned = now.competitions.iter().filter(|now| looks_at(now, network, recount));
        let mut effects = Vec::new();
        for competition in concerned.take(MOST) {
            let stage = match self.stage(competition.held.id().as_str(), &TripleQuery::default()).await {
                Ok(stage) if is_indexed(&stage) => stage,
                Ok(_) | Err(Problem::NoGround { .. } | Problem::NoStandings(_)) => continue,
                Err(problem) => return Err(problem),
            };
            let mut found = OwedEffect { unknown: Vec::new(), effect: None, meta: stage.meta.clone() };
            if let Some(stood) = stage.stood() {
                let owed = self.stands.owed(stood, Arc::clone(rewards)).await?;
                let wanted = Wanted { changed: true, page, coin: stage.coin() };
                found.effect = Some(Effect::of(&stood.standings, &owed.standings, wanted)?);
                found.unknown = owed.unknown.into_iter().collect();
            }
            effects.push(found);
        }
        Ok(effects)
    }
}

/// Whether a competition is on the network and has epochs among the layers that were counted.
fn looks_at(now: &CompetitionNow, network: &NetworkId, recount: &Recount) -> bool {
    let competition = now.held.competition();
    let here = competition.founding().is_some_and(|founding| founding.network == *network);
    let (Some(start), Some(end)) = (competition.start(), competition.end()) else { return false };
    here && start <= recount.last && end > recount.first
}

impl OwedEffect {
    /// What the competition is called.
    pub(crate) fn title(&self, language: Language) -> String {
        self.meta.title(language).to_owned()
    }

    /// Its page.
    pub(crate) fn address(&self, ask: &Ask) -> String {
        ask.to(&format!("/c/{}", self.meta.competition))
    }

    /// Layers that are left as they are, in words; `None` where there are none.
    pub(crate) fn left(&self, ask: &Ask) -> Option<String> {
        let (first, n) = (self.unknown.first()?, self.unknown.len());
        let first = crate::web::figure::grouped(first);
        Some(ask.language.say("recount-left", &fluent_args!["n" => n, "first" => first]))
    }

    /// What changes for everybody; `None` where there are no standings yet.
    pub(crate) fn table<'a>(&'a self, ask: &'a Ask) -> Option<impl HtmlSafe + 'a> {
        let effect = self.effect.as_ref()?;
        let language = ask.language;
        let epoch = crate::web::figure::grouped(self.meta.chain.epoch);
        let caption = fluent_args!["epoch" => epoch, "rows" => effect.found];
        Some(EffectTable {
            c: Chrome::staged(ask, &self.meta, Section::Recounts),
            effect,
            sides: [language.t("recount-side-paid"), language.t("recount-side-owed")],
            caption: language.say("recount-caption", &caption),
            simulated: true,
        })
    }
}
