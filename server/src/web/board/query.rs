use apogee_domain::SeriesName;

use super::Row;
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

    /// Put rows in order: stable, so that equal ones stay in the order of their ranks.
    pub(super) fn order(&self, columns: &[SeriesName], rows: &mut [Row]) -> Result<(), Problem> {
        let Some((by, descending)) = self.sorted() else { return Ok(()) };
        match columns.iter().find(|series| series.as_str() == by) {
            Some(series) => {
                let value = |row: &Row| row.values.get(series.as_str()).and_then(|figure| figure.value);
                // What is unknown comes last both ways.
                rows.sort_by(|a, b| match (value(a), value(b)) {
                    (Some(a), Some(b)) if descending => b.cmp(&a),
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                });
            }
            None if by == "participant" => {
                rows.sort_by(|a, b| a.standing.standing.subject.cmp(&b.standing.standing.subject));
                if descending {
                    rows.reverse();
                }
            }
            None => {
                let (name, value) = ("sort".to_owned(), by.to_owned());
                return Err(Problem::Query(Unreadable { name, value, why: Why::Column }));
            }
        }
        Ok(())
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
