//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11, §§ 3 and 4): lists of strings with parameters (RFC 9651).

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The largest integer of a structured field (RFC 9651 § 3.3.1).
const LARGEST: u128 = 999_999_999_999_999;

/// A quota of requests, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota<'a> {
    /// Its name: of a–z, 0–9 and -.
    pub(crate) name: &'a str,
    /// Requests,
    pub(crate) quota: u128,
    /// in so many seconds; `None` for a quota that does not come back.
    pub(crate) window: Option<u64>,
    /// How many are left.
    pub(crate) left: u128,
    /// Seconds until there are some again, where none are left.
    pub(crate) wait: Option<u64>,
}

/// Say them. `Retry-After` is the caller's: it takes precedence.
pub(crate) fn say(headers: &mut HeaderMap, quotas: &[Quota<'_>]) {
    let (mut policy, mut limit) = (String::new(), String::new());
    for Quota { name, quota, window, left, wait } in quotas {
        let comma = if policy.is_empty() { "" } else { ", " };
        let (quota, left) = ((*quota).min(LARGEST), (*left).min(LARGEST));
        let window =
            window.filter(|window| *window > 0).map_or_else(String::new, |window| format!(";w={window}"));
        let wait = wait.map_or_else(String::new, |wait| format!(";t={wait}"));
        // Writing to a string does not fail.
        let _ = write!(policy, "{comma}\"{name}\";q={quota}{window}");
        let _ = write!(limit, "{comma}\"{name}\";r={left}{wait}");
    }
    // Names of rules and gates have no letter that a header could not hold.
    for (header, value) in [(POLICY, policy), (LIMIT, limit)] {
        if let Some(value) = HeaderValue::try_from(value).ok().filter(|value| !value.is_empty()) {
            headers.insert(header, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use sfv::{BareItem, List, ListEntry, Parser};

    use super::*;

    /// The names of a list with their parameters.
    fn parsed(headers: &HeaderMap, name: &str) -> Vec<(String, Vec<(String, i64)>)> {
        let list: List = Parser::new(headers[name].as_bytes()).parse().unwrap();
        let item = |entry: ListEntry| {
            let ListEntry::Item(item) = entry else { panic!("no item") };
            let BareItem::String(name) = item.bare_item else { panic!("no string") };
            let parameter = |(key, value): (sfv::Key, BareItem)| {
                let BareItem::Integer(value) = value else { panic!("{key:?} is no integer") };
                (key.as_str().to_owned(), i64::from(value))
            };
            (name.as_str().to_owned(), item.params.into_iter().map(parameter).collect())
        };
        list.into_iter().map(item).collect()
    }

    #[test]
    fn what_is_said_parses_as_structured_fields_of_the_draft() {
        let quota = |name, quota, window, left, wait| Quota { name, quota, window, left, wait };
        let mut headers = HeaderMap::new();
        let quotas = [
            quota("identity-day", 1, Some(86_400), 0, Some(17)),
            quota("identity-ever", 3, None, 2, None),
            quota("odd", u128::MAX, Some(0), u128::MAX, Some(0)),
        ];
        say(&mut headers, &quotas);
        let of =
            |pairs: &[(&str, i64)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        let named = |name: &str, pairs: &[(&str, i64)]| (name.to_owned(), of(pairs));
        assert_eq!(
            parsed(&headers, "ratelimit-policy"),
            [
                named("identity-day", &[("q", 1), ("w", 86_400)]),
                named("identity-ever", &[("q", 3)]),
                named("odd", &[("q", 999_999_999_999_999)]),
            ]
        );
        assert_eq!(
            parsed(&headers, "ratelimit"),
            [
                named("identity-day", &[("r", 0), ("t", 17)]),
                named("identity-ever", &[("r", 2)]),
                named("odd", &[("r", 999_999_999_999_999), ("t", 0)]),
            ]
        );
    }

    #[test]
    fn nothing_is_said_of_no_quota() {
        let mut headers = HeaderMap::new();
        say(&mut headers, &[]);
        assert!(headers.is_empty(), "an empty list is no field (RFC 9651 § 3.1)");
    }
}
