//! Sign-in through the binary, against a double of GitHub over HTTP (C § 3.3).

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use apogee_domain::{Clock, Timestamp};
use apogee_simhub::{App, Fault, Hub, Place, User, UserKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::served::{Answer, Served};

const NOW: i64 = 1_790_000_000;
const CREATED: i64 = 1_300_000_001;

/// A clock that is moved by hand.
#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A service and the GitHub that it trusts.
pub(crate) struct World {
    pub(crate) served: Served,
    pub(crate) hub: Hub,
    clock: Arc<Hand>,
    pub(crate) folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

pub(crate) fn user(id: u64, login: &str) -> User {
    User { id, login: login.to_owned(), kind: UserKind::User, created: CREATED, public_repos: 3 }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(NOW)));
        let hub = Hub::new(Arc::<Hand>::clone(&clock));
        hub.register(App {
            client_id: "apogee-test".to_owned(),
            client_secret: "not a secret".to_owned(),
            name: "Apogee".to_owned(),
            callback: "http://127.0.0.1/signin/github/callback".to_owned(),
        });
        hub.register(App {
            client_id: "company-test".to_owned(),
            client_secret: "not a secret".to_owned(),
            name: "Apogee".to_owned(),
            callback: "http://127.0.0.1/signin/company/callback".to_owned(),
        });
        hub.put_user(user(1, "ada"));
        hub.put_user(user(2, "bob"));
        hub.be(Some("ada"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let github = format!("http://{}", listener.local_addr().unwrap());
        let router = hub.router();
        runtime.spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("people.sqlite").display());
        let provider = |key: &str| format!("IDENTITY__PROVIDERS__GITHUB__{key}");
        let usual = [
            ("STORE".to_owned(), store),
            // GitHub lets every port of 127.0.0.1 come back: the browser below goes to the real one.
            ("IDENTITY__BASE_URL".to_owned(), "http://127.0.0.1:1".to_owned()),
            (provider("KIND"), "github".to_owned()),
            (provider("CLIENT_ID"), "apogee-test".to_owned()),
            (provider("CLIENT_SECRET"), "not a secret".to_owned()),
            (provider("WEB_URL"), github.clone()),
            (provider("API_URL"), github.clone()),
            ("IDENTITY__PROVIDERS__INVITE__KIND".to_owned(), "invite".to_owned()),
            ("IDENTITY__PROVIDERS__COMPANY__KIND".to_owned(), "oidc".to_owned()),
            ("IDENTITY__PROVIDERS__COMPANY__CLIENT_ID".to_owned(), "company-test".to_owned()),
            ("IDENTITY__PROVIDERS__COMPANY__CLIENT_SECRET".to_owned(), "not a secret".to_owned()),
            ("IDENTITY__PROVIDERS__COMPANY__ISSUER".to_owned(), github),
        ];
        let mut all: Vec<(&str, &str)> =
            usual.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend(settings);
        let log = std::fs::File::create(folder.path().join("log.txt")).unwrap();
        Self { served: Served::logged(&all, log), hub, clock, folder, _runtime: runtime }
    }

    /// The database.
    pub(crate) fn store(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("people.sqlite").display())
    }

    /// What the service has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log.txt")).unwrap()
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: BTreeMap::new() }
    }

    /// What the command line says, with exit code 0.
    pub(crate) fn apogee(&self, arguments: &[&str]) -> String {
        let store = self.store();
        let output =
            Command::new(env!("CARGO_BIN_EXE_apogee")).args(arguments).args(["--store", &store]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A client that keeps cookies, and goes where it is sent only when it is told to.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    world: &'a World,
    cookies: BTreeMap<String, String>,
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

impl Browser<'_> {
    fn headers(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { String::new() } else { format!("cookie: {}\r\n", cookies.join("; ")) }
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) fn get(&mut self, address: &str) -> Answer {
        self.get_with(address, "")
    }

    fn get_with(&mut self, address: &str, headers: &str) -> Answer {
        let cookies = self.headers();
        let request =
            format!("GET {address} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{cookies}{headers}\r\n");
        let answer = self.world.served.say(&request);
        self.keep(answer)
    }

    pub(crate) fn post_with(&mut self, address: &str, pairs: &[(&str, &str)], headers: &str) -> Answer {
        let body: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let body = body.join("&");
        let request = format!(
            "POST {address} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n{}{headers}\r\n{body}",
            body.len(),
            self.headers()
        );
        let request = if headers.contains("content-type") {
            request.replacen("content-type: application/x-www-form-urlencoded\r\n", "", 1)
        } else {
            request
        };
        let answer = self.world.served.say(&request);
        self.keep(answer)
    }

    /// The mark of the forms on a page.
    pub(crate) fn mark(&mut self, page: &str) -> String {
        let text = self.get(page).text();
        let (_, rest) =
            text.split_once("name=\"mark\" value=\"").unwrap_or_else(|| panic!("no form on {page}: {text}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Send a form as a page of the site has it.
    pub(crate) fn post(&mut self, page: &str, address: &str, pairs: &[(&str, &str)]) -> Answer {
        let mark = self.mark(page);
        let mut all = vec![("mark", mark.as_str())];
        all.extend(pairs);
        self.post_with(address, &all, "")
    }

    /// Off to GitHub: the address there.
    fn leave(&mut self, next: &str) -> String {
        self.leave_to("github", next)
    }

    fn leave_to(&mut self, provider: &str, next: &str) -> String {
        let answer = self.post("/signin", &format!("/signin/{provider}"), &[("next", next)]);
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").unwrap().to_owned()
    }

    /// What is done at GitHub: where it sends the browser back to, as an address of the service.
    fn at_github(&self, address: &str) -> String {
        let rest = address.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let answer = Answer::of(&mut stream);
        let back = answer.header("location").unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        back.strip_prefix("http://127.0.0.1:1").unwrap_or_else(|| panic!("{back}")).to_owned()
    }

    pub(crate) fn sign_in(&mut self) -> Answer {
        let there = self.leave("/me");
        let back = self.at_github(&there);
        self.get(&back)
    }

    /// Who the service takes it for.
    fn me(&mut self) -> Option<serde_json::Value> {
        let answer = self.get("/me.json");
        (answer.status == 200).then(|| answer.json())
    }

    fn identity(&mut self) -> Option<String> {
        self.me().map(|me| me["identity"].as_str().unwrap().to_owned())
    }
}

#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["type"], format!("/problems/{kind}"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn parameter(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    pair.unwrap_or_else(|| panic!("{name} in {address}")).to_owned()
}

#[test]
fn somebody_signs_in_and_out_and_their_pages_are_kept_nowhere() {
    let world = World::new();
    let mut browser = world.browser();
    let led = browser.get_with("/zh/me?a=1", "accept: text/html\r\n");
    assert_eq!((led.status, led.header("location")), (303, Some("/zh/signin?next=%2Fzh%2Fme%3Fa%3D1")));
    assert_problem(&browser.get("/me"), 401, "sign-in-needed");

    let there = browser.leave("/status");
    assert!(there.contains("/login/oauth/authorize?"), "{there}");
    for (name, value) in
        [("code_challenge_method", "S256"), ("allow_signup", "false"), ("client_id", "apogee-test")]
    {
        assert_eq!(parameter(&there, name), value);
    }
    assert!(!there.contains("scope="), "{there}");
    let back = browser.at_github(&there);
    let answer = browser.get(&back);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/status")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    let me = browser.me().unwrap();
    assert_eq!((&me["identity"], &me["handle"]), (&"github:1".into(), &"ada".into()));
    assert_eq!(me["account_created"], Timestamp::from_seconds(CREATED).to_string());
    assert_eq!(me["sessions"].as_array().unwrap().len(), 1);
    let page = browser.get_with("/me", "accept: text/html\r\n");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.text().contains("github:1") && page.header("content-security-policy").is_some());
    // A public page is the same for everybody, whoever asks.
    let public = browser.get("/status");
    assert_eq!(public.body, world.browser().get("/status").body);
    assert!(public.header("set-cookie").is_none() && !public.text().contains("ada"));
    assert!(public.header("cache-control").unwrap().starts_with("public"));

    let before = browser.clone();
    assert_eq!(browser.post("/me", "/signout", &[]).status, 303);
    assert_eq!(browser.identity(), None);
    assert_eq!(before.clone().identity(), None, "the session is over, not only its cookie");
}

#[test]
fn a_wrong_missing_or_replayed_state_is_refused() {
    let world = World::new();
    let mut browser = world.browser();
    let there = browser.leave("/me");
    let back = browser.at_github(&there);
    let state = parameter(&back, "state");
    let missing = back.replace(&format!("&state={state}"), "").replace(&format!("state={state}&"), "");
    assert_problem(&browser.get(&missing), 403, "sign-in-stale");
    assert_problem(&browser.get(&back.replace(&state, &"0".repeat(64))), 403, "sign-in-stale");
    assert_problem(&browser.get("/signin/github/callback"), 403, "sign-in-stale");
    assert_eq!(browser.get(&back).status, 303);
    assert_eq!(browser.identity().as_deref(), Some("github:1"));
    assert_problem(&browser.get(&back), 403, "sign-in-stale");
}

#[test]
fn a_state_from_another_browser_is_refused_and_not_used_up() {
    let world = World::new();
    let (mut mallory, mut victim) = (world.browser(), world.browser());
    let there = mallory.leave("/me");
    let back = mallory.at_github(&there);
    assert_problem(&victim.get(&back), 403, "sign-in-stale");
    victim.get("/signin");
    assert_problem(&victim.get(&back), 403, "sign-in-stale");
    assert_eq!(victim.identity(), None);
    assert_eq!(mallory.get(&back).status, 303);
}

#[test]
fn a_code_of_another_challenge_is_refused() {
    let world = World::new();
    let mut browser = world.browser();
    let there = browser.leave("/me");
    // A code that somebody else had made for a verifier of theirs.
    let theirs = there.replace(&parameter(&there, "code_challenge"), &"A".repeat(43));
    let back = browser.at_github(&theirs);
    assert_problem(&browser.get(&back), 403, "sign-in-not-confirmed");
    assert_eq!(browser.identity(), None);
}

#[test]
fn a_replayed_code_is_refused() {
    let world = World::new();
    let mut browser = world.browser();
    let there = browser.leave("/me");
    let first = browser.at_github(&there);
    assert_eq!(browser.get(&first).status, 303);
    let mut other = world.browser();
    let there = other.leave("/me");
    let second = other.at_github(&there);
    let replayed = second.replace(&parameter(&second, "code"), &parameter(&first, "code"));
    assert_problem(&other.get(&replayed), 403, "sign-in-not-confirmed");
    assert_eq!(other.identity(), None);
}

#[test]
fn a_code_that_has_expired_is_refused() {
    let world = World::new();
    let mut browser = world.browser();
    let there = browser.leave("/me");
    let back = browser.at_github(&there);
    world.clock.0.fetch_add(600, Ordering::SeqCst);
    assert_problem(&browser.get(&back), 403, "sign-in-not-confirmed");
}

#[test]
fn what_goes_wrong_at_github_has_its_name() {
    let world = World::new();
    let error = |code: &str| Fault::Error(code.to_owned());
    for (place, fault, status, kind) in [
        (Place::Authorize, error("access_denied"), 403, "sign-in-declined"),
        (Place::Authorize, error("application_suspended"), 503, "provider-suspended"),
        (Place::Authorize, error("<script>"), 403, "sign-in-not-confirmed"),
        (Place::Token, error("bad_verification_code"), 403, "sign-in-not-confirmed"),
        (Place::Token, error("incorrect_client_credentials"), 403, "sign-in-not-confirmed"),
        (Place::Token, error("redirect_uri_mismatch"), 403, "sign-in-not-confirmed"),
        (Place::Token, error("application_suspended"), 503, "provider-suspended"),
        (Place::Token, Fault::Status(502), 503, "provider-unreachable"),
        (Place::User, Fault::Status(500), 503, "provider-unreachable"),
        (Place::User, Fault::Status(429), 503, "provider-unreachable"),
        (Place::User, Fault::Status(302), 503, "provider-unreachable"),
        (Place::User, Fault::Status(401), 403, "sign-in-not-confirmed"),
    ] {
        let mut browser = world.browser();
        world.hub.fail(place, fault.clone());
        let answer = browser.sign_in();
        assert_problem(&answer, status, kind);
        assert!(!answer.text().contains("<script>"), "{fault:?}");
        assert_eq!(browser.identity(), None, "{fault:?}");
        // The state is gone all the same, and the next sign-in works.
        assert_eq!(browser.sign_in().status, 303, "{fault:?}");
    }
}

#[test]
fn a_user_request_that_hangs_is_given_up() {
    let world = World::new();
    let mut browser = world.browser();
    world.hub.fail(Place::User, Fault::Hang(60));
    let begun = Instant::now();
    assert_problem(&browser.sign_in(), 503, "provider-unreachable");
    assert!(begun.elapsed().as_secs() < 19, "{:?}", begun.elapsed());
}

#[test]
fn a_renamed_login_is_the_same_identity_and_a_recreated_one_is_not() {
    let world = World::new();
    let mut browser = world.browser();
    browser.sign_in();
    world.hub.put_user(user(1, "countess"));
    world.hub.be(Some("countess"));
    let mut again = world.browser();
    again.sign_in();
    let me = again.me().unwrap();
    assert_eq!((&me["identity"], &me["handle"]), (&"github:1".into(), &"countess".into()));
    assert_eq!(me["sessions"].as_array().unwrap().len(), 2);
    // Deleted, and made again by somebody: the same name, another number.
    world.hub.delete_user(1);
    world.hub.put_user(user(77, "countess"));
    let mut other = world.browser();
    other.sign_in();
    let me = other.me().unwrap();
    assert_eq!((&me["identity"], &me["handle"]), (&"github:77".into(), &"countess".into()));
    assert_eq!(me["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn accounts_of_bots_and_organizations_are_refused() {
    let world = World::new();
    for (id, kind) in [(3, UserKind::Bot), (4, UserKind::Organization)] {
        world.hub.put_user(User { kind, ..user(id, "robots") });
        world.hub.be(Some("robots"));
        let mut browser = world.browser();
        assert_problem(&browser.sign_in(), 403, "not-a-person");
        assert_eq!(browser.identity(), None);
        world.hub.delete_user(id);
    }
}

#[test]
fn two_tabs_sign_in_at_once() {
    let world = World::new();
    let mut browser = world.browser();
    let (one, other) = (browser.leave("/status"), browser.leave("/me"));
    let (one, other) = (browser.at_github(&one), browser.at_github(&other));
    assert_eq!(browser.get(&other).header("location"), Some("/me"));
    assert_eq!(browser.get(&one).header("location"), Some("/status"));
    assert_eq!(browser.identity().as_deref(), Some("github:1"));
}

#[test]
fn an_open_redirect_in_next_leads_home() {
    let world = World::new();
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nset-cookie: sid=1",
        "",
        &format!("/{}", "a".repeat(600)),
    ] {
        let mut browser = world.browser();
        let there = browser.leave(next);
        let back = browser.at_github(&there);
        let answer = browser.get(&back);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/me")), "{next}");
    }
}

#[test]
fn a_session_fixation_is_worth_nothing() {
    let world = World::new();
    let planted = "ab".repeat(32);
    let mut victim = world.browser();
    victim.cookies.insert("sid".to_owned(), planted.clone());
    victim.cookies.insert("browser".to_owned(), planted.clone());
    assert_eq!(victim.sign_in().status, 303);
    assert_ne!(victim.cookies["sid"], planted);
    assert_eq!(victim.identity().as_deref(), Some("github:1"));
    let mut mallory = world.browser();
    mallory.cookies.insert("sid".to_owned(), planted);
    assert_eq!(mallory.identity(), None);
    // Signing in again ends what was before.
    let before = victim.clone();
    victim.sign_in();
    assert_ne!(victim.cookies["sid"], before.cookies["sid"]);
    assert_eq!(before.clone().identity(), None);
}

#[test]
fn a_foreign_origin_or_a_form_without_its_mark_changes_nothing() {
    let world = World::new();
    let mut browser = world.browser();
    browser.sign_in();
    let mark = browser.mark("/me");
    for foreign in ["origin: https://evil.example\r\n", "sec-fetch-site: cross-site\r\n", "origin: null\r\n"]
    {
        let answer = browser.post_with("/signout", &[("mark", &mark)], foreign);
        assert_problem(&answer, 403, "other-origin");
    }
    let mut other = world.browser();
    other.sign_in();
    let theirs = other.mark("/me");
    for wrong in ["", "0", &theirs] {
        assert_problem(&browser.post_with("/signout", &[("mark", wrong)], ""), 403, "stale-form");
        assert_problem(
            &browser.post_with("/me/keys", &[("mark", wrong), ("name", "x")], ""),
            403,
            "stale-form",
        );
    }
    let forged = "content-type: application/json\r\n";
    let answer = browser.post_with("/me/keys", &[("mark", &mark), ("name", "x")], forged);
    assert_problem(&answer, 401, "sign-in-needed");
    for address in ["/signout", "/me/keys", "/signin/github"] {
        assert_problem(&browser.get(address), 405, "method-not-allowed");
    }
    assert_eq!(browser.identity().as_deref(), Some("github:1"), "still signed in");
    assert_eq!(browser.me().unwrap()["keys"], serde_json::json!([]));
}

#[test]
fn a_key_acts_for_its_owner_until_it_is_revoked() {
    let world = World::new();
    let mut browser = world.browser();
    browser.sign_in();
    let made = |browser: &mut Browser<'_>| {
        let answer = browser.post("/me", "/me/keys", &[("name", "<b>ci</b>")]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains("&#60;b&#62;ci") && !text.contains("<b>ci"), "{text}");
        let at = text.find("apogee_").unwrap();
        text[at..at + 71].to_owned()
    };
    let (first, _second) = (made(&mut browser), made(&mut browser));
    assert_problem(&browser.post("/me", "/me/keys", &[("name", "third")]), 409, "too-many-keys");
    let with = |key: &str| world.browser().get_with("/me.json", &format!("authorization: Bearer {key}\r\n"));
    let me = with(&first).json();
    assert_eq!((&me["identity"], &me["roles"]), (&"github:1".into(), &serde_json::json!([])));
    assert!(!me.to_string().contains(&first), "a key is told once");
    for wrong in ["apogee_", "x", &first.to_uppercase(), &first.replace("apogee_", "apogee_0")[..71]] {
        assert_problem(&with(wrong), 401, "key-invalid");
    }
    // Cookies do not count beside a key.
    let answer = browser.get_with("/me.json", "authorization: Bearer nonsense\r\n");
    assert_problem(&answer, 401, "key-invalid");
    let keys = browser.me().unwrap()["keys"].clone();
    for key in keys.as_array().unwrap() {
        let digest = key["digest"].as_str().unwrap();
        assert_eq!(browser.post("/me", "/me/keys/revoke", &[("key", digest)]).status, 303);
    }
    assert_problem(&with(&first), 401, "key-invalid");
}

#[test]
fn an_invitation_lets_in_as_many_as_it_says() {
    let world = World::new();
    let code = world.apogee(&["admin", "invite", "--uses", "2", "--reason", "workshop"]);
    let mut identities = Vec::new();
    for typed in [code.trim().to_owned(), code.trim().to_lowercase().replace('-', " ")] {
        let mut browser = world.browser();
        let answer = browser.post("/signin", "/signin/invite", &[("code", &typed), ("next", "/status")]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/status")), "{}", answer.text());
        identities.push(browser.identity().unwrap());
    }
    assert!(identities[0].starts_with("invite:") && identities[0] != identities[1], "{identities:?}");
    for wrong in [code.trim(), "AAAA-AAAA-AAAA-AAAA-AAAA", ""] {
        let answer = world.browser().post("/signin", "/signin/invite", &[("code", wrong)]);
        assert_problem(&answer, 403, "invite-invalid");
    }
}

#[test]
fn a_role_is_given_and_a_block_ends_sessions_with_a_reason() {
    let world = World::new();
    let mut browser = world.browser();
    browser.sign_in();
    world.apogee(&["admin", "grant", "github:1", "operator", "--reason", "on duty"]);
    world.apogee(&["admin", "grant", "github:1", "payer", "--reason", "on duty"]);
    assert_eq!(browser.me().unwrap()["roles"], serde_json::json!(["operator", "payer"]));
    world.apogee(&["admin", "revoke", "github:1", "payer", "--reason", "off duty"]);
    assert_eq!(browser.me().unwrap()["roles"], serde_json::json!(["operator"]));
    let listed = world.apogee(&["admin", "list", "--format", "json"]);
    assert!(listed.contains("github:1") && listed.contains("operator"), "{listed}");
    world.apogee(&["admin", "block", "github:1", "--reason", "a farm of accounts"]);
    assert_eq!(browser.identity(), None);
    let answer = browser.sign_in();
    assert_problem(&answer, 403, "identity-blocked");
    assert!(answer.text().contains("a farm of accounts"));
    world.apogee(&["admin", "unblock", "github:1", "--reason", "a mistake"]);
    assert_eq!(browser.sign_in().status, 303);
}

#[test]
fn an_openid_provider_lets_in_where_github_does_not() {
    let world = World::new();
    // Tokens are good for five minutes, by the clock of this machine.
    let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
    let now: i64 = String::from_utf8(now).unwrap().trim().parse().unwrap();
    world.clock.0.store(now, Ordering::SeqCst);
    world.hub.fail(Place::Authorize, Fault::Error("application_suspended".to_owned()));
    let mut browser = world.browser();
    assert_problem(&browser.sign_in(), 503, "provider-suspended");
    let there = browser.leave_to("company", "/status");
    assert!(!parameter(&there, "nonce").is_empty());
    let back = browser.at_github(&there);
    let answer = browser.get(&back);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/status")), "{}", answer.text());
    assert_eq!(browser.identity().as_deref(), Some("company:1"));
    // What one provider began another does not end.
    let there = browser.leave_to("company", "/me");
    let back = browser.at_github(&there).replace("/company/", "/github/");
    assert_problem(&browser.get(&back), 403, "sign-in-stale");
    // A token that is too old is refused.
    world.clock.0.fetch_sub(3600, Ordering::SeqCst);
    let there = browser.leave_to("company", "/me");
    let back = browser.at_github(&there);
    assert_problem(&browser.get(&back), 403, "sign-in-not-confirmed");
}

#[test]
fn a_program_is_let_in_by_a_browser_elsewhere_and_gives_its_key_back() {
    let world = World::new();
    let mut browser = world.browser();
    browser.sign_in();
    let key = world.folder.path().join("apogee.key");
    let mut login = Command::new(env!("CARGO_BIN_EXE_apogee"));
    login.args(["login", "--server", &format!("http://{}", world.served.address), "--key"]).arg(&key);
    let mut login = login.args(["--name", "a laptop"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(login.stdout.take().unwrap()));
    let line = lines.next().unwrap().unwrap();
    let code = line.rsplit(' ').next().unwrap().to_owned();
    assert!(line.contains("/device"), "{line}");
    let answer = browser.post("/device", "/device", &[("code", "AAAA-AAAA")]);
    assert_problem(&answer, 404, "device-unknown");
    let asks = browser.post("/device", "/device", &[("code", &code.to_lowercase())]).text();
    assert!(asks.contains("a laptop") && asks.contains("github:1"), "{asks}");
    assert_eq!(browser.post("/device", "/device", &[("code", &code), ("answer", "yes")]).status, 200);
    assert!(login.wait().unwrap().success());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(&key).unwrap();
    let secret = kept.lines().nth(2).unwrap();
    let with_key = || world.browser().get_with("/me.json", &format!("authorization: Bearer {secret}\r\n"));
    assert_eq!(with_key().json()["identity"], "github:1");
    let mut logout = Command::new(env!("CARGO_BIN_EXE_apogee"));
    assert!(logout.args(["logout", "--key"]).arg(&key).status().unwrap().success());
    assert_problem(&with_key(), 401, "key-invalid");
    assert!(!key.exists());
}

/// A device with one key, as browsers see it.
pub(crate) struct Device {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Device {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        Self { pair, random }
    }

    fn said(flags: u8, count: u32) -> Vec<u8> {
        let host: [u8; 32] = Sha256::digest("127.0.0.1").into();
        [&host[..], &[flags], &count.to_be_bytes()].concat()
    }

    /// The values of the form that the page's script fills in.
    pub(crate) fn answer(
        &self,
        kind: &str,
        challenge: &str,
        origin: &str,
        count: u32,
    ) -> [(&'static str, String); 4] {
        let client = format!(r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"{origin}"}}"#);
        let (said, signature) = if kind == "create" {
            let point = self.pair.public_key().as_ref();
            let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
            let key = [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat();
            let id = b"a device";
            let said = [&Self::said(0x45, count)[..], &[0; 16], &[0, 8], id, &key].concat();
            (said, Vec::new())
        } else {
            let said = Self::said(0x05, count);
            let message = [&said[..], &Sha256::digest(&client)[..]].concat();
            let signature = self.pair.sign(&self.random, &message).unwrap().as_ref().to_vec();
            (said, signature)
        };
        [
            ("credential", URL_SAFE_NO_PAD.encode(b"a device")),
            ("client", URL_SAFE_NO_PAD.encode(client)),
            ("authenticator", URL_SAFE_NO_PAD.encode(said)),
            ("signature", URL_SAFE_NO_PAD.encode(signature)),
        ]
    }
}

pub(crate) fn challenge(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    text.split_once("data-challenge=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

/// A passkey is added, and shown.
pub(crate) fn step_up(browser: &mut Browser<'_>) {
    let (origin, device) = ("http://127.0.0.1:1", Device::new());
    let send = |browser: &mut Browser<'_>, address: &str, form: &[(&'static str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post("/me", address, &form).status, 303);
    };
    let asked = challenge(&browser.post("/me", "/me/passkeys/new", &[("name", "a key")]));
    send(browser, "/me/passkeys/add", &device.answer("create", &asked, origin, 0));
    let asked = challenge(&browser.post("/me", "/me/step-up", &[]));
    send(browser, "/me/step-up/shown", &device.answer("get", &asked, origin, 1));
}

#[test]
fn a_passkey_is_added_and_shown_and_each_challenge_is_good_once() {
    let world = World::new();
    let origin = "http://127.0.0.1:1";
    let mut browser = world.browser();
    browser.sign_in();
    let device = Device::new();
    let send = |browser: &mut Browser<'_>, address: &str, form: &[(&'static str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/me", address, &form)
    };
    let add =
        |browser: &mut Browser<'_>, form: &[(&'static str, String)]| send(browser, "/me/passkeys/add", form);
    assert_problem(&browser.post("/me", "/me/step-up", &[]), 403, "passkey-refused");

    let asked = challenge(&browser.post("/me", "/me/passkeys/new", &[("name", "a key")]));
    let elsewhere = device.answer("create", &asked, "http://evil.example", 0);
    assert_problem(&add(&mut browser, &elsewhere), 403, "passkey-refused");
    let late = device.answer("create", &asked, origin, 0);
    assert_problem(&add(&mut browser, &late), 403, "passkey-refused");
    let asked = challenge(&browser.post("/me", "/me/passkeys/new", &[("name", "a key")]));
    assert_eq!(add(&mut browser, &device.answer("create", &asked, origin, 0)).status, 303);
    assert_eq!(browser.me().unwrap()["passkeys"].as_array().unwrap().len(), 1);
    // Another one needs the first.
    assert_problem(&browser.post("/me", "/me/passkeys/new", &[]), 403, "step-up-needed");
    assert_eq!(browser.me().unwrap()["step_up_until"], serde_json::Value::Null);

    let before = browser.clone();
    let show =
        |browser: &mut Browser<'_>, form: &[(&'static str, String)]| send(browser, "/me/step-up/shown", form);
    let asked = challenge(&browser.post("/me", "/me/step-up", &[("next", "/status")]));
    let thief = Device::new().answer("get", &asked, origin, 1);
    assert_problem(&show(&mut browser, &thief), 403, "passkey-refused");
    let asked = challenge(&browser.post("/me", "/me/step-up", &[]));
    let shown = device.answer("get", &asked, origin, 1);
    assert_eq!(show(&mut browser, &shown).status, 303);
    assert_ne!(browser.cookies["sid"], before.cookies["sid"], "the session has another id");
    assert_eq!(before.clone().identity(), None);
    assert!(browser.me().unwrap()["step_up_until"].is_string());
    assert_problem(&show(&mut browser, &shown), 403, "passkey-refused");
    // A copy of the device would not count on.
    let asked = challenge(&browser.post("/me", "/me/step-up", &[]));
    assert_problem(&show(&mut browser, &device.answer("get", &asked, origin, 1)), 403, "passkey-refused");
    let gone = [("credential", URL_SAFE_NO_PAD.encode(b"a device"))];
    assert_eq!(send(&mut browser, "/me/passkeys/remove", &gone).status, 303);
    assert_eq!(browser.me().unwrap()["passkeys"], serde_json::json!([]));
}

#[test]
fn people_are_blocked_by_an_operator_with_a_reason_that_is_recorded() {
    let world = World::new();
    let mut bob = world.browser();
    world.hub.be(Some("bob"));
    bob.sign_in();
    world.hub.be(Some("ada"));
    let mut ada = world.browser();
    ada.sign_in();
    let people = |browser: &mut Browser<'_>| browser.get("/admin/people.json");
    assert_problem(&people(&mut world.browser()), 401, "sign-in-needed");
    assert_problem(&people(&mut ada), 403, "role-needed");
    world.apogee(&["admin", "grant", "github:1", "viewer", "--reason", "on duty"]);
    let listed = people(&mut ada).json();
    assert_eq!(
        (&listed["people"][0]["handle"], &listed["people"][1]["handle"]),
        (&"bob".into(), &"ada".into())
    );
    let block = |browser: &mut Browser<'_>, reason: &str| {
        let form = [("number", "1"), ("block", "yes"), ("reason", reason)];
        browser.post("/me", "/admin/people/standing", &form)
    };
    assert_problem(&block(&mut ada, "a farm"), 403, "role-needed");
    world.apogee(&["admin", "grant", "github:1", "operator", "--reason", "on duty"]);
    assert!(ada.get("/zh/admin/people").text().contains("name=\"reason\""));
    assert_problem(&block(&mut ada, " "), 400, "reason-needed");
    assert_eq!(block(&mut ada, "a farm").status, 303);
    assert_eq!(bob.identity(), None);
    assert_eq!(people(&mut ada).json()["people"][0]["blocked"], "a farm");
}

#[test]
fn a_spoofed_x_forwarded_for_moves_nobody_who_is_not_behind_a_proxy() {
    // Who is behind a proxy is told apart by what the proxy says; the table of cases is with the function. Here: the settings take ranges.
    let world = World::with(&[("HTTP__PROXIES", "[\"10.0.0.0/8\"]")]);
    let answer = world.browser().get_with("/signin", "x-forwarded-for: 10.1.2.3\r\n");
    assert_eq!(answer.status, 200);
    let refused = Command::new(env!("CARGO_BIN_EXE_apogee"))
        .args(["config", "print"])
        .env("APOGEE_HTTP__PROXIES", "[\"10.0.0.0/33\"]")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn without_a_provider_nobody_signs_in_and_everything_public_is_there() {
    let served = Served::new();
    assert_eq!(served.get("/signin").json()["type"], "/problems/sign-in-off");
    assert_eq!(served.get("/me").json()["type"], "/problems/sign-in-needed");
    assert_eq!(served.get("/status").status, 200);
}
