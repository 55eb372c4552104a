// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    DealCourse, LaneKey, MAX_DEAL, Page, ProbeDeal, ProbeDeals, ProbeDealsWork, Result, StoreError,
};
use async_trait::async_trait;

use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged, limit};

const TABLE: &str = "probe_deals";

#[derive(sqlx::FromRow)]
struct DealRow {
    network: String,
    race: String,
    kind: String,
    miner: String,
    slot: i64,
    id: String,
    payload: i64,
    size: i64,
    root: String,
    piece: String,
    proposal: String,
    document: Vec<u8>,
    made: i64,
    start: i64,
    ends: i64,
    after: i64,
    fetched: i64,
    fetched_at: Option<i64>,
    deal: Option<i64>,
    published: Option<i64>,
    active: Option<i64>,
    slashed: Option<i64>,
    closed: i64,
}

/// A count as both databases hold it. Nothing here comes near the end of an `i64`.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn count(of: i64) -> Result<u64> {
    of.try_into().map_err(|e| damaged(TABLE, e))
}

fn epoch(height: i64) -> Result<Epoch> {
    height.try_into().map_err(|e| damaged(TABLE, e))
}

fn read(row: DealRow) -> Result<ProbeDeal> {
    let kind =
        ProbeKind::of(&row.kind).ok_or_else(|| damaged(TABLE, format_args!("no kind {}", row.kind)))?;
    let network = row.network.parse().map_err(|e| damaged(TABLE, e))?;
    Ok(ProbeDeal {
        key: LaneKey { network, race: row.race, kind, miner: row.miner },
        slot: count(row.slot)?,
        id: row.id,
        payload: count(row.payload)?,
        size: count(row.size)?,
        root: row.root,
        piece: row.piece,
        proposal: row.proposal,
        document: row.document,
        made: Timestamp(row.made),
        start: epoch(row.start)?,
        end: epoch(row.ends)?,
        after: count(row.after)?,
        course: DealCourse {
            fetched: count(row.fetched)?,
            fetched_at: row.fetched_at.map(Timestamp),
            deal: row.deal.map(count).transpose()?,
            published: row.published.map(epoch).transpose()?,
            active: row.active.map(epoch).transpose()?,
            slashed: row.slashed.map(epoch).transpose()?,
            closed: row.closed != 0,
        },
    })
}

#[async_trait]
impl ProbeDeals for Adapter {
    async fn deal(&self, key: &LaneKey, slot: u64) -> Result<Option<ProbeDeal>> {
        let row: Option<DealRow> = sqlx::query_as(
            "SELECT * FROM probe_deals WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND slot = $5",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(number(slot))
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(read).transpose()
    }

    async fn deal_named(&self, id: &str) -> Result<Option<ProbeDeal>> {
        let row: Option<DealRow> = sqlx::query_as("SELECT * FROM probe_deals WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reads)
            .await
            .map_err(error)?;
        row.map(read).transpose()
    }

    async fn open_deals(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<ProbeDeal>> {
        let (start, id) = page.after.map_or((-1, String::new()), |(start, id)| (start.height(), id));
        let rows: Vec<DealRow> = sqlx::query_as(
            "SELECT * FROM probe_deals WHERE network = $1 AND race = $2 AND closed = 0 AND (start, id) > ($3, $4)
             ORDER BY start, id LIMIT $5",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(start)
        .bind(id)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read).collect()
    }

    async fn promised_deals(&self, network: &NetworkId, race: &str, from: Epoch) -> Result<Vec<(u64, u64)>> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT size, COUNT(*) FROM probe_deals
             WHERE network = $1 AND race = $2 AND closed = 0 AND start >= $3 AND published IS NULL AND proposal <> ''
             GROUP BY size ORDER BY size",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(from.height())
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|(size, deals)| Ok((count(size)?, count(deals)?))).collect()
    }

    async fn stored_deals(&self, key: &LaneKey, by: Timestamp, wanted: u32) -> Result<Vec<ProbeDeal>> {
        let rows: Vec<DealRow> = sqlx::query_as(
            "SELECT d.* FROM probe_deals d JOIN probe_slots s
                ON s.network = d.network AND s.race = d.race AND s.kind = d.kind AND s.miner = d.miner AND s.slot = d.slot
             WHERE d.network = $1 AND d.race = $2 AND d.kind = $3 AND d.miner = $4
                AND s.outcome = 'ok' AND s.judged <= $5 AND d.slashed IS NULL
             ORDER BY d.slot DESC LIMIT $6",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(by.0)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read).collect()
    }

    async fn bots_without_data(&self, key: &LaneKey, from: Timestamp, to: Timestamp) -> Result<u32> {
        let bots: i64 = sqlx::query_scalar(
            "SELECT COUNT(DISTINCT bot) FROM probe_attempts
             WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4 AND code = 'BOT_SERVER_UNREACHABLE'
                AND ended >= $5 AND ended <= $6",
        )
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .bind(from.0)
        .bind(to.0)
        .fetch_one(&self.reads)
        .await
        .map_err(error)?;
        bots.try_into().map_err(|e| damaged(TABLE, e))
    }
}

#[async_trait]
impl ProbeDealsWork for Unit {
    async fn put_deal(&mut self, deal: &ProbeDeal) -> Result<ProbeDeal> {
        let (size, limit) = (deal.document.len() as u64, MAX_DEAL as u64);
        if size > limit {
            return Err(StoreError::TooLarge { what: "a deal", size, limit });
        }
        let DealCourse { fetched, fetched_at, deal: number_on_chain, published, active, slashed, closed } =
            &deal.course;
        // Writing what is there gives it back, and holds it.
        let row: DealRow = sqlx::query_as(
            "INSERT INTO probe_deals (network, race, kind, miner, slot, id, payload, size, root, piece, proposal, document,
                made, start, ends, after, fetched, fetched_at, deal, published, active, slashed, closed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
             ON CONFLICT (network, race, kind, miner, slot) DO UPDATE SET closed = probe_deals.closed
             RETURNING *",
        )
        .bind(deal.key.network.as_str())
        .bind(&deal.key.race)
        .bind(deal.key.kind.as_str())
        .bind(&deal.key.miner)
        .bind(number(deal.slot))
        .bind(&deal.id)
        .bind(number(deal.payload))
        .bind(number(deal.size))
        .bind(&deal.root)
        .bind(&deal.piece)
        .bind(&deal.proposal)
        .bind(&deal.document)
        .bind(deal.made.0)
        .bind(deal.start.height())
        .bind(deal.end.height())
        .bind(number(deal.after))
        .bind(number(*fetched))
        .bind(fetched_at.map(|at| at.0))
        .bind(number_on_chain.map(number))
        .bind(published.map(Epoch::height))
        .bind(active.map(Epoch::height))
        .bind(slashed.map(Epoch::height))
        .bind(i64::from(*closed))
        .fetch_one(&mut *self.tx)
        .await
        .map_err(error)?;
        read(row)
    }

    async fn put_fetch(&mut self, id: &str, from: u64, to: u64, at: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE probe_deals SET fetched_at = $4,
                fetched = CASE WHEN fetched >= $2 AND fetched < $3 THEN $3 ELSE fetched END
             WHERE id = $1",
        )
        .bind(id)
        .bind(number(from))
        .bind(number(to))
        .bind(at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn set_deal(&mut self, id: &str, course: &DealCourse) -> Result<()> {
        sqlx::query(
            "UPDATE probe_deals SET deal = $2, published = $3, active = $4, slashed = $5, closed = $6 WHERE id = $1",
        )
        .bind(id)
        .bind(course.deal.map(number))
        .bind(course.published.map(Epoch::height))
        .bind(course.active.map(Epoch::height))
        .bind(course.slashed.map(Epoch::height))
        .bind(i64::from(course.closed))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }
}
