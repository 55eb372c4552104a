//! Recounts beside serving: one at a time, of copies that reach further than what was counted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Epoch, NetworkId, Timestamp};
use apogee_store::{Recount, RecountState, Store, StoreError};
use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};

use super::child::{Counter, NotCounted};
use super::decided::reached;
use super::folder::{Folder, Plan, Seen};
use super::judged::{NoReport, NotKept, Written};
use crate::cli::chain_of;
use crate::config;
use crate::spacemesh::{Described, NotDescribed};

/// How often a recount that something ended is gone on with before it is given up until there is another copy.
const TRIES: u32 = 3;
/// How long to wait after a failure that may pass.
const RETRY: Duration = Duration::from_secs(30);

/// How the recounts of a network stand in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// One works, since then, on a copy up to that layer.
    Works { since: Timestamp, to: Epoch },
    /// The last one came to nothing.
    Failed { at: Timestamp, why: &'static str },
}

/// Where that is told.
pub(crate) type Told = Arc<ArcSwap<Option<Counting>>>;

/// Held by whoever counts: there is one recount at a time.
pub(crate) type Turn = Arc<Mutex<()>>;

/// A copy that is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) copy: PathBuf,
    pub(crate) seen: Seen,
    /// Its last layer.
    pub(crate) layer: Epoch,
}

/// Who sees to the recounts of a network.
#[derive(Debug)]
pub(crate) struct Keeper {
    network: NetworkId,
    described: Described,
    counter: Counter,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    turn: Turn,
    told: Told,
    /// What there was when something failed last: it is not tried again.
    failed: Option<Head>,
}

/// Why there is no recount.
#[derive(Debug, thiserror::Error)]
enum NoRecount {
    #[error("the files of a recount cannot be kept")]
    Folder(#[from] io::Error),
    #[error("nothing was counted")]
    Counted(#[from] NotCounted),
    #[error("the report is not read")]
    Report(#[from] NoReport),
    #[error("the report is not kept")]
    Kept(#[from] NotKept),
    #[error("the database refuses")]
    Store(#[from] StoreError),
    #[error("a task was cut off")]
    Task(#[from] tokio::task::JoinError),
}

impl NoRecount {
    /// Whether trying again may help.
    const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Kept(NotKept::Store(_) | NotKept::Described(NotDescribed::Store(_)))
        )
    }

    /// For pages, which say no paths.
    const fn word(&self) -> &'static str {
        match self {
            Self::Folder(_) | Self::Task(_) => "files",
            Self::Counted(NotCounted::TooLong(_)) => "too-long",
            Self::Counted(NotCounted::Ended(_)) => "ended",
            Self::Counted(_) => "process",
            Self::Store(_) | Self::Kept(NotKept::Store(_) | NotKept::Described(NotDescribed::Store(_))) => {
                "database"
            }
            Self::Report(_) | Self::Kept(_) => "report",
        }
    }
}

impl Keeper {
    /// Of a network; `None` where nothing is begun by itself. `file` says what the network is, `beside` is the file of the database, if it is one.
    pub(crate) fn of(
        network: &NetworkId,
        (described, file): (&Described, &Path),
        settings: Option<&config::Recount>,
        beside: Option<&Path>,
        (store, clock, turn): (Arc<dyn Store>, Arc<dyn Clock>, Turn),
    ) -> io::Result<Option<Self>> {
        let limits = settings.cloned().unwrap_or_default();
        if !limits.start || (settings.is_none() && !described.is_recounted()) {
            return Ok(None);
        }
        let default = || beside.map(|file| file.parent().unwrap_or(Path::new("")).join("recounts"));
        let Some(folder) = limits.folder.clone().or_else(default) else {
            tracing::warn!(network.id = network.as_str(), "without recount.folder no recount is begun");
            return Ok(None);
        };
        let counter = Counter {
            described: std::path::absolute(file)?,
            folder: Folder::new(std::path::absolute(folder)?.join(format!("{network}.recount"))),
            limits,
            program: std::env::current_exe()?,
        };
        let (network, described) = (network.clone(), described.clone());
        let told = Told::default();
        Ok(Some(Self { network, described, counter, store, clock, turn, told, failed: None }))
    }

    /// How it stands, whenever somebody looks.
    pub(crate) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }

    /// Count whatever can be counted until `end` says so: what an earlier process left first, then each copy that comes and reaches further.
    pub(crate) async fn keep(
        mut self,
        mut heads: watch::Receiver<Option<Head>>,
        mut end: watch::Receiver<bool>,
    ) {
        loop {
            // What fails of an earlier copy says nothing of the newest.
            let left = self.counter.folder.begun().is_some();
            let head = heads.borrow_and_update().clone();
            let turned = tokio::select! {
                // A process that counts ends with what waits for it.
                _ = end.wait_for(|end| *end) => return,
                turned = self.turn(head.as_ref()) => turned,
            };
            let again = turned.is_err_and(|error| self.failed(&error, head.filter(|_| !left)) || left);
            tokio::select! {
                _ = end.wait_for(|end| *end) => return,
                changed = heads.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if again => {}
            }
        }
    }

    /// Say that there is no recount, and why. Whether trying again may help; if not, what it is of is not tried again, and not gone on with.
    fn failed(&mut self, error: &NoRecount, head: Option<Head>) -> bool {
        let failed = Some(Counting::Failed { at: self.clock.now(), why: error.word() });
        let before = self.told.swap(Arc::new(failed));
        let same = matches!(&*before, Some(Counting::Failed { why, .. }) if *why == error.word());
        if !same || !error.may_pass() {
            let id = self.network.as_str();
            // With its causes: pages say no more than a word of it.
            tracing::error!(network.id = id, error = chain_of(error), "there is no recount");
        }
        if !error.may_pass() {
            self.failed = head;
            let _ = self.counter.folder.clear();
        }
        error.may_pass()
    }

    fn tell(&self, counting: Option<Counting>) {
        self.told.store(Arc::new(counting));
    }

    /// Whatever is to be done now.
    async fn turn(&self, head: Option<&Head>) -> Result<(), NoRecount> {
        let folder = &self.counter.folder;
        if let Some(begun) = folder.begun() {
            self.count(begun).await?;
        }
        let Some(head) = head.filter(|head| self.failed.as_ref() != Some(head)) else { return Ok(()) };
        let kept = self.store.recounts(&self.network).await?;
        if !is_due(head.layer, self.described.recount().config.hdist, &kept) {
            return Ok(());
        }
        let from = reached(&*self.store, &self.network).await?.plus(1);
        let plan = Plan { from, to: head.layer };
        let (place, copy, seen) = (folder.clone(), head.copy.clone(), head.seen);
        // A file that is replaced meanwhile comes as another head.
        if tokio::task::spawn_blocking(move || place.take(&copy, seen, plan)).await?? {
            self.count(plan).await?;
        }
        Ok(())
    }

    /// Go on with what is in the folder, and keep what it comes to.
    async fn count(&self, Plan { from, to }: Plan) -> Result<(), NoRecount> {
        let _turn = self.turn.lock().await;
        let folder = &self.counter.folder;
        if !folder.report().is_file() {
            self.tell(Some(Counting::Works { since: self.clock.now(), to }));
            let mut tries = 1;
            while let Err(error) = self.counter.count(from).await {
                let ended = matches!(error, NotCounted::Ended(_));
                if !ended || tries == TRIES {
                    return Err(error.into());
                }
                tries += 1;
            }
        }
        let path = folder.report();
        let written = tokio::task::spawn_blocking(move || Written::read(&path)).await??;
        let kept = written.keep(&*self.store, &self.network, &self.described, self.clock.now()).await?;
        folder.clear()?;
        let (id, input) = (self.network.as_str(), kept.recount.input.as_str());
        match (kept.differs, written.report.differs) {
            (Some(layer), _) => {
                tracing::warn!(network.id = id, input, %layer, "votes decide otherwise than the index");
            }
            (None, Some(layer)) => {
                tracing::warn!(network.id = id, input, %layer, "votes decide otherwise than the node");
            }
            (None, None) => tracing::info!(network.id = id, input, "votes decide as the node and the index"),
        }
        self.tell(None);
        Ok(())
    }
}

/// Whether votes may decide on a layer that no recount reached, and nobody is asked to decide on another one.
fn is_due(head: Epoch, hdist: u32, kept: &[Recount]) -> bool {
    // The last `hdist` layers follow the committee, not votes.
    let countable = head.minus(hdist.into());
    // One that was cancelled says nothing; the same copy would say it again.
    let standing = kept.iter().filter(|recount| recount.state != RecountState::Cancelled);
    let verified = standing.map(|recount| recount.verified).max().unwrap_or(Epoch::GENESIS);
    let further = kept.iter().all(|recount| recount.last < head);
    further && countable > verified && kept.iter().all(|recount| recount.state != RecountState::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_counted_once_and_while_nobody_is_asked_to_decide() {
        let at = |height: u32| Epoch::GENESIS.plus(height);
        let kept = |last: u32, verified: u32, state| Recount {
            input: last.to_string(),
            first: at(32),
            last: at(last),
            verified: at(verified),
            opinion: String::new(),
            at: Timestamp(0),
            state,
        };
        assert!(!is_due(at(5), 5, &[]), "the committee's layers alone");
        assert!(is_due(at(6), 5, &[]));
        let open = kept(64, 51, RecountState::Open);
        assert!(!is_due(at(95), 5, std::slice::from_ref(&open)));
        for state in [RecountState::Applied, RecountState::Cancelled] {
            let decided = [kept(64, 51, state)];
            assert!(!is_due(at(64), 5, &decided), "the same copy, after another start");
            assert!(is_due(at(65), 5, &decided));
        }
        let wrong = [kept(64, 64, RecountState::Cancelled)];
        assert!(is_due(at(65), 5, &wrong), "what was cancelled reached nothing");
        let ahead = [kept(64, 60, RecountState::Applied)];
        assert!(!is_due(at(65), 5, &ahead) && is_due(at(66), 5, &ahead));
    }
}
