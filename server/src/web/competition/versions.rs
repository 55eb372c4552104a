//! Versions of the rules as pages show them.

use std::sync::Arc;

use apogee_competition::{Competition, Published, Signed};
use apogee_domain::{Digest, Epoch, NetworkKind, Schedule};
use apogee_rules::{Lang, Voice};
use serde::Serialize;
use utoipa::ToSchema;

use super::Stage;
use crate::competitions::{Ground, Stood, Triple};
use crate::web::ask::Language;
use crate::web::figure::{Coin, coin};
use crate::web::{App, Problem};

/// A version of the rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RulesRow)]
pub(super) struct VersionRow {
    /// Counts from 1.
    pub(super) number: u64,
    /// First epoch at which it holds.
    #[schema(value_type = i64)]
    pub(super) from: Epoch,
    /// When that epoch begins, RFC 3339.
    pub(super) from_time: Option<String>,
    /// Epoch before which a later version takes its place; `null` where none does.
    #[schema(value_type = Option<i64>)]
    pub(super) until: Option<Epoch>,
    /// SHA-256 of its canonical JSON.
    #[schema(value_type = String)]
    pub(super) hash: Digest,
    /// Hash of the version before.
    #[schema(value_type = Option<String>)]
    pub(super) supersedes: Option<Digest>,
    /// Whether it holds from before it was published.
    pub(super) retroactive: bool,
    /// Why there is this version, in the language of the address.
    pub(super) reason: String,
    /// Hash of the report of what it changes, attached when it was published.
    #[schema(value_type = Option<String>)]
    pub(super) simulation: Option<Digest>,
    /// Number of the entry that published it.
    pub(super) seq: u64,
    /// Epoch of that entry.
    #[schema(value_type = i64)]
    pub(super) published: Epoch,
    /// Time of that entry, RFC 3339.
    pub(super) published_time: String,
    /// Whether it holds at the epoch that is shown.
    pub(super) in_force: bool,
}

impl VersionRow {
    fn new(published: &Published, stage: &Stage, schedule: Option<Schedule>, language: Language) -> Self {
        let version = &published.rules.version;
        let holds = stage.competition.rules_at(stage.meta.chain.epoch).map(|held| held.hash);
        Self {
            number: version.number,
            from: version.from,
            from_time: schedule.map(|schedule| schedule.time_of(version.from).to_string()),
            until: until(&stage.competition, published),
            hash: published.hash,
            supersedes: version.supersedes,
            retroactive: version.retroactive,
            reason: match language {
                Language::English => version.reason.en.clone(),
                Language::Chinese => version.reason.zh.clone(),
            },
            simulation: published.simulation,
            seq: published.moment.seq,
            published: published.moment.epoch,
            published_time: published.moment.time.to_string(),
            in_force: holds == Some(published.hash),
        }
    }
}

/// The highest number among those that begin by an epoch holds: a version ends where a later one begins, or never held at all.
fn until(competition: &Competition, published: &Published) -> Option<Epoch> {
    let later = competition
        .rules()
        .iter()
        .filter(|other| other.rules.version.number > published.rules.version.number);
    later.map(|other| other.rules.version.from).min().map(|from| from.max(published.rules.version.from))
}

impl Stage {
    /// When epochs begin.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        self.ground().map(Ground::schedule)
    }

    /// Every version there is, the newest first.
    pub(super) fn versions(&self, language: Language) -> Vec<VersionRow> {
        let schedule = self.schedule();
        let row = |published| VersionRow::new(published, self, schedule, language);
        self.competition.rules().iter().rev().map(row).collect()
    }

    /// The version of that number.
    pub(super) fn version(&self, number: u64) -> Result<&Published, Problem> {
        let found =
            self.competition.rules().iter().find(|published| published.rules.version.number == number);
        found.ok_or_else(|| Problem::UnknownRules { version: number })
    }

    pub(super) fn version_row(&self, published: &Published, language: Language) -> VersionRow {
        VersionRow::new(published, self, self.schedule(), language)
    }

    /// The newest epoch that is shown of it, whichever is asked for.
    pub(super) fn newest(&self) -> Epoch {
        let pin = self.now.held.competition().frozen().map(|pin| pin.at);
        pin.or_else(|| self.ground().map(Ground::head)).unwrap_or(self.meta.chain.epoch)
    }

    /// How the rules speak.
    pub(super) fn voice(&self, language: Language) -> Voice {
        let lang = match language {
            Language::English => Lang::En,
            Language::Chinese => Lang::Zh,
        };
        Voice { lang, schedule: self.schedule() }
    }

    /// The entries that may be shown, by number from 1 on.
    pub(super) fn entries(&self) -> &[Arc<Signed>] {
        let shown = usize::try_from(self.competition.seq()).unwrap_or(usize::MAX);
        let entries = self.now.held.entries();
        entries.get(..shown.min(entries.len())).unwrap_or_default()
    }

    /// The entry of that number, if it may be shown.
    pub(super) fn entry(&self, seq: u64) -> Option<&Arc<Signed>> {
        self.entries().get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// What its amounts are counted in.
    pub(super) fn coin(&self) -> Coin {
        let kind = match self.ground() {
            Some(Ground::Index { network, .. }) => network.kind,
            _ => NetworkKind::Filecoin,
        };
        coin(kind)
    }
}

impl App {
    /// Other standings than those that a stage shows.
    pub(super) async fn standings(&self, stage: &Stage, triple: Triple) -> Result<Arc<Stood>, Problem> {
        let none = || Problem::NoGround { competition: stage.id().to_owned() };
        let ground = stage.ground().ok_or_else(none)?;
        Ok(self.stands.stand(&stage.now.held, ground, triple).await?)
    }
}
