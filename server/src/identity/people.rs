use apogee_store::{Account, AccountKind, AuditEvent, Identity, IdentityId, Page, Role, RoleGrant, Standing};

use super::door::Door;
use super::refused::Refused;
use super::visitor::Visitor;

/// People on one page.
pub(crate) const LISTED: u32 = 200;

impl Door {
    /// People by number after `after`, with their roles.
    pub(crate) async fn people(
        &self,
        visitor: &Visitor,
        after: Option<IdentityId>,
    ) -> Result<Vec<(Identity, Vec<RoleGrant>)>, Refused> {
        visitor.acting(Role::Viewer)?;
        let roles = self.store.all_roles().await?;
        let people = self.store.identities(Page { after, limit: LISTED }).await?;
        let of = |id| roles.iter().filter(|grant| grant.identity == id).cloned().collect();
        Ok(people.into_iter().map(|identity| (identity.clone(), of(identity.id))).collect())
    }

    /// Somebody whom a chat has verified. They are kept like those who sign in, and may be blocked like them; no session is opened.
    pub(crate) async fn meet(&self, account: &Account) -> Result<Identity, Refused> {
        if account.kind != AccountKind::User {
            let kind = account.kind.name();
            return Err(Refused::NotAPerson { handle: account.handle.clone(), kind });
        }
        let mut work = self.store.begin().await?;
        let identity = work.meet(account, self.now()).await?;
        work.commit().await?;
        match identity.standing {
            Standing::Ok => Ok(identity),
            Standing::Blocked { reason } => Err(Refused::Blocked { reason }),
        }
    }

    /// Block somebody, or let them do things again. It is in the audit log, and whoever is blocked reads why.
    pub(crate) async fn set_standing(
        &self,
        visitor: &Visitor,
        id: IdentityId,
        block: bool,
        reason: &str,
    ) -> Result<(), Refused> {
        let actor = visitor.acting(Role::Operator)?;
        if reason.is_empty() {
            return Err(Refused::ReasonNeeded);
        }
        let whom = self.store.identity(id).await?.ok_or(Refused::NoIdentity)?;
        let standing = if block { Standing::Blocked { reason: reason.to_owned() } } else { Standing::Ok };
        let mut work = self.store.begin().await?;
        work.set_standing(id, &standing).await?;
        if block {
            work.end_sessions(id).await?;
        }
        let event = AuditEvent {
            at: visitor.now,
            actor: actor.actor(),
            action: if block { "identity-block" } else { "identity-unblock" }.to_owned(),
            subject: whom.actor(),
            reason: reason.to_owned(),
            document: serde_json::json!({ "handle": whom.account.handle }).to_string(),
        };
        work.record(&event).await?;
        Ok(work.commit().await?)
    }
}
