//! Signing in with a real browser at a double of GitHub: the cases of C § 3.3, and what somebody might try.

use std::time::{Duration, Instant};

use apogee_simhub::{Fault, Place, User, UserKind};
use serde_json::json;

use crate::cdp::Browser;
use crate::world::{World, app, user};

/// A parameter of an address.
fn parameter<'a>(address: &'a str, name: &str) -> &'a str {
    let (_, query) = address.split_once('?').unwrap();
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    pair.unwrap_or_else(|| panic!("{name} in {address}"))
}

/// What the page says of itself.
async fn heading(browser: &mut Browser) -> String {
    browser.ask("document.querySelector('h1').textContent").await.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_at_github_and_out_again_in_both_languages() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    browser.open(&format!("{}/zh/me", world.base)).await;
    assert!(browser.answered.1.ends_with("/zh/signin?next=%2Fzh%2Fme"), "{:?}", browser.answered);
    browser.follow("form[action='/zh/signin/github'] button").await;
    let there = browser.answered.1.clone();
    // No scope is asked for, and no account is made on the way.
    assert!(!there.contains("scope="), "{there}");
    for (name, value) in [("code_challenge_method", "S256"), ("allow_signup", "false")] {
        assert_eq!(parameter(&there, name), value);
    }
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered, (200, format!("{}/zh/me", world.base)));
    assert_eq!(heading(&mut browser).await, "ada");
    let sid = browser.cookie(&world.base, "sid").await.unwrap();
    assert_eq!(
        (&sid["httpOnly"], &sid["sameSite"], &sid["path"]),
        (&json!(true), &json!("Lax"), &json!("/"))
    );
    assert_eq!(browser.ask("document.cookie").await, "");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));

    browser.open(&format!("{}/me", world.base)).await;
    browser.follow("form[action='/signout'] button").await;
    assert_eq!(browser.cookie(&world.base, "sid").await, None);
    assert_eq!(world.identity(&mut browser).await, None);
    // Whoever comes by the page itself is led to their account, in the language of the page.
    browser.open(&format!("{}/zh/signin", world.base)).await;
    browser.follow("form[action='/zh/signin/github'] button").await;
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered.1, format!("{}/zh/me", world.base));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_lets_in_as_often_as_it_says_and_needs_no_script() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    let code = world.apogee(&["admin", "invite", "--uses", "1", "--reason", "workshop"]);
    let come = async |browser: &mut Browser| {
        browser.scripts(false).await;
        browser.open(&format!("{}/zh/signin?next=%2Fstatus", world.base)).await;
        browser.fill("#code", code.trim()).await;
        browser.follow("form[action='/zh/signin/invite'] button").await;
    };
    come(&mut browser).await;
    assert_eq!(browser.answered, (200, format!("{}/status", world.base)));
    assert!(world.identity(&mut browser).await.unwrap().starts_with("invite:"));
    browser.somebody_else().await;
    come(&mut browser).await;
    world.refused(&mut browser, 403, "invite-invalid", "invitation-used-up").await;
    browser.follow(".verdict a[href='/zh/signin']").await;
    assert_eq!(world.identity(&mut browser).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_missing_replayed_or_foreign_state_signs_nobody_in() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    let there = world.leave(&mut browser, "/me").await;
    let back = world.back(&there, "ada");
    let state = parameter(&back, "state").to_owned();
    let callback = format!("{}/signin/github/callback", world.base);
    for (case, address) in [
        ("state-missing", back.replace(&format!("state={state}"), "")),
        ("state-wrong", back.replace(&state, &"0".repeat(64))),
        ("state-and-code-missing", callback.clone()),
        ("state-of-markup", format!("{callback}?state=%3Cscript%3Ealert(1)%3C/script%3E&code=%00")),
    ] {
        browser.open(&address).await;
        world.refused(&mut browser, 403, "sign-in-stale", case).await;
        assert_eq!(world.identity(&mut browser).await, None, "{case}");
    }
    // Somebody else is made to open it: they would act as ada, and not know it.
    let own = browser.tab();
    browser.somebody_else().await;
    for known in [false, true] {
        browser.open(&back).await;
        world.refused(&mut browser, 403, "sign-in-stale", "state-of-another-browser").await;
        assert_eq!(world.identity(&mut browser).await, None, "known: {known}");
        browser.open(&format!("{}/signin", world.base)).await;
    }
    // It is still good where it was begun, once.
    browser.turn_to(&own);
    browser.open(&back).await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
    browser.open(&back).await;
    world.refused(&mut browser, 403, "sign-in-stale", "state-replayed").await;
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"), "the session goes on");
    // What to do is one click away.
    browser.open(&back).await;
    browser.follow(".verdict a[href='/signin']").await;
    assert!(browser.has("form[action='/signin/github']").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_is_replayed_expired_or_of_another_challenge_signs_nobody_in() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    let there = world.leave(&mut browser, "/me").await;
    let first = world.back(&there, "ada");
    browser.open(&first).await;
    assert_eq!(browser.answered.0, 200);
    browser.somebody_else().await;

    let there = world.leave(&mut browser, "/me").await;
    let used = world.back(&there, "grace").replace("code=", "unused=") + "&code=" + parameter(&first, "code");
    browser.open(&used).await;
    world.refused(&mut browser, 403, "sign-in-not-confirmed", "code-replayed").await;

    let there = world.leave(&mut browser, "/me").await;
    let others = there.replace(parameter(&there, "code_challenge"), &"A".repeat(43));
    let back = world.back(&others, "grace");
    browser.open(&back).await;
    world.refused(&mut browser, 403, "sign-in-not-confirmed", "verifier-wrong").await;

    let there = world.leave(&mut browser, "/me").await;
    let back = world.back(&there, "grace");
    world.clock.forward(600);
    browser.open(&back).await;
    world.refused(&mut browser, 403, "sign-in-not-confirmed", "code-expired").await;
    let made_up = format!("{}&code=0", back.split("code=").next().unwrap());
    browser.open(&made_up).await;
    world.refused(&mut browser, 403, "sign-in-stale", "code-made-up").await;
    assert_eq!(world.identity(&mut browser).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_at_github_is_said_with_what_to_do() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    // Somebody changes their mind.
    world.leave(&mut browser, "/me").await;
    browser.follow("button[value='']").await;
    world.refused(&mut browser, 403, "sign-in-declined", "denied").await;
    let error = |code: &str| Fault::Error(code.to_owned());
    for (case, place, fault, status, kind) in [
        ("suspended", Place::Authorize, error("application_suspended"), 503, "provider-suspended"),
        ("redirect-mismatch", Place::Authorize, error("redirect_uri_mismatch"), 403, "sign-in-not-confirmed"),
        ("markup", Place::Authorize, error("<script>alert(1)</script>"), 403, "sign-in-not-confirmed"),
        ("code-refused", Place::Token, error("bad_verification_code"), 403, "sign-in-not-confirmed"),
        ("token-mismatch", Place::Token, error("redirect_uri_mismatch"), 403, "sign-in-not-confirmed"),
        ("token-suspended", Place::Token, error("application_suspended"), 503, "provider-suspended"),
        ("token-502", Place::Token, Fault::Status(502), 503, "provider-unreachable"),
        ("user-500", Place::User, Fault::Status(500), 503, "provider-unreachable"),
        ("user-302", Place::User, Fault::Status(302), 503, "provider-unreachable"),
        ("rate-limit-429", Place::User, Fault::Status(429), 503, "provider-unreachable"),
        ("rate-limit-403", Place::User, error("API rate limit exceeded"), 503, "provider-unreachable"),
        ("token-of-no-use", Place::User, Fault::Status(401), 403, "sign-in-not-confirmed"),
    ] {
        world.hub.fail(place, fault);
        world.leave(&mut browser, "/me").await;
        if place != Place::Authorize {
            browser.follow("button[value='ada']").await;
        }
        world.refused(&mut browser, status, kind, case).await;
        assert!(!browser.html().await.contains("<script"), "{case}");
    }
    // The secret is not the one that GitHub knows.
    let good = app(format!("{}/signin/github/callback", world.base));
    let mut other = good.clone();
    other.client_secret = "another".to_owned();
    world.hub.register(other);
    world.sign_in(&mut browser, "ada", "/me").await;
    world.refused(&mut browser, 403, "sign-in-not-confirmed", "wrong-client").await;
    assert!(browser.html().await.contains("incorrect_client_credentials"));
    assert_eq!(world.identity(&mut browser).await, None);
    // All of that left nothing behind.
    world.hub.register(good);
    world.sign_in(&mut browser, "ada", "/me").await;
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_github_that_is_slow_is_waited_for_and_one_that_hangs_is_not() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    world.hub.fail(Place::User, Fault::Hang(60));
    let begun = Instant::now();
    world.sign_in(&mut browser, "ada", "/me").await;
    world.refused(&mut browser, 503, "provider-unreachable", "user-hangs").await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(world.identity(&mut browser).await, None);
    world.hub.fail(Place::Token, Fault::Hang(2));
    world.sign_in(&mut browser, "ada", "/me").await;
    assert_eq!(browser.answered, (200, format!("{}/me", world.base)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_restarted_knows_who_was_on_the_way_and_who_was_in() {
    let (mut world, mut browser) = (World::new().await, Browser::start().await);
    world.leave(&mut browser, "/status").await;
    world.restart();
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered, (200, format!("{}/status", world.base)));
    world.restart();
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_its_number_and_only_people_are_let_in() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    world.hub.put_user(user(1, "countess", 4_000));
    world.sign_in(&mut browser, "countess", "/me").await;
    assert_eq!(heading(&mut browser).await, "countess");
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"), "renamed");
    // Deleted, and made again by somebody: the same name, another number.
    world.hub.delete_user(1);
    world.hub.put_user(user(77, "countess", 1));
    browser.somebody_else().await;
    world.sign_in(&mut browser, "countess", "/me").await;
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:77"), "recreated");

    for (id, kind) in [(78, UserKind::Bot), (79, UserKind::Organization)] {
        world.hub.put_user(User { kind, ..user(id, "machinery", 4_000) });
        browser.somebody_else().await;
        world.sign_in(&mut browser, "machinery", "/me").await;
        world.refused(&mut browser, 403, "not-a-person", "not-a-person").await;
        assert_eq!(world.identity(&mut browser).await, None, "{kind:?}");
        world.hub.delete_user(id);
    }
    // Whoever is blocked is told why, and a name is only a name.
    world.apogee(&["admin", "block", "github:77", "--reason", "<b>a farm</b> of accounts"]);
    browser.somebody_else().await;
    world.sign_in(&mut browser, "countess", "/me").await;
    world.refused(&mut browser, 403, "identity-blocked", "suspended-here").await;
    assert!(browser.html().await.contains("&lt;b&gt;a farm&lt;/b&gt; of accounts"));
    world.hub.put_user(user(80, "<img src=x onerror=alert(1)>\u{202e}\"'&amp;", 4_000));
    world.hub.be(Some("<img src=x onerror=alert(1)>\u{202e}\"'&amp;"));
    browser.somebody_else().await;
    world.leave(&mut browser, "/me").await;
    assert!(heading(&mut browser).await.starts_with("<img src=x onerror=alert(1)>"));
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_sign_in_at_once_and_an_open_redirect_leads_home() {
    let (world, mut browser) = (World::new().await, Browser::start().await);
    world.leave(&mut browser, "/status").await;
    let one = browser.tab();
    browser.another_tab().await;
    world.leave(&mut browser, "/zh/me").await;
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered.1, format!("{}/zh/me", world.base));
    browser.turn_to(&one);
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered.1, format!("{}/status", world.base));
    assert_eq!(world.identity(&mut browser).await.as_deref(), Some("github:1"));

    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,evil",
    ] {
        world.sign_in(&mut browser, "ada", next).await;
        assert_eq!(browser.answered, (200, format!("{}/me", world.base)), "{next}");
    }
    browser.open(&format!("{}/look?theme=dark&zone=utc&to=//evil.example/", world.base)).await;
    assert!(browser.answered.1.starts_with(&world.base), "{:?}", browser.answered);
}
