#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod admin;
mod device;
mod oauth;
mod oidc;
mod page;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_domain::{Clock, Timestamp};
use axum::Router;
use axum::routing::{get, post};

use self::state::State;
pub use self::state::{App, Fault, Place, User, UserKind};

/// A simulated GitHub. Clones are the same one.
#[derive(Clone)]
pub struct Hub {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// One without applications and accounts.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Register an application; one with the same id is replaced.
    pub fn register(&self, app: App) {
        self.state().apps.insert(app.client_id.clone(), app);
    }

    /// Add an account; one with the same number is replaced: that is how accounts are renamed.
    pub fn put_user(&self, user: User) {
        self.state().users.insert(user.id, user);
    }

    /// Delete an account.
    pub fn delete_user(&self, id: u64) {
        self.state().users.remove(&id);
    }

    /// Let every browser be that of this account, which approves whatever it is asked; `None`: browsers are asked who they are.
    pub fn be(&self, login: Option<&str>) {
        self.state().everybody = login.map(str::to_owned);
    }

    /// Let the next request of a kind fail.
    pub fn fail(&self, at: Place, fault: Fault) {
        self.state().faults.push((at, fault));
    }

    /// Say of an application that it asks for a device, as an account, or that it is denied with `None`. Whether there is such a code.
    #[must_use]
    pub fn decide_device(&self, user_code: &str, login: Option<&str>) -> bool {
        self.state().decide_device(user_code, login)
    }

    /// Its pages and answers.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(page::home))
            .route("/login/oauth/authorize", get(oauth::authorize).post(oauth::decide))
            .route("/login/oauth/access_token", post(oauth::token))
            .route("/user", get(oauth::user))
            .route("/login/device/code", post(device::code))
            .route("/login/device", get(device::show).post(device::decide))
            .route("/.well-known/openid-configuration", get(oidc::discovery))
            .route("/oidc/token", post(oidc::token))
            .route("/oidc/keys", get(oidc::keys))
            .route("/_admin/user", post(admin::user))
            .route("/_admin/delete", post(admin::delete))
            .route("/_admin/be", post(admin::be))
            .route("/_admin/fault", post(admin::fault))
            .with_state(self.clone())
    }
}
