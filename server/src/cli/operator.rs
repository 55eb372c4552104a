//! `apogee operator`: the keys that acts of a competition are signed with.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use apogee_competition::{Hex, operator};
use apogee_domain::Digest;
use apogee_signer::PayoutList;
use clap::{Args, Subcommand};

use super::competition::documents::wrong;
use super::{Answer, Failure};
use crate::edge;

/// First line of a file with a key.
const TITLE: &str = "apogee-operator-key-1";
/// Permissions that a file with a secret has.
const OWN: u32 = 0o600;

#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    /// Make an Ed25519 key in a new file that only you can read, and print the public key.
    New(KeyFile),
    /// Print the public key of a file.
    Show(KeyFile),
}

#[derive(Debug, Args)]
pub(super) struct KeyFile {
    /// The file with the secret
    file: PathBuf,
}

impl Operator {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let key = match self {
            Self::New(KeyFile { file }) => make(&file)?,
            Self::Show(KeyFile { file }) => Secret::read(&file)?.public(),
        };
        println!("{key}");
        Ok(Answer::Yes)
    }
}

/// An operator's secret. It is shown nowhere.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// Read one from a file that nobody else can read.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        held(file, TITLE).map(Self)
    }

    pub(super) fn public(&self) -> Hex<32> {
        operator::public_key(&self.0)
    }

    /// Approve a payout list for the signer; its digest. `None` when an address in it is none.
    pub(super) fn approve(&self, list: &mut PayoutList) -> Option<Digest> {
        list.approve(&self.0)?;
        list.digest()
    }

    pub(super) fn sign(&self, hash: &Digest) -> Hex<64> {
        operator::sign(&self.0, hash)
    }
}

fn make(file: &Path) -> Result<Hex<32>, Failure> {
    made(file, TITLE).map(|secret| Secret(secret).public())
}

/// Make a secret, in a new file that nobody else can read, below a title that says what it is for.
pub(super) fn made(file: &Path, title: &str) -> Result<[u8; 32], Failure> {
    let secret = edge::entropy()?;
    own(file, &format!("{title}\n{}\n", Hex(secret)))?;
    Ok(secret)
}

/// The secret of a file that nobody else can read.
pub(super) fn held(file: &Path, title: &str) -> Result<[u8; 32], Failure> {
    let failed = |cause: std::io::Error| wrong(file, cause);
    let open = File::open(file).map_err(failed)?;
    let mode = open.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong(file, "others can read this secret: take the right from them with chmod 600"));
    }
    let mut text = String::new();
    open.take(200).read_to_string(&mut text).map_err(failed)?;
    let secret = text.strip_prefix(title).and_then(|rest| rest.trim().parse::<Hex<32>>().ok());
    secret.map(|Hex(secret)| secret).ok_or_else(|| {
        wrong(
            file,
            format_args!(
                "it holds no key or seed of this kind: {title} is its first line, the secret the second"
            ),
        )
    })
}

/// Write a new file that nobody else can read.
pub(super) fn own(file: &Path, text: &str) -> Result<(), Failure> {
    let open = OpenOptions::new().write(true).create_new(true).mode(OWN).open(file);
    let mut open = open.map_err(|cause| wrong(file, cause))?;
    let written = open.write_all(text.as_bytes()).and_then(|()| open.sync_all());
    written.map_err(|cause| Failure::world(format!("{}: {cause}", file.display())))
}
