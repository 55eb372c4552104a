use apogee_domain::series::{Reading, SeriesSpec};
use apogee_domain::{NetworkKind, SeriesName, Unit};

use crate::read::NESTING;
use crate::{Board, DealMeasure, Id, Metric, MetricKind, Pool, RuleSet, SectorMeasure};

/// What the value of a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A whole number of a unit.
    Whole(Unit),
    /// A fraction from 0 to 1.
    Ratio,
}

impl RuleSet {
    /// The metric of this name.
    #[must_use]
    pub fn metric(&self, id: &Id) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == *id)
    }

    /// The board of this name.
    #[must_use]
    pub fn board(&self, id: &Id) -> Option<&Board> {
        self.boards.iter().find(|board| board.id == *id)
    }

    /// The pool of this name.
    #[must_use]
    pub fn pool(&self, id: &Id) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.id == *id)
    }

    /// Unit and reading of a series: declared here, or one that the platform produces for each participant.
    #[must_use]
    pub fn series(&self, name: &SeriesName) -> Option<(Unit, Reading)> {
        let declared = self.series.iter().find(|series| series.name == *name);
        let known = |spec: &SeriesSpec| spec.per_participant.then_some((spec.unit, spec.reading));
        declared.map(|series| (series.unit, series.reading)).or_else(|| name.spec().and_then(known))
    }

    /// The protocol that its network has to speak: that of a series which no other has, Filecoin where none says so.
    #[must_use]
    pub fn kind(&self) -> NetworkKind {
        let own = |name: &SeriesName| name.spec().filter(|spec| spec.kinds == [NetworkKind::Spacemesh]);
        let named = self.metrics.iter().flat_map(Metric::series).any(|name| own(name).is_some());
        if named { NetworkKind::Spacemesh } else { NetworkKind::Filecoin }
    }

    /// What the value of the metric of this name is. Known for every metric of a rule set that was read.
    #[must_use]
    pub fn measure(&self, id: &Id) -> Option<Measure> {
        let mut id = id;
        for _ in 0..=NESTING {
            match &self.metric(id)?.kind {
                MetricKind::Level { series } | MetricKind::Window { series, .. } => {
                    return self.series(series).map(|(unit, _)| Measure::Whole(unit));
                }
                MetricKind::Rate { .. } => return Some(Measure::Ratio),
                MetricKind::Deals { measure, .. } => {
                    return Some(match measure {
                        DealMeasure::Bytes => Measure::Whole(Unit::Bytes),
                        DealMeasure::ProviderShare => Measure::Ratio,
                        _ => Measure::Whole(Unit::Count),
                    });
                }
                MetricKind::Sectors { measure: SectorMeasure::Bytes, .. } => {
                    return Some(Measure::Whole(Unit::Bytes));
                }
                MetricKind::Sectors { measure: SectorMeasure::Count, .. } => {
                    return Some(Measure::Whole(Unit::Count));
                }
                MetricKind::Sum { of } => id = of.first()?,
                MetricKind::Scaled { metric, .. } => id = metric,
            }
        }
        None
    }
}
