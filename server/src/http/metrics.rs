use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::connections::Refused;
use crate::web::{Freshness, Now};

/// Seconds, from a look-up in memory to a database that struggles.
const BUCKETS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From memory.
    Cache,
    /// Made for this request, or for others that asked at the same time.
    Built,
    /// Told by the service about itself, or refused.
    Service,
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Built => "built",
            Self::Service => "service",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    status: u16,
    origin: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfNetwork {
    network: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEndpoint {
    network: String,
    endpoint: String,
}

/// What the service counts, for Prometheus.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    /// Those of the ordinary path, found beforehand.
    hits: Counter,
    unchanged: Counter,
    builds: Histogram,
    connections: Gauge,
    refused: Family<Why, Counter>,
    cache_bytes: Gauge,
    cache_entries: Gauge,
    epoch: Family<OfNetwork, Gauge>,
    final_epoch: Family<OfNetwork, Gauge>,
    live: Family<OfNetwork, Gauge>,
    failed_checks: Family<OfNetwork, Gauge<i64>>,
    endpoint_failures: Family<OfEndpoint, Gauge>,
    endpoint_head: Family<OfEndpoint, Gauge>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let requests = Family::<Answered, Counter>::default();
        let found = |status| {
            let counter = requests.get_or_create(&Answered { status, origin: Origin::Cache.name() });
            (*counter).clone()
        };
        let (hits, unchanged): (Counter<u64, AtomicU64>, Counter) = (found(200), found(304));
        let mut metrics = Self {
            registry: Registry::with_prefix("apogee"),
            hits,
            unchanged,
            requests,
            builds: Histogram::new(BUCKETS),
            connections: Gauge::default(),
            refused: Family::default(),
            cache_bytes: Gauge::default(),
            cache_entries: Gauge::default(),
            epoch: Family::default(),
            final_epoch: Family::default(),
            live: Family::default(),
            failed_checks: Family::default(),
            endpoint_failures: Family::default(),
            endpoint_head: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_build",
            "Time to make an answer that was not in memory",
            Unit::Seconds,
            metrics.builds.clone(),
        );
        registry.register("http_connections", "Open connections", metrics.connections.clone());
        registry.register(
            "http_connections_refused",
            "Connections refused at a limit",
            metrics.refused.clone(),
        );
        registry.register_with_unit(
            "cache",
            "Answers kept in memory",
            Unit::Bytes,
            metrics.cache_bytes.clone(),
        );
        registry.register("cache_entries", "Answers kept in memory", metrics.cache_entries.clone());
        registry.register("index_epoch", "Newest indexed epoch", metrics.epoch.clone());
        registry.register(
            "index_final_epoch",
            "Newest epoch that can no longer change",
            metrics.final_epoch.clone(),
        );
        registry.register("index_live", "1 when the index is at the head", metrics.live.clone());
        registry.register(
            "index_failed_checks",
            "Checks of the chain that failed",
            metrics.failed_checks.clone(),
        );
        registry.register(
            "endpoint_failures",
            "Calls in a row without a usable answer",
            metrics.endpoint_failures.clone(),
        );
        registry.register("endpoint_head_epoch", "Head of a node", metrics.endpoint_head.clone());
        metrics
    }

    pub(super) fn hit(&self) {
        self.hits.inc();
    }

    pub(super) fn unchanged(&self) {
        self.unchanged.inc();
    }

    pub(super) fn answered(&self, status: u16, origin: Origin) {
        self.requests.get_or_create(&Answered { status, origin: origin.name() }).inc();
    }

    pub(super) fn built(&self, taken: Duration) {
        self.builds.observe(taken.as_secs_f64());
    }

    pub(super) fn refused(&self, why: Refused) {
        let reason = match why {
            Refused::Total => "total",
            Refused::PerAddress => "per_address",
        };
        self.refused.get_or_create(&Why { reason }).inc();
    }

    /// Everything as text.
    pub(super) fn text(
        &self,
        now: &Now,
        connections: usize,
        (entries, bytes): (usize, usize),
    ) -> Result<String, fmt::Error> {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(whole(connections));
        self.cache_entries.set(whole(entries));
        self.cache_bytes.set(whole(bytes));
        // What is hidden now must not be told by what was known before.
        self.endpoint_head.clear();
        for network in &now.networks {
            let of = OfNetwork { network: network.network.id.to_string() };
            self.live.get_or_create(&of).set(i64::from(network.freshness == Freshness::Live));
            if let Some(cursor) = &network.cursor {
                self.epoch.get_or_create(&of).set(cursor.epoch.height());
                let failed: u64 = cursor.checks.iter().map(|check| check.failed).sum();
                self.failed_checks.get_or_create(&of).set(i64::try_from(failed).unwrap_or(i64::MAX));
                if let Some(last) = cursor.final_epoch {
                    self.final_epoch.get_or_create(&of).set(last.height());
                }
            }
            for node in &network.endpoints {
                let of = OfEndpoint { network: of.network.clone(), endpoint: node.name.clone() };
                self.endpoint_failures.get_or_create(&of).set(node.failures.into());
                if let Some(head) = node.head {
                    self.endpoint_head.get_or_create(&of).set(head.height());
                }
            }
        }
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}
