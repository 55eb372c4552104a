//! Random competitions that are valid in every rule, and now and then ask for the impossible. One seed, one case.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// The case of a seed: `{"facts","entities","rules","decisions","at","seq"}`.
pub(crate) fn case(seed: u64) -> Value {
    Generator::new(seed).case()
}

const REGIONS: [&str; 4] = ["africa", "asia", "europe", "south-america"];
const TRACKS: [&str; 2] = ["large", "small"];
const PIECES: [&str; 4] = ["baga6ea4p1", "baga6ea4p2", "baga6ea4p3", "baga6ea4p4"];

/// What a metric gives: a whole number of a unit, or a ratio.
#[derive(Clone, Copy, PartialEq)]
enum Gives {
    Whole(&'static str),
    Ratio { sampled: bool },
}

struct Metric {
    id: String,
    gives: Gives,
}

struct Generator {
    rng: ChaCha8Rng,
    start: i64,
    end: i64,
    at: i64,
    participants: Vec<String>,
    entities: Vec<String>,
    regions: Vec<&'static str>,
    tracks: Vec<&'static str>,
    metrics: Vec<Metric>,
    checks: Vec<String>,
    observed: Vec<(&'static str, &'static str, &'static str)>,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let start = rng.random_range(0..12);
        let end = start + rng.random_range(2..40);
        let at = rng.random_range(start..end + 6);
        let count = if rng.random_ratio(1, 20) { rng.random_range(0..2) } else { rng.random_range(2..18) };
        let participants = (0..count).map(|i| format!("f0{}", 1000 + 7 * i)).collect();
        let regions = rng.random_range(0..=REGIONS.len());
        let tracks = rng.random_range(0..=TRACKS.len());
        Self {
            start,
            end,
            at,
            participants,
            entities: Vec::new(),
            regions: REGIONS[..regions].to_vec(),
            tracks: TRACKS[..tracks].to_vec(),
            metrics: Vec::new(),
            checks: Vec::new(),
            observed: Vec::new(),
            rng,
        }
    }

    fn case(mut self) -> Value {
        let entities = self.entities();
        let mut facts = self.facts();
        let rules = self.rules();
        let decisions = self.decisions(&rules);
        let seq = self.rng.random_range(0..=decisions.len() + 1);
        let mut at = self.at;
        match self.rng.random_range(0..200) {
            0 => facts["network"] = json!("elsewhere"),
            1 => at = self.start - 1,
            _ => {}
        }
        let at = at.max(0);
        json!({"facts": facts, "entities": entities, "rules": rules, "decisions": decisions, "at": at, "seq": seq})
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_ratio(1, n)
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items.choose(&mut self.rng).expect("something to pick from").clone()
    }

    /// Few enough values that equal ones are common; sometimes large ones.
    fn amount(&mut self) -> u128 {
        match self.rng.random_range(0..12) {
            0 => 0,
            1..=5 => self.rng.random_range(0..6),
            6..=8 => self.rng.random_range(0..40) * 5,
            9 => self.rng.random_range(0..1000) << 30,
            10 => self.rng.random_range(0..10_u128.pow(24)),
            _ => self.rng.random_range(0..1 << 20),
        }
    }

    /// Above zero, and mostly enough for everybody to get some of it.
    fn money(&mut self) -> u128 {
        match self.rng.random_range(0..4) {
            0 => 1 + self.amount(),
            1 => self.rng.random_range(1..2000),
            2 => self.rng.random_range(1..1_000_000),
            _ => self.rng.random_range(1..500_000) * 10_u128.pow(18),
        }
    }

    fn epoch(&mut self) -> i64 {
        self.rng.random_range(0..self.end + 8)
    }

    /// A region of the competition or another one.
    fn region(&mut self) -> &'static str {
        if self.one_in(8) { "atlantis" } else { self.pick(&REGIONS) }
    }

    fn entities(&mut self) -> Value {
        let count = self.rng.random_range(0..6);
        self.entities = (0..count).map(|i| format!("{}-{i}", ["zeta", "Team", "e"][i % 3])).collect();
        let mut free: Vec<(String, i64)> = self.participants.iter().map(|id| (id.clone(), 0)).collect();
        let mut rows = Vec::new();
        for id in self.entities.clone() {
            let mut members = Vec::new();
            for _ in 0..self.rng.random_range(0..4) {
                let Some(index) = (!free.is_empty()).then(|| self.rng.random_range(0..free.len())) else {
                    break;
                };
                let (participant, from) = free.swap_remove(index);
                let from = if self.one_in(3) { from + self.rng.random_range(0..15) } else { from };
                let mut member = json!({"participant": participant, "from": from});
                if self.one_in(3) {
                    let until = from + self.rng.random_range(1..25);
                    member["until"] = json!(until);
                    free.push((participant, until));
                }
                members.push(member);
            }
            let mut attested = Vec::new();
            for what in ["kyc", "terms"] {
                if self.one_in(2) {
                    attested.push(json!({"what": what, "from": self.epoch()}));
                }
            }
            let mut tracks: Vec<&str> = TRACKS.iter().copied().filter(|_| self.rng.random()).collect();
            tracks.shuffle(&mut self.rng);
            let name = format!("Équipe \"{id}\"\u{1}\t / 存储");
            let mut row =
                json!({"id": id, "name": name, "tracks": tracks, "attested": attested, "members": members});
            if self.one_in(4) {
                row["region"] = json!(self.region());
            }
            if !self.one_in(4) {
                row["registered"] = json!(self.epoch());
            }
            rows.push(row);
        }
        rows.shuffle(&mut self.rng);
        Value::Array(rows)
    }

    fn facts(&mut self) -> Value {
        let mut participants = Vec::new();
        for id in self.participants.clone() {
            let mut row = json!({"id": id, "seen": if self.one_in(3) { self.epoch() } else { 0 }});
            if !self.one_in(6) {
                row["region"] = json!(self.region());
            }
            participants.push(row);
        }
        participants.shuffle(&mut self.rng);
        let series: Vec<Value> = SERIES.iter().map(|series| self.series(*series)).collect();
        let deals = self.deals();
        let sectors = self.sectors();
        json!({"network": "testnet", "participants": participants, "series": series, "deals": deals, "sectors": sectors})
    }

    fn series(&mut self, (name, reading, unit, source): (&str, &str, &str, &str)) -> Value {
        let mut steps = Map::new();
        for participant in self.participants.clone() {
            if self.one_in(7) {
                continue;
            }
            let (mut rows, mut epoch, mut total) = (Vec::new(), 0, 0_u128);
            for _ in 0..self.rng.random_range(0..6) {
                epoch += self.rng.random_range(1..9);
                let amount = self.amount();
                total = if reading == "cumulative" { total + amount } else { amount };
                rows.push(if self.one_in(25) {
                    json!([epoch, null])
                } else {
                    json!([epoch, total.to_string()])
                });
            }
            if self.one_in(900) {
                rows.push(json!([epoch + 1, (u128::MAX - self.amount()).to_string()]));
            }
            steps.insert(participant, Value::Array(rows));
        }
        json!({"name": name, "reading": reading, "unit": unit, "source": source, "steps": steps})
    }

    fn deals(&mut self) -> Value {
        let mut deals = Vec::new();
        let count = if self.participants.is_empty() { 0 } else { self.rng.random_range(0..24) };
        for id in 0..count {
            let participant = self.pick(&self.participants.clone());
            let provider =
                if self.one_in(3) { "f0stranger".to_owned() } else { self.pick(&self.participants.clone()) };
            let bytes = 1_u128 << self.rng.random_range(0..36);
            let mut deal = json!({
                "id": id * 3, "participant": participant, "provider": provider, "piece": self.pick(&PIECES),
                "bytes": bytes.to_string(), "start": self.epoch(),
            });
            if !self.one_in(5) {
                deal["sealed"] = json!(self.epoch());
            }
            deals.push(deal);
        }
        deals.shuffle(&mut self.rng);
        Value::Array(deals)
    }

    fn sectors(&mut self) -> Value {
        let mut sectors = Vec::new();
        for participant in self.participants.clone() {
            for number in 0..self.rng.random_range(0..4) {
                let from = self.rng.random_range(0..self.end);
                let (mut faults, mut epoch) = (Vec::new(), from);
                for _ in 0..self.rng.random_range(0..3) {
                    let begin = epoch + self.rng.random_range(1..5);
                    let end = begin + self.rng.random_range(1..10);
                    if self.one_in(4) {
                        faults.push(json!([begin, null]));
                        break;
                    }
                    faults.push(json!([begin, end]));
                    epoch = end;
                }
                let bytes = if self.rng.random() { 32_u64 << 30 } else { 64 << 30 };
                let mut sector = json!({
                    "participant": participant, "number": number, "bytes": bytes.to_string(), "from": from, "faults": faults,
                });
                if self.one_in(3) {
                    sector["until"] = json!(from + self.rng.random_range(1..20));
                }
                sectors.push(sector);
            }
        }
        sectors.shuffle(&mut self.rng);
        Value::Array(sectors)
    }

    fn rules(&mut self) -> Value {
        let metrics = self.metrics();
        let eligibility = self.eligibility();
        let boards = self.boards();
        let pools = self.pools(&boards);
        let series: Vec<Value> = self
            .observed
            .iter()
            .map(|(name, reading, unit)| json!({"name": name, "reading": reading, "unit": unit}))
            .collect();
        let mut entities =
            json!({"history": self.pick(&["whole", "dated"]), "same_region": self.rng.random::<bool>()});
        if self.one_in(2) {
            entities["deadline"] = json!(self.rng.random_range(0..=self.end));
        }
        let vesting = if self.one_in(2) {
            json!({"kind": "none"})
        } else {
            json!({"kind": "linear", "epochs": 518_400})
        };
        json!({
            "competition": {
                "id": "race", "name": {"en": "Race", "zh": "竞赛"}, "network": "testnet",
                "start": self.start, "end": self.end, "regions": self.regions, "tracks": self.tracks,
            },
            "version": {"number": 1, "from": 0, "retroactive": false, "reason": {"en": "First", "zh": "首版"}},
            "series": series, "entities": entities, "metrics": metrics, "eligibility": eligibility, "boards": boards,
            "pools": pools, "vesting": vesting,
        })
    }

    /// Note that a metric reads a series; its name.
    fn read(&mut self, name: &'static str) -> &'static str {
        let found = SERIES.iter().find(|series| series.0 == name).expect("a series");
        let (name, reading, unit, source) = *found;
        if source == "observed" && !self.observed.iter().any(|(other, ..)| *other == name) {
            self.observed.push((name, reading, unit));
        }
        name
    }

    fn window(&mut self, metric: &mut Value) {
        match self.rng.random_range(0..5) {
            0 => metric["last"] = json!(self.rng.random_range(1..=self.end - self.start)),
            1 => metric["from"] = json!(self.rng.random_range(self.start..self.end)),
            2 => metric["until"] = json!(self.rng.random_range(self.start + 1..=self.end)),
            3 if self.end - self.start > 1 => {
                let from = self.rng.random_range(self.start..self.end - 1);
                metric["from"] = json!(from);
                metric["until"] = json!(self.rng.random_range(from + 1..=self.end));
            }
            _ => {}
        }
    }

    fn metrics(&mut self) -> Value {
        let mut metrics = Vec::new();
        for index in 0..self.rng.random_range(2..10) {
            let id = format!("m{}", (index * 7) % 10);
            let kinds = ["level", "window", "rate", "rate", "deals", "sectors", "sum", "scaled"];
            let kind = if index == 0 { "level" } else { self.pick(&kinds) };
            let Some((mut metric, gives)) = self.metric(kind) else { continue };
            metric["id"] = json!(id);
            self.metrics.push(Metric { id, gives });
            metrics.push(metric);
        }
        // Parts may stand behind what they are part of.
        metrics.shuffle(&mut self.rng);
        Value::Array(metrics)
    }

    fn metric(&mut self, kind: &str) -> Option<(Value, Gives)> {
        let mut metric = json!({"kind": kind});
        let gives = match kind {
            "level" => {
                let (name, _, unit, _) = self.pick(&SERIES);
                metric["series"] = json!(self.read(name));
                Gives::Whole(unit)
            }
            "window" => {
                let cumulative: Vec<_> = SERIES.iter().filter(|series| series.1 == "cumulative").collect();
                let (name, _, unit, _) = *self.pick(&cumulative);
                metric["series"] = json!(self.read(name));
                self.window(&mut metric);
                Gives::Whole(unit)
            }
            "rate" => {
                metric["passed"] = json!(self.read("probe.ok"));
                metric["failed"] = json!(self.read("probe.failed"));
                metric["aggregation"] = json!(self.pick(&["pooled", "mean"]));
                if self.one_in(2) {
                    metric["min_samples"] = json!(self.rng.random_range(0..40).to_string());
                }
                self.window(&mut metric);
                Gives::Ratio { sampled: true }
            }
            "deals" => {
                let measure =
                    self.pick(&["bytes", "deals", "pieces", "providers", "replicas", "provider-share"]);
                metric["measure"] = json!(measure);
                metric["excess"] = json!(self.pick(&["counted", "not-counted"]));
                metric["own"] = json!(self.pick(&["counted", "not-counted"]));
                if self.one_in(2) {
                    metric["max_replicas"] = json!(self.rng.random_range(1..5));
                }
                if self.one_in(3) {
                    metric["start_after"] = json!(self.rng.random_range(0..15));
                }
                match measure {
                    "provider-share" => Gives::Ratio { sampled: false },
                    "bytes" => Gives::Whole("bytes"),
                    _ => Gives::Whole("count"),
                }
            }
            "sectors" => {
                let measure = self.pick(&["bytes", "count"]);
                metric["measure"] = json!(measure);
                metric["fault_periods"] = json!(self.rng.random_range(1..4));
                metric["period"] = json!(self.rng.random_range(1..4));
                Gives::Whole(measure)
            }
            "sum" => {
                let unit = self.unit()?;
                let mut of = self.whole(Some(unit));
                of.shuffle(&mut self.rng);
                of.truncate(3);
                metric["of"] = json!(of);
                Gives::Whole(unit)
            }
            _ => {
                let unit = self.unit()?;
                let whole = self.whole(Some(unit));
                let by = self.ratios();
                metric["metric"] = json!(self.pick(&whole));
                metric["by"] = json!(by.choose(&mut self.rng)?);
                Gives::Whole(unit)
            }
        };
        Some((metric, gives))
    }

    /// A unit of which there is a metric.
    fn unit(&mut self) -> Option<&'static str> {
        let units: Vec<_> = self
            .metrics
            .iter()
            .filter_map(|metric| match metric.gives {
                Gives::Whole(unit) => Some(unit),
                Gives::Ratio { .. } => None,
            })
            .collect();
        units.choose(&mut self.rng).copied()
    }

    /// Metrics that are whole numbers, of one unit or of any.
    fn whole(&self, unit: Option<&str>) -> Vec<String> {
        let fits = |gives| matches!(gives, Gives::Whole(this) if unit.is_none_or(|unit| unit == this));
        self.metrics.iter().filter(|metric| fits(metric.gives)).map(|metric| metric.id.clone()).collect()
    }

    fn ratios(&self) -> Vec<String> {
        let fits = |gives| matches!(gives, Gives::Ratio { .. });
        self.metrics.iter().filter(|metric| fits(metric.gives)).map(|metric| metric.id.clone()).collect()
    }

    fn eligibility(&mut self) -> Value {
        let count = if self.rng.random() { 0 } else { self.rng.random_range(1..4) };
        let checks: Vec<Value> = (0..count).map(|_| self.check(2)).collect();
        Value::Array(checks)
    }

    fn check(&mut self, depth: u32) -> Value {
        let id = format!("c{}", self.checks.len());
        self.checks.push(id.clone());
        let mut kinds =
            vec!["at-least", "at-least", "at-least", "at-most", "claimed", "registered", "attested"];
        if depth > 0 {
            kinds.extend(["all", "any", "any"]);
        }
        if !self.regions.is_empty() {
            kinds.push("region");
        }
        let kind = self.pick(&kinds);
        let mut check = json!({"id": id, "kind": kind});
        match kind {
            "at-least" | "at-most" => {
                let index = self.rng.random_range(0..self.metrics.len());
                let value = match self.metrics[index].gives {
                    Gives::Whole(_) => self.rng.random_range(0..30).to_string(),
                    Gives::Ratio { .. } => {
                        self.pick(&["0/1", "1/3", "1/2", "4/5", "799/1000", "1/1"]).to_owned()
                    }
                };
                check["metric"] = json!(self.metrics[index].id);
                check["value"] = json!(value);
                check["per"] = json!(self.pick(&["entity", "entity", "member"]));
            }
            "registered" => {
                let deadline = self.rng.random_range(0..self.end);
                check["deadline"] = json!(deadline);
                if self.one_in(2) {
                    check["late"] = json!({"deadline": self.rng.random_range(deadline + 1..=self.end)});
                }
            }
            "attested" => check["what"] = json!(self.pick(&["kyc", "terms"])),
            "all" | "any" => {
                let below: Vec<Value> =
                    (0..self.rng.random_range(1..4)).map(|_| self.check(depth - 1)).collect();
                check["checks"] = json!(below);
            }
            _ => {}
        }
        check
    }

    fn boards(&mut self) -> Value {
        let mut boards = Vec::new();
        for index in 0..self.rng.random_range(1..4) {
            let cutoffs = ["include-all", "none", "by-id", "earliest", "split", "split", "split"];
            let at = self.rng.random_range(0..self.metrics.len());
            let ratio = matches!(self.metrics[at].gives, Gives::Ratio { .. });
            let mut board = json!({
                "id": format!("b{index}"), "metric": self.metrics[at].id, "population": self.pick(&["eligible", "all", "all"]),
                "partition": "none", "cutoff": self.pick(&cutoffs),
            });
            if !self.regions.is_empty() && self.one_in(2) {
                board["partition"] = json!("region");
            }
            if !self.tracks.is_empty() && self.one_in(2) {
                board["track"] = json!(self.pick(&self.tracks.clone()));
            }
            if !self.one_in(3) {
                board["top"] = json!(self.rng.random_range(1..6));
            }
            if !ratio && self.one_in(5) {
                board["above"] = json!(self.amount().to_string());
            }
            boards.push(board);
        }
        Value::Array(boards)
    }

    fn pools(&mut self, boards: &Value) -> Value {
        let mut pools = Vec::new();
        let count = boards.as_array().map_or(0, Vec::len);
        for index in 0..self.rng.random_range(1..5) {
            let whole = self.whole(None);
            let atto = self.whole(Some("atto"));
            let mut pool =
                json!({"id": format!("p{index}"), "board": format!("b{}", self.rng.random_range(0..count))});
            let rounding = if self.one_in(4) {
                pool["amount"] = json!({"kind": "open"});
                pool["divide"] = match atto.choose(&mut self.rng) {
                    Some(metric) if self.rng.random() => json!({"kind": "metric", "metric": metric}),
                    _ => json!({"kind": "flat", "each": self.money().to_string()}),
                };
                "floor"
            } else {
                pool["amount"] = self.amount_rule(&whole);
                pool["divide"] = match whole.choose(&mut self.rng) {
                    Some(metric) if !self.one_in(3) => json!({"kind": "weight", "metric": metric}),
                    _ => json!({"kind": "equal"}),
                };
                if self.one_in(2) {
                    let share = self.pick(&["1/10", "1/7", "1/3", "1/2", "1/1"]);
                    let excess = self.pick(&["undistributed", "redistribute"]);
                    pool["cap"] = json!({"share": share, "excess": excess});
                }
                self.pick(&["floor", "largest-remainder"])
            };
            pool["rounding"] = json!(rounding);
            let board = boards.as_array().and_then(|list| list.iter().find(|row| row["id"] == pool["board"]));
            if board.is_some_and(|board| board["population"] == "all") && self.one_in(3) {
                pool["ineligible"] = json!("forfeit");
            }
            if self.one_in(5) {
                pool["floor"] = json!(self.amount().to_string());
            }
            pools.push(pool);
        }
        Value::Array(pools)
    }

    fn amount_rule(&mut self, whole: &[String]) -> Value {
        match self.rng.random_range(0..6) {
            0 => json!({"kind": "by-decision"}),
            1..=3 if !whole.is_empty() => {
                let mut tiers = Vec::new();
                let (mut at, mut amount) = (0, 0);
                for _ in 0..self.rng.random_range(1..5) {
                    at += 1 + self.amount();
                    amount += self.money();
                    let mut tier = json!({"at": at.to_string(), "amount": amount.to_string()});
                    if !self.regions.is_empty() && self.one_in(4) {
                        let each = self.rng.random_range(1..20).to_string();
                        let population = self.pick(&["eligible", "all"]);
                        tier["gate"] = json!({"metric": self.pick(whole), "population": population, "each_region": each});
                    }
                    tiers.push(tier);
                }
                json!({
                    "kind": "tiers", "mode": self.pick(&["highest", "newly-unlocked"]), "metric": self.pick(whole),
                    "population": self.pick(&["eligible", "all"]), "base": self.amount().to_string(), "tiers": tiers,
                })
            }
            _ => json!({"kind": "fixed", "amount": self.money().to_string()}),
        }
    }

    fn decisions(&mut self, rules: &Value) -> Vec<Value> {
        let names = |list: &str, fits: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let list = rules[list].as_array().cloned().unwrap_or_default();
            let list = list.iter().filter(|item| fits(item));
            list.filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
        };
        let metrics = names("metrics", &|_| true);
        let pools = names("pools", &|pool| pool["amount"]["kind"] == "by-decision");
        let mut who = [self.participants.clone(), self.entities.clone()].concat();
        if who.is_empty() || self.one_in(150) {
            who.push("nobody".to_owned());
        }
        let mut decisions = Vec::new();
        for seq in 1..=self.rng.random_range(0..12_u64) {
            let kinds = [
                "disqualify",
                "waive",
                "remove-interval",
                "remove-interval",
                "set-region",
                "adjust",
                "adjust",
                "attest",
                "set-amount",
                "award",
                "set-end",
                "revert",
                "revert",
                "note",
            ];
            let mut effect = match self.pick(&kinds) {
                "disqualify" => {
                    let entities: Vec<String> =
                        (0..self.rng.random_range(0..3)).map(|_| self.pick(&who)).collect();
                    json!({"kind": "disqualify", "entities": entities})
                }
                "waive" if !self.checks.is_empty() => {
                    json!({"kind": "waive", "entity": self.pick(&who), "check": self.pick(&self.checks.clone())})
                }
                "remove-interval" => {
                    let from = self.rng.random_range(0..self.end);
                    let until = from + self.rng.random_range(1..12);
                    let metrics: Vec<&String> = metrics.iter().filter(|_| self.rng.random()).collect();
                    let metrics = if self.one_in(2) { Vec::new() } else { metrics };
                    let regions = if self.one_in(2) { vec![self.region()] } else { Vec::new() };
                    json!({"kind": "remove-interval", "from": from, "until": until, "metrics": metrics, "regions": regions})
                }
                "set-region" => {
                    json!({"kind": "set-region", "target": self.pick(&who), "region": self.region()})
                }
                "adjust" if !self.participants.is_empty() => {
                    let sign = self.pick(&["", "-"]);
                    let delta = format!("{sign}{}", self.rng.random_range(1..60));
                    json!({
                        "kind": "adjust", "participant": self.pick(&self.participants.clone()), "from": self.epoch(),
                        "series": self.pick(&["probe.ok", "probe.failed", "bounty"]), "delta": delta,
                    })
                }
                "attest" => {
                    json!({"kind": "attest", "entity": self.pick(&who), "what": self.pick(&["kyc", "terms"])})
                }
                "set-amount" if !pools.is_empty() => {
                    json!({"kind": "set-amount", "pool": self.pick(&pools), "amount": self.money().to_string()})
                }
                "award" => json!({
                    "kind": "award", "entity": self.pick(&who), "amount": self.amount().to_string(),
                    "title": {"en": "Bug", "zh": "漏洞"},
                }),
                "set-end" if self.one_in(2) => {
                    json!({"kind": "set-end", "until": self.start + self.rng.random_range(1..45)})
                }
                "revert" if seq > 1 => json!({"kind": "revert", "seq": self.rng.random_range(1..seq)}),
                _ => json!({"kind": "note"}),
            };
            if self.one_in(600) {
                effect = json!({"kind": "waive", "entity": self.pick(&who), "check": "no-such-check"});
            }
            decisions.push(json!({"seq": seq, "effect": effect}));
        }
        decisions.shuffle(&mut self.rng);
        decisions
    }
}

/// Name, reading, unit, source.
const SERIES: [(&str, &str, &str, &str); 8] = [
    ("power.raw", "level", "bytes", "chain"),
    ("reward.block", "cumulative", "atto", "chain"),
    ("reward.gas", "cumulative", "atto", "chain"),
    ("blocks.won", "cumulative", "count", "chain"),
    ("probe.ok", "cumulative", "count", "observed"),
    ("probe.failed", "cumulative", "count", "observed"),
    ("bounty", "cumulative", "atto", "observed"),
    ("survey", "level", "bytes", "observed"),
];
