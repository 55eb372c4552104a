use apogee_domain::Unit;
use apogee_domain::series::Reading;

use super::{Clause, Lang, Speaker, say};
use crate::{History, Texts, Vesting};

impl Speaker<'_> {
    fn text<'t>(&self, texts: &'t Texts) -> &'t str {
        match self.lang {
            Lang::En => &texts.en,
            Lang::Zh => &texts.zh,
        }
    }

    pub(super) fn competition(&self) -> Vec<Clause> {
        let competition = &self.rules.competition;
        let (name, id) = (self.text(&competition.name), &competition.id);
        let (start, end) = (self.epoch(competition.start), self.epoch(competition.end));
        let regions = if competition.regions.is_empty() {
            say!(self.lang, "It has no regions.", "不分地区。")
        } else {
            let regions = self.list(&competition.regions);
            say!(self.lang, "Its regions: {regions}.", "地区：{regions}。", regions = regions)
        };
        let tracks = if competition.tracks.is_empty() {
            say!(self.lang, "It has no tracks.", "不分赛道。")
        } else {
            let tracks = self.list(&competition.tracks);
            say!(self.lang, "Its tracks: {tracks}.", "赛道：{tracks}。", tracks = tracks)
        };
        vec![
            self.clause(
                "competition.name",
                say!(self.lang, "{name} ({id})", "{name}（{id}）", name = name, id = id),
            ),
            self.clause(
                "competition.network",
                say!(
                    self.lang,
                    "It runs on the network {network}.",
                    "在网络 {network} 上进行。",
                    network = competition.network
                ),
            ),
            self.clause(
                "competition.start",
                say!(self.lang, "It begins at {start}.", "自{start}开始。", start = start),
            ),
            self.clause(
                "competition.end",
                say!(
                    self.lang,
                    "It ends before {end}. Standings after the end are those of the last epoch.",
                    "于{end}之前结束。结束后的名次以最后一个高度为准。",
                    end = end
                ),
            ),
            self.clause("competition.regions", regions),
            self.clause("competition.tracks", tracks),
        ]
    }

    pub(super) fn version(&self) -> Vec<Clause> {
        let version = &self.rules.version;
        let reason = self.text(&version.reason);
        let published = if version.retroactive {
            say!(
                self.lang,
                "It was published after it took effect: it is retroactive.",
                "于生效之后公布，具有追溯力。"
            )
        } else {
            say!(self.lang, "It was published before it took effect.", "于生效之前公布。")
        };
        let mut clauses = vec![
            self.clause(
                "version.number",
                say!(
                    self.lang,
                    "This is version {number} of the rules.",
                    "这是规则的第 {number} 版。",
                    number = version.number
                ),
            ),
            self.clause(
                "version.from",
                say!(
                    self.lang,
                    "It applies from {from} on.",
                    "自{from}起生效。",
                    from = self.epoch(version.from)
                ),
            ),
            self.clause("version.retroactive", published),
        ];
        if let Some(hash) = &version.supersedes {
            clauses.push(self.clause(
                "version.supersedes",
                say!(
                    self.lang,
                    "It replaces the version with the hash {hash}.",
                    "取代哈希为 {hash} 的版本。",
                    hash = hash
                ),
            ));
        }
        clauses.push(
            self.clause(
                "version.reason",
                say!(self.lang, "Why: {reason}", "原因：{reason}", reason = reason),
            ),
        );
        clauses
    }

    pub(super) fn entities(&self) -> Vec<Clause> {
        let entities = &self.rules.entities;
        let history = match entities.history {
            History::Whole => {
                say!(
                    self.lang,
                    "A member brings all of its history to its entity.",
                    "成员的全部历史都计入所属参赛方。"
                )
            }
            History::Dated => say!(
                self.lang,
                "A member counts for an entity in the epochs in which it belongs to it.",
                "成员仅归属期间的部分计入该参赛方。"
            ),
        };
        let region = if entities.same_region {
            say!(self.lang, "Members of an entity are of one region.", "同一参赛方的成员须属同一地区。")
        } else {
            say!(
                self.lang,
                "Members of an entity can be of different regions.",
                "同一参赛方的成员可属不同地区。"
            )
        };
        let joining = match entities.deadline {
            Some(deadline) => say!(
                self.lang,
                "Members can join before {deadline}.",
                "成员须在{deadline}之前加入。",
                deadline = self.epoch(deadline)
            ),
            None => say!(self.lang, "Members can join at any time.", "成员可随时加入。"),
        };
        vec![
            self.clause("entities.history", history),
            self.clause("entities.same_region", region),
            self.clause("entities.deadline", joining),
        ]
    }

    pub(super) fn series(&self) -> Vec<Clause> {
        let one = |series: &crate::ObservedSeries| {
            let unit = match series.unit {
                Unit::Bytes => say!(self.lang, "bytes", "字节数"),
                Unit::Atto => say!(self.lang, "money", "金额"),
                Unit::Gas => say!(self.lang, "gas", "gas"),
                Unit::Count => say!(self.lang, "a count", "计数"),
                Unit::Nano => say!(self.lang, "billionths", "十亿分之一"),
            };
            let reading = match series.reading {
                Reading::Level => say!(self.lang, "as it stands at an epoch", "取所读高度的数值"),
                Reading::Cumulative => say!(self.lang, "accumulated over time", "随时间累计"),
            };
            let name = &series.name;
            self.clause(
                format_args!("series[{name}]"),
                say!(
                    self.lang,
                    "{name} is observed, not read from the chain: {unit}, {reading}.",
                    "{name} 来自观测而非链上：{unit}，{reading}。",
                    name = name,
                    unit = unit,
                    reading = reading
                ),
            )
        };
        self.rules.series.iter().map(one).collect()
    }

    pub(super) fn vesting(&self) -> Vec<Clause> {
        let text = match self.rules.vesting {
            Vesting::None => say!(self.lang, "Payouts can be spent at once.", "奖金可立即使用。"),
            Vesting::Linear { epochs } => say!(
                self.lang,
                "Payouts vest evenly over {span}.",
                "奖金在 {span}内线性释放。",
                span = self.span(epochs)
            ),
        };
        vec![self.clause("vesting", text)]
    }
}
