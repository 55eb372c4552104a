use std::path::Path;
use std::sync::Arc;

use apogee_domain::Clock;
use apogee_indexer::Entropy;
use apogee_store::Store;

use super::client::Client;
use super::door::Door;
use super::github::GitHub;
use super::oidc::Oidc;
use super::provider::IdentityProvider;
use super::settings::{Kind, Provider, Settings};
use crate::config::Secret;

/// The longest secret that is read from a file.
const LONGEST_SECRET: u64 = 4096;

/// Why nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error("{file} cannot be read")]
    Unreadable {
        file: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("identity.providers.{name}: {what} is no address")]
    NoAddress { name: String, what: String },
    #[error("providers cannot be asked")]
    NoClient(#[from] reqwest::Error),
}

/// A secret in a file, without the line end that editors put there.
fn secret(file: &Path) -> Result<Secret, NotMade> {
    let unreadable = |cause| NotMade::Unreadable { file: file.display().to_string(), cause };
    if std::fs::metadata(file).map_err(unreadable)?.len() > LONGEST_SECRET {
        return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

impl Settings {
    /// What lets people in as these settings say.
    pub(crate) fn door(
        &self,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Entropy,
    ) -> Result<Door, NotMade> {
        let mut providers: Vec<Box<dyn IdentityProvider>> = Vec::new();
        let mut invites = None;
        let client = Client::new()?;
        for (name, provider) in &self.providers {
            match provider.kind {
                Kind::Github => providers.push(Box::new(provider.github(name, client.clone())?)),
                Kind::Invite => invites = Some(name.clone()),
                Kind::Oidc => {
                    providers.push(Box::new(provider.oidc(name, client.clone(), Arc::clone(&clock))?));
                }
            }
        }
        let pepper = self.pepper_file.as_deref().map(secret).transpose()?;
        let base = self.base_url.clone().unwrap_or_default();
        let pepper = pepper.map_or_else(String::new, |pepper| pepper.reveal().to_owned());
        Ok(Door::new(store, clock, entropy, &base, providers, invites, pepper))
    }
}

impl Provider {
    fn secret(&self) -> Result<Secret, NotMade> {
        match (&self.client_secret, &self.client_secret_file) {
            (Some(secret), _) => Ok(secret.clone()),
            (None, Some(file)) => secret(file),
            (None, None) => Ok(Secret::new("")),
        }
    }

    fn oidc(&self, name: &str, client: Client, clock: Arc<dyn Clock>) -> Result<Oidc, NotMade> {
        let title = self.title.as_deref().unwrap_or(name);
        let issuer = self.issuer.as_deref().unwrap_or_default();
        let id = self.client_id.as_deref().unwrap_or_default();
        Ok(Oidc::new((name, title), issuer, (id, self.secret()?), client, clock))
    }

    fn github(&self, name: &str, client: Client) -> Result<GitHub, NotMade> {
        let address = |given: &Option<String>, usual: &str| {
            given.as_deref().unwrap_or(usual).trim_end_matches('/').to_owned()
        };
        let (web, api) =
            (address(&self.web_url, "https://github.com"), address(&self.api_url, "https://api.github.com"));
        let title = self.title.as_deref().unwrap_or("GitHub");
        let id = self.client_id.as_deref().unwrap_or_default();
        GitHub::new(name, title, id, &self.secret()?, (&web, &api), client)
            .map_err(|_| NotMade::NoAddress { name: name.to_owned(), what: web.clone() })
    }
}
