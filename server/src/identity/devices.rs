use std::time::Duration;

use apogee_domain::Digest;
use apogee_store::{DeviceAnswer, DeviceSignIn};

use super::door::{Door, after};
use super::keys::named;
use super::refused::Refused;
use super::visitor::{Visitor, digest};

/// How long a program may wait to be let in.
pub(crate) const DEVICE_LIFE: Duration = Duration::from_secs(600);

/// How long it waits between questions.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Letters that are told apart when they are read out, and spell nothing (RFC 8628 § 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A program's codes: one to ask with, one for people to type.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    pub(crate) device: String,
    pub(crate) user: String,
}

/// What a program is told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// It is in, with this key.
    Key(String),
    /// The error of RFC 8628 § 3.5.
    Error(&'static str),
}

fn user_digest(code: &str) -> Digest {
    let plain: String = code.chars().filter(char::is_ascii_alphabetic).collect();
    digest("user", &plain.to_ascii_uppercase())
}

impl Door {
    /// A program asks to be let in.
    pub(crate) async fn ask_device(&self, visitor: &Visitor, name: &str) -> Result<Codes, Refused> {
        if self.is_closed() {
            return Err(Refused::Off);
        }
        let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map(char::from);
        let letters: String = self.random().iter().take(8).filter_map(letter).collect();
        let (left, right) = letters.split_at_checked(4).unwrap_or((&letters, ""));
        let codes = Codes { device: self.secret(), user: format!("{left}-{right}") };
        let kept = DeviceSignIn {
            device: digest("device", &codes.device),
            user: user_digest(&codes.user),
            name: named(name),
            expires: after(visitor.now, DEVICE_LIFE),
        };
        let mut work = self.store.begin().await?;
        work.sweep(visitor.now).await?;
        if !work.put_device(&kept, visitor.now).await? {
            return Err(Refused::Crowded);
        }
        work.commit().await?;
        Ok(codes)
    }

    /// What the program says of itself that asks with a code that people type.
    pub(crate) async fn device(&self, visitor: &Visitor, code: &str) -> Result<String, Refused> {
        visitor.signed_in()?;
        let device = self.store.device(user_digest(code), visitor.now).await?;
        Ok(device.ok_or(Refused::NoDevice)?.name)
    }

    /// Let a program in as whoever is signed in, or say no.
    pub(crate) async fn decide_device(
        &self,
        visitor: &Visitor,
        code: &str,
        approve: bool,
    ) -> Result<(), Refused> {
        let identity = visitor.signed_in()?;
        if visitor.session().is_none() {
            return Err(Refused::SignInNeeded);
        }
        let mut work = self.store.begin().await?;
        let decision = approve.then_some(identity.id);
        if !work.decide_device(user_digest(code), decision, visitor.now).await? {
            return Err(Refused::NoDevice);
        }
        Ok(work.commit().await?)
    }

    /// A program asks whether it is in.
    pub(crate) async fn poll_device(&self, visitor: &Visitor, code: &str) -> Result<Told, Refused> {
        let mut work = self.store.begin().await?;
        let answer = work.poll_device(digest("device", code), INTERVAL, visitor.now).await?;
        work.commit().await?;
        let identity = match answer {
            DeviceAnswer::Unknown => return Ok(Told::Error("expired_token")),
            DeviceAnswer::TooOften => return Ok(Told::Error("slow_down")),
            DeviceAnswer::Pending => return Ok(Told::Error("authorization_pending")),
            DeviceAnswer::Denied => return Ok(Told::Error("access_denied")),
            DeviceAnswer::Approved(identity) => identity,
        };
        let identity = self.store.identity(identity).await?.ok_or(Refused::NoDevice)?;
        Ok(Told::Key(self.key_for(&identity, "apogee login", visitor.now).await?))
    }
}
