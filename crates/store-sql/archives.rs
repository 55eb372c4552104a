// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_store::{Archive, ArchiveHead, MAX_ARCHIVE, Result, StoreError};

use crate::Connection;
use crate::dialect::error;
use crate::repositories::damaged;

pub(crate) async fn heads(db: &mut Connection) -> Result<Vec<ArchiveHead>> {
    // Neither database reads the bytes for their length.
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT competition, root, CAST(length(bytes) AS BIGINT) FROM archives ORDER BY competition",
    )
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter()
        .map(|(competition, root, size)| {
            let root = root.parse().map_err(|e| damaged("archives", e))?;
            Ok(ArchiveHead { competition, root, size: size.try_into().map_err(|e| damaged("archives", e))? })
        })
        .collect()
}

pub(crate) async fn one(db: &mut Connection, competition: &str) -> Result<Option<Archive>> {
    let row: Option<(String, Vec<u8>)> =
        sqlx::query_as("SELECT root, bytes FROM archives WHERE competition = $1")
            .bind(competition)
            .fetch_optional(db)
            .await
            .map_err(error)?;
    row.map(|(root, bytes)| Ok(Archive { root: root.parse().map_err(|e| damaged("archives", e))?, bytes }))
        .transpose()
}

/// The key lets one of two writers in; the other one compares.
pub(crate) async fn put(db: &mut Connection, competition: &str, archive: &Archive) -> Result<()> {
    let size = archive.bytes.len() as u64;
    if size > MAX_ARCHIVE {
        return Err(StoreError::TooLarge { what: "the archive", size, limit: MAX_ARCHIVE });
    }
    let root = archive.root.to_string();
    sqlx::query(
        "INSERT INTO archives (competition, root, bytes) VALUES ($1, $2, $3)
         ON CONFLICT (competition) DO NOTHING",
    )
    .bind(competition)
    .bind(&root)
    .bind(archive.bytes.as_slice())
    .execute(&mut *db)
    .await
    .map_err(error)?;
    let found: String = sqlx::query_scalar("SELECT root FROM archives WHERE competition = $1")
        .bind(competition)
        .fetch_one(db)
        .await
        .map_err(error)?;
    if found == root {
        return Ok(());
    }
    Err(StoreError::Conflict { what: "the root of the archive", found, expected: root })
}
