// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::Digest;
use apogee_store::{LedgerEntry, LedgerHead, Page, Result, StoreError};

use crate::Connection;
use crate::dialect::error;
use crate::repositories::{damaged, limit};

fn entry((seq, hash, document): (i64, String, String)) -> Result<LedgerEntry> {
    let (seq, hash) = end((seq, hash))?;
    Ok(LedgerEntry { seq, hash, document })
}

fn end((seq, hash): (i64, String)) -> Result<(u64, Digest)> {
    let seq = seq.try_into().map_err(|e| damaged("entries", e))?;
    Ok((seq, hash.parse().map_err(|e| damaged("entries", e))?))
}

pub(crate) async fn competitions(db: &mut Connection) -> Result<Vec<LedgerHead>> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT competition, seq, hash FROM entries e
         WHERE seq = (SELECT max(l.seq) FROM entries l WHERE l.competition = e.competition) ORDER BY competition",
    )
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter()
        .map(|(competition, seq, hash)| {
            let (seq, hash) = end((seq, hash))?;
            Ok(LedgerHead { competition, seq, hash })
        })
        .collect()
}

pub(crate) async fn entries(
    db: &mut Connection,
    competition: &str,
    page: &Page<u64>,
) -> Result<Vec<LedgerEntry>> {
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT seq, hash, document FROM entries WHERE competition = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(competition)
    .bind(i64::try_from(page.after.unwrap_or(0)).unwrap_or(i64::MAX))
    .bind(limit(page.limit))
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter().map(entry).collect()
}

/// The key lets one of two writers in who saw the same head.
pub(crate) async fn append(
    db: &mut Connection,
    competition: &str,
    head: Option<(u64, Digest)>,
    entry: &LedgerEntry,
) -> Result<()> {
    let stored: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM entries WHERE competition = $1 ORDER BY seq DESC LIMIT 1")
            .bind(competition)
            .fetch_optional(&mut *db)
            .await
            .map_err(error)?;
    let found = stored.map(end).transpose()?;
    if found != head {
        return Err(conflict("the end of the ledger", &say(found), &say(head)));
    }
    let next = found.map_or(1, |(seq, _)| seq + 1);
    let seq = i64::try_from(entry.seq).ok().filter(|_| entry.seq == next);
    let seq = seq.ok_or_else(|| conflict("the number of the entry", &entry.seq, &next))?;
    sqlx::query("INSERT INTO entries (competition, seq, hash, document) VALUES ($1, $2, $3, $4)")
        .bind(competition)
        .bind(seq)
        .bind(entry.hash.to_string())
        .bind(&entry.document)
        .execute(db)
        .await
        .map_err(error)?;
    Ok(())
}

fn say(head: Option<(u64, Digest)>) -> String {
    head.map_or_else(|| "empty".to_owned(), |(seq, hash)| format!("entry {seq} with hash {hash}"))
}

fn conflict(what: &'static str, found: &dyn ToString, expected: &dyn ToString) -> StoreError {
    StoreError::Conflict { what, found: found.to_string(), expected: expected.to_string() }
}
