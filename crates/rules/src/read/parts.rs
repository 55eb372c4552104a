use apogee_domain::Epoch;
use serde_json::Value;

use super::NESTING;
use super::cursor::{Node, Object, Reader, shown};
use crate::{
    Board, Bound, Cap, Check, CheckKind, Competition, Divide, Entities, Gate, Late, Metric, MetricKind,
    ObservedSeries, Pool, PoolAmount, RuleSet, Texts, Tier, Version, Vesting, Window,
};

impl Reader {
    pub(crate) fn rule_set(&mut self, value: &Value) -> Option<RuleSet> {
        let mut o = self.object(&Node { value, path: String::new() })?;
        let competition = self.needed(&mut o, "competition", Self::competition);
        let version = self.needed(&mut o, "version", Self::version);
        let series = self.needed(&mut o, "series", |r, n| r.list(&n, Self::series));
        let entities = self.needed(&mut o, "entities", Self::entities);
        let metrics = self.needed(&mut o, "metrics", |r, n| r.list(&n, Self::metric));
        let eligibility = self.needed(&mut o, "eligibility", |r, n| r.list(&n, |r, n| r.check(&n, 1)));
        let boards = self.needed(&mut o, "boards", |r, n| r.list(&n, Self::board));
        let pools = self.needed(&mut o, "pools", |r, n| r.list(&n, Self::pool));
        let vesting = self.needed(&mut o, "vesting", Self::vesting);
        self.close(&o);
        Some(RuleSet {
            competition: competition?,
            version: version?,
            series: series?,
            entities: entities?,
            metrics: metrics?,
            eligibility: eligibility?,
            boards: boards?,
            pools: pools?,
            vesting: vesting?,
        })
    }

    fn competition(&mut self, node: Node<'_>) -> Option<Competition> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let name = self.needed(&mut o, "name", Self::texts);
        let network = self.needed(&mut o, "network", |r, n| r.parsed(&n));
        let start = self.needed(&mut o, "start", Self::epoch);
        let end = self.needed(&mut o, "end", Self::epoch);
        let regions = self.needed(&mut o, "regions", |r, n| r.list(&n, |r, n| r.parsed(&n)));
        let tracks = self.needed(&mut o, "tracks", |r, n| r.list(&n, |r, n| r.parsed(&n)));
        self.close(&o);
        Some(Competition {
            id: id?,
            name: name?,
            network: network?,
            start: start?,
            end: end?,
            regions: regions?,
            tracks: tracks?,
        })
    }

    fn texts(&mut self, node: Node<'_>) -> Option<Texts> {
        let mut o = self.object(&node)?;
        let en = self.needed(&mut o, "en", Self::prose);
        let zh = self.needed(&mut o, "zh", Self::prose);
        self.close(&o);
        Some(Texts { en: en?, zh: zh? })
    }

    fn prose(&mut self, node: Node<'_>) -> Option<String> {
        const LONGEST: usize = 2000;
        let text = self.text(&node)?;
        let length = text.chars().count();
        match length {
            0 => self.problem(&node.path, "it is empty"),
            _ if length > LONGEST => {
                self.problem(&node.path, format_args!("{length} characters, where {LONGEST} are allowed"))
            }
            _ if text.chars().any(char::is_control) => {
                self.problem(&node.path, "it holds control characters")
            }
            _ => Some(text.to_owned()),
        }
    }

    fn epoch(&mut self, node: Node<'_>) -> Option<Epoch> {
        let height = self.number(&node)?;
        i64::try_from(height).ok().and_then(Epoch::new)
    }

    fn version(&mut self, node: Node<'_>) -> Option<Version> {
        let mut o = self.object(&node)?;
        let number = self.needed(&mut o, "number", |r, n| r.number(&n));
        let from = self.needed(&mut o, "from", Self::epoch);
        let supersedes = self.optional(&mut o, "supersedes", |r, n| r.parsed(&n));
        let retroactive = self.needed(&mut o, "retroactive", |r, n| r.truth(&n));
        let reason = self.needed(&mut o, "reason", Self::texts);
        self.close(&o);
        Some(Version {
            number: number?,
            from: from?,
            supersedes: supersedes?,
            retroactive: retroactive?,
            reason: reason?,
        })
    }

    fn series(&mut self, node: Node<'_>) -> Option<ObservedSeries> {
        let mut o = self.object(&node)?;
        let name = self.needed(&mut o, "name", |r, n| r.parsed(&n));
        let unit = self.needed(&mut o, "unit", |r, n| r.word(&n));
        let reading = self.needed(&mut o, "reading", |r, n| r.word(&n));
        self.close(&o);
        Some(ObservedSeries { name: name?, unit: unit?, reading: reading? })
    }

    fn entities(&mut self, node: Node<'_>) -> Option<Entities> {
        let mut o = self.object(&node)?;
        let history = self.needed(&mut o, "history", |r, n| r.word(&n));
        let same_region = self.needed(&mut o, "same_region", |r, n| r.truth(&n));
        let deadline = self.optional(&mut o, "deadline", Self::epoch);
        self.close(&o);
        Some(Entities { history: history?, same_region: same_region?, deadline: deadline? })
    }

    fn kind<'v>(&mut self, o: &mut Object<'v>) -> Option<(&'v str, String)> {
        self.needed(o, "kind", |r, n| Some((r.text(&n)?, n.path)))
    }

    fn unknown_kind<T>(&mut self, kind: &(&str, String), known: &str) -> Option<T> {
        self.problem(&kind.1, format_args!("{:?} is no kind here; there are {known}", shown(kind.0)))
    }

    fn metric(&mut self, node: Node<'_>) -> Option<Metric> {
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
                let period = self.needed(o, "period", |r, n| r.number(&n));
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

    fn window(&mut self, o: &mut Object<'_>) -> Option<Window> {
        let from = self.optional(o, "from", Self::epoch);
        let until = self.optional(o, "until", Self::epoch);
        let last = self.optional(o, "last", |r, n| r.number(&n));
        Some(Window { from: from?, until: until?, last: last? })
    }

    fn rate(&mut self, o: &mut Object<'_>) -> Option<MetricKind> {
        let passed = self.needed(o, "passed", |r, n| r.parsed(&n));
        let failed = self.needed(o, "failed", |r, n| r.parsed(&n));
        let aggregation = self.needed(o, "aggregation", |r, n| r.word(&n));
        let min_samples = self.optional(o, "min_samples", |r, n| r.parsed(&n));
        let window = self.window(o);
        Some(MetricKind::Rate {
            passed: passed?,
            failed: failed?,
            aggregation: aggregation?,
            min_samples: min_samples?,
            window: window?,
        })
    }

    fn deals(&mut self, o: &mut Object<'_>) -> Option<MetricKind> {
        let measure = self.needed(o, "measure", |r, n| r.word(&n));
        let start_after = self.optional(o, "start_after", Self::epoch);
        let max_replicas = self.optional(o, "max_replicas", |r, n| r.number(&n));
        let excess = self.needed(o, "excess", |r, n| r.word(&n));
        let own = self.needed(o, "own", |r, n| r.word(&n));
        Some(MetricKind::Deals {
            measure: measure?,
            start_after: start_after?,
            max_replicas: max_replicas?,
            excess: excess?,
            own: own?,
        })
    }

    fn check(&mut self, node: &Node<'_>, depth: usize) -> Option<Check> {
        if depth > NESTING {
            return self.problem(&node.path, format_args!("checks are nested more than {NESTING} deep"));
        }
        let mut o = self.object(node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let asked = match kind.0 {
            "at-least" | "at-most" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                let value = self.needed(o, "value", Self::bound);
                let per = self.needed(o, "per", |r, n| r.word(&n));
                metric.zip(value.zip(per)).map(|(metric, (value, per))| match kind.0 {
                    "at-least" => CheckKind::AtLeast { metric, value, per },
                    _ => CheckKind::AtMost { metric, value, per },
                })
            }
            "claimed" => Some(CheckKind::Claimed),
            "region" => Some(CheckKind::Region),
            "registered" => {
                let deadline = self.needed(o, "deadline", Self::epoch);
                let late = self.optional(o, "late", Self::late);
                deadline.zip(late).map(|(deadline, late)| CheckKind::Registered { deadline, late })
            }
            "attested" => {
                let what = self.needed(o, "what", |r, n| r.parsed(&n));
                what.map(|what| CheckKind::Attested { what })
            }
            "all" | "any" => {
                let checks =
                    self.needed(o, "checks", |r, n| r.list(&n, |r, n| r.check(&n, depth.saturating_add(1))));
                checks.map(|checks| match kind.0 {
                    "all" => CheckKind::All { checks },
                    _ => CheckKind::Any { checks },
                })
            }
            _ => {
                let known = "at-least, at-most, claimed, region, registered, attested, all, any";
                return self.unknown_kind(&kind, known);
            }
        };
        self.close(o);
        Some(Check { id: id?, kind: asked? })
    }

    fn bound(&mut self, node: Node<'_>) -> Option<Bound> {
        if self.text(&node)?.contains('/') {
            self.parsed(&node).map(Bound::Ratio)
        } else {
            self.parsed(&node).map(Bound::Quantity)
        }
    }

    fn late(&mut self, node: Node<'_>) -> Option<Late> {
        let mut o = self.object(&node)?;
        let deadline = self.needed(&mut o, "deadline", Self::epoch);
        self.close(&o);
        Some(Late { deadline: deadline? })
    }

    fn board(&mut self, node: Node<'_>) -> Option<Board> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let track = self.optional(&mut o, "track", |r, n| r.parsed(&n));
        let metric = self.needed(&mut o, "metric", |r, n| r.parsed(&n));
        let population = self.needed(&mut o, "population", |r, n| r.word(&n));
        let partition = self.needed(&mut o, "partition", |r, n| r.word(&n));
        let top = self.optional(&mut o, "top", |r, n| r.number(&n));
        let cutoff = self.needed(&mut o, "cutoff", |r, n| r.word(&n));
        self.close(&o);
        Some(Board {
            id: id?,
            track: track?,
            metric: metric?,
            population: population?,
            partition: partition?,
            top: top?,
            cutoff: cutoff?,
        })
    }

    fn pool(&mut self, node: Node<'_>) -> Option<Pool> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let board = self.needed(&mut o, "board", |r, n| r.parsed(&n));
        let amount = self.needed(&mut o, "amount", Self::amount);
        let divide = self.needed(&mut o, "divide", Self::divide);
        let rounding = self.needed(&mut o, "rounding", |r, n| r.word(&n));
        let cap = self.optional(&mut o, "cap", Self::cap);
        let floor = self.optional(&mut o, "floor", |r, n| r.parsed(&n));
        self.close(&o);
        Some(Pool {
            id: id?,
            board: board?,
            amount: amount?,
            divide: divide?,
            rounding: rounding?,
            cap: cap?,
            floor: floor?,
        })
    }

    fn amount(&mut self, node: Node<'_>) -> Option<PoolAmount> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let amount = match kind.0 {
            "fixed" => {
                let amount = self.needed(o, "amount", |r, n| r.parsed(&n));
                amount.map(|amount| PoolAmount::Fixed { amount })
            }
            "by-decision" => Some(PoolAmount::ByDecision),
            "tiers" => self.tiers(o),
            "open" => Some(PoolAmount::Open),
            _ => return self.unknown_kind(&kind, "fixed, by-decision, tiers, open"),
        };
        self.close(o);
        amount
    }

    fn tiers(&mut self, o: &mut Object<'_>) -> Option<PoolAmount> {
        let mode = self.needed(o, "mode", |r, n| r.word(&n));
        let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
        let population = self.needed(o, "population", |r, n| r.word(&n));
        let base = self.needed(o, "base", |r, n| r.parsed(&n));
        let tiers = self.needed(o, "tiers", |r, n| r.list(&n, Self::tier));
        Some(PoolAmount::Tiers {
            mode: mode?,
            metric: metric?,
            population: population?,
            base: base?,
            tiers: tiers?,
        })
    }

    fn tier(&mut self, node: Node<'_>) -> Option<Tier> {
        let mut o = self.object(&node)?;
        let at = self.needed(&mut o, "at", |r, n| r.parsed(&n));
        let amount = self.needed(&mut o, "amount", |r, n| r.parsed(&n));
        let gate = self.optional(&mut o, "gate", Self::gate);
        self.close(&o);
        Some(Tier { at: at?, amount: amount?, gate: gate? })
    }

    fn gate(&mut self, node: Node<'_>) -> Option<Gate> {
        let mut o = self.object(&node)?;
        let metric = self.needed(&mut o, "metric", |r, n| r.parsed(&n));
        let population = self.needed(&mut o, "population", |r, n| r.word(&n));
        let each_region = self.needed(&mut o, "each_region", |r, n| r.parsed(&n));
        self.close(&o);
        Some(Gate { metric: metric?, population: population?, each_region: each_region? })
    }

    fn divide(&mut self, node: Node<'_>) -> Option<Divide> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let divide = match kind.0 {
            "weight" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                metric.map(|metric| Divide::Weight { metric })
            }
            "flat" => {
                let each = self.needed(o, "each", |r, n| r.parsed(&n));
                each.map(|each| Divide::Flat { each })
            }
            "equal" => Some(Divide::Equal),
            "metric" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                metric.map(|metric| Divide::Metric { metric })
            }
            _ => return self.unknown_kind(&kind, "weight, flat, equal, metric"),
        };
        self.close(o);
        divide
    }

    fn cap(&mut self, node: Node<'_>) -> Option<Cap> {
        let mut o = self.object(&node)?;
        let share = self.needed(&mut o, "share", |r, n| r.parsed(&n));
        let excess = self.needed(&mut o, "excess", |r, n| r.word(&n));
        self.close(&o);
        Some(Cap { share: share?, excess: excess? })
    }

    fn vesting(&mut self, node: Node<'_>) -> Option<Vesting> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let vesting = match kind.0 {
            "none" => Some(Vesting::None),
            "linear" => {
                let epochs = self.needed(o, "epochs", |r, n| r.number(&n));
                epochs.map(|epochs| Vesting::Linear { epochs })
            }
            _ => return self.unknown_kind(&kind, "none, linear"),
        };
        self.close(o);
        vesting
    }
}
