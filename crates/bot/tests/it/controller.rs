//! A controller that verifies whatever it is told, and misbehaves when it is told to.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use apogee_dealbot::canonical::Signed;
use apogee_dealbot::desk::CanaryFound;
use apogee_dealbot::fault::Code;
use apogee_dealbot::plan::Bot;
use apogee_dealbot::protocol::{
    Ask, Beat, Beaten, CanaryTold, Complete, Completed, Held, Hello, Lease, Leases, Release, Task, Welcome,
    verify,
};
use apogee_dealbot::record::Record;
use apogee_domain::{Clock as _, Timestamp};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cid::Cid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use crate::world::{KEY, NAME, REGION, RealClock};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    Status(u16),
    /// It is not even looked at, and never answered.
    Away,
    /// It is done, and the answer never comes.
    Lost,
    /// It is done, and something else is answered.
    Garbage,
    Slow(Duration),
    /// Every lease is given twice.
    Twice,
}

type Tricks = Arc<dyn Fn(&str, u64) -> Option<Trick> + Send + Sync>;

/// A canary that came, signed by the bot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CanarySeen {
    pub(crate) at: i64,
    pub(crate) code: &'static str,
}

/// What happened.
pub(crate) struct Seen {
    tricks: Tricks,
    /// How often each path was asked.
    pub(crate) asked: HashMap<String, u64>,
    pub(crate) offer: VecDeque<Lease>,
    /// What was given and is not over, with the highest fence of its lane.
    pub(crate) given: Vec<Lease>,
    pub(crate) beats: Vec<Beat>,
    /// By slot and fence: the records that came, in the order in which they came, and whether they were taken as late.
    pub(crate) results: BTreeMap<(String, u64, u64), Vec<(Cid, bool)>>,
    pub(crate) records: HashMap<Cid, Record>,
    pub(crate) canaries: Vec<CanarySeen>,
    pub(crate) released: Vec<Held>,
    /// Whoever beats is told that another has the slot.
    pub(crate) taken: bool,
    pub(crate) welcome: Welcome,
    /// How far its clock is ahead, microseconds.
    pub(crate) ahead: i64,
    /// What no bot may do.
    pub(crate) wrong: Vec<String>,
}

pub(crate) struct Controller {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _serving: JoinSet<()>,
}

impl Controller {
    pub(crate) async fn start() -> Self {
        let seen = Seen {
            tricks: Arc::new(|_, _| None),
            asked: HashMap::new(),
            offer: VecDeque::new(),
            given: vec![],
            beats: vec![],
            results: BTreeMap::new(),
            records: HashMap::new(),
            canaries: vec![],
            released: vec![],
            taken: false,
            welcome: Welcome { now: 0, beat: 100_000, canary: 600_000_000 },
            ahead: 0,
            wrong: vec![],
        };
        let seen = Arc::new(Mutex::new(seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(seen.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, _serving: serving }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(crate) fn trick(&self, tricks: impl Fn(&str, u64) -> Option<Trick> + Send + Sync + 'static) {
        self.seen().tricks = Arc::new(tricks);
    }

    /// Offer a slot of each of so many miners.
    pub(crate) fn offer(&self, miners: u64, task: &Task) {
        let mut seen = self.seen();
        for miner in 0..miners {
            seen.offer.push_back(lease(miner, 1, task.clone()));
        }
    }

    /// What no bot may do was not done.
    pub(crate) fn check(&self) {
        let seen = self.seen();
        assert!(seen.wrong.is_empty(), "{:#?}", seen.wrong);
        for (of, results) in &seen.results {
            let [(first, _), rest @ ..] = results.as_slice() else { panic!("{of:?} without result") };
            assert!(
                rest.iter().all(|(cid, _)| cid == first),
                "{of:?} came as different records: {results:?}"
            );
        }
    }

    /// The one record of a miner's slot.
    pub(crate) fn record(&self, miner: u64) -> Record {
        let seen = self.seen();
        let of = seen.results.iter().find(|((name, ..), _)| *name == format!("t0{miner}"));
        seen.records[&of.unwrap().1[0].0].clone()
    }
}

pub(crate) fn lease(miner: u64, fence: u64, task: Task) -> Lease {
    let of = Held {
        network: "testnet".into(),
        race: "race".into(),
        kind: "retrieval".into(),
        miner: format!("t0{miner}"),
        slot: 7,
        fence,
    };
    Lease { of, attempt: 1, expires: i64::MAX, task, checkpoint: String::new() }
}

async fn answer(Of(seen): Of<Arc<Mutex<Seen>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let trick = {
        let mut seen = seen.lock().unwrap();
        let number = seen.asked.entry(path.clone()).or_default();
        let before = *number;
        *number += 1;
        (seen.tricks)(path.rsplit('/').next().unwrap(), before)
    };
    match trick {
        Some(Trick::Away) => std::future::pending().await,
        Some(Trick::Status(status)) => {
            return (StatusCode::from_u16(status).unwrap(), "not now").into_response();
        }
        Some(Trick::Slow(by)) => tokio::time::sleep(by).await,
        _ => {}
    }
    let answer = seen.lock().unwrap().handle(&path, &headers, &body, trick == Some(Trick::Twice));
    match trick {
        Some(Trick::Lost) => std::future::pending().await,
        Some(Trick::Garbage) => (StatusCode::OK, "<html>").into_response(),
        _ => answer,
    }
}

fn json(body: &impl Serialize) -> Response {
    serde_json::to_vec(body).unwrap().into_response()
}

impl Seen {
    fn handle(&mut self, path: &str, headers: &HeaderMap, body: &[u8], twice: bool) -> Response {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let now = Timestamp(RealClock.now().0 + self.ahead);
        let at = Timestamp(header("bot-time").parse().unwrap_or(0));
        let key = KEY.verifying_key();
        let verified = verify(&key, (NAME, path, at), header("bot-signature"), now);
        if let Err(error) = verified.and_then(|promised| promised.keeps(body)) {
            if self.ahead == 0 {
                self.wrong.push(format!("{path}: {error}"));
            }
            return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
        }
        if header("bot") != NAME || header("content-type") != "application/json" {
            self.wrong.push(format!("{path}: {headers:?}"));
        }
        match path {
            "/dealbot/v1/hello" => {
                let _: Hello = self.read(body);
                json(&Welcome { now: now.0, ..self.welcome.clone() })
            }
            "/dealbot/v1/leases" => {
                let ask: Ask = self.read(body);
                let free = usize::try_from(ask.free).unwrap().min(self.offer.len());
                let mut leases: Vec<Lease> = self.offer.drain(..free).collect();
                self.given.extend(leases.clone());
                if twice {
                    leases = leases.into_iter().flat_map(|lease| [lease.clone(), lease]).collect();
                }
                json(&Leases { leases })
            }
            "/dealbot/v1/beat" => {
                let beat: Beat = self.read(body);
                self.beats.push(beat);
                if self.taken {
                    return (StatusCode::GONE, "another has it").into_response();
                }
                json(&Beaten { expires: i64::MAX })
            }
            "/dealbot/v1/release" => {
                let release: Release = self.read(body);
                self.given.retain(|lease| lease.of != release.of);
                self.released.push(release.of);
                StatusCode::OK.into_response()
            }
            "/dealbot/v1/canary" => {
                let told: CanaryTold = self.read(body);
                let record = STANDARD.decode(&told.record).unwrap();
                let signature = STANDARD.decode(&told.signature).unwrap();
                let bot = Bot { name: NAME.into(), region: REGION.into() };
                let key = KEY.verifying_key();
                let found = CanaryFound::read(&bot, key.as_bytes(), &record, &signature).unwrap();
                let code = Record::decode(&record).unwrap().failure.map_or("", Code::as_str);
                self.canaries.push(CanarySeen { at: found.at().0, code });
                StatusCode::OK.into_response()
            }
            "/dealbot/v1/complete" => {
                let complete: Complete = self.read(body);
                json(&self.complete(complete))
            }
            other => {
                self.wrong.push(other.to_owned());
                StatusCode::NOT_FOUND.into_response()
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self, body: &[u8]) -> T {
        serde_json::from_slice(body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
    }

    fn complete(&mut self, complete: Complete) -> Completed {
        let bytes = STANDARD.decode(&complete.record).unwrap();
        let record = Record::decode(&bytes).unwrap();
        let signature: [u8; 64] = STANDARD.decode(&complete.signature).unwrap().try_into().unwrap();
        let Held { race, miner, slot, fence, .. } = complete.of.clone();
        let same = Signed::Record.verifies(&record.cid(), &KEY.verifying_key().to_bytes(), &signature)
            && (record.race.as_str(), record.slot.miner.as_str()) == (race.as_str(), miner.as_str())
            && (record.slot.number, record.fence, record.attempt) == (slot, fence, complete.attempt)
            && (record.bot.as_str(), record.region.as_str()) == (NAME, REGION);
        if !same {
            self.wrong.push(format!("{complete:?}"));
        }
        let mine = self.given.iter().position(|lease| lease.of == complete.of);
        let of = (miner, slot, fence);
        let known = self.results.get(&of).and_then(|results| results.first()).map(|(_, late)| *late);
        let late = known.unwrap_or(mine.is_none());
        if let Some(mine) = mine {
            self.given.remove(mine);
        }
        self.results.entry(of).or_default().push((record.cid(), late));
        self.records.insert(record.cid(), record);
        if late { Completed::Late } else { Completed::Kept }
    }
}
