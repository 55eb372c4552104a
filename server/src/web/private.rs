//! Pages that are of whoever asks for them.
//!
//! A page is public or private by its path: [`is_private`]. Public pages are made once, kept and handed to everybody; their handlers see no
//! headers. A private page is made for each request, with `Cache-Control: no-store`, and its handlers may take these arguments:
//!
//! * [`Visitor`]: who asks. `visitor.signed_in()?` is their identity, `visitor.acting(Role::Operator)?` their identity where they have that role
//!   and, for [`Role::Payer`](apogee_store::Role::Payer) and [`Role::Approver`](apogee_store::Role::Approver), have shown a passkey in the last
//!   minutes; `visitor.address` is where they ask from. A refusal becomes its problem by `?`; whoever looks at a page and is not signed in is led
//!   to `/signin` and back.
//! * `HeaderMap` and `Bytes` of what was sent, at most 16 KiB (64 KiB for `/discord`, 256 KiB for `/admin/decisions`); [`Ask`](super::ask::Ask) for language and form.
//!
//! To add one: a path below one of [`PRIVATE`], a line in [`pages`], a handler that answers `Result<Response, Problem>`. Answers may set cookies
//! and redirect. A handler of GET changes nothing.
//!
//! Before a handler of POST runs, the request is known to come from this site, and its form to have been made for whoever sends it: every form has
//! `<input type="hidden" name="mark" value="{{ mark }}">` with `visitor.mark()`. Programs send JSON with `Authorization: Bearer apogee_…` and
//! need no mark; with that header, and with JSON, cookies are not looked at. A key has no roles.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;

use super::{App, admin, check, faucet, signin};
use crate::identity::Visitor;

/// What private paths are or begin with.
const PRIVATE: [&str; 8] =
    ["/admin", "/check", "/device", "/discord", "/faucet", "/me", "/signin", "/signout"];

/// Whether the page at a path is of whoever asks for it.
pub(crate) fn is_private(path: &str) -> bool {
    let below = |prefix: &&str| {
        path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    PRIVATE.iter().any(below)
}

/// Every private page: its path, as it is without language and form, and who makes it.
pub(super) fn pages() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/admin", get(admin::show)),
        ("/admin/audit", get(admin::audit)),
        ("/admin/decisions", get(admin::decisions::show).post(admin::decisions::act)),
        ("/admin/faucet", post(admin::faucet)),
        ("/admin/faucet/{network}/{name}", get(admin::lists::show)),
        ("/admin/faucet/{network}/{name}/put", post(admin::lists::put)),
        ("/admin/faucet/{network}/{name}/strike", post(admin::lists::strike)),
        ("/admin/payment", post(admin::payment)),
        ("/admin/wallet", post(admin::wallet)),
        ("/admin/people", get(signin::people::show)),
        ("/admin/people/standing", post(signin::people::set_standing)),
        ("/check/{competition}/{miner}", get(check::show).post(check::begin)),
        ("/device", get(signin::device::show).post(signin::device::decide)),
        ("/device/code", post(signin::device::begin)),
        ("/device/token", post(signin::device::token)),
        // Its POST is signed by Discord, which is all that it is believed for.
        ("/discord/{network}", get(faucet::registered).post(faucet::discord)),
        ("/faucet/{network}", get(faucet::show).post(faucet::request)),
        ("/faucet/{network}/balance/{address}", get(faucet::balance)),
        ("/faucet/{network}/eligibility", post(faucet::eligibility)),
        ("/faucet/{network}/find", get(faucet::find)),
        ("/faucet/{network}/g/{id}", get(faucet::grant)),
        ("/faucet/{network}/refunds/{name}", get(faucet::refunds)),
        ("/faucet/{network}/status", get(faucet::status)),
        ("/faucet/{network}/tx/{id}", get(faucet::transaction)),
        ("/me", get(signin::me::show)),
        ("/me/keys", post(signin::me::make_key)),
        ("/me/keys/revoke", post(signin::me::revoke_key)),
        ("/me/keys/give-back", post(signin::me::give_back)),
        ("/me/passkeys/add", post(signin::passkey::add)),
        ("/me/passkeys/new", post(signin::passkey::ask_new)),
        ("/me/passkeys/remove", post(signin::passkey::remove)),
        ("/me/step-up", post(signin::passkey::ask_known)),
        ("/me/step-up/shown", post(signin::passkey::shown)),
        ("/signin", get(signin::show)),
        ("/signin/{provider}", post(signin::begin)),
        ("/signin/{provider}/callback", get(signin::come_back)),
        ("/signout", post(signin::sign_out)),
    ]
}

/// A request for a private page.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) visitor: Visitor,
    pub(crate) headers: HeaderMap,
    /// What was sent, where something was.
    pub(crate) form: Option<Bytes>,
}

impl Sent {
    pub(super) fn request(self) -> Request {
        let method = if self.form.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::new(Body::from(self.form.unwrap_or_default()));
        *request.method_mut() = method;
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(self.visitor);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_private_as_a_whole_word() {
        for private in ["/me", "/me/keys", "/signin", "/signin/github/callback", "/admin/", "/device"] {
            assert!(is_private(private), "{private}");
        }
        for public in ["/", "/menu", "/status", "/signing", "/c/me", "/n/me/board"] {
            assert!(!is_private(public), "{public}");
        }
    }
}
