//! What can be said of a file before SQLite touches it.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::schema::VERSIONS;

/// Bytes of a database's header (<https://www.sqlite.org/fileformat.html>, §1.3).
const HEADER: usize = 100;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The parts of a header that are looked at.
struct Header {
    page_bytes: u64,
    write_ahead: bool,
    /// Pages of the whole file, where the last writer knew to say so.
    pages: Option<u64>,
    user_version: u32,
}

/// Check that `path` is a whole database of a known version that nobody is writing to. Gives its place with no links in
/// it, and the version.
pub(crate) fn check(path: &Path) -> Result<(PathBuf, u32), OpenError> {
    let unreadable = |source| OpenError::File { path: path.to_owned(), source };
    // A link may hide that the file is a node's, whose log lies where the link points to.
    let path = path.canonicalize().map_err(unreadable)?;
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(OpenError::NoFile(path));
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut beside = OsString::from(&path);
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        if beside.symlink_metadata().is_ok() {
            return Err(OpenError::Journal(beside));
        }
    }
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut bytes));
    read.map_err(unreadable)?;
    let Some(header) = header(&bytes) else { return Err(OpenError::NoDatabase(path)) };
    if header.write_ahead {
        return Err(OpenError::WriteAhead(path));
    }
    let found = metadata.len();
    let whole_pages = found / header.page_bytes * header.page_bytes;
    let expected = header.pages.map_or(whole_pages, |pages| pages.saturating_mul(header.page_bytes));
    if found != expected {
        return Err(OpenError::Length { path, expected, found });
    }
    if !VERSIONS.contains(&header.user_version) {
        return Err(OpenError::Version(header.user_version));
    }
    Ok((path, header.user_version))
}

fn header(bytes: &[u8]) -> Option<Header> {
    let bytes: &[u8; HEADER] = bytes.try_into().ok()?;
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let page_bytes = match u16::from_be_bytes([bytes[16], bytes[17]]) {
        1 => 65_536,
        size if size >= 512 && size.is_power_of_two() => u64::from(size),
        _ => return None,
    };
    // The count of pages holds if it was written together with the last change.
    let pages = number(28)?;
    let holds = number(24)? == number(92)? && pages > 0;
    // By which way of writing and of reading: 1 with a journal that rolls back, 2 with a log ahead.
    let ways = [bytes[18], bytes[19]];
    if ways.iter().any(|way| !(1..=2).contains(way)) {
        return None;
    }
    Some(Header {
        page_bytes,
        write_ahead: ways != [1, 1],
        pages: holds.then_some(u64::from(pages)),
        user_version: number(60)?,
    })
}

/// The name by which SQLite opens a file as one that does not change: without locks, and without looking for a log.
pub(crate) fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?mode=ro&immutable=1"
}
