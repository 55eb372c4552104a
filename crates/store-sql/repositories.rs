// One text, a module of both adapters: see crates/store-sql/README.md.

use std::collections::{BTreeSet, HashMap};

use apogee_domain::{Change, Digest, Epoch, Network, NetworkId, SeriesName, Step, Subject, Value};
use apogee_store::{
    AppliedEpoch, Archive, ArchiveHead, CertificateRecord, ChangeRecord, Cursor, EpochRecord, Held,
    LedgerEntry, LedgerHead, MAX_HELD, Page, Result, Store, StoreError, Work,
};
use async_trait::async_trait;
use futures::TryStreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dialect::{self, error};
use crate::{Adapter, Connection, Db, MIGRATOR, archives, ledger};

/// The most rows one page may hold.
const PAGE: u32 = 10_000;

// A scalar subquery leaves every planner one way, however it estimates: a look-up of the key for each subject or series. An unknown value
// reads as the empty text, so that NULL is left for "no step".

const BOARD: &str = "
    SELECT u.name, (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
        WHERE p.network_id = t.network_id AND p.series_id = t.series_id AND p.subject_id = t.subject_id
          AND p.epoch <= $3 ORDER BY p.epoch DESC LIMIT 1)
    FROM series r
    JOIN series_subjects t ON t.network_id = $1 AND t.series_id = r.series_id
    JOIN subjects u ON u.subject_id = t.subject_id
    WHERE r.name = $2 ORDER BY u.name";

const SUBJECT: &str = "
    SELECT r.name,
        (SELECT p.epoch FROM steps p
         WHERE p.network_id = u.network_id AND p.series_id = r.series_id AND p.subject_id = u.subject_id
           AND p.epoch <= $3 ORDER BY p.epoch DESC LIMIT 1),
        (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
         WHERE p.network_id = u.network_id AND p.series_id = r.series_id AND p.subject_id = u.subject_id
           AND p.epoch <= $3 ORDER BY p.epoch DESC LIMIT 1)
    FROM subjects u CROSS JOIN series r
    WHERE u.network_id = $1 AND u.name = $2 ORDER BY r.name";

// Without an index by epoch, which every write would pay for: every pair is looked up at the epoch, and what held before only for those found.
const CHANGES: &str = "
    SELECT series, subject, amount, before FROM (
        SELECT r.name AS series, u.name AS subject,
            (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
             WHERE p.network_id = t.network_id AND p.series_id = t.series_id AND p.subject_id = t.subject_id
               AND p.epoch = $2) AS amount,
            (SELECT CAST(p.value AS TEXT) FROM steps p
             WHERE p.network_id = t.network_id AND p.series_id = t.series_id AND p.subject_id = t.subject_id
               AND p.epoch < $2 ORDER BY p.epoch DESC LIMIT 1) AS before
        FROM series_subjects t
        JOIN series r ON r.series_id = t.series_id
        JOIN subjects u ON u.subject_id = t.subject_id
        WHERE t.network_id = $1 AND (r.name, u.name) > ($3, $4)
    ) AS looked_up
    WHERE amount IS NOT NULL ORDER BY series, subject LIMIT $5";

// Subjects in the order of their names, and from each straight to its first step that is wanted: with a limit, nothing behind the page is read.
// Whoever has no step of the series costs one look-up, as it would in series_subjects. CROSS JOIN keeps SQLite to that order.
const HISTORY: &str = "
    SELECT u.name, p.epoch, coalesce(CAST(p.value AS TEXT), '')
    FROM subjects u CROSS JOIN steps p
    WHERE u.network_id = $1 AND u.name >= $4
      AND p.network_id = $1 AND p.series_id = (SELECT series_id FROM series WHERE name = $2)
      AND p.subject_id = u.subject_id
      AND p.epoch > CASE WHEN u.name = $4 THEN CAST($5 AS BIGINT) ELSE $3 END
    ORDER BY u.name, p.epoch LIMIT $6";

/// One step as it is written. `series` and `subject` are ids.
#[derive(Clone, Debug)]
pub(crate) struct StepRow {
    pub(crate) applied: i64,
    pub(crate) series: i64,
    pub(crate) subject: i64,
    pub(crate) epoch: i64,
    pub(crate) value: Option<Value>,
}

/// Which steps are wanted of some subjects: a page of those that hold or begin from one epoch to another.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) series: &'a str,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) after: (&'a str, i64),
    pub(crate) limit: i64,
}

pub(crate) fn damaged(table: &'static str, detail: impl ToString) -> StoreError {
    StoreError::Damaged { table, detail: detail.to_string() }
}

fn decode<T: DeserializeOwned>(table: &'static str, document: &str) -> Result<T> {
    serde_json::from_str(document).map_err(|e| damaged(table, e))
}

fn encode<T: Serialize>(table: &'static str, record: &T) -> Result<String> {
    serde_json::to_string(record).map_err(|e| damaged(table, e))
}

pub(crate) fn limit(wanted: u32) -> i64 {
    wanted.clamp(1, PAGE).into()
}

fn epoch(height: i64) -> Result<Epoch> {
    height.try_into().map_err(|e| damaged("steps", e))
}

fn value(digits: &str) -> Result<Option<Value>> {
    if digits.is_empty() { Ok(None) } else { digits.parse().map(Some).map_err(|e| damaged("steps", e)) }
}

fn change((series, subject, at, amount): (String, String, i64, String)) -> Result<Change> {
    Ok(Change {
        series: series.parse().map_err(|e| damaged("series", e))?,
        subject: subject.parse().map_err(|e| damaged("subjects", e))?,
        epoch: epoch(at)?,
        value: value(&amount)?,
    })
}

/// A step and whose it is.
fn step_of((subject, at, amount): (String, i64, String)) -> Result<(Subject, Step)> {
    let subject = subject.parse().map_err(|e| damaged("subjects", e))?;
    Ok((subject, Step { epoch: epoch(at)?, value: value(&amount)? }))
}

async fn network_id(db: &mut Connection, network: &NetworkId) -> Result<i64> {
    sqlx::query_scalar("SELECT network_id FROM networks WHERE name = $1")
        .bind(network.as_str())
        .fetch_optional(db)
        .await
        .map_err(error)?
        .ok_or_else(|| StoreError::UnknownNetwork(network.clone()))
}

/// Where a network stands: how far the journal has been dropped, and the cursor as text.
async fn stored_cursor(db: &mut Connection, id: i64) -> Result<Option<(i64, String)>> {
    sqlx::query_as("SELECT settled, document FROM cursors WHERE network_id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
        .map_err(error)
}

/// How far a network is indexed, and it stays so until the unit of work ends.
pub(crate) async fn hold_cursor(db: &mut Connection, network: &NetworkId) -> Result<Option<Epoch>> {
    let document = dialect::hold_cursor(db, network.as_str()).await.map_err(error)?;
    let cursor: Option<Cursor> = document.map(|document| decode("cursors", &document)).transpose()?;
    Ok(cursor.map(|cursor| cursor.epoch))
}

#[async_trait]
impl Store for Adapter {
    async fn begin(&self) -> Result<Box<dyn Work>> {
        Ok(Box::new(Unit { tx: self.writes.begin_with(dialect::BEGIN).await.map_err(error)? }))
    }

    async fn networks(&self) -> Result<Vec<Network>> {
        let documents: Vec<String> = sqlx::query_scalar("SELECT document FROM networks ORDER BY name")
            .fetch_all(&self.reads)
            .await
            .map_err(error)?;
        documents.iter().map(|document| decode("networks", document)).collect()
    }

    async fn cursor(&self, network: &NetworkId) -> Result<Option<Cursor>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let stored = stored_cursor(&mut db, id).await?;
        stored.map(|(_, document)| decode("cursors", &document)).transpose()
    }

    async fn epoch(&self, network: &NetworkId, epoch: Epoch) -> Result<Option<EpochRecord>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let document: Option<String> =
            sqlx::query_scalar("SELECT document FROM epochs WHERE network_id = $1 AND epoch = $2")
                .bind(id)
                .bind(epoch.height())
                .fetch_optional(&mut *db)
                .await
                .map_err(error)?;
        document.map(|document| decode("epochs", &document)).transpose()
    }

    async fn epochs(&self, network: &NetworkId, page: Page<Epoch>) -> Result<Vec<EpochRecord>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let documents: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM epochs WHERE network_id = $1 AND epoch < $2 ORDER BY epoch DESC LIMIT $3",
        )
        .bind(id)
        .bind(page.after.unwrap_or(Epoch::MAX).height())
        .bind(limit(page.limit))
        .fetch_all(&mut *db)
        .await
        .map_err(error)?;
        documents.iter().map(|document| decode("epochs", document)).collect()
    }

    async fn board(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        at: Epoch,
    ) -> Result<Vec<(Subject, Option<Value>)>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        // Row by row: a million of them are not held twice.
        let mut rows = sqlx::query_as::<_, (String, Option<String>)>(BOARD)
            .bind(id)
            .bind(series.as_str())
            .bind(at.height())
            .fetch(&mut *db);
        let mut board = Vec::new();
        while let Some((subject, amount)) = rows.try_next().await.map_err(error)? {
            let Some(amount) = amount else { continue };
            board.push((subject.parse().map_err(|e| damaged("subjects", e))?, value(&amount)?));
        }
        Ok(board)
    }

    async fn subject(
        &self,
        network: &NetworkId,
        subject: &Subject,
        at: Epoch,
    ) -> Result<Vec<(SeriesName, Step)>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let rows: Vec<(String, Option<i64>, Option<String>)> = sqlx::query_as(SUBJECT)
            .bind(id)
            .bind(subject.as_str())
            .bind(at.height())
            .fetch_all(&mut *db)
            .await
            .map_err(error)?;
        rows.into_iter()
            .filter_map(|(series, at, amount)| Some((series, at?, amount?)))
            .map(|(series, at, amount)| {
                let name = series.parse().map_err(|e| damaged("series", e))?;
                Ok((name, Step { epoch: epoch(at)?, value: value(&amount)? }))
            })
            .collect()
    }

    async fn held(
        &self,
        network: &NetworkId,
        series: &[SeriesName],
        subjects: &[Subject],
        at: Epoch,
    ) -> Result<Vec<Held>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let series: Vec<&str> = series.iter().map(SeriesName::as_str).collect();
        let subjects: Vec<&str> = subjects.iter().take(MAX_HELD).map(Subject::as_str).collect();
        let rows = dialect::held(&mut db, id, &series, &subjects, at.height()).await.map_err(error)?;
        rows.into_iter()
            .filter_map(|(subject, series, amount)| Some((subject, series, amount?)))
            .map(|(subject, series, amount)| {
                Ok(Held {
                    subject: subject.parse().map_err(|e| damaged("subjects", e))?,
                    series: series.parse().map_err(|e| damaged("series", e))?,
                    value: value(&amount)?,
                })
            })
            .collect()
    }

    async fn recent(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        subjects: &[Subject],
        from: Epoch,
        to: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let subjects: Vec<&str> = subjects.iter().take(MAX_HELD).map(Subject::as_str).collect();
        let window = Window {
            series: series.as_str(),
            from: from.height(),
            to: to.height(),
            after: page
                .after
                .as_ref()
                .map_or(("", -1), |(subject, epoch)| (subject.as_str(), epoch.height())),
            limit: limit(page.limit),
        };
        let rows = dialect::recent(&mut db, id, &subjects, &window).await.map_err(error)?;
        rows.into_iter().map(step_of).collect()
    }

    async fn steps(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        subject: &Subject,
        page: Page<Epoch>,
    ) -> Result<Vec<Step>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT epoch, coalesce(CAST(value AS TEXT), '') FROM steps
             WHERE network_id = $1 AND series_id = (SELECT series_id FROM series WHERE name = $2)
               AND subject_id = (SELECT subject_id FROM subjects WHERE network_id = $1 AND name = $3)
               AND epoch > $4
             ORDER BY epoch LIMIT $5",
        )
        .bind(id)
        .bind(series.as_str())
        .bind(subject.as_str())
        .bind(page.after.map_or(-1, Epoch::height))
        .bind(limit(page.limit))
        .fetch_all(&mut *db)
        .await
        .map_err(error)?;
        rows.into_iter().map(|(at, amount)| Ok(Step { epoch: epoch(at)?, value: value(&amount)? })).collect()
    }

    async fn history(
        &self,
        network: &NetworkId,
        series: &SeriesName,
        from: Epoch,
        page: Page<(Subject, Epoch)>,
    ) -> Result<Vec<(Subject, Step)>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let after = page.after.as_ref();
        let before = from.height() - 1;
        let rows: Vec<(String, i64, String)> = sqlx::query_as(HISTORY)
            .bind(id)
            .bind(series.as_str())
            .bind(before)
            .bind(after.map_or("", |(subject, _)| subject.as_str()))
            .bind(after.map_or(before, |(_, epoch)| epoch.height().max(before)))
            .bind(limit(page.limit))
            .fetch_all(&mut *db)
            .await
            .map_err(error)?;
        rows.into_iter().map(step_of).collect()
    }

    async fn changes(
        &self,
        network: &NetworkId,
        at: Epoch,
        page: Page<(SeriesName, Subject)>,
    ) -> Result<Vec<ChangeRecord>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let after = page.after.as_ref();
        let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(CHANGES)
            .bind(id)
            .bind(at.height())
            .bind(after.map_or("", |(series, _)| series.as_str()))
            .bind(after.map_or("", |(_, subject)| subject.as_str()))
            .bind(limit(page.limit))
            .fetch_all(&mut *db)
            .await
            .map_err(error)?;
        rows.into_iter()
            .map(|(series, subject, amount, before)| {
                let change = change((series, subject, at.height(), amount))?;
                Ok(ChangeRecord { change, before: value(&before.unwrap_or_default())? })
            })
            .collect()
    }

    async fn journal(&self, network: &NetworkId, applied: Epoch) -> Result<Vec<Change>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
            "SELECT r.name, u.name, s.epoch, coalesce(CAST(s.value AS TEXT), '') FROM journal j
             JOIN steps s ON s.network_id = j.network_id AND s.series_id = j.series_id
               AND s.subject_id = j.subject_id AND s.epoch = j.epoch
             JOIN series r ON r.series_id = j.series_id
             JOIN subjects u ON u.subject_id = j.subject_id
             WHERE j.network_id = $1 AND j.applied = $2 ORDER BY r.name, u.name, s.epoch",
        )
        .bind(id)
        .bind(applied.height())
        .fetch_all(&mut *db)
        .await
        .map_err(error)?;
        rows.into_iter().map(change).collect()
    }

    async fn certificates(
        &self,
        network: &NetworkId,
        instance: u64,
        wanted: u32,
    ) -> Result<Vec<CertificateRecord>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
            "SELECT instance, epoch, tipset, document FROM certificates
             WHERE network_id = $1 AND instance >= $2 ORDER BY instance LIMIT $3",
        )
        .bind(id)
        .bind(i64::try_from(instance).unwrap_or(i64::MAX))
        .bind(limit(wanted))
        .fetch_all(&mut *db)
        .await
        .map_err(error)?;
        rows.into_iter()
            .map(|(instance, at, key, document)| {
                Ok(CertificateRecord {
                    instance: instance.try_into().map_err(|e| damaged("certificates", e))?,
                    epoch: at.try_into().map_err(|e| damaged("certificates", e))?,
                    key,
                    document,
                })
            })
            .collect()
    }

    async fn objects(&self, network: &NetworkId, cids: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        let id = network_id(&mut db, network).await?;
        dialect::read_objects(&mut db, id, cids).await.map_err(error)
    }

    async fn competitions(&self) -> Result<Vec<LedgerHead>> {
        ledger::competitions(&mut *self.reads.acquire().await.map_err(error)?).await
    }

    async fn entries(&self, competition: &str, page: Page<u64>) -> Result<Vec<LedgerEntry>> {
        ledger::entries(&mut *self.reads.acquire().await.map_err(error)?, competition, &page).await
    }

    async fn archives(&self) -> Result<Vec<ArchiveHead>> {
        archives::heads(&mut *self.reads.acquire().await.map_err(error)?).await
    }

    async fn archive(&self, competition: &str) -> Result<Option<Archive>> {
        archives::one(&mut *self.reads.acquire().await.map_err(error)?, competition).await
    }

    async fn check(&self) -> Result<()> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&self.reads)
                .await
                .map_err(error)?;
        let (found, expected) = (found.unwrap_or(0), newest_version());
        if found == expected { Ok(()) } else { Err(StoreError::Schema { found, expected }) }
    }
}

/// The schema version this program needs.
fn newest_version() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Bring the schema up to date.
///
/// # Errors
/// [`StoreError::Schema`] where the database is newer than the program.
pub(crate) async fn migrate(pool: &sqlx::Pool<Db>) -> Result<()> {
    use sqlx::migrate::MigrateError;
    MIGRATOR.run(pool).await.map_err(|e| match e {
        MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
            StoreError::Schema { found, expected: newest_version() }
        }
        MigrateError::Execute(e) => error(e),
        other => damaged("_sqlx_migrations", other),
    })
}

/// A transaction.
pub(crate) struct Unit {
    pub(crate) tx: sqlx::Transaction<'static, Db>,
}

impl Unit {
    /// Move the cursor of a network, but only from where the caller believes it to be. Returns up to which epoch the journal was dropped
    /// before.
    ///
    /// The row is replaced only while it still holds the text that was compared, so of two writers one fails.
    async fn move_cursor(&mut self, id: i64, from: Option<&Cursor>, to: &Cursor) -> Result<i64> {
        let stored = stored_cursor(&mut self.tx, id).await?;
        let found = stored.as_ref().map(|(_, document)| decode("cursors", document)).transpose()?;
        if found.as_ref() != from {
            return Err(conflict(found.as_ref(), from));
        }
        let document = encode("cursors", to)?;
        let final_epoch = to.final_epoch.map_or(-1, Epoch::height);
        if let (Some(from), Some((settled, _))) = (from, &stored)
            && to.epoch < from.epoch
            && to.epoch.height() < *settled
        {
            return Err(StoreError::TooDeep { to: to.epoch, kept: epoch(*settled)?.plus(1) });
        }
        let (settled, moved) = match &stored {
            None => {
                let insert = "INSERT INTO cursors (network_id, settled, document) VALUES ($1, $2, $3)
                    ON CONFLICT (network_id) DO NOTHING";
                let insert = sqlx::query(insert).bind(id).bind(final_epoch).bind(document);
                (-1, insert.execute(&mut *self.tx).await)
            }
            Some((settled, before)) => {
                let update =
                    "UPDATE cursors SET settled = $2, document = $3 WHERE network_id = $1 AND document = $4";
                let update = sqlx::query(update).bind(id).bind(final_epoch.max(*settled)).bind(document);
                (*settled, update.bind(before).execute(&mut *self.tx).await)
            }
        };
        match moved.map_err(error)?.rows_affected() {
            1 => Ok(settled),
            _ => Err(conflict(None, from)),
        }
    }

    /// Delete what lies above a cursor. How many rows went.
    async fn delete(&mut self, sql: &'static str, id: i64, above: &Cursor) -> Result<u64> {
        let delete = sqlx::query(sql).bind(id).bind(above.epoch.height());
        Ok(delete.execute(&mut *self.tx).await.map_err(error)?.rows_affected())
    }

    /// The ids of all series and subjects of these epochs; new ones are added.
    async fn ids(&mut self, id: i64, epochs: &[AppliedEpoch]) -> Result<(Ids, Ids)> {
        let changes = || epochs.iter().flat_map(|epoch| &epoch.changes);
        let series: BTreeSet<&str> = changes().map(|change| change.series.as_str()).collect();
        let subjects: BTreeSet<&str> = changes().map(|change| change.subject.as_str()).collect();
        let series = dialect::series_ids(&mut self.tx, series).await.map_err(error)?;
        let subjects = dialect::subject_ids(&mut self.tx, id, subjects).await.map_err(error)?;
        Ok((series.into_iter().collect(), subjects.into_iter().collect()))
    }
}

type Ids = HashMap<String, i64>;

fn known(ids: &Ids, table: &'static str, name: &str) -> Result<i64> {
    ids.get(name).copied().ok_or_else(|| damaged(table, format_args!("{name} has no row")))
}

fn conflict(found: Option<&Cursor>, expected: Option<&Cursor>) -> StoreError {
    let say = |cursor: Option<&Cursor>| {
        cursor.map_or_else(
            || "elsewhere".to_owned(),
            |c| format!("at epoch {} with digest {}", c.epoch, c.digest),
        )
    };
    StoreError::Conflict { what: "the cursor", found: say(found), expected: say(expected) }
}

/// Whether epochs ascend, begin after `from` and end at `to`.
fn check_order(from: Option<&Cursor>, to: &Cursor, epochs: &[AppliedEpoch]) -> Result<()> {
    let start = from.map_or(-1, |cursor| cursor.epoch.height());
    let mut before = start;
    for applied in epochs {
        let at = applied.record.epoch;
        if at.height() <= before || at > to.epoch {
            return Err(StoreError::Conflict {
                what: "the next epoch",
                found: at.to_string(),
                expected: format!("above {before} and at most {}", to.epoch),
            });
        }
        before = at.height();
    }
    if to.epoch.height() >= start {
        return Ok(());
    }
    Err(StoreError::Conflict {
        what: "the epoch of the new cursor",
        found: to.epoch.to_string(),
        expected: format!("at least {start}"),
    })
}

#[async_trait]
impl Work for Unit {
    async fn put_network(&mut self, network: &Network) -> Result<()> {
        sqlx::query("INSERT INTO networks (name, document) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(network.id.as_str())
            .bind(encode("networks", network)?)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        let document: String = sqlx::query_scalar("SELECT document FROM networks WHERE name = $1")
            .bind(network.id.as_str())
            .fetch_one(&mut *self.tx)
            .await
            .map_err(error)?;
        let found: Network = decode("networks", &document)?;
        if found.genesis == network.genesis {
            return Ok(());
        }
        Err(StoreError::Conflict {
            what: "the genesis of the network",
            found: found.genesis,
            expected: network.genesis.clone(),
        })
    }

    async fn apply(
        &mut self,
        network: &NetworkId,
        from: Option<&Cursor>,
        to: &Cursor,
        epochs: &[AppliedEpoch],
    ) -> Result<()> {
        let id = network_id(&mut self.tx, network).await?;
        check_order(from, to, epochs)?;
        let settled = self.move_cursor(id, from, to).await?;

        let mut records = Vec::with_capacity(epochs.len());
        for applied in epochs {
            records.push((applied.record.epoch.height(), encode("epochs", &applied.record)?));
        }
        dialect::add_epochs(&mut self.tx, id, records).await.map_err(error)?;

        let (series, subjects) = self.ids(id, epochs).await?;
        let mut rows = Vec::with_capacity(epochs.iter().map(|epoch| epoch.changes.len()).sum());
        for applied in epochs {
            for change in &applied.changes {
                rows.push(StepRow {
                    applied: applied.record.epoch.height(),
                    series: known(&series, "series", change.series.as_str())?,
                    subject: known(&subjects, "subjects", change.subject.as_str())?,
                    epoch: change.epoch.height(),
                    value: change.value,
                });
            }
        }
        // In the order of the key: pages of the tree are filled one after the other.
        rows.sort_unstable_by_key(|row| (row.series, row.subject, row.epoch));
        dialect::add_steps(&mut self.tx, id, &rows).await.map_err(error)?;
        let pairs: BTreeSet<(i64, i64)> = rows.iter().map(|row| (row.series, row.subject)).collect();
        dialect::add_series_subjects(&mut self.tx, id, pairs).await.map_err(error)?;

        let keep = settled.max(to.final_epoch.map_or(-1, Epoch::height));
        rows.retain(|row| row.applied > keep);
        rows.sort_unstable_by_key(|row| (row.applied, row.series, row.subject, row.epoch));
        dialect::add_journal(&mut self.tx, id, &rows).await.map_err(error)?;
        sqlx::query("DELETE FROM journal WHERE network_id = $1 AND applied <= $2")
            .bind(id)
            .bind(keep)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(())
    }

    async fn unwind(&mut self, network: &NetworkId, from: &Cursor, to: &Cursor) -> Result<u64> {
        let id = network_id(&mut self.tx, network).await?;
        self.move_cursor(id, Some(from), to).await?;
        let steps = "DELETE FROM steps WHERE (network_id, series_id, subject_id, epoch) IN
            (SELECT network_id, series_id, subject_id, epoch FROM journal WHERE network_id = $1 AND applied > $2)";
        let gone = self.delete(steps, id, to).await?;
        self.delete("DELETE FROM journal WHERE network_id = $1 AND applied > $2", id, to).await?;
        self.delete("DELETE FROM epochs WHERE network_id = $1 AND epoch > $2", id, to).await?;
        Ok(gone)
    }

    async fn put_certificates(
        &mut self,
        network: &NetworkId,
        certificates: &[CertificateRecord],
    ) -> Result<()> {
        let id = network_id(&mut self.tx, network).await?;
        dialect::add_certificates(&mut self.tx, id, certificates).await.map_err(error)
    }

    async fn put_objects(&mut self, network: &NetworkId, objects: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        let id = network_id(&mut self.tx, network).await?;
        dialect::add_objects(&mut self.tx, id, objects).await.map_err(error)
    }

    async fn clear(&mut self, network: &NetworkId) -> Result<()> {
        let id = network_id(&mut self.tx, network).await?;
        for delete in [
            "DELETE FROM cursors WHERE network_id = $1",
            "DELETE FROM journal WHERE network_id = $1",
            "DELETE FROM series_subjects WHERE network_id = $1",
            "DELETE FROM steps WHERE network_id = $1",
            "DELETE FROM epochs WHERE network_id = $1",
            "DELETE FROM certificates WHERE network_id = $1",
        ] {
            sqlx::query(delete).bind(id).execute(&mut *self.tx).await.map_err(error)?;
        }
        Ok(())
    }

    async fn append(
        &mut self,
        competition: &str,
        head: Option<(u64, Digest)>,
        entry: &LedgerEntry,
    ) -> Result<()> {
        ledger::append(&mut self.tx, competition, head, entry).await
    }

    async fn put_archive(&mut self, competition: &str, archive: &Archive) -> Result<()> {
        archives::put(&mut self.tx, competition, archive).await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.tx.commit().await.map_err(error)
    }
}
