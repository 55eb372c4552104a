// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    FOLLOWED, LaneKey, Page, ProbeSlot, ProbeSlots, ProbeSlotsWork, Result, SlotCount, SlotCountKey,
    SlotOutcome, SlotVerdict, StoreError,
};
use async_trait::async_trait;

use super::{conflict, count, kind, number};
use crate::Adapter;
use crate::dialect::{error, hold_lane};
use crate::repositories::{Unit, damaged, hold_cursor, limit};

#[derive(sqlx::FromRow)]
struct SlotRow {
    kind: String,
    miner: String,
    slot: i64,
    due: i64,
    ended: i64,
    attempts: i64,
    look_at: i64,
    outcome: Option<String>,
    code: String,
    judged: Option<i64>,
    epoch: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    kind: String,
    miner: String,
    outcome: String,
    code: String,
    epoch: i64,
    count: i64,
}

fn outcome(table: &'static str, word: &str) -> Result<SlotOutcome> {
    SlotOutcome::of(word).ok_or_else(|| damaged(table, format_args!("no outcome {word}")))
}

fn read_slots(network: &NetworkId, race: &str, rows: Vec<SlotRow>) -> Result<Vec<ProbeSlot>> {
    const TABLE: &str = "probe_slots";
    let read = |row: SlotRow| {
        let verdict = match (row.outcome, row.judged, row.epoch) {
            (Some(word), Some(at), Some(height)) => Some(SlotVerdict {
                outcome: outcome(TABLE, &word)?,
                code: row.code,
                at: Timestamp(at),
                epoch: height.try_into().map_err(|e| damaged(TABLE, e))?,
            }),
            _ => None,
        };
        let kind = kind(TABLE, &row.kind)?;
        Ok(ProbeSlot {
            key: LaneKey { network: network.clone(), race: race.to_owned(), kind, miner: row.miner },
            slot: count(TABLE, row.slot)?,
            due: Timestamp(row.due),
            ended: Timestamp(row.ended),
            attempts: count(TABLE, row.attempts)?,
            look: Timestamp(row.look_at),
            verdict,
        })
    };
    rows.into_iter().map(read).collect()
}

#[async_trait]
impl ProbeSlots for Adapter {
    async fn slots(&self, key: &LaneKey, page: Page<u64>) -> Result<Vec<ProbeSlot>> {
        let rows: Vec<SlotRow> = sqlx::query_as(
            "SELECT * FROM probe_slots
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot < $5
             ORDER BY slot DESC LIMIT $6",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(page.after.map_or(i64::MAX, number))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_slots(&key.network, &key.race, rows)
    }

    async fn unjudged(
        &self,
        network: &NetworkId,
        race: &str,
        now: Timestamp,
        wanted: u32,
    ) -> Result<Vec<ProbeSlot>> {
        let rows: Vec<SlotRow> = sqlx::query_as(
            "SELECT * FROM probe_slots WHERE network = $1 AND race = $2 AND outcome IS NULL AND look_at <= $3
             ORDER BY look_at, kind, miner, slot LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(now.0)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_slots(network, race, rows)
    }

    async fn followed(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(ProbeKind, String, u64)>,
    ) -> Result<Vec<ProbeSlot>> {
        let (kind, miner, slot) = page
            .after
            .map_or(("", String::new(), -1), |(kind, miner, slot)| (kind.as_str(), miner, number(slot)));
        let rows: Vec<SlotRow> = sqlx::query_as(
            "SELECT * FROM probe_slots
             WHERE network = $1 AND race = $2 AND outcome IS NULL AND look_at = $3 AND (kind, miner, slot) > ($4, $5, $6)
             ORDER BY kind, miner, slot LIMIT $7",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(FOLLOWED.0)
        .bind(kind)
        .bind(miner)
        .bind(slot)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_slots(network, race, rows)
    }

    async fn slot_counts(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<SlotCountKey>,
    ) -> Result<Vec<SlotCount>> {
        let (kind_after, miner, outcome_after, code, epoch) = page.after.map_or(
            ("", String::new(), "", String::new(), -1),
            |(kind, miner, outcome, code, epoch)| {
                (kind.as_str(), miner, outcome.as_str(), code, epoch.height())
            },
        );
        let rows: Vec<CountRow> = sqlx::query_as(
            "SELECT kind, miner, outcome, code, epoch, count FROM probe_counts
             WHERE network = $1 AND race = $2 AND (kind, miner, outcome, code, epoch) > ($3, $4, $5, $6, $7)
             ORDER BY kind, miner, outcome, code, epoch LIMIT $8",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(kind_after)
        .bind(miner)
        .bind(outcome_after)
        .bind(code)
        .bind(epoch)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let read = |row: CountRow| {
            Ok(SlotCount {
                kind: kind("probe_counts", &row.kind)?,
                miner: row.miner,
                outcome: outcome("probe_counts", &row.outcome)?,
                code: row.code,
                epoch: row.epoch.try_into().map_err(|e| damaged("probe_counts", e))?,
                count: count("probe_counts", row.count)?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

#[async_trait]
impl ProbeSlotsWork for Unit {
    async fn put_slot(&mut self, slot: &ProbeSlot) -> Result<()> {
        sqlx::query(
            "INSERT INTO probe_slots (network, race, kind, miner, slot, due, ended, attempts, look_at, outcome, code, judged, epoch)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, '', NULL, NULL)
             ON CONFLICT (network, race, kind, miner, slot)
             DO UPDATE SET ended = excluded.ended, attempts = excluded.attempts, look_at = excluded.look_at
             WHERE probe_slots.outcome IS NULL",
        )
        .bind(slot.key.network.as_str())
        .bind(&slot.key.race)
        .bind(slot.key.kind.as_str())
        .bind(&slot.key.miner)
        .bind(number(slot.slot))
        .bind(slot.due.0)
        .bind(slot.ended.0)
        .bind(i64::from(slot.attempts))
        .bind(slot.look.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        match &slot.verdict {
            Some(verdict) => self.judge_slot(&slot.key, slot.slot, verdict).await.map(drop),
            None => Ok(()),
        }
    }

    async fn look_again(&mut self, key: &LaneKey, slot: u64, attempts: u32, at: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE probe_slots SET look_at = $7
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot = $5 AND attempts = $6
                AND outcome IS NULL",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(number(slot))
        .bind(i64::from(attempts))
        .bind(at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn judge_slot(&mut self, key: &LaneKey, slot: u64, verdict: &SlotVerdict) -> Result<Epoch> {
        // Two who judge slots of a lane at once would count from the same number.
        hold_lane(&mut self.tx, key).await.map_err(error)?;
        if let Some(indexed) = hold_cursor(&mut self.tx, &key.network).await?
            && verdict.epoch <= indexed
        {
            return Err(StoreError::Passed { epoch: verdict.epoch, indexed });
        }
        let newest: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(epoch) FROM probe_counts WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .fetch_one(&mut *self.tx)
        .await
        .map_err(error)?;
        let epoch = verdict.epoch.height().max(newest.unwrap_or(0));
        let done = sqlx::query(
            "UPDATE probe_slots SET outcome = $6, code = $7, judged = $8, epoch = $9
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot = $5 AND outcome IS NULL",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(number(slot))
        .bind(verdict.outcome.as_str())
        .bind(&verdict.code)
        .bind(verdict.at.0)
        .bind(epoch)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        if done.rows_affected() != 1 {
            return Err(conflict("the slot", "absent or judged", "not judged"));
        }
        sqlx::query(
            "INSERT INTO probe_counts (network, race, kind, miner, outcome, code, epoch, count)
             SELECT $1, $2, $3, $4, $5, $6, $7, COALESCE((
                SELECT count FROM probe_counts
                WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND outcome = $5 AND code = $6
                ORDER BY epoch DESC LIMIT 1), 0) + 1
             WHERE true
             ON CONFLICT (network, race, kind, miner, outcome, code, epoch) DO UPDATE SET count = probe_counts.count + 1",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(verdict.outcome.as_str())
        .bind(&verdict.code)
        .bind(epoch)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        epoch.try_into().map_err(|e| damaged("probe_counts", e))
    }
}
