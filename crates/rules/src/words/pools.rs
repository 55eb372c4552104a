use super::figure::percent;
use super::{Clause, Speaker, say};
use crate::{
    Board, CapExcess, Cutoff, Divide, Ineligible, Partition, Pool, PoolAmount, Population, Quantity,
    Rounding, Tier, TierMode,
};

impl Speaker<'_> {
    pub(super) fn boards(&self) -> Vec<Clause> {
        self.rules.boards.iter().flat_map(|board| self.board(board)).collect()
    }

    fn population(&self, population: Population) -> String {
        match population {
            Population::Eligible => say!(self.lang, "eligible entities", "符合条件的参赛方"),
            Population::All => {
                say!(self.lang, "all entities (eligible or not)", "全部参赛方（不论是否符合条件）")
            }
        }
    }

    fn board(&self, board: &Board) -> Vec<Clause> {
        let path = format!("boards[{}]", board.id);
        let track = match &board.track {
            Some(track) => say!(self.lang, "of the track {track}", "赛道 {track} 中，", track = track),
            None => say!(self.lang, "of all tracks", "不限赛道，"),
        };
        let lists = match board.partition {
            Partition::None => say!(self.lang, "in one list", "合为一榜"),
            Partition::Region => say!(self.lang, "in a list for each region", "按地区分榜"),
        };
        let who = say!(
            self.lang,
            "{id}: {population} {track} are ranked by {metric}, largest first, {lists}.",
            "{id}：{track}{population}按 {metric} 从大到小排名，{lists}。",
            id = board.id,
            population = self.population(board.population),
            track = track,
            metric = board.metric,
            lists = lists
        );
        let above = self.quantity(board.above.unwrap_or(Quantity::ZERO), &board.metric);
        let winners = match board.top {
            Some(top) => say!(
                self.lang,
                "The first {top} with a value above {above} win.",
                "数值大于 {above} 的前 {top} 名获奖。",
                top = top,
                above = above
            ),
            None => say!(
                self.lang,
                "All with a value above {above} win.",
                "数值大于 {above} 的全部获奖。",
                above = above
            ),
        };
        let mut clauses =
            vec![self.clause(&path, who), Clause { path: format!("{path}.top"), depth: 1, text: winners }];
        if board.top.is_some() {
            clauses.push(Clause {
                path: format!("{path}.cutoff"),
                depth: 1,
                text: self.cutoff(board.cutoff),
            });
        }
        clauses
    }

    fn cutoff(&self, cutoff: Cutoff) -> String {
        match cutoff {
            Cutoff::IncludeAll => say!(
                self.lang,
                "If the last place falls within a tie, all of those tied win.",
                "若末位名额出现并列，并列者全部获奖。"
            ),
            Cutoff::None => say!(
                self.lang,
                "If the last place falls within a tie, none of those tied wins.",
                "若末位名额出现并列，并列者均不获奖。"
            ),
            Cutoff::ById => say!(
                self.lang,
                "If the last place falls within a tie, the order of ids decides.",
                "若末位名额出现并列，按编号顺序决定。"
            ),
            Cutoff::Earliest => say!(
                self.lang,
                "If the last place falls within a tie, those whose value changed longest ago come first, then the order of ids decides.",
                "若末位名额出现并列，数值最早不再变化者优先，其次按编号顺序。"
            ),
            Cutoff::Split => say!(
                self.lang,
                "If the last place falls within a tie, those tied share what is left of the places in equal parts.",
                "若末位名额出现并列，并列者均分剩余名额。"
            ),
        }
    }

    pub(super) fn pools(&self) -> Vec<Clause> {
        self.rules.pools.iter().flat_map(|pool| self.pool(pool)).collect()
    }

    fn pool(&self, pool: &Pool) -> Vec<Clause> {
        let path = format!("pools[{}]", pool.id);
        let board = self.rules.board(&pool.board);
        let (lists, place) = match board.map(|board| board.partition) {
            Some(Partition::Region) => (
                say!(self.lang, ", once for each region", "，每个地区各设一份"),
                say!(self.lang, " of the region", "该地区"),
            ),
            Some(Partition::None) | None => (String::new(), String::new()),
        };
        let track = match board.and_then(|board| board.track.as_ref()) {
            Some(track) => say!(self.lang, " in the track {track}", "赛道 {track} ", track = track),
            None => String::new(),
        };
        let scope = format!("{place}{track}");
        let intro = say!(
            self.lang,
            "{id}: for the winners of the board {board}{lists}.",
            "{id}：奖给榜单 {board} 的获奖者{lists}。",
            id = pool.id,
            board = pool.board,
            lists = lists
        );
        let mut clauses = vec![self.clause(&path, intro)];
        let mut add = |name: &str, depth: usize, text: String| {
            clauses.push(Clause { path: format!("{path}.{name}"), depth, text });
        };
        add("amount", 1, self.amount(&pool.amount));
        if let PoolAmount::Tiers { metric, population, base, tiers, .. } = &pool.amount {
            let base = match *base {
                Quantity::ZERO => String::new(),
                base => say!(self.lang, "{base} and ", "{base} 加上", base = self.quantity(base, metric)),
            };
            let reached = say!(
                self.lang,
                "The level reached is {base}the sum of {metric} over {population}{scope}.",
                "所达水平为{base}{scope}{population}的 {metric} 之和。",
                base = base,
                metric = metric,
                population = self.population(*population),
                scope = scope
            );
            add("amount.metric", 1, reached);
            for tier in tiers {
                let at = self.quantity(tier.at, metric);
                add(&format!("amount.tiers[{}]", tier.at), 2, self.tier(&at, tier, &track));
            }
        }
        add("divide", 1, self.divide(&pool.divide));
        add("rounding", 1, self.rounding(pool.rounding));
        if let Some(cap) = pool.cap {
            let excess = match cap.excess {
                CapExcess::Undistributed => say!(self.lang, "the excess is not paid", "超出部分不发放"),
                CapExcess::Redistribute => {
                    say!(
                        self.lang,
                        "the excess is divided among the others",
                        "超出部分在其他获奖者间重新分配"
                    )
                }
            };
            let text = say!(
                self.lang,
                "No winner gets more than {share} of the pool; {excess}.",
                "每个获奖者最多得奖池的 {share}；{excess}。",
                share = percent(cap.share),
                excess = excess
            );
            add("cap", 1, text);
        }
        if let Some(floor) = pool.floor {
            let floor = self.money(floor);
            let text = say!(
                self.lang,
                "Shares below {floor} are not paid.",
                "低于 {floor} 的份额不发放。",
                floor = floor
            );
            add("floor", 1, text);
        }
        if let Some(Ineligible::Forfeit) = pool.ineligible {
            let text = say!(
                self.lang,
                "Winners who are not eligible weigh in the division as well, but are not paid: their shares stay undistributed.",
                "不符合条件的获奖者仍计入分母，但不获发放；其份额不再分配。"
            );
            add("ineligible", 1, text);
        }
        clauses
    }

    fn amount(&self, amount: &PoolAmount) -> String {
        match amount {
            PoolAmount::Fixed { amount } => {
                let amount = self.money(*amount);
                say!(self.lang, "It holds {amount}.", "金额为 {amount}。", amount = amount)
            }
            PoolAmount::ByDecision => say!(
                self.lang,
                "How much it holds is decided by people; nothing until then.",
                "金额由人工决定；决定之前为零。"
            ),
            PoolAmount::Open => {
                say!(
                    self.lang,
                    "It holds what is paid from it, whatever that is.",
                    "金额不设上限，等于应付总额。"
                )
            }
            PoolAmount::Tiers { mode: TierMode::Highest, .. } => {
                say!(
                    self.lang,
                    "It holds the amount of the highest open tier.",
                    "金额为已开启的最高档的金额。"
                )
            }
            PoolAmount::Tiers { mode: TierMode::NewlyUnlocked, base, metric, .. } => say!(
                self.lang,
                "It holds the amount of the highest open tier, less that of the highest tier at or below {base}.",
                "金额为已开启的最高档的金额，减去 {base} 所达最高档的金额。",
                base = self.quantity(*base, metric)
            ),
        }
    }

    fn tier(&self, at: &str, tier: &Tier, track: &str) -> String {
        let amount = self.money(tier.amount);
        match &tier.gate {
            None => {
                say!(self.lang, "From {at} on: {amount}.", "达到 {at}：{amount}。", at = at, amount = amount)
            }
            Some(gate) => say!(
                self.lang,
                "From {at} on: {amount}, if the sum of {metric} over {population}{track} is at least {each} in every region.",
                "达到 {at}：{amount}，前提是每个地区内{track}{population}的 {metric} 之和不低于 {each}。",
                at = at,
                amount = amount,
                metric = gate.metric,
                population = self.population(gate.population),
                track = track,
                each = self.quantity(gate.each_region, &gate.metric)
            ),
        }
    }

    fn divide(&self, divide: &Divide) -> String {
        match divide {
            Divide::Weight { metric } => say!(
                self.lang,
                "It is divided among the winners in proportion to their {metric}.",
                "按获奖者的 {metric} 所占比例分配。",
                metric = metric
            ),
            Divide::Flat { each } => {
                let each = self.money(*each);
                say!(self.lang, "Each winner gets {each}.", "每个获奖者得 {each}。", each = each)
            }
            Divide::Equal => {
                say!(self.lang, "It is divided among the winners in equal parts.", "由获奖者平分。")
            }
            Divide::Metric { metric } => say!(
                self.lang,
                "Each winner gets as much as its {metric}.",
                "每个获奖者得到与其 {metric} 相等的金额。",
                metric = metric
            ),
        }
    }

    fn rounding(&self, rounding: Rounding) -> String {
        match rounding {
            Rounding::Floor => say!(
                self.lang,
                "Shares are rounded down to whole atto{coin}; what is left is not paid.",
                "份额向下取整到 atto{coin}；余数不发放。",
                coin = self.coin()
            ),
            Rounding::LargestRemainder => say!(
                self.lang,
                "Shares are rounded down to whole atto{coin}; what is left goes to the largest fractions, one atto{coin} each.",
                "份额向下取整到 atto{coin}；余数按小数部分从大到小各补一个 atto{coin}。",
                coin = self.coin()
            ),
        }
    }
}
