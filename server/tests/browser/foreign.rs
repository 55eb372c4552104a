//! What pages of other sites may try. The other site is on another port: for browsers that is another origin, although cookies know no ports.

use axum::Router;
use axum::extract::Query;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

use crate::cdp::Browser;
use crate::world::World;

const PLANTED: &str = "abababababababababababababababababababababababababababababababab";

/// A site that wishes nobody well.
struct Evil {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Evil {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router =
            Router::new().route("/form", get(form)).route("/frame", get(frame)).route("/plant", get(plant));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, task }
    }

    /// Its page with a form that goes to `to`, opened under a name of it.
    fn form(&self, host: &str, to: &str, fields: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("to", to);
        for (name, value) in fields {
            query.append_pair(name, value);
        }
        format!("http://{host}:{}/form?{}", self.port, query.finish())
    }
}

async fn form(Query(mut asked): Query<BTreeMap<String, String>>) -> Html<String> {
    let to = asked.remove("to").unwrap();
    let fields: String = asked
        .iter()
        .map(|(name, value)| format!("<input type=hidden name=\"{name}\" value=\"{value}\">"))
        .collect();
    Html(format!(
        "<title>Win!</title><form method=post action=\"{to}\">{fields}<button>Claim your prize</button></form>"
    ))
}

async fn frame(Query(asked): Query<BTreeMap<String, String>>) -> Html<String> {
    Html(format!("<title>Win!</title><iframe src=\"{}\" width=600 height=600></iframe>", asked["of"]))
}

/// Cookies whose values somebody else knows.
async fn plant() -> impl IntoResponse {
    let cookies = ["sid", "browser"].map(|name| (header::SET_COOKIE, format!("{name}={PLANTED}; Path=/")));
    (axum::response::AppendHeaders(cookies), Html("<title>Win!</title><p>Nothing to see."))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_on_a_foreign_origin_changes_nothing_even_with_the_right_mark() {
    let (world, mut browser, evil) = (World::new().await, Browser::start().await, Evil::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    let mark = browser.ask("document.querySelector('[name=mark]').value").await;
    let mark = mark.as_str().unwrap().to_owned();
    // Of another site, which cookies do not go to; and of this one as browsers see it, where they do.
    for host in ["127.0.0.1", "localhost"] {
        for (path, fields) in [
            ("/signout", vec![("mark", mark.as_str())]),
            ("/signout", vec![]),
            ("/me/keys", vec![("mark", mark.as_str()), ("name", "theirs")]),
            ("/signin/github", vec![("mark", mark.as_str()), ("next", "/me")]),
            ("/me/passkeys/new", vec![("mark", mark.as_str()), ("name", "theirs")]),
        ] {
            browser.open(&evil.form(host, &format!("{}{path}", world.base), &fields)).await;
            browser.complaints.clear();
            browser.follow("button").await;
            let case = format!("foreign-origin-{host}{}", path.replace('/', "-"));
            world.refused(&mut browser, 403, "other-origin", &case).await;
        }
    }
    // A page of ours that is older than the session has another mark.
    browser.open(&format!("{}/me", world.base)).await;
    browser.ask("document.querySelector('form[action=\"/signout\"] [name=mark]').value = '0'").await;
    browser.follow("form[action='/signout'] button").await;
    world.refused(&mut browser, 403, "stale-form", "mark-wrong").await;
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"), "still signed in");
    browser.open(&format!("{}/me", world.base)).await;
    assert!(!browser.html().await.contains("theirs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_somebody_planted_is_worth_nothing() {
    let (world, mut browser, evil) = (World::new().await, Browser::start().await, Evil::start().await);
    browser.open(&format!("http://localhost:{}/plant", evil.port)).await;
    let planted = browser.cookie(&world.base, "sid").await.unwrap();
    assert_eq!(planted["value"], PLANTED, "cookies know no ports");
    assert_eq!(world.identity(&mut browser).await, None);
    world.sign_in(&mut browser, "ada", "/me").await;
    let sid = browser.cookie(&world.base, "sid").await.unwrap();
    assert_ne!(sid["value"], PLANTED);
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));
    // Whoever planted it is nobody.
    browser.somebody_else().await;
    browser.open(&format!("http://localhost:{}/plant", evil.port)).await;
    assert_eq!(world.identity(&mut browser).await, None);
    // What was a session before somebody signed in again is none.
    let cookie = json!({ "name": "sid", "value": sid["value"], "url": world.base });
    browser.call("Network.setCookie", cookie.clone()).await;
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));
    world.sign_in(&mut browser, "ada", "/me").await;
    assert_ne!(browser.cookie(&world.base, "sid").await.unwrap()["value"], sid["value"]);
    browser.call("Network.setCookie", cookie).await;
    assert_eq!(world.identity(&mut browser).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_an_account_is_not_shown_in_a_frame_of_another_site() {
    let (world, mut browser, evil) = (World::new().await, Browser::start().await, Evil::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    browser.open(&format!("http://localhost:{}/frame?of={}/me", evil.port, world.base)).await;
    let said = browser.complaints.join("\n");
    assert!(said.contains("frame-ancestors"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_to_a_bare_loopback_address_is_led_to_its_name() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    let bare = world.base.replace("localhost", "127.0.0.1");
    browser.open(&format!("{bare}/zh/signin?next=%2Fstatus")).await;
    assert_eq!(browser.answered, (200, format!("{}/zh/signin?next=%2Fstatus", world.base)));
    browser.open(&format!("{bare}/status")).await;
    assert_eq!(browser.answered, (200, format!("{bare}/status")), "public pages are where they are");
    browser.open(&format!("{bare}//evil.example/me")).await;
    assert!(browser.answered.1.starts_with(&bare), "{:?}", browser.answered);
}
