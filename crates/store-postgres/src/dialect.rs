//! What PostgreSQL does differently from SQLite: bulk rows come as one array a column.

use std::collections::BTreeSet;

use apogee_domain::Atto;
use apogee_store::{CertificateRecord, StoreError};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::types::BigDecimal;
use sqlx::{Decode, Encode, Error, Postgres, Type};

use crate::Connection;
use crate::repositories::StepRow;

pub(crate) const BEGIN: &str = "BEGIN";

/// What an error of the driver means.
pub(crate) fn error(error: Error) -> StoreError {
    match &error {
        Error::Database(e) if e.is_unique_violation() => StoreError::Conflict {
            what: "a row",
            found: e.message().to_owned(),
            expected: "absent".to_owned(),
        },
        // data_corrupted, index_corrupted
        Error::Database(e) if matches!(e.code().as_deref(), Some("XX001" | "XX002")) => {
            StoreError::Damaged { table: "the database", detail: e.message().to_owned() }
        }
        Error::ColumnDecode { index, source } => {
            StoreError::Damaged { table: "a table", detail: format!("column {index}: {source}") }
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

pub(crate) async fn series_ids(
    db: &mut Connection,
    names: BTreeSet<&str>,
) -> Result<Vec<(String, i64)>, Error> {
    let names: Vec<&str> = names.into_iter().collect();
    sqlx::query("INSERT INTO series (name) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING")
        .bind(&names)
        .execute(&mut *db)
        .await?;
    sqlx::query_as("SELECT name, series_id FROM series WHERE name = ANY($1)").bind(&names).fetch_all(db).await
}

pub(crate) async fn subject_ids(
    db: &mut Connection,
    id: i64,
    names: BTreeSet<&str>,
) -> Result<Vec<(String, i64)>, Error> {
    let names: Vec<&str> = names.into_iter().collect();
    sqlx::query(
        "INSERT INTO subjects (network_id, name) SELECT $1, name FROM unnest($2::text[]) AS name
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(&names)
    .execute(&mut *db)
    .await?;
    sqlx::query_as("SELECT name, subject_id FROM subjects WHERE network_id = $1 AND name = ANY($2)")
        .bind(id)
        .bind(&names)
        .fetch_all(db)
        .await
}

pub(crate) async fn add_epochs(db: &mut Connection, id: i64, rows: Vec<(i64, String)>) -> Result<(), Error> {
    let (epochs, documents): (Vec<i64>, Vec<String>) = rows.into_iter().unzip();
    sqlx::query(
        "INSERT INTO epochs (network_id, epoch, document)
         SELECT $1, * FROM unnest($2::bigint[], $3::text[])",
    )
    .bind(id)
    .bind(epochs)
    .bind(documents)
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_steps(db: &mut Connection, id: i64, rows: &[StepRow]) -> Result<(), Error> {
    let values: Vec<Option<String>> =
        rows.iter().map(|row| row.value.map(|value| value.to_string())).collect();
    sqlx::query(
        "INSERT INTO steps (network_id, series_id, subject_id, epoch, value)
         SELECT $1, series, subject, epoch, CAST(value AS NUMERIC)
         FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS row (series, subject, epoch, value)",
    )
    .bind(id)
    .bind(rows.iter().map(|row| row.series).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.subject).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.epoch).collect::<Vec<_>>())
    .bind(values)
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_series_subjects(
    db: &mut Connection,
    id: i64,
    pairs: BTreeSet<(i64, i64)>,
) -> Result<(), Error> {
    let (series, subjects): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
    sqlx::query(
        "INSERT INTO series_subjects (network_id, series_id, subject_id)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(series)
    .bind(subjects)
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_journal(db: &mut Connection, id: i64, rows: &[StepRow]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO journal (network_id, applied, series_id, subject_id, epoch)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])",
    )
    .bind(id)
    .bind(rows.iter().map(|row| row.applied).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.series).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.subject).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.epoch).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_certificates(
    db: &mut Connection,
    id: i64,
    certificates: &[CertificateRecord],
) -> Result<(), Error> {
    let mut instances = Vec::with_capacity(certificates.len());
    for certificate in certificates {
        instances.push(i64::try_from(certificate.instance).map_err(|e| Error::Encode(Box::new(e)))?);
    }
    sqlx::query(
        "INSERT INTO certificates (network_id, instance, epoch, tipset, document)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[])
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(instances)
    .bind(certificates.iter().map(|c| c.epoch.height()).collect::<Vec<_>>())
    .bind(certificates.iter().map(|c| c.key.as_str()).collect::<Vec<_>>())
    .bind(certificates.iter().map(|c| c.document.as_str()).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_objects(
    db: &mut Connection,
    id: i64,
    objects: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO objects (network_id, cid, bytes)
         SELECT $1, * FROM unnest($2::bytea[], $3::bytea[]) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(objects.iter().map(|(cid, _)| cid.as_slice()).collect::<Vec<_>>())
    .bind(objects.iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn read_objects(
    db: &mut Connection,
    id: i64,
    cids: &[Vec<u8>],
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
    sqlx::query_as("SELECT cid, bytes FROM objects WHERE network_id = $1 AND cid = ANY($2)")
        .bind(id)
        .bind(cids)
        .fetch_all(db)
        .await
}

/// Money in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Atto);

impl Type<Postgres> for Amount {
    fn type_info() -> PgTypeInfo {
        <BigDecimal as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Amount {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(BigDecimal::from(self.0.0), buffer)
    }
}

impl Decode<'_, Postgres> for Amount {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let (digits, scale) = <BigDecimal as Decode<Postgres>>::decode(value)?.into_bigint_and_exponent();
        let amount = if scale == 0 {
            digits
        } else {
            BigDecimal::new(digits, scale).with_scale(0).into_bigint_and_exponent().0
        };
        Ok(Self(Atto(u128::try_from(amount)?)))
    }
}
