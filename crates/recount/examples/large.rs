//! Goes on with the recorded network for so many layers of so many ballots, and recounts that: once from a node's decisions,
//! once without them, so that every vote of every ballot is counted.
//!
//! `cargo run --release -p apogee-recount --example large -- 4032 50`
//!
//! One ballot in eight has no block of the layer before. Signatures are not checked: those ballots have none.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apogee_recount::{Config, Interrupt, Limits, Recount, Settings};
use apogee_spacemesh::ballot::{Ballot, EpochData, InnerBallot, SlotProof, Vote, Votes};
use apogee_spacemesh::block::{Block, BlockReward};
use apogee_spacemesh::id::{AtxId, BallotId, Beacon, BlockId, GenesisId, Hash, LayerId, SmesherId};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::vrf::Proof;
use apogee_spacemesh::weight::Weight;
use apogee_spacemesh_state::State;
use rusqlite::{Connection, params};

type Failure = Box<dyn std::error::Error>;

const EPOCH: u32 = 16;
/// The last recorded layer, and the height of its blocks.
const LAST: u32 = 95;
const HEIGHT: u64 = 300;

fn main() -> ExitCode {
    let arguments: Vec<u32> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [layers, ballots] = *arguments.as_slice() else {
        eprintln!("large LAYERS BALLOTS");
        return ExitCode::from(2);
    };
    match measure(layers, ballots) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(layers: u32, ballots: u32) -> Result<(), Failure> {
    let folder = apogee_testkit::data("spacemesh/devnet208").ok_or("no recording")?;
    let expected: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json"))?)?;
    let genesis: GenesisId =
        expected.get("genesis_id").and_then(|id| id.as_str()).ok_or("no genesis id")?.parse()?;
    let place = tempfile::tempdir()?;
    let copy = place.path().join("large.sql");
    std::fs::write(&copy, std::fs::read(folder.join("state_a.sql"))?)?;
    extend(&copy, layers, ballots)?;
    println!("{} bytes", std::fs::metadata(&copy)?.len());
    for decided in [true, false] {
        if !decided {
            Connection::open(&copy)?.execute("UPDATE blocks SET validity = NULL", [])?;
        }
        let reading = apogee_spacemesh_state::Limits { kilosteps: u64::MAX, ..Default::default() };
        let state = State::open(&copy, &genesis, reading)?;
        recount(&state, layers, decided)?;
    }
    Ok(())
}

fn recount(state: &State, layers: u32, decided: bool) -> Result<(), Failure> {
    let config = Config {
        hdist: 5,
        zdist: 2,
        window: layers + LAST,
        exceptions: 5_000,
        delay: EPOCH,
        layer_size: 5,
        epoch: EPOCH,
        genesis: apogee_tortoise::Layer(31),
    };
    let limits =
        Limits { ballots: u64::MAX, work: u64::MAX, bytes: u64::MAX, votes: u32::MAX, layers: u32::MAX - 2 };
    let settings = Settings { config, first_genesis: LayerId(31), from: None, check: false, limits };
    // The longest time of the processor between two questions whether to end.
    let begun = processor();
    let (last, longest) = (AtomicU64::new(begun.as_micros() as u64), Arc::new(AtomicU64::new(0)));
    let gap = Arc::clone(&longest);
    let interrupt = Interrupt::new(move || {
        let now = processor().as_micros() as u64;
        gap.fetch_max(now.saturating_sub(last.swap(now, Ordering::Relaxed)), Ordering::Relaxed);
        false
    });
    let mut recount = Recount::begin(state, settings, interrupt, &mut |_| ())?;
    let surveyed = processor();
    println!("surveyed, asked at least every {} µs", longest.swap(0, Ordering::Relaxed));
    while recount.step(&mut |_| ())? {}
    let counted = processor();
    println!("counted, asked at least every {} µs", longest.swap(0, Ordering::Relaxed));
    let report = recount.report()?.ok_or("no report")?;
    let estimate = recount.estimate();
    println!(
        "{}: verified {}, differs {:?}, {:?}; {:?}; {} steps; CPU: survey {} ms, count {} ms, report {} ms ({} bytes); peak so far {}; asked at least every {} µs",
        if decided { "decided" } else { "undecided" },
        report.verified,
        report.differs,
        report.stages,
        estimate,
        recount.work(),
        surveyed.saturating_sub(begun).as_millis(),
        counted.saturating_sub(surveyed).as_millis(),
        processor().saturating_sub(counted).as_millis(),
        report.to_json().len(),
        peak(),
        longest.load(Ordering::Relaxed),
    );
    Ok(())
}

/// Layers after the last recorded one, in which all smeshers vote.
fn extend(copy: &Path, layers: u32, ballots: u32) -> Result<(), Failure> {
    let mut connection = Connection::open(copy)?;
    let (mut base, mut opinion) = base(&connection)?;
    let mut below: BlockId = BlockId(connection.query_row(
        "SELECT applied_block FROM layers WHERE id = ?1",
        [LAST],
        |row| row.get(0),
    )?);
    let mut references: BTreeMap<u32, BallotId> = BTreeMap::new();
    let transaction = connection.transaction()?;
    // What was open at the end of the recording is decided by now.
    transaction.execute("UPDATE blocks SET validity = 1 WHERE layer >= ?1", [LAST - 1])?;
    for layer in LAST + 1..=LAST + layers {
        let epoch = layer / EPOCH;
        if layer % EPOCH == 0 {
            transaction.execute("INSERT OR IGNORE INTO beacons VALUES (?1, x'01020304')", [epoch])?;
            for smesher in 0..ballots {
                let rest = "INSERT INTO atxs (id, epoch, effective_num_units, nonce, base_tick_height, tick_count, pubkey, \
                            coinbase, received, weight) VALUES (?1, ?2, 1, 1, 400, 100, ?3, zeroblob(24), 0, 100000)";
                transaction.execute(rest, params![atx(smesher, epoch).0, epoch - 1, key(smesher).0])?;
            }
        }
        let supported = Vote { block: below, layer: LayerId(layer - 1), height: HEIGHT };
        let agreed = chain(&opinion, Some(&supported));
        let dissenting = chain(&opinion, None);
        let mut next = None;
        for smesher in 0..ballots {
            let dissents = smesher % 8 == 7;
            let inner = InnerBallot {
                layer: LayerId(layer),
                atx: atx(smesher, epoch),
                opinion: if dissents { dissenting } else { agreed },
                reference: if layer % EPOCH == 0 {
                    BallotId::default()
                } else {
                    references.get(&smesher).copied().unwrap_or_default()
                },
                epoch: (layer % EPOCH == 0).then_some(EpochData {
                    active_set: Hash([1; 32]),
                    beacon: Beacon([1, 2, 3, 4]),
                    slots: EPOCH,
                }),
            };
            let ballot = Ballot {
                inner,
                signature: [0; 64],
                smesher: key(smesher),
                votes: Votes {
                    base,
                    support: if dissents { Vec::new() } else { vec![supported] },
                    against: Vec::new(),
                    abstain: Vec::new(),
                },
                proofs: vec![SlotProof { index: layer % EPOCH, proof: Proof([0; 80]) }],
                active_set: Vec::new(),
            };
            let id = ballot.id();
            if layer % EPOCH == 0 {
                references.insert(smesher, id);
            }
            next = next.or(Some(id).filter(|_| !dissents));
            transaction.prepare("INSERT INTO ballots VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                padded(&id.0),
                ballot.inner.atx.0,
                layer,
                ballot.smesher.0,
                encode(&ballot)
            ])?;
        }
        let weight = Weight { numerator: 1, denominator: std::num::NonZeroU64::MIN };
        let rewards = vec![BlockReward { atx: atx(0, epoch), weight }];
        let block = Block { layer: LayerId(layer), height: HEIGHT, rewards, transactions: Vec::new() };
        let id = block.id();
        transaction.execute(
            "INSERT INTO blocks VALUES (?1, ?2, 1, ?3)",
            params![padded(&id.0), layer, encode(&block)],
        )?;
        transaction.execute("INSERT INTO certificates VALUES (?1, ?2, NULL, 1)", params![layer, id.0])?;
        let own = Vote { block: id, layer: LayerId(layer), height: HEIGHT };
        transaction.execute(
            "INSERT INTO layers VALUES (?1, 1, 1, ?2, NULL, ?3)",
            params![layer, id.0, chain(&agreed, Some(&own)).0],
        )?;
        (base, opinion, below) = (next.ok_or("no ballot")?, agreed, id);
    }
    transaction.commit()?;
    Ok(())
}

/// A recorded ballot of the last layer that thinks as the node does, and that.
fn base(connection: &Connection) -> Result<(BallotId, Hash), Failure> {
    let hash = "SELECT aggregated_hash FROM layers WHERE id = ?1";
    let opinion = Hash(connection.query_row(hash, [LAST - 1], |row| row.get(0))?);
    let mut statement = connection.prepare("SELECT ballot FROM ballots WHERE layer = ?1")?;
    let blobs: Vec<Vec<u8>> = statement.query_map([LAST], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let ballots = blobs.iter().filter_map(|bytes| apogee_spacemesh::scale::decode::<Ballot>(bytes).ok());
    let found = ballots.into_iter().find(|ballot| ballot.inner.opinion == opinion);
    Ok((found.ok_or("no ballot thinks as the node does")?.id(), opinion))
}

fn chain(below: &Hash, supported: Option<&Vote>) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&below.0);
    if let Some(vote) = supported {
        hasher.update(&vote.block.0).update(&vote.height.to_le_bytes());
    }
    Hash(*hasher.finalize().as_bytes())
}

fn key(smesher: u32) -> SmesherId {
    SmesherId(*blake3::hash(&smesher.to_le_bytes()).as_bytes())
}

fn atx(smesher: u32, epoch: u32) -> AtxId {
    AtxId(*blake3::hash(&[smesher.to_le_bytes(), epoch.to_le_bytes()].concat()).as_bytes())
}

fn padded(id: &[u8; 20]) -> Vec<u8> {
    let mut padded = id.to_vec();
    padded.resize(32, 0);
    padded
}

/// Time that this thread has had of a processor; zero where the system does not tell.
fn processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
