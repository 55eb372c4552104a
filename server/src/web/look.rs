//! How a visitor wants pages to look. It is kept in a cookie of their own, and nowhere else.

use std::fmt;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::problem::Problem;
use super::query::{Asked, Questions, Why};

const COOKIE: &str = "look";

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Theme {
    /// Those of the visitor's system.
    #[default]
    System,
    Light,
    Dark,
}

/// In which zone moments are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Zone {
    #[default]
    Utc,
    /// UTC+8.
    East8,
}

/// What a visitor chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) theme: Theme,
    pub(crate) zone: Zone,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As in the cookie, the form and `data-theme`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

impl Zone {
    pub(crate) const ALL: [Self; 2] = [Self::Utc, Self::East8];

    /// As in the cookie and the form.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::East8 => "utc8",
        }
    }

    /// Later than UTC.
    pub(super) const fn hours(self) -> u32 {
        match self {
            Self::Utc => 0,
            Self::East8 => 8,
        }
    }

    /// As people write it.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::East8 => "UTC+8",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.name() == name)
    }
}

impl Look {
    /// What the cookie of a request says; what it says wrongly is not said.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
        let said = pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, value)| value.trim());
        let (theme, zone) = said.and_then(|said| said.split_once('.')).unwrap_or_default();
        Self { theme: Theme::of(theme).unwrap_or_default(), zone: Zone::of(zone).unwrap_or_default() }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.theme.name(), self.zone.name())
    }
}

/// What the form says, and the page that it stands on.
#[derive(Debug, Default)]
pub(crate) struct LookQuery {
    look: Look,
    to: String,
}

impl Questions for LookQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "theme" => self.look.theme = Theme::of(value).ok_or(Why::Choice)?,
            "zone" => self.look.zone = Zone::of(value).ok_or(Why::Choice)?,
            "to" => self.to = value.to_owned(),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /look`: keep what was chosen, and go back.
pub(super) async fn choose(Asked(LookQuery { look, to }): Asked<LookQuery>) -> Result<Response, Problem> {
    let cookie = format!("{COOKIE}={look}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    let mut response = Redirect::to(own(&to)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// An address of this service; home for any other: nobody is led elsewhere by a link to here.
fn own(to: &str) -> &str {
    if is_own_address(to) { to } else { "/" }
}

/// Whether it is an address of this service, as browsers read it: `/\evil.example` is another's.
pub(crate) fn is_own_address(to: &str) -> bool {
    let foreign = to.starts_with("//") || to.contains('\\');
    to.starts_with('/') && !foreign && to.parse::<PathAndQuery>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_says_what_was_chosen_and_nothing_else() {
        let look = |cookie: &str| {
            Look::of(&HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())]))
        };
        let dark = Look { theme: Theme::Dark, zone: Zone::East8 };
        assert_eq!(look(&format!("a=b; {COOKIE}={dark}; c=d")), dark);
        for wrong in ["", "look", "look=", "look=pink.utc", "look=<script>.mars", "looks=dark.utc8"] {
            assert_eq!(look(wrong), Look::default(), "{wrong}");
        }
        assert_eq!(Look::of(&HeaderMap::new()), Look::default());
    }

    #[test]
    fn nobody_is_led_to_another_service() {
        for (to, there) in [
            ("/zh/n/devnet-a/board?at=e:5", "/zh/n/devnet-a/board?at=e:5"),
            ("//evil.example/", "/"),
            ("/\\evil.example/", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(own(to), there, "{to}");
        }
    }
}
