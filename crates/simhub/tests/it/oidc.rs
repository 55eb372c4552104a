use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::github::{ask, authorize, hub, post, query};

const BACK: &str = "http://127.0.0.1:4711/signin/github/callback";

#[tokio::test]
async fn an_id_token_is_signed_with_a_key_that_is_published() {
    let (hub, _) = hub();
    let pairs = [("client_id", "id"), ("redirect_uri", BACK), ("state", "s"), ("nonce", "n1")];
    let back = authorize(&hub, "/login/oauth/authorize", &pairs).await;
    let pairs = [
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("code", back["code"].as_str()),
        ("redirect_uri", BACK),
    ];
    let token = post(&hub, "/oidc/token", &pairs).await["id_token"].as_str().unwrap().to_owned();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split_once('.').unwrap().1).unwrap()).unwrap();
    assert_eq!((&claims["sub"], &claims["nonce"], &claims["aud"]), (&"1".into(), &"n1".into(), &"id".into()));
    let (_, _, keys) = ask(&hub, Request::get("/oidc/keys").body(Body::empty()).unwrap()).await;
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();

    let again = Request::post("/oidc/token").body(Body::from(query(&pairs))).unwrap();
    assert_eq!(ask(&hub, again).await.0, StatusCode::BAD_REQUEST, "a code is good once");
}
