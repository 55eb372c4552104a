// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    AttemptCount, Evidence, LaneKey, MAX_RECORD, MinerAttempts, Page, ProbeAgent, ProbeAttempt,
    ProbeAttempts, ProbeAttemptsWork, Result,
};
use async_trait::async_trait;

use super::{count, kind, number, small};
use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, limit};

#[derive(sqlx::FromRow)]
pub(super) struct AttemptRow {
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
    entry: i64,
}

fn evidence(cid: Option<String>, record: Option<Vec<u8>>, signature: Option<Vec<u8>>) -> Option<Evidence> {
    Some(Evidence { cid: cid?, record: record.unwrap_or_default(), signature: signature.unwrap_or_default() })
}

pub(super) fn read_attempts(
    network: &NetworkId,
    race: &str,
    rows: Vec<AttemptRow>,
) -> Result<Vec<ProbeAttempt>> {
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
            entry: count(TABLE, row.entry)?,
        })
    };
    rows.into_iter().map(read).collect()
}

#[derive(sqlx::FromRow)]
struct AgentRow {
    miner: String,
    kind: String,
    agent: String,
    protocols: String,
    seen: i64,
}

fn read_agent(row: AgentRow) -> Result<ProbeAgent> {
    Ok(ProbeAgent {
        kind: kind("probe_agents", &row.kind)?,
        miner: row.miner,
        agent: row.agent,
        protocols: row.protocols.lines().map(str::to_owned).collect(),
        seen: Timestamp(row.seen),
    })
}

#[async_trait]
impl ProbeAttempts for Adapter {
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
            "SELECT kind, miner, slot, attempt, fence, bot, region, leased, ended, code, entry,
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

    async fn attempt_counts(&self, network: &NetworkId, race: &str) -> Result<Vec<AttemptCount>> {
        const TABLE: &str = "probe_attempt_counts";
        let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
            "SELECT kind, region, bot, code, CAST(SUM(count) AS BIGINT) FROM probe_attempt_counts
             WHERE network = $1 AND race = $2 GROUP BY kind, region, bot, code ORDER BY kind, region, bot, code",
        )
        .bind(network.as_str())
        .bind(race)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let read = |(word, region, bot, code, sum): (String, String, String, String, i64)| {
            Ok(AttemptCount { kind: kind(TABLE, &word)?, region, bot, code, count: count(TABLE, sum)? })
        };
        rows.into_iter().map(read).collect()
    }

    async fn attempts_of_miners(&self, network: &NetworkId, race: &str) -> Result<Vec<MinerAttempts>> {
        const TABLE: &str = "probe_attempt_counts";
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT kind, miner, region, CAST(SUM(count) AS BIGINT) FROM probe_attempt_counts
             WHERE network = $1 AND race = $2 GROUP BY kind, miner, region ORDER BY kind, miner, region",
        )
        .bind(network.as_str())
        .bind(race)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let read = |(word, miner, region, sum): (String, String, String, i64)| {
            Ok(MinerAttempts { kind: kind(TABLE, &word)?, miner, region, count: count(TABLE, sum)? })
        };
        rows.into_iter().map(read).collect()
    }

    async fn agents(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(String, ProbeKind)>,
    ) -> Result<Vec<ProbeAgent>> {
        let (miner, kind) = page.after.map_or((String::new(), ""), |(miner, kind)| (miner, kind.as_str()));
        let rows: Vec<AgentRow> = sqlx::query_as(
            "SELECT miner, kind, agent, protocols, seen FROM probe_agents
             WHERE network = $1 AND race = $2 AND (miner, kind) > ($3, $4) ORDER BY miner, kind LIMIT $5",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(miner)
        .bind(kind)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read_agent).collect()
    }
}

#[async_trait]
impl ProbeAttemptsWork for Unit {
    async fn put_attempt_made(&mut self, attempt: &ProbeAttempt) -> Result<()> {
        let (evidence, late) = (attempt.evidence.as_ref(), attempt.late.as_ref());
        for kept in evidence.into_iter().chain(late) {
            small("a record", &kept.record, MAX_RECORD)?;
        }
        sqlx::query(
            "INSERT INTO probe_attempts (network, race, kind, miner, slot, attempt, fence, bot, region, leased, ended,
                code, cid, record, signature, late_cid, late_record, late_signature, entry)
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
        .bind(number(attempt.entry))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        sqlx::query(
            "INSERT INTO probe_attempt_counts (network, race, kind, miner, region, bot, code, count)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
             ON CONFLICT (network, race, kind, miner, region, bot, code)
             DO UPDATE SET count = probe_attempt_counts.count + 1",
        )
        .bind(attempt.key.network.as_str())
        .bind(&attempt.key.race)
        .bind(attempt.key.kind.as_str())
        .bind(&attempt.key.miner)
        .bind(&attempt.region)
        .bind(&attempt.bot)
        .bind(&attempt.code)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn put_late(
        &mut self,
        key: &LaneKey,
        slot: u64,
        fence: u64,
        late: &Evidence,
        entry: u64,
    ) -> Result<bool> {
        small("a record", &late.record, MAX_RECORD)?;
        let done = sqlx::query(
            "UPDATE probe_attempts SET late_cid = $7, late_record = $8, late_signature = $9, late_entry = $10
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
        .bind(number(entry))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn put_agent(&mut self, network: &NetworkId, race: &str, agent: &ProbeAgent) -> Result<()> {
        sqlx::query(
            "INSERT INTO probe_agents (network, race, miner, kind, agent, protocols, seen)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (network, race, miner, kind) DO UPDATE
             SET agent = excluded.agent, protocols = excluded.protocols, seen = excluded.seen
             WHERE probe_agents.seen <= excluded.seen",
        )
        .bind(network.as_str())
        .bind(race)
        .bind(&agent.miner)
        .bind(agent.kind.as_str())
        .bind(&agent.agent)
        .bind(agent.protocols.join("\n"))
        .bind(agent.seen.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }
}
