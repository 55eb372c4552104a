use serde_json::Value;

use super::cursor::{Node, Reader};
use crate::{Competition, Entities, History, ObservedSeries, RuleSet, Texts, Version, Vesting};

impl Reader {
    pub(crate) fn rule_set(&mut self, value: &Value) -> Option<RuleSet> {
        let mut o = self.object(&Node { value, path: String::new() })?;
        let competition = self.needed(&mut o, "competition", Self::competition);
        let version = self.needed(&mut o, "version", Self::version);
        let series = self.usual(&mut o, "series", |r, n| r.list(&n, Self::series), Vec::new);
        let entities = self.usual(&mut o, "entities", Self::entities, || Entities {
            history: History::Whole,
            same_region: false,
            deadline: None,
        });
        let metrics = self.needed(&mut o, "metrics", |r, n| r.list(&n, Self::metric));
        let eligibility =
            self.usual(&mut o, "eligibility", |r, n| r.list(&n, |r, n| r.check(&n, 1)), Vec::new);
        let boards = self.usual(&mut o, "boards", |r, n| r.list(&n, Self::board), Vec::new);
        let pools = self.usual(&mut o, "pools", |r, n| r.list(&n, Self::pool), Vec::new);
        let vesting = self.usual(&mut o, "vesting", Self::vesting, || Vesting::None);
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

    pub(super) fn competition(&mut self, node: Node<'_>) -> Option<Competition> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let name = self.needed(&mut o, "name", Self::texts);
        let network = self.needed(&mut o, "network", |r, n| r.parsed(&n));
        let start = self.needed(&mut o, "start", Self::epoch);
        let end = self.needed(&mut o, "end", Self::epoch);
        let regions = self.usual(&mut o, "regions", |r, n| r.list(&n, |r, n| r.parsed(&n)), Vec::new);
        let tracks = self.usual(&mut o, "tracks", |r, n| r.list(&n, |r, n| r.parsed(&n)), Vec::new);
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

    pub(super) fn texts(&mut self, node: Node<'_>) -> Option<Texts> {
        let mut o = self.object(&node)?;
        let en = self.needed(&mut o, "en", Self::prose);
        let zh = self.needed(&mut o, "zh", Self::prose);
        self.close(&o);
        Some(Texts { en: en?, zh: zh? })
    }

    pub(super) fn prose(&mut self, node: Node<'_>) -> Option<String> {
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

    pub(super) fn version(&mut self, node: Node<'_>) -> Option<Version> {
        let mut o = self.object(&node)?;
        let number = self.needed(&mut o, "number", |r, n| r.number(&n));
        let from = self.needed(&mut o, "from", Self::epoch);
        let supersedes = self.optional(&mut o, "supersedes", |r, n| r.parsed(&n));
        let retroactive = self.usual(&mut o, "retroactive", |r, n| r.truth(&n), || false);
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

    pub(super) fn series(&mut self, node: Node<'_>) -> Option<ObservedSeries> {
        let mut o = self.object(&node)?;
        let name = self.needed(&mut o, "name", |r, n| r.parsed(&n));
        let unit = self.needed(&mut o, "unit", |r, n| r.word(&n));
        let reading = self.needed(&mut o, "reading", |r, n| r.word(&n));
        self.close(&o);
        Some(ObservedSeries { name: name?, unit: unit?, reading: reading? })
    }

    pub(super) fn entities(&mut self, node: Node<'_>) -> Option<Entities> {
        let mut o = self.object(&node)?;
        let history = self.usual(&mut o, "history", |r, n| r.word(&n), || History::Whole);
        let same_region = self.usual(&mut o, "same_region", |r, n| r.truth(&n), || false);
        let deadline = self.optional(&mut o, "deadline", Self::epoch);
        self.close(&o);
        Some(Entities { history: history?, same_region: same_region?, deadline: deadline? })
    }

    pub(super) fn vesting(&mut self, node: Node<'_>) -> Option<Vesting> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let vesting = match kind.0 {
            "none" => Some(Vesting::None),
            "linear" => {
                let epochs = self.needed(o, "epochs", Self::span);
                epochs.map(|epochs| Vesting::Linear { epochs })
            }
            _ => return self.unknown_kind(&kind, "none, linear"),
        };
        self.close(o);
        vesting
    }
}
