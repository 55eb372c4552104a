use std::cmp::{Ordering, Reverse};

use apogee_leaderboard::{BoardRow, EntityRow, Measure, Standings};

use crate::web::competition::TripleQuery;
use crate::web::competition::status::{Judge, Status};
use crate::web::problem::Problem;
use crate::web::query::{Questions, Unreadable, Why, number};

/// Who is shown of a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Show {
    #[default]
    All,
    Eligible,
    Unclaimed,
}

impl Show {
    pub(super) const ALL: [Self; 3] = [Self::All, Self::Eligible, Self::Unclaimed];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Eligible => "eligible",
            Self::Unclaimed => "unclaimed",
        }
    }

    pub(super) const fn takes(self, row: &EntityRow) -> bool {
        match self {
            Self::All => true,
            Self::Eligible => row.eligible,
            Self::Unclaimed => !row.claimed,
        }
    }
}

/// How a board of a competition is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoardQuery {
    pub(super) triple: TripleQuery,
    /// Which list, where the board is divided by region.
    pub(super) region: Option<String>,
    pub(super) show: Show,
    /// Part of a name or id.
    pub(super) q: Option<String>,
    /// A column, with `-` before it for the largest first.
    pub(super) sort: Option<String>,
    pub(super) page: Option<usize>,
    pub(super) limit: Option<usize>,
    /// The entity whose row is unfolded.
    pub(super) open: Option<String>,
    /// The entity of whoever looks.
    pub(super) me: Option<String>,
}

impl Questions for BoardQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        // A form sends its empty fields too.
        let given = || (!value.is_empty()).then(|| value.to_owned());
        match name {
            "region" => self.region = given(),
            "show" => {
                let show = Show::ALL.into_iter().find(|show| show.name() == value);
                self.show = show.ok_or(Why::Choice)?;
            }
            "q" => self.q = given(),
            "sort" => self.sort = given(),
            "page" => self.page = Some(number(value)?),
            "limit" => self.limit = Some(number(value)?),
            "open" => self.open = given(),
            "me" => self.me = given(),
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// What rows are sorted by.
enum By {
    Name,
    Region,
    Status,
    Amount,
    Metric(String),
}

impl BoardQuery {
    pub(super) fn search(&self) -> Option<String> {
        let search = self.q.as_deref()?.trim().to_lowercase();
        (!search.is_empty()).then_some(search)
    }

    /// The column that is sorted by, and whether its largest comes first.
    pub(super) fn sorted(&self) -> Option<(&str, bool)> {
        let sort = self.sort.as_deref()?;
        Some(sort.strip_prefix('-').map_or((sort, false), |column| (column, true)))
    }

    /// Put rows in order: stable, so that equal ones stay in the order of their ranks.
    pub(super) fn order(
        &self,
        standings: &Standings,
        judge: &Judge<'_>,
        metrics: &[&str],
        rows: &mut [(&BoardRow, &EntityRow)],
    ) -> Result<(), Problem> {
        let Some((column, descending)) = self.sorted() else { return Ok(()) };
        let by = match column {
            "name" => By::Name,
            "region" => By::Region,
            "status" => By::Status,
            "amount" => By::Amount,
            metric if metrics.contains(&metric) => By::Metric(metric.to_owned()),
            _ => {
                let (name, value) = ("sort".to_owned(), column.to_owned());
                return Err(Problem::Query(Unreadable { name, value, why: Why::Column }));
            }
        };
        let amount = |row: &EntityRow| standings.payout(row.id.as_str()).map_or(0, |payout| payout.total.0);
        match by {
            By::Name => rows.sort_by_cached_key(|(_, row)| row.name().to_lowercase()),
            By::Region => rows.sort_by_key(|(_, row)| (row.region.is_none(), row.region.clone())),
            By::Status => rows.sort_by_cached_key(|(_, row)| status(judge, row)),
            By::Amount => rows.sort_by_cached_key(|(_, row)| amount(row)),
            By::Metric(metric) => {
                rows.sort_by(|(_, a), (_, b)| known(a.metric(&metric), b.metric(&metric), descending));
                return Ok(());
            }
        }
        if descending {
            rows.reverse();
        }
        Ok(())
    }
}

fn status(judge: &Judge<'_>, row: &EntityRow) -> (Status, Reverse<usize>) {
    let standing = judge.look(row);
    (standing.status, Reverse(standing.failing))
}

/// What is unknown comes last both ways.
fn known(a: Option<&Measure>, b: Option<&Measure>, descending: bool) -> Ordering {
    let value = |measure: Option<&Measure>| measure.filter(|measure| measure.is_known()).cloned();
    match (value(a), value(b)) {
        (Some(a), Some(b)) => {
            let order = a.whole().cmp(&b.whole()).then_with(|| a.fraction().cmp(&b.fraction()));
            if descending { order.reverse() } else { order }
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
