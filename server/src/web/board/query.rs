use apogee_domain::SeriesName;
use apogee_rankings::{By, Column};

use super::{MOST, ROWS};
use crate::web::ask::Form;
use crate::web::problem::Problem;
use crate::web::query::{At, Questions, Unreadable, Why, number};

/// How a board is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoardQuery {
    pub(super) at: Option<At>,
    /// A series, with `-` before it for the largest first; `participant`; by default the rank.
    pub(super) sort: Option<String>,
    /// Part of an address.
    pub(super) q: Option<String>,
    pub(super) page: Option<usize>,
    pub(super) limit: Option<usize>,
}

impl Questions for BoardQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "at" => self.at = Some(value.parse()?),
            "sort" => self.sort = Some(value.to_owned()),
            "q" => self.q = Some(value.to_owned()),
            "page" => self.page = Some(number(value)?),
            "limit" => self.limit = Some(number(value)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

impl BoardQuery {
    pub(super) fn search(&self) -> Option<String> {
        let search = self.q.as_deref()?.trim().to_ascii_lowercase();
        (!search.is_empty()).then_some(search)
    }

    /// Rows that are passed over, and how many are taken of those that follow. A table for spreadsheets is whole unless a part of it is asked for,
    /// which may have more rows than other pages.
    pub(super) fn extent(&self, form: Form) -> (usize, usize) {
        let most = if form == Form::Csv { usize::MAX } else { MOST };
        let taken = match self.limit {
            None if form == Form::Csv && self.page.is_none() => usize::MAX,
            limit => limit.unwrap_or(ROWS).clamp(1, most),
        };
        (taken.saturating_mul(self.page.unwrap_or(1).saturating_sub(1)), taken)
    }

    /// The series that is sorted by, and whether its largest comes first.
    pub(super) fn sorted(&self) -> Option<(&str, bool)> {
        let sort = self.sort.as_deref()?;
        Some(sort.strip_prefix('-').map_or((sort, false), |series| (series, true)))
    }

    /// What rows are put in order by; `None` where it is the rank.
    pub(super) fn by(&self, columns: &[SeriesName]) -> Result<Option<By>, Problem> {
        let Some((by, descending)) = self.sorted() else { return Ok(None) };
        let column = match columns.iter().find(|series| series.as_str() == by) {
            Some(series) => Column::Series(series.clone()),
            None if by == "participant" => Column::Name,
            None => {
                let (name, value) = ("sort".to_owned(), by.to_owned());
                return Err(Problem::Query(Unreadable { name, value, why: Why::Column }));
            }
        };
        Ok(Some(By { column, descending }))
    }
}

/// What may stand in a query as it is; the rest as its bytes.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_whole_unless_a_part_of_it_is_asked_for() {
        let extent = |form, page, limit| BoardQuery { page, limit, ..BoardQuery::default() }.extent(form);
        for (page, limit, shown, table) in [
            (None, None, (0, 50), (0, usize::MAX)),
            (Some(3), None, (100, 50), (100, 50)),
            (None, Some(20), (0, 20), (0, 20)),
            (Some(3), Some(400_000), (1_000, 500), (800_000, 400_000)),
            (Some(0), Some(0), (0, 1), (0, 1)),
            (
                Some(usize::MAX),
                Some(usize::MAX),
                ((usize::MAX - 1).saturating_mul(500), 500),
                (usize::MAX, usize::MAX),
            ),
        ] {
            assert_eq!(extent(Form::Html, page, limit), shown, "{page:?} {limit:?}");
            assert_eq!(extent(Form::Json, page, limit), shown, "{page:?} {limit:?}");
            assert_eq!(extent(Form::Csv, page, limit), table, "{page:?} {limit:?}");
        }
    }

    #[test]
    fn a_search_survives_being_part_of_an_address() {
        assert_eq!(encoded("t01&at=<\u{4e2d}"), "t01%26at%3D%3C%E4%B8%AD");
    }
}
