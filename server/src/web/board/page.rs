//! The board as a page.

use apogee_domain::series::{SeriesSpec, Unit};
use askama::Template;

use super::{Board, Column, MOST, ROWS, Row, Trend, boards};
use crate::web::ask::Ask;
use crate::web::chart::unit_head;
use crate::web::chrome::{Cell, Chrome, Section};
use crate::web::figure::{Figure, grouped, share};
use crate::web::reading::WINDOW;
use crate::web::words::fluent_args;

/// Letters of a name that is whole on the narrowest page.
const SHORT: usize = 12;

#[derive(Template)]
#[template(path = "board.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Board,
}

impl<'a> Page<'a> {
    pub(super) const fn new(ask: &'a Ask, view: &'a Board) -> Self {
        Self { c: Chrome::of(ask, &view.meta, Section::Board), view }
    }
}

/// A heading inside a sentence: without its capital, unless it is spelled with more than one.
pub(crate) fn in_sentence(heading: String) -> String {
    let mut letters = heading.chars();
    match letters.next() {
        Some(first) if !letters.as_str().contains(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => heading,
    }
}

impl Page<'_> {
    fn series(&self) -> String {
        self.c.name("series", self.view.series)
    }

    fn heading(&self) -> String {
        let key = if self.view.global { "board-h1-global" } else { "board-h1-series" };
        let network = self.view.meta.network.to_string();
        self.c.language().say(key, &fluent_args!["network" => network, "series" => self.series()])
    }

    fn lead(&self) -> String {
        let series = in_sentence(self.series());
        let arguments = fluent_args!["n" => self.view.total, "series" => series];
        self.c.language().say("board-lead", &arguments)
    }

    fn caption(&self) -> String {
        let arguments = fluent_args!["series" => self.series(), "epoch" => grouped(self.view.meta.epoch)];
        self.c.language().say("board-caption", &arguments)
    }

    fn as_of(&self) -> String {
        self.c.language().say("board-view", &fluent_args!["epoch" => grouped(self.view.meta.epoch)])
    }

    fn since(&self) -> String {
        let from = self.view.meta.epoch.minus(WINDOW);
        self.c.language().say("board-trend-all", &fluent_args!["epoch" => grouped(from)])
    }

    /// Address, name and whether it is this one, of every board.
    fn boards(&self) -> Vec<(String, String, bool)> {
        let all = (self.c.page("board"), self.c.t("board-global"), self.view.global);
        let one = |spec: &SeriesSpec| {
            let here = !self.view.global && spec.name == self.view.series;
            (self.c.page(&format!("board/{}", spec.name)), self.c.name("head", spec.name), here)
        };
        std::iter::once(all).chain(boards(self.view.kind).map(one)).collect()
    }

    fn address(&self, sort: Option<&str>, page: usize) -> String {
        format!("{}?{}", self.c.ask.to(&self.view.path()), self.view.with(sort, page))
    }

    /// Where a head leads, and how its column is sorted now: `ascending`, `descending`, or not.
    fn sort(&self, by: &str) -> (String, &'static str) {
        let now = self.view.query.sorted().unwrap_or((self.view.series, true));
        let (next, state) = match now {
            (series, true) if series == by => (by.to_owned(), "descending"),
            (series, false) if series == by => (format!("-{by}"), "ascending"),
            _ if by == "participant" => (by.to_owned(), ""),
            _ => (format!("-{by}"), ""),
        };
        (self.address(Some(&next), 1), state)
    }

    fn head(&self, column: &Column) -> String {
        let kind = if self.view.global { "head" } else { "series" };
        unit_head(&self.c.name(kind, column.series), column.scale)
    }

    fn sort_title(&self, series: &str) -> String {
        let name = in_sentence(self.c.name("series", series));
        self.c.language().say("board-sort", &fluent_args!["series" => name])
    }

    fn figure(&self, row: &Row, column: &Column) -> Cell {
        let unknown = Figure { value: None, unit: Unit::Count, scale: column.scale };
        self.c.plain_cell(row.values.get(column.series).unwrap_or(&unknown))
    }

    fn is_sorted(&self, column: &Column) -> bool {
        let by = self.view.query.sorted().map_or(self.view.series, |(series, _)| series);
        by == column.series
    }

    fn share(&self, row: &Row) -> Option<String> {
        share(row.standing.standing.value, self.view.network_total)
    }

    fn has_shares(&self) -> bool {
        self.view.network_total.is_some()
    }

    fn rank(&self, row: &Row) -> String {
        row.standing.standing.rank.map(grouped).unwrap_or_default()
    }

    /// Where the curve ends stands beside it.
    fn trend_title(&self, trend: &Trend) -> String {
        self.c.language().say("board-trend-title", &fluent_args!["from" => trend.begin.as_str()])
    }

    /// Whether the name may be cut where there is little room.
    fn is_long(&self, row: &Row) -> bool {
        row.standing.standing.subject.as_str().len() > SHORT
    }

    fn search(&self) -> String {
        self.view.query.search().unwrap_or_default()
    }

    fn found(&self) -> String {
        let arguments =
            fluent_args!["found" => self.view.found, "n" => self.view.total, "search" => self.search()];
        self.c.language().say("board-found", &arguments)
    }

    fn none(&self) -> String {
        let network = self.view.meta.network.to_string();
        let arguments = fluent_args![
            "network" => network, "epoch" => grouped(self.view.meta.epoch), "search" => self.search(),
        ];
        let key = if self.view.total == 0 { "board-empty" } else { "board-none-found" };
        self.c.language().say(key, &arguments)
    }

    fn rows_of(&self) -> String {
        let view = self.view;
        let last = view.first.saturating_add(view.rows.len()).saturating_sub(1);
        let arguments = fluent_args!["first" => view.first, "last" => last, "n" => view.found];
        self.c.language().say("board-rows", &arguments)
    }

    /// Pages to go to: number and address; no address for this one. Those near, the first and the last.
    fn pages(&self) -> Vec<(usize, Option<String>)> {
        let limit = self.view.query.limit.unwrap_or(ROWS).clamp(1, MOST);
        let last = self.view.found.div_ceil(limit);
        let here = self.view.query.page.unwrap_or(1).max(1);
        let near = |page: &usize| *page == 1 || *page == last || page.abs_diff(here) <= 1;
        let sort = self.view.query.sort.as_deref();
        let address = |page: usize| (page, (page != here).then(|| self.address(sort, page)));
        (1..=last).filter(near).map(address).collect()
    }

    fn next(&self) -> Option<String> {
        let here = self.view.query.page.unwrap_or(1).max(1);
        self.view.next.as_ref().map(|_| self.address(self.view.query.sort.as_deref(), here + 1))
    }

    /// The whole board, as of the same epoch.
    fn first_page(&self) -> String {
        format!("{}?at=e:{}", self.c.ask.to(&self.view.path()), self.view.meta.epoch)
    }

    fn snapshot_end(&self) -> String {
        let id = self.view.snapshot.to_string();
        id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_lose_their_capital_in_a_sentence() {
        for (heading, inside) in [("Raw power", "raw power"), ("WinCount", "WinCount"), ("算力", "算力")]
        {
            assert_eq!(in_sentence(heading.to_owned()), inside);
        }
    }
}
