//! The least that OpenID Connect needs: discovery, the same page to say who one is, tokens signed with ES256, keys.

use std::fmt;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use crate::Hub;
use crate::oauth::{exchange, fields};

/// Seconds that a token is good for.
const LIFE: i64 = 300;

/// The key that tokens are signed with, made when it is first needed.
#[derive(Default)]
pub(crate) struct Signer(Option<(EcdsaKeyPair, SystemRandom)>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    fn pair(&mut self) -> Option<&(EcdsaKeyPair, SystemRandom)> {
        if self.0.is_none() {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
            self.0 = Some((pair.ok()?, random));
        }
        self.0.as_ref()
    }

    fn token(&mut self, claims: &serde_json::Value) -> Option<String> {
        let (pair, random) = self.pair()?;
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"simulated"}"#);
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = pair.sign(random, message.as_bytes()).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

fn issuer(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

/// `GET /.well-known/openid-configuration`
pub(crate) async fn discovery(headers: HeaderMap) -> Response {
    let issuer = issuer(&headers);
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/login/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oidc/token"),
        "jwks_uri": format!("{issuer}/oidc/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
    .into_response()
}

/// `GET /oidc/keys`
pub(crate) async fn keys(Of(hub): Of<Hub>) -> Response {
    let mut state = hub.state();
    let Some((pair, _)) = state.signer.pair() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // An uncompressed point: 4, x, y.
    let point = pair.public_key().as_ref();
    let part = |from, to| URL_SAFE_NO_PAD.encode(point.get(from..to).unwrap_or_default());
    let (x, y) = (part(1, 33), part(33, 65));
    let key = json!({ "kty": "EC", "crv": "P-256", "kid": "simulated", "use": "sig", "alg": "ES256", "x": x, "y": y });
    Json(json!({ "keys": [key] })).into_response()
}

/// `POST /oidc/token`
pub(crate) async fn token(Of(hub): Of<Hub>, headers: HeaderMap, form: Bytes) -> Response {
    let asked = fields(&form);
    let refused = |code: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": code }))).into_response();
    let (user, client, nonce) = match exchange(&hub, &asked) {
        Ok(code) => (code.user, code.client_id, code.nonce),
        Err(_) => return refused("invalid_grant"),
    };
    let now = hub.now().seconds();
    let mut state = hub.state();
    let Some(login) = state.users.get(&user).map(|user| user.login.clone()) else {
        return refused("invalid_grant");
    };
    let claims = json!({
        "iss": issuer(&headers), "sub": user.to_string(), "aud": client, "exp": now + LIFE, "iat": now,
        "nonce": nonce, "preferred_username": login,
    });
    let Some(id_token) = state.signer.token(&claims) else { return refused("server_error") };
    let access_token = state.put_token(user);
    Json(json!({ "access_token": access_token, "token_type": "bearer", "id_token": id_token }))
        .into_response()
}
