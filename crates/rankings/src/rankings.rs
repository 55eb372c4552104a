use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apogee_domain::{NetworkId, SeriesName};
use apogee_leaderboard::{Order, Ranking, TooMany};
use apogee_store::{EpochRecord, Store, StoreError};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::shelf::Shelf;
use crate::{By, Column, Key};

/// Rankings of a network's newest epoch that are made or wait for it. More than that nobody would wait for.
const WAITING: usize = 32;

/// Those of its past epochs: one is made, and one is next.
const PAST: usize = 2;

/// How many may wait for what is made of past epochs, of all networks together. Whoever waits keeps a place where answers are made, and those who
/// ask for the newest epoch need some as well.
const PATIENT: usize = 4;

/// How much is kept, and when something older will do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all rankings, their names and orders. The one that was made last is kept however large it is.
    pub bytes: usize,
    /// Rankings, however small.
    pub count: usize,
    /// From more participants than this on, an older ranking is shown while a newer one is made.
    pub many: usize,
    /// For how long at most, from when on a newer one was asked for.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 << 20, count: 500, many: 50_000, patience: Duration::from_secs(60) }
    }
}

/// Why there is no ranking.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoRanking {
    /// The database does not answer.
    #[error("the participants cannot be read")]
    Store(#[source] Arc<StoreError>),
    /// There are too many participants.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The chain has another epoch in that place by now.
    #[error("the epoch was replaced meanwhile")]
    Replaced,
    /// Too many others wait; that is said at once.
    #[error("too many rankings are being made")]
    Crowded,
    /// The work was cut off.
    #[error("the ranking was not finished")]
    Unfinished,
}

impl From<StoreError> for NoRanking {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// A ranking, and which one it is.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub key: Key,
    /// The rows.
    pub ranking: Arc<Ranking>,
    /// The record of its epoch, where it is not the one that was asked for but of a moment ago.
    pub older: Option<EpochRecord>,
}

type Made = Result<Arc<Ranking>, NoRanking>;
type Making = Shared<BoxFuture<'static, Made>>;

/// Makes rankings, and keeps them.
pub struct Rankings {
    store: Arc<dyn Store>,
    state: Mutex<State>,
    patient: Semaphore,
}

struct State {
    shelf: Shelf,
    making: HashMap<Key, Making>,
    places: HashMap<NetworkId, Arc<Places>>,
}

/// Where those wait who work on a network.
struct Places {
    /// One works.
    work: Semaphore,
    /// Of those who ask for a past epoch one waits for that: whoever asks for the newest is next.
    past: Semaphore,
}

/// Given up in this order: nobody else of the past is there yet when others are let work.
type Turn<'a> = (SemaphorePermit<'a>, Option<SemaphorePermit<'a>>);

impl Places {
    /// The turn of whoever asks for a past epoch, or for the newest.
    async fn turn(&self, is_past: bool) -> Result<Turn<'_>, NoRanking> {
        let first = match is_past {
            true => Some(self.past.acquire().await.map_err(|_| NoRanking::Unfinished)?),
            false => None,
        };
        let alone = self.work.acquire().await.map_err(|_| NoRanking::Unfinished)?;
        Ok((alone, first))
    }
}

impl fmt::Debug for Rankings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rankings").finish_non_exhaustive()
    }
}

/// Forgets that a ranking is being made, however that ends.
struct Ended {
    rankings: Arc<Rankings>,
    key: Key,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.rankings.state().making.remove(&self.key);
    }
}

impl Rankings {
    /// None so far.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Self {
        let state = State { shelf: Shelf::new(limits), making: HashMap::new(), places: HashMap::new() };
        Self { store, state: Mutex::new(state), patient: Semaphore::new(PATIENT) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of somebody who waits; one of a few where it is for a past epoch.
    fn wait(&self, key: &Key) -> Result<Option<SemaphorePermit<'_>>, NoRanking> {
        let place = key.is_past.then(|| self.patient.try_acquire().map_err(|_| NoRanking::Crowded));
        place.transpose()
    }

    /// This ranking; it is made where it is not there.
    ///
    /// # Errors
    /// [`NoRanking`] says why there is none.
    pub async fn at(self: &Arc<Self>, key: &Key) -> Result<Found, NoRanking> {
        let (_place, making) = {
            let mut state = self.state();
            match state.shelf.get(key) {
                Some(ranking) => return Ok(Found { key: key.clone(), ranking, older: None }),
                None => (self.wait(key)?, self.make(&mut state, key)?),
            }
        };
        Ok(Found { key: key.clone(), ranking: making.await?, older: None })
    }

    /// This ranking, or an earlier one where it is still being made and many are ranked. Where the epoch is `pinned`, none of another epoch.
    ///
    /// # Errors
    /// [`NoRanking`] says why there is none.
    pub async fn near(self: &Arc<Self>, key: &Key, pinned: bool) -> Result<Found, NoRanking> {
        let older = {
            let mut state = self.state();
            if let Some(ranking) = state.shelf.get(key) {
                return Ok(Found { key: key.clone(), ranking, older: None });
            }
            state.shelf.older(key, pinned, Instant::now())
        };
        if let Some((earlier, ranking)) = older {
            let scope = ranking.scope();
            let record = self.store.epoch(&scope.network, scope.at).await?;
            // A fork may have replaced it.
            if let Some(record) = record.filter(|record| record.digest == scope.chain) {
                let mut state = self.state();
                if !state.making.keys().any(|other| other.is_sibling(key)) {
                    // Where too many wait, the next visitor asks again.
                    drop(self.make(&mut state, key));
                }
                drop(state);
                return Ok(Found { key: earlier, ranking, older: Some(record) });
            }
        }
        self.at(key).await
    }

    /// The rows of a ranking in another order; `None` where it is that of the ranks.
    ///
    /// # Errors
    /// [`NoRanking`] where the other series cannot be ranked.
    pub async fn order(self: &Arc<Self>, found: &Found, by: &By) -> Result<Option<Arc<Order>>, NoRanking> {
        let ranking = Arc::clone(&found.ranking);
        let own = |series: &SeriesName| ranking.scope().series == *series;
        if matches!(&by.column, Column::Series(series) if by.descending && own(series)) {
            return Ok(None);
        }
        if let Some(order) = self.state().shelf.order(&found.key, by) {
            return Ok(Some(order));
        }
        let other = match &by.column {
            Column::Name => None,
            Column::Series(series) if own(series) => Some(Arc::clone(&ranking)),
            Column::Series(series) => Some(self.at(&found.key.by(series)).await?.ranking),
        };
        let _place = self.wait(&found.key)?;
        let places = self.places(&mut self.state(), &found.key);
        let _turn = places.turn(found.key.is_past).await?;
        if let Some(order) = self.state().shelf.order(&found.key, by) {
            return Ok(Some(order));
        }
        let descending = by.descending;
        let sorting = tokio::task::spawn_blocking(move || match other {
            Some(other) => ranking.ordered_by(&other, descending),
            None => ranking.ordered_by_name(descending),
        });
        let order = Arc::new(sorting.await.map_err(|_| NoRanking::Unfinished)?);
        self.state().shelf.put_order(&found.key, by.clone(), Arc::clone(&order));
        Ok(Some(order))
    }

    /// Make again, one after the other, what is kept of a network's many participants and older than `newest`, where somebody looked at it; and
    /// `newest` itself, unless few are in it.
    pub async fn renew_all(self: &Arc<Self>, newest: &Key) {
        let behind = self.state().shelf.behind(newest, Instant::now());
        for series in behind {
            let key = newest.by(&series);
            let making = self.make(&mut self.state(), &key);
            if let Ok(making) = making {
                // Whoever asks for it hears what is wrong.
                drop(making.await);
            }
        }
    }

    fn places(&self, state: &mut State, key: &Key) -> Arc<Places> {
        let places = state.places.entry(key.scope.network.clone());
        let new = || Arc::new(Places { work: Semaphore::new(1), past: Semaphore::new(1) });
        Arc::clone(places.or_insert_with(new))
    }

    /// Begin to make a ranking, or join those who wait for it.
    fn make(self: &Arc<Self>, state: &mut State, key: &Key) -> Result<Making, NoRanking> {
        if let Some(making) = state.making.get(key) {
            return Ok(making.clone());
        }
        let (network, most) = (&key.scope.network, if key.is_past { PAST } else { WAITING });
        let before = |other: &&Key| other.is_past == key.is_past && other.scope.network == *network;
        if state.making.keys().filter(before).count() >= most {
            return Err(NoRanking::Crowded);
        }
        let places = self.places(state, key);
        let ended = Ended { rankings: Arc::clone(self), key: key.clone() };
        // A task of its own: it ends well when nobody waits any more.
        let task = tokio::spawn(async move {
            let Ended { rankings, key } = &ended;
            let made = rankings.work_out(&places, key).await;
            if let Ok(ranking) = &made {
                rankings.state().shelf.put(key.clone(), Arc::clone(ranking));
            }
            drop(ended);
            made
        });
        let making = async move { task.await.unwrap_or(Err(NoRanking::Unfinished)) }.boxed().shared();
        state.making.insert(key.clone(), making.clone());
        Ok(making)
    }

    async fn work_out(&self, places: &Places, key: &Key) -> Made {
        // So many rows are in memory twice while they are ranked.
        let _turn = places.turn(key.is_past).await?;
        let scope = key.scope.clone();
        let mut rows = self.store.board(&scope.network, &scope.series, scope.at).await?;
        let record = self.store.epoch(&scope.network, scope.at).await?;
        if record.is_none_or(|record| record.digest != scope.chain) {
            return Err(NoRanking::Replaced);
        }
        let known = self.state().shelf.names(key);
        let ranking = tokio::task::spawn_blocking(move || {
            rows.retain(|(subject, _)| !subject.is_network());
            Ranking::new(scope, &rows, known.as_ref())
        });
        Ok(Arc::new(ranking.await.map_err(|_| NoRanking::Unfinished)??))
    }
}
