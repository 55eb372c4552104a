// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{NetworkId, Timestamp};
use apogee_store::{
    Canary, MAX_DOCUMENT, MAX_RECORD, Page, ProbeBatch, ProbeEntry, ProbeLog, ProbeLogWork, Result,
};
use async_trait::async_trait;

use super::{count, number, small};
use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged, limit};

#[derive(sqlx::FromRow)]
struct BatchRow {
    seq: i64,
    hash: String,
    epoch: i64,
    at: i64,
    last: i64,
    document: Vec<u8>,
    signature: Vec<u8>,
}

fn read_batch(row: BatchRow) -> Result<ProbeBatch> {
    const TABLE: &str = "probe_batches";
    Ok(ProbeBatch {
        seq: count(TABLE, row.seq)?,
        hash: row.hash.parse().map_err(|e| damaged(TABLE, e))?,
        epoch: row.epoch.try_into().map_err(|e| damaged(TABLE, e))?,
        at: Timestamp(row.at),
        last: count(TABLE, row.last)?,
        document: row.document,
        signature: row.signature,
    })
}

#[async_trait]
impl ProbeLog for Adapter {
    async fn canaries(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Canary>> {
        let rows: Vec<(String, i64, String, i64)> = sqlx::query_as(
            "SELECT bot, at, code, entry FROM probe_canaries
             WHERE network = $1 AND race = $2 AND at >= $3 AND at <= $4 ORDER BY bot, at",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let read = |(bot, at, code, entry)| {
            Ok(Canary { bot, at: Timestamp(at), code, entry: count("probe_canaries", entry)? })
        };
        rows.into_iter().map(read).collect()
    }

    async fn newest_entry(&self, network: &NetworkId, race: &str) -> Result<u64> {
        let entries: Option<i64> =
            sqlx::query_scalar("SELECT entries FROM probe_logs WHERE network = $1 AND race = $2")
                .bind(network.as_str())
                .bind(race)
                .fetch_optional(&self.reads)
                .await
                .map_err(error)?;
        entries.map_or(Ok(0), |entries| count("probe_logs", entries))
    }

    async fn log_entries(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeEntry>> {
        let rows: Vec<(i64, Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
            "SELECT e.number, e.document, COALESCE(a.record, l.late_record, c.record)
             FROM probe_entries e
             LEFT JOIN probe_attempts a ON a.network = e.network AND a.race = e.race AND a.entry = e.number
             LEFT JOIN probe_attempts l ON l.network = e.network AND l.race = e.race AND l.late_entry = e.number
             LEFT JOIN probe_canaries c ON c.network = e.network AND c.race = e.race AND c.entry = e.number
             WHERE e.network = $1 AND e.race = $2 AND e.number > $3 ORDER BY e.number LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(page.after.map_or(0, number))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let read =
            |(of, document, record)| Ok(ProbeEntry { number: count("probe_entries", of)?, document, record });
        rows.into_iter().map(read).collect()
    }

    async fn batches(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeBatch>> {
        let rows: Vec<BatchRow> = sqlx::query_as(
            "SELECT seq, hash, epoch, at, last, document, signature FROM probe_batches
             WHERE network = $1 AND race = $2 AND seq > $3 ORDER BY seq LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(page.after.map_or(0, number))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read_batch).collect()
    }

    async fn newest_batch(&self, network: &NetworkId, race: &str) -> Result<Option<ProbeBatch>> {
        let row: Option<BatchRow> = sqlx::query_as(
            "SELECT seq, hash, epoch, at, last, document, signature FROM probe_batches
             WHERE network = $1 AND race = $2 ORDER BY seq DESC LIMIT 1",
        )
        .bind(network.as_str())
        .bind(race)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(read_batch).transpose()
    }
}

#[async_trait]
impl ProbeLogWork for Unit {
    async fn next_log_entry(&mut self, network: &NetworkId, race: &str) -> Result<u64> {
        let entries: i64 = sqlx::query_scalar(
            "INSERT INTO probe_logs (network, race, entries) VALUES ($1, $2, 1)
             ON CONFLICT (network, race) DO UPDATE SET entries = probe_logs.entries + 1 RETURNING entries",
        )
        .bind(network.as_str())
        .bind(race)
        .fetch_one(&mut *self.tx)
        .await
        .map_err(error)?;
        count("probe_logs", entries)
    }

    async fn put_log_entry(
        &mut self,
        network: &NetworkId,
        race: &str,
        of: u64,
        document: &[u8],
    ) -> Result<()> {
        small("an entry of the log", document, MAX_DOCUMENT)?;
        sqlx::query("INSERT INTO probe_entries (network, race, number, document) VALUES ($1, $2, $3, $4)")
            .bind(network.as_str())
            .bind(race)
            .bind(number(of))
            .bind(document)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(())
    }

    async fn put_canary(
        &mut self,
        network: &NetworkId,
        race: &str,
        canary: &Canary,
        record: &[u8],
    ) -> Result<bool> {
        small("a record", record, MAX_RECORD)?;
        let done = sqlx::query(
            "INSERT INTO probe_canaries (network, race, bot, at, code, entry, record)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (network, race, bot, at) DO NOTHING",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(&canary.bot)
        .bind(canary.at.0)
        .bind(&canary.code)
        .bind(number(canary.entry))
        .bind(record)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn put_batch(&mut self, network: &NetworkId, race: &str, batch: &ProbeBatch) -> Result<()> {
        small("a batch", &batch.document, MAX_DOCUMENT)?;
        sqlx::query(
            "INSERT INTO probe_batches (network, race, seq, hash, epoch, at, last, document, signature)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(number(batch.seq))
        .bind(batch.hash.to_string())
        .bind(batch.epoch.height())
        .bind(batch.at.0)
        .bind(number(batch.last))
        .bind(&batch.document)
        .bind(&batch.signature)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }
}
