use apogee_domain::Unit;

use super::Validator;
use crate::{
    Divide, Gate, Measure, Partition, Pool, PoolAmount, Population, Quantity, Ratio, Rounding, Tier,
};

impl<'r> Validator<'r> {
    pub(super) fn boards(&mut self) {
        let boards = &self.rules.boards;
        let competition = &self.rules.competition;
        self.unique(
            boards.iter().enumerate().map(|(index, board)| (&board.id, format!("boards[{index}].id"))),
        );
        for (index, board) in boards.iter().enumerate() {
            let path = format!("boards[{index}]");
            if let Some(track) = board.track.as_ref().filter(|track| !competition.tracks.contains(track)) {
                self.problem(format_args!("{path}.track"), format_args!("there is no track {track}"));
            }
            let measure = self.measured(&format!("{path}.metric"), &board.metric);
            if board.partition == Partition::Region {
                self.regions(&format!("{path}.partition"));
            }
            if let Some(top) = board.top {
                self.above_zero(&format!("{path}.top"), top);
            }
            match (board.above, measure) {
                (Some(above), Some(Measure::Whole(unit))) => {
                    self.unit(&format!("{path}.above"), above, Some(unit))
                }
                (Some(_), Some(Measure::Ratio)) => {
                    let reason = format_args!("{} is a ratio, and has no amount to be above", board.metric);
                    self.problem(format_args!("{path}.above"), reason);
                }
                _ => {}
            }
        }
    }

    fn regions(&mut self, path: &str) {
        if self.rules.competition.regions.is_empty() {
            self.problem(path, "the competition has no regions");
        }
    }

    pub(super) fn pools(&mut self) {
        let pools = &self.rules.pools;
        self.unique(pools.iter().enumerate().map(|(index, pool)| (&pool.id, format!("pools[{index}].id"))));
        for (index, pool) in pools.iter().enumerate() {
            self.pool(&format!("pools[{index}]"), pool);
        }
    }

    fn pool(&mut self, path: &str, pool: &'r Pool) {
        match self.rules.board(&pool.board) {
            None => {
                self.problem(format_args!("{path}.board"), format_args!("there is no board {}", pool.board));
            }
            Some(board) if pool.ineligible.is_some() && board.population == Population::Eligible => {
                let reason = format_args!("the board {} ranks none but eligible entities", board.id);
                self.problem(format_args!("{path}.ineligible"), reason);
            }
            Some(_) => {}
        }
        self.amount(&format!("{path}.amount"), &pool.amount);
        self.divide(&format!("{path}.divide"), pool);
        let proportional = matches!(pool.divide, Divide::Weight { .. } | Divide::Equal);
        if pool.rounding == Rounding::LargestRemainder && !proportional {
            let reason = "only shares by weight and equal shares have remainders";
            self.problem(format_args!("{path}.rounding"), reason);
        }
        if let Some(cap) = pool.cap {
            if !proportional {
                self.problem(
                    format_args!("{path}.cap"),
                    "only shares by weight and equal shares can be capped",
                );
            }
            let path = format!("{path}.cap.share");
            self.above_zero(&path, cap.share.numerator());
            if cap.share > Ratio::ONE {
                self.problem(path, "it is above 1");
            }
        }
        if let Some(floor) = pool.floor {
            self.unit(&format!("{path}.floor"), floor, Some(Unit::Atto));
        }
    }

    fn money(&mut self, path: &str, amount: Quantity) {
        self.above_zero(path, amount);
        self.unit(path, amount, Some(Unit::Atto));
    }

    fn amount(&mut self, path: &str, amount: &'r PoolAmount) {
        match amount {
            PoolAmount::Fixed { amount } => self.money(&format!("{path}.amount"), *amount),
            PoolAmount::ByDecision | PoolAmount::Open => {}
            PoolAmount::Tiers { metric, base, tiers, .. } => {
                let unit = self.whole(&format!("{path}.metric"), metric);
                self.unit(&format!("{path}.base"), *base, unit);
                self.tiers(&format!("{path}.tiers"), tiers, unit);
            }
        }
    }

    fn tiers(&mut self, path: &str, tiers: &'r [Tier], unit: Option<Unit>) {
        if tiers.is_empty() {
            self.problem(path, "it is empty");
        }
        let mut before: Option<&Tier> = None;
        for (index, tier) in tiers.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let values =
                [("at", tier.at, before.map(|t| t.at)), ("amount", tier.amount, before.map(|t| t.amount))];
            for (name, value, before) in values {
                let path = format!("{path}.{name}");
                self.above_zero(&path, value);
                if let Some(before) = before.filter(|before| value <= *before) {
                    self.problem(
                        path,
                        format_args!("{value} is not above that of the tier before, {before}"),
                    );
                }
            }
            self.unit(&format!("{path}.at"), tier.at, unit);
            self.unit(&format!("{path}.amount"), tier.amount, Some(Unit::Atto));
            if let Some(gate) = &tier.gate {
                self.gate(&format!("{path}.gate"), gate);
            }
            before = Some(tier);
        }
    }

    fn gate(&mut self, path: &str, gate: &'r Gate) {
        self.regions(path);
        let unit = self.whole(&format!("{path}.metric"), &gate.metric);
        let path = format!("{path}.each_region");
        self.above_zero(&path, gate.each_region);
        self.unit(&path, gate.each_region, unit);
    }

    fn divide(&mut self, path: &str, pool: &'r Pool) {
        let open = pool.amount == PoolAmount::Open;
        let kind = format!("{path}.kind");
        match (&pool.divide, open) {
            (Divide::Weight { .. } | Divide::Equal, true) => {
                self.problem(kind, "an open pool has no amount to divide: flat or metric is expected");
            }
            (Divide::Flat { .. } | Divide::Metric { .. }, false) => {
                self.problem(kind, "only a pool with amount open can pay this");
            }
            _ => {}
        }
        match &pool.divide {
            Divide::Weight { metric } => {
                self.whole(&format!("{path}.metric"), metric);
            }
            Divide::Flat { each } => self.money(&format!("{path}.each"), *each),
            Divide::Equal => {}
            Divide::Metric { metric } => {
                let path = format!("{path}.metric");
                if let Some(unit) = self.whole(&path, metric).filter(|unit| *unit != Unit::Atto) {
                    let unit = super::word(unit);
                    self.problem(
                        path,
                        format_args!("{metric} is an amount of {unit}, where atto are expected"),
                    );
                }
            }
        }
    }
}
