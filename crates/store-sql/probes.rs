// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Digest, NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    Canary, Evidence, Lane, LaneClaim, LaneKey, LaneLease, MAX_CHECKPOINT, MAX_RECORD, Page, ProbeAttempt,
    ProbeBatch, ProbeSlot, Probes, ProbesWork, Result, SlotCount, SlotCountKey, SlotOutcome, SlotVerdict,
    StoreError,
};
use async_trait::async_trait;

use crate::dialect::{claim_lanes, error};
use crate::repositories::{Unit, damaged, limit};
use crate::{Adapter, Connection};

#[derive(sqlx::FromRow)]
pub(crate) struct LaneRow {
    network: String,
    race: String,
    kind: String,
    miner: String,
    slot: i64,
    due: i64,
    ends: i64,
    region: String,
    anywhere: i64,
    attempt: i64,
    avoid_first: String,
    avoid_second: String,
    fence: i64,
    bot: Option<String>,
    since: i64,
    expires: i64,
    beat: i64,
    stage: String,
    checkpoint: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    kind: String,
    miner: String,
    slot: i64,
    attempt: i64,
    fence: i64,
    bot: String,
    region: String,
    leased: i64,
    ended: i64,
    code: String,
    cid: Option<String>,
    record: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
    late_cid: Option<String>,
    late_record: Option<Vec<u8>>,
    late_signature: Option<Vec<u8>>,
    batch: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct SlotRow {
    kind: String,
    miner: String,
    slot: i64,
    due: i64,
    ended: i64,
    attempts: i64,
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

#[derive(sqlx::FromRow)]
struct BatchRow {
    seq: i64,
    prev: String,
    hash: String,
    epoch: i64,
    at: i64,
    document: Vec<u8>,
}

/// A count as both databases hold it. Nothing here comes near the end of an `i64`.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn count<T: TryFrom<i64, Error: ToString>>(table: &'static str, of: i64) -> Result<T> {
    of.try_into().map_err(|e: T::Error| damaged(table, e))
}

fn kind(table: &'static str, word: &str) -> Result<ProbeKind> {
    ProbeKind::of(word).ok_or_else(|| damaged(table, format_args!("no kind {word}")))
}

fn outcome(table: &'static str, word: &str) -> Result<SlotOutcome> {
    SlotOutcome::of(word).ok_or_else(|| damaged(table, format_args!("no outcome {word}")))
}

fn conflict(what: &'static str, found: impl ToString, expected: impl ToString) -> StoreError {
    StoreError::Conflict { what, found: found.to_string(), expected: expected.to_string() }
}

fn small(what: &'static str, bytes: &[u8], limit: usize) -> Result<()> {
    if bytes.len() <= limit {
        return Ok(());
    }
    Err(StoreError::TooLarge { what, size: bytes.len() as u64, limit: limit as u64 })
}

pub(crate) fn read_lane(row: LaneRow) -> Result<Lane> {
    const TABLE: &str = "probe_lanes";
    let lease = row.bot.map(|bot| {
        Ok::<_, StoreError>(LaneLease {
            bot,
            since: Timestamp(row.since),
            expires: Timestamp(row.expires),
            beat: count(TABLE, row.beat)?,
            stage: row.stage,
        })
    });
    Ok(Lane {
        key: LaneKey {
            network: row.network.parse().map_err(|e| damaged(TABLE, e))?,
            race: row.race,
            kind: kind(TABLE, &row.kind)?,
            miner: row.miner,
        },
        slot: count(TABLE, row.slot)?,
        due: Timestamp(row.due),
        ends: Timestamp(row.ends),
        region: row.region,
        anywhere: Timestamp(row.anywhere),
        attempt: count(TABLE, row.attempt)?,
        avoid: [row.avoid_first, row.avoid_second],
        fence: count(TABLE, row.fence)?,
        lease: lease.transpose()?,
        checkpoint: row.checkpoint,
    })
}

fn read_lanes(rows: Vec<LaneRow>) -> Result<Vec<Lane>> {
    rows.into_iter().map(read_lane).collect()
}

fn evidence(cid: Option<String>, record: Option<Vec<u8>>, signature: Option<Vec<u8>>) -> Option<Evidence> {
    Some(Evidence { cid: cid?, record: record.unwrap_or_default(), signature: signature.unwrap_or_default() })
}

fn read_attempts(network: &NetworkId, race: &str, rows: Vec<AttemptRow>) -> Result<Vec<ProbeAttempt>> {
    const TABLE: &str = "probe_attempts";
    let read = |row: AttemptRow| {
        let kind = kind(TABLE, &row.kind)?;
        Ok(ProbeAttempt {
            key: LaneKey { network: network.clone(), race: race.to_owned(), kind, miner: row.miner },
            slot: count(TABLE, row.slot)?,
            attempt: count(TABLE, row.attempt)?,
            fence: count(TABLE, row.fence)?,
            bot: row.bot,
            region: row.region,
            leased: Timestamp(row.leased),
            ended: Timestamp(row.ended),
            code: row.code,
            evidence: evidence(row.cid, row.record, row.signature),
            late: evidence(row.late_cid, row.late_record, row.late_signature),
            batch: row.batch.map(|batch| count(TABLE, batch)).transpose()?,
        })
    };
    rows.into_iter().map(read).collect()
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
            verdict,
        })
    };
    rows.into_iter().map(read).collect()
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

async fn one_lane(db: &mut Connection, key: &LaneKey) -> Result<Option<Lane>> {
    let row: Option<LaneRow> = sqlx::query_as(
        "SELECT * FROM probe_lanes WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4",
    )
    .bind(key.network.as_str())
    .bind(&key.race)
    .bind(key.kind.as_str())
    .bind(&key.miner)
    .fetch_optional(db)
    .await
    .map_err(error)?;
    row.map(read_lane).transpose()
}

#[async_trait]
impl Probes for Adapter {
    async fn lane(&self, key: &LaneKey) -> Result<Option<Lane>> {
        one_lane(&mut *self.reads.acquire().await.map_err(error)?, key).await
    }

    async fn lanes(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(ProbeKind, String)>,
    ) -> Result<Vec<Lane>> {
        let (kind, miner) = page.after.map_or(("", String::new()), |(kind, miner)| (kind.as_str(), miner));
        let rows: Vec<LaneRow> = sqlx::query_as(
            "SELECT * FROM probe_lanes WHERE network = $1 AND race = $2 AND (kind, miner) > ($3, $4)
             ORDER BY kind, miner LIMIT $5",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(kind)
        .bind(miner)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_lanes(rows)
    }

    async fn lapsed(
        &self,
        network: &NetworkId,
        race: &str,
        now: Timestamp,
        wanted: u32,
    ) -> Result<Vec<Lane>> {
        let rows: Vec<LaneRow> = sqlx::query_as(
            "SELECT * FROM probe_lanes WHERE network = $1 AND race = $2 AND bot IS NOT NULL AND expires <= $3
             ORDER BY expires, kind, miner LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(now.0)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_lanes(rows)
    }

    async fn missed(
        &self,
        network: &NetworkId,
        race: &str,
        now: Timestamp,
        wanted: u32,
    ) -> Result<Vec<Lane>> {
        // Whatever has ended was due.
        let rows: Vec<LaneRow> = sqlx::query_as(
            "SELECT * FROM probe_lanes
             WHERE network = $1 AND race = $2 AND bot IS NULL AND due <= $3 AND ends <= $3
             ORDER BY due, kind, miner LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(now.0)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_lanes(rows)
    }

    async fn probe_attempts(&self, key: &LaneKey, page: Page<(u64, u32)>) -> Result<Vec<ProbeAttempt>> {
        let (slot, attempt) = page.after.map_or((i64::MAX, 0), |(slot, attempt)| (number(slot), attempt));
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT * FROM probe_attempts
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND (slot, attempt) < ($5, $6)
             ORDER BY slot DESC, attempt DESC LIMIT $7",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(slot)
        .bind(i64::from(attempt))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_attempts(&key.network, &key.race, rows)
    }

    async fn attempts_ended(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
        wanted: u32,
    ) -> Result<Vec<ProbeAttempt>> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT kind, miner, slot, attempt, fence, bot, region, leased, ended, code, batch,
                CAST(NULL AS TEXT) AS cid, NULL AS record, NULL AS signature,
                CAST(NULL AS TEXT) AS late_cid, NULL AS late_record, NULL AS late_signature
             FROM probe_attempts WHERE network = $1 AND race = $2 AND ended >= $3 AND ended < $4
             ORDER BY ended, kind, miner, slot, attempt LIMIT $5",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(from.0)
        .bind(to.0)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        read_attempts(network, race, rows)
    }

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
        ended: Timestamp,
        wanted: u32,
    ) -> Result<Vec<ProbeSlot>> {
        let rows: Vec<SlotRow> = sqlx::query_as(
            "SELECT * FROM probe_slots WHERE network = $1 AND race = $2 AND outcome IS NULL AND ended <= $3
             ORDER BY ended, kind, miner, slot LIMIT $4",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(ended.0)
        .bind(limit(wanted))
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
impl ProbesWork for Unit {
    async fn put_lane(&mut self, lane: &Lane) -> Result<()> {
        small("a checkpoint", &lane.checkpoint, MAX_CHECKPOINT)?;
        let [first, second] = &lane.avoid;
        sqlx::query(
            "INSERT INTO probe_lanes (network, race, kind, miner, slot, due, ends, region, anywhere, attempt,
                avoid_first, avoid_second, fence, bot, since, expires, beat, stage, checkpoint)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, 0, 0, 0, '', $14)
             ON CONFLICT (network, race, kind, miner) DO NOTHING",
        )
        .bind(lane.key.network.as_str())
        .bind(&lane.key.race)
        .bind(lane.key.kind.as_str())
        .bind(&lane.key.miner)
        .bind(number(lane.slot))
        .bind(lane.due.0)
        .bind(lane.ends.0)
        .bind(&lane.region)
        .bind(lane.anywhere.0)
        .bind(i64::from(lane.attempt))
        .bind(first)
        .bind(second)
        .bind(number(lane.fence))
        .bind(&lane.checkpoint)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn claim_lanes(&mut self, claim: &LaneClaim<'_>) -> Result<Vec<Lane>> {
        let rows = claim_lanes(&mut self.tx, claim, limit(claim.limit)).await.map_err(error)?;
        let mut lanes = read_lanes(rows)?;
        lanes.sort_by(|a, b| (a.due, &a.key).cmp(&(b.due, &b.key)));
        Ok(lanes)
    }

    async fn hold_lane(&mut self, key: &LaneKey, fence: u64, bot: Option<&str>) -> Result<Option<Lane>> {
        // Writing what is there holds the row.
        let row: Option<LaneRow> = sqlx::query_as(
            "UPDATE probe_lanes SET fence = fence
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND fence = $5 AND COALESCE(bot, '') = $6
             RETURNING *",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(number(fence))
        .bind(bot.unwrap_or_default())
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        row.map(read_lane).transpose()
    }

    async fn set_lane(&mut self, lane: &Lane) -> Result<()> {
        small("a checkpoint", &lane.checkpoint, MAX_CHECKPOINT)?;
        let [first, second] = &lane.avoid;
        let lease = lane.lease.as_ref();
        let done = sqlx::query(
            "UPDATE probe_lanes SET slot = $6, due = $7, ends = $8, region = $9, anywhere = $10, attempt = $11,
                avoid_first = $12, avoid_second = $13, bot = $14, since = $15, expires = $16, beat = $17,
                stage = $18, checkpoint = $19
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND fence = $5",
        )
        .bind(lane.key.network.as_str())
        .bind(&lane.key.race)
        .bind(lane.key.kind.as_str())
        .bind(&lane.key.miner)
        .bind(number(lane.fence))
        .bind(number(lane.slot))
        .bind(lane.due.0)
        .bind(lane.ends.0)
        .bind(&lane.region)
        .bind(lane.anywhere.0)
        .bind(i64::from(lane.attempt))
        .bind(first)
        .bind(second)
        .bind(lease.map(|lease| lease.bot.as_str()))
        .bind(lease.map_or(0, |lease| lease.since.0))
        .bind(lease.map_or(0, |lease| lease.expires.0))
        .bind(lease.map_or(0, |lease| number(lease.beat)))
        .bind(lease.map_or("", |lease| lease.stage.as_str()))
        .bind(&lane.checkpoint)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        let found = one_lane(&mut self.tx, &lane.key).await?;
        Err(conflict("the fence of the lane", found.map_or(0, |lane| lane.fence), lane.fence))
    }

    async fn put_attempt_made(&mut self, attempt: &ProbeAttempt) -> Result<()> {
        let (evidence, late) = (attempt.evidence.as_ref(), attempt.late.as_ref());
        for kept in evidence.into_iter().chain(late) {
            small("a record", &kept.record, MAX_RECORD)?;
        }
        sqlx::query(
            "INSERT INTO probe_attempts (network, race, kind, miner, slot, attempt, fence, bot, region, leased, ended,
                code, cid, record, signature, late_cid, late_record, late_signature, batch)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        )
        .bind(attempt.key.network.as_str())
        .bind(&attempt.key.race)
        .bind(attempt.key.kind.as_str())
        .bind(&attempt.key.miner)
        .bind(number(attempt.slot))
        .bind(i64::from(attempt.attempt))
        .bind(number(attempt.fence))
        .bind(&attempt.bot)
        .bind(&attempt.region)
        .bind(attempt.leased.0)
        .bind(attempt.ended.0)
        .bind(&attempt.code)
        .bind(evidence.map(|kept| kept.cid.as_str()))
        .bind(evidence.map(|kept| kept.record.as_slice()))
        .bind(evidence.map(|kept| kept.signature.as_slice()))
        .bind(late.map(|kept| kept.cid.as_str()))
        .bind(late.map(|kept| kept.record.as_slice()))
        .bind(late.map(|kept| kept.signature.as_slice()))
        .bind(attempt.batch.map(number))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn put_late(&mut self, key: &LaneKey, slot: u64, fence: u64, late: &Evidence) -> Result<bool> {
        small("a record", &late.record, MAX_RECORD)?;
        let done = sqlx::query(
            "UPDATE probe_attempts SET late_cid = $7, late_record = $8, late_signature = $9
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot = $5 AND fence = $6
                AND late_cid IS NULL",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(number(slot))
        .bind(number(fence))
        .bind(&late.cid)
        .bind(&late.record)
        .bind(&late.signature)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn put_slot(&mut self, slot: &ProbeSlot) -> Result<()> {
        sqlx::query(
            "INSERT INTO probe_slots (network, race, kind, miner, slot, due, ended, attempts, outcome, code, judged, epoch)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, '', NULL, NULL)
             ON CONFLICT (network, race, kind, miner, slot)
             DO UPDATE SET ended = excluded.ended, attempts = excluded.attempts WHERE probe_slots.outcome IS NULL",
        )
        .bind(slot.key.network.as_str())
        .bind(&slot.key.race)
        .bind(slot.key.kind.as_str())
        .bind(&slot.key.miner)
        .bind(number(slot.slot))
        .bind(slot.due.0)
        .bind(slot.ended.0)
        .bind(i64::from(slot.attempts))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        match &slot.verdict {
            Some(verdict) => self.judge_slot(&slot.key, slot.slot, verdict).await,
            None => Ok(()),
        }
    }

    async fn judge_slot(&mut self, key: &LaneKey, slot: u64, verdict: &SlotVerdict) -> Result<()> {
        // Two who judge slots of a lane at once would count from the same number: writing what is there holds the lane.
        sqlx::query(
            "UPDATE probe_lanes SET fence = fence WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
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
        Ok(())
    }

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
