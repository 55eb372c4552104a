// One text, part of the bench of both adapters: see crates/store-sql/README.md.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkId, NetworkKind, Subject, Timestamp, Value, series,
};
use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord, Page, Result, Store};

/// A board may take this long, whatever the epoch.
const BOARD: Duration = Duration::from_millis(50);

// A year of 30-second epochs. Each of 4,000 miners has 1,600 steps at its own epochs, and the network one at every epoch: 7,451,200.
const MINERS: i64 = 4_000;
const STEPS: i64 = 1_600;
const GAP: i64 = 657;
const YEAR: i64 = STEPS * GAP;

/// Steps of each miner in a commit.
const COMMIT: i64 = 32;

/// The database under the bench, without the port.
pub(crate) trait Bare {
    /// Do what the database would do by itself after a long load.
    async fn tidy(&self) -> Result<()>;

    /// How many steps of `power.raw` there are at exactly this epoch, looked up by the whole key for every subject: the least work by which
    /// a board could be read.
    async fn exact(&self, network: &NetworkId, at: Epoch) -> Result<usize>;
}

/// Measure on an empty database. Whether boards and histories keep to their limit.
pub(crate) async fn run(name: &str, store: &dyn Store, bare: &impl Bare) -> Result<bool> {
    let mut chains = Vec::new();
    for run in 0..9 {
        chains.push(chain(store, &format!("chain-{run}")).await?);
    }
    report(name, "write 313 epochs, 15 steps each, 5 commits", &mut chains);
    let id = year(name, store).await?;
    bare.tidy().await?;
    let board = boards(name, store, bare, &id).await?;
    let history = histories(name, store, &id).await?;
    all_subjects(name, store, &id).await?;
    unwinds(name, store, &id).await?;
    println!("{name}: memory of this process, at most: {}", memory());
    Ok(board && history)
}

/// Boards at any epoch, and the oldest and newest ones, against exact look-ups in between.
async fn boards(name: &str, store: &dyn Store, bare: &impl Bare, id: &NetworkId) -> Result<bool> {
    let spread = (0..41).map(|i| i * 611_953 % YEAR);
    let old = (0..15).map(|i| GAP + i * 97);
    let new = (0..15).map(|i| YEAR - 1 - i * 97);
    let (mut asof, mut ends, mut exact) = (Vec::new(), Vec::new(), Vec::new());
    for (height, end) in spread.map(|h| (h, false)).chain(old.chain(new).map(|h| (h, true))) {
        let at = Epoch::new(height).unwrap_or(Epoch::MAX);
        let start = Instant::now();
        let rows = store.board(id, &series::POWER_RAW, at).await?;
        if end { &mut ends } else { &mut asof }.push(start.elapsed());
        assert_eq!(rows, expected(height), "the board of epoch {height}");
        let start = Instant::now();
        bare.exact(id, at).await?;
        exact.push(start.elapsed());
    }
    let first = asof.first().copied().unwrap_or_default();
    let any = report(name, "board of 4,001 subjects at any epoch of 7.4 million steps", &mut asof);
    let end = report(name, "the same at the oldest and newest epochs", &mut ends);
    report(name, "measured limit, 4,001 look-ups of a whole key in one statement", &mut exact);
    let middle = |times: &[Duration]| times.get(times.len() / 2).map_or(1, Duration::as_micros).max(1);
    println!(
        "{name}: a board takes {} % of that; the first one took {first:.1?}; the bar is {BOARD:?}",
        middle(&asof) * 100 / middle(&exact)
    );
    Ok(any && end)
}

/// Pages from anywhere in the history of the network, which has a step at every epoch, and the value of its series at any epoch.
async fn histories(name: &str, store: &dyn Store, id: &NetworkId) -> Result<bool> {
    let (mut pages, mut subjects) = (Vec::new(), Vec::new());
    let network = subject(0);
    for i in 0..41 {
        let at = Epoch::new(i * 611_953 % (YEAR - 1_000)).unwrap_or(Epoch::MAX);
        let start = Instant::now();
        let page = Page { after: Some(at), limit: 1_000 };
        let steps = store.steps(id, &series::POWER_RAW, &network, page).await?;
        pages.push(start.elapsed());
        assert_eq!(steps.len(), 1_000, "a page is full");
        let start = Instant::now();
        let all = store.subject(id, &network, at).await?;
        subjects.push(start.elapsed());
        assert!(all.iter().all(|(_, step)| step.epoch == at), "the network has a step at epoch {at}");
    }
    let pages = report(name, "1,000 of one subject's 1.05 million steps", &mut pages);
    Ok(pages & report(name, "that subject at any epoch", &mut subjects))
}

/// The whole series, page by page, and what the last 120 epochs brought: a fifth of the miners have a step in them, and the network 120.
async fn all_subjects(name: &str, store: &dyn Store, id: &NetworkId) -> Result<()> {
    for (what, from, runs) in [("every step", 0, 1), ("the steps of the last 120 epochs", YEAR - 120, 15)] {
        let (mut times, mut read) = (Vec::new(), 0);
        for _ in 0..runs {
            let (mut after, start) = (None, Instant::now());
            read = 0;
            loop {
                let page = Page { after, limit: 10_000 };
                let steps = store
                    .history(id, &series::POWER_RAW, Epoch::new(from).unwrap_or(Epoch::MAX), page)
                    .await?;
                after = steps.last().map(|(subject, step)| (subject.clone(), step.epoch));
                read += steps.len();
                if steps.len() < 10_000 {
                    break;
                }
            }
            times.push(start.elapsed());
        }
        report(name, &format!("{what} of 4,001 subjects, {read} in all"), &mut times);
    }
    Ok(())
}

async fn unwinds(name: &str, store: &dyn Store, id: &NetworkId) -> Result<()> {
    let mut unwinds = Vec::new();
    for _ in 0..5 {
        let Some(before) = store.cursor(id).await? else { break };
        let next = before.epoch.height() + 1;
        let fork: Vec<_> =
            (next..next + 10).filter_map(|height| Some(epoch(height, row(height, MINERS)?))).collect();
        let after = Cursor { epoch: before.epoch.plus(10), ..before.clone() };
        let mut work = store.begin().await?;
        work.apply(id, Some(&before), &after, &fork).await?;
        work.commit().await?;
        let start = Instant::now();
        let mut work = store.begin().await?;
        let gone = work.unwind(id, &after, &before).await?;
        work.commit().await?;
        unwinds.push(start.elapsed());
        assert_eq!(i64::try_from(gone), Ok(10 * MINERS), "every step of the fork goes");
    }
    report(name, "take back ten epochs, 4,000 steps each", &mut unwinds);
    Ok(())
}

/// Say how long something took; the times are sorted. Whether half of them keep to the limit of a board.
fn report(name: &str, what: &str, times: &mut [Duration]) -> bool {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 10).copied().unwrap_or_default();
    let (middle, high) = (at(5), at(9));
    println!("{name}: {what}: median {middle:.1?}, 9 of 10 within {high:.1?}");
    middle <= BOARD
}

/// The most memory this process has used, as Linux tells it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map_or("unknown".into(), |kib| kib.trim().into())
}

/// Number 0 is the network, the others are miners.
fn subject(number: i64) -> Subject {
    let name = if number == 0 { "network".to_owned() } else { format!("t0{}", 1_000 + number) };
    name.parse().unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// When a miner takes its `i`th step: anywhere in the `i`th gap, but always the same.
fn when(miner: i64, i: i64) -> i64 {
    i * GAP + (miner * 7_919 + i * 104_729 + miner * i % 613) % GAP
}

fn amount(number: i64, height: i64) -> Option<Value> {
    Some(Value(u128::try_from((number + height) << 35).unwrap_or_default()))
}

/// The board that the generated year has at an epoch.
fn expected(height: i64) -> Vec<(Subject, Option<Value>)> {
    let mut board = BTreeMap::from([(subject(0), amount(0, height))]);
    for miner in 1..=MINERS {
        let i = height / GAP;
        let latest = [when(miner, i), when(miner, i - 1)].into_iter().find(|&at| 0 <= at && at <= height);
        if let Some(at) = latest {
            board.insert(subject(miner), amount(miner, at));
        }
    }
    board.into_iter().collect()
}

fn change(number: i64, of: &Subject, height: i64) -> Option<Change> {
    Some(Change {
        series: series::POWER_RAW,
        subject: of.clone(),
        epoch: Epoch::new(height)?,
        value: amount(number, height),
    })
}

/// A step of each of the first miners at one epoch.
fn row(height: i64, miners: i64) -> Option<Vec<Change>> {
    (1..=miners).map(|miner| change(miner, &subject(miner), height)).collect()
}

/// Write the year, in the order in which a chain brings it.
async fn year(name: &str, store: &dyn Store) -> Result<NetworkId> {
    let id = add(store, "asof").await?;
    let (mut from, mut written, mut spent) = (None, 0, Duration::ZERO);
    for part in 0..STEPS / COMMIT {
        let range = part * COMMIT..(part + 1) * COMMIT;
        let mut changes = Vec::new();
        let network = subject(0);
        changes.extend((range.start * GAP..range.end * GAP).filter_map(|height| change(0, &network, height)));
        for miner in 1..=MINERS {
            let of = subject(miner);
            changes.extend(range.clone().filter_map(|i| change(miner, &of, when(miner, i))));
        }
        written += changes.len();
        let batch = [epoch(range.end * GAP - 1, changes)];
        let start = Instant::now();
        from = Some(commit(store, &id, from.as_ref(), &batch, true).await?);
        spent += start.elapsed();
    }
    let a_second = written as u128 * 1_000 / spent.as_millis().max(1);
    println!("{name}: wrote {written} steps in {} commits: {a_second} steps/s", STEPS / COMMIT);
    Ok(id)
}

async fn chain(store: &dyn Store, name: &str) -> Result<Duration> {
    let id = add(store, name).await?;
    let epochs: Vec<_> = (0..313).filter_map(|height| Some(epoch(height, row(height, 15)?))).collect();
    let start = Instant::now();
    let mut from = None;
    for batch in epochs.chunks(64) {
        from = Some(commit(store, &id, from.as_ref(), batch, false).await?);
    }
    Ok(start.elapsed())
}

/// Apply a batch that is not empty. Where it is `settled`, it cannot be unwound.
async fn commit(
    store: &dyn Store,
    id: &NetworkId,
    from: Option<&Cursor>,
    batch: &[AppliedEpoch],
    settled: bool,
) -> Result<Cursor> {
    let record = &batch.last().ok_or_else(|| unavailable("a batch"))?.record;
    let to = Cursor {
        epoch: record.epoch,
        key: record.key.clone(),
        digest: record.digest,
        final_epoch: settled.then_some(record.epoch),
        views: 1,
        checks: Vec::new(),
    };
    let mut work = store.begin().await?;
    work.apply(id, from, &to, batch).await?;
    work.commit().await?;
    Ok(to)
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

fn epoch(height: i64, changes: Vec<Change>) -> AppliedEpoch {
    let epoch = Epoch::new(height).unwrap_or(Epoch::MAX);
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
    AppliedEpoch { record, changes }
}
