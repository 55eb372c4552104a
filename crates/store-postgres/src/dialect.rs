//! What PostgreSQL does differently from SQLite: bulk rows come as one array a column.

use std::collections::BTreeSet;

use apogee_domain::{Atto, ProbeKind};
use apogee_store::{CertificateRecord, Grant, LaneClaim, LaneKey, LimitKey, Payment, Posting, StoreError};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::types::BigDecimal;
use sqlx::{Decode, Encode, Error, Postgres, Type};

use crate::Connection;
use crate::grants::{EntryRow, GrantRow, charged};
use crate::probes::LaneRow;
use crate::repositories::{StepRow, Window};

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

/// Lanes for whoever asks. Those that another asker is getting are passed over.
///
/// They are chosen once, before the update: a choice inside of its condition may be made again for each row, and gives more than is asked for. All of the
/// key comes from the choice, so that rows are found by it whatever the planner believes of the table.
pub(crate) async fn claim_lanes(
    db: &mut Connection,
    claim: &LaneClaim<'_>,
    limit: i64,
) -> Result<Vec<LaneRow>, Error> {
    let word = |kind: Option<&ProbeKind>| kind.map_or("", |kind| kind.as_str());
    let (first, last) = (word(claim.kinds.first()), word(claim.kinds.last()));
    sqlx::query_as(
        "WITH chosen AS MATERIALIZED (
            SELECT network, race, kind, miner FROM probe_lanes
            WHERE network = $1 AND race = $2 AND bot IS NULL AND due <= $4 AND ends > $4
                AND (kind = $6 OR kind = $7) AND (region = $8 OR anywhere <= $4)
                AND avoid_first <> $3 AND avoid_second <> $3
            ORDER BY due, kind, miner LIMIT $9
            FOR UPDATE SKIP LOCKED)
         UPDATE probe_lanes AS lane
         SET bot = $3, fence = fence + 1, since = $4, expires = $5, beat = 0, stage = ''
         FROM chosen
         WHERE lane.network = chosen.network AND lane.race = chosen.race AND lane.kind = chosen.kind
            AND lane.miner = chosen.miner
         RETURNING lane.*",
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

/// One lane, held until the unit of work ends. Others wait for it.
pub(crate) async fn hold_lane(db: &mut Connection, key: &LaneKey) -> Result<Option<LaneRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM probe_lanes WHERE network = $1 AND race = $2 AND kind = $3 AND miner = $4
         FOR UPDATE",
    )
    .bind(key.network.as_str())
    .bind(&key.race)
    .bind(key.kind.as_str())
    .bind(&key.miner)
    .fetch_optional(db)
    .await
}

/// Where a network stands, held until the unit of work ends. Others may hold it as well, and whoever moves it waits.
pub(crate) async fn hold_cursor(db: &mut Connection, network: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar(
        "SELECT c.document FROM cursors c JOIN networks n ON n.network_id = c.network_id WHERE n.name = $1
         FOR SHARE OF c",
    )
    .bind(network)
    .fetch_optional(db)
    .await
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

pub(crate) async fn held(
    db: &mut Connection,
    id: i64,
    series: &[&str],
    subjects: &[&str],
    at: i64,
) -> Result<Vec<(String, String, Option<String>)>, Error> {
    sqlx::query_as(
        "SELECT u.name, r.name, (SELECT coalesce(CAST(p.value AS TEXT), '') FROM steps p
            WHERE p.network_id = $1 AND p.series_id = r.series_id AND p.subject_id = u.subject_id
              AND p.epoch <= $4 ORDER BY p.epoch DESC LIMIT 1)
         FROM subjects u CROSS JOIN series r
         WHERE u.network_id = $1 AND u.name = ANY($3) AND r.name = ANY($2)",
    )
    .bind(id)
    .bind(series)
    .bind(subjects)
    .bind(at)
    .fetch_all(db)
    .await
}

/// The first step of each subject is the one that holds at the beginning. LATERAL leaves the planner one way, from each name straight to its steps.
pub(crate) async fn recent(
    db: &mut Connection,
    id: i64,
    subjects: &[&str],
    window: &Window<'_>,
) -> Result<Vec<(String, i64, String)>, Error> {
    let (after, epoch) = window.after;
    sqlx::query_as(
        "SELECT u.name, p.epoch, p.amount
         FROM series r CROSS JOIN subjects u CROSS JOIN LATERAL (
            SELECT s.epoch, coalesce(CAST(s.value AS TEXT), '') AS amount FROM steps s
            WHERE s.network_id = $1 AND s.series_id = r.series_id AND s.subject_id = u.subject_id
              AND s.epoch <= $5 AND s.epoch >= coalesce((SELECT q.epoch FROM steps q
                WHERE q.network_id = $1 AND q.series_id = r.series_id AND q.subject_id = u.subject_id
                  AND q.epoch <= $4 ORDER BY q.epoch DESC LIMIT 1), $4)
              AND (u.name > $6 OR s.epoch > $7)
            ORDER BY s.epoch LIMIT $8) p
         WHERE r.name = $2 AND u.network_id = $1 AND u.name = ANY($3) AND u.name >= $6
         ORDER BY u.name, p.epoch LIMIT $8",
    )
    .bind(id)
    .bind(window.series)
    .bind(subjects)
    .bind(window.from)
    .bind(window.to)
    .bind(after)
    .bind(epoch)
    .bind(window.limit)
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

// LIMIT keeps the planner to a look-up for each row of the question, however little it knows of a table.

/// The newest charges of each key: its place in the question, when, how much.
pub(crate) async fn newest_charges(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    keys: &[(LimitKey, u32)],
) -> Result<Vec<(i64, i64, Amount)>, Error> {
    sqlx::query_as(
        "SELECT asked.place, c.at, c.amount
         FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[]) AS asked (place, scope, key, most)
         CROSS JOIN LATERAL (
             SELECT at, grant_id, amount FROM charges
             WHERE network = $1 AND faucet = $2 AND scope = asked.scope AND key = asked.key AND refunded IS NULL
             ORDER BY at DESC, grant_id DESC LIMIT asked.most
         ) AS c
         ORDER BY asked.place, c.at DESC, c.grant_id DESC",
    )
    .bind(network)
    .bind(faucet)
    .bind((0_i64..).take(keys.len()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(key, _)| key.scope.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(key, _)| key.key.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, most)| i64::from(*most)).collect::<Vec<_>>())
    .fetch_all(db)
    .await
}

pub(crate) async fn entries_of(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    subjects: &[LimitKey],
) -> Result<Vec<EntryRow>, Error> {
    sqlx::query_as(
        "SELECT e.* FROM unnest($3::text[], $4::text[]) AS asked (scope, key)
         CROSS JOIN LATERAL (
             SELECT scope, key, denies, lifts, until, reason, put_by, put_at FROM faucet_entries
             WHERE network = $1 AND faucet = $2 AND scope = asked.scope AND key = asked.key LIMIT 2
         ) AS e",
    )
    .bind(network)
    .bind(faucet)
    .bind(subjects.iter().map(|subject| subject.scope.as_str()).collect::<Vec<_>>())
    .bind(subjects.iter().map(|subject| subject.key.as_str()).collect::<Vec<_>>())
    .fetch_all(db)
    .await
}

pub(crate) async fn grants_asked(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    asked: &[(String, String)],
) -> Result<Vec<GrantRow>, Error> {
    sqlx::query_as(
        "SELECT g.* FROM unnest($3::text[], $4::text[]) AS asked (identity, key)
         CROSS JOIN LATERAL (
             SELECT id, faucet, identity, actor, given, amount, tier, policy_version, created, asked_as, body, charged,
                 refunded
             FROM grants
             WHERE network = $1 AND faucet = $2 AND identity = asked.identity AND asked_as = asked.key LIMIT 1
         ) AS g",
    )
    .bind(network)
    .bind(faucet)
    .bind(asked.iter().map(|(identity, _)| identity.as_str()).collect::<Vec<_>>())
    .bind(asked.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
    .fetch_all(db)
    .await
}

pub(crate) async fn add_grants(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    grants: &[Grant],
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO grants (network, faucet, id, identity, actor, given, amount, tier, policy_version, created,
             asked_as, body, charged)
         SELECT $1, $2, id, identity, actor, given, CAST(amount AS NUMERIC), tier, version, created, asked_as, body,
             charged
         FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
             $10::bigint[], $11::text[], $12::text[], $13::text[])
             AS row (id, identity, actor, given, amount, tier, version, created, asked_as, body, charged)",
    )
    .bind(network)
    .bind(faucet)
    .bind(grants.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.identity.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.actor.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.given.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.amount.to_string()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.tier.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| i64::from(grant.policy_version)).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.created.0).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.key.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.body.to_string()).collect::<Vec<_>>())
    .bind(grants.iter().map(charged).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_charges(
    db: &mut Connection,
    network: &str,
    faucet: &str,
    grants: &[Grant],
) -> Result<(), Error> {
    let rows: Vec<_> =
        grants.iter().flat_map(|grant| grant.charges.iter().map(move |key| (grant, key))).collect();
    sqlx::query(
        "INSERT INTO charges (network, faucet, scope, key, at, grant_id, amount)
         SELECT $1, $2, scope, key, at, grant_id, CAST(amount AS NUMERIC)
         FROM unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
             AS row (scope, key, at, grant_id, amount)",
    )
    .bind(network)
    .bind(faucet)
    .bind(rows.iter().map(|(_, key)| key.scope.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, key)| key.key.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(grant, _)| grant.created.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(grant, _)| grant.id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(grant, _)| grant.amount.to_string()).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn add_payments(
    db: &mut Connection,
    payments: &[Payment],
    owed: &[Posting],
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO payments (network, payment, wallet, payee, amount, state, reason, created)
         SELECT network, payment, wallet, payee, CAST(amount AS NUMERIC), 'accepted', '', created
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
             AS row (network, payment, wallet, payee, amount, created)",
    )
    .bind(payments.iter().map(|payment| payment.network.as_str()).collect::<Vec<_>>())
    .bind(payments.iter().map(|payment| payment.id.as_str()).collect::<Vec<_>>())
    .bind(payments.iter().map(|payment| payment.wallet.as_str()).collect::<Vec<_>>())
    .bind(payments.iter().map(|payment| payment.payee.as_str()).collect::<Vec<_>>())
    .bind(payments.iter().map(|payment| payment.amount.to_string()).collect::<Vec<_>>())
    .bind(payments.iter().map(|payment| payment.created.0).collect::<Vec<_>>())
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO postings (network, posting, at, debit, credit, amount)
         SELECT network, posting, at, debit, credit, CAST(amount AS NUMERIC)
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
             AS row (network, posting, at, debit, credit, amount)",
    )
    .bind(owed.iter().map(|posting| posting.network.as_str()).collect::<Vec<_>>())
    .bind(owed.iter().map(|posting| posting.id.as_str()).collect::<Vec<_>>())
    .bind(owed.iter().map(|posting| posting.at.0).collect::<Vec<_>>())
    .bind(owed.iter().map(|posting| posting.debit.as_str()).collect::<Vec<_>>())
    .bind(owed.iter().map(|posting| posting.credit.as_str()).collect::<Vec<_>>())
    .bind(owed.iter().map(|posting| posting.amount.to_string()).collect::<Vec<_>>())
    .execute(db)
    .await
    .map(drop)
}
