//! Packages that were imported.

use std::collections::VecDeque;
use std::io::{BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use apogee_competition::{Accepted, Founded, Row, Said, Signed, Unfounded, check_rows};
use apogee_domain::{Digest, Schedule, Timestamp};
use apogee_package::{Claim, ClaimEffect, Clock, Contents, Imported, LedgerRow, ReadError};
use apogee_store::{Archive as Kept, MAX_ARCHIVE, Store, StoreError};

use super::append::row;
use super::ground::Archive;

/// How well archives are packed; more takes much longer and gains little.
const LEVEL: i32 = 9;
/// Archives that are kept in memory.
const KEPT: usize = 4;
/// First bytes of what zstd packed (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Most bytes that a package may have unpacked: a line of it has 16 MiB at most, and no competition has come near this.
const UNPACKED: u64 = 2 << 30;

/// Archives by their roots, which name their bytes.
static ARCHIVES: Mutex<VecDeque<(Digest, Arc<Archive>)>> = Mutex::new(VecDeque::new());

/// Why a package is not in the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotImported {
    /// It does not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not rest on its ledger.
    #[error(transparent)]
    Ledger(#[from] Box<Unfounded>),
    /// It has no ledger to be a competition of.
    #[error("decisions 0: nobody founded this competition: the package can be verified, but not imported")]
    Unfounded,
    /// There is a competition of that name.
    #[error("the competition {0} is there already")]
    There(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The imported package of a competition, if it has one.
pub(super) async fn archive(
    store: &dyn Store,
    competition: &str,
) -> Result<Option<Arc<Archive>>, StoreError> {
    let heads = store.archives().await?;
    let Some(head) = heads.into_iter().find(|head| head.competition == competition) else { return Ok(None) };
    if let Some(archive) = kept(&head.root) {
        return Ok(Some(archive));
    }
    let Some(packed) = store.archive(competition).await? else { return Ok(None) };
    let reading = tokio::task::spawn_blocking(move || open(&packed.bytes));
    let damaged = |detail: String| StoreError::Damaged { table: "archives", detail };
    let imported = reading.await.map_err(|error| damaged(error.to_string()))?;
    let imported = imported.map_err(|error| damaged(crate::cli::chain_of(&error)))?;
    if imported.root != head.root {
        return Err(damaged(format!("the package of {competition} has another root than it had")));
    }
    let archive = Arc::new(of(imported));
    let mut archives = ARCHIVES.lock().unwrap_or_else(PoisonError::into_inner);
    archives.push_front((head.root, Arc::clone(&archive)));
    archives.truncate(KEPT);
    Ok(Some(archive))
}

fn kept(root: &Digest) -> Option<Arc<Archive>> {
    let archives = ARCHIVES.lock().unwrap_or_else(PoisonError::into_inner);
    archives.iter().find(|(other, _)| other == root).map(|(_, archive)| Arc::clone(archive))
}

fn of(imported: Imported) -> Archive {
    let Imported { contents: Contents { about, facts, provenance, observations, .. }, root, .. } = imported;
    let Clock { epoch_seconds, genesis } = about.clock;
    let genesis = Timestamp::from_seconds(i64::try_from(genesis).unwrap_or(i64::MAX));
    Archive {
        root,
        at: about.at,
        genesis: about.genesis,
        schedule: Schedule { genesis, epoch_seconds: epoch_seconds.get() },
        facts,
        provenance,
        observations,
    }
}

/// A package as it stands in a file, packed with zstd or not.
pub(crate) fn reader(
    mut file: impl Read + Send + 'static,
) -> std::io::Result<Box<dyn std::io::BufRead + Send>> {
    let mut first = Vec::new();
    file.by_ref().take(ZSTD.len() as u64).read_to_end(&mut first)?;
    let packed = first == ZSTD;
    let whole = std::io::Cursor::new(first).chain(file);
    Ok(if packed {
        let unpacked = zstd::stream::read::Decoder::new(whole)?;
        Box::new(BufReader::new(unpacked.take(UNPACKED)))
    } else {
        Box::new(BufReader::new(whole.take(UNPACKED)))
    })
}

fn open(bytes: &[u8]) -> Result<Imported, ReadError> {
    apogee_package::import(reader(std::io::Cursor::new(bytes.to_vec()))?)
}

/// Whether a package rests on its ledger; `None` where it has none.
pub(crate) fn founded(contents: &Contents) -> Result<Option<Founded>, Box<Unfounded>> {
    if contents.decisions.is_empty() {
        return Ok(None);
    }
    let claims: Vec<Accepted> = contents.claims.iter().filter_map(accepted).collect();
    if claims.len() < contents.claims.len() {
        let row = contents.claims.iter().take_while(|claim| accepted(claim).is_some()).count() as u64 + 1;
        return Err(Box::new(Unfounded::Differs { section: "claims", row }));
    }
    let rows = contents.decisions.iter().map(|row| Row {
        effect: &row.effect,
        entry: &row.entry,
        hash: row.hash,
        signatures: &row.signatures,
    });
    let said = Said { rules: &contents.rules, entities: &contents.entities, claims: &claims };
    check_rows(contents.about.competition.clone(), rows, &said).map(Some).map_err(Box::new)
}

/// A claim of a package as the ledger has it; `None` for one that no ledger could have.
fn accepted(claim: &Claim) -> Option<Accepted> {
    Some(Accepted {
        action: claim.effect.action.clone(),
        entity: claim.effect.entity.clone(),
        epoch: claim.epoch,
        message: claim.message.clone(),
        miner: claim.effect.participant.clone()?,
        signature: claim.signature.clone(),
    })
}

/// An accepted claim as a package has it; `None` for the act of an operator.
pub(crate) fn claim(signed: &Signed) -> Option<Claim> {
    let Accepted { action, entity, epoch, message, miner, signature } = Accepted::of(signed)?;
    let effect = ClaimEffect { action, entity, participant: Some(miner) };
    Some(Claim { effect, epoch, message, signature })
}

/// An entry as a package has it.
pub(crate) fn ledger_row(
    signed: &Signed,
    effect: apogee_leaderboard::Effect,
) -> serde_json::Result<LedgerRow> {
    Ok(LedgerRow {
        effect,
        entry: serde_json::to_value(&signed.entry)?,
        hash: signed.hash,
        previous: signed.entry.previous,
        seq: signed.entry.seq,
        signatures: signed.signatures.iter().map(serde_json::to_value).collect::<Result<_, _>>()?,
    })
}

/// Put a package with its ledger into a database, all of it or nothing. It has to be verified before.
pub(crate) async fn import(
    store: &dyn Store,
    founded: &Founded,
    package: Vec<u8>,
    root: Digest,
) -> Result<(), NotImported> {
    let id = founded.competition.id().to_string();
    let heads = store.competitions().await?;
    if heads.iter().any(|head| head.competition == id) {
        return Err(NotImported::There(id));
    }
    let rows: Vec<_> = founded.entries.iter().map(row).collect::<Result<_, _>>().map_err(|refusal| {
        let seq = founded.competition.seq();
        NotImported::Ledger(Box::new(Unfounded::Entry(apogee_competition::Broken { seq, refusal: *refusal })))
    })?;
    let mut work = store.begin().await?;
    let mut head = None;
    for row in &rows {
        work.append(&id, head, row).await?;
        head = Some((row.seq, row.hash));
    }
    work.put_archive(&id, &Kept { root, bytes: package }).await?;
    Ok(work.commit().await?)
}

/// Pack a package for the database.
pub(crate) fn pack(package: impl Read) -> Result<Vec<u8>, NotImported> {
    let packed = zstd::encode_all(package, LEVEL).map_err(ReadError::from)?;
    let size = packed.len() as u64;
    if size > MAX_ARCHIVE {
        return Err(StoreError::TooLarge { what: "the package", size, limit: MAX_ARCHIVE }.into());
    }
    Ok(packed)
}
