//! What the killed process does: it applies batches and forks and takes them back, in the right order of commits or in a wrong one.

use std::time::Duration;

use apogee_domain::{Digest, Epoch, NetworkId};
use apogee_store::{AppliedEpoch, CertificateRecord, Cursor, Page, Result, Store, StoreError};

use super::chain::{self, FINALITY, REWARD, Totals, at, is_main, main_key};

/// What is committed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Rows and cursor.
    Together,
    /// The cursor, then the rows: a crash in between loses rows.
    CursorFirst,
    /// The rows, then the cursor: a crash in between counts them again.
    RowsFirst,
}

impl Order {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::CursorFirst => "cursor-first",
            Self::RowsFirst => "rows-first",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Together, Self::CursorFirst, Self::RowsFirst].into_iter().find(|order| order.name() == name)
    }
}

/// Draws that a seed repeats: the generator `SplitMix64`.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(most.unsigned_abs())).unwrap() + 1
    }
}

/// A database through the port, and past it.
pub(crate) struct Database {
    pub(crate) store: crate::Adapter,
    bare: sqlx::Pool<crate::Db>,
}

impl Database {
    pub(crate) async fn open(address: &str) -> Self {
        let store = crate::open(address).await.unwrap();
        Self { store, bare: sqlx::Pool::connect_lazy(address).unwrap() }
    }
}

pub(crate) fn network() -> NetworkId {
    "devnet-a".parse().unwrap()
}

/// How far the network is, if it is there at all.
pub(crate) async fn cursor(store: &crate::Adapter) -> Result<Option<Cursor>> {
    match store.cursor(&network()).await {
        Err(StoreError::UnknownNetwork(_)) => Ok(None),
        answer => answer,
    }
}

/// One thing more: a batch of the branch that stays, a fork, or some of either taken back.
pub(crate) async fn step(database: &Database, order: Order, draws: &mut Draws) -> Result<()> {
    let store = &database.store;
    let Some(cursor) = cursor(store).await? else { return start(store).await };
    let tip = cursor.epoch.height();
    if order != Order::Together {
        return apart(database, order, &cursor, draws.up_to(12)).await;
    }
    let settled = cursor.final_epoch.map_or(0, Epoch::height);
    match draws.below(6) {
        0 if tip > settled => unwind(store, &cursor, (tip - draws.up_to(8)).max(settled)).await,
        // A fork grows or goes; with the branch that stays it is over.
        1 | 2 if !is_main(&cursor.key) && tip - settled < FINALITY + 8 => {
            let branch = cursor.key.rsplit_once('-').unwrap().0.to_owned();
            extend(store, &cursor, draws.up_to(4), |height| format!("{branch}-{height}")).await
        }
        _ if !is_main(&cursor.key) => leave_fork(store, &cursor).await,
        1 => {
            let branch = draws.below(u64::MAX);
            extend(store, &cursor, draws.up_to(8), |height| format!("fork-{branch}-{height}")).await
        }
        _ => extend(store, &cursor, draws.up_to(12), main_key).await,
    }
}

/// Bring the branch that stays to an epoch, without any fork.
pub(crate) async fn finish(store: &crate::Adapter, to: i64) -> Result<()> {
    loop {
        match cursor(store).await? {
            None => start(store).await?,
            Some(cursor) if !is_main(&cursor.key) => leave_fork(store, &cursor).await?,
            Some(cursor) if cursor.epoch.height() < to => {
                extend(store, &cursor, (to - cursor.epoch.height()).min(50), main_key).await?;
            }
            Some(_) => return Ok(()),
        }
    }
}

/// The network and its genesis.
async fn start(store: &crate::Adapter) -> Result<()> {
    let epochs = [chain::epoch(Digest::default(), 0, main_key(0), &mut Totals::new())];
    let to = cursor_at(&epochs, None);
    let mut work = store.begin().await?;
    work.put_network(&apogee_store::conformance::network("devnet-a")).await?;
    work.apply(&network(), None, &to, &epochs).await?;
    work.commit().await
}

/// The cursor after these epochs.
fn cursor_at(epochs: &[AppliedEpoch], from: Option<&Cursor>) -> Cursor {
    let record = &epochs.last().unwrap().record;
    let before = from.and_then(|from| from.final_epoch).map_or(-1, Epoch::height);
    Cursor {
        epoch: record.epoch,
        key: record.key.clone(),
        digest: record.digest,
        final_epoch: Epoch::new(before.max(record.epoch.height() - FINALITY)),
        views: 1,
        checks: Vec::new(),
    }
}

/// The next epochs. The totals go on from what the database says, as any fold does.
async fn next(
    store: &crate::Adapter,
    cursor: &Cursor,
    count: i64,
    key: impl Fn(i64) -> String,
) -> Result<Vec<AppliedEpoch>> {
    let board = store.board(&network(), &REWARD, Epoch::MAX).await?;
    let mut totals: Totals =
        board.into_iter().filter_map(|(subject, value)| Some((subject.into(), value?.0))).collect();
    let (mut digest, tip) = (cursor.digest, cursor.epoch.height());
    Ok((tip + 1..=tip + count)
        .map(|height| {
            let epoch = chain::epoch(digest, height, key(height), &mut totals);
            digest = epoch.record.digest;
            epoch
        })
        .collect())
}

/// The certificates that become known when finality moves.
fn certificates(from: &Cursor, to: &Cursor) -> Vec<CertificateRecord> {
    let height = |cursor: &Cursor| cursor.final_epoch.map_or(-1, Epoch::height);
    (height(from) + 1..=height(to))
        .map(|height| CertificateRecord {
            instance: height.unsigned_abs(),
            epoch: at(height),
            key: main_key(height),
            document: "{}".to_owned(),
        })
        .collect()
}

async fn extend(
    store: &crate::Adapter,
    cursor: &Cursor,
    count: i64,
    key: impl Fn(i64) -> String,
) -> Result<()> {
    let epochs = next(store, cursor, count, key).await?;
    let to = cursor_at(&epochs, Some(cursor));
    let mut work = store.begin().await?;
    work.apply(&network(), Some(cursor), &to, &epochs).await?;
    work.put_certificates(&network(), &certificates(cursor, &to)).await?;
    work.commit().await
}

/// Take back a fork, down to the branch that stays.
async fn leave_fork(store: &crate::Adapter, cursor: &Cursor) -> Result<()> {
    let records = store.epochs(&network(), Page { after: None, limit: 100 }).await?;
    let ancestor = records.iter().find(|record| is_main(&record.key)).unwrap();
    unwind(store, cursor, ancestor.epoch.height()).await
}

async fn unwind(store: &crate::Adapter, cursor: &Cursor, to: i64) -> Result<()> {
    let record = store.epoch(&network(), at(to)).await?.unwrap();
    let to = Cursor { epoch: record.epoch, key: record.key, digest: record.digest, ..cursor.clone() };
    let mut work = store.begin().await?;
    work.unwind(&network(), cursor, &to).await?;
    work.commit().await
}

/// How long a wrong order stays between its two commits: so long that a kill soon falls there, on any machine.
const APART: Duration = Duration::from_millis(10);

/// The same as [`extend`], in two transactions.
async fn apart(database: &Database, order: Order, cursor: &Cursor, count: i64) -> Result<()> {
    let Database { store, bare } = database;
    let epochs = next(store, cursor, count, main_key).await?;
    // All of it final, so that there is no journal to write.
    let to = cursor_at(&epochs, None);
    let to = Cursor { final_epoch: Some(to.epoch), ..to };
    if order == Order::RowsFirst {
        put_rows(bare, &epochs).await.unwrap();
        tokio::time::sleep(APART).await;
    }
    let mut work = store.begin().await?;
    work.apply(&network(), Some(cursor), &to, &[]).await?;
    work.put_certificates(&network(), &certificates(cursor, &to)).await?;
    work.commit().await?;
    if order == Order::CursorFirst {
        tokio::time::sleep(APART).await;
        put_rows(bare, &epochs).await.unwrap();
    }
    Ok(())
}

/// Write rows without their cursor, over what is there, in a transaction of their own. The port offers no such thing.
async fn put_rows(bare: &sqlx::Pool<crate::Db>, epochs: &[AppliedEpoch]) -> Result<(), sqlx::Error> {
    let mut tx = bare.begin().await?;
    for epoch in epochs {
        sqlx::query(
            "INSERT INTO epochs (network_id, epoch, document)
             SELECT network_id, $2, $3 FROM networks WHERE name = $1
             ON CONFLICT (network_id, epoch) DO UPDATE SET document = excluded.document",
        )
        .bind(network().as_str())
        .bind(epoch.record.epoch.height())
        .bind(serde_json::to_string(&epoch.record).unwrap())
        .execute(&mut *tx)
        .await?;
        for change in &epoch.changes {
            sqlx::query(crate::UPSERT_STEP)
                .bind(network().as_str())
                .bind(change.series.as_str())
                .bind(change.subject.as_str())
                .bind(change.epoch.height())
                .bind(change.value.map(|value| format!("{:039}", value.0)))
                .execute(&mut *tx)
                .await?;
        }
    }
    tx.commit().await
}
