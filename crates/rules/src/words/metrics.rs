use super::{Clause, Speaker, say};
use crate::{Aggregation, Counting, DealMeasure, Metric, MetricKind, SectorMeasure, Window};

impl Speaker<'_> {
    pub(super) fn metrics(&self) -> Vec<Clause> {
        let metrics = self.rules.metrics.iter();
        metrics
            .map(|metric| self.clause(format_args!("metrics[{}]", metric.id), self.metric(metric)))
            .collect()
    }

    fn metric(&self, metric: &Metric) -> String {
        let id = &metric.id;
        match &metric.kind {
            MetricKind::Level { series } => say!(
                self.lang,
                "{id}: the sum of {series} over all members.",
                "{id}：各成员的 {series} 之和。",
                id = id,
                series = series
            ),
            MetricKind::Window { series, window } => say!(
                self.lang,
                "{id}: how much {series} of all members grew {window}, added up.",
                "{id}：{window}各成员的 {series} 增量之和。",
                id = id,
                series = series,
                window = self.window(window)
            ),
            MetricKind::Rate { passed, failed, aggregation, min_samples, window } => {
                let together = match aggregation {
                    Aggregation::Pooled => {
                        say!(self.lang, "all members' samples taken together", "所有成员的样本合并计算")
                    }
                    Aggregation::Mean => {
                        say!(self.lang, "the mean of the members' shares", "取各成员比率的平均值")
                    }
                };
                let samples = match min_samples {
                    Some(least) => say!(
                        self.lang,
                        "at least {least} samples are needed",
                        "至少需要 {least} 个样本",
                        least = least
                    ),
                    None => say!(self.lang, "no least number of samples", "样本数量不限"),
                };
                say!(
                    self.lang,
                    "{id}: the share of successes ({passed}) among successes and failures ({failed}) {window}; {together}; {samples}.",
                    "{id}：{window}，成功（{passed}）占成功与失败（{failed}）总数的比率；{together}；{samples}。",
                    id = id,
                    passed = passed,
                    failed = failed,
                    window = self.window(window),
                    together = together,
                    samples = samples
                )
            }
            MetricKind::Deals { .. } => self.deals(metric),
            MetricKind::Sectors { measure, fault_periods, period } => {
                let what = match measure {
                    SectorMeasure::Bytes => say!(self.lang, "bytes", "字节数"),
                    SectorMeasure::Count => say!(self.lang, "the number", "数量"),
                };
                say!(
                    self.lang,
                    "{id}: {what} of the members' active sectors; one that was faulty for {periods} periods of {period} without a break is terminated.",
                    "{id}：各成员有效扇区的{what}；连续故障达 {periods} 个周期（每周期 {period}）的扇区视为终止。",
                    id = id,
                    what = what,
                    periods = fault_periods,
                    period = self.span(*period)
                )
            }
            MetricKind::Sum { of } => say!(
                self.lang,
                "{id}: the sum of {parts}.",
                "{id}：{parts} 之和。",
                id = id,
                parts = self.list(of)
            ),
            MetricKind::Scaled { metric, by } => say!(
                self.lang,
                "{id}: {metric} times {by}, rounded down.",
                "{id}：{metric} 乘以 {by}，向下取整。",
                id = id,
                metric = metric,
                by = by
            ),
        }
    }

    fn window(&self, window: &Window) -> String {
        let from = window.from.map(|epoch| self.epoch(epoch));
        let until = window.until.map(|epoch| self.epoch(epoch));
        match (from, until, window.last) {
            (.., Some(last)) => {
                say!(self.lang, "in the last {span}", "最近 {span}内", span = self.span(last))
            }
            (None, None, None) => say!(self.lang, "since the start", "自比赛开始以来"),
            (Some(from), None, None) => say!(self.lang, "since {from}", "自{from}以来", from = from),
            (None, Some(until), None) => {
                say!(
                    self.lang,
                    "from the start until before {until}",
                    "自比赛开始至{until}之前",
                    until = until
                )
            }
            (Some(from), Some(until), None) => say!(
                self.lang,
                "from {from} until before {until}",
                "自{from}至{until}之前",
                from = from,
                until = until
            ),
        }
    }

    fn deals(&self, metric: &Metric) -> String {
        let MetricKind::Deals { measure, start_after, max_replicas, excess, own } = &metric.kind else {
            return String::new();
        };
        let what = match measure {
            DealMeasure::Bytes => say!(self.lang, "padded bytes", "填充后字节数"),
            DealMeasure::Deals => say!(self.lang, "number", "数量"),
            DealMeasure::Pieces => say!(self.lang, "number of different pieces", "不同数据段的数量"),
            DealMeasure::Providers => say!(self.lang, "number of different providers", "不同服务商的数量"),
            DealMeasure::Replicas => {
                say!(self.lang, "largest number of deals of one piece", "同一数据段的最多交易数")
            }
            DealMeasure::ProviderShare => {
                say!(self.lang, "largest share of bytes with one provider", "单一服务商的最大字节占比")
            }
        };
        let start = match start_after {
            Some(epoch) => say!(
                self.lang,
                "that start after {epoch}",
                "，仅限起始于{epoch}之后者",
                epoch = self.epoch(*epoch)
            ),
            None => say!(self.lang, "of any start", "，起始不限"),
        };
        let replicas = match (max_replicas, excess) {
            (Some(most), Counting::NotCounted) => say!(
                self.lang,
                "of one piece the first {most} deals count",
                "同一数据段只计前 {most} 笔",
                most = most
            ),
            (Some(most), Counting::Counted) => say!(
                self.lang,
                "of one piece deals beyond {most} count as well",
                "同一数据段超过 {most} 笔的部分也计入",
                most = most
            ),
            (None, _) => say!(self.lang, "every deal of a piece counts", "同一数据段的每笔都计入"),
        };
        let own = match own {
            Counting::Counted => {
                say!(self.lang, "deals with a provider of the same entity count", "与本方服务商的交易计入")
            }
            Counting::NotCounted => say!(
                self.lang,
                "deals with a provider of the same entity do not count",
                "与本方服务商的交易不计入"
            ),
        };
        say!(
            self.lang,
            "{id}: {what} of the sealed deals {start} whose client is a member; {replicas}; {own}.",
            "{id}：成员作为客户且已封装的交易的{what}{start}；{replicas}；{own}。",
            id = metric.id,
            what = what,
            start = start,
            replicas = replicas,
            own = own
        )
    }
}
