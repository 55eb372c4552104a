//! `apogee admin`: who may do what.
//!
//! Whoever can write to the database can do this: it is how the first administrator comes to be. Everything done here is in the audit log.

use apogee_domain::{Clock, Timestamp};
use apogee_store::{AuditEvent, Identity, IdentityId, Page, Role, RoleGrant, Standing, Store};
use clap::{Args, Subcommand};
use serde_json::json;

use super::source::Database;
use super::{Answer, Failure, Format};
use crate::audit;
use crate::edge::{self, SystemClock};
use crate::identity::invitation;

/// Who acts, in the audit log.
const ACTOR: &str = "cli";

/// Seconds of a day.
const DAY: i64 = 86_400;

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Give a role to somebody who has signed in.
    Grant(OnRole),
    /// Take a role.
    Revoke(OnRole),
    /// List who has roles, or everybody who has signed in.
    List(List),
    /// Block somebody: they are told why, and can do nothing. Their sessions end.
    Block(OnIdentity),
    /// Let somebody who is blocked do things again.
    Unblock(OnIdentity),
    /// Make a code that lets people in who have no account with a provider.
    Invite(Invited),
    /// Hold the whole audit log against its own hashes. Says no where an entry was changed or is missing.
    Audit(Audited),
}

#[derive(Debug, Args)]
pub(super) struct OnRole {
    #[command(flatten)]
    database: Database,
    /// Who, as the page of their account says: `github:583231`
    identity: String,
    /// viewer, operator, payer or approver
    #[arg(value_parser = role)]
    role: Role,
    /// Why; it goes into the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    database: Database,
    /// Everybody who has signed in
    #[arg(long)]
    all: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct OnIdentity {
    #[command(flatten)]
    database: Database,
    /// Who: `github:583231`
    identity: String,
    /// Why; it goes into the audit log, and whoever is blocked reads it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Invited {
    #[command(flatten)]
    database: Database,
    /// How many may use it
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    uses: u32,
    /// Days until it is of no use
    #[arg(long, value_name = "NUMBER", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
    /// What it is for; it goes into the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Audited {
    #[command(flatten)]
    database: Database,
    /// An entry that was noted down earlier, as this command prints its last one; says no where it is not there any more
    #[arg(long = "noted", value_name = "NUMBER:HASH", value_parser = noted)]
    noted: Vec<audit::Place>,
}

fn noted(text: &str) -> Result<audit::Place, &'static str> {
    let place = text.split_once(':').and_then(|(seq, hash)| {
        let (seq, hash) = (seq.parse().ok()?, hash.parse().ok()?);
        Some(audit::Place { seq, hash })
    });
    place.ok_or("an entry is NUMBER:HASH, 17: and 64 hexadecimal digits")
}

fn role(name: &str) -> Result<Role, &'static str> {
    Role::ALL
        .into_iter()
        .find(|role| role.name() == name)
        .ok_or("a role is viewer, operator, payer or approver")
}

impl Admin {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Grant(on) => on.run(true).await,
            Self::Revoke(on) => on.run(false).await,
            Self::List(list) => list.run().await,
            Self::Block(on) => on.run(true).await,
            Self::Unblock(on) => on.run(false).await,
            Self::Invite(invited) => invited.run().await,
            Self::Audit(audited) => audited.run().await,
        }
    }
}

impl Audited {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        let walked = audit::walk(&*store, audit::Place::default(), u64::MAX).await.map_err(Failure::world)?;
        let audit::Place { seq, hash } = walked.to;
        if let Some(broken) = walked.broken {
            println!("entry {broken} does not follow from the one before: it was changed, or one is missing");
            println!("entries 1 to {seq} follow from each other, {seq}:{hash}");
            return Ok(Answer::No);
        }
        let mut answer = Answer::Yes;
        for place in self.noted {
            if !audit::is_there(&*store, place).await.map_err(Failure::world)? {
                println!("entry {} is not the one that was noted, or is gone", place.seq);
                answer = Answer::No;
            }
        }
        println!("entries 1 to {seq} follow from each other, {seq}:{hash}");
        Ok(answer)
    }
}

/// Somebody by their provider and its name for them.
async fn found(store: &dyn Store, name: &str) -> Result<Identity, Failure> {
    let parts = name.split_once(':');
    let (provider, subject) =
        parts.ok_or_else(|| Failure::input("say who as PROVIDER:NUMBER, github:583231"))?;
    let found = store.identity_of(provider, subject).await.map_err(Failure::world)?;
    found.ok_or_else(|| Failure::input(format!("{name} has never signed in here")))
}

fn event(action: &str, on: &str, reason: &str, document: &serde_json::Value) -> Result<AuditEvent, Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::input("say why: --reason is empty"));
    }
    Ok(AuditEvent {
        at: SystemClock.now(),
        actor: ACTOR.to_owned(),
        action: action.to_owned(),
        subject: on.to_owned(),
        reason: reason.to_owned(),
        document: document.to_string(),
    })
}

impl OnRole {
    async fn run(self, give: bool) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.open().await?;
        let identity = found(&*store, &self.identity).await?;
        let action = if give { "role-grant" } else { "role-revoke" };
        let document = json!({ "role": self.role.name(), "handle": identity.account.handle });
        let event = event(action, &identity.actor(), &self.reason, &document)?;
        let mut work = store.begin().await.map_err(Failure::world)?;
        let done = if give {
            let grant = RoleGrant {
                identity: identity.id,
                role: self.role,
                granted: event.at,
                granted_by: ACTOR.to_owned(),
                reason: self.reason,
            };
            work.grant_role(&grant).await
        } else {
            work.revoke_role(identity.id, self.role).await
        };
        if !done.map_err(Failure::world)? {
            let is = if give { "has the role already" } else { "does not have the role" };
            eprintln!("apogee: {} ({}) {is}", identity.actor(), identity.account.handle);
            return Ok(Answer::No);
        }
        work.record(&event).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        let now = if give { "has" } else { "no longer has" };
        println!("{} ({}) {now} the role {}.", identity.actor(), identity.account.handle, self.role.name());
        if give && self.role.needs_step_up() {
            println!("What it allows needs a passkey, which is added on the page /me.");
        }
        Ok(Answer::Yes)
    }
}

impl OnIdentity {
    async fn run(self, block: bool) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.open().await?;
        let identity = found(&*store, &self.identity).await?;
        let action = if block { "identity-block" } else { "identity-unblock" };
        let event =
            event(action, &identity.actor(), &self.reason, &json!({ "handle": identity.account.handle }))?;
        let standing = if block { Standing::Blocked { reason: self.reason } } else { Standing::Ok };
        let mut work = store.begin().await.map_err(Failure::world)?;
        work.set_standing(identity.id, &standing).await.map_err(Failure::world)?;
        if block {
            work.end_sessions(identity.id).await.map_err(Failure::world)?;
        }
        work.record(&event).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        let is = if block { "is blocked" } else { "is not blocked" };
        println!("{} ({}) {is}.", identity.actor(), identity.account.handle);
        Ok(Answer::Yes)
    }
}

impl List {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.open().await?;
        let roles = store.all_roles().await.map_err(Failure::world)?;
        let mut after: Option<IdentityId> = None;
        let mut lines = Vec::new();
        loop {
            let page = store.identities(Page { after, limit: 1_000 }).await.map_err(Failure::world)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for identity in page {
                let of: Vec<&RoleGrant> =
                    roles.iter().filter(|grant| grant.identity == identity.id).collect();
                if self.all || !of.is_empty() {
                    lines.push((identity.actor(), identity.account.handle, identity.standing, names(&of)));
                }
            }
        }
        match self.format {
            Format::Json => {
                let lines: Vec<_> = lines
                    .iter()
                    .map(|(actor, handle, standing, roles)| {
                        json!({ "identity": actor, "handle": handle, "blocked": why(standing), "roles": roles })
                    })
                    .collect();
                println!("{}", json!(lines));
            }
            Format::Csv => {
                println!("identity,handle,roles,blocked");
                for (actor, handle, standing, roles) in lines {
                    let blocked = if why(&standing).is_some() { "yes" } else { "no" };
                    println!("{actor},{handle},{},{blocked}", roles.join(" "));
                }
            }
            Format::Table => {
                for (actor, handle, standing, roles) in lines {
                    let blocked = why(&standing).map_or_else(String::new, |why| format!("  blocked: {why}"));
                    println!("{actor:<28}{handle:<28}{}{blocked}", roles.join(", "));
                }
            }
        }
        Ok(Answer::Yes)
    }
}

fn names(grants: &[&RoleGrant]) -> Vec<&'static str> {
    grants.iter().map(|grant| grant.role.name()).collect()
}

fn why(standing: &Standing) -> Option<&str> {
    match standing {
        Standing::Ok => None,
        Standing::Blocked { reason } => Some(reason),
    }
}

impl Invited {
    async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.open().await?;
        let now = SystemClock.now();
        let expires = Timestamp::from_seconds(now.seconds() + i64::from(self.days) * DAY);
        let (code, invite) = invitation(&edge::entropy()?, &self.reason, self.uses, expires);
        let name: String = invite.digest.to_string().chars().take(16).collect();
        let document = json!({ "uses": self.uses, "expires": expires.to_string() });
        let event = event("invite", &format!("invite:{name}"), &self.reason, &document)?;
        let mut work = store.begin().await.map_err(Failure::world)?;
        work.add_invite(&invite).await.map_err(Failure::world)?;
        work.record(&event).await.map_err(Failure::world)?;
        work.commit().await.map_err(Failure::world)?;
        // On standard output, and nothing else: it is told this once.
        println!("{code}");
        Ok(Answer::Yes)
    }
}
