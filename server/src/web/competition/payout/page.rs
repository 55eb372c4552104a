//! The payout as a page.

use askama::Template;

use super::{Approved, Paid, Payout, Row};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::pools::{PoolView, money};
use crate::web::figure::grouped;
use crate::web::words::fluent_args;

#[derive(Template)]
#[template(path = "competition/payout.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Payout,
}

impl<'a> Page<'a> {
    pub(super) const fn new(ask: &'a Ask, view: &'a Payout) -> Self {
        Self { c: Chrome::staged(ask, &view.meta, Section::Payout), view }
    }
}

/// An amount with all 18 decimals.
fn whole(atto: u128) -> String {
    const ONE: u128 = 1_000_000_000_000_000_000;
    let digits = format!("{:018}", atto % ONE);
    let mut text = format!("{}.", grouped(atto / ONE));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

impl Page<'_> {
    fn heading(&self) -> String {
        match (self.view.version, self.view.over) {
            (Some(version), _) => {
                self.c.language().say("po-h1-final", &fluent_args!["n" => version.to_string()])
            }
            (None, true) => self.c.t("po-h1-over"),
            (None, false) => self.c.t("po-h1-now"),
        }
    }

    fn lead(&self) -> String {
        let view = self.view;
        let key = match (view.version, &view.approved) {
            (Some(_), Some(_)) if view.sums.paid == 0 => "po-lead-unpaid",
            (Some(_), Some(_)) => "po-lead-approved",
            (Some(_), None) => "po-lead-final",
            (None, _) => "po-lead-now",
        };
        let approvers = view.approved.as_ref().map_or(0, |approved| approved.approvers.len());
        let arguments = fluent_args![
            "n" => view.entities, "approvers" => approvers, "paid" => money(view.coin, view.sums.paid),
        ];
        self.c.language().say(key, &arguments)
    }

    const fn is_conserved(&self) -> bool {
        self.view.sums.conserved
    }

    fn coin(&self) -> &'static str {
        self.view.coin.first().copied().unwrap_or_default()
    }

    fn total(&self) -> String {
        whole(self.view.sums.total)
    }

    fn held(&self) -> String {
        whole(self.view.sums.amount)
    }

    fn left(&self) -> String {
        whole(self.view.sums.amount.saturating_sub(self.view.sums.total))
    }

    fn awards(&self) -> Option<String> {
        let awards = self.view.sums.awards;
        (awards > 0).then(|| {
            let text = money(self.view.coin, awards);
            self.c.language().say("po-awards", &fluent_args!["awards" => text])
        })
    }

    fn paid_to(&self) -> String {
        let key = if self.view.over { "po-paid-to" } else { "po-would-pay" };
        self.c.language().say(key, &fluent_args!["n" => self.view.entities])
    }

    fn rules(&self) -> String {
        let rules = self.view.meta.rules.as_ref().map_or(0, |rules| rules.version);
        self.c.language().say("po-rules", &fluent_args!["rules" => rules.to_string()])
    }

    fn pool_name(&self, pool: &PoolView) -> String {
        pool.heading(self.c.language())
    }

    fn pool_tier(&self, pool: &PoolView) -> String {
        match pool.tier {
            Some(tier) => {
                let n = tier.saturating_add(1).to_string();
                self.c.language().say("po-tier", &fluent_args!["n" => n, "of" => pool.tiers.len()])
            }
            None if pool.tiers.is_empty() => "–".to_owned(),
            None => self.c.t("po-no-tier"),
        }
    }

    fn pool_left(&self, pool: &PoolView) -> String {
        let left = pool.undistributed.parse().unwrap_or(0);
        whole(left)
    }

    fn row_amount(&self, row: &Row) -> String {
        whole(row.atto)
    }

    fn entity(&self, row: &Row) -> String {
        self.c.at_stage(&format!("e/{}", row.entity))
    }

    fn proof(&self, row: &Row) -> String {
        self.c.at_stage(&format!("payout/{}", row.entity))
    }

    fn has_addresses(&self) -> bool {
        self.view.rows.iter().any(|row| row.address.is_some())
    }

    fn has_status(&self) -> bool {
        self.view.rows.iter().any(|row| row.status.is_some())
    }

    /// Class and word of how far a row is.
    fn status(&self, status: &str) -> (&'static str, String) {
        let class = match status {
            "final" | "elsewhere" => "is-ok",
            "failed" => "is-bad",
            _ => "is-none",
        };
        (class, self.c.name("prize", status))
    }

    fn confirmations(&self, n: &i64) -> String {
        self.c.language().say("po-confirmations", &fluent_args!["n" => *n])
    }

    fn rank(&self, index: &usize) -> String {
        grouped(self.view.first.saturating_add(*index))
    }

    fn rows_of(&self) -> String {
        let view = self.view;
        let last = view.first.saturating_add(view.rows.len()).saturating_sub(1);
        let arguments = fluent_args!["first" => view.first, "last" => last, "n" => view.entities];
        self.c.language().say("board-rows", &arguments)
    }

    fn pages(&self) -> Vec<(usize, Option<String>)> {
        let last = self.view.entities.div_ceil(self.view.limit.max(1));
        let here = self.view.page;
        let near = |page: &usize| *page == 1 || *page == last || page.abs_diff(here) <= 1;
        let address = |page: usize| self.c.at_stage(&format!("payout?page={page}"));
        (1..=last).filter(near).map(|page| (page, (page != here).then(|| address(page)))).collect()
    }

    fn approval(&self, approved: &Approved) -> String {
        let key =
            if Some(approved.root) == self.view.audit_root { "po-approved-same" } else { "po-approved" };
        let arguments = fluent_args![
            "n" => grouped(approved.seq), "total" => money(self.view.coin, approved.atto),
        ];
        self.c.language().say(key, &arguments)
    }

    fn entry(&self, seq: impl std::fmt::Display) -> String {
        self.c.at_stage(&format!("decisions/{seq}"))
    }

    fn payment(&self, paid: &Paid) -> String {
        let arguments = fluent_args!["n" => grouped(paid.seq), "amount" => money(self.view.coin, paid.atto)];
        self.c.language().say("po-payment", &arguments)
    }

    fn snapshot_end(&self) -> String {
        let id = self.view.meta.snapshot.map(|root| root.to_string()).unwrap_or_default();
        id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned()
    }
}
