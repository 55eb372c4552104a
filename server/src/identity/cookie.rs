use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Who holds it is signed in.
    Session,
    /// Who holds it is the browser that a page was made for.
    Browser,
}

impl Cookie {
    /// Over TLS browsers let nobody but this very host set a name that begins so (RFC 6265bis § 4.1.3.2).
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-sid",
            (Self::Session, false) => "sid",
            (Self::Browser, true) => "__Host-browser",
            (Self::Browser, false) => "browser",
        }
    }

    /// How long a browser keeps it, in seconds.
    const fn life(self) -> u32 {
        match self {
            Self::Session => 7 * 24 * 3600,
            Self::Browser => 24 * 3600,
        }
    }

    /// What a request has under this name, where it is 64 hexadecimal digits as ours are.
    pub(super) fn of(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == self.name(secure))?;
        let value = value.trim();
        let ours = value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| value.to_owned())
    }

    /// Let the browser keep it. Pages of other sites send it along only when they lead people here.
    pub(super) fn set(self, value: &str, secure: bool) -> Option<HeaderValue> {
        let tls = if secure { "; Secure" } else { "" };
        let (name, life) = (self.name(secure), self.life());
        let text = format!("{name}={value}; Path=/; Max-Age={life}; SameSite=Lax; HttpOnly{tls}");
        HeaderValue::try_from(text).ok()
    }

    /// Let the browser forget it.
    pub(super) fn forget(self, secure: bool) -> Option<HeaderValue> {
        let tls = if secure { "; Secure" } else { "" };
        let text = format!("{}=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly{tls}", self.name(secure));
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_ours_or_none() {
        let value = "0a".repeat(32);
        let of = |text: &str, secure| {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(text).unwrap())]);
            Cookie::Session.of(&headers, secure)
        };
        assert_eq!(of(&format!("look=dark.utc; sid={value}"), false), Some(value.clone()));
        assert_eq!(of(&format!("__Host-sid={value}"), true), Some(value.clone()));
        assert_eq!(
            of(&format!("sid={value}"), true),
            None,
            "over TLS only the name that nobody else can set"
        );
        assert_eq!(of("sid=attacker", false), None);
        assert_eq!(of(&format!("sid={}", value.to_uppercase()), false), None);
        let set = Cookie::Session.set(&value, true).unwrap();
        for part in ["__Host-sid=", "Path=/;", "HttpOnly", "Secure", "SameSite=Lax"] {
            assert!(set.to_str().unwrap().contains(part), "{set:?}");
        }
        assert!(!set.to_str().unwrap().contains("Domain"));
        assert!(!Cookie::Session.set(&value, false).unwrap().to_str().unwrap().contains("Secure"));
    }
}
