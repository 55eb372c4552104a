// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_store::{MAX_RECOUNT, Recount, RecountState, Recounts, RecountsWork, Result, StoreError};
use async_trait::async_trait;

use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged};

type Row = (String, i64, i64, i64, String, i64, String);

fn recount(row: Row) -> Result<Recount> {
    let (input, first, last, verified, opinion, at, state) = row;
    let layer =
        |height| Epoch::new(height).ok_or_else(|| damaged("recounts", format!("there is no layer {height}")));
    Ok(Recount {
        input,
        first: layer(first)?,
        last: layer(last)?,
        verified: layer(verified)?,
        opinion,
        at: Timestamp(at),
        state: RecountState::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| damaged("recounts", format!("{state:?} is no state")))?,
    })
}

#[async_trait]
impl Recounts for Adapter {
    async fn recounts(&self, network: &NetworkId) -> Result<Vec<Recount>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT input, first_layer, last_layer, verified, opinion, at, state FROM recounts
             WHERE network = $1 ORDER BY input",
        )
        .bind(network.as_str())
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(recount).collect()
    }

    async fn recount_report(&self, network: &NetworkId, input: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT report FROM recounts WHERE network = $1 AND input = $2")
            .bind(network.as_str())
            .bind(input)
            .fetch_optional(&self.reads)
            .await
            .map_err(error)
    }
}

#[async_trait]
impl RecountsWork for Unit {
    async fn put_recount(&mut self, network: &NetworkId, recount: &Recount, report: &str) -> Result<bool> {
        let size = report.len() as u64;
        if size > MAX_RECOUNT {
            return Err(StoreError::TooLarge { what: "the report", size, limit: MAX_RECOUNT });
        }
        let done = sqlx::query(
            "INSERT INTO recounts
                 (network, input, first_layer, last_layer, verified, opinion, at, state, report)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (network, input) DO NOTHING",
        )
        .bind(network.as_str())
        .bind(&recount.input)
        .bind(recount.first.height())
        .bind(recount.last.height())
        .bind(recount.verified.height())
        .bind(&recount.opinion)
        .bind(recount.at.0)
        .bind(recount.state.as_str())
        .bind(report)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn decide_recount(
        &mut self,
        network: &NetworkId,
        input: &str,
        state: RecountState,
    ) -> Result<bool> {
        let done =
            sqlx::query("UPDATE recounts SET state = $1 WHERE network = $2 AND input = $3 AND state = $4")
                .bind(state.as_str())
                .bind(network.as_str())
                .bind(input)
                .bind(RecountState::Open.as_str())
                .execute(&mut *self.tx)
                .await
                .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }
}
