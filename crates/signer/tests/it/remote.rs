//! Keys of `lotus-wallet`, played by a double that speaks its protocol and sometimes lies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apogee_filecoin::rpc::{Client, Endpoint, Secret, Settings};
use apogee_filecoin::types::{Message, json, message_cid};
use apogee_signer::{Key, KeyKind, LocalSigner, RemoteWallet};
use apogee_treasury::{Purpose, Signer};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::desk::{Desk, ask, bls_wallet, key, order_of, pay, payee, policy, rule, wallet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Honest,
    OtherMessage,
    OtherKey,
    OtherKind,
    Flipped,
    Empty,
    Failing,
    Slow,
    Huge,
    Unasked,
}

#[derive(Debug)]
struct Double {
    mood: Mutex<Mood>,
    signed: Mutex<Vec<Message>>,
}

fn error(code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}})
}

fn result(value: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "result": value})
}

/// `WalletSign` as Lotus does it: what is signed has to be the CID of the message that is shown.
fn sign(double: &Double, params: &Value, mood: Mood) -> Option<Value> {
    let wallet = params[0].as_str()?;
    let bytes = STANDARD.decode(params[1].as_str()?).ok()?;
    if params[2]["Type"] != "message" {
        return None;
    }
    let extra = STANDARD.decode(params[2]["Extra"].as_str()?).ok()?;
    let mut message: Message = fvm_ipld_encoding::from_slice(&extra).ok()?;
    if message_cid(&message).to_bytes() != bytes {
        return Some(error(1, "cid mismatch"));
    }
    let seed = if mood == Mood::OtherKey { 2 } else { 1 };
    let kinds = [KeyKind::Secp256k1, KeyKind::Bls];
    let named = kinds
        .map(|kind| key(kind, 1))
        .into_iter()
        .find(|key| key.address().to_string()[1..] == wallet[1..])?;
    let key: Key = key(named.kind(), seed);
    if mood == Mood::OtherMessage {
        message.sequence += 1;
    }
    let mut signature = key.sign(&message).unwrap();
    double.signed.lock().unwrap().push(message);
    match mood {
        Mood::Flipped => signature.bytes[40] ^= 1,
        Mood::Empty => signature.bytes.clear(),
        _ => {}
    }
    let kind = if mood == Mood::OtherKind { 3 } else { signature.kind as u8 };
    Some(result(&serde_json::to_value(json::Signature { kind, data: signature.bytes }).unwrap()))
}

async fn answer(
    State(double): State<Arc<Double>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    if headers.get("authorization").is_none_or(|token| token != "Bearer token-of-the-wallet") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mood = *double.mood.lock().unwrap();
    match request["method"].as_str() {
        Some("Filecoin.WalletList") => {
            let addresses = [wallet(), bls_wallet()].map(|address| format!("t{}", &address.to_string()[1..]));
            Json(result(&json!(addresses))).into_response()
        }
        Some("Filecoin.WalletSign") => match mood {
            Mood::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Mood::Slow => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                StatusCode::OK.into_response()
            }
            Mood::Huge => Body::from(vec![b' '; 1 << 20]).into_response(),
            Mood::Unasked => Json(result(&json!("signed"))).into_response(),
            _ => {
                let answer = sign(&double, &request["params"], mood);
                Json(answer.unwrap_or_else(|| error(1, "wallet not found"))).into_response()
            }
        },
        _ => Json(error(-32601, "method not found")).into_response(),
    }
}

async fn start() -> (Arc<Double>, String) {
    let double = Arc::new(Double { mood: Mutex::new(Mood::Honest), signed: Mutex::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/rpc/v0", listener.local_addr().unwrap());
    let router = Router::new().route("/rpc/v0", post(answer)).with_state(Arc::clone(&double));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (double, address)
}

fn signer(desk: &Desk, address: &str, token: &str) -> LocalSigner {
    let endpoint = Endpoint::new(address, Some(Secret::new(token))).unwrap();
    let settings =
        Settings { timeout: Duration::from_millis(500), body_limit: 64 << 10, ..Settings::default() };
    let keys = RemoteWallet::new(Client::new(endpoint, settings).unwrap());
    let journal = super::desk::open(&desk.path("journal")).unwrap();
    LocalSigner::new(desk.policy(), journal, Box::new(keys), Arc::new(desk.clock.clone()))
}

#[tokio::test]
async fn a_remote_wallet_signs_as_a_local_one_behind_the_same_rules() {
    let (double, address) = start().await;
    for from in [wallet(), bls_wallet()] {
        let (here, there) = (Desk::new(&policy(&from, "any")), Desk::new(&policy(&from, "any")));
        let (local, remote) = (here.signer(), signer(&there, &address, "token-of-the-wallet"));
        assert_eq!(remote.wallets().await.unwrap(), [from.to_string()]);
        let pay = |nonce, amount| order_of(from, Purpose::Pay, nonce, payee(0), amount, 2);
        let orders = [pay(0, 10), pay(1, 20)];
        let expected = local.sign(&from.to_string(), 1, &orders).await.unwrap();
        assert_eq!(remote.sign(&from.to_string(), 1, &orders).await.unwrap(), expected);
        let before = double.signed.lock().unwrap().len();
        for order in [pay(0, 11), pay(2, 1001)] {
            assert!(matches!(
                rule(&remote.sign(&from.to_string(), 1, &[order]).await),
                "nonce-reused" | "cap-message"
            ));
        }
        assert_eq!(double.signed.lock().unwrap().len(), before, "the wallet does not see what is refused");
    }
}

#[tokio::test]
async fn what_a_remote_wallet_answers_is_checked_before_it_is_handed_on() {
    let (double, address) = start().await;
    let desk = Desk::open_handed();
    let signer = signer(&desk, &address, "token-of-the-wallet");
    for mood in [
        Mood::OtherMessage,
        Mood::OtherKey,
        Mood::OtherKind,
        Mood::Flipped,
        Mood::Empty,
        Mood::Failing,
        Mood::Slow,
        Mood::Huge,
        Mood::Unasked,
    ] {
        *double.mood.lock().unwrap() = mood;
        assert_eq!(rule(&ask(&signer, pay(0, payee(0), 10)).await), "unavailable", "{mood:?}");
        // What was asked for stands, although no signature came.
        assert_eq!(rule(&ask(&signer, pay(0, payee(0), 11)).await), "nonce-reused", "{mood:?}");
    }
    *double.mood.lock().unwrap() = Mood::Honest;
    let signed = ask(&signer, pay(0, payee(0), 10)).await.unwrap();
    super::desk::read(&signed[0]);
    drop(signer);
    assert_eq!(super::desk::open(&desk.path("journal")).unwrap().entries(), 1);
}

#[tokio::test]
async fn a_remote_wallet_without_the_token_or_the_wallet_signs_nothing() {
    let (_, address) = start().await;
    let desk = Desk::open_handed();
    let refused = signer(&desk, &address, "another-token");
    assert_eq!(rule(&ask(&refused, pay(0, payee(0), 10)).await), "unavailable");
    drop(refused);
    let stranger = key(KeyKind::Secp256k1, 9).address();
    let desk = Desk::new(&policy(&stranger, "any"));
    let signer = signer(&desk, &address, "token-of-the-wallet");
    let order = order_of(stranger, Purpose::Pay, 0, payee(0), 10, 2);
    assert_eq!(rule(&signer.sign(&stranger.to_string(), 1, &[order]).await), "wallet");
}
