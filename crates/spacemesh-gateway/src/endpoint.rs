use std::fmt;

use reqwest::Url;

/// Where a node's gateway answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    name: String,
}

/// The text is no address of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// No `http://` or `https://` address with a host.
    #[error("a gateway's address is like http://127.0.0.1:9094")]
    Address,
    /// A user name or password in the address would end up in logs.
    #[error("a gateway's address has no user name and no password")]
    Credentials,
    /// A query or a fragment would end up behind every method.
    #[error("a gateway's address ends with its path")]
    Query,
}

impl Endpoint {
    /// A gateway at `address`, such as `http://127.0.0.1:9094`. Methods are below its path.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(address: &str) -> Result<Self, InvalidEndpoint> {
        let base: Url = address.parse().map_err(|_| InvalidEndpoint::Address)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(InvalidEndpoint::Address);
        }
        let host = base.host_str().ok_or(InvalidEndpoint::Address)?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(InvalidEndpoint::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(InvalidEndpoint::Query);
        }
        // Providers put keys into paths: the name has none.
        let port = base.port().map(|port| format!(":{port}")).unwrap_or_default();
        let name = format!("{}://{host}{port}", base.scheme());
        Ok(Self { base, name })
    }

    /// How it is called in logs and pages: scheme, host and port.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
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
    fn addresses_are_taken_or_refused() {
        let below = |address| Endpoint::new(address).unwrap().below("a.B/C").to_string();
        assert_eq!(below("http://127.0.0.1:9094"), "http://127.0.0.1:9094/a.B/C");
        assert_eq!(below("https://h/key/"), "https://h/key/a.B/C");
        assert_eq!(Endpoint::new("https://h:9/key").unwrap().name(), "https://h:9");
        for bad in ["", "h:9094", "ftp://h", "file:///etc/passwd", "http://", "unix:/x"] {
            assert_eq!(Endpoint::new(bad), Err(InvalidEndpoint::Address), "{bad}");
        }
        assert_eq!(Endpoint::new("http://u:p@h"), Err(InvalidEndpoint::Credentials));
        assert_eq!(Endpoint::new("http://h/?k=1"), Err(InvalidEndpoint::Query));
    }
}
