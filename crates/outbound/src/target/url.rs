use url::Url;

use super::{Host, LONGEST, Scheme, Target, TargetError, host, quoted};
use crate::resolve::Family;

impl Target {
    /// Read a URL: `http`, `https`, `ws` or `wss`.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn url(text: &str) -> Result<Self, TargetError> {
        clean(text)?;
        Self::read(&Url::parse(text).map_err(|error| TargetError::Malformed(error.to_string()))?)
    }

    /// Where `location` of a redirect leads from here.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn join(&self, location: &str) -> Result<Self, TargetError> {
        clean(location)?;
        let malformed = |error: url::ParseError| TargetError::Malformed(error.to_string());
        let url = Url::parse(&self.to_string()).map_err(malformed)?.join(location).map_err(malformed)?;
        let mut to = Self::read(&url)?;
        // The same name is still of the family that was announced.
        if let (Host::Name(from, of), Host::Name(name, family)) = (&self.host, &mut to.host)
            && from == name
        {
            *family = *of;
        }
        Ok(to)
    }

    fn read(url: &Url) -> Result<Self, TargetError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            other => return Err(TargetError::Unsupported(quoted(other))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Userinfo);
        }
        let host = host(url.host_str().unwrap_or_default(), Family::Any)?;
        let port = url.port().or(scheme.port()).unwrap_or_default();
        let path = match url.query() {
            None => url.path().to_owned(),
            Some(query) => format!("{}?{query}", url.path()),
        };
        Self::new(scheme, host, port, &path, None)
    }
}

/// Readers of URLs disagree on blanks, control characters (which the standard drops) and backslashes (which it turns): they are refused before that.
fn clean(text: &str) -> Result<(), TargetError> {
    if text.len() > LONGEST {
        return Err(TargetError::TooLong(text.len()));
    }
    match text.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
        None => Ok(()),
        Some(character) => Err(TargetError::Character(character)),
    }
}
