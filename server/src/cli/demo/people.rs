//! Who can sign in to the demo: invented people, at a GitHub that is none.

use std::net::SocketAddr;

use apogee_domain::{Clock, Timestamp};
use apogee_simhub::{App, Hub, User, UserKind};
use apogee_store::{Account, AccountKind, AuditEvent, Role, RoleGrant, Store};
use tokio::net::TcpListener;

use crate::cli::Failure;
use crate::config::Secret;
use crate::edge::{self, SystemClock};
use crate::identity::{Kind, Provider, Settings};

/// Name of the provider, in addresses and identities. It is not `github`: what the demo's database says of somebody is true nowhere else.
const PROVIDER: &str = "simulated";

const DAY: i64 = 86_400;

/// Number, name, kind, and days since the account was made.
const PEOPLE: [(u64, &str, UserKind, i64); 5] = [
    (1, "ada", UserKind::User, 4_000),
    (2, "grace", UserKind::User, 900),
    (3, "newcomer", UserKind::User, 2),
    (4, "a-bot", UserKind::Bot, 500),
    (5, "an-organization", UserKind::Organization, 2_000),
];

/// Start the double, let `ada` look after everything, and say how to sign in.
pub(super) async fn open(store: &dyn Store, served: SocketAddr) -> Result<Settings, Failure> {
    let now = SystemClock.now();
    let hub = Hub::new(std::sync::Arc::new(SystemClock));
    // Browsers offer passkeys to names, and not to bare addresses.
    let base = if served.ip().is_loopback() {
        format!("http://localhost:{}", served.port())
    } else {
        format!("http://{served}")
    };
    let secret: String = edge::entropy()?.iter().map(|byte| format!("{byte:02x}")).collect();
    hub.register(App {
        client_id: "apogee-demo".to_owned(),
        client_secret: secret.clone(),
        name: "Apogee".to_owned(),
        callback: format!("{base}/signin/{PROVIDER}/callback"),
    });
    for (id, login, kind, days) in PEOPLE {
        let created = now.seconds() - days * DAY;
        hub.put_user(User { id, login: login.to_owned(), kind, created, public_repos: 3 });
    }
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::world)?;
    let there = format!("http://{}", listener.local_addr().map_err(Failure::world)?);
    let router = hub.router();
    // It ends with the process.
    tokio::spawn(async move { axum::serve(listener, router).await });
    appoint(store, now).await?;
    let provider = Provider {
        kind: Kind::Github,
        title: Some("GitHub (simulated)".to_owned()),
        client_id: Some("apogee-demo".to_owned()),
        client_secret_file: None,
        client_secret: Some(Secret::new(secret)),
        web_url: Some(there.clone()),
        api_url: Some(there),
        issuer: None,
    };
    Ok(Settings {
        base_url: Some(base),
        pepper_file: None,
        providers: [(PROVIDER.to_owned(), provider)].into(),
    })
}

/// Give `ada` every role, once.
async fn appoint(store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
    let account = Account {
        provider: PROVIDER.to_owned(),
        subject: "1".to_owned(),
        handle: "ada".to_owned(),
        kind: AccountKind::User,
        created: Some(Timestamp::from_seconds(now.seconds() - 4_000 * DAY)),
    };
    let mut work = store.begin().await.map_err(Failure::world)?;
    let identity = work.meet(&account, now).await.map_err(Failure::world)?;
    let mut given = Vec::new();
    for role in Role::ALL {
        let grant = RoleGrant {
            identity: identity.id,
            role,
            granted: now,
            granted_by: "demo".to_owned(),
            reason: "the demo’s administrator".to_owned(),
        };
        if work.grant_role(&grant).await.map_err(Failure::world)? {
            given.push(role.name());
        }
    }
    if !given.is_empty() {
        let event = AuditEvent {
            at: now,
            actor: "demo".to_owned(),
            action: "role-grant".to_owned(),
            subject: identity.actor(),
            reason: "the demo’s administrator".to_owned(),
            document: serde_json::json!({ "roles": given }).to_string(),
        };
        work.record(&event).await.map_err(Failure::world)?;
    }
    work.commit().await.map_err(Failure::world)
}
