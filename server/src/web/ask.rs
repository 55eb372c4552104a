use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;

use super::look::Look;
use super::private;

/// A language that pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    /// English, at addresses without a prefix.
    #[default]
    English,
    /// Simplified Chinese, below `/zh`.
    Chinese,
}

impl Language {
    /// As in `<html lang>` and `Content-Language`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What addresses in this language begin with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::English => "",
            Self::Chinese => "/zh",
        }
    }
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// A page.
    #[default]
    Html,
    /// The same as JSON, at the page's address with `.json`.
    Json,
    /// The page's table as CSV, at its address with `.csv`.
    Csv,
}

impl Form {
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Html => "",
            Self::Json => ".json",
            Self::Csv => ".csv",
        }
    }
}

/// What an address says beside which page it is: the language before the page's path, the form after it.
///
/// `/zh/n/devnet-a/board/power.raw.csv?at=e:120` is the page `/n/devnet-a/board/power.raw` in Chinese as CSV. Routes are those of pages: they
/// know neither languages nor forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ask {
    /// In which language.
    pub(crate) language: Language,
    /// In which form.
    pub(crate) form: Form,
    /// The page's path, without language and form.
    pub(crate) path: Box<str>,
    /// The query with its parts sorted, without `?`; empty where there is none.
    pub(crate) query: Box<str>,
    /// How a page is wanted to look. It is not part of the address: links say nothing of it.
    pub(crate) look: Look,
}

/// The page that has no name of its own, where a form needs one: `/index.json`.
const INDEX: &str = "/index";

impl Ask {
    /// Take an address apart.
    pub(crate) fn of(uri: &Uri) -> Self {
        let (language, path) = match uri.path().strip_prefix("/zh") {
            Some("") => (Language::Chinese, "/"),
            Some(rest) if rest.starts_with('/') => (Language::Chinese, rest),
            _ => (Language::English, uri.path()),
        };
        let form = |form: Form| path.strip_suffix(form.suffix()).map(|path| (form, path));
        let files = path.starts_with("/assets/");
        let (form, path) = if files { None } else { form(Form::Json).or_else(|| form(Form::Csv)) }
            .unwrap_or((Form::Html, path));
        let path = if path == INDEX && form != Form::Html { "/" } else { path };
        let mut parts: Vec<&str> =
            uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty()).collect();
        parts.sort_unstable();
        let query = parts.join("&").into();
        Self { language, form, path: path.into(), query, look: Look::default() }
    }

    /// The same for a visitor who wants pages to look like that; data and files look like nothing.
    pub(crate) fn looking(self, look: Look) -> Self {
        let is_page = self.form == Form::Html && !self.path.starts_with("/assets/");
        Self { look: if is_page { look } else { Look::default() }, ..self }
    }

    /// Whether the page takes a form by POST.
    pub(crate) fn takes_form(&self) -> bool {
        let rest = self.path.strip_prefix("/c/").and_then(|rest| rest.split_once('/'));
        matches!(rest, Some((_, "claim" | "maintenance")))
    }

    /// Whether the answer is a file of any length, which is kept nowhere and leaves while it is made.
    pub(crate) fn is_streamed(&self) -> bool {
        let rest = self.path.strip_prefix("/c/").and_then(|rest| rest.split_once('/'));
        matches!(rest, Some((_, "evidence.car" | "evidence.ndjson")))
    }

    /// Whether the page is of whoever asks for it: it is kept nowhere.
    pub(crate) fn is_private(&self) -> bool {
        private::is_private(&self.path)
    }

    /// The name that the answer is kept under: its address, and how it looks where that was chosen.
    pub(crate) fn name(&self) -> String {
        let address = self.address();
        // No address has a space.
        if self.look == Look::default() { address } else { format!("{address} {}", self.look) }
    }

    /// The address in its one form.
    fn address(&self) -> String {
        let path = if &*self.path == "/" && self.form != Form::Html { INDEX } else { &self.path };
        with_query(&format!("{}{path}{}", self.language.prefix(), self.form.suffix()), &self.query)
    }

    /// The address that routes know.
    pub(crate) fn route(&self) -> Uri {
        let address = with_query(&self.path, &self.query);
        PathAndQuery::try_from(address).map_or_else(|_| Uri::from_static("/"), Uri::from)
    }

    /// The address of another page, in the language of this one.
    pub(crate) fn to(&self, path: &str) -> String {
        match (self.language.prefix(), path) {
            ("", path) => path.to_owned(),
            (prefix, "/") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}{path}"),
        }
    }

    /// The address of this page in another form.
    pub(crate) fn twin(&self, form: Form) -> String {
        let path = if &*self.path == "/" && form != Form::Html { INDEX } else { &self.path };
        with_query(&format!("{path}{}", form.suffix()), &self.query)
    }

    /// The address of this page in another language.
    pub(crate) fn translated(&self, language: Language) -> String {
        let there = Self { language, ..Self::default() };
        with_query(&there.to(&self.path), &self.query)
    }
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

impl<S: Sync> FromRequestParts<S> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.uri)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: &str) -> Ask {
        Ask::of(&address.parse().unwrap())
    }

    #[test]
    fn an_address_says_language_page_and_form() {
        let board = ask("/zh/n/devnet-a/board/power.raw.csv?b=2&at=e:120&&");
        assert_eq!((board.language, board.form), (Language::Chinese, Form::Csv));
        assert_eq!((&*board.path, &*board.query), ("/n/devnet-a/board/power.raw", "at=e:120&b=2"));
        assert_eq!(board.address(), "/zh/n/devnet-a/board/power.raw.csv?at=e:120&b=2");
        assert_eq!(board.route().to_string(), "/n/devnet-a/board/power.raw?at=e:120&b=2");
        for (address, language, form, path) in [
            ("/", Language::English, Form::Html, "/"),
            ("/zh", Language::Chinese, Form::Html, "/"),
            ("/zh/", Language::Chinese, Form::Html, "/"),
            ("/zhang", Language::English, Form::Html, "/zhang"),
            ("/index.json", Language::English, Form::Json, "/"),
            ("/assets/a.json", Language::English, Form::Html, "/assets/a.json"),
        ] {
            let found = ask(address);
            assert_eq!((found.language, found.form, &*found.path), (language, form, path), "{address}");
        }
    }

    #[test]
    fn pages_link_to_their_twins_and_stay_in_their_language() {
        let board = ask("/zh/n/devnet-a?at=e:5");
        assert_eq!(board.to("/"), "/zh");
        assert_eq!(board.to("/status"), "/zh/status");
        assert_eq!(board.twin(Form::Json), "/n/devnet-a.json?at=e:5");
        assert_eq!(board.translated(Language::English), "/n/devnet-a?at=e:5");
        assert_eq!(ask("/").twin(Form::Json), "/index.json");
        assert_eq!(ask("/").translated(Language::Chinese), "/zh");
    }
}
