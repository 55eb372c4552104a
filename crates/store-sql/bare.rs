// One text, part of the bench of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Epoch, NetworkId, series};
use apogee_store::{Result, StoreError};

use crate::Db;
use crate::bench::Bare;

const EXACT: &str = "
    SELECT u.name, (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
        WHERE p.network_id = t.network_id AND p.series_id = t.series_id AND p.subject_id = t.subject_id
          AND p.epoch = $3)
    FROM networks n
    JOIN series r ON r.name = $2
    JOIN series_subjects t ON t.network_id = n.network_id AND t.series_id = r.series_id
    JOIN subjects u ON u.subject_id = t.subject_id
    WHERE n.name = $1";

/// Connections of our own.
pub(crate) struct Pool(sqlx::Pool<Db>);

impl Pool {
    pub(crate) async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        sqlx::Pool::connect(url).await.map(Self)
    }
}

impl Bare for Pool {
    async fn tidy(&self) -> Result<()> {
        let done = sqlx::query(crate::TIDY).execute(&self.0).await;
        done.map(drop).map_err(|e| StoreError::Unavailable(Box::new(e)))
    }

    async fn exact(&self, network: &NetworkId, at: Epoch) -> Result<usize> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(EXACT)
            .bind(network.as_str())
            .bind(series::POWER_RAW.as_str())
            .bind(at.height())
            .fetch_all(&self.0)
            .await
            .map_err(|e| StoreError::Unavailable(Box::new(e)))?;
        Ok(rows.len())
    }
}
