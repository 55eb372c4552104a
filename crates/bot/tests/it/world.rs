use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apogee_bot::{BotError, Canary, Patience, Settings, run};
use apogee_dealbot::protocol::{Part, Task};
use apogee_domain::{Clock, Timestamp};
use apogee_outbound::Reach;
use apogee_payload::{Dag, Key, Layout, Payload};
use apogee_simprovider::gateway::{Gateway, Library};
use cid::Cid;
use ed25519_dalek::SigningKey;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
pub(crate) const NAME: &str = "eu-1";
pub(crate) const REGION: &str = "eu";
/// About how many bytes the CAR of the file has.
pub(crate) const SIZE: u64 = 450_000;

#[derive(Debug)]
pub(crate) struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "bots and their controller are held to the real one")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(since.as_micros().try_into().unwrap())
    }
}

/// A file of 13 leaves under two levels of nodes.
pub(crate) fn file() -> (Cid, Library) {
    let payload = Payload::new(Key::from_bytes([3; 32]), 400_000).unwrap();
    let dag = Dag::new(payload, Layout::new(32_000, 4).unwrap());
    let mut library = Library::default();
    for block in dag.blocks() {
        library.put_block(*block.cid(), dag.bytes(block));
    }
    (*dag.root(), library)
}

/// A provider of the file, and the task to get it from there.
pub(crate) async fn provider() -> (Gateway, Task) {
    let (root, library) = file();
    let provider = Gateway::start(library).await.unwrap();
    let task = Task::Gateway {
        url: provider.url(),
        root: root.to_string(),
        size: SIZE,
        part: Part::Whole,
        private: true,
    };
    (provider, task)
}

pub(crate) fn settings(controller: String, outbox: &Path, canary: &Gateway) -> Settings {
    let millis = Duration::from_millis;
    Settings {
        controller,
        name: NAME.into(),
        region: REGION.into(),
        key: KEY.clone(),
        outbox: outbox.to_owned(),
        attempts: 8,
        canary: Canary { url: canary.url(), root: file().0.to_string(), size: SIZE },
        reach: Reach::AlsoPrivate,
        // Nobody is asked: all addresses are numbers.
        resolvers: vec!["127.0.0.1:9".parse().unwrap()],
        patience: Patience {
            controller: millis(1500),
            ask: millis(20),
            again: millis(20),
            longest: millis(200),
            connect: millis(5000),
            idle: millis(5000),
            retrieval: millis(10_000),
            deal: millis(5000),
            drain: millis(5000),
        },
    }
}

/// A bot that runs.
pub(crate) struct Bot {
    end: watch::Sender<bool>,
    running: JoinHandle<Result<(), BotError>>,
}

impl Bot {
    pub(crate) fn start(settings: Settings) -> Self {
        let (end, ended) = watch::channel(false);
        Self { end, running: tokio::spawn(run(settings, Arc::new(RealClock), ended)) }
    }

    pub(crate) fn end(&self) {
        self.end.send_replace(true);
    }

    pub(crate) async fn ended(self) {
        self.end();
        self.running.await.unwrap().unwrap();
    }
}

/// Wait until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..4000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came to be: {what}");
}

/// Names of what is in a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}
