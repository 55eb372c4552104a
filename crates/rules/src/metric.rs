use apogee_domain::{Epoch, SeriesName};
use serde::{Deserialize, Serialize};

use crate::{Id, Quantity};

/// Something that is measured of an entity (`docs/rules.md` §6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Its name among the metrics.
    pub id: Id,
    /// How it is measured.
    #[serde(flatten)]
    pub kind: MetricKind,
}

impl Metric {
    /// The series that it reads itself, not those of the metrics it is made of.
    pub fn series(&self) -> impl Iterator<Item = &SeriesName> {
        let series = match &self.kind {
            MetricKind::Level { series } | MetricKind::Window { series, .. } => [Some(series), None],
            MetricKind::Rate { passed, failed, .. } => [Some(passed), Some(failed)],
            MetricKind::Deals { .. }
            | MetricKind::Sectors { .. }
            | MetricKind::Sum { .. }
            | MetricKind::Scaled { .. } => [None, None],
        };
        series.into_iter().flatten()
    }
}

/// How a metric is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MetricKind {
    /// Sum of the members' values of a series.
    Level {
        /// What is read.
        series: SeriesName,
    },
    /// Sum of what a cumulative series gained in a window.
    Window {
        /// What is read.
        series: SeriesName,
        /// When.
        #[serde(flatten)]
        window: Window,
    },
    /// Share of successes; a ratio.
    Rate {
        /// Cumulative count of successes.
        passed: SeriesName,
        /// Cumulative count of failures.
        failed: SeriesName,
        /// How members are brought together.
        aggregation: Aggregation,
        /// Samples below which nothing is decided.
        #[serde(skip_serializing_if = "Option::is_none")]
        min_samples: Option<Quantity>,
        /// When.
        #[serde(flatten)]
        window: Window,
    },
    /// Deals whose client is a member.
    Deals {
        /// What of them.
        measure: DealMeasure,
        /// Only deals whose proposal starts after this epoch.
        #[serde(skip_serializing_if = "Option::is_none")]
        start_after: Option<Epoch>,
        /// Deals of one piece beyond this number are in excess.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_replicas: Option<u64>,
        /// What becomes of those.
        excess: Counting,
        /// What becomes of deals with a provider of the same entity.
        own: Counting,
    },
    /// Sectors of the members that are not terminated.
    Sectors {
        /// What of them.
        measure: SectorMeasure,
        /// Faulty periods without a break that terminate a sector. Filecoin's `FaultMaxAge` is 14.
        fault_periods: u64,
        /// Length of a period in epochs.
        period: u64,
    },
    /// Sum of other metrics.
    Sum {
        /// Metrics of one unit, none a ratio.
        of: Vec<Id>,
    },
    /// A metric times a ratio, rounded down.
    Scaled {
        /// A metric that is not a ratio.
        metric: Id,
        /// A metric that is a ratio.
        by: Id,
    },
}

/// Part of the competition that is looked at: all of it, `[from, until)`, or the last so many epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    /// First epoch; the competition's start if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Epoch>,
    /// Epoch before which it ends; the epoch that is read if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Epoch>,
    /// So many epochs up to the one that is read; never together with the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

/// How the rates of several members become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// All successes over all samples.
    Pooled,
    /// Arithmetic mean of the members' rates.
    Mean,
}

/// What is measured of deals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DealMeasure {
    /// Padded bytes.
    Bytes,
    /// Number of deals.
    Deals,
    /// Number of different pieces.
    Pieces,
    /// Number of different providers.
    Providers,
    /// Most deals of one piece.
    Replicas,
    /// Most bytes with one provider over all bytes; a ratio.
    ProviderShare,
}

/// Whether something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// It counts.
    Counted,
    /// It is left out.
    NotCounted,
}

/// What is measured of sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectorMeasure {
    /// Their bytes.
    Bytes,
    /// Their number.
    Count,
}
