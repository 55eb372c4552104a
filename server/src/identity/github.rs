use apogee_domain::Timestamp;
use apogee_store::{Account, AccountKind};
use async_trait::async_trait;
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse, TokenUrl,
};
use serde::Deserialize;

use super::client::{Client, NoAnswer};
use super::door::word;
use super::provider::{IdentityProvider, Once};
use super::refused::Refused;
use crate::config::Secret;

type Oauth = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub, GitHub Enterprise, or a double of them.
#[derive(Debug)]
pub(super) struct GitHub {
    name: String,
    title: String,
    client: Client,
    oauth: Oauth,
    web: String,
    api: String,
}

/// What `/user` says of an account, without any scope.
#[derive(Debug, Deserialize)]
struct User {
    /// Never changes and is never given again.
    id: u64,
    /// Changes, and may be taken by another.
    login: String,
    r#type: String,
    created_at: String,
}

/// GitHub answers a wrong code with 200 and this.
#[derive(Debug, Deserialize)]
struct TokenError {
    error: String,
}

impl GitHub {
    /// `web` and `api` without a slash at their ends.
    pub(super) fn new(
        name: &str,
        title: &str,
        id: &str,
        secret: &Secret,
        (web, api): (&str, &str),
        client: Client,
    ) -> Result<Self, oauth2::url::ParseError> {
        let oauth = BasicClient::new(ClientId::new(id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.reveal().to_owned()))
            .set_auth_uri(AuthUrl::new(format!("{web}/login/oauth/authorize"))?)
            .set_token_uri(TokenUrl::new(format!("{web}/login/oauth/access_token"))?)
            // GitHub documents the secret in the body.
            .set_auth_type(AuthType::RequestBody);
        let (name, title) = (name.to_owned(), title.to_owned());
        Ok(Self { name, title, client, oauth, web: web.to_owned(), api: api.to_owned() })
    }

    fn redirected(&self, redirect: &str) -> Result<Oauth, Refused> {
        let redirect = RedirectUrl::new(redirect.to_owned());
        Ok(self.oauth.clone().set_redirect_uri(redirect.map_err(|error| self.not_confirmed(error))?))
    }

    fn not_confirmed(&self, why: impl ToString) -> Refused {
        Refused::NotConfirmed { provider: self.title.clone(), why: why.to_string() }
    }

    fn unreachable(&self, why: impl ToString) -> Refused {
        Refused::Unreachable { provider: self.title.clone(), why: why.to_string() }
    }

    /// What an error of the token request means.
    fn no_token(&self, error: BasicRequestTokenError<NoAnswer>) -> Refused {
        let code = match error {
            BasicRequestTokenError::Request(error) => return self.unreachable(error),
            BasicRequestTokenError::ServerResponse(answer) => match answer.error() {
                BasicErrorResponseType::Extension(code) => code.clone(),
                code => code.to_string(),
            },
            BasicRequestTokenError::Parse(_, body) => match serde_json::from_slice::<TokenError>(&body) {
                Ok(answer) => answer.error,
                Err(_) => return self.unreachable("its answer does not read"),
            },
            BasicRequestTokenError::Other(why) => return self.unreachable(why),
        };
        match code.as_str() {
            "application_suspended" => Refused::Suspended { provider: self.title.clone() },
            code => self.not_confirmed(word(code)),
        }
    }
}

#[async_trait]
impl IdentityProvider for GitHub {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn origin(&self) -> String {
        self.web.clone()
    }

    async fn begin(&self, redirect: &str, once: &Once) -> Result<String, Refused> {
        let verifier = PkceCodeVerifier::new(once.verifier.clone());
        let state = CsrfToken::new(once.state.clone());
        // No scope: what everybody may see of an account is enough. Accounts are not made on the way.
        let (address, _) = self
            .redirected(redirect)?
            .authorize_url(|| state)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_extra_param("allow_signup", "false")
            .url();
        Ok(address.into())
    }

    async fn finish(&self, redirect: &str, code: &str, once: &Once) -> Result<Account, Refused> {
        let token = self
            .redirected(redirect)?
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(once.verifier.clone()))
            .request_async(&self.client)
            .await
            .map_err(|error| self.no_token(error))?;
        // The token is used this once and dropped.
        let authorization = format!("Bearer {}", token.access_token().secret());
        let headers = [
            ("authorization", authorization.as_str()),
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ];
        let answer = self.client.get(&format!("{}/user", self.api), &headers).await;
        let answer = answer.map_err(|error| self.unreachable(error))?;
        match answer.status().as_u16() {
            200 => {}
            401 => return Err(self.not_confirmed("its token is of no use")),
            status => return Err(self.unreachable(format_args!("it answers {status}"))),
        }
        let user: User = serde_json::from_slice(answer.body())
            .map_err(|_| self.unreachable("what it says of the account does not read"))?;
        let created: Timestamp = user
            .created_at
            .parse()
            .map_err(|_| self.unreachable("when the account was made does not read"))?;
        Ok(Account {
            provider: self.name.clone(),
            subject: user.id.to_string(),
            handle: user.login.chars().filter(|c| !c.is_control()).take(64).collect(),
            kind: match user.r#type.as_str() {
                "User" => AccountKind::User,
                "Organization" => AccountKind::Organization,
                // Whatever comes to be that is no person is none.
                _ => AccountKind::Bot,
            },
            created: Some(created),
        })
    }
}
