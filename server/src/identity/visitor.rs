use std::net::IpAddr;

use apogee_domain::{Digest, Timestamp};
use apogee_store::{Identity, Role, Session, Standing};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::refused::Refused;
use crate::web::Problem;

/// Who asks for a private page, or sends a form to one. Handlers take it as an argument.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// From where, as far as it can be known.
    pub(crate) address: IpAddr,
    /// When.
    pub(crate) now: Timestamp,
    /// What holds while the request is answered.
    pub(crate) holds: Holds,
    /// Roles, of whoever it is; none of whoever comes with a key, which is not for administration.
    pub(crate) roles: Vec<Role>,
}

/// What a request shows of who sent it.
#[derive(Clone, Debug)]
pub(crate) enum Holds {
    /// Nobody in particular, in a browser that holds this.
    Browser { secret: String },
    /// Somebody who is signed in.
    Session { secret: String, session: Session, identity: Identity },
    /// A program that acts for somebody.
    Key { digest: Digest, identity: Identity },
    /// A program that acts for nobody.
    Nothing,
}

impl Visitor {
    /// Who it is, blocked or not.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.holds {
            Holds::Session { identity, .. } | Holds::Key { identity, .. } => Some(identity),
            Holds::Browser { .. } | Holds::Nothing => None,
        }
    }

    /// Who it is.
    ///
    /// # Errors
    /// [`Refused::SignInNeeded`], [`Refused::Blocked`].
    pub(crate) fn signed_in(&self) -> Result<&Identity, Refused> {
        let identity = self.identity().ok_or(Refused::SignInNeeded)?;
        match &identity.standing {
            Standing::Ok => Ok(identity),
            Standing::Blocked { reason } => Err(Refused::Blocked { reason: reason.clone() }),
        }
    }

    /// Who it is, where they have a role, and have shown a passkey where the role needs one. It is the actor of the audit event that follows.
    ///
    /// # Errors
    /// [`Refused::SignInNeeded`], [`Refused::Blocked`], [`Refused::RoleNeeded`], [`Refused::StepUpNeeded`].
    pub(crate) fn acting(&self, role: Role) -> Result<&Identity, Refused> {
        let identity = self.signed_in()?;
        if !self.has(role) {
            return Err(Refused::RoleNeeded(role));
        }
        if role.needs_step_up() && !self.has_stepped_up() {
            return Err(Refused::StepUpNeeded);
        }
        Ok(identity)
    }

    /// Whether it has a role. Who may do something may also look.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role) || (role == Role::Viewer && !self.roles.is_empty())
    }

    /// The session, where there is one.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.holds {
            Holds::Session { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Whether it is a program, and no browser that adds things by itself.
    pub(crate) const fn is_program(&self) -> bool {
        matches!(self.holds, Holds::Key { .. } | Holds::Nothing)
    }

    /// Whether a passkey was shown in this session, not long ago.
    pub(crate) fn has_stepped_up(&self) -> bool {
        let until = self.session().and_then(|session| session.step_up_until);
        until.is_some_and(|until| self.now < until)
    }

    /// What every form has as `mark`: a page of another site cannot know it.
    pub(crate) fn mark(&self) -> String {
        match &self.holds {
            Holds::Browser { secret } | Holds::Session { secret, .. } => digest("mark", secret).to_string(),
            Holds::Key { .. } | Holds::Nothing => String::new(),
        }
    }

    /// Whether a form has its mark. Programs have none and need none: a browser sends nothing on its own that lets them act.
    pub(crate) fn knows(&self, mark: &str) -> bool {
        match &self.holds {
            // Hashed once more, so that how long a comparison takes tells nothing.
            Holds::Browser { .. } | Holds::Session { .. } => digest("", &self.mark()) == digest("", mark),
            Holds::Key { .. } | Holds::Nothing => true,
        }
    }
}

/// What is kept of a secret.
pub(super) fn digest(of: &str, secret: &str) -> Digest {
    Digest(Sha256::new().chain_update(of).chain_update([0]).chain_update(secret).finalize().into())
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    /// Of a page that is kept for everybody there is no visitor.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::NoPage)
    }
}
