use std::time::Duration;

use apogee_domain::{Digest, Timestamp};
use apogee_store::{ApiKey, Identity, MAX_API_KEYS};
use axum::http::HeaderValue;

use super::door::{Door, after};
use super::refused::Refused;
use super::visitor::{Holds, Visitor, digest};

/// What every key begins with: people and scanners for leaked secrets see what it is.
const PREFIX: &str = "apogee_";

/// How long a key is good for.
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// The longest name that is kept of a key or a passkey.
const LONGEST_NAME: usize = 60;

impl Door {
    fn key_digest(&self, key: &str) -> Digest {
        digest(&format!("key {}", self.pepper), key)
    }

    /// For whom a request with this `Authorization` acts.
    pub(super) async fn keyed(
        &self,
        value: &HeaderValue,
        now: Timestamp,
    ) -> Result<(Digest, Identity), Refused> {
        let text = value.to_str().map_err(|_| Refused::NoKey)?;
        let key = text.strip_prefix("Bearer ").ok_or(Refused::NoKey)?.trim();
        let is_ours = key.len() == PREFIX.len() + 64 && key.starts_with(PREFIX);
        if !is_ours {
            return Err(Refused::NoKey);
        }
        let found = self.store.api_key(self.key_digest(key)).await?;
        let found = found.filter(|key| key.is_live(now)).ok_or(Refused::NoKey)?;
        let identity = self.store.identity(found.identity).await?;
        Ok((found.digest, identity.ok_or(Refused::NoKey)?))
    }

    /// A new key for whoever is signed in. It is told here and never again.
    pub(crate) async fn make_key(&self, visitor: &Visitor, name: &str) -> Result<String, Refused> {
        let identity = visitor.signed_in()?;
        if visitor.session().is_none() {
            // A key that makes keys would never end.
            return Err(Refused::SignInNeeded);
        }
        self.key_for(identity, name, visitor.now).await
    }

    /// A new key of an identity.
    pub(super) async fn key_for(
        &self,
        identity: &Identity,
        name: &str,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let key = format!("{PREFIX}{}", self.secret());
        let kept = ApiKey {
            digest: self.key_digest(&key),
            identity: identity.id,
            name: named(name),
            created: now,
            expires: after(now, LIFE),
            revoked: None,
        };
        let mut work = self.store.begin().await?;
        if !work.add_api_key(&kept).await? {
            return Err(Refused::TooManyKeys(MAX_API_KEYS));
        }
        work.commit().await?;
        Ok(key)
    }

    /// The keys of somebody.
    pub(crate) async fn keys(&self, identity: &Identity) -> Result<Vec<ApiKey>, Refused> {
        Ok(self.store.api_keys(identity.id).await?)
    }

    /// Revoke the key that a program came with.
    pub(crate) async fn give_back(&self, visitor: &Visitor) -> Result<(), Refused> {
        let Holds::Key { digest, .. } = visitor.holds else { return Err(Refused::NoKey) };
        self.revoke_key(visitor, digest).await
    }

    /// Revoke a key of whoever is signed in.
    pub(crate) async fn revoke_key(&self, visitor: &Visitor, digest: Digest) -> Result<(), Refused> {
        let identity = visitor.identity().ok_or(Refused::SignInNeeded)?;
        let mut work = self.store.begin().await?;
        if !work.revoke_api_key(identity.id, digest, visitor.now).await? {
            return Err(Refused::NoKey);
        }
        Ok(work.commit().await?)
    }
}

/// A name as it is kept: short, on one line.
pub(super) fn named(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>().trim().to_owned()
}
