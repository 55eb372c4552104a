//! The faucet and the pages of whoever is signed in.

use std::time::Duration;

use apogee_domain::Clock;
use apogee_simhub::User;
use fvm_shared::address::Address;
use serde_json::json;

use crate::cdp::Browser;
use crate::look::{self, OWN};
use crate::world::{Shifted, World, user};

/// An address that nobody else has.
fn payee(number: u8) -> String {
    format!("t{}", &Address::new_secp256k1(&[number; 65]).unwrap().to_string()[1..])
}

/// To the faucet, once the chain and the wallet are known.
async fn at_the_faucet(world: &World, browser: &mut Browser) {
    for _ in 0..120 {
        browser.open(&format!("{}/readyz", world.base)).await;
        if browser.answered.0 != 200 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            continue;
        }
        browser.complaints.clear();
        browser.open(&format!("{}/faucet/simnet", world.base)).await;
        let tiles = browser.ask("document.querySelector('.tiles').textContent").await;
        let tiles = tiles.as_str().unwrap();
        if tiles.contains("Ample") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("the wallet is never ample: {}", browser.html().await);
}

/// Ask for money.
async fn ask(world: &World, browser: &mut Browser, recipient: &str) {
    browser.open(&format!("{}/faucet/simnet", world.base)).await;
    browser.fill("#recipient", recipient).await;
    browser.follow("form[action='/faucet/simnet'] button.first").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_without_a_script_is_paid_and_sees_it_happen() {
    let (world, mut browser) = (World::with_money().await, Browser::start().await);
    browser.scripts(false).await;
    browser.open(&format!("{}/zh/faucet/simnet", world.base)).await;
    browser.follow("main a[href^='/zh/signin']").await;
    browser.follow("form[action='/zh/signin/github'] button").await;
    browser.follow("button[value='ada']").await;
    assert_eq!(browser.answered, (200, format!("{}/zh/faucet/simnet", world.base)), "led back");
    at_the_faucet(&world, &mut browser).await;

    // First only looked at: nothing is counted.
    browser.fill("#recipient", &payee(1)).await;
    browser.follow("button[formaction$='/eligibility']").await;
    assert_eq!(browser.answered.0, 200);
    assert!(browser.has("#verdict").await && !browser.has(".notice.is-bad").await);
    browser.follow("form[action='/faucet/simnet'] button.first").await;
    let grant = browser.answered.1.clone();
    assert!(grant.starts_with(&format!("{}/faucet/simnet/g/", world.base)), "{grant}");
    // The page comes again by itself until nothing more happens.
    let mut seen = Vec::new();
    loop {
        let step = browser.ask("document.querySelector('.wiz [aria-current]')?.textContent").await;
        let step = step.as_str().unwrap_or_default().to_owned();
        if seen.last() != Some(&step) {
            seen.push(step.clone());
        }
        if step == "final" {
            break;
        }
        let loads = browser.loads();
        tokio::time::timeout(Duration::from_secs(20), browser.loaded(loads)).await.expect("it comes again");
    }
    let page = browser.html().await;
    assert!(seen.len() > 1, "{seen:?}");
    assert!(page.contains("bafy2bzace") && page.contains(&payee(1)), "{page}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    let mut faults = look::around(&mut browser, &OWN, None, "own-grant-final").await;

    // Once a day: the page says which rules refuse, and when to come back.
    ask(&world, &mut browser, &payee(2)).await;
    browser.complaints.clear();
    assert_eq!(browser.answered.0, 429);
    let page = browser.html().await;
    assert!(page.contains("identity-day") && page.contains("<time datetime="), "{page}");
    assert!(page.contains(&payee(2)), "what was typed stays");
    faults.extend(look::around(&mut browser, &OWN, None, "own-faucet-refused").await);
    browser.open(&format!("{}/zh/faucet/simnet", world.base)).await;
    browser.fill("#recipient", &payee(1)).await;
    browser.follow("form[action='/zh/faucet/simnet'] button.first").await;
    browser.complaints.clear();
    assert_eq!(browser.answered.0, 429);
    faults.extend(look::around(&mut browser, &OWN, Some("zh"), "own-faucet-refused").await);
    look::none(&faults);
    for (case, recipient, status) in
        [("no-address", "nonsense", 422), ("other-network", &*format!("f{}", &payee(3)[1..]), 422)]
    {
        ask(&world, &mut browser, recipient).await;
        world.refused(&mut browser, status, "faucet-recipient", case).await;
    }
    // Whoever presses the button twice has asked once.
    browser.somebody_else().await;
    browser.scripts(false).await;
    world.sign_in(&mut browser, "grace", "/faucet/simnet").await;
    browser.fill("#recipient", &payee(4)).await;
    let loads = browser.loads();
    browser.press_often("form[action='/faucet/simnet'] button.first", 2).await;
    browser.loaded(loads).await;
    assert!(browser.answered.1.contains("/faucet/simnet/g/"), "{:?}", browser.answered);
    let grants = world.store().await.newest_grants(&"simnet".parse().unwrap(), "drip", 10).await.unwrap();
    assert_eq!(grants.len(), 2, "{grants:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoofed_x_forwarded_for_makes_nobody_somebody_else() {
    let (world, mut browser) = (World::with_money().await, Browser::start().await);
    for (number, login) in ["ada", "grace", "linus", "margaret"].into_iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        browser.somebody_else().await;
        browser
            .saying(json!({ "X-Forwarded-For": format!("198.51.100.{number}"), "X-Real-IP": "203.0.113.9" }))
            .await;
        world.sign_in(&mut browser, login, "/me").await;
        at_the_faucet(&world, &mut browser).await;
        ask(&world, &mut browser, &payee(number)).await;
        if number < 3 {
            assert_eq!(browser.answered.0, 200, "{login}");
        }
    }
    // Three a day from one address: wherever they say that they come from, it is this one.
    assert_eq!(browser.answered.0, 429);
    let page = browser.html().await;
    assert!(page.contains("address-day") && !page.contains("identity-day</code> "), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_may_ask_from_the_second_on_that_it_is_old_enough() {
    let (world, mut browser) = (World::with_money().await, Browser::start().await);
    let month = 30 * 86_400;
    let created = Shifted::default().now().seconds() - month;
    // One that is older by a second, and one that will be old enough while we look.
    world.hub.put_user(User { created: created - 1, ..user(11, "older", 0) });
    world.sign_in(&mut browser, "older", "/me").await;
    at_the_faucet(&world, &mut browser).await;
    let check = async |browser: &mut Browser| {
        browser.open(&format!("{}/faucet/simnet", world.base)).await;
        browser.fill("#recipient", &payee(1)).await;
        browser.follow("button[formaction$='/eligibility']").await;
        browser.has(".notice.is-bad").await
    };
    assert!(!check(&mut browser).await, "a second older");
    let limit = Shifted::default().now().seconds() + 8;
    world.hub.put_user(User { created: limit - month, ..user(12, "younger", 0) });
    browser.somebody_else().await;
    world.sign_in(&mut browser, "younger", "/me").await;
    assert!(check(&mut browser).await, "some seconds younger");
    assert!(browser.html().await.contains("account-age"));
    let left = limit - Shifted::default().now().seconds();
    assert!(left >= 0, "it was looked at in time");
    tokio::time::sleep(Duration::from_secs(u64::try_from(left).unwrap() + 1)).await;
    assert!(!check(&mut browser).await, "old enough");
}

/// What somebody might hope is not escaped, as long as it may be.
const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\"'&amp;<img src=x onerror=alert(2)>WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_whoever_is_signed_in_are_whole_and_readable_whatever_things_are_called() {
    let (world, mut browser) = (World::with_money().await, Browser::start().await);
    world.sign_in(&mut browser, "ada", "/me").await;
    for role in ["viewer", "operator", "payer", "approver"] {
        world.apogee(&["admin", "grant", "github:1", role, "--reason", HOSTILE]);
    }
    world.hub.put_user(user(5, HOSTILE, 4_000));
    world.hub.be(Some(HOSTILE));
    browser.somebody_else().await;
    world.leave(&mut browser, "/me").await;
    at_the_faucet(&world, &mut browser).await;
    ask(&world, &mut browser, &payee(9)).await;
    assert_eq!(browser.answered.0, 200);
    world.hub.be(None);
    world.apogee(&["admin", "block", "github:5", "--reason", HOSTILE]);

    browser.somebody_else().await;
    world.sign_in(&mut browser, "ada", "/me").await;
    browser.call("WebAuthn.enable", json!({})).await;
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    });
    browser.call("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
    browser.fill("#passkey", &HOSTILE[..60]).await;
    browser.follow("form[action='/me/passkeys/new'] button").await;
    browser.follow("form[data-passkey] button").await;
    let mut faults = Vec::new();
    for (language, below) in [("en", ""), ("zh", "/zh")] {
        browser.open(&format!("{}{below}/me", world.base)).await;
        browser.fill("#name", &HOSTILE[..60]).await;
        browser.follow("form[action$='/me/keys'] button").await;
        assert!(browser.html().await.contains("apogee_"));
        faults.extend(look::around(&mut browser, &OWN, Some(language), "own-key-made").await);
        let code = program(&world, HOSTILE);
        browser.open(&format!("{}{below}/device", world.base)).await;
        browser.fill("#code", &code).await;
        browser.follow("form[action$='/device'] button").await;
        faults.extend(look::around(&mut browser, &OWN, Some(language), "own-device-asks").await);
        // Denied by one, let in by the other.
        let answer = if language == "en" { "no" } else { "yes" };
        browser.follow(&format!("button[value='{answer}']")).await;
        assert!(browser.has(".notice[role=status]").await);
        faults.extend(look::around(&mut browser, &OWN, Some(language), "own-device-answered").await);
    }
    browser.open(&format!("{}/admin", world.base)).await;
    browser.fill("form[action='/admin/faucet'] [name=reason]", HOSTILE).await;
    browser.follow("form[action='/admin/faucet'] button").await;
    browser.fill("form[action='/admin/wallet'] [name=reason]", HOSTILE).await;
    browser.follow("form[action='/admin/wallet'] button[value='frozen']").await;
    assert_eq!(browser.answered, (200, format!("{}/admin", world.base)));
    let grant = browser
        .ask(&format!(
            "fetch('{}/faucet/simnet.json').then(r => r.json()).then(f => f.latest[0].id)",
            world.base
        ))
        .await;
    let grant = format!("/faucet/simnet/g/{}", grant.as_str().unwrap());
    let pages = [
        ("signin", "/signin"),
        ("me", "/me"),
        ("device", "/device"),
        ("faucet", "/faucet/simnet"),
        ("grant", grant.as_str()),
        ("admin", "/admin"),
        ("audit", "/admin/audit"),
        ("people", "/admin/people"),
        ("lists", "/admin/faucet/simnet/drip"),
        ("decisions", "/admin/decisions"),
        ("faucets", "/faucets"),
    ];
    faults.extend(look::look(&mut browser, &world.base, &OWN, &pages, "own-").await);
    look::none(&faults);
}

/// A program with this name asks to be let in: the code that it shows.
fn program(world: &World, name: &str) -> String {
    use std::io::{Read, Write};
    let host = world.base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let body = json!({ "name": name }).to_string();
    let head = format!(
        "host: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    stream.write_all(format!("POST /device/code HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, rest) = answer.split_once("\"user_code\":\"").unwrap_or_else(|| panic!("{answer}"));
    rest.split('"').next().unwrap().to_owned()
}
