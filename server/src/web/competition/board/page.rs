//! The board of a competition as a page.

use apogee_domain::{Epoch, Unit, Value};
use apogee_rules::Id;
use askama::Template;

use super::detail::Part;
use super::query::Show;
use super::{Board, Column, Detail, ROWS, Row};
use crate::web::ask::{Ask, Language};
use crate::web::board::in_sentence;
use crate::web::chart::spark;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::measured::{ValueCell, metric_name};
use crate::web::competition::pools::{PoolView, Thermo, money};
use crate::web::competition::status::{Standing, Status};
use crate::web::figure::{Figure, Scale, grouped};
use crate::web::reading::WINDOW;
use crate::web::words::fluent_args;

#[derive(Template)]
#[template(path = "competition/board.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Board,
}

impl<'a> Page<'a> {
    pub(super) const fn new(ask: &'a Ask, view: &'a Board) -> Self {
        Self { c: Chrome::staged(ask, &view.meta, Section::Boards), view }
    }
}

impl Page<'_> {
    const fn language(&self) -> Language {
        self.c.language()
    }

    fn board_name(&self, board: &str) -> String {
        self.language().name("list", board)
    }

    fn heading(&self) -> String {
        let board = self.board_name(&self.view.board);
        match &self.view.region {
            None => self.language().say("cb-h1", &fluent_args!["board" => board]),
            Some(region) => {
                let region = self.language().name("region", region);
                self.language().say("cb-h1-region", &fluent_args!["board" => board, "region" => region])
            }
        }
    }

    fn metric(&self, metric: &Id) -> String {
        metric_name(self.language(), &self.view.rules, metric)
    }

    fn ranked_by(&self) -> String {
        let rule = self.view.rules.boards.iter().find(|rule| rule.id.as_str() == self.view.board);
        rule.map(|rule| self.metric(&rule.metric)).unwrap_or_default()
    }

    fn lead(&self) -> String {
        let arguments = fluent_args![
            "n" => self.view.total, "miners" => self.view.miners, "metric" => in_sentence(self.ranked_by()),
        ];
        self.language().say("cb-lead", &arguments)
    }

    fn caption(&self) -> String {
        let arguments = fluent_args!["board" => self.heading(), "metric" => self.ranked_by()];
        self.language().say("cb-caption", &arguments)
    }

    /// Address, name and whether it is this one, of every list.
    fn lists(&self) -> Vec<(String, String, bool)> {
        let divided: Vec<&str> =
            self.view.lists.iter().filter(|list| list.region.is_some()).map(|list| &*list.board).collect();
        let several = divided.first() != divided.last();
        let one = |list: &super::ListName| {
            let board = self.board_name(&list.board);
            let (path, name) = match &list.region {
                None => (format!("board/{}", list.board), board),
                Some(region) => {
                    let named = self.language().name("region", region);
                    let name = if several { format!("{board}: {named}") } else { named };
                    (format!("board/{}?region={region}", list.board), name)
                }
            };
            (self.c.at_stage(&path), name, list.here)
        };
        self.view.lists.iter().map(one).collect()
    }

    fn path(&self) -> String {
        format!("/c/{}/board/{}", self.view.meta.competition, self.view.board)
    }

    fn address(&self, sort: Option<&str>, page: usize) -> String {
        self.c.at_stage(&self.view.address(sort, page, None))
    }

    /// Where a row is unfolded, or folded again.
    fn toggle(&self, row: &Row) -> String {
        let open = (!self.is_open(row)).then_some(row.entity.as_str());
        let page = self.view.query.page.unwrap_or(1).max(1);
        let address = self.c.at_stage(&self.view.address(self.view.query.sort.as_deref(), page, open));
        format!("{address}#r-{}", row.entity)
    }

    fn is_open(&self, row: &Row) -> bool {
        self.view.query.open.as_deref() == Some(&*row.entity) && self.view.detail.is_some()
    }

    fn detail(&self, row: &Row) -> Option<&Detail> {
        self.view.detail.as_ref().filter(|_| self.is_open(row))
    }

    fn details_of(&self, row: &Row) -> String {
        self.language().say("cb-details", &fluent_args!["name" => row.name.as_str()])
    }

    /// Where a head leads, and how its column is sorted now: `ascending`, `descending`, or not.
    fn sort(&self, by: &str) -> (String, &'static str) {
        let now = self.view.query.sorted();
        let descends = now.unwrap_or((&self.view.metric, true));
        let (next, state) = match descends {
            (column, true) if column == by => (by.to_owned(), "descending"),
            (column, false) if column == by => (format!("-{by}"), "ascending"),
            _ if matches!(by, "name" | "region" | "status") => (by.to_owned(), ""),
            _ => (format!("-{by}"), ""),
        };
        (self.address(Some(&next), 1), state)
    }

    fn head(&self) -> String {
        unit_head(self.ranked_by(), self.view.shown.symbol())
    }

    fn column_head(&self, column: &Column) -> String {
        unit_head(self.metric(&column.id), column.shown.symbol())
    }

    fn is_sorted(&self, by: &str) -> bool {
        self.view.query.sorted().map_or(self.view.metric.as_str(), |(column, _)| column) == by
    }

    fn value(&self, row: &Row) -> ValueCell {
        self.view.shown.cell(&row.value.0)
    }

    fn metered(&self, row: &Row, column: &Column) -> Option<ValueCell> {
        row.metrics.get(&column.metric).map(|measure| column.shown.cell(&measure.0))
    }

    fn rank(&self, row: &Row) -> String {
        row.rank.map(grouped).unwrap_or_default()
    }

    fn is_mine(&self, row: &Row) -> bool {
        self.view.query.me.as_deref() == Some(&*row.entity)
    }

    /// The own row, where it is not on this page.
    fn pinned_row(&self) -> Option<&Row> {
        let me = self.view.me.as_ref()?;
        let is_here = self.view.rows.iter().any(|row| row.entity == me.entity);
        (!is_here).then_some(me)
    }

    fn region(&self, row: &Row) -> Option<String> {
        row.region.as_ref().map(|region| self.language().name("region", region))
    }

    fn has_regions(&self) -> bool {
        !self.view.rules.competition.regions.is_empty()
    }

    fn chip(&self, row: &Row) -> (&'static str, String) {
        let standing = Standing { status: row.status, failing: row.failing };
        (row.status.class(), standing.word(self.language()))
    }

    fn is_out(&self, row: &Row) -> bool {
        row.status == Status::Disqualified
    }

    fn is_eligible(&self, row: &Row) -> bool {
        row.status == Status::Eligible
    }

    fn amount(&self, row: &Row) -> Figure {
        Figure { value: Some(Value(row.owed)), unit: Unit::Atto, scale: self.money() }
    }

    fn money(&self) -> Scale {
        Scale::of(Unit::Atto, self.view.coin, None)
    }

    fn amount_head(&self) -> String {
        let key = if self.view.over { "cb-amount-over" } else { "cb-amount-now" };
        self.language().say(key, &fluent_args!["coin" => self.money().symbol])
    }

    fn entity(&self, row: &Row) -> String {
        self.c.at_stage(&format!("e/{}", row.entity))
    }

    fn miner(&self, id: &str) -> Option<String> {
        self.view.indexed.then(|| self.c.page(&format!("m/{id}")))
    }

    fn spark(&self, row: &Row) -> Option<String> {
        let at = self.view.meta.chain.epoch;
        spark(&row.steps, row.steps.first()?.epoch, at)
    }

    fn spark_title(&self, row: &Row) -> String {
        let shown = self.view.shown;
        let text = |step: Option<&apogee_domain::Step>| {
            let value = step.and_then(|step| step.value);
            value.map_or_else(|| "–".to_owned(), |value| shown.with_unit(value.0))
        };
        let arguments = fluent_args!["from" => text(row.steps.first()), "to" => text(row.steps.last())];
        self.language().say("cb-spark", &arguments)
    }

    fn since(&self) -> String {
        let start = self.view.rules.competition.start;
        let from = self.view.meta.chain.epoch.minus(WINDOW).max(start);
        self.language().say("board-trend-all", &fluent_args!["epoch" => grouped(from)])
    }

    fn search(&self) -> String {
        self.view.query.search().unwrap_or_default()
    }

    fn is_filtered(&self) -> bool {
        !self.search().is_empty() || self.view.query.show != Show::All
    }

    fn found(&self) -> String {
        let arguments = fluent_args!["found" => self.view.found, "n" => self.view.total];
        self.language().say("cb-found", &arguments)
    }

    /// Value, name and whether it is chosen.
    fn shows(&self) -> [(&'static str, String, bool); 3] {
        Show::ALL.map(|show| {
            let key = match show {
                Show::All => "cb-show-all",
                Show::Eligible => "cb-show-eligible",
                Show::Unclaimed => "cb-show-unclaimed",
            };
            (show.name(), self.c.t(key), show == self.view.query.show)
        })
    }

    fn as_of(&self) -> String {
        let meta = &self.view.meta;
        let rules = meta.rules.as_ref().map_or(0, |rules| rules.version);
        let arguments = fluent_args![
            "epoch" => grouped(meta.chain.epoch), "rules" => rules.to_string(), "seq" => grouped(meta.seq),
        ];
        self.language().say("cb-as-of", &arguments)
    }

    fn none(&self) -> String {
        self.c.t(if self.view.total == 0 { "cb-empty" } else { "cb-none-found" })
    }

    fn rows_of(&self) -> String {
        let view = self.view;
        let last = view.first.saturating_add(view.rows.len()).saturating_sub(1);
        let arguments = fluent_args!["first" => view.first, "last" => last, "n" => view.found];
        self.language().say("board-rows", &arguments)
    }

    /// Pages to go to: number and address; no address for this one. Those near, the first and the last.
    fn pages(&self) -> Vec<(usize, Option<String>)> {
        let limit = self.view.query.limit.unwrap_or(ROWS).max(1);
        let last = self.view.found.div_ceil(limit);
        let here = self.view.query.page.unwrap_or(1).max(1);
        let near = |page: &usize| *page == 1 || *page == last || page.abs_diff(here) <= 1;
        let sort = self.view.query.sort.as_deref();
        (1..=last).filter(near).map(|page| (page, (page != here).then(|| self.address(sort, page)))).collect()
    }

    fn next(&self) -> Option<String> {
        let here = self.view.query.page.unwrap_or(1).max(1);
        self.view.next.as_ref().map(|_| self.address(self.view.query.sort.as_deref(), here + 1))
    }

    fn first_page(&self) -> String {
        let region = self.view.region.as_ref().map(|region| format!("?region={region}")).unwrap_or_default();
        self.c.at_stage(&format!("board/{}{region}", self.view.board))
    }

    fn snapshot_end(&self) -> String {
        let id = self.view.meta.snapshot.map(|root| root.to_string()).unwrap_or_default();
        id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned()
    }

    fn legend(&self) -> [(&'static str, String, String); 6] {
        let language = self.language();
        Status::ALL.map(|status| (status.class(), status.word(language), status.meaning(language)))
    }

    fn thermo(&self, pool: &PoolView) -> Option<Thermo> {
        pool.thermo(self.language())
    }

    fn pool_heading(&self, pool: &PoolView) -> String {
        pool.heading(self.language())
    }

    fn members_head(&self, detail: &Detail) -> String {
        let n = detail.members.len() + detail.more;
        let key = if detail.claimed { "cb-grouped" } else { "cb-alone" };
        self.language().say(key, &fluent_args!["n" => n])
    }

    fn more_members(&self, detail: &Detail) -> String {
        self.language().say("cb-more-miners", &fluent_args!["n" => detail.more])
    }

    fn member_value(&self, (_, value, _): &(String, Option<Value>, Epoch)) -> String {
        value.map_or_else(|| "–".to_owned(), |value| self.view.shown.whole(value.0))
    }

    fn checks_head(&self, detail: &Detail) -> String {
        let arguments = fluent_args!["met" => detail.met(), "n" => detail.checks.len()];
        self.language().say("cb-checks", &arguments)
    }

    fn part_name(&self, part: &Part) -> String {
        let language = self.language();
        match (&part.pool, &part.region, part.award) {
            (Some(pool), None, _) => language.say("cb-part", &fluent_args!["pool" => pool.as_str()]),
            (Some(pool), Some(region), _) => {
                let region = language.name("region", region);
                language.say("cb-part-region", &fluent_args!["pool" => pool.as_str(), "region" => region])
            }
            (None, _, award) => {
                let n = award.map(grouped).unwrap_or_default();
                language.say("cb-part-award", &fluent_args!["n" => n])
            }
        }
    }

    fn part_amount(&self, part: &Part) -> String {
        money(self.view.coin, part.amount)
    }

    fn total(&self, detail: &Detail) -> String {
        money(self.view.coin, detail.total)
    }
}

fn unit_head(name: String, symbol: &str) -> String {
    if symbol.is_empty() { name } else { format!("{name}, {symbol}") }
}
