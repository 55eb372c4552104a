//! The epoch as a page.

use apogee_domain::series::Unit;
use apogee_domain::{Epoch, Value};
use apogee_store::CheckRecord;
use askama::Template;

use super::changes::Changed;
use super::{Block, EpochView};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section, percent};
use crate::web::figure::{Figure, Scale, coin, exact, grouped};
use crate::web::sums::{Sums, in_order};
use crate::web::words::fluent_args;

/// Changed steps that a page shows; its JSON has all.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "epoch.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a EpochView,
    sums: Sums,
}

impl<'a> Page<'a> {
    pub(super) fn new(ask: &'a Ask, view: &'a EpochView) -> Self {
        let c = Chrome::of(ask, &view.meta, Section::Epochs);
        Self { c, view, sums: Sums::of(&view.scene.record) }
    }
}

impl Page<'_> {
    fn is_null(&self) -> bool {
        self.view.kind == "null"
    }

    fn is_genesis(&self) -> bool {
        self.view.meta.epoch == Epoch::GENESIS
    }

    fn has_next(&self) -> bool {
        self.view.meta.head.is_none_or(|head| self.view.meta.epoch < head)
    }

    fn neighbour(&self, by: i32) -> Epoch {
        match by {
            ..=0 => self.view.meta.epoch.minus(i64::from(by.unsigned_abs())),
            _ => self.view.meta.epoch.plus(by.unsigned_abs()),
        }
    }

    fn heading(&self) -> String {
        self.c.language().say("epoch-h1", &fluent_args!["epoch" => grouped(self.view.meta.epoch)])
    }

    fn what(&self) -> String {
        let blocks = self.view.blocks.len();
        if self.is_null() {
            self.c.t("epoch-null")
        } else {
            self.c.language().say("epoch-blocks", &fluent_args!["n" => blocks])
        }
    }

    /// Class, the answer in a word or two, and the answer in a sentence.
    fn verdict(&self) -> (&'static str, String, String) {
        let language = self.c.language();
        let counts = fluent_args![
            "made" => self.sums.made(), "kinds" => self.sums.kinds, "failed" => self.sums.failed,
            "n" => self.sums.unmade, "parent" => grouped(self.view.parent),
        ];
        let say = |key: &str| language.say(key, &counts);
        if self.sums.failed > 0 {
            ("is-bad", say("epoch-failed"), say("epoch-failed-text"))
        } else if self.is_null() {
            ("is-none", say("epoch-null-verdict"), say("epoch-null-text"))
        } else if self.is_genesis() && self.sums.made() == 0 {
            ("is-none", say("epoch-genesis"), say("epoch-genesis-text"))
        } else {
            let rest = if self.sums.unmade > 0 { "epoch-verified-unmade" } else { "epoch-verified-all" };
            let class = if self.sums.made() > 0 { "is-ok" } else { "is-wait" };
            (class, say("epoch-verified"), format!("{} {}", say("epoch-verified-text"), say(rest)))
        }
    }

    /// Place, height and class of every bar, with where it leads.
    fn tape(&self) -> Vec<(String, String, usize, usize, &'static str)> {
        let most = self.view.around.iter().map(|(_, blocks)| *blocks).max().unwrap_or(0).max(1);
        let count = i64::try_from(self.view.around.len()).unwrap_or(1).max(1);
        let width = percent(4, count * 5);
        (0_i64..)
            .zip(&self.view.around)
            .map(|(place, (epoch, blocks))| {
                let height = if *blocks == 0 { 3 } else { (blocks * 36 / most).max(3) };
                let class = match (*epoch == self.view.meta.epoch, *blocks) {
                    (true, 0) => "me null",
                    (true, _) => "me",
                    (false, 0) => "null",
                    (false, _) => "",
                };
                (percent(place, count), width.clone(), 40 - height, height, class)
            })
            .collect()
    }

    fn tape_caption(&self) -> String {
        let around = &self.view.around;
        let ends = around.first().zip(around.last());
        let Some(((first, _), (last, _))) = ends else { return String::new() };
        let nulls = around.iter().filter(|(_, blocks)| *blocks == 0).count();
        let language = self.c.language();
        let ends = fluent_args!["first" => grouped(first), "last" => grouped(last)];
        format!(
            "{} {}",
            language.say("epoch-tape", &ends),
            language.say("epoch-tape-null", &fluent_args!["n" => nulls])
        )
    }

    fn coin_head(&self, key: &str) -> String {
        self.c.language().say(key, &fluent_args!["coin" => self.coin()])
    }

    fn wins(&self) -> u64 {
        self.view.blocks.iter().map(|block| u64::from(block.win_count)).sum()
    }

    fn messages(&self) -> u64 {
        self.view.blocks.iter().map(|block| u64::from(block.messages)).sum()
    }

    /// The sum of what all blocks were paid; unknown where one is.
    fn paid(&self, of: fn(&Block) -> Figure) -> Figure {
        let scale = Scale::of(Unit::Atto, coin(self.view.scene.now.network.kind), None);
        let sum = |sum: Value, block: &Block| sum.checked_add(of(block).value?);
        let value = self.view.blocks.iter().try_fold(Value::ZERO, sum);
        Figure { value, unit: Unit::Atto, scale }
    }

    fn block_rewards(&self) -> Figure {
        self.paid(|block| block.block_reward)
    }

    fn tips(&self) -> Figure {
        self.paid(|block| block.tips)
    }

    fn made(&self) -> Vec<&CheckRecord> {
        let made = |check: &&CheckRecord| check.passed + check.failed > 0;
        in_order(self.view.checks.iter().filter(made))
    }

    fn unmade(&self) -> impl Iterator<Item = (&str, &apogee_store::Unmade)> {
        let checks = self.view.checks.iter();
        checks.flat_map(|record| record.not_made.iter().map(|one| (record.check.as_str(), one)))
    }

    fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let checks = self.view.checks.iter();
        checks.flat_map(|record| record.failures.iter().map(|text| (record.check.as_str(), text.as_str())))
    }

    fn counted(&self, check: &CheckRecord) -> String {
        let made = check.passed + check.failed;
        self.c.language().say("epoch-count-of", &fluent_args!["passed" => check.passed, "made" => made])
    }

    fn checks_sum(&self) -> String {
        let counts = fluent_args!["passed" => self.sums.passed, "failed" => self.sums.failed];
        self.c.language().say("epoch-checks-sum", &counts)
    }

    fn shown(&self) -> impl Iterator<Item = &Changed> {
        self.view.changes.iter().take(SHOWN)
    }

    fn hidden(&self) -> Option<String> {
        let more = self.view.changes.len().checked_sub(SHOWN).filter(|more| *more > 0)?;
        Some(self.c.language().say("more-rows", &fluent_args!["n" => more]))
    }

    /// A sum of the reconciliation: bytes and attos are told from its name.
    fn sum(&self, what: &str, value: &Option<Value>) -> String {
        let unit = if what.starts_with("claims") { Unit::Bytes } else { Unit::Atto };
        value.map_or_else(|| "–".to_owned(), |value| exact(unit, value))
    }

    fn sum_unit(&self, what: &str) -> &'static str {
        if what.starts_with("claims") { "B" } else { self.coin() }
    }

    fn finality(&self) -> String {
        self.c.t(if self.view.meta.is_final { "epoch-final" } else { "epoch-not-final" })
    }

    fn coin(&self) -> &'static str {
        let [coin, ..] = coin(self.view.scene.now.network.kind);
        coin
    }

    fn certificate(&self) -> String {
        match self.view.certificate {
            Some(instance) => self.c.language().say("epoch-certificate-of", &fluent_args!["n" => instance]),
            None => self.c.t("epoch-certificate-none"),
        }
    }
}
