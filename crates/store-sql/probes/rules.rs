// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{NetworkId, Timestamp};
use apogee_store::{MAINTENANCE, MAX_DOCUMENT, PinnedRace, ProbeRest, ProbeRules, ProbeRulesWork, Result};
use async_trait::async_trait;

use super::{count, number, small};
use crate::dialect::error;
use crate::repositories::Unit;
use crate::{Adapter, Connection};

#[derive(sqlx::FromRow)]
struct RestRow {
    miner: String,
    begins: i64,
    ends: i64,
    why: String,
    said: i64,
    statement: String,
    signature: String,
    entry: i64,
}

fn read_rest(row: RestRow) -> Result<ProbeRest> {
    Ok(ProbeRest {
        miner: row.miner,
        from: Timestamp(row.begins),
        to: Timestamp(row.ends),
        why: row.why,
        said: Timestamp(row.said),
        statement: row.statement,
        signature: row.signature,
        entry: count("probe_rests", row.entry)?,
    })
}

async fn pinned(db: &mut Connection, network: &NetworkId, race: &str) -> Result<Option<PinnedRace>> {
    let row: Option<(String, String, i64)> = sqlx::query_as(
        "SELECT document, commitment, pinned FROM probe_races WHERE network = $1 AND race = $2",
    )
    .bind(network.as_str())
    .bind(race)
    .fetch_optional(db)
    .await
    .map_err(error)?;
    Ok(row.map(|(document, commitment, at)| PinnedRace { document, commitment, at: Timestamp(at) }))
}

#[async_trait]
impl ProbeRules for Adapter {
    async fn rests(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProbeRest>> {
        let rows: Vec<RestRow> = sqlx::query_as(
            "SELECT miner, begins, ends, why, said, statement, signature, entry FROM probe_rests
             WHERE network = $1 AND race = $2 AND ends > $3 AND begins <= $4 ORDER BY begins, miner, why",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read_rest).collect()
    }

    async fn pinned_race(&self, network: &NetworkId, race: &str) -> Result<Option<PinnedRace>> {
        pinned(&mut *self.reads.acquire().await.map_err(error)?, network, race).await
    }
}

#[async_trait]
impl ProbeRulesWork for Unit {
    async fn put_rest(&mut self, network: &NetworkId, race: &str, rest: &ProbeRest) -> Result<bool> {
        small("what is said of a rest", rest.statement.as_bytes(), MAX_DOCUMENT)?;
        let done = sqlx::query(
            "INSERT INTO probe_rests (network, race, miner, begins, ends, why, said, statement, signature, entry)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11)
             ON CONFLICT (network, race, miner, begins, why) DO UPDATE
             SET ends = excluded.ends, said = excluded.said, statement = excluded.statement,
                signature = excluded.signature, entry = excluded.entry
             WHERE probe_rests.why <> $10 AND probe_rests.ends < excluded.ends",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(&rest.miner)
        .bind(rest.from.0)
        .bind(rest.to.0)
        .bind(&rest.why)
        .bind(rest.said.0)
        .bind(&rest.statement)
        .bind(&rest.signature)
        .bind(MAINTENANCE)
        .bind(number(rest.entry))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn pin_race(
        &mut self,
        network: &NetworkId,
        race: &str,
        document: &str,
        commitment: &str,
        now: Timestamp,
    ) -> Result<PinnedRace> {
        small("the settings of a race", document.as_bytes(), MAX_DOCUMENT)?;
        sqlx::query(
            "INSERT INTO probe_races (network, race, document, commitment, pinned) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (network, race) DO NOTHING",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(document)
        .bind(commitment)
        .bind(now.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        let stands = pinned(&mut self.tx, network, race).await?;
        Ok(stands.unwrap_or_else(|| PinnedRace {
            document: document.to_owned(),
            commitment: commitment.to_owned(),
            at: now,
        }))
    }
}
