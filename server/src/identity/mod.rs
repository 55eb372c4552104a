//! Who somebody is: providers that know, sessions that remember, roles that allow.
//!
//! Pages that are the same for everybody are made once and kept (`http/service.rs`); they never see a cookie. Pages below the paths of
//! [`crate::web::is_private`] go another way: for each request a [`Visitor`] is made here, and the answer is kept nowhere. See `web/private.rs`
//! for how such a page is written.

mod client;
mod cookie;
mod devices;
mod door;
mod github;
mod id_token;
mod invites;
mod keys;
mod made;
mod oidc;
mod passkeys;
mod people;
mod provider;
mod refused;
mod settings;
mod visitor;
mod webauthn;

pub(crate) use self::client::Client;
pub(crate) use self::devices::{DEVICE_LIFE, INTERVAL, Told};
pub(crate) use self::door::{Came, Door, LetIn};
pub(crate) use self::invites::invitation;
pub(crate) use self::passkeys::{Answered, Asking, REGISTER, STEP_UP};
pub(crate) use self::people::LISTED;
pub(crate) use self::provider::IdentityProvider;
pub(crate) use self::refused::Refused;
pub(crate) use self::settings::{Kind, Provider, Settings};
pub(crate) use self::visitor::Visitor;
