//! An unfolded row.

use apogee_domain::{Epoch, Value};
use apogee_leaderboard::{EntityRow, PayoutPart, explain};
use apogee_rules::Id;

use crate::competitions::Stood;
use crate::web::competition::Stage;
use crate::web::competition::about::waivers;
use crate::web::competition::checks::{CheckView, Context};
use crate::web::competition::curve::{curve, members};
use crate::web::competition::measured::coin_of;

/// Miners that are listed.
const MEMBERS: usize = 8;

/// What an unfolded row says.
#[derive(Debug)]
pub(super) struct Detail {
    /// Miner, value of the ranked metric, epoch of joining.
    pub(super) members: Vec<(String, Option<Value>, Epoch)>,
    pub(super) more: usize,
    pub(super) claimed: bool,
    pub(super) checks: Vec<CheckView>,
    /// What it is paid for, region, and amount.
    pub(super) parts: Vec<Part>,
    pub(super) total: u128,
}

#[derive(Debug)]
pub(super) struct Part {
    /// The pool; none for an award.
    pub(super) pool: Option<String>,
    pub(super) region: Option<String>,
    pub(super) award: Option<u64>,
    pub(super) amount: u128,
}

impl Detail {
    pub(super) fn of(stage: &Stage, stood: &Stood, row: &EntityRow, metric: &Id) -> Self {
        let all = members(stood, row);
        let last = stood.standings.scope.epoch;
        let value = |participant: &Id| {
            let steps = curve(stood, metric, std::iter::once(participant), last);
            steps.last().and_then(|step| step.value)
        };
        let member = |member: &apogee_leaderboard::Membership| {
            (member.participant.to_string(), value(&member.participant), member.from)
        };
        let waivers = waivers(stage, stood, &row.id);
        let context = Context {
            rules: stood.rules(),
            coin: coin_of(stage),
            end: stage.competition.end().unwrap_or(stood.rules().competition.end),
            waivers: &waivers,
        };
        let reasons = explain(&stood.standings, stood.rules(), row.id.as_str());
        let payout = stood.standings.payout(row.id.as_str());
        let part = |part: &PayoutPart| match part {
            PayoutPart::Share { amount, pool, region } => Part {
                pool: Some(pool.to_string()),
                region: region.as_ref().map(ToString::to_string),
                award: None,
                amount: amount.0,
            },
            PayoutPart::Award { amount, award } => {
                Part { pool: None, region: None, award: Some(*award), amount: amount.0 }
            }
        };
        Self {
            more: all.len().saturating_sub(MEMBERS),
            members: all.iter().take(MEMBERS).map(member).collect(),
            claimed: row.claimed,
            checks: reasons.map(|reasons| CheckView::all(context, reasons.checks)).unwrap_or_default(),
            parts: payout.map(|payout| payout.parts.iter().map(part).collect()).unwrap_or_default(),
            total: payout.map_or(0, |payout| payout.total.0),
        }
    }

    pub(super) fn met(&self) -> usize {
        self.checks.iter().filter(|check| check.state.is_met()).count()
    }
}
