use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Timestamp};
use apogee_indexer::Entropy;
use apogee_store::{
    Account, AccountKind, Identity, IdentityId, PendingSignIn, SESSION_LIFE, Session, Standing, Store,
    StoreError,
};
use axum::http::{HeaderMap, HeaderValue, header};

use super::cookie::Cookie;
use super::provider::{IdentityProvider, Once};
use super::refused::Refused;
use super::visitor::{Holds, Visitor, digest};

/// How long somebody may take at a provider.
const PENDING_LIFE: Duration = Duration::from_secs(600);

/// A session's last use is kept to the minute: a write for every page would be one too many.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// The longest page that somebody is led back to.
const LONGEST_NEXT: usize = 512;

/// Lets people in, and knows them again.
pub(crate) struct Door {
    pub(super) store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Entropy,
    /// Without a slash at its end.
    base: String,
    providers: Vec<Box<dyn IdentityProvider>>,
    /// The name of invitations, where there are any.
    pub(super) invites: Option<String>,
    /// Hashed with every key.
    pub(super) pepper: String,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("base", &self.base)
            .field("providers", &self.providers)
            .finish_non_exhaustive()
    }
}

/// With what somebody came back from a provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Came {
    pub(crate) state: String,
    pub(crate) code: String,
    /// What went wrong there, in the words of RFC 6749 § 4.1.2.1.
    pub(crate) error: String,
}

/// Somebody is in.
#[derive(Clone, Debug)]
pub(crate) struct LetIn {
    /// What their browser is to hold.
    pub(crate) cookie: Option<HeaderValue>,
    /// The page that they wanted.
    pub(crate) next: String,
}

impl Door {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Entropy,
        base: &str,
        providers: Vec<Box<dyn IdentityProvider>>,
        invites: Option<String>,
        pepper: String,
    ) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { store, clock, entropy, base, providers, invites, pepper }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Every provider that browsers are sent to.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &dyn IdentityProvider> {
        self.providers.iter().map(|provider| &**provider)
    }

    fn provider(&self, name: &str) -> Result<&dyn IdentityProvider, Refused> {
        if self.is_closed() {
            return Err(Refused::Off);
        }
        let found = self.providers().find(|provider| provider.name() == name);
        found.ok_or_else(|| Refused::UnknownProvider(name.to_owned()))
    }

    /// Whether nobody can sign in.
    pub(crate) fn is_closed(&self) -> bool {
        self.providers.is_empty() && self.invites.is_none()
    }

    /// Where browsers reach the service, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The address of the same page under the service's name, for a browser that came by a bare loopback address: passkeys are for names.
    pub(crate) fn by_name(&self, headers: &HeaderMap, page: &str) -> Option<String> {
        let port = self.base.strip_prefix("http://localhost")?;
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let is_bare = ["127.0.0.1", "[::1]"].iter().any(|bare| host.strip_prefix(bare) == Some(port));
        is_bare.then(|| format!("{}{page}", self.base))
    }

    pub(super) fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }

    /// 32 bytes that nobody can foresee.
    pub(super) fn random(&self) -> [u8; 32] {
        (self.entropy)()
    }

    /// The same as text.
    pub(super) fn secret(&self) -> String {
        self.random().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Who sent a request with these headers.
    pub(crate) async fn visitor(&self, headers: &HeaderMap, address: IpAddr) -> Result<Visitor, Refused> {
        let now = self.now();
        let visitor = |holds, roles| Visitor { address, now, holds, roles };
        // Who comes with a key comes as nothing else: what a browser adds by itself does not count.
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let (digest, identity) = self.keyed(value, now).await?;
            return Ok(visitor(Holds::Key { digest, identity }, Vec::new()));
        }
        // A browser sends JSON to another site only after asking, and it is not answered.
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("application/json")) {
            return Ok(visitor(Holds::Nothing, Vec::new()));
        }
        if let Some(secret) = Cookie::Session.of(headers, self.is_secure())
            && let Some(session) = self.store.session(digest("session", &secret), now).await?
            && let Some(identity) = self.store.identity(session.identity).await?
        {
            let roles = self.store.roles(identity.id).await?.into_iter().map(|grant| grant.role).collect();
            self.touch(&session, now).await?;
            return Ok(visitor(Holds::Session { secret, session, identity }, roles));
        }
        let known = Cookie::Browser.of(headers, self.is_secure());
        let secret = known.unwrap_or_else(|| self.secret());
        Ok(visitor(Holds::Browser { secret }, Vec::new()))
    }

    async fn touch(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        if now.since(session.last_used) < TOUCH_EVERY {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        work.touch_session(session.id, now).await?;
        work.commit().await
    }

    /// The cookie that a browser needs for the forms of a page that was made for it, where it has none.
    pub(crate) fn mark_browser(&self, visitor: &Visitor, headers: &HeaderMap) -> Option<HeaderValue> {
        let Holds::Browser { secret } = &visitor.holds else { return None };
        let known = Cookie::Browser.of(headers, self.is_secure());
        if known.is_some() { None } else { Cookie::Browser.set(secret, self.is_secure()) }
    }

    fn callback(&self, provider: &str) -> String {
        format!("{}/signin/{provider}/callback", self.base)
    }

    /// Send a browser to a provider: the address that it goes to.
    pub(crate) async fn begin(
        &self,
        visitor: &Visitor,
        provider: &str,
        next: &str,
    ) -> Result<String, Refused> {
        let provider = self.provider(provider)?;
        let browser = browser(visitor)?;
        let once = Once { state: self.secret(), verifier: self.secret(), nonce: self.secret() };
        let address = provider.begin(&self.callback(provider.name()), &once).await?;
        let pending = PendingSignIn {
            state: digest("state", &once.state),
            browser,
            provider: provider.name().to_owned(),
            verifier: once.verifier,
            nonce: once.nonce,
            next: local(next).to_owned(),
            expires: after(visitor.now, PENDING_LIFE),
        };
        let mut work = self.store.begin().await?;
        work.sweep(visitor.now).await?;
        if !work.put_pending(&pending, visitor.now).await? {
            return Err(Refused::Crowded);
        }
        work.commit().await?;
        Ok(address)
    }

    /// Let somebody in who came back from a provider.
    pub(crate) async fn finish(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        provider: &str,
        came: &Came,
    ) -> Result<LetIn, Refused> {
        let provider = self.provider(provider)?;
        // The state is gone for good before anything else is looked at: whatever comes of this, it comes once.
        let mut work = self.store.begin().await?;
        let mut pending = None;
        for browser in self.browsers(visitor, headers) {
            if pending.is_none() {
                pending = work.take_pending(digest("state", &came.state), browser, visitor.now).await?;
            }
        }
        work.commit().await?;
        let pending = pending.filter(|pending| pending.provider == provider.name()).ok_or(Refused::Stale)?;
        if !came.error.is_empty() {
            return Err(declined(provider.title(), &came.error));
        }
        let once = Once { state: came.state.clone(), verifier: pending.verifier, nonce: pending.nonce };
        let account = provider.finish(&self.callback(provider.name()), &came.code, &once).await?;
        self.admit(visitor, &account, pending.next).await
    }

    /// A session for an account, with an id that nobody had before.
    pub(super) async fn admit(
        &self,
        visitor: &Visitor,
        account: &Account,
        next: String,
    ) -> Result<LetIn, Refused> {
        if account.kind != AccountKind::User {
            let kind = account.kind.name();
            return Err(Refused::NotAPerson { handle: account.handle.clone(), kind });
        }
        let now = self.now();
        let mut work = self.store.begin().await?;
        let identity = work.meet(account, now).await?;
        if let Standing::Blocked { reason } = identity.standing {
            // It has been seen all the same.
            work.commit().await?;
            return Err(Refused::Blocked { reason });
        }
        if let Some(session) = visitor.session() {
            work.end_session(session.identity, session.id).await?;
        }
        let (secret, session) = self.session(identity.id, now, None);
        work.open_session(&session).await?;
        work.commit().await?;
        tracing::info!(identity = %identity.actor(), address = %visitor.address, "somebody has signed in");
        Ok(LetIn { cookie: Cookie::Session.set(&secret, self.is_secure()), next })
    }

    /// A new session, and what its holder holds.
    pub(super) fn session(
        &self,
        identity: IdentityId,
        now: Timestamp,
        step_up_until: Option<Timestamp>,
    ) -> (String, Session) {
        let secret = self.secret();
        let session = Session {
            id: digest("session", &secret),
            identity,
            created: now,
            last_used: now,
            expires: after(now, SESSION_LIFE),
            step_up_until,
        };
        (secret, session)
    }

    /// End this session, or every session of whoever it is.
    pub(crate) async fn sign_out(
        &self,
        visitor: &Visitor,
        everywhere: bool,
    ) -> Result<Option<HeaderValue>, Refused> {
        if let Some(session) = visitor.session() {
            let mut work = self.store.begin().await?;
            if everywhere {
                work.end_sessions(session.identity).await?;
            } else {
                work.end_session(session.identity, session.id).await?;
            }
            work.commit().await?;
        }
        Ok(Cookie::Session.forget(self.is_secure()))
    }

    /// The live sessions of somebody.
    pub(crate) async fn sessions(
        &self,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Vec<Session>, Refused> {
        Ok(self.store.sessions(identity.id, now).await?)
    }

    /// What a browser may have begun a sign-in with: its own cookie, and, where it is signed in, its session.
    fn browsers(&self, visitor: &Visitor, headers: &HeaderMap) -> Vec<apogee_domain::Digest> {
        let cookie = Cookie::Browser.of(headers, self.is_secure());
        let cookie = cookie.map(|secret| digest("browser", &secret));
        browser(visitor).ok().into_iter().chain(cookie).collect()
    }
}

/// What is kept of the browser that a sign-in begins in.
fn browser(visitor: &Visitor) -> Result<apogee_domain::Digest, Refused> {
    match &visitor.holds {
        Holds::Browser { secret } | Holds::Session { secret, .. } => Ok(digest("browser", secret)),
        Holds::Key { .. } | Holds::Nothing => Err(Refused::Stale),
    }
}

fn declined(provider: &str, error: &str) -> Refused {
    let provider = provider.to_owned();
    match error {
        "access_denied" => Refused::Declined { provider },
        "application_suspended" => Refused::Suspended { provider },
        "temporarily_unavailable" | "server_error" => {
            Refused::Unreachable { provider, why: error.to_owned() }
        }
        other => Refused::NotConfirmed { provider, why: word(other) },
    }
}

/// An error's code as it may be shown: providers' codes are words.
pub(super) fn word(code: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    if code.len() <= 64 && code.chars().all(plain) {
        code.to_owned()
    } else {
        "an error of its own".to_owned()
    }
}

pub(super) fn after(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
}

/// A page of this service; their own for any other: nobody is led elsewhere by a link to here.
pub(super) fn local(next: &str) -> &str {
    let is_local = crate::web::is_own_address(next) && next.len() <= LONGEST_NEXT;
    if is_local { next } else { "/me" }
}
