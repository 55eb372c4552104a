//! The participant as a page.

use apogee_domain::NetworkKind;
use apogee_spacemesh_index::odds::Nothing;
use askama::Template;

use super::smeshing::{Luck, Smeshing};
use super::tiles::Tile;
use super::{Held, Participant};
use crate::web::ask::Ask;
use crate::web::chart::Chart;
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::grouped;
use crate::web::sums::Sums;
use crate::web::words::fluent_args;

#[derive(Template)]
#[template(path = "participant.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Participant,
    tiles: Vec<Tile>,
    charts: Vec<(&'static str, Chart)>,
    sums: Sums,
}

impl<'a> Page<'a> {
    pub(super) fn new(ask: &'a Ask, view: &'a Participant) -> Self {
        let c = Chrome::of(ask, &view.meta, Section::Board);
        let charts = view.charts(ask.language);
        Self { c, view, tiles: view.tiles(ask.language), charts, sums: Sums::of(&view.scene.record) }
    }
}

impl Page<'_> {
    fn lead(&self) -> String {
        let view = self.view;
        let language = self.c.language();
        let arguments = |rank: String| fluent_args!["network" => view.meta.network.to_string(), "rank" => rank, "n" => view.of];
        match view.rank {
            Some(_) => language.say(self.of_kind("miner-lead", "smesher-lead"), &arguments(self.rank())),
            None => {
                let key = self.of_kind("miner-lead-unranked", "smesher-lead-unranked");
                language.say(key, &arguments(String::new()))
            }
        }
    }

    /// One of two keys, by the protocol of the network.
    fn of_kind(&self, filecoin: &'static str, spacemesh: &'static str) -> &'static str {
        match self.view.scene.now.network.kind {
            NetworkKind::Filecoin => filecoin,
            NetworkKind::Spacemesh => spacemesh,
        }
    }

    fn rank_by(&self) -> String {
        self.c.t(self.of_kind("miner-rank-by", "smesher-rank-by"))
    }

    fn is_spacemesh(&self) -> bool {
        self.view.scene.now.network.kind == NetworkKind::Spacemesh
    }

    /// What is said first of a smesher.
    fn honesty(&self, smeshing: &Smeshing) -> (&'static str, String) {
        match smeshing.malfeasant_since {
            Some(layer) => {
                let text =
                    self.c.language().say("smesher-malfeasant", &fluent_args!["layer" => grouped(layer)]);
                ("is-bad", text)
            }
            None => ("is-ok", self.c.t("smesher-honest")),
        }
    }

    fn slots_title(&self, smeshing: &Smeshing) -> String {
        let last = smeshing.first_layer.plus(smeshing.layers.saturating_sub(1));
        let arguments = fluent_args![
            "epoch" => grouped(smeshing.epoch), "first" => grouped(smeshing.first_layer), "last" => grouped(last),
        ];
        self.c.language().say("smesher-slots-title", &arguments)
    }

    fn paid(&self, smeshing: &Smeshing) -> String {
        let expected = smeshing.expected_layers.map(|nano| nano.0 / 10_000_000);
        let expected = expected.map(|hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100));
        let unknown = || self.c.t("unknown");
        let arguments = fluent_args![
            "paid" => smeshing.paid.map_or_else(unknown, grouped), "expected" => expected.unwrap_or_else(unknown),
        ];
        self.c.language().say("smesher-paid-text", &arguments)
    }

    fn slots(&self, smeshing: &Smeshing) -> String {
        smeshing.slots.map_or_else(|| self.c.t("unknown"), grouped)
    }

    fn filled(&self, smeshing: &Smeshing) -> String {
        smeshing.filled.map_or_else(|| self.c.t("unknown"), grouped)
    }

    /// How likely nothing in a given layer is, and nothing in all of those that brought nothing.
    fn chances(&self, luck: &Luck) -> [String; 2] {
        [percent(luck.none_in_a_layer), percent(luck.none_so_far)]
    }

    fn without(&self, smeshing: &Smeshing) -> String {
        self.c.language().say("smesher-without", &fluent_args!["n" => i64::from(smeshing.without)])
    }

    /// Class and sentence: whether nothing is as it should be.
    fn verdict(&self, luck: &Luck) -> (&'static str, String) {
        let (class, key) = match luck.nothing {
            Nothing::NotDue => ("is-none", "smesher-nothing-not-due"),
            Nothing::Expected => ("is-ok", "smesher-nothing-expected"),
            Nothing::Ordinary => ("is-ok", "smesher-nothing-ordinary"),
            Nothing::Unusual => ("is-wait", "smesher-nothing-unusual"),
            Nothing::Alarming => ("is-bad", "smesher-nothing-alarming"),
        };
        (class, self.c.t(key))
    }

    fn rank(&self) -> String {
        match self.view.rank {
            Some(rank) if self.view.tied => format!("={}", grouped(rank)),
            Some(rank) => grouped(rank),
            None => "–".to_owned(),
        }
    }

    fn rank_of(&self) -> String {
        self.c.language().say("of-total", &fluent_args!["n" => self.view.of])
    }

    /// Where a series is compared with that of others.
    fn board_of(&self, held: &Held) -> String {
        format!("board/{}", held.series)
    }

    /// What bots saw of it in a competition.
    fn log_in(&self, competition: &str) -> String {
        self.c.ask.to(&format!("/c/{competition}/m/{}/attempts", self.view.participant))
    }

    fn checks(&self) -> String {
        let counts = fluent_args!["passed" => self.sums.passed, "failed" => self.sums.failed];
        self.c.language().say("miner-checks-text", &counts)
    }

    fn unmade(&self) -> String {
        self.c.language().say("miner-unmade", &fluent_args!["n" => self.sums.unmade])
    }

    /// Class and sentence for the sums that agree with state, differ from it, and are unknown.
    fn reconciled(&self) -> Vec<(&'static str, String)> {
        let sums = [
            ("is-bad", "miner-reconciled-bad", self.sums.differ),
            ("is-ok", "miner-reconciled-ok", self.sums.agree),
            ("is-none", "miner-reconciled-unknown", self.sums.unknown),
        ];
        let say = |key, n| self.c.language().say(key, &fluent_args!["n" => n]);
        sums.into_iter().filter(|(_, _, n)| *n > 0).map(|(class, key, n)| (class, say(key, n))).collect()
    }

    /// Tipset keys are CIDs with commas: the first, and how many more.
    fn tipset(&self) -> (String, String) {
        let mut cids = self.view.meta.tipset.split(',').filter(|cid| !cid.is_empty());
        let first = cids.next().unwrap_or_default().to_owned();
        let more = cids.count();
        let more = if more == 0 {
            String::new()
        } else {
            self.c.language().say("miner-more", &fluent_args!["n" => more])
        };
        (first, more)
    }
}

/// Parts of 10⁹ as percent, four digits behind the point, rounded down: what is not certain is never called 100 %.
fn percent(parts: u32) -> String {
    let shown = parts / 1_000;
    format!("{}.{:04} %", shown / 10_000, shown % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_certain_is_never_called_so() {
        assert_eq!(
            [1_000_000_000, 999_999_999, 999_751_984, 0].map(percent),
            ["100.0000 %", "99.9999 %", "99.9751 %", "0.0000 %"]
        );
    }
}
