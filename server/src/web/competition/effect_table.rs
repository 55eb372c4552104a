//! An effect as it stands on a page.

use std::cmp::Ordering;

use apogee_domain::Value;
use askama::Template;
use askama::filters::HtmlSafe;

use super::effect::{Effect, PoolChange, Row, Shape};
use crate::web::chrome::{Cell, Chrome};
use crate::web::figure::{Figure, grouped};
use crate::web::words::fluent_args;

/// The tables of an effect.
#[derive(Debug, Template)]
#[template(path = "competition/effect.html")]
pub(super) struct EffectTable<'a> {
    pub(super) c: Chrome<'a>,
    pub(super) effect: &'a Effect,
    /// What the sides are called: `v2`, `v3`.
    pub(super) sides: [String; 2],
    pub(super) caption: String,
    /// Whether one side is invented.
    pub(super) simulated: bool,
}

impl HtmlSafe for EffectTable<'_> {}

impl EffectTable<'_> {
    fn head(&self, key: &str, side: usize) -> String {
        let side = self.sides.get(side).map(String::as_str).unwrap_or_default();
        self.c.language().say(key, &fluent_args!["side" => side, "coin" => self.coin()])
    }

    /// What amounts are counted in.
    fn coin(&self) -> &'static str {
        let [_, after] = &self.effect.concentration;
        after.paid.scale.symbol
    }

    fn pools_title(&self) -> String {
        self.c.language().say("effect-pools-title", &fluent_args!["coin" => self.coin()])
    }

    fn rank(&self, rank: &Option<u64>) -> String {
        rank.map_or_else(|| "–".to_owned(), grouped)
    }

    fn cell(&self, figure: &Figure) -> Cell {
        self.c.cell(figure)
    }

    fn entity(&self, row: &Row) -> String {
        self.c.at_stage(&format!("e/{}", row.entity))
    }

    /// A change of rank; a smaller rank is up.
    fn moved(&self, row: &Row) -> Option<Change> {
        let (before, after) = (row.before.rank?, row.after.rank?);
        let text = grouped(before.abs_diff(after));
        Some(Change::new(&self.c, after.cmp(&before).reverse(), ["effect-up", "effect-down"], text))
    }

    fn because(&self, row: &Row) -> Vec<(bool, String)> {
        let language = self.c.language();
        let comma = language.t("list-comma");
        let mut because = Vec::new();
        let eligible = (row.before.eligible == Some(true), row.after.eligible == Some(true));
        let checks = row.checks.join(&comma);
        match eligible {
            (true, false) if row.checks.is_empty() => because.push((true, language.t("effect-out"))),
            (true, false) => {
                because.push((true, language.say("effect-out-checks", &fluent_args!["checks" => checks])))
            }
            (false, true) if row.checks.is_empty() => because.push((true, language.t("effect-in"))),
            (false, true) => {
                because.push((true, language.say("effect-in-checks", &fluent_args!["checks" => checks])))
            }
            _ => {}
        }
        for moved in row.ranks.iter().filter(|moved| Some(&moved.board) != self.effect.board.as_ref()) {
            let board = match &moved.region {
                Some(region) => format!("{}/{region}", moved.board),
                None => moved.board.clone(),
            };
            let (before, after) = (self.rank(&moved.before), self.rank(&moved.after));
            let arguments = fluent_args!["board" => board, "before" => before, "after" => after];
            because.push((false, language.say("effect-rank", &arguments)));
        }
        if !row.pools.is_empty() {
            let pools = fluent_args!["pools" => row.pools.join(&comma)];
            because.push((false, language.say("effect-pools", &pools)));
        }
        because
    }

    fn pool(&self, pool: &PoolChange) -> String {
        let region = pool.region.as_ref().map(|region| self.c.name("region", region));
        region.map_or_else(|| pool.pool.clone(), |region| format!("{}, {region}", pool.pool))
    }

    fn tier(&self, tier: &Option<u64>) -> String {
        tier.map_or_else(String::new, |tier| self.c.language().say("effect-tier", &fluent_args!["n" => tier]))
    }

    fn change(&self, before: &Figure, after: &Figure) -> Change {
        change(&self.c, before, after)
    }

    fn rows_of(&self) -> String {
        let arguments = fluent_args!["n" => self.effect.found, "page" => self.effect.page, "pages" => self.effect.pages()];
        self.c.language().say("effect-pages", &arguments)
    }

    fn pages(&self) -> Vec<(usize, Option<String>)> {
        pages(&self.c, self.effect.page, self.effect.pages())
    }
}

/// A change as it is shown: a triangle, and a word for those who do not see it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) class: &'static str,
    pub(super) word: String,
    pub(super) text: String,
}

impl Change {
    fn new(c: &Chrome<'_>, order: Ordering, [more, less]: [&str; 2], text: String) -> Self {
        match order {
            Ordering::Equal => Self { class: "same", word: String::new(), text: "0".to_owned() },
            Ordering::Greater => Self { class: "up", word: c.t(more), text },
            Ordering::Less => Self { class: "down", word: c.t(less), text },
        }
    }
}

/// A change of an amount.
pub(super) fn change(c: &Chrome<'_>, before: &Figure, after: &Figure) -> Change {
    let (old, new) = (before.value.unwrap_or_default().0, after.value.unwrap_or_default().0);
    let size = Figure { value: Some(Value(old.abs_diff(new))), ..*after };
    Change::new(c, new.cmp(&old), ["effect-plus", "effect-minus"], size.text())
}

/// This address with other values of some names; an empty one is left out.
pub(super) fn with(c: &Chrome<'_>, names: &[(&str, &str)]) -> String {
    let is_other = |part: &&str| !names.iter().any(|(name, _)| part.split('=').next() == Some(*name));
    let kept = c.ask.query.split('&').filter(|part| !part.is_empty()).filter(is_other).map(str::to_owned);
    let set =
        names.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}"));
    let parts: Vec<String> = kept.chain(set).collect();
    let address = c.ask.to(&c.ask.path);
    if parts.is_empty() { address } else { format!("{address}?{}", parts.join("&")) }
}

/// Pages around the one that is shown; `None` for that one.
pub(super) fn pages(c: &Chrome<'_>, page: usize, pages: usize) -> Vec<(usize, Option<String>)> {
    let near = |number: &usize| *number == 1 || *number == pages || number.abs_diff(page) <= 2;
    let link = |number: usize| {
        let text = number.to_string();
        with(c, &[("page", if number == 1 { "" } else { &text })])
    };
    (1..=pages).filter(near).map(|number| (number, (number != page).then(|| link(number)))).collect()
}

/// A gauge of one figure before and after.
#[derive(Debug, Template)]
#[template(path = "competition/gauge.html")]
pub(super) struct Gauge {
    label: String,
    /// Places in percent, words, and on which side of the needle they stand.
    before: (String, String, bool),
    after: (String, String, bool),
    ends: [String; 2],
}

impl HtmlSafe for Gauge {}

impl Gauge {
    /// Of `before` and `after` on a scale from 0 to `top`, with their words.
    pub(super) fn new(
        label: String,
        (before, after): (u64, u64),
        top: u64,
        texts: [String; 2],
        ends: [String; 2],
    ) -> Self {
        let place = |value: u64| {
            let (value, top) =
                (i64::try_from(value).unwrap_or(i64::MAX), i64::try_from(top).unwrap_or(i64::MAX));
            crate::web::chrome::percent(value, top)
        };
        // Their words stand outwards, as far as there is room.
        let share = |value: u64| value.saturating_mul(10) / top.max(1);
        let (lower, higher) = (|value: u64| share(value) >= 3, |value: u64| share(value) >= 7);
        let [was, is] = texts;
        let (was_left, is_left) =
            if before > after { (higher(before), lower(after)) } else { (lower(before), higher(after)) };
        Self { label, before: (place(before), was, was_left), after: (place(after), is, is_left), ends }
    }
}

/// The gauges of concentration: the ten largest, Gini, those who hold half.
pub(super) fn gauges(
    c: &Chrome<'_>,
    [before, after]: &[Shape; 2],
    sides: &[String; 2],
) -> Vec<(String, Option<Gauge>)> {
    let language = c.language();
    let text = |figure: String, side: usize| {
        format!("{figure} {}", sides.get(side).map(String::as_str).unwrap_or_default())
    };
    let fraction = |place: usize, key: &str, show: &dyn Fn(u32) -> String, ends: [String; 2]| {
        let label = language.t(key);
        let of = |shape: &Shape| shape.thousandths.get(place).copied().flatten();
        let gauge = of(before).zip(of(after)).map(|(old, new)| {
            let texts = [text(show(old), 0), text(show(new), 1)];
            Gauge::new(label.clone(), (old.into(), new.into()), 1000, texts, ends)
        });
        (label, gauge)
    };
    let percent = |value: u32| format!("{}.{} %", value / 10, value % 10);
    let coefficient = |value: u32| format!("{}.{:03}", value / 1000, value % 1000);
    let (old, new) = (before.nakamoto, after.nakamoto);
    let top = old.max(new).saturating_mul(2).max(10);
    let label = language.t("effect-nakamoto");
    let half = Gauge::new(
        label.clone(),
        (old, new),
        top,
        [text(grouped(old), 0), text(grouped(new), 1)],
        ["0".to_owned(), grouped(top)],
    );
    vec![
        fraction(0, "effect-top-ten", &percent, ["0 %".to_owned(), "100 %".to_owned()]),
        fraction(1, "effect-gini", &coefficient, ["0".to_owned(), "1".to_owned()]),
        (label, Some(half)),
    ]
}
