//! Networks in awkward states: nobody, one row, 5,000 rows, names as long as they may be, unknown values, failed checks, hostile words.

use std::path::Path;

use apogee_domain::series::{self, ALL, Unit};
use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkKind, SeriesName, Subject, Timestamp, Value,
};
use apogee_store::{
    AppliedEpoch, BlockRecord, CheckRecord, Cursor, EpochKind, EpochRecord, Reconciliation, Store, Unmade,
};
use apogee_store_sqlite::SqliteStore;

/// As long as a network's name may be.
pub(crate) const LONGEST: &str = "crowd-of-five-thousand-with-a-long-name1";
/// As long as a subject may be.
pub(crate) const NAME: &str = "t0123456789.0123456789_0123456789-0123456789.0123456789_0123456789-0123456789.0123456789_0123456789-01234567890123456789";
/// What somebody might hope is not escaped.
const HOSTILE: &str = "block <script>alert(1)</script>\u{202e}\"'&amp;<img src=x onerror=alert(2)>";

fn network(id: &str) -> Network {
    Network {
        id: id.parse().unwrap(),
        kind: NetworkKind::Filecoin,
        genesis: format!("genesis of {id}"),
        genesis_time: Timestamp::from_seconds(1_795_228_020),
        epoch_seconds: 30,
        address_prefix: "t".into(),
        finality: Finality { depth: 900, certificates: true },
    }
}

fn check(name: &str, passed: u64, failed: u64) -> CheckRecord {
    let not_made = vec![Unmade { reason: "missing_state".into(), count: 3 }];
    let failures = (0..failed).map(|_| HOSTILE.to_owned()).collect();
    CheckRecord { check: name.into(), passed, failed, not_made, failures }
}

fn epoch(network: &Network, height: i64, blocks: Vec<BlockRecord>) -> EpochRecord {
    let epoch = Epoch::new(height).unwrap();
    EpochRecord {
        epoch,
        kind: EpochKind::Tipset,
        key: "bafy2bzacedvalacj32hhljrgczbqubmxrzvccbpx45ylbr4rmgoyj6nrk5pfm,bafy2bzacecnamqgqmifpluoeldx7zzglxcljo6oja4vrmtj7432rphldpdmm2".into(),
        parent: epoch.minus(1),
        digest: Digest([u8::try_from(height).unwrap(); 32]),
        time: network.time_of(epoch),
        state_root: "bafy2bzacedvalacj32hhljrgczbqubmxrzvccbpx45ylbr4rmgoyj6nrk5pfm".into(),
        weight: Value(u128::MAX),
        base_fee: Atto(u128::MAX),
        network_version: Some(29),
        blocks,
        checks: vec![check("block_signature", 5, 2), check("a_check_that_pages_do_not_know", 1, 0)],
        reconciled: vec![
            Reconciliation { what: "awards".into(), derived: Some(Value(u128::MAX)), state: Some(Value(1)) },
            Reconciliation { what: "claims_raw".into(), derived: None, state: Some(Value(1)) },
        ],
    }
}

fn cursor(record: &EpochRecord) -> Cursor {
    Cursor {
        epoch: record.epoch,
        key: record.key.clone(),
        digest: record.digest,
        final_epoch: None,
        views: 1,
        checks: record.checks.clone(),
    }
}

fn step(series: &SeriesName, subject: &str, epoch: Epoch, value: Option<u128>) -> Change {
    Change { series: series.clone(), subject: subject.parse().unwrap(), epoch, value: value.map(Value) }
}

/// More than there will ever be: ten times the supply of FIL, a zebibyte.
fn largest(unit: Unit) -> u128 {
    match unit {
        Unit::Bytes => 1 << 70,
        Unit::Atto => 20 * 10_u128.pow(27),
        Unit::Nano => 10_u128.pow(18),
        Unit::Gas | Unit::Count => 10_u128.pow(9),
    }
}

/// Write them all into a new database.
pub(crate) async fn build(file: &Path) {
    let store = SqliteStore::open(file).await.unwrap();
    let (crowd, lonely, empty) = (network(LONGEST), network("lonely"), network("nobody"));
    let mut work = store.begin().await.unwrap();
    for network in [&crowd, &lonely, &empty] {
        work.put_network(network).await.unwrap();
    }
    for (network, subjects) in [(&crowd, 5_000), (&lonely, 1)] {
        let names: Vec<String> = (0..subjects).map(|n| format!("t0{}", 1_000 + n)).collect();
        let blocks = vec![BlockRecord {
            cid: HOSTILE.into(),
            miner: names[0].clone(),
            win_count: 3,
            messages: 10_000,
        }];
        let records = [epoch(network, 1, blocks.clone()), epoch(network, 2, blocks)];
        let mut changes: Vec<Vec<Change>> = vec![Vec::new(), Vec::new()];
        for (n, name) in names.iter().enumerate() {
            let n = u128::try_from(n).unwrap();
            for (at, record) in records.iter().enumerate() {
                let at_epoch = u128::try_from(at).unwrap() + 1;
                let put = &mut changes[at];
                // Every third shares its power with the one before.
                put.push(step(&series::POWER_QA, name, record.epoch, Some(((n / 3) * at_epoch) << 40)));
                put.push(step(&series::POWER_RAW, name, record.epoch, Some(n << 36)));
            }
            changes[0].push(step(&series::SECTORS_LIVE, name, records[0].epoch, Some(n * 7)));
            changes[0].push(step(&series::REWARD_BLOCK, name, records[0].epoch, Some(n * 10_u128.pow(20))));
        }
        if subjects > 1 {
            for spec in ALL.iter().filter(|spec| spec.per_participant) {
                let name = SeriesName::of(spec.name);
                changes[0].push(step(&name, NAME, records[0].epoch, Some(largest(spec.unit))));
                changes[0].push(step(&name, "t0999", records[0].epoch, None));
            }
        }
        let network_total = Subject::network();
        changes[0].push(step(
            &series::POWER_QA,
            network_total.as_str(),
            records[0].epoch,
            Some(largest(Unit::Bytes) * 2),
        ));
        let applied: Vec<AppliedEpoch> = records
            .iter()
            .zip(changes)
            .map(|(record, changes)| AppliedEpoch { record: record.clone(), changes })
            .collect();
        work.apply(&network.id, None, &cursor(&records[1]), &applied).await.unwrap();
    }
    work.commit().await.unwrap();
}
