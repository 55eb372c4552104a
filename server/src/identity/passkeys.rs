use std::time::Duration;

use apogee_domain::Timestamp;
use apogee_store::{AuditEvent, Challenge, Identity, Passkey, Session};
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::cookie::Cookie;
use super::door::{Door, after};
use super::keys::named;
use super::refused::Refused;
use super::visitor::Visitor;
use super::webauthn::{Ceremony, handle};

/// How long a passkey may take.
const CHALLENGE_LIFE: Duration = Duration::from_secs(300);

/// How long what a passkey allows lasts.
const STEP_UP_LIFE: Duration = Duration::from_secs(600);

/// The most passkeys of one identity.
const MOST_PASSKEYS: usize = 10;

/// What a browser is to ask a passkey. Bytes are base64url without padding.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) challenge: String,
    /// The host that the key is for.
    pub(crate) host: String,
    /// What whoever it is goes by on their device.
    pub(crate) user: String,
    pub(crate) handle: String,
    /// Ids of the passkeys that there are, with commas between them.
    pub(crate) known: String,
}

/// What a browser says a passkey has answered, in base64url.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answered {
    pub(crate) credential: String,
    pub(crate) client: String,
    pub(crate) authenticator: String,
    pub(crate) signature: String,
}

fn bytes(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Passkey("what the browser sent does not read"))
}

impl Door {
    /// Where the service is, and its host without the port.
    fn place(&self) -> (&str, &str) {
        let origin = self.base();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        (origin, host.split(':').next().unwrap_or(host))
    }

    /// The passkeys of somebody.
    pub(crate) async fn passkeys(&self, identity: &Identity) -> Result<Vec<Passkey>, Refused> {
        Ok(self.store.passkeys(identity.id).await?)
    }

    /// Ask for a new passkey (`register`), or for one that there is (`step-up`).
    pub(crate) async fn ask_passkey(&self, visitor: &Visitor, purpose: &str) -> Result<Asking, Refused> {
        let identity = visitor.signed_in()?;
        let session = visitor.session().ok_or(Refused::SignInNeeded)?;
        let known = self.store.passkeys(identity.id).await?;
        if purpose == REGISTER {
            may_add(visitor, &known)?;
        } else if known.is_empty() {
            return Err(Refused::Passkey("there is no passkey yet: add one first"));
        }
        let challenge = self.random();
        let kept = Challenge {
            session: session.id,
            bytes: challenge.to_vec(),
            purpose: purpose.to_owned(),
            expires: after(visitor.now, CHALLENGE_LIFE),
        };
        let mut work = self.store.begin().await?;
        work.put_challenge(&kept).await?;
        work.commit().await?;
        let known: Vec<String> = known.iter().map(|key| URL_SAFE_NO_PAD.encode(&key.credential)).collect();
        Ok(Asking {
            challenge: URL_SAFE_NO_PAD.encode(challenge),
            host: self.place().1.to_owned(),
            user: identity.account.handle.clone(),
            handle: URL_SAFE_NO_PAD.encode(handle(&identity.actor()).0),
            known: known.join(","),
        })
    }

    /// What was asked in this session. It is asked once.
    async fn asked(&self, session: &Session, purpose: &str, now: Timestamp) -> Result<String, Refused> {
        let mut work = self.store.begin().await?;
        let challenge = work.take_challenge(session.id, now).await?;
        work.commit().await?;
        let challenge = challenge.filter(|challenge| challenge.purpose == purpose);
        let challenge = challenge.ok_or(Refused::Passkey("nothing was asked, or too long ago"))?;
        Ok(URL_SAFE_NO_PAD.encode(challenge.bytes))
    }

    /// Keep a new passkey.
    pub(crate) async fn add_passkey(
        &self,
        visitor: &Visitor,
        name: &str,
        answered: &Answered,
    ) -> Result<(), Refused> {
        let identity = visitor.signed_in()?;
        let session = visitor.session().ok_or(Refused::SignInNeeded)?;
        may_add(visitor, &self.store.passkeys(identity.id).await?)?;
        let challenge = self.asked(session, REGISTER, visitor.now).await?;
        let (origin, host) = self.place();
        let ceremony = Ceremony { kind: "webauthn.create", challenge: &challenge, origin, host };
        let made = ceremony.created(&bytes(&answered.client)?, &bytes(&answered.authenticator)?);
        let made = made.map_err(Refused::Passkey)?;
        let passkey = Passkey {
            credential: made.credential,
            identity: identity.id,
            public_key: made.public_key,
            sign_count: made.sign_count,
            name: named(name),
            created: visitor.now,
        };
        let mut work = self.store.begin().await?;
        work.add_passkey(&passkey).await?;
        work.record(&event(visitor, identity, "passkey-add", &passkey.name)).await?;
        Ok(work.commit().await?)
    }

    /// Take a passkey away. It needs one.
    pub(crate) async fn remove_passkey(&self, visitor: &Visitor, credential: &str) -> Result<(), Refused> {
        let identity = visitor.signed_in()?;
        if !visitor.has_stepped_up() {
            return Err(Refused::StepUpNeeded);
        }
        let mut work = self.store.begin().await?;
        if !work.remove_passkey(identity.id, &bytes(credential)?).await? {
            return Err(Refused::Passkey("it is not one of yours"));
        }
        work.record(&event(visitor, identity, "passkey-remove", credential)).await?;
        Ok(work.commit().await?)
    }

    /// A passkey was shown: this session goes on under another id, and may do for a while what needs one.
    pub(crate) async fn step_up(
        &self,
        visitor: &Visitor,
        answered: &Answered,
    ) -> Result<Option<HeaderValue>, Refused> {
        let identity = visitor.signed_in()?;
        let session = visitor.session().ok_or(Refused::SignInNeeded)?;
        let challenge = self.asked(session, STEP_UP, visitor.now).await?;
        let credential = bytes(&answered.credential)?;
        let known = self.store.passkeys(identity.id).await?;
        let passkey = known.iter().find(|passkey| passkey.credential == credential);
        let passkey = passkey.ok_or(Refused::Passkey("it is not one of yours"))?;
        let (origin, host) = self.place();
        let ceremony = Ceremony { kind: "webauthn.get", challenge: &challenge, origin, host };
        let (client, authenticator) = (bytes(&answered.client)?, bytes(&answered.authenticator)?);
        let count =
            ceremony.signed(&passkey.public_key, &client, &authenticator, &bytes(&answered.signature)?);
        let count = count.map_err(Refused::Passkey)?;
        let mut work = self.store.begin().await?;
        if !work.use_passkey(&credential, count).await? {
            return Err(Refused::Passkey("its count does not go up: it may be a copy"));
        }
        if !work.end_session(identity.id, session.id).await? {
            return Err(Refused::SignInNeeded);
        }
        let until = after(visitor.now, STEP_UP_LIFE);
        let (secret, fresh) = self.session(identity.id, visitor.now, Some(until));
        // The session is no longer than it was.
        let fresh = Session { created: session.created, expires: session.expires, ..fresh };
        work.open_session(&fresh).await?;
        work.commit().await?;
        Ok(Cookie::Session.set(&secret, self.is_secure()))
    }
}

/// What a challenge is for.
pub(crate) const REGISTER: &str = "register";
pub(crate) const STEP_UP: &str = "step-up";

/// The first passkey needs none; another one does, or whoever takes a session over could make themselves at home.
fn may_add(visitor: &Visitor, known: &[Passkey]) -> Result<(), Refused> {
    match known.len() {
        0 => Ok(()),
        _ if !visitor.has_stepped_up() => Err(Refused::StepUpNeeded),
        MOST_PASSKEYS.. => Err(Refused::Passkey("there are as many as may be: remove one first")),
        _ => Ok(()),
    }
}

fn event(visitor: &Visitor, identity: &Identity, action: &str, reason: &str) -> AuditEvent {
    AuditEvent {
        at: visitor.now,
        actor: identity.actor(),
        action: action.to_owned(),
        subject: identity.actor(),
        reason: reason.to_owned(),
        document: "{}".to_owned(),
    }
}
