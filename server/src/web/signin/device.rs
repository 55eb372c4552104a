use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::field;
use crate::identity::{DEVICE_LIFE, INTERVAL, Refused, Told, Visitor};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::query::{Asked, Nothing, Unreadable, Why};
use crate::web::{App, Problem};

/// Where people let a program in.
#[derive(Template)]
#[template(path = "device.html")]
struct Page<'a> {
    c: Chrome<'a>,
    /// As whom.
    handle: String,
    identity: String,
    /// The code, where one was typed, and what the program says of itself.
    asked: Option<(String, String)>,
    /// What was decided.
    decided: Option<bool>,
    mark: String,
}

fn page(
    ask: &Ask,
    visitor: &Visitor,
    asked: Option<(String, String)>,
    decided: Option<bool>,
) -> Result<Response, Problem> {
    let identity = visitor.signed_in()?;
    let page = Page {
        c: Chrome::alone(ask, Section::Elsewhere),
        handle: identity.account.handle.clone(),
        identity: identity.actor(),
        asked,
        decided,
        mark: visitor.mark(),
    };
    Ok(([(header::CONTENT_LANGUAGE, ask.language.tag())], Html(page.render()?)).into_response())
}

/// `GET /device`: where a code is typed.
pub(in crate::web) async fn show(
    ask: Ask,
    visitor: Visitor,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    page(&ask, &visitor, None, None)
}

/// `POST /device`: whose code it is, and then what is decided.
pub(in crate::web) async fn decide(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    form: Bytes,
) -> Result<Response, Problem> {
    let code = field(&form, "code");
    match field(&form, "answer").as_str() {
        "" => {
            let name = app.door.device(&visitor, &code).await?;
            page(&ask, &visitor, Some((code, name)), None)
        }
        answer => {
            let approve = answer == "yes";
            app.door.decide_device(&visitor, &code, approve).await?;
            page(&ask, &visitor, None, Some(approve))
        }
    }
}

/// What a program sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    name: String,
    device_code: String,
}

fn sent(visitor: &Visitor, body: &[u8]) -> Result<Sent, Problem> {
    if !visitor.is_program() {
        return Err(Refused::NoDevice.into());
    }
    serde_json::from_slice(body).map_err(|_| {
        Problem::Query(Unreadable { name: "body".to_owned(), value: String::new(), why: Why::Choice })
    })
}

/// `POST /device/code` with `{"name":"…"}` (RFC 8628 § 3.1)
pub(in crate::web) async fn begin(
    State(app): State<App>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Problem> {
    let codes = app.door.ask_device(&visitor, &sent(&visitor, &body)?.name).await?;
    let answer = json!({
        "device_code": codes.device,
        "user_code": codes.user,
        "verification_uri": format!("{}/device", app.door.base()),
        "expires_in": DEVICE_LIFE.as_secs(),
        "interval": INTERVAL.as_secs(),
    });
    Ok(Json(answer).into_response())
}

/// `POST /device/token` with `{"device_code":"…"}` (RFC 8628 § 3.4)
pub(in crate::web) async fn token(
    State(app): State<App>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response, Problem> {
    let told = app.door.poll_device(&visitor, &sent(&visitor, &body)?.device_code).await?;
    Ok(match told {
        Told::Key(key) => Json(json!({ "access_token": key, "token_type": "bearer" })).into_response(),
        Told::Error(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    })
}
