//! The data of deals, made again while miners fetch it.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use apogee_domain::{Clock, Timestamp};
use apogee_payload::Car;
use apogee_store::{ProbeDeal, Store};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{Semaphore, mpsc};

/// Bytes that are made at once.
const CHUNK: u64 = 64 << 10;
/// CARs whose blocks are known, some KiB each: of the newest deals, which bots look for before they offer them, and of others.
const NEWEST: usize = 1_024;
const KNOWN: usize = 256;
/// How many fetch at a time.
const FETCHES: Most = Most { all: 2_048, of_one: 4 };
/// How many CARs are hashed at a time, and how many wait for that.
const MAKING: usize = 2;
const WAITING: Most = Most { all: 64, of_one: 2 };
/// Fetches that wait to be written down.
const TOLD: usize = 4_096;

/// The data of all deals.
#[derive(Debug)]
pub(crate) struct Shelf {
    cars: Arc<Mutex<Cars>>,
    making: Arc<Semaphore>,
    waiting: Arc<Mutex<Places>>,
    places: Arc<Mutex<Places>>,
    told: mpsc::Sender<Fetch>,
}

/// CARs whose blocks are known, from newest to oldest.
#[derive(Debug, Default)]
struct Cars {
    newest: VecDeque<(String, Arc<Car>)>,
    others: VecDeque<(String, Arc<Car>)>,
}

impl Cars {
    fn find(&self, id: &str) -> Option<Arc<Car>> {
        let mut cars = self.newest.iter().chain(&self.others);
        cars.find(|(other, _)| other == id).map(|(_, car)| Arc::clone(car))
    }
}

fn put_first(cars: &mut VecDeque<(String, Arc<Car>)>, most: usize, id: String, car: Arc<Car>) {
    cars.truncate(most.saturating_sub(1));
    cars.push_front((id, car));
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many places there are.
#[derive(Clone, Copy, Debug)]
struct Most {
    all: usize,
    of_one: usize,
}

/// Who fetches, or waits.
#[derive(Debug, Default)]
struct Places {
    total: usize,
    of: BTreeMap<String, usize>,
}

/// A place among them, given back when dropped: a miner that is slow keeps no other from its data.
#[derive(Debug)]
struct Place {
    places: Arc<Mutex<Places>>,
    miner: String,
}

impl Place {
    fn take(places: &Arc<Mutex<Places>>, miner: &str, most: Most) -> Option<Self> {
        let mut open = locked(places);
        let of = open.of.get(miner).copied().unwrap_or(0);
        if open.total >= most.all || of >= most.of_one {
            return None;
        }
        open.total += 1;
        open.of.insert(miner.to_owned(), of + 1);
        Some(Self { places: Arc::clone(places), miner: miner.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = locked(&self.places);
        open.total = open.total.saturating_sub(1);
        match open.of.get(&self.miner).copied() {
            Some(of) if of > 1 => drop(open.of.insert(self.miner.clone(), of - 1)),
            _ => drop(open.of.remove(&self.miner)),
        }
    }
}

/// The data of a deal.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    id: String,
    miner: String,
    car: Arc<Car>,
}

impl Data {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.car.size()
    }

    /// One byte of it. Whoever looks whether it is there is not fetching it, and needs no place.
    pub(crate) fn byte(&self, at: u64) -> Option<Bytes> {
        let mut buffer = [0; 1];
        (self.car.read_at(at, &mut buffer) == 1).then(|| Bytes::copy_from_slice(&buffer))
    }
}

/// What was fetched of a deal.
#[derive(Debug)]
pub(crate) struct Fetch {
    id: String,
    from: u64,
    to: u64,
}

impl Shelf {
    /// An empty one, and what is fetched from it.
    pub(super) fn new() -> (Self, mpsc::Receiver<Fetch>) {
        let (told, fetches) = mpsc::channel(TOLD);
        let making = Arc::new(Semaphore::new(MAKING));
        let shelf =
            Self { cars: Arc::default(), making, waiting: Arc::default(), places: Arc::default(), told };
        (shelf, fetches)
    }

    /// The data of a deal that was made just now.
    pub(super) fn add(&self, id: String, car: Car) {
        put_first(&mut locked(&self.cars).newest, NEWEST, id, Arc::new(car));
    }

    /// The data of a deal; `None` where too much is being made. What was begun is brought to its end whether or not somebody still waits for it.
    pub(super) async fn data(
        &self,
        deal: &ProbeDeal,
        make: impl FnOnce() -> Car + Send + 'static,
    ) -> Option<Data> {
        let data = |car| Some(Data { id: deal.id.clone(), miner: deal.key.miner.clone(), car });
        let found = locked(&self.cars).find(&deal.id);
        if let Some(car) = found {
            return data(car);
        }
        let place = Place::take(&self.waiting, &deal.key.miner, WAITING)?;
        let (cars, making, id) = (Arc::clone(&self.cars), Arc::clone(&self.making), deal.id.clone());
        let made = tokio::spawn(async move {
            let _place = place;
            let _turn = making.acquire_owned().await.ok()?;
            // Somebody else may have made it meanwhile.
            let found = locked(&cars).find(&id);
            if found.is_some() {
                return found;
            }
            let car = Arc::new(tokio::task::spawn_blocking(make).await.ok()?);
            put_first(&mut locked(&cars).others, KNOWN, id, Arc::clone(&car));
            Some(car)
        });
        data(made.await.ok().flatten()?)
    }

    /// Bytes `[from, to)` of it, as they are taken; `None` where too many fetch.
    pub(super) fn stream(&self, data: &Data, from: u64, to: u64) -> Option<Stream> {
        let place = Place::take(&self.places, &data.miner, FETCHES)?;
        let (id, car) = (data.id.clone(), Arc::clone(&data.car));
        Some(Stream { id, car, from, at: from, to, told: self.told.clone(), _place: place })
    }
}

/// Write down what is fetched, until nobody can fetch any more.
pub(super) async fn keep(mut fetches: mpsc::Receiver<Fetch>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    while let Some(fetch) = fetches.recv().await {
        if let Err(error) = put(&*store, &fetch, clock.now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(deal = fetch.id, error, "what was fetched of a deal is not written down");
        }
    }
}

async fn put(store: &dyn Store, fetch: &Fetch, now: Timestamp) -> Result<(), apogee_store::StoreError> {
    let mut work = store.begin().await?;
    work.put_fetch(&fetch.id, fetch.from, fetch.to, now).await?;
    work.commit().await
}

/// A range of a CAR, made as it is taken. What was taken is told at the end.
#[derive(Debug)]
pub(crate) struct Stream {
    id: String,
    car: Arc<Car>,
    from: u64,
    at: u64,
    to: u64,
    told: mpsc::Sender<Fetch>,
    _place: Place,
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.to.saturating_sub(self.at).min(CHUNK);
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(0)];
        let many = self.car.read_at(self.at, &mut buffer);
        if many == 0 {
            return Poll::Ready(None);
        }
        buffer.truncate(many);
        self.at = self.at.saturating_add(many as u64);
        Poll::Ready(Some(Ok(Frame::data(buffer.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.to
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.to.saturating_sub(self.at))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let fetch = Fetch { id: std::mem::take(&mut self.id), from: self.from, to: self.at };
        if self.at > self.from && self.told.try_send(fetch).is_err() {
            tracing::warn!("what was fetched of a deal is not written down: too much is fetched");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miner_that_is_slow_keeps_no_other_from_its_data() {
        let places = Arc::default();
        let take = |miner| Place::take(&places, miner, Most { all: 4, of_one: 3 });
        let mut held: Vec<_> = (0..3).map(|_| take("t01000").unwrap()).collect();
        assert!(take("t01000").is_none());
        let other = take("t01001").unwrap();
        assert!(take("t01002").is_none(), "there are four in all");
        held.pop();
        assert!(take("t01000").is_some());
        drop((held, other));
        let open = places.lock().unwrap();
        assert_eq!((open.total, open.of.len()), (0, 0));
    }

    fn deal(id: &str) -> ProbeDeal {
        let key = apogee_store::LaneKey {
            network: "simnet".parse().unwrap(),
            race: "sprint".into(),
            kind: apogee_domain::ProbeKind::Storage,
            miner: "t01000".into(),
        };
        ProbeDeal {
            key,
            slot: 1,
            id: id.into(),
            payload: 10,
            size: 0,
            root: String::new(),
            piece: String::new(),
            proposal: String::new(),
            document: vec![],
            made: Timestamp(0),
            start: apogee_domain::Epoch::GENESIS,
            end: apogee_domain::Epoch::GENESIS,
            after: 0,
            course: apogee_store::DealCourse::default(),
        }
    }

    fn car() -> Car {
        let bytes = apogee_payload::Payload::new(apogee_payload::Key::derive(&[1; 32], "one"), 10).unwrap();
        Car::new(apogee_payload::Dag::new(bytes, apogee_payload::Layout::default()))
    }

    #[tokio::test]
    async fn whoever_hangs_up_neither_frees_a_place_nor_loses_the_work() {
        let (shelf, _fetches) = Shelf::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (first, second) = (deal("one"), deal("two"));
        {
            // Dropped when it has begun.
            let asked = shelf.data(&first, move || {
                wait.recv().unwrap();
                car()
            });
            assert!(tokio::time::timeout(std::time::Duration::from_millis(50), asked).await.is_err());
        }
        assert_eq!(locked(&shelf.waiting).total, 1, "it is still made");
        go.send(()).unwrap();
        while locked(&shelf.waiting).total > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let found = shelf.data(&first, || unreachable!("it is known")).await.unwrap();
        assert_eq!(found.byte(0).map(|byte| byte.len()), Some(1));
        assert!(found.byte(found.size()).is_none());
        // Of one miner two wait at most.
        let held: Vec<_> = (0..2).map(|_| Place::take(&shelf.waiting, "t01000", WAITING).unwrap()).collect();
        assert!(shelf.data(&second, car).await.is_none());
        drop(held);
        assert!(shelf.data(&second, car).await.is_some());
        shelf.add("three".into(), car());
        assert!(shelf.data(&deal("three"), || unreachable!("it is known")).await.is_some());
    }
}
