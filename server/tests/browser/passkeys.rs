//! Passkeys with a device that Chromium simulates (`WebAuthn` of its protocol): added, shown for money, copied, taken away.

use apogee_domain::{Clock, Digest, Timestamp};
use apogee_store::Session;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::cdp::Browser;
use crate::look;
use crate::world::{Shifted, World};

/// What a page that is not ours, or not as we made it, may ask a device; answers as the form of ours has them.
const ASKED: &str = "(async (challenge, verification, known) => {
  const bytes = t => Uint8Array.from(atob(t.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  const allowCredentials = known.map(id => ({ type: 'public-key', id: bytes(id) }));
  const said = await navigator.credentials.get({ publicKey: { challenge: bytes(challenge), rpId: 'localhost', allowCredentials, userVerification: verification } });
  return { credential: text(said.rawId), client: text(said.response.clientDataJSON), authenticator: text(said.response.authenticatorData), signature: text(said.response.signature) };
})";

/// A device of whoever looks at this page: its id.
async fn device(browser: &mut Browser) -> String {
    browser.call("WebAuthn.enable", json!({})).await;
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    });
    let made = browser.call("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
    made["authenticatorId"].as_str().unwrap().to_owned()
}

async fn credential(browser: &mut Browser, device: &str) -> Value {
    let kept = browser.call("WebAuthn.getCredentials", json!({ "authenticatorId": device })).await;
    assert_eq!(kept["credentials"].as_array().unwrap().len(), 1, "{kept}");
    kept["credentials"][0].clone()
}

/// What a key is called in forms.
fn name_of(credential: &Value) -> String {
    credential["credentialId"].as_str().unwrap().replace('+', "-").replace('/', "_").replace('=', "")
}

/// Another device with a copy of a key.
async fn copy(browser: &mut Browser, credential: &Value) -> String {
    let other = device(browser).await;
    let copy = json!({ "authenticatorId": other, "credential": credential });
    browser.call("WebAuthn.addCredential", copy).await;
    other
}

async fn without(browser: &mut Browser, device: &str) {
    browser.call("WebAuthn.removeVirtualAuthenticator", json!({ "authenticatorId": device })).await;
}

/// Add a passkey on the page of the account.
async fn add(world: &World, browser: &mut Browser, name: &str) {
    browser.open(&format!("{}/me", world.base)).await;
    browser.fill("#passkey", name).await;
    browser.follow("form[action='/me/passkeys/new'] button").await;
    browser.follow("form[data-passkey] button").await;
}

/// To the page that asks for a passkey.
async fn asked(world: &World, browser: &mut Browser) {
    browser.open(&format!("{}/me", world.base)).await;
    browser.follow("form[action='/me/step-up'] button").await;
}

/// Send what a device has said elsewhere, from the page that asks.
async fn send(browser: &mut Browser, said: &Value) {
    let loads = browser.loads();
    let fill = format!(
        "(said => {{ const form = document.querySelector('form[data-passkey]');
           for (const name in said) form.elements[name].value = said[name]; form.submit(); }})({said})"
    );
    browser.ask(&fill).await;
    browser.loaded(loads).await;
}

async fn challenge(browser: &mut Browser) -> Value {
    browser.ask("document.querySelector('form[data-passkey]').dataset.challenge").await
}

async fn say(browser: &mut Browser, challenge: &Value, verification: &str, known: &[&str]) -> Value {
    browser.ask(&format!("{ASKED}({challenge}, '{verification}', {})", json!(known))).await
}

/// The session of the browser, as the database has it.
async fn session(world: &World, browser: &mut Browser) -> Session {
    let secret = browser.cookie(&world.base, "sid").await.unwrap();
    let hash = sha2::Sha256::new().chain_update("session\0").chain_update(secret["value"].as_str().unwrap());
    let id = Digest(hash.finalize().into());
    world.store().await.session(id, Shifted::default().now()).await.unwrap().unwrap()
}

/// What the wallet may do.
async fn mode(world: &World) -> String {
    let wallet = world.store().await.wallet(&"simnet".parse().unwrap(), "drip").await.unwrap().unwrap();
    wallet.mode.as_str().to_owned()
}

/// Let the wallet do more or less, with a reason.
async fn order(world: &World, browser: &mut Browser, mode: &str) {
    browser.open(&format!("{}/admin", world.base)).await;
    browser.fill("form[action='/admin/wallet'] [name=reason]", "as the test wants it").await;
    browser.follow(&format!("form[action='/admin/wallet'] button[value='{mode}']")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_needs_a_passkey_that_was_shown_lately_in_this_session() {
    let (world, mut browser) = (World::with_money().await, Browser::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    for role in ["operator", "payer"] {
        world.apogee(&["admin", "grant", "github:1", role, "--reason", "on duty"]);
    }
    order(&world, &mut browser, "paused").await;
    assert_eq!(mode(&world).await, "paused", "to stop it needs none");
    order(&world, &mut browser, "open").await;
    world.refused(&mut browser, 403, "step-up-needed", "no-passkey").await;
    browser.follow(".verdict a[href='/me']").await;

    // Without a script there is no passkey, and the page says so.
    browser.scripts(false).await;
    browser.fill("#passkey", "a laptop").await;
    browser.follow("form[action='/me/passkeys/new'] button").await;
    let says = browser.ask("document.querySelector('noscript .notice')?.getClientRects().length").await;
    assert_eq!(says, 1);
    browser.follow("form[data-passkey] button").await;
    world.refused(&mut browser, 403, "passkey-refused", "no-script").await;
    browser.scripts(true).await;
    browser.open(&format!("{}/me", world.base)).await;

    let device = device(&mut browser).await;
    browser.fill("#passkey", "a laptop").await;
    browser.follow("form[action='/me/passkeys/new'] button").await;
    let mut faults = look::faults(&mut browser, "passkey-new").await;
    // It is the one page with a script: nothing else can ask a device.
    faults.retain(|fault| !fault.ends_with("the page has a script"));
    look::none(&faults);
    look::picture(&mut browser, "own-passkey-new").await;
    let failed = browser.ask("document.getElementById('passkey-failed').getClientRects().length").await;
    assert_eq!(failed, 0, "nothing has failed yet");
    browser.follow("form[data-passkey] button").await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
    assert!(browser.html().await.contains("a laptop"));
    order(&world, &mut browser, "open").await;
    world.refused(&mut browser, 403, "step-up-needed", "passkey-not-shown").await;

    // The device does not know who touches it: it says so, and the browser gives up.
    let unsure = |sure: bool| json!({ "authenticatorId": device, "isUserVerified": sure });
    browser.call("WebAuthn.setUserVerified", unsure(false)).await;
    asked(&world, &mut browser).await;
    browser.click("form[data-passkey] button").await;
    let waits = "new Promise(r => { const f = document.getElementById('passkey-failed'), t = setInterval(() => { if (f.getClientRects().length) { clearInterval(t); r(f.textContent.trim()); } }, 20); })";
    assert!(browser.ask(waits).await.as_str().unwrap().contains("did not answer"));
    // Whoever asks it to be lax is not believed.
    let asks = challenge(&mut browser).await;
    let known = credential(&mut browser, &device).await;
    let said = say(&mut browser, &asks, "discouraged", &[&name_of(&known)]).await;
    send(&mut browser, &said).await;
    world.refused(&mut browser, 403, "passkey-refused", "user-not-verified").await;
    browser.call("WebAuthn.setUserVerified", unsure(true)).await;

    let before = session(&world, &mut browser).await;
    asked(&world, &mut browser).await;
    browser.follow("form[data-passkey] button").await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
    let shown = session(&world, &mut browser).await;
    assert_ne!(shown.id, before.id, "the session goes on under another id");
    assert!(shown.step_up_until.is_some() && before.step_up_until.is_none());
    order(&world, &mut browser, "open").await;
    assert_eq!(browser.answered, (200, format!("{}/admin", world.base)));
    assert_eq!(mode(&world).await, "open");

    // Ten minutes later, which is told to the database and not waited for.
    order(&world, &mut browser, "paused").await;
    let Timestamp(until) = shown.step_up_until.unwrap();
    let late = Session { step_up_until: Some(Timestamp(until - 601 * 1_000_000)), ..shown };
    let store = world.store().await;
    let mut work = store.begin().await.unwrap();
    assert!(work.end_session(late.identity, late.id).await.unwrap());
    work.open_session(&late).await.unwrap();
    work.commit().await.unwrap();
    order(&world, &mut browser, "open").await;
    world.refused(&mut browser, 403, "step-up-needed", "passkey-shown-long-ago").await;
    asked(&world, &mut browser).await;
    browser.follow("form[data-passkey] button").await;
    order(&world, &mut browser, "open").await;
    assert_eq!(mode(&world).await, "open");
    // Every step is in the audit log, with who and why.
    browser.open(&format!("{}/admin/audit", world.base)).await;
    let log = browser.html().await;
    for said in ["passkey-add", "github:1", "as the test wants it"] {
        assert!(log.contains(said), "{said}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_that_is_copied_foreign_or_removed_is_refused() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    let first = device(&mut browser).await;
    add(&world, &mut browser, "first").await;
    let early = credential(&mut browser, &first).await;
    let id = name_of(&early);
    asked(&world, &mut browser).await;
    browser.follow("form[data-passkey] button").await;
    assert_eq!(browser.answered.0, 200);

    // A copy of the device, made before: it counts from there.
    without(&mut browser, &first).await;
    let copied = copy(&mut browser, &early).await;
    asked(&world, &mut browser).await;
    browser.follow("form[data-passkey] button").await;
    world.refused(&mut browser, 403, "passkey-refused", "copied-device").await;
    without(&mut browser, &copied).await;

    // A second one needs the first, which was shown. The first is taken away.
    let second = device(&mut browser).await;
    add(&world, &mut browser, "second").await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
    browser.follow(&format!("form:has([value='{id}']) button")).await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
    assert!(!browser.html().await.contains("<bdi>first</bdi>"));
    without(&mut browser, &second).await;
    let mut newest = early.clone();
    newest["signCount"] = json!(1_000);
    copy(&mut browser, &newest).await;
    asked(&world, &mut browser).await;
    let asks = challenge(&mut browser).await;
    let said = say(&mut browser, &asks, "required", &[&id]).await;
    send(&mut browser, &said).await;
    world.refused(&mut browser, 403, "passkey-refused", "removed-passkey").await;
    // What was asked once is not asked again.
    browser.open(&format!("{}/me", world.base)).await;
    browser.follow("form[action='/me/step-up'] button").await;
    send(&mut browser, &said).await;
    world.refused(&mut browser, 403, "passkey-refused", "replayed-answer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_that_was_asked_on_another_origin_is_refused() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    let own = device(&mut browser).await;
    add(&world, &mut browser, "a laptop").await;
    let credential = credential(&mut browser, &own).await;
    let id = name_of(&credential);
    asked(&world, &mut browser).await;
    let asks = challenge(&mut browser).await;
    // For a browser the same host on another port may ask for the same key.
    let tab = browser.tab();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let page = axum::routing::get(|| async { axum::response::Html("<title>Win!</title>") });
    let site = tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().route("/", page)).await.unwrap();
    });
    browser.another_tab().await;
    browser.open(&there).await;
    copy(&mut browser, &credential).await;
    let said = say(&mut browser, &asks, "required", &[&id]).await;
    site.abort();
    browser.turn_to(&tab);
    browser.complaints.clear();
    send(&mut browser, &said).await;
    world.refused(&mut browser, 403, "passkey-refused", "passkey-of-another-origin").await;
    assert_eq!(session(&world, &mut browser).await.step_up_until, None);

    // And a bare address may ask for none at all: that is why `by_name` leads to the name.
    browser.open(&format!("{}/status", world.base.replace("localhost", "127.0.0.1"))).await;
    let why = browser
        .ask(
            "navigator.credentials.create({ publicKey: { challenge: new Uint8Array(32), rp: { id: '127.0.0.1', name: 'a' },
               user: { id: new Uint8Array(8), name: 'a', displayName: 'a' }, pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } })
             .then(() => 'made', error => error.name)",
        )
        .await;
    assert_eq!(why, "SecurityError");
}
