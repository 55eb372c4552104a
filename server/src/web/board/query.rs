use apogee_domain::SeriesName;
use apogee_rankings::{By, Column};

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
    fn a_search_survives_being_part_of_an_address() {
        assert_eq!(encoded("t01&at=<\u{4e2d}"), "t01%26at%3D%3C%E4%B8%AD");
    }
}
