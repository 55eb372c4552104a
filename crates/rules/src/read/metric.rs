use super::cursor::{Node, Object, Reader};
use crate::{Counting, Metric, MetricKind, Window};

impl Reader {
    pub(super) fn metric(&mut self, node: Node<'_>) -> Option<Metric> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let measured = match kind.0 {
            "level" => {
                let series = self.needed(o, "series", |r, n| r.parsed(&n));
                series.map(|series| MetricKind::Level { series })
            }
            "window" => {
                let series = self.needed(o, "series", |r, n| r.parsed(&n));
                let window = self.window(o);
                series.zip(window).map(|(series, window)| MetricKind::Window { series, window })
            }
            "rate" => self.rate(o),
            "deals" => self.deals(o),
            "sectors" => {
                let measure = self.needed(o, "measure", |r, n| r.word(&n));
                let fault_periods = self.needed(o, "fault_periods", |r, n| r.number(&n));
                let period = self.needed(o, "period", Self::span);
                measure.zip(fault_periods.zip(period)).map(|(measure, (fault_periods, period))| {
                    MetricKind::Sectors { measure, fault_periods, period }
                })
            }
            "sum" => {
                let of = self.needed(o, "of", |r, n| r.list(&n, |r, n| r.parsed(&n)));
                of.map(|of| MetricKind::Sum { of })
            }
            "scaled" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                let by = self.needed(o, "by", |r, n| r.parsed(&n));
                metric.zip(by).map(|(metric, by)| MetricKind::Scaled { metric, by })
            }
            _ => return self.unknown_kind(&kind, "level, window, rate, deals, sectors, sum, scaled"),
        };
        self.close(o);
        Some(Metric { id: id?, kind: measured? })
    }

    pub(super) fn window(&mut self, o: &mut Object<'_>) -> Option<Window> {
        let from = self.optional(o, "from", Self::epoch);
        let until = self.optional(o, "until", Self::epoch);
        let last = self.optional(o, "last", Self::span);
        Some(Window { from: from?, until: until?, last: last? })
    }

    pub(super) fn rate(&mut self, o: &mut Object<'_>) -> Option<MetricKind> {
        let passed = self.needed(o, "passed", |r, n| r.parsed(&n));
        let failed = self.needed(o, "failed", |r, n| r.parsed(&n));
        let aggregation = self.needed(o, "aggregation", |r, n| r.word(&n));
        let min_samples = self.optional(o, "min_samples", Self::quantity);
        let window = self.window(o);
        Some(MetricKind::Rate {
            passed: passed?,
            failed: failed?,
            aggregation: aggregation?,
            min_samples: min_samples?,
            window: window?,
        })
    }

    pub(super) fn deals(&mut self, o: &mut Object<'_>) -> Option<MetricKind> {
        let measure = self.needed(o, "measure", |r, n| r.word(&n));
        let start_after = self.optional(o, "start_after", Self::epoch);
        let max_replicas = self.optional(o, "max_replicas", |r, n| r.number(&n));
        let excess = match max_replicas {
            Some(None) => self.usual(o, "excess", |r, n| r.word(&n), || Counting::Counted),
            _ => self.needed(o, "excess", |r, n| r.word(&n)),
        };
        let own = self.usual(o, "own", |r, n| r.word(&n), || Counting::Counted);
        Some(MetricKind::Deals {
            measure: measure?,
            start_after: start_after?,
            max_replicas: max_replicas?,
            excess: excess?,
            own: own?,
        })
    }
}
