use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use apogee_domain::{Epoch, Timestamp};
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::problem::Problem;

/// The query of a page.
///
/// It refuses names that it does not know: a mistyped one would be silently ignored, and invented ones would fill the cache.
pub(crate) trait Questions: Default {
    /// Take a part of the query.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why>;
}

/// Why a part of a query was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The page knows no such name.
    Name,
    /// The name stands twice.
    Twice,
    /// An epoch has to be written `e:51204`.
    Epoch,
    /// It has to be a number.
    Number,
    /// It has to be a column of the board.
    Column,
    /// It has to be one of a few words.
    Choice,
}

impl Why {
    /// The message that says it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Name => "detail-query-name",
            Self::Twice => "detail-query-twice",
            Self::Epoch => "detail-query-epoch",
            Self::Number => "detail-query-number",
            Self::Column => "detail-query-column",
            Self::Choice => "detail-query-choice",
        }
    }
}

/// A part of a query that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) why: Why,
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: Questions, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Whatever bytes there are, they are pairs of names and values.
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let (mut asked, mut known) = (T::default(), HashSet::new());
        for (name, value) in pairs.map(|Query(pairs)| pairs).unwrap_or_default() {
            let taken = if known.contains(&name) { Err(Why::Twice) } else { asked.take(&name, &value) };
            if let Err(why) = taken {
                return Err(Problem::Query(Unreadable { name, value, why }));
            }
            known.insert(name);
        }
        Ok(Self(asked))
    }
}

/// A query of nothing.
#[derive(Debug, Default)]
pub(crate) struct Nothing;

impl Questions for Nothing {
    fn take(&mut self, _: &str, _: &str) -> Result<(), Why> {
        Err(Why::Name)
    }
}

/// A query of nothing but `?at=`.
#[derive(Debug, Default)]
pub(crate) struct AtQuery {
    pub(crate) at: Option<At>,
}

impl Questions for AtQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "at" => self.at = Some(value.parse()?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// A whole number.
pub(crate) fn number(text: &str) -> Result<usize, Why> {
    text.parse().map_err(|_| Why::Number)
}

/// `?at=`: which moment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// `e:51204`
    Epoch(Epoch),
    /// `2020-09-01T00:00Z`: the epoch of that time.
    Time(Timestamp),
    /// `final`: the newest epoch that can no longer change.
    Final,
}

impl FromStr for At {
    type Err = Why;
    fn from_str(text: &str) -> Result<Self, Why> {
        if text == "final" {
            return Ok(Self::Final);
        }
        // A form sends what a person typed: the number alone.
        let epoch = text.strip_prefix("e:").unwrap_or(text).parse().map(Self::Epoch);
        epoch.or_else(|_| text.parse().map(Self::Time)).map_err(|_| Why::Epoch)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoch(epoch) => write!(f, "e:{epoch}"),
            Self::Time(time) => time.fmt(f),
            Self::Final => f.write_str("final"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn at(query: &str) -> Result<Option<At>, Unreadable> {
        let request = axum::http::Request::get(format!("/{query}")).body(()).unwrap();
        match Asked::<AtQuery>::from_request_parts(&mut request.into_parts().0, &()).await {
            Ok(Asked(asked)) => Ok(asked.at),
            Err(Problem::Query(unreadable)) => Err(unreadable),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn an_epoch_is_read_in_every_form_that_people_write() {
        let epoch = |height| Ok(Some(At::Epoch(Epoch::new(height).unwrap())));
        for (query, expected) in [
            ("", Ok(None)),
            ("?at=e:5", epoch(5)),
            ("?at=e%3A5", epoch(5)),
            ("?at=5", epoch(5)),
            ("?at=final", Ok(Some(At::Final))),
            ("?at=1970-01-01T00:01Z", Ok(Some(At::Time(Timestamp::from_seconds(60))))),
        ] {
            assert_eq!(at(query).await, expected, "{query}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named_with_its_reason() {
        for (query, name, value, why) in [
            ("?at=soon", "at", "soon", Why::Epoch),
            ("?at=", "at", "", Why::Epoch),
            ("?at=e:-1", "at", "e:-1", Why::Epoch),
            ("?at=e:99999999999999999999", "at", "e:99999999999999999999", Why::Epoch),
            ("?at=%ff", "at", "\u{fffd}", Why::Epoch),
            ("?at=1&at=2", "at", "2", Why::Twice),
            ("?sort=x", "sort", "x", Why::Name),
            ("?%00", "\0", "", Why::Name),
        ] {
            let unreadable = Unreadable { name: name.into(), value: value.into(), why };
            assert_eq!(at(query).await, Err(unreadable), "{query}");
        }
    }
}
