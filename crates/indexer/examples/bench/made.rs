//! A generated chain: real keys, signatures and VRFs, no SNARKs.

use std::cell::Cell;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_domain::{Epoch, Finality, Network, NetworkKind, Timestamp};
use apogee_filecoin::car::Limits;
use apogee_filecoin::crypto::bls::{Batch, MinPk, MinSig, Scheme, Waiting, ZERO_SIGNATURE};
use apogee_filecoin::source::{CarSource, Source};
use apogee_filecoin::verify::{NetworkParams, Pending, Verifier};
use apogee_simnet::{Recipe, Simulation};
use blst::{BLST_ERROR, min_pk, min_sig};

use super::process::{self, Bar};
use super::{Result, entropy, indexer};

const EPOCHS: i64 = 400;
const BAR: Bar = Bar { name: "SQLite", epochs: 400, wanted: 150, other: None };
/// What checking signatures may cost, as a share of checking them one by one.
const SHARE_PERCENT: u128 = 40;
/// Epochs whose signatures are checked together, as the indexer does.
const BATCH: usize = 64;

/// Fifty miners make five blocks an epoch, each with a few messages.
fn recipe() -> Recipe {
    Recipe { seed: 1, messages: 2, ..Recipe::default() }
}

/// The chain in `archive`, once.
#[tokio::main]
pub(crate) async fn run(archive: &Path, database: &str) -> Result<()> {
    let store = process::database(database).await?;
    let source = CarSource::open(&[archive], &Limits::DEFAULT)?;
    let recipe = recipe();
    let params = Simulation::new(recipe.clone())?.params();
    let network = Network {
        id: recipe.network.parse()?,
        kind: NetworkKind::Filecoin,
        genesis: source.oldest().await?.key().to_string(),
        genesis_time: Timestamp::from_seconds(i64::try_from(recipe.genesis_time)?),
        epoch_seconds: u32::try_from(recipe.block_delay)?,
        address_prefix: "t".into(),
        finality: Finality { depth: u32::try_from(recipe.finality)?, certificates: false },
    };
    process::finish(indexer(store, source, network, params)?).await
}

pub(crate) fn bench(runs: usize) -> Result<bool> {
    let start = Instant::now();
    let simulation = Simulation::new(recipe())?;
    simulation.mine_to(Epoch::new(EPOCHS).unwrap_or_default())?;
    let files = tempfile::tempdir()?;
    let archive = files.path().join("made.car");
    simulation.write_car(&mut BufWriter::new(File::create(&archive)?))?;
    println!("made {EPOCHS} epochs in {} ms", start.elapsed().as_millis());
    let start = Instant::now();
    let source = CarSource::open(&[&archive], &Limits::DEFAULT)?;
    let (bytes, milliseconds) = (std::fs::metadata(&archive)?.len(), start.elapsed().as_millis());
    let blocks: usize = source.chain().map(|tipset| tipset.blocks().len()).sum();
    println!("archive: {bytes} bytes, {blocks} blocks, read and hashed in {milliseconds} ms");
    let mut good = signatures(&source, &Arc::new(simulation.params()))?;
    let number = Cell::new(0);
    good &= process::measure(&BAR, runs, || {
        number.set(number.get() + 1);
        let database = files.path().join(format!("{}.sqlite", number.get()));
        Ok(vec!["made".to_owned(), archive.display().to_string(), database.display().to_string()])
    })?;
    Ok(good)
}

/// The chain's BLS signatures in batches and one by one, on one thread each. Whether the batches cost little enough. The others, secp256k1,
/// are checked one by one anyway.
fn signatures(source: &CarSource, params: &Arc<NetworkParams>) -> Result<bool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut verifier = Verifier::new(source.blocks(), Arc::clone(params));
    let pending: Vec<Pending> = source.chain().map(|tipset| verifier.prepare(tipset)).collect();
    let (mut alone, mut together) = (Duration::ZERO, Duration::ZERO);
    for epochs in pending.chunks(BATCH) {
        alone += epochs.iter().map(one_by_one).sum::<Result<Duration>>()?;
        let seed = entropy()?;
        let start = Instant::now();
        pool.install(|| batched(epochs.iter().flat_map(Pending::bls), &seed))?;
        pool.install(|| batched(epochs.iter().flat_map(Pending::beacons), &seed))?;
        together += start.elapsed();
    }
    let count = |of: fn(&Pending) -> usize| pending.iter().map(of).sum::<usize>();
    let signatures = count(|one| one.bls().count() + one.beacons().count());
    let messages =
        count(|one| one.bls().map(|waiting| waiting.pairs.len()).sum::<usize>() + one.beacons().count());
    let percent = together.as_nanos() * 100 / alone.as_nanos().max(1);
    let good = percent <= SHARE_PERCENT;
    println!(
        "{signatures} signatures over {messages} messages: one by one {} ms, in batches {} ms, ratio 0.{percent:02} (bar 0.{SHARE_PERCENT}{})",
        alone.as_millis(),
        together.as_millis(),
        if good { "" } else { ", MISSED" },
    );
    Ok(good)
}

fn batched<'a, S: Scheme>(waiting: impl Iterator<Item = Waiting<'a, S>>, seed: &[u8; 32]) -> Result<()> {
    let mut batch = Batch::<S, ()>::default();
    for one in waiting {
        let pairs = one.pairs.into_iter().map(|(key, message)| (key, message.to_vec()));
        batch.push_aggregate((), pairs, one.signature);
    }
    match batch.settle(seed).into_iter().find_map(|(_, verdict)| verdict.err()) {
        None => Ok(()),
        Some(failure) => Err(failure.into()),
    }
}

/// What plain checks of a tipset's BLS signatures cost; their keys are decoded before.
fn one_by_one(pending: &Pending) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    for waiting in pending.bls() {
        if waiting.pairs.is_empty() && waiting.signature == ZERO_SIGNATURE {
            continue;
        }
        spent += plain(&waiting)?;
    }
    for waiting in pending.beacons() {
        spent += plain_beacon(&waiting)?;
    }
    Ok(spent)
}

fn plain(waiting: &Waiting<'_, MinPk>) -> Result<Duration> {
    let dst = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
    let decode = |bytes| min_pk::PublicKey::key_validate(bytes).map_err(|error| format!("{error:?}"));
    let keys = waiting.pairs.iter().map(|(key, _)| decode(key.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let keys: Vec<_> = keys.iter().collect();
    let messages: Vec<&[u8]> = waiting.pairs.iter().map(|(_, message)| *message).collect();
    let start = Instant::now();
    let signature = min_pk::Signature::from_bytes(waiting.signature).map_err(|error| format!("{error:?}"))?;
    let verdict = match (keys.as_slice(), messages.as_slice()) {
        ([key], [message]) => signature.verify(true, message, dst, &[], key, false),
        _ => signature.aggregate_verify(true, &messages, dst, &keys, false),
    };
    right(verdict, start)
}

fn plain_beacon(waiting: &Waiting<'_, MinSig>) -> Result<Duration> {
    let dst = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
    let [(key, message)] = waiting.pairs.as_slice() else { return Err("a beacon has one key".into()) };
    let key = min_sig::PublicKey::key_validate(key.as_bytes()).map_err(|error| format!("{error:?}"))?;
    let start = Instant::now();
    let signature =
        min_sig::Signature::from_bytes(waiting.signature).map_err(|error| format!("{error:?}"))?;
    right(signature.verify(true, message, dst, &[], &key, false), start)
}

fn right(verdict: BLST_ERROR, start: Instant) -> Result<Duration> {
    if verdict == BLST_ERROR::BLST_SUCCESS { Ok(start.elapsed()) } else { Err(format!("{verdict:?}").into()) }
}
