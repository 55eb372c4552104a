//! The recorded network, gone on with for as many layers of as many ballots as are wanted. One ballot in eight has no block of the layer before.
//! Nothing of it is signed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apogee_recount::{Config, Limits, Settings};
use apogee_spacemesh::ballot::{Ballot, EpochData, InnerBallot, SlotProof, Vote, Votes};
use apogee_spacemesh::block::{Block, BlockReward};
use apogee_spacemesh::id::{AtxId, BallotId, Beacon, BlockId, GenesisId, Hash, LayerId, SmesherId};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::vrf::Proof;
use apogee_spacemesh::weight::Weight;
use rusqlite::{Connection, params};

pub(crate) type Failure = Box<dyn std::error::Error>;

const EPOCH: u32 = 16;
/// The last recorded layer, and the height of its blocks.
pub(crate) const LAST: u32 = 95;
const HEIGHT: u64 = 300;

/// A made copy in a folder, and its network; `None` without the recording, which is said.
pub(crate) fn made(place: &Path, layers: u32, ballots: u32) -> Result<Option<(PathBuf, GenesisId)>, Failure> {
    let Some(folder) = apogee_testkit::data("spacemesh/devnet208") else { return Ok(None) };
    let expected: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json"))?)?;
    let genesis = expected.get("genesis_id").and_then(|id| id.as_str()).ok_or("no genesis id")?.parse()?;
    let copy = place.join("large.sql");
    std::fs::write(&copy, std::fs::read(folder.join("state_a.sql"))?)?;
    extend(&copy, layers, ballots)?;
    Ok(Some((copy, genesis)))
}

/// What it is counted by, from the beginning, with a window of so many layers. Nothing is too much.
pub(crate) fn settings(window: u32) -> Settings {
    let config = Config {
        hdist: 5,
        zdist: 2,
        window,
        exceptions: 5_000,
        delay: EPOCH,
        layer_size: 5,
        epoch: EPOCH,
        genesis: apogee_tortoise::Layer(31),
    };
    let limits =
        Limits { ballots: u64::MAX, work: u64::MAX, bytes: u64::MAX, votes: u32::MAX, layers: u32::MAX - 2 };
    Settings { config, first_genesis: LayerId(31), from: Some(LayerId(0)), check: false, limits }
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
