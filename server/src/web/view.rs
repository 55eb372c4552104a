use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::ask::{Ask, Form};
use super::problem::Problem;

/// What a page shows: one struct that becomes the page, its JSON twin and, where it has a table, its CSV twin.
pub(crate) trait View: Serialize {
    /// The page.
    fn html(&self, ask: &Ask) -> askama::Result<String>;

    /// Whether it is the same for ever: it tells of an epoch that was asked for, that can no longer change, and of nothing after it.
    fn is_settled(&self) -> bool {
        false
    }

    /// Whether it is only good until a newer one can be made: nobody keeps it.
    fn is_passing(&self) -> bool {
        false
    }

    /// The table, see [`Csv`]; `None` where the page has none.
    fn csv(&self) -> Option<Csv> {
        None
    }
}

impl Ask {
    /// `view` in the form that was asked for.
    pub(crate) fn answer(&self, view: &impl View) -> Result<Response, Problem> {
        let mut response = match self.form {
            Form::Html => {
                ([(header::CONTENT_LANGUAGE, self.language.tag())], Html(view.html(self)?)).into_response()
            }
            Form::Json => {
                let text = serde_json::to_vec(view)?;
                ([(header::CONTENT_TYPE, "application/json")], text).into_response()
            }
            Form::Csv => {
                let csv = view.csv().ok_or_else(|| Problem::NoTable { page: self.path.to_string() })?;
                ([(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")], csv.into_bytes())
                    .into_response()
            }
        };
        let fresh = match self.form {
            _ if view.is_passing() => "no-store",
            _ if !view.is_settled() => return Ok(response),
            // Its figures are for ever; how a page looks goes with the program and its stylesheet.
            Form::Html => "public, max-age=86400, immutable",
            Form::Json | Form::Csv => "public, max-age=31536000, immutable",
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(fresh));
        Ok(response)
    }
}

/// A table as RFC 4180 wants it: a header, CRLF, quotes where needed. A cell that a spreadsheet would run as a formula is led by an apostrophe.
///
/// A clone is the same text: some tables are large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Csv(Arc<String>);

impl AsRef<[u8]> for Csv {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Csv {
    /// A table with these column names.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut csv = Self::default();
        csv.row(columns);
        csv
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Add a row.
    pub(crate) fn row(&mut self, cells: &[&str]) {
        let text = Arc::make_mut(&mut self.0);
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            let cell = if formula { format!("'{cell}") } else { (*cell).to_owned() };
            if cell.contains([',', '"', '\n', '\r']) {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(&cell);
            }
        }
        text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_run_as_formulas() {
        let mut csv = Csv::new(&["rank", "name"]);
        csv.row(&["=1", "a,\"b\""]);
        csv.row(&["", "@SUM(A1)\nx"]);
        assert_eq!(*csv.0, "rank,name\r\n'=1,\"a,\"\"b\"\"\"\r\n,\"'@SUM(A1)\nx\"\r\n");
    }

    #[test]
    fn a_table_is_handed_over_without_a_copy() {
        let csv = Csv::new(&["rank", "name"]);
        let answer = csv.clone().into_bytes();
        assert_eq!((answer.as_ptr(), answer.len()), (csv.0.as_ptr(), csv.len()));
    }
}
