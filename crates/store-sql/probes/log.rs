// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Digest, NetworkId, Timestamp};
use apogee_store::{Canary, Page, ProbeAttempt, ProbeBatch, ProbeLog, ProbeLogWork, Result};
use async_trait::async_trait;

use super::attempts::{AttemptRow, read_attempts};
use super::{conflict, count, number};
use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged, limit};

#[derive(sqlx::FromRow)]
struct BatchRow {
    seq: i64,
    prev: String,
    hash: String,
    epoch: i64,
    at: i64,
    document: Vec<u8>,
}

fn read_batch(row: BatchRow) -> Result<ProbeBatch> {
    const TABLE: &str = "probe_batches";
    let digest = |text: &str| text.parse::<Digest>().map_err(|e| damaged(TABLE, e));
    Ok(ProbeBatch {
        seq: count(TABLE, row.seq)?,
        prev: digest(&row.prev)?,
        hash: digest(&row.hash)?,
        epoch: row.epoch.try_into().map_err(|e| damaged(TABLE, e))?,
        at: Timestamp(row.at),
        document: row.document,
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
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT bot, at, code FROM probe_canaries WHERE network = $1 AND race = $2 AND at >= $3 AND at <= $4
             ORDER BY bot, at",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        Ok(rows.into_iter().map(|(bot, at, code)| Canary { bot, at: Timestamp(at), code }).collect())
    }

    async fn unlogged(&self, network: &NetworkId, race: &str, wanted: u32) -> Result<Vec<ProbeAttempt>> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT * FROM probe_attempts WHERE network = $1 AND race = $2 AND batch IS NULL AND cid IS NOT NULL
             ORDER BY ended, kind, miner, slot, attempt LIMIT $3",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_attempts(network, race, rows)
    }

    async fn batches(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeBatch>> {
        let rows: Vec<BatchRow> = sqlx::query_as(
            "SELECT seq, prev, hash, epoch, at, document FROM probe_batches
             WHERE network = $1 AND race = $2 AND seq > $3 ORDER BY seq LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(page.after.map_or(-1, number))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read_batch).collect()
    }

    async fn newest_batch(&self, network: &NetworkId, race: &str) -> Result<Option<ProbeBatch>> {
        let row: Option<BatchRow> = sqlx::query_as(
            "SELECT seq, prev, hash, epoch, at, document FROM probe_batches
             WHERE network = $1 AND race = $2 ORDER BY seq DESC LIMIT 1",
        )
        .bind(network.as_str())
        .bind(race)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(read_batch).transpose()
    }

    async fn logged(&self, network: &NetworkId, race: &str, seq: u64) -> Result<Vec<ProbeAttempt>> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT * FROM probe_attempts WHERE network = $1 AND race = $2 AND batch = $3
             ORDER BY kind, miner, slot, attempt",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(number(seq))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_attempts(network, race, rows)
    }
}

#[async_trait]
impl ProbeLogWork for Unit {
    async fn put_canary(&mut self, network: &NetworkId, race: &str, canary: &Canary) -> Result<()> {
        sqlx::query(
            "INSERT INTO probe_canaries (network, race, bot, at, code) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (network, race, bot, at) DO UPDATE SET code = excluded.code WHERE probe_canaries.code = ''",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(&canary.bot)
        .bind(canary.at.0)
        .bind(&canary.code)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn put_batch(
        &mut self,
        network: &NetworkId,
        race: &str,
        batch: &ProbeBatch,
        attempts: &[ProbeAttempt],
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO probe_batches (network, race, seq, prev, hash, epoch, at, document)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(number(batch.seq))
        .bind(batch.prev.to_string())
        .bind(batch.hash.to_string())
        .bind(batch.epoch.height())
        .bind(batch.at.0)
        .bind(&batch.document)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        for attempt in attempts {
            let done = sqlx::query(
                "UPDATE probe_attempts SET batch = $7
                 WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot = $5 AND attempt = $6
                    AND batch IS NULL",
            )
            .bind(network.as_str())
            .bind(race)
            .bind(attempt.key.kind.as_str())
            .bind(&attempt.key.miner)
            .bind(number(attempt.slot))
            .bind(i64::from(attempt.attempt))
            .bind(number(batch.seq))
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
            if done.rows_affected() != 1 {
                return Err(conflict("the batch of an attempt", "another", batch.seq));
            }
        }
        Ok(())
    }
}
