//! Verifying keys of a network, read from a folder when they are first needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bellperson::groth16::{PreparedVerifyingKey, VerifyingKey, prepare_verifying_key};
use blstrs::Bls12;
use storage_proofs_core::parameter_cache::{get_parameter_data_from_id, verifying_key_id};

use crate::NotMade;

pub(crate) type Key = PreparedVerifyingKey<Bls12>;

/// The largest published key (WindowPoSt of 32 GiB sectors) has 2.5 MB.
const MAX_KEY: u64 = 16 << 20;
/// Hexadecimal digits of the digest that the published list gives of each file.
const DIGEST_DIGITS: usize = 32;

/// Which keys are believed. Whoever made a key's parameters can forge its proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only the published keys of the Filecoin trusted set-up, by their digests.
    Published,
    /// Whatever lies in the folder: a test network with parameters of its own.
    Folder,
}

/// The keys of one network. Several may be used in one process.
pub struct VerifyingKeys {
    folder: PathBuf,
    trust: Trust,
    loaded: Mutex<BTreeMap<String, Arc<Key>>>,
}

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VerifyingKeys")
            .field("folder", &self.folder)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl VerifyingKeys {
    /// Keys of a folder of `.vk` files with their usual names (`v28-proof-of-spacetime-fallback-….vk`). Nothing is read yet: a key that is
    /// absent when it is needed makes the check [`NotMade`].
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, trust: Trust) -> Self {
        Self { folder: folder.into(), trust, loaded: Mutex::default() }
    }

    /// The key of a circuit, by the identifier that the proofs library gives it.
    pub(crate) fn get(&self, circuit: &str) -> Result<Arc<Key>, NotMade> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = loaded.get(circuit) {
            return Ok(key.clone());
        }
        let key = Arc::new(self.read(circuit)?);
        loaded.insert(circuit.to_owned(), key.clone());
        Ok(key)
    }

    fn read(&self, circuit: &str) -> Result<Key, NotMade> {
        let name = verifying_key_id(circuit);
        let path = self.folder.join(&name);
        let bad = |reason: String| NotMade::BadKey { path: path.clone(), reason };
        let size = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(NotMade::NoKey(path)),
            Err(error) => return Err(bad(error.to_string())),
        };
        if size > MAX_KEY {
            return Err(bad(format!("it has {size} bytes")));
        }
        let bytes = std::fs::read(&path).map_err(|error| bad(error.to_string()))?;
        if self.trust == Trust::Published {
            let digest = blake2b_simd::blake2b(&bytes).to_hex();
            let published = get_parameter_data_from_id(&name)
                .ok_or_else(|| bad("no such key is published".to_owned()))?;
            if digest.get(..DIGEST_DIGITS) != Some(published.digest.as_str()) {
                return Err(bad("it is not the published key".to_owned()));
            }
        }
        let mut rest = bytes.as_slice();
        let key = VerifyingKey::<Bls12>::read(&mut rest).map_err(|error| bad(error.to_string()))?;
        if key.ic.is_empty() || !rest.is_empty() {
            return Err(bad("it is cut off or too long".to_owned()));
        }
        Ok(prepare_verifying_key(&key))
    }

    /// The reason where a key is for another circuit than its name says.
    pub(crate) fn other_circuit(&self, circuit: &str) -> NotMade {
        NotMade::BadKey {
            path: self.folder.join(verifying_key_id(circuit)),
            reason: "it is for another circuit".to_owned(),
        }
    }
}
