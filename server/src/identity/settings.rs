use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Secret;

/// Who may sign in, and how. Without a provider nobody can.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where browsers reach the service: `https://apogee.example`. It decides where providers send people back to, and whether cookies need
    /// TLS.
    pub(crate) base_url: Option<String>,
    /// A file with something secret that is hashed with every API key.
    pub(crate) pepper_file: Option<PathBuf>,
    /// Providers by the name that stands in addresses and in identities: it is not to change once somebody has signed in.
    pub(crate) providers: BTreeMap<String, Provider>,
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// OAuth as GitHub does it.
    Github,
    /// OpenID Connect.
    Oidc,
    /// Codes that the operator hands out.
    Invite,
}

/// A provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) kind: Kind,
    /// What people know it as; its name where it is not given.
    pub(crate) title: Option<String>,
    /// The application's id with the provider.
    pub(crate) client_id: Option<String>,
    /// A file with the application's secret.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// The application's secret; better in a file than here.
    pub(crate) client_secret: Option<Secret>,
    /// Of GitHub: where people sign in; `https://github.com` unless given.
    pub(crate) web_url: Option<String>,
    /// Of GitHub: where programs ask; `https://api.github.com` unless given.
    pub(crate) api_url: Option<String>,
    /// Of OpenID Connect: the issuer.
    pub(crate) issuer: Option<String>,
}

impl Settings {
    /// What is wrong with them.
    pub(crate) fn fault(&self) -> Option<String> {
        let Some(base) = &self.base_url else {
            return (!self.providers.is_empty())
                .then(|| "identity: with providers it needs a base_url".to_owned());
        };
        let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['/', '?', '#', '@'])) {
            return Some(
                "identity.base_url: say https://HOST or http://HOST:PORT, without a path".to_owned(),
            );
        }
        self.providers.iter().find_map(|(name, provider)| {
            let fault = provider.fault(name)?;
            Some(format!("identity.providers.{name}: {fault}"))
        })
    }
}

impl Provider {
    fn fault(&self, name: &str) -> Option<&'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Some("a name has small letters, digits and hyphens only");
        }
        let with_secret = self.client_secret.is_some() != self.client_secret_file.is_some();
        match self.kind {
            Kind::Invite => None,
            Kind::Github | Kind::Oidc if self.client_id.is_none() => Some("client_id is missing"),
            Kind::Github | Kind::Oidc if !with_secret => {
                Some("it needs a client_secret_file (or a client_secret, not both)")
            }
            Kind::Oidc if self.issuer.is_none() => Some("issuer is missing"),
            Kind::Github | Kind::Oidc => None,
        }
    }
}
