use std::fmt;

use apogee_store::Account;
use async_trait::async_trait;

use super::refused::Refused;

/// A way to find out who somebody is.
#[async_trait]
pub(crate) trait IdentityProvider: fmt::Debug + Send + Sync {
    /// Its name in addresses and identities.
    fn name(&self) -> &str;

    /// What people know it as.
    fn title(&self) -> &str;

    /// Where browsers are sent to, as an origin: `https://github.com`.
    fn origin(&self) -> String;

    /// Where a browser is sent so that somebody says who they are. They come back to `redirect`.
    async fn begin(&self, redirect: &str, once: &Once) -> Result<String, Refused>;

    /// Who came back to `redirect` with `code`.
    async fn finish(&self, redirect: &str, code: &str, once: &Once) -> Result<Account, Refused>;
}

/// What is made for one sign-in, and nobody can foresee.
#[derive(Clone)]
pub(crate) struct Once {
    /// They come back with it.
    pub(crate) state: String,
    /// The PKCE verifier (RFC 7636): only its hash is told when they go.
    pub(crate) verifier: String,
    /// An `id_token` repeats it.
    pub(crate) nonce: String,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}
