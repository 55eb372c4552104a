// One text, part of the bench of both adapters: see crates/store-sql/README.md.

use std::time::{Duration, Instant};

use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkId, NetworkKind, Timestamp, Value, series,
};
use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord, Page, Result, Store};

/// A board of 4,000 subjects may take this long, whatever the epoch.
const BOARD: Duration = Duration::from_millis(50);

/// 313 epochs with 15 steps each may take this long to write, all commits included.
const CHAIN: Duration = Duration::from_millis(60);

/// Ten epochs of 4,000 steps may take this long to take back.
const UNWIND: Duration = Duration::from_secs(2);

const SUBJECTS: i64 = 4_000;
const EPOCHS: i64 = 1_850;

/// Measure an empty database. Whether every limit holds.
pub(crate) async fn run(name: &str, store: &dyn Store) -> Result<bool> {
    let mut chains = Vec::new();
    for run in 0..9 {
        chains.push(chain(store, &format!("chain-{run}")).await?);
    }
    let chain = report(name, "write 313 epochs, 15 steps each, 5 commits", &mut chains, CHAIN);

    let id = add(store, "asof").await?;
    let start = Instant::now();
    fill(store, &id, SUBJECTS, EPOCHS, 37, false).await?;
    let loaded = start.elapsed();
    println!(
        "{name}: wrote {} steps in {} commits: {} s, {} steps/s",
        SUBJECTS * EPOCHS,
        EPOCHS / 37,
        loaded.as_secs(),
        i128::from(SUBJECTS * EPOCHS) * 1000 / i128::try_from(loaded.as_millis().max(1)).unwrap_or(1),
    );
    let mut boards = Vec::new();
    for i in 0..41 {
        // Spread over the whole chain, in no order.
        let Some(at) = Epoch::new(i * 977 % EPOCHS) else { continue };
        let start = Instant::now();
        let rows = store.board(&id, &series::POWER_RAW, at).await?;
        boards.push(start.elapsed());
        assert_eq!(i64::try_from(rows.len()), Ok(SUBJECTS), "a board has every subject");
    }
    let board = report(name, "board of 4,000 subjects at an epoch of 7.4 million steps", &mut boards, BOARD);

    let mut unwinds = Vec::new();
    for _ in 0..5 {
        let Some(before) = store.cursor(&id).await? else { break };
        let fork: Vec<AppliedEpoch> =
            (EPOCHS..EPOCHS + 10).filter_map(|height| epoch(height, SUBJECTS)).collect();
        let after = Cursor { epoch: before.epoch.plus(10), ..before.clone() };
        let mut work = store.begin().await?;
        work.apply(&id, Some(&before), &after, &fork).await?;
        work.commit().await?;
        let start = Instant::now();
        let mut work = store.begin().await?;
        let gone = work.unwind(&id, &after, &before).await?;
        work.commit().await?;
        unwinds.push(start.elapsed());
        assert_eq!(i64::try_from(gone), Ok(10 * SUBJECTS), "every step of the fork goes");
    }
    let unwind = report(name, "take back ten epochs, 4,000 steps each", &mut unwinds, UNWIND);

    let mut pages = Vec::new();
    for i in 0..41 {
        let Ok(subject) = format!("t0{}", i * 97 % SUBJECTS).parse() else { continue };
        let start = Instant::now();
        store.steps(&id, &series::POWER_RAW, &subject, Page { after: None, limit: 10_000 }).await?;
        pages.push(start.elapsed());
    }
    let history = report(name, "all 1,850 steps of one subject", &mut pages, BOARD);
    Ok(chain && board && unwind && history)
}

/// Whether the median keeps to the limit.
fn report(name: &str, what: &str, times: &mut [Duration], limit: Duration) -> bool {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 10).copied().unwrap_or_default();
    let (middle, high) = (at(5), at(9));
    println!("{name}: {what}: median {middle:.1?}, 9 of 10 within {high:.1?}, limit {limit:?}");
    middle <= limit
}

async fn chain(store: &dyn Store, name: &str) -> Result<Duration> {
    let id = add(store, name).await?;
    let start = Instant::now();
    fill(store, &id, 15, 313, 64, true).await?;
    Ok(start.elapsed())
}

async fn add(store: &dyn Store, name: &str) -> Result<NetworkId> {
    let id: NetworkId = name.parse().map_err(|_| unavailable("the name"))?;
    let network = Network {
        id: id.clone(),
        kind: NetworkKind::Filecoin,
        genesis: name.to_owned(),
        genesis_time: Timestamp::from_seconds(0),
        epoch_seconds: 30,
        address_prefix: "t".to_owned(),
        finality: Finality { depth: 900, certificates: true },
    };
    let mut work = store.begin().await?;
    work.put_network(&network).await?;
    work.commit().await?;
    Ok(id)
}

fn unavailable(what: &str) -> apogee_store::StoreError {
    apogee_store::StoreError::Unavailable(what.to_owned().into())
}

/// `epochs` epochs with a step of each of `subjects`, so many epochs a commit. Where it is `recent`, all can be unwound.
async fn fill(
    store: &dyn Store,
    id: &NetworkId,
    subjects: i64,
    epochs: i64,
    commit: i64,
    recent: bool,
) -> Result<()> {
    let mut from = None;
    let mut next = 0;
    while next < epochs {
        let end = (next + commit).min(epochs);
        let batch: Vec<AppliedEpoch> = (next..end).filter_map(|height| epoch(height, subjects)).collect();
        let Some(last) = batch.last() else { break };
        let to = Cursor {
            epoch: last.record.epoch,
            key: last.record.key.clone(),
            digest: last.record.digest,
            final_epoch: (!recent).then_some(last.record.epoch),
            views: 1,
            checks: Vec::new(),
        };
        let mut work = store.begin().await?;
        work.apply(id, from.as_ref(), &to, &batch).await?;
        work.commit().await?;
        (from, next) = (Some(to), end);
    }
    Ok(())
}

fn epoch(height: i64, subjects: i64) -> Option<AppliedEpoch> {
    let epoch = Epoch::new(height)?;
    let changes = (0..subjects).filter_map(|subject| {
        Some(Change {
            series: series::POWER_RAW,
            subject: format!("t0{subject}").parse().ok()?,
            epoch,
            value: Some(Value(u128::try_from((height + subject) << 35).ok()?)),
        })
    });
    let record = EpochRecord {
        epoch,
        kind: EpochKind::Tipset,
        key: "bafy2bzacedtypicalcidofablockheaderhas62characters".repeat(5),
        parent: epoch.minus(1),
        digest: Digest([7; 32]),
        time: Timestamp::from_seconds(height * 30),
        state_root: "bafy2bzacedtypicalcidofablockheaderhas62characters".to_owned(),
        weight: Value(1),
        base_fee: Atto(100),
        network_version: Some(29),
        blocks: Vec::new(),
        checks: Vec::new(),
        reconciled: Vec::new(),
    };
    Some(AppliedEpoch { record, changes: changes.collect() })
}
