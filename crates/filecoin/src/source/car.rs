use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use apogee_domain::Epoch;
use async_trait::async_trait;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use rayon::prelude::*;

use super::{Blocks, ChainPath, Source, SourceError};
use crate::car::{CarError, CarStore, Limits};
use crate::types::{BlockHeader, ExecutionTrace, FinalityCertificate, Tipset, TipsetKey};

/// A chain in archives: it never moves, has no traces, and certificates only where a file of them was given.
#[derive(Clone, Debug)]
pub struct CarSource {
    name: Arc<str>,
    archives: Arc<Archives>,
    /// Every tipset on the chain of any archive's head.
    tipsets: Arc<HashMap<TipsetKey, Tipset>>,
    /// The chain of `head`.
    chain: Arc<BTreeMap<Epoch, Tipset>>,
    head: Tipset,
    certificates: Arc<[FinalityCertificate]>,
}

/// Why archives are no source.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no archive.
    #[error("{path} cannot be used")]
    Archive {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        cause: CarError,
    },
    /// The archives hold no whole chain.
    #[error("the archive holds no whole chain")]
    Chain(#[from] SourceError),
}

impl CarSource {
    /// The chain in a file, with forks from further files. The first file's head is the head.
    ///
    /// # Errors
    /// A file that is no archive, or a chain that does not reach genesis.
    pub fn open(paths: &[&Path], limits: &Limits) -> Result<Self, OpenError> {
        let archives = paths
            .par_iter()
            .map(|path| {
                CarStore::open(path, limits)
                    .map(Arc::new)
                    .map_err(|cause| OpenError::Archive { path: path.display().to_string(), cause })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let name = paths.first().map_or_else(String::new, |path| path.display().to_string());
        Ok(Self::new(&name, archives)?)
    }

    /// The chain in these archives, from the head of the first one down to genesis.
    ///
    /// # Errors
    /// When the chain is cut, or blocks do not form tipsets.
    pub fn new(name: &str, archives: Vec<Arc<CarStore>>) -> Result<Self, SourceError> {
        let source = Self::snapshot(name, archives)?;
        let oldest = source.oldest_tipset();
        if oldest.first().is_genesis() {
            return Ok(source);
        }
        Err(source.missing(&format!(
            "the parent {} of the tipset at epoch {}: the chain is cut and does not reach genesis",
            oldest.parents(),
            oldest.epoch()
        )))
    }

    /// Like [`new`](Self::new), but the chain may begin later than at genesis, as that of a light snapshot does.
    ///
    /// # Errors
    /// When blocks do not form tipsets.
    pub fn snapshot(name: &str, archives: Vec<Arc<CarStore>>) -> Result<Self, SourceError> {
        let archives = Archives(archives);
        let mut tipsets = HashMap::new();
        let mut first = None;
        for archive in &archives.0 {
            let head = TipsetKey(archive.head());
            let chain = walk(name, &archives, &mut tipsets, &head)?;
            first.get_or_insert(chain);
        }
        let (_, head) = first
            .as_ref()
            .and_then(BTreeMap::last_key_value)
            .ok_or_else(|| SourceError::Missing { what: "a chain".into(), source_name: name.to_owned() })?;
        Ok(Self {
            name: name.into(),
            head: head.clone(),
            archives: Arc::new(archives),
            tipsets: Arc::new(tipsets),
            chain: Arc::new(first.unwrap_or_default()),
            certificates: Arc::new([]),
        })
    }

    /// The same blocks seen from another head: a fork's, or an older tipset.
    ///
    /// # Errors
    /// When that tipset is not in the archives.
    pub fn with_head(mut self, head: &TipsetKey) -> Result<Self, SourceError> {
        let mut tipsets = HashMap::clone(&self.tipsets);
        let chain = walk(&self.name, &self.archives, &mut tipsets, head)?;
        self.head = self.load(head)?;
        self.tipsets = Arc::new(tipsets);
        self.chain = Arc::new(chain);
        Ok(self)
    }

    /// With these certificates, in the order of their instances.
    #[must_use]
    pub fn with_certificates(mut self, mut certificates: Vec<FinalityCertificate>) -> Self {
        certificates.sort_by_key(|certificate| certificate.instance);
        certificates.dedup_by_key(|certificate| certificate.instance);
        self.certificates = certificates.into();
        self
    }

    /// The heads of all archives, the first one's first.
    #[must_use]
    pub fn heads(&self) -> Vec<TipsetKey> {
        self.archives.0.iter().map(|archive| TipsetKey(archive.head())).collect()
    }

    /// The chain of the head, oldest first.
    pub fn chain(&self) -> impl DoubleEndedIterator<Item = &Tipset> {
        self.chain.values()
    }

    fn oldest_tipset(&self) -> Tipset {
        self.chain.first_key_value().map_or_else(|| self.head.clone(), |(_, tipset)| tipset.clone())
    }

    fn missing(&self, what: &str) -> SourceError {
        SourceError::Missing { what: what.to_owned(), source_name: self.name.to_string() }
    }

    fn load(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        match self.tipsets.get(key) {
            Some(tipset) => Ok(tipset.clone()),
            None => {
                load(&self.name, &self.archives, key)?.ok_or_else(|| self.missing(&format!("tipset {key}")))
            }
        }
    }

    fn parent(&self, of: &Tipset) -> Result<Tipset, SourceError> {
        if of.first().is_genesis() {
            return Err(self.missing(&format!("a common ancestor: {of:?} is another genesis")));
        }
        let parent = self.load(&of.parents())?;
        lower(&self.name, &parent, of)?;
        Ok(parent)
    }
}

#[async_trait]
impl Source for CarSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn oldest(&self) -> Result<Tipset, SourceError> {
        Ok(self.oldest_tipset())
    }

    async fn head(&self) -> Result<Tipset, SourceError> {
        Ok(self.head.clone())
    }

    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        self.load(key)
    }

    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError> {
        let mut newest_first = Vec::new();
        let mut at = self.load(head)?;
        let on_chain = |tipset: &Tipset| self.chain.get(&tipset.epoch()) == Some(tipset);
        while !on_chain(&at) && at.epoch() > from {
            let parent = self.parent(&at)?;
            if at.epoch() <= to {
                newest_first.push(at);
            }
            at = parent;
        }
        if on_chain(&at) {
            if from < self.oldest_tipset().epoch() {
                return Err(self.missing(&format!("epoch {from}")));
            }
            let to = to.min(at.epoch());
            let range = (from <= to).then(|| self.chain.range(from..=to).rev());
            newest_first.extend(range.into_iter().flatten().map(|(_, tipset)| tipset.clone()));
        } else if at.epoch() == from && at.epoch() <= to {
            newest_first.push(at);
        }
        newest_first.reverse();
        Ok(newest_first)
    }

    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError> {
        let (mut left, mut right) = (self.load(from)?, self.load(to)?);
        let mut path = ChainPath::default();
        while left.key() != right.key() {
            if left.epoch() >= right.epoch() {
                let parent = self.parent(&left)?;
                path.revert.push(left);
                left = parent;
            } else {
                let parent = self.parent(&right)?;
                path.apply.push(right);
                right = parent;
            }
        }
        path.apply.reverse();
        Ok(path)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.archives.clone()
    }

    async fn trace(&self, _: &Tipset) -> Result<Option<ExecutionTrace>, SourceError> {
        Ok(None)
    }

    async fn certificates(
        &self,
        instance: u64,
        limit: usize,
    ) -> Result<Vec<FinalityCertificate>, SourceError> {
        let later = self.certificates.iter().skip_while(|certificate| certificate.instance < instance);
        Ok(later.take(limit).cloned().collect())
    }

    async fn changed(&self) {
        std::future::pending().await
    }
}

/// The chain of `head` as far back as the archives hold it; what is on it goes into `tipsets`.
fn walk(
    name: &str,
    archives: &Archives,
    tipsets: &mut HashMap<TipsetKey, Tipset>,
    head: &TipsetKey,
) -> Result<BTreeMap<Epoch, Tipset>, SourceError> {
    let mut chain = BTreeMap::new();
    let mut key = head.clone();
    let mut child: Option<Tipset> = None;
    loop {
        let known = match tipsets.get(&key) {
            Some(tipset) => Some(tipset.clone()),
            None => load(name, archives, &key)?,
        };
        let Some(tipset) = known else {
            return match child {
                Some(_) => Ok(chain),
                None => Err(SourceError::Missing {
                    what: format!("the head {head}"),
                    source_name: name.to_owned(),
                }),
            };
        };
        if let Some(child) = &child {
            lower(name, &tipset, child)?;
        }
        tipsets.insert(key, tipset.clone());
        chain.insert(tipset.epoch(), tipset.clone());
        if tipset.first().is_genesis() {
            return Ok(chain);
        }
        key = tipset.parents();
        child = Some(tipset);
    }
}

/// The tipset of that name; `None` when none of its blocks is there.
fn load(name: &str, archives: &Archives, key: &TipsetKey) -> Result<Option<Tipset>, SourceError> {
    let dishonest = |detail: String| SourceError::Dishonest {
        what: format!("tipset {key}"),
        source_name: name.to_owned(),
        detail,
    };
    let mut headers = Vec::with_capacity(key.0.len());
    let mut absent = None;
    for cid in &key.0 {
        match archives.block(cid) {
            Some(bytes) => headers.push(
                BlockHeader::from_cbor(bytes)
                    .map_err(|error| dishonest(format!("{cid} is no block header: {error}")))?,
            ),
            None => absent = Some(*cid),
        }
    }
    match absent {
        Some(_) if headers.is_empty() => return Ok(None),
        Some(cid) => {
            return Err(SourceError::Missing { what: format!("block {cid}"), source_name: name.to_owned() });
        }
        None => {}
    }
    let tipset = Tipset::new(headers).map_err(|error| dishonest(error.to_string()))?;
    if tipset.key() == key {
        Ok(Some(tipset))
    } else {
        Err(dishonest(format!("in ticket order it is {}", tipset.key())))
    }
}

/// A parent's epoch is lower than its child's: what makes every walk end.
fn lower(name: &str, parent: &Tipset, child: &Tipset) -> Result<(), SourceError> {
    if parent.epoch() < child.epoch() {
        return Ok(());
    }
    Err(SourceError::Dishonest {
        what: format!("{child:?}"),
        source_name: name.to_owned(),
        detail: format!("its parent is at epoch {}", parent.epoch()),
    })
}

/// Several archives as one store.
#[derive(Debug)]
struct Archives(Vec<Arc<CarStore>>);

impl Archives {
    fn block(&self, cid: &Cid) -> Option<&[u8]> {
        self.0.iter().find_map(|archive| archive.block(cid))
    }
}

impl Blockstore for Archives {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        for archive in &self.0 {
            if let Some(block) = archive.get(cid)? {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be added: an archive is read-only")
    }
}
