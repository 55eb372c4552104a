use axum::Json;
use axum::extract::State as Of;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::{Fault, Hub, Place, User};

/// `POST /_admin/user` with `{"id":1,"login":"ada","type":"User","created":1300000000,"public_repos":3}`
pub(crate) async fn user(Of(hub): Of<Hub>, Json(user): Json<User>) -> StatusCode {
    hub.put_user(user);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deleted {
    id: u64,
}

/// `POST /_admin/delete` with `{"id":1}`
pub(crate) async fn delete(Of(hub): Of<Hub>, Json(deleted): Json<Deleted>) -> StatusCode {
    hub.delete_user(deleted.id);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
pub(crate) struct Everybody {
    login: Option<String>,
}

/// `POST /_admin/be` with `{"login":"ada"}` or `{"login":null}`
pub(crate) async fn be(Of(hub): Of<Hub>, Json(everybody): Json<Everybody>) -> StatusCode {
    hub.be(everybody.login.as_deref());
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
pub(crate) struct Scripted {
    at: Place,
    fault: Fault,
}

/// `POST /_admin/fault` with `{"at":"token","fault":{"error":"bad_verification_code"}}`, `{"status":502}` or `{"hang":20}`
pub(crate) async fn fault(Of(hub): Of<Hub>, Json(Scripted { at, fault }): Json<Scripted>) -> StatusCode {
    hub.fail(at, fault);
    StatusCode::NO_CONTENT
}
