use std::fmt;

use reqwest::Url;

/// Something that must not be shown: a bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keep `text`, without white space around it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a node answers, and the token it wants.
#[derive(Clone)]
pub struct Endpoint {
    http: Url,
    token: Option<Secret>,
    name: String,
}

/// The text is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// No `http://` or `https://` address with a host.
    #[error("a node's address is like https://host:1234/rpc/v1")]
    Address,
    /// A user name or password in the address would end up in logs.
    #[error("a node's token goes into the token setting, not into the address")]
    Credentials,
    /// The token cannot be sent in a header.
    #[error("a node's token is one line of visible ASCII")]
    Token,
}

impl Endpoint {
    /// A node at `address`, such as `http://127.0.0.1:1234/rpc/v1` or `ws://…`. Without a path it is `/rpc/v1`.
    ///
    /// # Errors
    /// When the address or the token cannot be used.
    pub fn new(address: &str, token: Option<Secret>) -> Result<Self, InvalidEndpoint> {
        let address = match address.strip_prefix("ws") {
            Some(rest) => format!("http{rest}"),
            None => address.to_owned(),
        };
        let mut http: Url = address.parse().map_err(|_| InvalidEndpoint::Address)?;
        if !matches!(http.scheme(), "http" | "https") {
            return Err(InvalidEndpoint::Address);
        }
        let host = http.host_str().ok_or(InvalidEndpoint::Address)?;
        if !http.username().is_empty() || http.password().is_some() {
            return Err(InvalidEndpoint::Credentials);
        }
        let visible = |token: &Secret| {
            !token.reveal().is_empty() && token.reveal().bytes().all(|byte| byte.is_ascii_graphic())
        };
        if token.as_ref().is_some_and(|token| !visible(token)) {
            return Err(InvalidEndpoint::Token);
        }
        // Providers put keys into paths and queries: the name has neither.
        let port = http.port().map(|port| format!(":{port}")).unwrap_or_default();
        let name = format!("{}://{host}{port}", http.scheme());
        if http.path() == "/" {
            http.set_path("/rpc/v1");
        }
        Ok(Self { http, token, name })
    }

    /// How it is called in logs and pages: scheme, host and port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn http(&self) -> &Url {
        &self.http
    }

    /// The same place for WebSocket.
    pub(super) fn web_socket(&self) -> String {
        // `http` → `ws`, `https` → `wss`.
        format!("ws{}", self.http.as_str().strip_prefix("http").unwrap_or_default())
    }

    pub(super) fn authorization(&self) -> Option<reqwest::header::HeaderValue> {
        let token = self.token.as_ref()?;
        let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.reveal())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let endpoint =
            Endpoint::new("https://node.example/key/rpc/v1?k=1", Some(Secret::new(" s3cret\n"))).unwrap();
        let shown = format!("{endpoint:?} {:?} {}", endpoint.token, endpoint.name());
        assert!(!shown.contains("s3cret") && !shown.contains("key") && !shown.contains("k=1"), "{shown}");
        assert!(endpoint.authorization().unwrap().is_sensitive());
    }

    #[test]
    fn addresses_are_completed_or_refused() {
        let new = |address| Endpoint::new(address, None);
        assert_eq!(new("http://127.0.0.1:1234").unwrap().http().as_str(), "http://127.0.0.1:1234/rpc/v1");
        assert_eq!(new("wss://h/rpc/v0").unwrap().web_socket(), "wss://h/rpc/v0");
        assert_eq!(new("ws://h:80/").unwrap().http().as_str(), "http://h/rpc/v1");
        assert_eq!(new("http://user:pw@h/").unwrap_err(), InvalidEndpoint::Credentials);
        for bad in ["", "h:1234", "ftp://h", "file:///etc/passwd", "http://"] {
            assert_eq!(new(bad).unwrap_err(), InvalidEndpoint::Address, "{bad}");
        }
        let bad = Endpoint::new("http://h", Some(Secret::new("a b")));
        assert_eq!(bad.unwrap_err(), InvalidEndpoint::Token);
    }
}
