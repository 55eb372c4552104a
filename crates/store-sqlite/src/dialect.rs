//! What SQLite does differently from PostgreSQL: bulk rows come as one JSON argument.

use std::collections::BTreeSet;

use apogee_domain::{Atto, ProbeKind};
use apogee_store::{CertificateRecord, Grant, LaneClaim, LaneKey, LimitKey, Payment, Posting, StoreError};
use serde::Serialize;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Error, Sqlite, Type};

use crate::Connection;
use crate::grants::{EntryRow, GrantRow, charged};
use crate::probes::LaneRow;
use crate::repositories::{StepRow, Window};

/// A deferred transaction that reads and then writes fails at once when another connection wrote in between, whatever the time-out.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

/// What an error of the driver means.
pub(crate) fn error(error: Error) -> StoreError {
    match &error {
        Error::Database(e) if e.is_unique_violation() => StoreError::Conflict {
            what: "a row",
            found: e.message().to_owned(),
            expected: "absent".to_owned(),
        },
        // SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
        Error::Database(e) if primary_code(e.as_ref()).is_some_and(|code| code == 11 || code == 26) => {
            StoreError::Damaged { table: "the file", detail: e.message().to_owned() }
        }
        Error::ColumnDecode { index, source } => {
            StoreError::Damaged { table: "a table", detail: format!("column {index}: {source}") }
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

fn primary_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    Some(error.code()?.parse::<i32>().ok()? & 0xff)
}

fn json<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<String, Error> {
    serde_json::to_string(&rows.into_iter().collect::<Vec<_>>()).map_err(|e| Error::Encode(Box::new(e)))
}

/// Lanes for whoever asks. Whoever writes is alone.
pub(crate) async fn claim_lanes(
    db: &mut Connection,
    claim: &LaneClaim<'_>,
    limit: i64,
) -> Result<Vec<LaneRow>, Error> {
    let word = |kind: Option<&ProbeKind>| kind.map_or("", |kind| kind.as_str());
    let (first, last) = (word(claim.kinds.first()), word(claim.kinds.last()));
    sqlx::query_as(
        "UPDATE probe_lanes SET bot = $3, fence = fence + 1, since = $4, expires = $5, beat = 0, stage = ''
         WHERE network = $1 AND race = $2 AND (kind, miner) IN (
            SELECT kind, miner FROM probe_lanes
            WHERE network = $1 AND race = $2 AND bot IS NULL AND due <= $4 AND ends > $4
                AND (kind = $6 OR kind = $7) AND (region = $8 OR anywhere <= $4)
                AND avoid_first <> $3 AND avoid_second <> $3
            ORDER BY due, kind, miner LIMIT $9)
         RETURNING *",
    )
    .bind(claim.network.as_str())
    .bind(claim.race)
    .bind(claim.bot)
    .bind(claim.now.0)
    .bind(claim.expires.0)
    .bind(first)
    .bind(last)
    .bind(claim.region)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// One lane, held until the unit of work ends: whoever writes is alone.
pub(crate) async fn hold_lane(db: &mut Connection, key: &LaneKey) -> Result<Option<LaneRow>, Error> {
    sqlx::query_as("SELECT * FROM probe_lanes WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4")
        .bind(key.network.as_str())
        .bind(&key.race)
        .bind(key.kind.as_str())
        .bind(&key.miner)
        .fetch_optional(db)
        .await
}

/// Where a network stands, held until the unit of work ends: whoever writes is alone.
pub(crate) async fn hold_cursor(db: &mut Connection, network: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar(
        "SELECT c.document FROM cursors c JOIN networks n ON n.network_id = c.network_id WHERE n.name = $1",
    )
    .bind(network)
    .fetch_optional(db)
    .await
}

pub(crate) async fn series_ids(
    db: &mut Connection,
    names: BTreeSet<&str>,
) -> Result<Vec<(String, i64)>, Error> {
    let names = json(names)?;
    sqlx::query(
        "INSERT INTO series (name) SELECT value FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(&names)
    .execute(&mut *db)
    .await?;
    sqlx::query_as("SELECT name, series_id FROM series WHERE name IN (SELECT value FROM json_each($1))")
        .bind(&names)
        .fetch_all(db)
        .await
}

pub(crate) async fn subject_ids(
    db: &mut Connection,
    id: i64,
    names: BTreeSet<&str>,
) -> Result<Vec<(String, i64)>, Error> {
    let names = json(names)?;
    sqlx::query(
        "INSERT INTO subjects (network_id, name) SELECT $1, value FROM json_each($2) WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(&names)
    .execute(&mut *db)
    .await?;
    sqlx::query_as(
        "SELECT name, subject_id FROM subjects
         WHERE network_id = $1 AND name IN (SELECT value FROM json_each($2))",
    )
    .bind(id)
    .bind(&names)
    .fetch_all(db)
    .await
}

// CROSS JOIN keeps SQLite to the order in which tables are named: from each name straight to its steps.

/// One row for each subject, taken apart here: a row costs as much as a look-up. What is NULL, no step, is left out of it.
pub(crate) async fn held(
    db: &mut Connection,
    id: i64,
    series: &[&str],
    subjects: &[&str],
    at: i64,
) -> Result<Vec<(String, String, Option<String>)>, Error> {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "SELECT u.name, (SELECT group_concat(r.name || ' ' ||
            (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
             WHERE p.network_id = $1 AND p.series_id = r.series_id AND p.subject_id = u.subject_id
               AND p.epoch <= $4 ORDER BY p.epoch DESC LIMIT 1))
            FROM series r WHERE r.name IN (SELECT value FROM json_each($2)))
         FROM subjects u WHERE u.network_id = $1 AND u.name IN (SELECT value FROM json_each($3))",
    )
    .bind(id)
    .bind(json(series)?)
    .bind(json(subjects)?)
    .bind(at)
    .fetch_all(db)
    .await?;
    let mut held = Vec::new();
    for (subject, values) in &rows {
        // Neither names nor digits have a comma or a space.
        for part in values.iter().flat_map(|values| values.split(',')) {
            if let Some((series, value)) = part.split_once(' ') {
                held.push((subject.clone(), series.to_owned(), Some(value.to_owned())));
            }
        }
    }
    Ok(held)
}

/// The first step of each subject is the one that holds at the beginning. The sign keeps SQLite from going through all names after the last one.
pub(crate) async fn recent(
    db: &mut Connection,
    id: i64,
    subjects: &[&str],
    window: &Window<'_>,
) -> Result<Vec<(String, i64, String)>, Error> {
    let (after, epoch) = window.after;
    sqlx::query_as(
        "SELECT u.name, p.epoch, coalesce(CAST(p.value AS TEXT), '')
         FROM series r CROSS JOIN subjects u CROSS JOIN steps p
         WHERE r.name = $2 AND u.network_id = $1 AND u.name IN (SELECT value FROM json_each($3))
           AND p.network_id = $1 AND p.series_id = r.series_id AND p.subject_id = u.subject_id
           AND p.epoch <= $5 AND p.epoch >= coalesce((SELECT q.epoch FROM steps q
            WHERE q.network_id = $1 AND q.series_id = r.series_id AND q.subject_id = u.subject_id
              AND q.epoch <= $4 ORDER BY q.epoch DESC LIMIT 1), $4)
           AND +u.name >= $6 AND (u.name > $6 OR p.epoch > $7)
         ORDER BY u.name, p.epoch LIMIT $8",
    )
    .bind(id)
    .bind(window.series)
    .bind(json(subjects)?)
    .bind(window.from)
    .bind(window.to)
    .bind(after)
    .bind(epoch)
    .bind(window.limit)
    .fetch_all(db)
    .await
}

async fn insert<T: Serialize>(
    db: &mut Connection,
    sql: &'static str,
    id: i64,
    rows: impl IntoIterator<Item = T>,
) -> Result<(), Error> {
    sqlx::query(sql).bind(id).bind(json(rows)?).execute(db).await.map(drop)
}

pub(crate) async fn add_epochs(db: &mut Connection, id: i64, rows: Vec<(i64, String)>) -> Result<(), Error> {
    let sql = "INSERT INTO epochs (network_id, epoch, document)
        SELECT $1, value ->> 0, value ->> 1 FROM json_each($2)";
    insert(db, sql, id, rows).await
}

pub(crate) async fn add_steps(db: &mut Connection, id: i64, rows: &[StepRow]) -> Result<(), Error> {
    let sql = "INSERT INTO steps (network_id, series_id, subject_id, epoch, value)
        SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($2)";
    let rows = rows
        .iter()
        .map(|row| (row.series, row.subject, row.epoch, row.value.map(|value| format!("{:039}", value.0))));
    insert(db, sql, id, rows).await
}

pub(crate) async fn add_series_subjects(
    db: &mut Connection,
    id: i64,
    pairs: BTreeSet<(i64, i64)>,
) -> Result<(), Error> {
    let sql = "INSERT INTO series_subjects (network_id, series_id, subject_id)
        SELECT $1, value ->> 0, value ->> 1 FROM json_each($2) WHERE true ON CONFLICT DO NOTHING";
    insert(db, sql, id, pairs).await
}

pub(crate) async fn add_journal(db: &mut Connection, id: i64, rows: &[StepRow]) -> Result<(), Error> {
    let sql = "INSERT INTO journal (network_id, applied, series_id, subject_id, epoch)
        SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($2)";
    insert(db, sql, id, rows.iter().map(|row| (row.applied, row.series, row.subject, row.epoch))).await
}

pub(crate) async fn add_certificates(
    db: &mut Connection,
    id: i64,
    certificates: &[CertificateRecord],
) -> Result<(), Error> {
    let sql = "INSERT INTO certificates (network_id, instance, epoch, tipset, document)
        SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($2) WHERE true
        ON CONFLICT DO NOTHING";
    insert(db, sql, id, certificates.iter().map(|c| (c.instance, c.epoch, &c.key, &c.document))).await
}

// Objects are binary, which JSON is not, and each is large against the cost of a statement.

pub(crate) async fn add_objects(
    db: &mut Connection,
    id: i64,
    objects: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), Error> {
    for (cid, bytes) in objects {
        sqlx::query(
            "INSERT INTO objects (network_id, cid, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(cid)
        .bind(bytes)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

pub(crate) async fn read_objects(
    db: &mut Connection,
    id: i64,
    cids: &[Vec<u8>],
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for cid in cids {
        let row = sqlx::query_as("SELECT cid, bytes FROM objects WHERE network_id = $1 AND cid = $2")
            .bind(id)
            .bind(cid)
            .fetch_optional(&mut *db)
            .await?;
        found.extend(row);
    }
    Ok(found)
}

/// Money in a column: 39 digits, so that texts sort as numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Atto);

impl Type<Sqlite> for Amount {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Amount {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(format!("{:039}", self.0.0), buffer)
    }
}

impl Decode<'_, Sqlite> for Amount {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(<&str as Decode<Sqlite>>::decode(value)?.parse()?))
    }
}

// There is no journey to this database: what concerns one key is asked by itself.

/// The newest charges of each key: its place in the question, when, how much.
pub(crate) async fn newest_charges(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    keys: &[(LimitKey, u32)],
) -> Result<Vec<(i64, i64, Amount)>, Error> {
    let mut found = Vec::new();
    for (place, (key, most)) in (0_i64..).zip(keys) {
        let rows: Vec<(i64, Amount)> = sqlx::query_as(
            "SELECT at, amount FROM charges
             WHERE network = $1 AND faucet = $2 AND scope = $3 AND key = $4 AND refunded IS NULL
             ORDER BY at DESC, grant_id DESC LIMIT $5",
        )
        .bind(network)
        .bind(faucet)
        .bind(&key.scope)
        .bind(&key.key)
        .bind(i64::from(*most))
        .fetch_all(&mut *db)
        .await?;
        found.extend(rows.into_iter().map(|(at, amount)| (place, at, amount)));
    }
    Ok(found)
}

pub(crate) async fn entries_of(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    subjects: &[LimitKey],
) -> Result<Vec<EntryRow>, Error> {
    let mut found = Vec::new();
    for subject in subjects {
        let rows: Vec<EntryRow> = sqlx::query_as(
            "SELECT scope, key, denies, lifts, until, reason, put_by, put_at FROM faucet_entries
             WHERE network = $1 AND faucet = $2 AND scope = $3 AND key = $4",
        )
        .bind(network)
        .bind(faucet)
        .bind(&subject.scope)
        .bind(&subject.key)
        .fetch_all(&mut *db)
        .await?;
        found.extend(rows);
    }
    Ok(found)
}

pub(crate) async fn grants_asked(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    asked: &[(String, String)],
) -> Result<Vec<GrantRow>, Error> {
    let mut found = Vec::new();
    for (identity, key) in asked {
        let row = sqlx::query_as(
            "SELECT id, faucet, identity, actor, given, amount, tier, policy_version, created, asked_as, body,
                 charged, refunded
             FROM grants WHERE network = $1 AND faucet = $2 AND identity = $3 AND asked_as = $4",
        )
        .bind(network)
        .bind(faucet)
        .bind(identity)
        .bind(key)
        .fetch_optional(&mut *db)
        .await?;
        found.extend(row);
    }
    Ok(found)
}

pub(crate) async fn add_grants(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    grants: &[Grant],
) -> Result<(), Error> {
    for grant in grants {
        sqlx::query(
            "INSERT INTO grants (network, faucet, id, identity, actor, given, amount, tier, policy_version, created,
                 asked_as, body, charged)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(network)
        .bind(faucet)
        .bind(&grant.id)
        .bind(&grant.identity)
        .bind(&grant.actor)
        .bind(&grant.given)
        .bind(Amount(grant.amount))
        .bind(&grant.tier)
        .bind(i64::from(grant.policy_version))
        .bind(grant.created.0)
        .bind(&grant.key)
        .bind(grant.body.to_string())
        .bind(charged(grant))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

pub(crate) async fn add_charges(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    grants: &[Grant],
) -> Result<(), Error> {
    for grant in grants {
        for key in &grant.charges {
            sqlx::query(
                "INSERT INTO charges (network, faucet, scope, key, at, grant_id, amount)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(network)
            .bind(faucet)
            .bind(&key.scope)
            .bind(&key.key)
            .bind(grant.created.0)
            .bind(&grant.id)
            .bind(Amount(grant.amount))
            .execute(&mut *db)
            .await?;
        }
    }
    Ok(())
}

pub(crate) async fn add_payments(
    db: &mut Connection,
    payments: &[Payment],
    owed: &[Posting],
) -> Result<(), Error> {
    for payment in payments {
        sqlx::query(
            "INSERT INTO payments (network, payment, wallet, payee, amount, state, reason, created)
             VALUES ($1, $2, $3, $4, $5, 'accepted', '', $6)",
        )
        .bind(payment.network.as_str())
        .bind(&payment.id)
        .bind(&payment.wallet)
        .bind(&payment.payee)
        .bind(Amount(payment.amount))
        .bind(payment.created.0)
        .execute(&mut *db)
        .await?;
    }
    for posting in owed {
        sqlx::query(
            "INSERT INTO postings (network, posting, at, debit, credit, amount) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(posting.network.as_str())
        .bind(&posting.id)
        .bind(posting.at.0)
        .bind(&posting.debit)
        .bind(&posting.credit)
        .bind(Amount(posting.amount))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
