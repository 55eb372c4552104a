#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deals;
mod digest;
mod grants;
mod money;
mod people;
mod probes;
mod records;
mod recounts;
mod signins;

use std::fmt;

use apogee_domain::{Change, Digest, Epoch, Network, NetworkId, SeriesName, Step, Subject, Value};
use async_trait::async_trait;

pub use audit::*;
pub use deals::*;
pub use digest::chained_digest;
pub use grants::*;
pub use money::*;
pub use people::*;
pub use probes::*;
pub use records::{
    Archive, ArchiveHead, BlockRecord, CertificateRecord, ChangeRecord, CheckRecord, Cursor, EpochKind,
    EpochRecord, LedgerEntry, LedgerHead, MAX_ARCHIVE, Reconciliation, Unmade,
};
pub use recounts::*;
pub use signins::*;

/// Why a database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, was busy for too long, or is full. Nothing was written.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is there is not what the caller believes: another writer was faster.
    #[error("{what} is {found}, but {expected} was expected; another process has written")]
    Conflict {
        /// What was compared.
        what: &'static str,
        /// What is there.
        found: String,
        /// What the caller believed.
        expected: String,
    },
    /// An unwind deeper than the journal is kept.
    #[error("cannot unwind to epoch {to}: the journal begins at epoch {kept}")]
    TooDeep {
        /// Where to.
        to: Epoch,
        /// The oldest epoch that can be unwound.
        kept: Epoch,
    },
    /// What was to count at an epoch that is over: who has read what counts up to it would have missed this.
    #[error("nothing is counted at epoch {epoch} any more: the network is indexed up to {indexed}")]
    Passed {
        /// Where it was to count.
        epoch: Epoch,
        /// How far the network is indexed.
        indexed: Epoch,
    },
    /// More bytes than are kept in one row. Nothing was written.
    #[error("{what} has {size} bytes, at most {limit} are kept")]
    TooLarge {
        /// What was to be kept.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The most bytes that are kept.
        limit: u64,
    },
    /// A row does not decode: the file is damaged, or was written by a newer version.
    #[error("{table} holds a row that does not decode: {detail}")]
    Damaged {
        /// Which table.
        table: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// No network of that name.
    #[error("no network {0} in this database")]
    UnknownNetwork(NetworkId),
    /// The database was written by a newer version of the program, or by an older one and not yet migrated.
    #[error(
        "the database has schema version {found}, this program needs {expected}; run `apogee db migrate`"
    )]
    Schema {
        /// Version found.
        found: i64,
        /// Version needed.
        expected: i64,
    },
}

/// Subjects that one question is about: [`Store::held`], [`Store::recent`].
pub const MAX_HELD: usize = 1_000;

/// What one series of one subject holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Of whom.
    pub subject: Subject,
    /// What is measured.
    pub series: SeriesName,
    /// How much; `None` is *unknown*.
    pub value: Option<Value>,
}

/// What a port answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A page of a list: at most `limit` rows (1 to 10,000) after `after`.
#[derive(Clone, Debug)]
pub struct Page<K> {
    /// The key of the last row of the page before; `None` for the first page.
    pub after: Option<K>,
    /// How many rows at most.
    pub limit: u32,
}

/// A database. Reads see the last committed state.
#[async_trait]
pub trait Store:
    Audit + Grants + Money + People + ProbeDeals + Probes + Recounts + SignIns + Send + Sync + fmt::Debug
{
    /// Begin to write. Only one unit of work is open at a time on one database file; others wait.
    async fn begin(&self) -> Result<Box<dyn Work>>;

    /// Every network, by name.
    async fn networks(&self) -> Result<Vec<Network>>;

    /// How far a network is indexed; `None` before the first epoch.
    async fn cursor(&self, network: &NetworkId) -> Result<Option<Cursor>>;

    /// What happened in an epoch; `None` when it is not indexed.
    async fn epoch(&self, network: &NetworkId, epoch: Epoch) -> Result<Option<EpochRecord>>;

    /// Epochs from newest to oldest, below `page.after`.
    async fn epochs(&self, network: &NetworkId, page: Page<Epoch>) -> Result<Vec<EpochRecord>>;

    /// The value of every subject of a series at an epoch, by subject. Subjects without a step up to then are absent.
    async fn board(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        at: Epoch,
    ) -> Result<Vec<(Subject, Option<Value>)>>;

    /// The value of every series of a subject at an epoch, by series.
    async fn subject(
        &self,
        network: &NetworkId,
        subject: &Subject,
        at: Epoch,
    ) -> Result<Vec<(SeriesName, Step)>>;

    /// What these series of these subjects hold at an epoch, in any order; where there is no step up to then there is no row.
    ///
    /// At most [`MAX_HELD`] subjects; of more, the first.
    async fn held(
        &self,
        network: &NetworkId,
        series: &[SeriesName],
        subjects: &[Subject],
        at: Epoch,
    ) -> Result<Vec<Held>>;

    /// The steps of one series of these subjects from `from` to `to`, by subject and epoch, after `page.after`: of each the step that holds at
    /// `from`, which may have begun before, and those that begin after it up to `to`.
    ///
    /// At most [`MAX_HELD`] subjects; of more, the first.
    async fn recent(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        subjects: &[Subject],
        from: Epoch,
        to: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>>;

    /// The steps of one series of one subject after `page.after`, oldest first.
    async fn steps(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        subject: &Subject,
        page: Page<Epoch>,
    ) -> Result<Vec<Step>>;

    /// The steps of every subject of a series that begin at `from` or later, by subject and epoch, after `page.after`.
    ///
    /// From genesis this is the whole series. From a recent epoch it costs a look-up for each subject of the network, however long the
    /// history is. Steps may come late ([`AppliedEpoch`]): what was read up to a cursor is whole only up to its final epoch.
    async fn history(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        from: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>>;

    /// The steps of all series that begin at an epoch, by series and subject.
    async fn changes(
        &self,
        network: &NetworkId,
        at: Epoch,
        page: Page<(SeriesName, Subject)>,
    ) -> Result<Vec<ChangeRecord>>;

    /// Every step that belongs to an applied epoch that the journal still keeps, in (series, subject, epoch) order.
    async fn journal(&self, network: &NetworkId, applied: Epoch) -> Result<Vec<Change>>;

    /// Certificates from `instance` on, ascending.
    async fn certificates(
        &self,
        network: &NetworkId,
        instance: u64,
        limit: u32,
    ) -> Result<Vec<CertificateRecord>>;

    /// Cached chain objects: the bytes for each CID that is there. CIDs are binary.
    async fn objects(&self, network: &NetworkId, cids: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;

    /// Every competition that has a ledger, by name.
    async fn competitions(&self) -> Result<Vec<LedgerHead>>;

    /// The entries of a ledger after `page.after`, ascending; none where there is no such competition.
    async fn entries(&self, competition: &str, page: Page<u64>) -> Result<Vec<LedgerEntry>>;

    /// Every imported package, by the competition's name, without the bytes.
    async fn archives(&self) -> Result<Vec<ArchiveHead>>;

    /// The imported package of a competition.
    async fn archive(&self, competition: &str) -> Result<Option<Archive>>;

    /// Whether the database answers and has the schema this program needs.
    async fn check(&self) -> Result<()>;
}

/// Everything that must become true together. Dropping it without [`commit`](Work::commit) undoes it.
#[async_trait]
pub trait Work:
    AuditWork
    + GrantsWork
    + MoneyWork
    + PeopleWork
    + ProbeDealsWork
    + ProbesWork
    + RecountsWork
    + SignInsWork
    + Send
{
    /// Add a network.
    ///
    /// A network that is there with the same genesis is left as it is; with another genesis it is a [`StoreError::Conflict`].
    async fn put_network(&mut self, network: &Network) -> Result<()>;

    /// Append epochs with their steps, and move the cursor from `from` to `to`.
    ///
    /// `epochs` ascend and begin after `from`. Steps of epochs above `to.final_epoch` are journalled, so that they can be unwound; the
    /// journal below it is dropped. Appending what is already there is a [`StoreError::Conflict`]: the cursor has moved.
    async fn apply(
        &mut self,
        network: &NetworkId,
        from: Option<&Cursor>,
        to: &Cursor,
        epochs: &[AppliedEpoch],
    ) -> Result<()>;

    /// Take back every epoch above `to.epoch` and move the cursor from `from` to `to`. Returns how many steps went.
    async fn unwind(&mut self, network: &NetworkId, from: &Cursor, to: &Cursor) -> Result<u64>;

    /// Append finality certificates; those that are there already are left alone.
    async fn put_certificates(
        &mut self,
        network: &NetworkId,
        certificates: &[CertificateRecord],
    ) -> Result<()>;

    /// Keep chain objects by their binary CIDs.
    async fn put_objects(&mut self, network: &NetworkId, objects: &[(Vec<u8>, Vec<u8>)]) -> Result<()>;

    /// Remove every indexed fact of a network (epochs, steps, journal, cursor, certificates), but not the network nor its cached objects.
    async fn clear(&mut self, network: &NetworkId) -> Result<()>;

    /// Append an entry to the ledger of a competition that ends with `head`, or has none.
    ///
    /// A ledger that ends elsewhere, and an entry whose number is not the next, are a [`StoreError::Conflict`]. An entry that is there is never
    /// changed or removed.
    async fn append(
        &mut self,
        competition: &str,
        head: Option<(u64, Digest)>,
        entry: &LedgerEntry,
    ) -> Result<()>;

    /// Keep the imported package of a competition, which has at most one.
    ///
    /// One that is there with the same root is left as it is; with another root it is a [`StoreError::Conflict`]. More than [`MAX_ARCHIVE`]
    /// bytes are [`StoreError::TooLarge`].
    async fn put_archive(&mut self, competition: &str, archive: &Archive) -> Result<()>;

    /// Make it true. When this fails, whether it became true is told by the cursor.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// An epoch with the steps that applying it produced. Their epochs may lie before the applied one: what a tipset did is known only when the
/// next one names the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedEpoch {
    /// What happened.
    pub record: EpochRecord,
    /// The steps, in any order; no two with the same series, subject and epoch.
    pub changes: Vec<Change>,
}
