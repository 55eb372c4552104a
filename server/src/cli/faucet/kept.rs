use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cli::Failure;
use crate::edge;

/// Only for whoever asks.
const OWN: u32 = 0o600;
/// Letters of a key: 32 of hexadecimal.
const LETTERS: usize = 32;

/// What a request is called until it is answered, in a file beside the one with the key of `apogee login`: who asks the same again, because
/// no answer came, asks for the same grant.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    /// The `Idempotency-Key`.
    pub(super) key: String,
}

impl Kept {
    /// The name of this question: a new one, unless it waits for an answer already.
    pub(super) fn of(beside: &Path, question: &[&str]) -> Result<Self, Failure> {
        let mut what = Sha256::new();
        for part in question {
            what.update(part.len().to_be_bytes());
            what.update(part);
        }
        let name: String = what.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut file = beside.as_os_str().to_owned();
        file.push(format!(".asked-{name}"));
        let file = PathBuf::from(file);
        let failed = |error: std::io::Error| Failure::input(format!("{}: {error}", file.display()));
        let key: String =
            edge::entropy()?.iter().take(LETTERS / 2).map(|byte| format!("{byte:02x}")).collect();
        match OpenOptions::new().write(true).create_new(true).mode(OWN).open(&file) {
            Ok(mut new) => new.write_all(key.as_bytes()).and_then(|()| new.sync_all()).map_err(failed)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let mut known = String::new();
                let open = std::fs::File::open(&file).map_err(failed)?;
                open.take(1_024).read_to_string(&mut known).map_err(failed)?;
                let whole = known.len() == LETTERS && known.bytes().all(|byte| byte.is_ascii_hexdigit());
                if whole {
                    return Ok(Self { file, key: known });
                }
                // Whoever wrote it ended before it was whole, and so before anything was asked.
                std::fs::write(&file, &key).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Self { file, key })
    }

    /// It is answered: the next one is another request.
    pub(super) fn answered(self) -> Result<(), Failure> {
        std::fs::remove_file(&self.file)
            .map_err(|error| Failure::world(format!("{}: {error}", self.file.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_name_until_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("apogee.key");
        let first = Kept::of(&beside, &["http://a", "t01"]).unwrap();
        assert_eq!(first.key.len(), LETTERS);
        let again = Kept::of(&beside, &["http://a", "t01"]).unwrap();
        assert_eq!(again.key, first.key);
        for other in [["http://a", "t02"], ["http://at", "01"]] {
            assert_ne!(Kept::of(&beside, &other).unwrap().key, first.key, "{other:?}");
        }
        let key = first.key.clone();
        first.answered().unwrap();
        assert_ne!(Kept::of(&beside, &["http://a", "t01"]).unwrap().key, key);
    }

    #[test]
    fn half_a_name_was_never_used_and_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("apogee.key");
        let first = Kept::of(&beside, &["a"]).unwrap();
        std::fs::write(&first.file, &first.key[..5]).unwrap();
        assert_eq!(Kept::of(&beside, &["a"]).unwrap().key.len(), LETTERS);
    }
}
