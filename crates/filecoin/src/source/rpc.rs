use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Epoch;
use async_trait::async_trait;
use futures::StreamExt;
use tokio::runtime::Handle;

use super::cache::ObjectCache;
use super::remote::RemoteBlocks;
use super::{Blocks, ChainPath, Source, SourceError};
use crate::rpc::{Backoff, Fault, Meaning, Notifications, Pool, RpcError};
use crate::types::{ExecutionTrace, FinalityCertificate, Tipset, TipsetKey};

/// How a chain is read from nodes.
#[derive(Clone, Debug)]
pub struct RpcOptions {
    /// How often the head is asked for when no notification comes.
    pub poll: Duration,
    /// Requests at a time.
    pub parallel: usize,
    /// Bytes of blocks that are kept in memory.
    pub cache_bytes: usize,
    /// A store of blocks that outlives the process.
    pub cache: Option<Arc<dyn ObjectCache>>,
    /// Where to subscribe to `ChainNotify`: the waits between attempts. `None`: only poll.
    pub notify: Option<Arc<dyn Backoff>>,
}

impl Default for RpcOptions {
    /// Ask every 15 s, 8 requests at a time, 64 MiB of cache in memory, no subscription.
    fn default() -> Self {
        Self { poll: Duration::from_secs(15), parallel: 8, cache_bytes: 64 << 20, cache: None, notify: None }
    }
}

/// A chain as nodes tell it, checked wherever a CID allows it.
#[derive(Debug)]
pub struct RpcSource {
    name: String,
    pool: Arc<Pool>,
    blocks: Arc<RemoteBlocks>,
    options: RpcOptions,
    notifications: Vec<Notifications>,
}

impl RpcSource {
    /// A source over `pool`. Has to be made inside a runtime, on which every request will run.
    ///
    /// [`blocks`](Source::blocks) answers threads that may block: `spawn_blocking`, rayon, plain ones; a runtime's own worker
    /// must not call it.
    #[must_use]
    pub fn new(pool: Arc<Pool>, options: RpcOptions) -> Self {
        let names: Vec<_> = pool.clients().map(|client| client.name().to_owned()).collect();
        let blocks =
            RemoteBlocks::new(pool.clone(), Handle::current(), options.cache_bytes, options.cache.clone());
        let subscribe = |backoff: &Arc<dyn Backoff>| {
            pool.clients().map(|client| Notifications::subscribe(client.clone(), backoff.clone())).collect()
        };
        let notifications = options.notify.as_ref().map(subscribe).unwrap_or_default();
        Self { name: names.join(", "), blocks: Arc::new(blocks), pool, options, notifications }
    }

    /// The nodes behind it.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn failed(&self, error: RpcError) -> SourceError {
        let what = error.method.to_owned();
        match &error.fault {
            Fault::Malformed(detail) => {
                let detail = detail.clone();
                SourceError::Dishonest { what, source_name: error.endpoint, detail }
            }
            Fault::TooLarge { limit } => SourceError::Dishonest {
                what,
                source_name: error.endpoint,
                detail: format!("it is over {limit} bytes"),
            },
            Fault::Rpc { meaning: Meaning::NotFound, message, .. } => {
                SourceError::Missing { what: format!("{what} ({message})"), source_name: self.name.clone() }
            }
            _ => SourceError::Unreachable { source_name: self.name.clone(), cause: error.into() },
        }
    }

    /// Fetch the messages of these tipsets' blocks in one call a block, where that is not known to be unnecessary.
    ///
    /// Only saves calls: what fails, or is not what the headers name, will be read block by block.
    async fn prefetch(&self, tipsets: &[Tipset]) {
        let wanted = tipsets.iter().flat_map(Tipset::cids_and_blocks).filter_map(|(cid, header)| {
            (!header.is_genesis() && !self.blocks.has_cached(&header.messages))
                .then_some((cid, header.messages))
        });
        let mut seen = std::collections::HashSet::new();
        let wanted: Vec<_> = wanted.filter(|(_, root)| seen.insert(*root)).collect();
        let fetch = |(block, root): (cid::Cid, cid::Cid)| async move {
            let answer = self.pool.ask(|client| async move { client.chain_block_messages(&block).await });
            if let Ok(messages) = answer.await
                && !self.blocks.keep_messages(&root, &messages)
            {
                tracing::warn!(%block, source = self.name, "messages that are not those of the block");
            }
        };
        futures::stream::iter(wanted).for_each_concurrent(self.options.parallel, fetch).await;
    }

    async fn tipset_at(&self, epoch: Epoch, head: &TipsetKey) -> Result<Tipset, RpcError> {
        self.pool.ask(|client| async move { client.chain_tipset_at(epoch, Some(head)).await }).await
    }
}

#[async_trait]
impl Source for RpcSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn oldest(&self) -> Result<Tipset, SourceError> {
        let answer = self.pool.ask(|client| async move { client.chain_genesis().await });
        answer.await.map_err(|error| self.failed(error))
    }

    async fn head(&self) -> Result<Tipset, SourceError> {
        let heads = self.pool.heads().await.map_err(|error| self.failed(error))?;
        Ok(heads.best)
    }

    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        let answer = self.pool.ask(|client| async move { client.chain_tipset(key).await });
        answer.await.map_err(|error| self.failed(error))
    }

    /// Tipsets are asked for by height, several at a time, and then followed from the newest one by parent links; what the
    /// links do not confirm is not handed on. That the newest one is on the chain of `head` is proven when `to` reaches the head,
    /// and the node's word otherwise: the next range's first parent has to be it.
    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError> {
        let newest = self.tipset(head).await?;
        let newest = if newest.epoch() <= to {
            newest
        } else {
            self.tipset_at(to, head).await.map_err(|error| self.failed(error))?
        };
        if newest.epoch() < from {
            return Ok(vec![]);
        }
        let heights = from.height()..newest.epoch().height();
        let by_height = futures::stream::iter(heights.filter_map(Epoch::new))
            .map(|epoch| self.tipset_at(epoch, newest.key()))
            .buffer_unordered(self.options.parallel.max(1));
        // A failure here only means that the tipset is asked for by its key below.
        let known: HashMap<TipsetKey, Tipset> = by_height
            .filter_map(|answer| async { answer.ok().map(|tipset| (tipset.key().clone(), tipset)) })
            .collect()
            .await;
        let mut range = vec![newest];
        while let Some(oldest) = range.last() {
            if oldest.epoch() <= from || oldest.first().is_genesis() {
                break;
            }
            let parents = oldest.parents();
            let parent = match known.get(&parents) {
                Some(parent) => parent.clone(),
                None => self.tipset(&parents).await?,
            };
            if parent.epoch() >= oldest.epoch() {
                return Err(SourceError::Dishonest {
                    what: format!("{oldest:?}"),
                    source_name: self.name.clone(),
                    detail: format!("its parent is at epoch {}", parent.epoch()),
                });
            }
            if parent.epoch() < from {
                break;
            }
            range.push(parent);
        }
        range.reverse();
        self.prefetch(&range).await;
        Ok(range)
    }

    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError> {
        let answer = self.pool.ask(|client| async move { client.chain_path(from, to).await });
        let path = answer.await.map_err(|error| self.failed(error))?;
        self.prefetch(&path.apply).await;
        Ok(path)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.blocks.clone()
    }

    async fn trace(&self, tipset: &Tipset) -> Result<Option<ExecutionTrace>, SourceError> {
        let answer = self.pool.ask(|client| async move { client.state_compute(tipset).await });
        match answer.await {
            Ok(trace) => Ok(Some(trace)),
            // Nodes refuse for many reasons: no such method, not allowed, state that was pruned.
            Err(error) if error.fault.meaning().is_some() => {
                tracing::debug!(%error, ?tipset, "no execution trace");
                Ok(None)
            }
            // Nothing rests on a trace: one that cannot be read must not keep the chain from being read.
            Err(error) if matches!(error.fault, Fault::Malformed(_) | Fault::TooLarge { .. }) => {
                tracing::warn!(%error, ?tipset, "an execution trace that cannot be used");
                Ok(None)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn certificates(
        &self,
        instance: u64,
        limit: usize,
    ) -> Result<Vec<FinalityCertificate>, SourceError> {
        let none_yet = |error: &RpcError| {
            let meaning = error.fault.meaning();
            matches!(meaning, Some(Meaning::NotFound | Meaning::F3NotReady | Meaning::NoSuchMethod))
        };
        let latest = self.pool.ask(|client| async move { client.f3_latest_certificate().await }).await;
        let latest = match latest {
            Ok(Some(latest)) => latest.instance,
            Ok(None) => return Ok(vec![]),
            Err(error) if none_yet(&error) => return Ok(vec![]),
            Err(error) => return Err(self.failed(error)),
        };
        let end =
            latest.saturating_add(1).min(instance.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX)));
        let mut answers = futures::stream::iter(instance..end)
            .map(|wanted| self.pool.ask(move |client| async move { client.f3_certificate(wanted).await }))
            .buffered(self.options.parallel.max(1));
        let mut certificates = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(certificate) => certificates.push(certificate),
                // Another node than the one that has the latest.
                Err(error) if none_yet(&error) => break,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(certificates)
    }

    fn distrust(&self, head: &TipsetKey) -> Vec<String> {
        self.pool.distrust(head)
    }

    async fn changed(&self) {
        let poll = tokio::time::sleep(self.options.poll);
        if self.notifications.is_empty() {
            return poll.await;
        }
        let moved = self.notifications.iter().map(|one| Box::pin(one.moved()));
        tokio::select! {
            () = poll => {}
            _ = futures::future::select_all(moved) => {}
        }
    }
}
