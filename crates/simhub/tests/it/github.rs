use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use apogee_domain::{Clock, Timestamp};
use apogee_simhub::{App, Fault, Hub, Place, User, UserKind};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tower::ServiceExt;

#[derive(Debug)]
pub(crate) struct Hand(pub(crate) AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

const BACK: &str = "http://127.0.0.1:4711/signin/github/callback";
const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

pub(crate) fn hub() -> (Hub, Arc<Hand>) {
    let clock = Arc::new(Hand(AtomicI64::new(1_790_000_000)));
    let hub = Hub::new(Arc::<Hand>::clone(&clock));
    hub.register(App {
        client_id: "id".to_owned(),
        client_secret: "secret".to_owned(),
        name: "Test".to_owned(),
        callback: "http://127.0.0.1/signin/github/callback".to_owned(),
    });
    let kind = UserKind::User;
    hub.put_user(User { id: 1, login: "ada".to_owned(), kind, created: 1_300_000_000, public_repos: 3 });
    hub.be(Some("ada"));
    (hub, clock)
}

pub(crate) async fn ask(hub: &Hub, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let answer = hub.router().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What the browser comes back with.
pub(crate) async fn authorize(hub: &Hub, path: &str, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let request = Request::get(format!("{path}?{}", query(pairs))).body(Body::empty()).unwrap();
    let (status, headers, body) = ask(hub, request).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
    let (_, query) = headers["location"].to_str().unwrap().split_once('?').unwrap();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn asked(challenge: &str) -> [(&'static str, &str); 5] {
    [
        ("client_id", "id"),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]
}

async fn code(hub: &Hub) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let back = authorize(hub, "/login/oauth/authorize", &asked(&challenge)).await;
    assert_eq!(back["state"], "s1");
    back["code"].clone()
}

pub(crate) async fn post(hub: &Hub, path: &str, pairs: &[(&str, &str)]) -> Value {
    let request =
        Request::post(path).header("accept", "application/json").body(Body::from(query(pairs))).unwrap();
    let (status, _, body) = ask(hub, request).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn token(hub: &Hub, changed: &[(&str, &str)], code: &str) -> Value {
    let usual = [
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("grant_type", "authorization_code"),
    ];
    let mut pairs: BTreeMap<&str, &str> = usual.into_iter().collect();
    pairs.extend(changed.iter().copied());
    pairs.retain(|_, value| !value.is_empty());
    post(hub, "/login/oauth/access_token", &pairs.into_iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_code_is_good_once_for_what_it_was_made_for() {
    let (hub, clock) = hub();
    let good = code(&hub).await;
    let told = token(&hub, &[], &good).await;
    assert!(told["access_token"].as_str().unwrap().starts_with("gho_"), "{told}");
    assert_eq!(token(&hub, &[], &good).await["error"], "bad_verification_code");
    for (changed, error) in [
        (("client_secret", "wrong"), "incorrect_client_credentials"),
        (("client_id", "other"), "incorrect_client_credentials"),
        (("redirect_uri", "http://127.0.0.1:1/else"), "redirect_uri_mismatch"),
        (("code_verifier", "wrong"), "bad_verification_code"),
        (("code_verifier", ""), "bad_verification_code"),
        (("code", "wrong"), "bad_verification_code"),
    ] {
        let fresh = code(&hub).await;
        assert_eq!(token(&hub, &[changed], &fresh).await["error"], error, "{changed:?}");
    }
    let old = code(&hub).await;
    clock.0.fetch_add(600, Ordering::SeqCst);
    assert_eq!(token(&hub, &[], &old).await["error"], "bad_verification_code");
}

#[tokio::test]
async fn an_address_that_is_not_registered_gets_no_code() {
    let (hub, _) = hub();
    for (redirect, good) in [
        ("http://127.0.0.1:9/signin/github/callback", true),
        ("http://127.0.0.1/signin/github/callback/below", true),
        ("http://127.0.0.1:9/signin/github/callbacks", false),
        ("https://evil.example/signin/github/callback", false),
        ("http://127.0.0.1:9/signin/github/callback/../../evil", false),
    ] {
        let mut pairs = asked("c");
        pairs[1] = ("redirect_uri", redirect);
        let back = authorize(&hub, "/login/oauth/authorize", &pairs).await;
        assert_eq!(back.contains_key("code"), good, "{redirect}");
        assert_eq!(
            back.get("error").map(String::as_str) == Some("redirect_uri_mismatch"),
            !good,
            "{redirect}"
        );
    }
}

#[tokio::test]
async fn without_accept_the_answer_is_a_form_and_without_user_agent_there_is_none() {
    let (hub, _) = hub();
    let request = Request::post("/login/oauth/access_token").body(Body::from("client_id=id")).unwrap();
    let (status, _, body) = ask(&hub, request).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.starts_with("error=incorrect_client_credentials"), "{body}");

    let told = token(&hub, &[], &code(&hub).await).await;
    let bearer = format!("Bearer {}", told["access_token"].as_str().unwrap());
    let user = |agent: Option<&str>, bearer: &str| {
        let mut request = Request::get("/user").header("authorization", bearer);
        if let Some(agent) = agent {
            request = request.header("user-agent", agent);
        }
        ask(&hub, request.body(Body::empty()).unwrap())
    };
    let (status, ..) = user(None, &bearer).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, ..) = user(Some("test"), "Bearer wrong").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (_, _, body) = user(Some("test"), &bearer).await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&said["id"], &said["type"]), (&1.into(), &"User".into()));
    assert_eq!(said["created_at"], "2011-03-13T07:06:40Z");
}

#[tokio::test]
async fn a_device_is_asked_for_in_its_time() {
    let (hub, clock) = hub();
    let begin = post(&hub, "/login/device/code", &[("client_id", "id")]).await;
    assert_eq!((&begin["interval"], &begin["expires_in"]), (&5.into(), &900.into()));
    let device = begin["device_code"].as_str().unwrap().to_owned();
    let user = begin["user_code"].as_str().unwrap();
    assert_eq!(user.len(), 9);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let pairs = [("client_id", "id"), ("device_code", device.as_str()), ("grant_type", grant)];
    let poll = || post(&hub, "/login/oauth/access_token", &pairs);
    assert_eq!(poll().await["error"], "authorization_pending");
    let early = poll().await;
    assert_eq!((&early["error"], &early["interval"]), (&"slow_down".into(), &10.into()));
    clock.0.fetch_add(10, Ordering::SeqCst);
    assert_eq!(poll().await["error"], "authorization_pending");
    assert!(!hub.decide_device("AAAA-0000", Some("ada")) && !hub.decide_device(user, Some("nobody")));
    assert!(hub.decide_device(user, Some("ada")));
    clock.0.fetch_add(10, Ordering::SeqCst);
    assert!(poll().await["access_token"].is_string());
    assert_eq!(poll().await["error"], "incorrect_device_code");

    let denied = post(&hub, "/login/device/code", &[("client_id", "id")]).await;
    assert!(hub.decide_device(denied["user_code"].as_str().unwrap(), None));
    let pairs = [
        ("client_id", "id"),
        ("device_code", denied["device_code"].as_str().unwrap()),
        ("grant_type", grant),
    ];
    assert_eq!(post(&hub, "/login/oauth/access_token", &pairs).await["error"], "access_denied");
    clock.0.fetch_add(900, Ordering::SeqCst);
    assert_eq!(post(&hub, "/login/oauth/access_token", &pairs).await["error"], "expired_token");
}

#[tokio::test]
async fn errors_are_scripted_for_the_next_request_of_their_kind() {
    let (hub, _) = hub();
    hub.fail(Place::Authorize, Fault::Error("application_suspended".to_owned()));
    let back = authorize(&hub, "/login/oauth/authorize", &asked("c")).await;
    assert_eq!(back["error"], "application_suspended");
    assert!(authorize(&hub, "/login/oauth/authorize", &asked("c")).await.contains_key("code"));
    let script = r#"{"at":"token","fault":{"status":502}}"#;
    let script =
        Request::post("/_admin/fault").header("content-type", "application/json").body(Body::from(script));
    assert_eq!(ask(&hub, script.unwrap()).await.0, StatusCode::NO_CONTENT);
    let request = Request::post("/login/oauth/access_token").body(Body::empty()).unwrap();
    assert_eq!(ask(&hub, request).await.0, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn every_page_says_that_it_is_simulated_and_shows_nothing_as_markup() {
    let (hub, _) = hub();
    hub.be(None);
    let kind = UserKind::User;
    hub.put_user(User { id: 2, login: "<b>mallory".to_owned(), kind, created: 0, public_repos: 0 });
    let authorize = format!("/login/oauth/authorize?{}", query(&asked("\"><script>")));
    for address in ["/", "/login/device", &authorize] {
        let (status, _, body) = ask(&hub, Request::get(address).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("Simulated GitHub, for tests and demos"), "{body}");
        assert!(!body.contains("<b>mallory") && !body.contains("<script>"), "{body}");
    }
}
