use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use apogee_competition::{Competition, Published};
use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Decisions, Entities, Facts, FactsDocument, Standings, stand};
use apogee_rules::{Id, Problem, RuleSet, canonical};
use apogee_store::Store;
use tokio::sync::OnceCell;

use super::facts::{Columns, NoFacts};
use super::ground::Ground;
use super::held::{Held, NoLedger};

/// Standings that are kept in memory.
const KEPT: usize = 12;

/// Which standings: at which epoch, under which version of the rules, with the ledger up to which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Triple {
    /// The epoch.
    pub(crate) at: Epoch,
    /// Hash of the version of the rules.
    pub(crate) rules: Digest,
    /// Number of the last entry that is looked at.
    pub(crate) seq: u64,
}

/// Standings with everything that they are made of.
#[derive(Debug)]
pub(crate) struct Stood {
    /// Which.
    pub(crate) triple: Triple,
    /// The competition as its ledger had it.
    pub(crate) competition: Arc<Competition>,
    /// The version of the rules.
    pub(crate) rules: Published,
    /// What was measured, in order.
    pub(crate) measured: FactsDocument,
    /// The same as standings read it.
    pub(crate) facts: Facts,
    /// Who competes.
    pub(crate) entities: Entities,
    /// What was decided.
    pub(crate) decisions: Decisions,
    /// What follows.
    pub(crate) standings: Standings,
}

/// Why there are no standings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoStandings {
    /// The ledger does not say so much.
    #[error(transparent)]
    Ledger(#[from] NoLedger),
    /// There are no facts.
    #[error(transparent)]
    Facts(#[from] NoFacts),
    /// No such version in the ledger up to that entry.
    #[error("the ledger up to entry {seq} has no rules with the hash {rules}")]
    Rules { rules: Digest, seq: u64 },
    /// It begins later.
    #[error("the competition starts at epoch {start}; there are no standings at epoch {at}")]
    NotStarted { start: Epoch, at: Epoch },
    /// What is asked for is impossible.
    #[error("there are no standings at epoch {at}: {problem}")]
    Impossible { at: Epoch, problem: Problem },
    /// The work was cut off.
    #[error("the standings were not finished")]
    Unfinished,
}

/// Works standings out, and keeps the last ones.
#[derive(Debug)]
pub(crate) struct Stands {
    store: Arc<dyn Store>,
    kept: Mutex<VecDeque<(Key, Place)>>,
    /// What was read of each competition.
    columns: Mutex<HashMap<Id, Arc<tokio::sync::Mutex<Option<Columns>>>>>,
}

/// Where standings are once they are worked out.
type Place = Arc<OnceCell<Arc<Stood>>>;

/// Whose, which, and made of what.
type Key = (Id, Triple, Digest);

impl Stands {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, kept: Mutex::default(), columns: Mutex::default() }
    }

    /// The standings of a competition; worked out once, however many ask.
    pub(crate) async fn stand(
        &self,
        held: &Held,
        ground: &Ground,
        triple: Triple,
    ) -> Result<Arc<Stood>, NoStandings> {
        let cell = self.cell((held.id().clone(), triple, ground.stamp(triple.at)));
        let made = cell.get_or_try_init(|| async { self.make(held, ground, triple).await.map(Arc::new) });
        made.await.cloned()
    }

    fn cell(&self, key: Key) -> Place {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(other, _)| *other == key);
        let entry = place.and_then(|place| kept.remove(place)).unwrap_or_else(|| (key, Arc::default()));
        let cell = Arc::clone(&entry.1);
        kept.push_front(entry);
        kept.truncate(KEPT);
        cell
    }

    fn columns(&self, id: &Id) -> Arc<tokio::sync::Mutex<Option<Columns>>> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(columns.entry(id.clone()).or_default())
    }

    /// What rules that are not published read, up to an epoch.
    pub(super) async fn facts(
        &self,
        ground: &Ground,
        rules: &[RuleSet],
        at: Epoch,
    ) -> Result<FactsDocument, NoFacts> {
        // Apart from what is kept: those are the columns of the published rules.
        ground.facts(&*self.store, rules, at, &mut None).await
    }

    async fn make(&self, held: &Held, ground: &Ground, triple: Triple) -> Result<Stood, NoStandings> {
        self.stand_as(held.until(triple.seq)?, ground, triple).await
    }

    /// The standings of a competition as it is, or would be; they are not kept.
    pub(crate) async fn stand_as(
        &self,
        competition: Arc<Competition>,
        ground: &Ground,
        triple: Triple,
    ) -> Result<Stood, NoStandings> {
        let rules = competition.rules().iter().find(|published| published.hash == triple.rules).cloned();
        let rules = rules.ok_or(NoStandings::Rules { rules: triple.rules, seq: triple.seq })?;
        self.stand_by(competition, ground, rules, triple).await
    }

    /// The standings of a competition under rules that nobody has published; the hash in `triple` is not looked at.
    pub(crate) async fn stand_under(
        &self,
        competition: Arc<Competition>,
        ground: &Ground,
        rules: RuleSet,
        triple: Triple,
    ) -> Result<Stood, NoStandings> {
        let unheard = NoStandings::Rules { rules: triple.rules, seq: triple.seq };
        let (moment, _) = competition.head().ok_or(unheard)?;
        let hash = canonical::hash(&rules).unwrap_or_default();
        let rules = Published { rules: Arc::new(rules), hash, simulation: None, moment };
        self.stand_by(competition, ground, rules, Triple { rules: hash, ..triple }).await
    }

    async fn stand_by(
        &self,
        competition: Arc<Competition>,
        ground: &Ground,
        rules: Published,
        triple: Triple,
    ) -> Result<Stood, NoStandings> {
        let (start, at) = (rules.rules.competition.start, competition.reads(triple.at));
        if at < start {
            return Err(NoStandings::NotStarted { start, at });
        }
        let mut versions: Vec<RuleSet> =
            competition.rules().iter().map(|published| (*published.rules).clone()).collect();
        if !competition.rules().iter().any(|published| published.hash == rules.hash) {
            versions.push((*rules.rules).clone());
        }
        let columns = self.columns(competition.id());
        let measured = ground.facts(&*self.store, &versions, at, &mut *columns.lock().await).await?;
        let working = tokio::task::spawn_blocking(move || {
            work_out(competition, rules, measured, triple, at)
                .map_err(|problem| NoStandings::Impossible { at, problem })
        });
        working.await.unwrap_or(Err(NoStandings::Unfinished))
    }
}

fn work_out(
    competition: Arc<Competition>,
    rules: Published,
    measured: FactsDocument,
    triple: Triple,
    at: Epoch,
) -> Result<Stood, Problem> {
    let entities = competition.entities_document()?;
    let decisions = competition.decisions_document()?;
    let facts = Facts::new(measured.clone())?;
    let standings = stand(&facts, &entities, &rules.rules, &decisions, at, triple.seq)?;
    Ok(Stood { triple, competition, rules, measured, facts, entities, decisions, standings })
}

impl Stood {
    /// The rules.
    pub(crate) fn rules(&self) -> &RuleSet {
        &self.rules.rules
    }
}
