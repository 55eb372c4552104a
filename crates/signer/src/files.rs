//! Files that are nobody else's business.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("{path}: it cannot be read or written", path = .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// A secret that others can read is none.
    #[error("{path}: others have rights to it (mode {mode:o}): take them away with chmod 600", path = .0.display(), mode = .1)]
    Exposed(PathBuf, u32),
    /// A folder, a device, a pipe.
    #[error("{path}: it is no regular file", path = .0.display())]
    NotRegular(PathBuf),
    /// More than there can be in it.
    #[error("{path}: it is over {limit} bytes", path = .0.display(), limit = .1)]
    TooLarge(PathBuf, usize),
    /// It would be overwritten.
    #[error("{path}: it is there already", path = .0.display())]
    Exists(PathBuf),
}

/// As a number of bytes to read.
pub(crate) fn up_to(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// That `file` is a regular one to which only its owner has rights.
pub(crate) fn own(path: &Path, file: &File) -> Result<(), FileError> {
    let metadata = file.metadata().map_err(|error| FileError::Io(path.into(), error))?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular(path.into()));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(FileError::Exposed(path.into(), mode)) }
}

/// Read a file that only its owner has rights to.
pub(crate) fn read_own(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let open = File::open(path).map_err(|error| FileError::Io(path.into(), error))?;
    own(path, &open)?;
    read(path, open, limit)
}

/// Read a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, open: File, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |error| FileError::Io(path.into(), error);
    let length = usize::try_from(open.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    // With room for all of it the vector never moves, and leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(limit).saturating_add(2)));
    open.take(up_to(limit.saturating_add(1))).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit { Err(FileError::TooLarge(path.into(), limit)) } else { Ok(bytes) }
}

/// Whether a file may be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Refused,
    Replaced,
}

/// Write a file that only its owner has rights to: whole and durable, or not at all.
pub(crate) fn write_own(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    let failed = |error| FileError::Io(path.into(), error);
    let folder = folder_of(path);
    // The library makes it with mode 600.
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    let named = match existing {
        Existing::Refused => temporary.persist_noclobber(path),
        Existing::Replaced => temporary.persist(path),
    };
    named.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists(path.into()),
        _ => failed(error.error),
    })?;
    sync_folder(folder).map_err(failed)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Make a new file's name durable.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    sync_folder(folder_of(path))
}
