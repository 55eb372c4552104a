//! The participant as a page.

use apogee_domain::{SeriesName, series};
use askama::Template;

use super::{Held, Participant};
use crate::web::ask::{Ask, Language};
use crate::web::chart::Chart;
use crate::web::chrome::{Chrome, Section};
use crate::web::figure::{Figure, grouped};
use crate::web::sums::Sums;
use crate::web::words::fluent_args;

#[derive(Template)]
#[template(path = "participant.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Participant,
    charts: Vec<(&'static str, Chart)>,
    sums: Sums,
}

impl<'a> Page<'a> {
    pub(super) fn new(ask: &'a Ask, view: &'a Participant) -> Self {
        let c = Chrome::of(ask, &view.meta, Section::Board);
        let charts = view.charts(ask.language);
        Self { c, view, charts, sums: Sums::of(&view.scene.record) }
    }
}

impl Page<'_> {
    fn lead(&self) -> String {
        let view = self.view;
        let language = self.c.language();
        let arguments = |rank: String| fluent_args!["network" => view.meta.network.to_string(), "rank" => rank, "n" => view.of];
        match view.rank {
            Some(_) => language.say("miner-lead", &arguments(self.rank())),
            None => language.say("miner-lead-unranked", &arguments(String::new())),
        }
    }

    fn rank(&self) -> String {
        match self.view.rank {
            Some(rank) if self.view.tied => format!("={}", grouped(rank)),
            Some(rank) => grouped(rank),
            None => "–".to_owned(),
        }
    }

    /// One of the headline sentences: its argument is a figure with its unit.
    fn note(&self, key: &str, argument: &str, series: &SeriesName) -> String {
        let figure = self.view.figure(series);
        let symbol = if figure.is_zero() { "" } else { figure.scale.symbol };
        let text = format!("{} {symbol}", figure.text());
        self.c.language().say(key, &fluent_args![argument => text.trim()])
    }

    fn power(&self) -> Figure {
        self.view.figure(&series::POWER_QA)
    }

    fn live(&self) -> Figure {
        self.view.figure(&series::SECTORS_LIVE)
    }

    fn reward(&self) -> Figure {
        self.view.figure(&series::REWARD_BLOCK)
    }

    fn wins(&self) -> Figure {
        self.view.figure(&series::WINCOUNT)
    }

    fn power_note(&self) -> String {
        let raw = self.note("miner-raw", "value", &series::POWER_RAW);
        match self.view.share() {
            Some(share) => {
                let share = self.c.language().say("miner-share", &fluent_args!["share" => share]);
                let comma = if self.c.language() == Language::Chinese { "，" } else { ", " };
                format!("{raw}{comma}{share}")
            }
            None => raw,
        }
    }

    fn sectors_note(&self) -> String {
        let text = |series: &SeriesName| self.view.figure(series).text();
        let arguments = fluent_args![
            "faulty" => text(&series::SECTORS_FAULTY), "recovering" => text(&series::SECTORS_RECOVERING),
        ];
        self.c.language().say("miner-faulty", &arguments)
    }

    fn reward_note(&self) -> String {
        self.note("miner-tips", "value", &series::REWARD_GAS)
    }

    fn wins_note(&self) -> String {
        self.note("miner-expected", "value", &series::EXPECTED_WINS)
    }

    fn blocks_note(&self) -> String {
        let blocks = self.view.figure(&series::BLOCKS_WON).value.map_or(0, |value| value.0);
        let blocks = i64::try_from(blocks).unwrap_or(i64::MAX);
        self.c.language().say("miner-blocks", &fluent_args!["n" => blocks])
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
