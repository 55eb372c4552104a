//! A competition in a database, with what is around it: where commands that change one begin.

use std::sync::Arc;

use apogee_competition::{Competition, Entry, Refusal, Signed};
use apogee_domain::{Clock, Epoch, NetworkId};
use apogee_store::Store;

use super::source::{Database, known};
use super::{Answer, Failure};
use crate::claims::{NoState, NotFiled, Wants};
use crate::competitions::{
    Around, Effect, Ground, Held, NoEffect, NoLedger, NoShadow, NoStandings, NotAppended, Stands, Stood,
    Triple, World, append, effect,
};
use crate::edge::SystemClock;

/// A competition in a database.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) held: Held,
    pub(super) ground: Ground,
    pub(super) stands: Stands,
    pub(super) world: World,
}

impl Desk {
    /// The competition of that name, which has to be there.
    pub(super) async fn open(database: &Database, id: &str, recorded: bool) -> Result<Self, Failure> {
        let (_, place) = database.place()?;
        let store = place.existing().await?;
        let held = Held::load(&*store, id).await?;
        if held.head().is_none() {
            return Err(absent(&store, id).await?);
        }
        let ground = Ground::of(&*store, &held).await.map_err(Failure::world)?;
        let ground = ground.ok_or_else(|| Failure::input(format!("the network of {id} is not indexed")))?;
        Ok(Self::at(store, held, ground, recorded))
    }

    /// A competition of that name that is to be founded on an indexed network.
    pub(super) async fn found(
        database: &Database,
        id: &str,
        network: &NetworkId,
        recorded: bool,
    ) -> Result<Self, Failure> {
        let (_, place) = database.place()?;
        let store = place.existing().await?;
        let held = Held::load(&*store, id).await?;
        let network = known(&store, network).await?;
        let cursor = store.cursor(&network.id).await.map_err(Failure::world)?;
        let cursor = cursor.ok_or_else(|| Failure::input(format!("{} is not indexed yet", network.id)))?;
        Ok(Self::at(store, held, Ground::Index { network, cursor }, recorded))
    }

    pub(super) fn at(store: Arc<dyn Store>, held: Held, ground: Ground, recorded: bool) -> Self {
        let world = World { now: SystemClock.now(), source: None, recorded };
        Self { stands: Stands::new(Arc::clone(&store)), store, held, ground, world }
    }

    pub(super) const fn competition(&self) -> &Arc<Competition> {
        self.held.competition()
    }

    /// What is known besides the ledger, also of those who are concerned.
    pub(super) async fn around(&self, wants: &Wants) -> Result<Around, Failure> {
        Ok(Around::of(&*self.store, &self.held, &self.ground, &self.world, wants).await?)
    }

    /// The epoch that the next entry is of.
    pub(super) fn epoch(&self) -> Epoch {
        let last = self.competition().head().map(|(moment, _)| moment.epoch);
        last.into_iter().fold(self.ground.head(), Epoch::max)
    }

    /// What an entry does to everybody.
    pub(super) async fn effect(&self, entry: &Entry) -> Result<Option<Effect>, Failure> {
        Ok(effect(&self.stands, self.competition(), &self.ground, entry).await?)
    }

    /// The standings at an epoch under the rules that hold there, with the whole ledger.
    pub(super) async fn stand(&self, at: Epoch) -> Result<Arc<Stood>, Failure> {
        let competition = self.competition();
        let rules = competition.rules_at(at).ok_or_else(|| Failure::input("no rules are published yet"))?;
        let triple = Triple { at, rules: rules.hash, seq: competition.seq() };
        Ok(self.stands.stand(&self.held, &self.ground, triple).await?)
    }

    /// Put an entry into the ledger.
    pub(super) async fn append(&self, signed: &Signed) -> Result<Answer, Failure> {
        let mut wants = Wants::default();
        wants.act(&signed.entry.act);
        let around = self.around(&wants).await?;
        append(&*self.store, &self.held, signed, &around).await?;
        println!("#{} {} {}", signed.entry.seq, signed.entry.act.kind(), signed.hash);
        Ok(Answer::Yes)
    }
}

/// Says which competitions there are instead.
pub(super) async fn absent(store: &Arc<dyn Store>, id: &str) -> Result<Failure, Failure> {
    let heads = store.competitions().await.map_err(Failure::world)?;
    let names: Vec<String> = heads.into_iter().map(|head| head.competition).take(20).collect();
    Ok(Failure::input(match names.as_slice() {
        [] => format!("no competition {id} in the database, which has none"),
        names => format!("no competition {id} in the database, which has {}", names.join(", ")),
    }))
}

/// A refusal with its kind before it, and what stands in the way.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let blockers: Vec<String> =
            refusal.blockers.iter().filter_map(|blocker| serde_json::to_string(blocker).ok()).collect();
        let blockers = if blockers.is_empty() { String::new() } else { format!(": {}", blockers.join(", ")) };
        Self::input(format!("{}: {refusal}{blockers}", refusal.kind))
    }
}

impl From<NoLedger> for Failure {
    fn from(error: NoLedger) -> Self {
        match error {
            NoLedger::Store(error) => Self::world(error),
            error => Self::input(error),
        }
    }
}

impl From<NoStandings> for Failure {
    fn from(error: NoStandings) -> Self {
        match error {
            NoStandings::Ledger(error) => error.into(),
            NoStandings::Facts(error) => error.into(),
            NoStandings::Unfinished => Self::world(error),
            error => Self::input(error),
        }
    }
}

impl From<NoEffect> for Failure {
    fn from(error: NoEffect) -> Self {
        match error {
            NoEffect::Refused(refusal) => (*refusal).into(),
            NoEffect::Standings(error) => error.into(),
            NoEffect::Report(error) => Self::world(error),
        }
    }
}

impl From<NotAppended> for Failure {
    fn from(error: NotAppended) -> Self {
        match error {
            NotAppended::Refused(refusal) => (*refusal).into(),
            error if error.is_conflict() => {
                Self::input("somebody else was faster: propose the act again, on top of the ledger as it is")
            }
            error => Self::world(error),
        }
    }
}

impl From<NotFiled> for Failure {
    fn from(error: NotFiled) -> Self {
        match error {
            NotFiled::Refused(refusal) => (*refusal).into(),
            NotFiled::Ledger(error) => error.into(),
            NotFiled::State(error) => Self::world(error),
            NotFiled::Store(error) => Self::world(error),
            error => Self::input(error),
        }
    }
}

impl From<NoState> for Failure {
    fn from(error: NoState) -> Self {
        Self::world(error)
    }
}

impl From<NoShadow> for Failure {
    fn from(error: NoShadow) -> Self {
        Self::world(error)
    }
}
