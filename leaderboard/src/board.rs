use std::cmp::Reverse;
use std::num::NonZeroU32;

use apogee_rules::{Board, Cutoff, Id, Partition, Population, Problem};

use crate::measure::Measure;
use crate::stand::Stage;
use crate::standings::{BoardList, BoardRow, EntityRow, Won};

/// One list of a board: everybody, or one region.
#[derive(Debug)]
pub(crate) struct List<'a> {
    pub(crate) board: &'a Board,
    pub(crate) region: Option<&'a Id>,
    /// Place of the metric by which it is ranked.
    pub(crate) metric: usize,
    pub(crate) rows: Vec<Row>,
}

/// A row of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Place of the competitor.
    pub(crate) competitor: u32,
    pub(crate) rank: Option<NonZeroU32>,
    pub(crate) tied: bool,
    pub(crate) wins: Wins,
}

/// How much of a place is won: `places` of `among`; both 1 for a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wins {
    pub(crate) places: u32,
    pub(crate) among: u32,
}

impl Wins {
    pub(crate) const NONE: Self = Self { places: 0, among: 1 };
    pub(crate) const WHOLE: Self = Self { places: 1, among: 1 };
}

impl List<'_> {
    /// The list as it is published.
    pub(crate) fn result(self, rows: &[EntityRow]) -> BoardList {
        let row = |row: Row| {
            let entity = rows.get(row.competitor as usize)?;
            let (id, value) = (entity.id.clone(), entity.measures.get(self.metric)?.clone());
            Some(BoardRow {
                entity: id,
                rank: row.rank.map(|rank| rank.get().into()),
                tied: row.tied,
                value,
                wins: Won::from(row.wins),
            })
        };
        let mut published = Vec::with_capacity(self.rows.len());
        published.extend(self.rows.into_iter().filter_map(row));
        BoardList { board: self.board.id.clone(), region: self.region.cloned(), rows: published }
    }
}

/// All lists of all boards, in the order of the rules and of the competition's regions.
pub(crate) fn lists<'a>(stage: &Stage<'a>) -> Result<Vec<List<'a>>, Problem> {
    let mut lists = Vec::new();
    for board in &stage.rules.boards {
        let metric = stage.meter.plans.place(&board.metric, &format!("boards.{}.metric", board.id))?;
        match board.partition {
            Partition::None => lists.push(list(stage, board, metric, None)),
            Partition::Region => {
                let regions = stage.rules.competition.regions.iter().zip(0_u32..);
                lists.extend(regions.map(|region| list(stage, board, metric, Some(region))));
            }
        }
    }
    Ok(lists)
}

fn list<'a>(stage: &Stage<'a>, board: &'a Board, metric: usize, region: Option<(&'a Id, u32)>) -> List<'a> {
    let here = stage.field.list.iter().zip(0_u32..).filter(|(competitor, index)| {
        region.is_none_or(|(_, place)| competitor.place == Some(place))
            && competitor.is_in(board.track.as_ref())
            && (board.population == Population::All || stage.is_eligible(*index))
    });
    let here = here.map(|(_, index)| index).collect();
    let mut rows = ranked(here, |index| stage.measure(index, metric));
    choose(&mut rows, board, stage, metric);
    List { board, region: region.map(|(region, _)| region), metric, rows }
}

/// Rows in order: largest first, unknown last, equals by id; who competes comes by id.
fn ranked<'m>(mut here: Vec<u32>, value: impl Fn(u32) -> &'m Measure) -> Vec<Row> {
    if here.iter().all(|index| value(*index).fraction().is_none()) {
        // Whole numbers are sorted beside their competitors: looking each of them up would cost more than sorting.
        let mut keyed: Vec<_> = here.iter().map(|index| (Reverse(value(*index).whole()), *index)).collect();
        keyed.sort_unstable();
        here = keyed.into_iter().map(|(_, index)| index).collect();
    } else {
        here.sort_by(|left, right| value(*right).order(value(*left)));
    }
    let mut rows: Vec<Row> = Vec::with_capacity(here.len());
    for equal in here.chunk_by(|left, right| value(*left).order(value(*right)).is_eq()) {
        let rank = u32::try_from(rows.len() + 1).ok().and_then(NonZeroU32::new);
        rows.extend(equal.iter().map(|competitor| {
            let known = value(*competitor).is_known();
            let (rank, tied) = (rank.filter(|_| known), known && equal.len() > 1);
            Row { competitor: *competitor, rank, tied, wins: Wins::NONE }
        }));
    }
    rows
}

/// Mark the winners (`docs/rules.md` §9, 4).
fn choose(rows: &mut [Row], board: &Board, stage: &Stage<'_>, metric: usize) {
    let mut left = board.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
    for equal in rows.chunk_by_mut(|left, right| left.rank == right.rank) {
        let running = |row: &Row| {
            row.rank.is_some()
                && stage.measure(row.competitor, metric).is_above(board.above)
                && !stage.is_disqualified(row.competitor)
        };
        let mut group: Vec<&mut Row> = equal.iter_mut().filter(|row| running(row)).collect();
        if left == 0 || group.is_empty() {
            continue;
        }
        if group.len() <= left {
            left -= group.len();
            group.iter_mut().for_each(|row| row.wins = Wins::WHOLE);
            continue;
        }
        match board.cutoff {
            Cutoff::None => {}
            Cutoff::IncludeAll => group.iter_mut().for_each(|row| row.wins = Wins::WHOLE),
            Cutoff::ById => group.iter_mut().take(left).for_each(|row| row.wins = Wins::WHOLE),
            Cutoff::Earliest => {
                group.sort_by_cached_key(|row| stage.last_change(row.competitor, metric));
                group.iter_mut().take(left).for_each(|row| row.wins = Wins::WHOLE);
            }
            Cutoff::Split => {
                let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
                let wins = Wins { places: small(left), among: small(group.len()) };
                group.iter_mut().for_each(|row| row.wins = wins);
            }
        }
        left = 0;
    }
}
