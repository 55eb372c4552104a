use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use apogee_domain::{Digest, NetworkId, Timestamp};
use apogee_filecoin::crypto::blake2b256;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::book::{Book, Entry, Whom};
use crate::files::{self, FileError};
use crate::policy::WalletPolicy;
use crate::refusal::Refusal;

const VERSION: u32 = 1;
/// Longest line, or what is left of a batch of lines. A line has some 500 bytes.
const LONGEST: usize = 4 << 20;

/// What was signed: a file of JSON lines to which lines are added only, each durable before its signature leaves the process.
///
/// Each line has the hash of itself and the line before, so that a line that was altered or taken away is found. One process holds
/// the file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    tip: Digest,
    latest: Timestamp,
    books: HashMap<Account, Book>,
    entries: u64,
    broken: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    journal: u32,
    network: NetworkId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: Entry,
    /// BLAKE2b-256 of the hash before and the entry's JSON.
    hash: Digest,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be used.
    #[error("the journal cannot be used")]
    File(#[from] FileError),
    /// Another process has it.
    #[error("{path}: another process holds the journal", path = .0.display())]
    Held(PathBuf),
    /// Not what was written.
    #[error("{path}: line {line} of the journal is damaged: {detail}", path = .0.display(), line = .1, detail = .2)]
    Damaged(PathBuf, u64, String),
    /// The journal of another network.
    #[error("{path}: it is the journal of {found}", path = .0.display(), found = .1)]
    OtherNetwork(PathBuf, NetworkId),
    /// A write has failed before. What is on the disk is known only after reading it again.
    #[error("{path}: writing to the journal has failed, so nothing is signed until a restart", path = .0.display())]
    Broken(PathBuf),
}

/// Why entries were not added.
#[derive(Debug)]
pub(crate) enum NotAdmitted {
    Refused(Refusal),
    Journal(JournalError),
}

impl Journal {
    /// Open the journal of a network, or begin it. A last line that was not written to its end is dropped: its signature never left.
    ///
    /// # Errors
    /// When another process holds it, others have rights to it, it is damaged, or of another network.
    pub fn open(path: &Path, network: &NetworkId) -> Result<Self, JournalError> {
        let failed = |error| FileError::Io(path.into(), error);
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        files::own(path, &file)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held(path.into())),
            Err(TryLockError::Error(error)) => return Err(failed(error).into()),
        }
        let mut journal = Self {
            path: path.into(),
            file,
            tip: Digest::default(),
            latest: Timestamp(i64::MIN),
            books: HashMap::new(),
            entries: 0,
            broken: false,
        };
        journal.read(network)?;
        Ok(journal)
    }

    /// How many messages it has.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    fn read(&mut self, network: &NetworkId) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed = |error| FileError::Io(path.clone(), error);
        let mut reader = BufReader::new(self.file.try_clone().map_err(failed)?);
        let (mut text, mut good, mut begun) = (Vec::new(), 0, false);
        loop {
            text.clear();
            let mut line = (&mut reader).take(files::up_to(LONGEST));
            if line.read_until(b'\n', &mut text).map_err(failed)? == 0 {
                break;
            }
            let whole = text.pop_if(|last| *last == b'\n').is_some();
            let taken = if begun { self.take(&text) } else { self.begin(&text, network) };
            match taken {
                Ok(()) if whole => {}
                // All but the line's end was written.
                Ok(()) => self.append(b"\n").map_err(failed)?,
                Err(JournalError::Damaged(..)) if !whole && text.len() < LONGEST => {
                    tracing::warn!(path = %path.display(), bytes = text.len(), "a torn line of the journal is dropped");
                    self.file.set_len(good).and_then(|()| self.file.sync_all()).map_err(failed)?;
                    break;
                }
                Err(error) => return Err(error),
            }
            begun = true;
            good += files::up_to(text.len() + 1);
        }
        if begun {
            return Ok(());
        }
        let mut header = json(&Header { journal: VERSION, network: network.clone() });
        self.tip = Digest(blake2b256(&header));
        header.push(b'\n');
        self.append(&header).and_then(|()| files::sync_name(&path)).map_err(failed)?;
        Ok(())
    }

    fn damaged(&self, detail: impl Into<String>) -> JournalError {
        // The first line is the header.
        JournalError::Damaged(self.path.clone(), self.entries + 2, detail.into())
    }

    fn begin(&mut self, text: &[u8], network: &NetworkId) -> Result<(), JournalError> {
        let wrong = |detail: String| JournalError::Damaged(self.path.clone(), 1, detail);
        let header: Header = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        if header.journal != VERSION {
            return Err(wrong(format!(
                "version {}, and this program reads version {VERSION}",
                header.journal
            )));
        }
        if header.network != *network {
            return Err(JournalError::OtherNetwork(self.path.clone(), header.network));
        }
        self.tip = Digest(blake2b256(text));
        Ok(())
    }

    /// Take a line that was written earlier.
    fn take(&mut self, text: &[u8]) -> Result<(), JournalError> {
        let line: Line = serde_json::from_slice(text).map_err(|error| self.damaged(error.to_string()))?;
        if line.hash != link(&self.tip, &json(&line.entry)) || json(&line) != text {
            return Err(self.damaged("its hash is another"));
        }
        let Line { entry, hash } = line;
        let (wallet, payee) = (Account::read(&entry.wallet), Account::read(&entry.payee));
        let multisig = entry.multisig.as_ref().map(|text| Account::read(text).ok_or(())).transpose();
        let (Some(wallet), Some(payee), Ok(multisig)) = (wallet, payee, multisig) else {
            return Err(self.damaged("it has no addresses"));
        };
        if entry.at < self.latest {
            return Err(self.damaged("it is older than the line before"));
        }
        let mut draft = self.books.entry(wallet.clone()).or_default().draft();
        let entered = draft.enter(&entry, &Whom { payee, multisig }, None);
        let new = draft.finish();
        entered.map_err(|refusal| self.damaged(refusal.detail))?;
        self.books.entry(wallet).or_default().merge(new);
        self.latest = entry.at;
        self.tip = hash;
        self.entries += 1;
        Ok(())
    }

    /// Add entries of `wallet`, each with whom it pays, all of them or none; durable when this returns.
    ///
    /// An entry is never older than the one before, whatever the clock says.
    pub(crate) fn admit(
        &mut self,
        wallet: Account,
        limits: &WalletPolicy,
        mut entries: Vec<(Whom, Entry)>,
    ) -> Result<(), NotAdmitted> {
        if self.broken {
            return Err(NotAdmitted::Journal(JournalError::Broken(self.path.clone())));
        }
        let mut draft = self.books.entry(wallet.clone()).or_default().draft();
        let (mut tip, mut lines, mut added) = (self.tip, Vec::new(), 0);
        for (whom, entry) in &mut entries {
            entry.at = entry.at.max(self.latest);
            if draft.enter(entry, whom, Some(limits)).map_err(NotAdmitted::Refused)? {
                tip = link(&tip, &json(entry));
                lines.extend(json(&Line { entry: entry.clone(), hash: tip }));
                lines.push(b'\n');
                added += 1;
            }
        }
        let new = draft.finish();
        let latest = entries.iter().map(|(_, entry)| entry.at).max();
        if added > 0
            && let Err(error) = self.append(&lines)
        {
            self.broken = true;
            return Err(NotAdmitted::Journal(FileError::Io(self.path.clone(), error).into()));
        }
        self.latest = latest.unwrap_or(self.latest);
        self.books.entry(wallet).or_default().merge(new);
        self.tip = tip;
        self.entries += added;
        Ok(())
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        self.file.sync_data()
    }
}

fn link(before: &Digest, entry: &[u8]) -> Digest {
    Digest(blake2b256(&[&before.0[..], entry].concat()))
}

/// Texts and numbers: writing them into memory has no way to fail.
fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use apogee_domain::Atto;
    use apogee_treasury::Purpose;

    use super::*;
    use crate::policy::Caps;

    #[test]
    fn after_a_write_that_failed_nothing_is_written_until_the_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, network) = (folder.path().join("journal"), "devnet-a".parse().unwrap());
        let most = Atto(100);
        let caps = Caps { message_value: most, message_fee: most, day_value: most, day_fee: most };
        let limits = WalletPolicy { text: "f01".into(), caps, payees: None, multisig: None };
        let account = |text| Account::read(text).unwrap();
        let (wallet, payee) = (account("f01"), Whom { payee: account("f02"), multisig: None });
        let entry = |nonce| Entry {
            at: Timestamp(0),
            wallet: "f01".into(),
            fence: 1,
            nonce,
            purpose: Purpose::Pay,
            payment: None,
            payee: "f02".into(),
            amount: Atto(1),
            multisig: None,
            fee: Atto(1),
            message: format!("message {nonce}"),
        };
        let mut journal = Journal::open(&path, &network).unwrap();
        let admit = |journal: &mut Journal, nonce| {
            journal.admit(wallet.clone(), &limits, vec![(payee.clone(), entry(nonce))])
        };
        assert!(admit(&mut journal, 0).is_ok());
        let writable = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
        let failed = admit(&mut journal, 1);
        assert!(matches!(failed, Err(NotAdmitted::Journal(JournalError::File(_)))), "{failed:?}");
        journal.file = writable;
        let broken = admit(&mut journal, 2);
        assert!(matches!(broken, Err(NotAdmitted::Journal(JournalError::Broken(_)))), "{broken:?}");
        drop(journal);
        let mut journal = Journal::open(&path, &network).unwrap();
        assert_eq!(journal.entries(), 1);
        assert!(admit(&mut journal, 1).is_ok());
    }
}
