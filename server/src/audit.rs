//! The audit log, held against its own hashes: all at once, or from where it was held before.

use apogee_domain::{Digest, Timestamp};
use apogee_store::{Page, Result, Store};
use tokio::sync::Mutex;

/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// A place in the chain: the number and hash of an entry; 0 and zeroes before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) hash: Digest,
}

/// How far entries follow from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The last entry that does.
    pub(crate) to: Place,
    /// The first that does not.
    pub(crate) broken: Option<u64>,
    /// Whether there may be more entries than were looked at.
    pub(crate) more: bool,
}

/// Hold the entries after a place against their hashes, at most `most` of them.
pub(crate) async fn walk(store: &dyn Store, from: Place, most: u64) -> Result<Walked> {
    let (mut to, end) = (from, from.seq.saturating_add(most));
    while to.seq < end {
        let limit = u32::try_from(end - to.seq).unwrap_or(PAGE).min(PAGE);
        let page = store.audit(Page { after: Some(to.seq), limit }).await?;
        if page.is_empty() {
            return Ok(Walked { to, broken: None, more: false });
        }
        for entry in page {
            if !entry.follows(to.seq, to.hash) {
                return Ok(Walked { to, broken: Some(entry.seq), more: true });
            }
            to = Place { seq: entry.seq, hash: entry.hash };
        }
    }
    Ok(Walked { to, broken: None, more: true })
}

/// Whether there is an entry that is what its hash says, and this is its place.
pub(crate) async fn is_there(store: &dyn Store, place: Place) -> Result<bool> {
    let Some(before) = place.seq.checked_sub(1) else { return Ok(true) };
    let found = store.audit(Page { after: Some(before), limit: 1 }).await?;
    Ok(found.first().is_some_and(|entry| entry.hash == place.hash && entry.follows(before, entry.previous)))
}

/// Up to where this process has held the log against its hashes, so that only what is new is read again.
///
/// What changes before that place is not seen here; `apogee admin audit` reads everything.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint(Mutex<Option<Reached>>);

/// See [`Checkpoint`].
#[derive(Clone, Copy, Debug)]
struct Reached {
    place: Place,
    at: Timestamp,
}

/// What a look from the checkpoint on has shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Up to which entry was held against its hash earlier, and when; `None` at first.
    pub(crate) earlier: Option<(u64, Timestamp)>,
    pub(crate) walked: Walked,
}

impl Checkpoint {
    /// Look on from where the last look ended, at most `most` entries far.
    pub(crate) async fn look(&self, store: &dyn Store, most: u64, now: Timestamp) -> Result<Look> {
        let mut held = self.0.lock().await;
        let earlier = held.map(|reached| (reached.place.seq, reached.at));
        let from = held.map_or_else(Place::default, |reached| reached.place);
        // An entry that is gone or another one leaves nothing that could follow.
        if !is_there(store, from).await? {
            let walked = Walked { to: from, broken: Some(from.seq), more: true };
            return Ok(Look { earlier, walked });
        }
        let walked = walk(store, from, most).await?;
        if walked.to.seq > from.seq {
            *held = Some(Reached { place: walked.to, at: now });
        }
        Ok(Look { earlier, walked })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use apogee_store::AuditEvent;
    use apogee_store_sqlite::SqliteStore;
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    async fn record(store: &dyn Store, numbers: std::ops::Range<i64>) {
        let mut work = store.begin().await.unwrap();
        for number in numbers {
            let event = AuditEvent {
                at: at(number),
                actor: "tester".into(),
                action: "wallet-pause".into(),
                subject: format!("devnet-a/wallet/{number}"),
                reason: "a try".into(),
                document: "{}".into(),
            };
            work.record(&event).await.unwrap();
        }
        work.commit().await.unwrap();
    }

    /// Change the database behind the service's back.
    async fn behind(file: &Path, statement: &'static str) {
        let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }

    #[tokio::test]
    async fn a_look_reads_what_is_new_and_sees_whatever_does_not_follow() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apogee.db");
        let store = SqliteStore::open(&file).await.unwrap();
        let checkpoint = Checkpoint::default();
        let look = async |now| checkpoint.look(&store, 1_500, at(now)).await.unwrap();
        assert!(look(1).await.earlier.is_none());
        record(&store, 0..2_000).await;
        let first = look(2).await;
        assert_eq!((first.walked.to.seq, first.walked.broken, first.walked.more), (1_500, None, true));
        let second = look(3).await;
        assert_eq!(second.earlier, Some((1_500, at(2))));
        assert_eq!((second.walked.to.seq, second.walked.more), (2_000, false));
        record(&store, 2_000..2_002).await;
        behind(&file, "UPDATE audit SET reason = 'another' WHERE seq = 2002").await;
        let third = look(4).await;
        assert_eq!((third.walked.to.seq, third.walked.broken), (2_001, Some(2_002)));
        assert_eq!(look(5).await.walked.broken, Some(2_002), "it stays so");
        behind(&file, "UPDATE audit SET reason = 'a try' WHERE seq = 2002").await;
        assert_eq!(look(6).await.walked.broken, None);
        // Before the checkpoint only a whole walk sees it.
        behind(&file, "UPDATE audit SET actor = 'nobody' WHERE seq = 3").await;
        assert_eq!(look(7).await.walked.broken, None);
        let whole = walk(&store, Place::default(), u64::MAX).await.unwrap();
        assert_eq!((whole.to.seq, whole.broken), (2, Some(3)));
        // The newest are gone: the place that was reached is there no more.
        behind(&file, "DELETE FROM audit WHERE seq > 1990").await;
        assert_eq!(look(8).await.walked.broken, Some(2_002));
    }
}
