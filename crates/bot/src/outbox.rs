//! Results on disk, until the controller has them.
//!
//! A result is a file that is named after what it holds: written under another name, brought to the disk, and only then renamed, and the folder brought to the disk as
//! well. So what has its name is whole, and what is whole is sent until the controller has answered for good, whatever happens in between.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_dealbot::canonical;
use apogee_dealbot::protocol::{CanaryTold, Complete, MAX_REQUEST};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Most results that are kept: those that wait, those that were refused and those that cannot be read. Then no more are made.
pub(crate) const MOST: usize = 4096;
/// Room that has to be there, bytes: for a result as large as they get, twice.
const ROOM: usize = 2 * MAX_REQUEST;

const WHOLE: &str = "json";
const PART: &str = "part";
const REFUSED: &str = "refused";
const TORN: &str = "torn";

/// Something that the controller has to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// The result of an attempt.
    Complete(Complete),
    /// A probe of the organiser's own provider.
    Canary(CanaryTold),
}

impl Told {
    /// What it is called: a record by its CID, and the same for a canary. `None` for a record that is none.
    fn name(&self) -> Option<String> {
        let (before, record) = match self {
            Self::Complete(complete) => ("", &complete.record),
            Self::Canary(told) => ("canary-", &told.record),
        };
        let record = STANDARD.decode(record).ok()?;
        Some(format!("{before}{}", canonical::name(&record)))
    }
}

/// A step with the disk did not go well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboxError {
    #[error("{path:?} could not be {what}")]
    Disk { what: &'static str, path: PathBuf, source: io::Error },
    #[error("another bot uses {0:?}")]
    InUse(PathBuf),
    #[error("it could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("its record is none")]
    NoRecord,
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutboxError {
    let path = path.to_owned();
    move |source| OutboxError::Disk { what, path, source }
}

#[derive(Debug, Default)]
struct Files {
    /// Names of what waits, in the order in which it is sent.
    waiting: VecDeque<String>,
    /// How many were set aside.
    aside: usize,
}

/// The folder, and what is in it.
#[derive(Debug)]
pub(crate) struct Outbox {
    folder: PathBuf,
    files: Mutex<Files>,
    /// Something came.
    came: Notify,
    /// Held as long as this is.
    _lock: File,
}

impl Outbox {
    /// Open the folder, and find what waits in it. What was not whole when it was left had not been promised to anybody, and goes.
    pub(crate) fn open(folder: &Path) -> Result<Self, OutboxError> {
        let mut files = Files::default();
        for folder in [folder, &folder.join(REFUSED), &folder.join(TORN)] {
            fs::create_dir_all(folder).map_err(failed("made", folder))?;
        }
        let lock = folder.join("lock");
        let file = File::create(&lock).map_err(failed("made", &lock))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OutboxError::InUse(folder.to_owned()),
            TryLockError::Error(error) => failed("locked", &lock)(error),
        })?;
        for name in list(folder)? {
            match name.rsplit_once('.') {
                Some((name, WHOLE)) => files.waiting.push_back(name.to_owned()),
                Some((_, PART)) => {
                    let path = folder.join(&name);
                    fs::remove_file(&path).map_err(failed("removed", &path))?;
                }
                _ => {}
            }
        }
        for aside in [REFUSED, TORN] {
            files.aside = files.aside.saturating_add(list(&folder.join(aside))?.len());
        }
        Ok(Self { folder: folder.to_owned(), files: Mutex::new(files), came: Notify::new(), _lock: file })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.files().waiting.len()
    }

    /// Whether no more should be made.
    pub(crate) fn is_full(&self) -> bool {
        let files = self.files();
        files.waiting.len().saturating_add(files.aside) >= MOST
    }

    /// Keep something until it is sent. Once this says that it is kept, it is, whatever happens. Told again, it is kept once.
    pub(crate) async fn put(self: &Arc<Self>, told: &Told) -> Result<(), OutboxError> {
        let name = told.name().ok_or(OutboxError::NoRecord)?;
        let bytes = serde_json::to_vec(told)?;
        let outbox = self.clone();
        // Its steps are made whether or not somebody waits for them.
        off(move || {
            outbox.write(&name, &bytes)?;
            let mut files = outbox.files();
            if !files.waiting.contains(&name) {
                files.waiting.push_back(name);
            }
            drop(files);
            outbox.came.notify_one();
            Ok(())
        })
        .await
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OutboxError> {
        let (part, whole) = (self.path(name, PART), self.path(name, WHOLE));
        let mut file = File::create(&part).map_err(failed("made", &part))?;
        file.write_all(bytes).map_err(failed("written", &part))?;
        file.sync_all().map_err(failed("brought to the disk", &part))?;
        fs::rename(&part, &whole).map_err(failed("renamed", &part))?;
        sync(&self.folder)
    }

    /// What waits longest. `None` where nothing does.
    pub(crate) async fn first(self: &Arc<Self>) -> Result<Option<(String, Told)>, OutboxError> {
        let outbox = self.clone();
        off(move || {
            loop {
                let Some(name) = outbox.files().waiting.front().cloned() else { return Ok(None) };
                if let Some(told) = outbox.read(&name)? {
                    return Ok(Some((name, told)));
                }
                tracing::error!(name, "a result cannot be read, and is set aside");
                outbox.aside(&name, TORN)?;
            }
        })
        .await
    }

    /// `None` for what is not what its name says.
    fn read(&self, name: &str) -> Result<Option<Told>, OutboxError> {
        let path = self.path(name, WHOLE);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed("opened", &path))?,
        };
        let mut bytes = vec![];
        file.take(MAX_REQUEST as u64).read_to_end(&mut bytes).map_err(failed("read", &path))?;
        let told = serde_json::from_slice::<Told>(&bytes).ok();
        Ok(told.filter(|told| told.name().as_deref() == Some(name)))
    }

    /// Let what comes next be the first.
    pub(crate) fn rotate(&self) {
        let mut files = self.files();
        if !files.waiting.is_empty() {
            files.waiting.rotate_left(1);
        }
    }

    /// The controller has it.
    pub(crate) async fn sent(self: &Arc<Self>, name: String) -> Result<(), OutboxError> {
        let outbox = self.clone();
        // Where this is lost it is sent again, which does no harm.
        off(move || {
            let path = outbox.path(&name, WHOLE);
            fs::remove_file(&path).or_else(unless_gone).map_err(failed("removed", &path))?;
            outbox.forget(&name);
            Ok(())
        })
        .await
    }

    /// The controller will never take it.
    pub(crate) async fn refused(self: &Arc<Self>, name: String) -> Result<(), OutboxError> {
        let outbox = self.clone();
        off(move || outbox.aside(&name, REFUSED)).await
    }

    fn aside(&self, name: &str, folder: &str) -> Result<(), OutboxError> {
        let path = self.path(name, WHOLE);
        let folder = self.folder.join(folder);
        let to = folder.join(format!("{name}.{WHOLE}"));
        fs::rename(&path, &to).or_else(unless_gone).map_err(failed("set aside", &path))?;
        sync(&folder)?;
        sync(&self.folder)?;
        self.forget(name);
        let mut files = self.files();
        files.aside = files.aside.saturating_add(1);
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.files().waiting.retain(|waiting| waiting != name);
    }

    /// Wait until something is there to be sent.
    pub(crate) async fn some(&self) {
        while self.waiting() == 0 {
            self.came.notified().await;
        }
    }

    /// Whether there is room on the disk, and it can be written.
    pub(crate) async fn room(self: &Arc<Self>) -> Result<(), OutboxError> {
        let outbox = self.clone();
        off(move || {
            let path = outbox.path("room", PART);
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(&[0; ROOM])?;
                file.sync_all()
            });
            // What is left of it goes in any case.
            let removed = fs::remove_file(&path);
            written.and(removed).map_err(failed("written", &path))
        })
        .await
    }
}

fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Names of files in a folder, sorted.
fn list(folder: &Path) -> Result<Vec<String>, OutboxError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(failed("listed", folder))?;
    let files = entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Bring a folder to the disk.
fn sync(folder: &Path) -> Result<(), OutboxError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("brought to the disk", folder))
}

/// Off the threads that must not wait.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, OutboxError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
