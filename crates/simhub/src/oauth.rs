use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State as Of};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::page::{choice, escaped, page, refuse};
use crate::state::{App, CODE_LIFE, Code, Fault, Place};
use crate::{Hub, User};

pub(crate) type Fields = BTreeMap<String, String>;

/// The values of a form or a query by their names.
pub(crate) fn fields(form: &[u8]) -> Fields {
    form_urlencoded::parse(form).into_owned().collect()
}

pub(crate) fn get<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// Fail as was scripted. `Ok`: go on.
pub(crate) async fn fail(fault: Option<Fault>, error: impl FnOnce(&str) -> Response) -> Result<(), Response> {
    match fault {
        None => Ok(()),
        Some(Fault::Error(code)) => Err(error(&code)),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Err((status, "<html>Unicorn!</html>").into_response())
        }
        Some(Fault::Hang(seconds)) => {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        }
    }
}

/// Whether people may be sent back to an address: below the registered one; on 127.0.0.1 whatever the port.
fn is_registered(app: &App, redirect: &str) -> bool {
    let parts = |address: &str| -> Option<(String, String)> {
        let (scheme, rest) = address.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = if host.starts_with("127.0.0.1") { "127.0.0.1" } else { host };
        Some((format!("{scheme}://{host}"), path.to_owned()))
    };
    let (Some(known), Some(asked)) = (parts(&app.callback), parts(redirect)) else { return false };
    let below = asked
        .1
        .strip_prefix(&known.1)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || known.1.is_empty());
    known.0 == asked.0 && below && !asked.1.contains("..")
}

fn back(redirect: &str, pairs: &[(&str, &str)]) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let between = if redirect.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{redirect}{between}{}", query.finish())).into_response()
}

/// `GET /login/oauth/authorize`
pub(crate) async fn authorize(Of(hub): Of<Hub>, Query(asked): Query<Fields>) -> Response {
    let fault = hub.state().fault(Place::Authorize);
    let (app, users, everybody) = {
        let state = hub.state();
        let app = state.apps.get(get(&asked, "client_id")).cloned();
        (app, state.users.values().cloned().collect::<Vec<User>>(), state.everybody.clone())
    };
    let Some(app) = app else { return refuse(StatusCode::NOT_FOUND, "There is no such application.") };
    let redirect = asked.get("redirect_uri").cloned().unwrap_or_else(|| app.callback.clone());
    let state = get(&asked, "state");
    if !is_registered(&app, &redirect) {
        return back(&app.callback, &[("error", "redirect_uri_mismatch"), ("state", state)]);
    }
    if let Err(failed) = fail(fault, |code| back(&redirect, &[("error", code), ("state", state)])).await {
        return failed;
    }
    let method = get(&asked, "code_challenge_method");
    if asked.contains_key("code_challenge") && method != "S256" {
        return back(&redirect, &[("error", "invalid_request"), ("state", state)]);
    }
    if let Some(login) = everybody {
        return decided(&hub, &asked, &app, &login);
    }
    let hidden: Vec<(&str, &str)> =
        asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let lead = format!("<p>{} wants to know who you are.</p>", escaped(&app.name));
    page("Authorize", &format!("{lead}{}", choice("/login/oauth/authorize", &hidden, "", &users)))
}

/// `POST /login/oauth/authorize`: somebody has said who they are.
pub(crate) async fn decide(Of(hub): Of<Hub>, form: Bytes) -> Response {
    let asked = fields(&form);
    let app = hub.state().apps.get(get(&asked, "client_id")).cloned();
    let Some(app) = app else { return refuse(StatusCode::NOT_FOUND, "There is no such application.") };
    decided(&hub, &asked, &app, get(&asked, "as"))
}

fn decided(hub: &Hub, asked: &Fields, app: &App, login: &str) -> Response {
    let redirect_uri = asked.get("redirect_uri").cloned().unwrap_or_else(|| app.callback.clone());
    if !is_registered(app, &redirect_uri) {
        return refuse(StatusCode::BAD_REQUEST, "The application is not registered for this address.");
    }
    let state = get(asked, "state");
    let made = hub.now();
    let mut hub = hub.state();
    let Some(user) = hub.named(login).map(|user| user.id) else {
        return back(&redirect_uri, &[("error", "access_denied"), ("state", state)]);
    };
    let challenge = asked.get("code_challenge").cloned();
    let (client_id, nonce) = (app.client_id.clone(), get(asked, "nonce").to_owned());
    let code = Code { client_id, redirect_uri: redirect_uri.clone(), challenge, nonce, user, made };
    let code = hub.put_code(code);
    back(&redirect_uri, &[("code", &code), ("state", state)])
}

/// GitHub's answer of a token request: 200 whatever it says, in the form that was asked for.
pub(crate) fn answer(headers: &HeaderMap, pairs: &[(&str, String)]) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("json") {
        let object: serde_json::Map<String, serde_json::Value> = pairs
            .iter()
            .map(|(name, value)| {
                let number = value.parse::<u64>().ok().filter(|_| matches!(*name, "expires_in" | "interval"));
                ((*name).to_owned(), number.map_or_else(|| json!(value), |number| json!(number)))
            })
            .collect();
        return Json(object).into_response();
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        form.append_pair(name, value);
    }
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], form.finish())
        .into_response()
}

pub(crate) fn error(headers: &HeaderMap, code: &str) -> Response {
    answer(headers, &[("error", code.to_owned()), ("error_description", format!("Simulated: {code}."))])
}

/// `POST /login/oauth/access_token`
pub(crate) async fn token(Of(hub): Of<Hub>, headers: HeaderMap, form: Bytes) -> Response {
    let fault = hub.state().fault(Place::Token);
    if let Err(failed) = fail(fault, |code| error(&headers, code)).await {
        return failed;
    }
    let asked = fields(&form);
    if get(&asked, "grant_type") == crate::device::GRANT {
        return crate::device::token(&hub, &headers, &asked);
    }
    match exchange(&hub, &asked) {
        Ok(code) => {
            let token = hub.state().put_token(code.user);
            granted(&headers, token)
        }
        Err(code) => error(&headers, code),
    }
}

pub(crate) fn granted(headers: &HeaderMap, token: String) -> Response {
    let pairs = [("access_token", token), ("scope", String::new()), ("token_type", "bearer".to_owned())];
    answer(headers, &pairs)
}

/// The code of a token request, which is used up by it.
pub(crate) fn exchange(hub: &Hub, asked: &Fields) -> Result<Code, &'static str> {
    let now = hub.now();
    let mut state = hub.state();
    let app = state.apps.get(get(asked, "client_id")).ok_or("incorrect_client_credentials")?;
    if app.client_secret != get(asked, "client_secret") {
        return Err("incorrect_client_credentials");
    }
    let client_id = app.client_id.clone();
    // Whatever comes of it, it was used.
    let code = state.codes.remove(get(asked, "code")).ok_or("bad_verification_code")?;
    if code.client_id != client_id || now.since(code.made) >= CODE_LIFE {
        return Err("bad_verification_code");
    }
    if asked.get("redirect_uri").is_some_and(|redirect| *redirect != code.redirect_uri) {
        return Err("redirect_uri_mismatch");
    }
    if let Some(challenge) = &code.challenge {
        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(get(asked, "code_verifier")));
        if verifier != *challenge {
            return Err("bad_verification_code");
        }
    }
    Ok(code)
}

/// `GET /user`
pub(crate) async fn user(Of(hub): Of<Hub>, headers: HeaderMap) -> Response {
    let fault = hub.state().fault(Place::User);
    let refused =
        |status: StatusCode, message: &str| (status, Json(json!({ "message": message }))).into_response();
    if let Err(failed) = fail(fault, |code| refused(StatusCode::FORBIDDEN, code)).await {
        return failed;
    }
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    if text(header::USER_AGENT).is_empty() {
        return refused(
            StatusCode::FORBIDDEN,
            "Request forbidden by administrative rules. Say who you are in User-Agent.",
        );
    }
    let bearer = text(header::AUTHORIZATION);
    let token = bearer.strip_prefix("Bearer ").or_else(|| bearer.strip_prefix("token ")).unwrap_or_default();
    let state = hub.state();
    let Some(user) = state.tokens.get(token).and_then(|id| state.users.get(id)) else {
        return refused(StatusCode::UNAUTHORIZED, "Bad credentials");
    };
    Json(json!({
        "id": user.id,
        "login": user.login,
        "type": format!("{:?}", user.kind),
        "created_at": apogee_domain::Timestamp::from_seconds(user.created).to_string(),
        "public_repos": user.public_repos,
        "followers": 0,
        "avatar_url": "",
        "email": null,
    }))
    .into_response()
}
