use super::cursor::{Node, Object, Reader};
use crate::{
    Board, Cap, Cutoff, Divide, Gate, Partition, Pool, PoolAmount, Population, Quantity, Rounding, Tier,
    TierMode,
};

impl Reader {
    pub(super) fn board(&mut self, node: Node<'_>) -> Option<Board> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let track = self.optional(&mut o, "track", |r, n| r.parsed(&n));
        let metric = self.needed(&mut o, "metric", |r, n| r.parsed(&n));
        let population = self.usual(&mut o, "population", |r, n| r.word(&n), || Population::Eligible);
        let partition = self.usual(&mut o, "partition", |r, n| r.word(&n), || Partition::None);
        let top = self.optional(&mut o, "top", |r, n| r.number(&n));
        let above = self.optional(&mut o, "above", Self::quantity);
        let cutoff = match top {
            Some(None) => self.usual(&mut o, "cutoff", |r, n| r.word(&n), || Cutoff::IncludeAll),
            _ => self.needed(&mut o, "cutoff", |r, n| r.word(&n)),
        };
        self.close(&o);
        Some(Board {
            id: id?,
            track: track?,
            metric: metric?,
            population: population?,
            partition: partition?,
            top: top?,
            above: above?,
            cutoff: cutoff?,
        })
    }

    pub(super) fn pool(&mut self, node: Node<'_>) -> Option<Pool> {
        let mut o = self.object(&node)?;
        let id = self.needed(&mut o, "id", |r, n| r.parsed(&n));
        let board = self.needed(&mut o, "board", |r, n| r.parsed(&n));
        let amount = self.needed(&mut o, "amount", Self::amount);
        let divide = self.needed(&mut o, "divide", Self::divide);
        let rounding = self.usual(&mut o, "rounding", |r, n| r.word(&n), || Rounding::Floor);
        let cap = self.optional(&mut o, "cap", Self::cap);
        let floor = self.optional(&mut o, "floor", Self::quantity);
        let ineligible = self.optional(&mut o, "ineligible", |r, n| r.word(&n));
        self.close(&o);
        Some(Pool {
            id: id?,
            board: board?,
            amount: amount?,
            divide: divide?,
            rounding: rounding?,
            cap: cap?,
            floor: floor?,
            ineligible: ineligible?,
        })
    }

    pub(super) fn amount(&mut self, node: Node<'_>) -> Option<PoolAmount> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let amount = match kind.0 {
            "fixed" => {
                let amount = self.needed(o, "amount", Self::quantity);
                amount.map(|amount| PoolAmount::Fixed { amount })
            }
            "by-decision" => Some(PoolAmount::ByDecision),
            "tiers" => self.tiers(o),
            "open" => Some(PoolAmount::Open),
            _ => return self.unknown_kind(&kind, "fixed, by-decision, tiers, open"),
        };
        self.close(o);
        amount
    }

    pub(super) fn tiers(&mut self, o: &mut Object<'_>) -> Option<PoolAmount> {
        let mode = self.usual(o, "mode", |r, n| r.word(&n), || TierMode::Highest);
        let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
        let population = self.needed(o, "population", |r, n| r.word(&n));
        let base = self.usual(o, "base", Self::quantity, || Quantity::ZERO);
        let tiers = self.needed(o, "tiers", |r, n| r.list(&n, Self::tier));
        Some(PoolAmount::Tiers {
            mode: mode?,
            metric: metric?,
            population: population?,
            base: base?,
            tiers: tiers?,
        })
    }

    pub(super) fn tier(&mut self, node: Node<'_>) -> Option<Tier> {
        let mut o = self.object(&node)?;
        let at = self.needed(&mut o, "at", Self::quantity);
        let amount = self.needed(&mut o, "amount", Self::quantity);
        let gate = self.optional(&mut o, "gate", Self::gate);
        self.close(&o);
        Some(Tier { at: at?, amount: amount?, gate: gate? })
    }

    pub(super) fn gate(&mut self, node: Node<'_>) -> Option<Gate> {
        let mut o = self.object(&node)?;
        let metric = self.needed(&mut o, "metric", |r, n| r.parsed(&n));
        let population = self.needed(&mut o, "population", |r, n| r.word(&n));
        let each_region = self.needed(&mut o, "each_region", Self::quantity);
        self.close(&o);
        Some(Gate { metric: metric?, population: population?, each_region: each_region? })
    }

    pub(super) fn divide(&mut self, node: Node<'_>) -> Option<Divide> {
        let mut o = self.object(&node)?;
        let kind = self.kind(&mut o)?;
        let o = &mut o;
        let divide = match kind.0 {
            "weight" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                metric.map(|metric| Divide::Weight { metric })
            }
            "flat" => {
                let each = self.needed(o, "each", Self::quantity);
                each.map(|each| Divide::Flat { each })
            }
            "equal" => Some(Divide::Equal),
            "metric" => {
                let metric = self.needed(o, "metric", |r, n| r.parsed(&n));
                metric.map(|metric| Divide::Metric { metric })
            }
            _ => return self.unknown_kind(&kind, "weight, flat, equal, metric"),
        };
        self.close(o);
        divide
    }

    pub(super) fn cap(&mut self, node: Node<'_>) -> Option<Cap> {
        let mut o = self.object(&node)?;
        let share = self.needed(&mut o, "share", Self::ratio);
        let excess = self.needed(&mut o, "excess", |r, n| r.word(&n));
        self.close(&o);
        Some(Cap { share: share?, excess: excess? })
    }
}
