use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use crate::Hub;
use crate::oauth::{Fields, answer, error, fail, fields, get, granted};
use crate::page::{choice, page, refuse};
use crate::state::{DEVICE_LIFE, INTERVAL, Place};

/// What a program asks for that waits for a device (RFC 8628).
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `POST /login/device/code`
pub(crate) async fn code(Of(hub): Of<Hub>, headers: HeaderMap, form: Bytes) -> Response {
    let fault = hub.state().fault(Place::Device);
    if let Err(failed) = fail(fault, |code| error(&headers, code)).await {
        return failed;
    }
    let asked = fields(&form);
    let client_id = get(&asked, "client_id").to_owned();
    let now = hub.now();
    let mut state = hub.state();
    if !state.apps.contains_key(&client_id) {
        return error(&headers, "incorrect_client_credentials");
    }
    let (device, user) = state.put_device(client_id, now);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    answer(
        &headers,
        &[
            ("device_code", device),
            ("user_code", user),
            ("verification_uri", format!("http://{host}/login/device")),
            ("expires_in", DEVICE_LIFE.as_secs().to_string()),
            ("interval", INTERVAL.to_string()),
        ],
    )
}

/// Whether a program is let in.
pub(crate) fn token(hub: &Hub, headers: &HeaderMap, asked: &Fields) -> Response {
    let now = hub.now();
    let mut state = hub.state();
    let name = get(asked, "device_code");
    let Some(waits) =
        state.devices.get_mut(name).filter(|device| device.client_id == get(asked, "client_id"))
    else {
        return error(headers, "incorrect_device_code");
    };
    if now.since(waits.made) >= DEVICE_LIFE {
        return error(headers, "expired_token");
    }
    let early = waits.asked.is_some_and(|asked| now.since(asked) < Duration::from_secs(waits.interval));
    waits.asked = Some(now);
    if early {
        waits.interval += 5;
        let interval = waits.interval.to_string();
        return answer(headers, &[("error", "slow_down".to_owned()), ("interval", interval)]);
    }
    match waits.decided {
        None => error(headers, "authorization_pending"),
        Some(None) => error(headers, "access_denied"),
        Some(Some(user)) => {
            state.devices.remove(name);
            let token = state.put_token(user);
            granted(headers, token)
        }
    }
}

/// `GET /login/device`
pub(crate) async fn show(Of(hub): Of<Hub>) -> Response {
    let users: Vec<_> = hub.state().users.values().cloned().collect();
    let field = "<p><label>Code <input name=\"user_code\" autocomplete=\"off\"></label></p>";
    page("Connect a device", &choice("/login/device", &[], field, &users))
}

/// `POST /login/device`
pub(crate) async fn decide(Of(hub): Of<Hub>, form: Bytes) -> Response {
    let asked = fields(&form);
    let login = Some(get(&asked, "as")).filter(|login| !login.is_empty());
    let code = get(&asked, "user_code").trim().to_uppercase();
    match (hub.decide_device(&code, login), login) {
        (false, _) => refuse(StatusCode::NOT_FOUND, "No program asks with this code."),
        (true, Some(_)) => page("Connected", "<p>The program goes on by itself.</p>"),
        (true, None) => page("Denied", "<p>The program is told so.</p>"),
    }
}
