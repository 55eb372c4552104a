// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    Lane, LaneClaim, LaneKey, LaneLease, MAX_CHECKPOINT, Page, ProbeLanes, ProbeLanesWork, Result, StoreError,
};
use async_trait::async_trait;

use super::{conflict, count, kind, number, small};
use crate::dialect::{claim_lanes, error, hold_lane};
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
impl ProbeLanes for Adapter {
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
}

#[async_trait]
impl ProbeLanesWork for Unit {
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
        let lane = hold_lane(&mut self.tx, key).await.map_err(error)?.map(read_lane).transpose()?;
        let holder = |lane: &Lane| lane.lease.as_ref().map(|lease| lease.bot.clone());
        Ok(lane.filter(|lane| lane.fence == fence && holder(lane).as_deref() == bot))
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
}
