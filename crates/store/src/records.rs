use std::fmt;

use apogee_domain::{Atto, Change, Digest, Epoch, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// How far a network is indexed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The newest indexed epoch that has a tipset.
    pub epoch: Epoch,
    /// Its tipset key: the CIDs with commas between them.
    pub key: String,
    /// Digest of everything indexed up to here: it chains the digests of all epochs.
    pub digest: Digest,
    /// Epochs up to this one can no longer change; `None` before anything is final.
    pub final_epoch: Option<Epoch>,
    /// Version of the views that derived the rows. Another version means: clear and index again.
    pub views: u32,
    /// Checks made so far, summed over all epochs.
    pub checks: Vec<CheckRecord>,
}

/// What kind of epoch it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochKind {
    /// A tipset with at least one block.
    Tipset,
    /// No block: a null round.
    Null,
}

/// One epoch as it is shown and proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Which.
    pub epoch: Epoch,
    /// Tipset or null round.
    pub kind: EpochKind,
    /// Tipset key: the CIDs with commas between them; empty for a null round.
    pub key: String,
    /// The epoch of the parent tipset; for genesis its own.
    pub parent: Epoch,
    /// Digest chain up to and including this epoch.
    pub digest: Digest,
    /// When it began, by its blocks; for null rounds by the schedule.
    pub time: Timestamp,
    /// State root the tipset starts from.
    pub state_root: String,
    /// Weight of the chain up to its parent.
    pub weight: Value,
    /// Base fee that holds in this epoch, attoFIL a gas unit.
    pub base_fee: Atto,
    /// Network version, where it is known.
    pub network_version: Option<u32>,
    /// Blocks in ticket order.
    pub blocks: Vec<BlockRecord>,
    /// Checks made on this epoch, in the order of their names.
    pub checks: Vec<CheckRecord>,
    /// Sums compared with state, in the order of their names.
    pub reconciled: Vec<Reconciliation>,
}

/// A block and what its miner got for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRecord {
    /// CID.
    pub cid: String,
    /// Miner.
    pub miner: String,
    /// WinCount.
    pub win_count: u32,
    /// Messages it carries.
    pub messages: u32,
}

/// How one check went, over one epoch or many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Name of the check: `election_vrf`.
    pub check: String,
    /// Times it passed.
    pub passed: u64,
    /// Times it failed.
    pub failed: u64,
    /// Times it could not be made, by reason.
    pub not_made: Vec<Unmade>,
    /// What failed, in words; at most the first eight.
    pub failures: Vec<String>,
}

/// A check that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmade {
    /// Why: a stable word, `missing_state`, `unknown_key`.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// A sum derived from messages, compared with what state says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// What was compared: `awards`, `claims_raw`.
    pub what: String,
    /// The derived sum; `None` when it is unknown.
    pub derived: Option<Value>,
    /// What state says; `None` when it is unknown.
    pub state: Option<Value>,
}

impl Reconciliation {
    /// `Some(true)` when both are known and equal, `Some(false)` when they differ, `None` when one is unknown.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        Some(self.derived? == self.state?)
    }
}

/// A step with what held before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// The step.
    pub change: Change,
    /// The value until then; `None` where it was unknown, or where there was no step.
    pub before: Option<Value>,
}

/// A verified finality certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// F3 instance.
    pub instance: u64,
    /// The epoch it makes final.
    pub epoch: Epoch,
    /// The tipset key it makes final.
    pub key: String,
    /// The certificate as JSON, as received.
    pub document: String,
}

/// An entry of a competition's ledger. The adapters know no more of it than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its number, from 1 on without gaps.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
    /// The entry with its signatures, in canonical JSON.
    pub document: String,
}

/// The most bytes that are kept of one archive: 256 MiB. SQLite and PostgreSQL hold a value in memory while it is read or written.
pub const MAX_ARCHIVE: u64 = 256 << 20;

/// An imported package of a competition. The adapters know no more of it than this.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its root: what it commits to.
    pub root: Digest,
    /// The package as the caller packs it, at most [`MAX_ARCHIVE`] bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("root", &self.root).field("bytes", &self.bytes.len()).finish()
    }
}

/// What there is of an imported package, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveHead {
    /// The competition's name.
    pub competition: String,
    /// Its root.
    pub root: Digest,
    /// How many bytes are kept.
    pub size: u64,
}

/// How far a ledger goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerHead {
    /// The competition's name.
    pub competition: String,
    /// Number of its last entry.
    pub seq: u64,
    /// Hash of its last entry.
    pub hash: Digest,
}
