use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::files::{self, FileError};

/// Longest passphrase in bytes.
const LONGEST: usize = 1024;

/// Bytes that are shown nowhere, and wiped when they go.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Keep `bytes`.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a passphrase comes from. Never from the command line, where every process of the machine can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A file that nobody else can read.
    File(PathBuf),
    /// An open file descriptor, such as a pipe from a secret store.
    Descriptor(u32),
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be used.
    #[error("the file of the passphrase cannot be used")]
    File(#[from] FileError),
    /// The descriptor cannot be read.
    #[error("the passphrase cannot be read from file descriptor {0}")]
    Descriptor(u32, #[source] std::io::Error),
    /// Nothing is no passphrase, and neither is a book.
    #[error("a passphrase is one line of 1 to {LONGEST} bytes")]
    Length,
}

impl PassphraseSource {
    /// Read it: the line without its end.
    ///
    /// # Errors
    /// When it cannot be read, others can read its file, or it is empty or of several lines.
    pub fn read(&self) -> Result<Secret, PassphraseError> {
        let mut bytes = match self {
            Self::File(path) => files::read_own(path, LONGEST)?,
            Self::Descriptor(number) => {
                let failed = |error| PassphraseError::Descriptor(*number, error);
                let open = File::open(format!("/dev/fd/{number}")).map_err(failed)?;
                // With room for all of it the vector never moves, and leaves no copy behind.
                let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
                open.take(files::up_to(LONGEST + 1)).read_to_end(&mut bytes).map_err(failed)?;
                bytes
            }
        };
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.is_empty() || bytes.len() > LONGEST || bytes.contains(&b'\n') {
            return Err(PassphraseError::Length);
        }
        Ok(Secret(bytes))
    }
}
