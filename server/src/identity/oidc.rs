use std::fmt;
use std::sync::Arc;

use apogee_domain::Clock;
use apogee_store::{Account, AccountKind};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::door::word;
use super::id_token::{Expected, Keys, verify};
use super::provider::{IdentityProvider, Once};
use super::refused::Refused;
use crate::config::Secret;

/// The longest `sub` that the specification allows.
const LONGEST_SUBJECT: usize = 255;

/// Whoever speaks OpenID Connect.
pub(super) struct Oidc {
    name: String,
    title: String,
    /// Without a slash at its end.
    issuer: String,
    id: String,
    secret: Secret,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("name", &self.name).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// OpenID Connect Discovery 1.0 § 3.
#[derive(Debug, Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Debug, Deserialize)]
struct Token {
    id_token: Option<String>,
    error: Option<String>,
}

impl Oidc {
    pub(super) fn new(
        (name, title): (&str, &str),
        issuer: &str,
        (id, secret): (&str, Secret),
        client: Client,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            issuer: issuer.trim_end_matches('/').to_owned(),
            id: id.to_owned(),
            secret,
            client,
            clock,
        }
    }

    fn not_confirmed(&self, why: impl ToString) -> Refused {
        Refused::NotConfirmed { provider: self.title.clone(), why: why.to_string() }
    }

    fn unreachable(&self, why: impl ToString) -> Refused {
        Refused::Unreachable { provider: self.title.clone(), why: why.to_string() }
    }

    async fn document<T: DeserializeOwned>(&self, address: &str) -> Result<T, Refused> {
        let answer = self.client.get(address, &[("accept", "application/json")]).await;
        let answer = answer.map_err(|error| self.unreachable(error))?;
        if answer.status().as_u16() != 200 {
            return Err(self.unreachable(format_args!("it answers {}", answer.status().as_u16())));
        }
        serde_json::from_slice(answer.body()).map_err(|_| self.unreachable("its answer does not read"))
    }

    async fn discovered(&self) -> Result<Discovered, Refused> {
        let found: Discovered =
            self.document(&format!("{}/.well-known/openid-configuration", self.issuer)).await?;
        if found.issuer.trim_end_matches('/') != self.issuer {
            return Err(self.not_confirmed("it says that it is another"));
        }
        Ok(found)
    }
}

#[async_trait]
impl IdentityProvider for Oidc {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn origin(&self) -> String {
        let (scheme, rest) = self.issuer.split_once("://").unwrap_or(("https", &self.issuer));
        format!("{scheme}://{}", rest.split('/').next().unwrap_or(rest))
    }

    async fn begin(&self, redirect: &str, once: &Once) -> Result<String, Refused> {
        let there = self.discovered().await?.authorization_endpoint;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&once.verifier));
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", "openid profile")
            .append_pair("state", &once.state)
            .append_pair("nonce", &once.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let between = if there.contains('?') { '&' } else { '?' };
        Ok(format!("{there}{between}{query}"))
    }

    async fn finish(&self, redirect: &str, code: &str, once: &Once) -> Result<Account, Refused> {
        let there = self.discovered().await?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect)
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.reveal())
            .append_pair("code_verifier", &once.verifier)
            .finish();
        let answer = self.client.form(&there.token_endpoint, form).await;
        let answer = answer.map_err(|error| self.unreachable(error))?;
        let token: Token = serde_json::from_slice(answer.body())
            .map_err(|_| self.unreachable(format_args!("it answers {}", answer.status().as_u16())))?;
        let token = match token {
            Token { error: Some(code), .. } => return Err(self.not_confirmed(word(&code))),
            Token { id_token: None, .. } => return Err(self.not_confirmed("it says nothing of who it is")),
            Token { id_token: Some(token), .. } => token,
        };
        let keys: Keys = self.document(&there.jwks_uri).await?;
        let expected = Expected {
            issuer: &there.issuer,
            audience: &self.id,
            nonce: &once.nonce,
            now: self.clock.now().seconds(),
        };
        let claims = verify(&token, &keys, &expected).map_err(|why| self.not_confirmed(why))?;
        if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT {
            return Err(self.not_confirmed("its name for the account has no length that is allowed"));
        }
        let handle = claims.preferred_username.or(claims.name).unwrap_or_else(|| claims.sub.clone());
        Ok(Account {
            provider: self.name.clone(),
            subject: claims.sub,
            handle: handle.chars().filter(|c| !c.is_control()).take(64).collect(),
            kind: AccountKind::User,
            created: None,
        })
    }
}
