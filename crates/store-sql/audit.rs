// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Digest, Timestamp};
use apogee_store::{Audit, AuditEntry, AuditEvent, AuditWork, Page, Result};
use async_trait::async_trait;

use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged, limit};

type Row = (i64, String, String, i64, String, String, String, String, String);

fn entry(row: Row) -> Result<AuditEntry> {
    let (seq, previous, hash, at, actor, action, subject, reason, document) = row;
    Ok(AuditEntry {
        seq: seq.try_into().map_err(|e| damaged("audit", e))?,
        previous: previous.parse().map_err(|e| damaged("audit", e))?,
        hash: hash.parse().map_err(|e| damaged("audit", e))?,
        event: AuditEvent { at: Timestamp(at), actor, action, subject, reason, document },
    })
}

#[async_trait]
impl Audit for Adapter {
    async fn audit(&self, page: Page<u64>) -> Result<Vec<AuditEntry>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, previous, hash, at, actor, action, subject, reason, document FROM audit
             WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(i64::try_from(page.after.unwrap_or(0)).unwrap_or(i64::MAX))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(entry).collect()
    }

    async fn newest_audit(&self, wanted: u32) -> Result<Vec<AuditEntry>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, previous, hash, at, actor, action, subject, reason, document FROM audit
             ORDER BY seq DESC LIMIT $1",
        )
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(entry).collect()
    }
}

#[async_trait]
impl AuditWork for Unit {
    async fn record(&mut self, event: &AuditEvent) -> Result<AuditEntry> {
        // The row of the head is locked until this unit of work is over.
        let (seq, head): (i64, String) =
            sqlx::query_as("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash")
                .fetch_one(&mut *self.tx)
                .await
                .map_err(error)?;
        let previous: Digest = head.parse().map_err(|e| damaged("audit_head", e))?;
        let number = u64::try_from(seq).map_err(|e| damaged("audit_head", e))?;
        let hash = event.hash(number, previous);
        sqlx::query("UPDATE audit_head SET hash = $1 WHERE id = 1")
            .bind(hash.to_string())
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        sqlx::query(
            "INSERT INTO audit (seq, previous, hash, at, actor, action, subject, reason, document)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(seq)
        .bind(head)
        .bind(hash.to_string())
        .bind(event.at.0)
        .bind(&event.actor)
        .bind(&event.action)
        .bind(&event.subject)
        .bind(&event.reason)
        .bind(&event.document)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(AuditEntry { seq: number, previous, hash, event: event.clone() })
    }
}
