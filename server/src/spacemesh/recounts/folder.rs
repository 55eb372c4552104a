//! What a recount has on disk while it works: its own copy, a checkpoint, and in the end a report.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use apogee_domain::Epoch;

/// What tells one copy of a node's database from the next: when it was changed, its length, and which file it is.
pub(crate) type Seen = (Option<SystemTime>, u64, u64);

/// What a file is now; `None` where it cannot be looked at.
pub(crate) fn seen(file: &Path) -> Option<Seen> {
    let data = fs::metadata(file).ok()?;
    Some((data.modified().ok(), data.len(), data.ino()))
}

/// Files of a recount.
const OWN: [&str; 5] = ["copy.sql", "copy.part", "plan", "checkpoint.json", "report.json"];
/// How the names of those begin that were not written to their end.
const TEMPORARY: &str = ".tmp";
/// Bytes that stay free on the disk.
const ROOM: u64 = 1 << 30;

/// Which layers of a copy are counted. It is kept with the copy: counted from elsewhere, a checkpoint would not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The layer to begin with, or an earlier one.
    pub(super) from: Epoch,
    /// The last layer that is indexed of it.
    pub(super) to: Epoch,
}

/// The folder of one network's recount. Nothing of it stays once a recount is over; whatever else is in it is left alone.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The copy that is counted.
    pub(super) fn copy(&self) -> PathBuf {
        self.0.join("copy.sql")
    }

    /// What is needed to go on.
    pub(super) fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint.json")
    }

    /// What it comes to.
    pub(super) fn report(&self) -> PathBuf {
        self.0.join("report.json")
    }

    fn plan(&self) -> PathBuf {
        self.0.join("plan")
    }

    /// What an earlier process began and did not end.
    pub(super) fn begun(&self) -> Option<Plan> {
        if !self.copy().is_file() {
            return None;
        }
        let mut text = String::new();
        File::open(self.plan()).ok()?.take(64).read_to_string(&mut text).ok()?;
        let (from, to) = text.trim_end().split_once(' ')?;
        Some(Plan { from: from.parse().ok()?, to: to.parse().ok()? })
    }

    /// Take a copy of a file, which may be replaced from then on. Whether it was that file until it was taken; it is there whole or not at all.
    pub(super) fn take(&self, file: &Path, is: Seen, plan: Plan) -> io::Result<bool> {
        self.clear()?;
        fs::create_dir_all(&self.0)?;
        self.fits(is.1)?;
        let part = self.0.join("copy.part");
        fs::copy(file, &part)?;
        if seen(file) != Some(is) || fs::metadata(&part)?.len() != is.1 {
            self.clear()?;
            return Ok(false);
        }
        File::open(&part)?.sync_all()?;
        let mut planned = File::create(self.plan())?;
        writeln!(planned, "{} {}", plan.from, plan.to)?;
        planned.sync_all()?;
        fs::rename(&part, self.copy())?;
        Ok(true)
    }

    /// Leave nothing behind.
    pub(super) fn clear(&self) -> io::Result<()> {
        let files = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            if OWN.contains(&&*name) || name.starts_with(TEMPORARY) {
                fs::remove_file(file.path())?;
            }
        }
        match fs::remove_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }

    /// Whether a copy of so many bytes leaves the disk room for what else is written there: the database, and money's books.
    fn fits(&self, length: u64) -> io::Result<()> {
        let disk = rustix::fs::statvfs(&self.0)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = length.saturating_add(ROOM.max(length / 4));
        if free >= needed {
            return Ok(());
        }
        let what = format!("a copy of {length} bytes wants {needed} free, and {free} are");
        Err(io::Error::new(io::ErrorKind::StorageFull, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_taken_whole_or_not_at_all_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (file, folder) = (place.path().join("state.sql"), Folder::new(place.path().join("a/b")));
        fs::write(&file, [7; 5000]).unwrap();
        let is = seen(&file).unwrap();
        let plan = Plan { from: Epoch::GENESIS.plus(32), to: Epoch::GENESIS.plus(95) };
        assert_eq!(folder.begun(), None);
        assert!(folder.take(&file, is, plan).unwrap());
        assert_eq!(folder.begun(), Some(plan));
        fs::write(&file, [8; 10]).unwrap();
        assert_eq!(fs::read(folder.copy()).unwrap(), [7; 5000], "it is a copy of its own");
        assert!(!folder.take(&file, is, plan).unwrap(), "it is another file by now");
        assert!(!folder.path().exists() && folder.begun().is_none());
        fs::create_dir_all(folder.path()).unwrap();
        fs::write(folder.path().join(".tmp123"), "left by a process that was killed").unwrap();
        folder.clear().unwrap();
        folder.clear().unwrap();
        assert!(!folder.path().exists());

        // Somebody's own files are nobody's to remove.
        fs::create_dir_all(folder.path()).unwrap();
        let own = folder.path().join("state.sql");
        fs::write(&own, "precious").unwrap();
        assert!(!folder.take(&file, is, plan).unwrap());
        folder.clear().unwrap();
        assert_eq!(fs::read(&own).unwrap(), b"precious");
        assert_eq!(folder.fits(u64::MAX / 2).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
