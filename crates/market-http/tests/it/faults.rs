use std::time::Duration;

use apogee_market_http::{Clock, DealCode, Failure, State};
use apogee_outbound::{HttpError, Reach, Target};
use apogee_simprovider::curio::{Misdeed, Progress};
use tokio::net::TcpListener;

use crate::world::{World, client, impatient, name};

fn say(status: u16, text: &str) -> Misdeed {
    Misdeed::Say(status, text.into())
}

#[tokio::test]
async fn every_refusal_comes_to_its_code_in_the_taxonomy() {
    let html = "<html><h1>Bad Gateway</h1>";
    let cases = [
        (400, "Reason: Provider not available in Curio cluster", "REJECT_PARAMS", false),
        (400, "Reason: client is on the denylist", "REJECT_FILTER", false),
        (400, "invalid content type\n", "REJECT_PARAMS", false),
        (400, html, "HTTP_4XX", false),
        (401, "Reason: Client is not allowed to make deal with this provider", "REJECT_FILTER", false),
        (403, "", "HTTP_403", false),
        (404, "404 page not found\n", "PROTOCOL_UNSUPPORTED", false),
        (404, html, "PROTOCOL_UNSUPPORTED", false),
        (405, "", "PROTOCOL_UNSUPPORTED", false),
        (410, "", "HTTP_410", false),
        (300, "", "REDIRECT_OFFSITE", false),
        (206, "half", "WRONG_CONTENT_TYPE", true),
        (418, "short and stout", "HTTP_4XX", false),
        (422, "Reason: data source http is not enabled", "PROTOCOL_UNSUPPORTED", false),
        (422, "Unprocessable", "HTTP_4XX", false),
        (423, "Reason: product ddo_v1 is not supported by the provider", "PROTOCOL_UNSUPPORTED", false),
        (424, "Reason: product ddo_v1 is not enabled", "PROTOCOL_UNSUPPORTED", false),
        (425, "Reason: products validation failed: incorrect allocation id", "REJECT_PARAMS", false),
        (425, "Reason: products validation failed: provider is disabled", "PROTOCOL_UNSUPPORTED", false),
        (426, "Reason: Deal rejected by market", "REJECT_FILTER", false),
        (426, "Reason: deal 7 not found in market", "REJECT_PARAMS", false),
        (426, "Reason: no DataCap left", "REJECT_CLIENT_FUNDS", false),
        (429, "Too Many Requests\n", "REJECT_RATE_LIMIT", false),
        (429, html, "REJECT_RATE_LIMIT", false),
        (429, "Reason: MK20 ingestion backpressure is active.", "REJECT_BACKPRESSURE", false),
        (429, "Reason: later", "REJECT_BACKPRESSURE", false),
        (430, "Reason: no urls defined", "REJECT_PARAMS", false),
        (440, "Reason: unsupported market interface version", "PROTOCOL_UNSUPPORTED", false),
        (441, "Reason: duration must be at least 518400", "REJECT_PARAMS", false),
        (500, "Reason: Internal server error", "REJECT_SERVER_ERROR", true),
        (500, "Internal Server Error\n", "REJECT_SERVER_ERROR", true),
        (501, "", "PROTOCOL_UNSUPPORTED", true),
        (502, html, "HTTP_5XX", true),
        (503, "Reason: maintenance until noon", "REJECT_MAINTENANCE", true),
        (503, "request timeout", "REJECT_SERVER_ERROR", true),
        (503, html, "HTTP_5XX", true),
    ];
    let mut world = World::new().await;
    for (status, text, code, taken) in cases {
        let failure = world.refused(say(status, text)).await;
        assert_eq!((failure.code(), failure.may_be_taken()), (code, taken), "{status} {text}: {failure:?}");
    }
    for code in DealCode::ALL {
        let failure = world.refused(say(code.status(), "Reason: because")).await;
        assert!(
            matches!(&failure, Failure::Refused { code: found, reason } if found == code && reason == "because")
        );
        assert_eq!(failure.to_string(), format!("the market answers {}: because", code.status()));
    }
    assert!(world.market.deals().is_empty());
}

#[tokio::test]
async fn a_long_refusal_is_kept_in_part() {
    let mut world = World::new().await;
    let failure = world.refused(say(426, &format!("Reason: {}", "no ".repeat(1 << 20)))).await;
    assert!(
        matches!(failure, Failure::Refused { code: DealCode::RejectedByMarket, reason } if reason.len() < 512)
    );
    assert_eq!(world.trace.error_body.len(), 512);
    let colours = world.refused(say(400, "Reason: \u{1b}[31mred\nline")).await;
    assert_eq!(colours.to_string(), "the market answers 400: [31mred line");
    // The next answer's words are its own.
    assert!(world.refused(say(400, "Reason: x")).await.to_string().ends_with(": x"));
}

#[tokio::test]
async fn a_client_that_is_not_let_in_knows_whether_it_is_the_time() {
    let mut world = World::with(|recipe| recipe.known = Some(vec![])).await;
    let unknown = world.propose(1).await.unwrap_err();
    assert!(matches!(unknown, Failure::Unauthorized { clock: Clock::Agrees }));
    assert_eq!(unknown.code(), "REJECT_FILTER");
    let mut world = World::new().await;
    for (minutes, code) in [(2, "CLOCK_SKEW"), (-2, "CLOCK_SKEW"), (600, "CLOCK_SKEW")] {
        let failure = world.refused(Misdeed::Clock(minutes)).await;
        assert!(matches!(failure, Failure::Unauthorized { clock: Clock::Apart(apart) } if apart == minutes));
        assert_eq!((failure.code(), failure.may_be_taken()), (code, false));
    }
    // A minute is within what a market tolerates.
    for minutes in [-1, 1] {
        world.market.misbehave(Some(Misdeed::Clock(minutes)));
        world.propose(u8::try_from(minutes + 10).unwrap()).await.unwrap();
    }
    let mut world = World::with(|recipe| recipe.known = Some(vec![])).await;
    let silent = world.refused(Misdeed::Timeless).await;
    assert!(matches!(silent, Failure::Unauthorized { clock: Clock::Silent }));
    assert_eq!(silent.code(), "UNCLASSIFIED");
}

#[tokio::test]
async fn a_market_that_takes_its_time_is_left() {
    let mut world = World::new().await;
    world.client = impatient();
    let hanging = world.refused(Misdeed::Hang).await;
    assert!(matches!(hanging, Failure::Http { sent: true, source: HttpError::FirstByteTimeout }));
    assert_eq!((hanging.code(), hanging.may_be_taken()), ("TTFB_TIMEOUT", true));
    let dripping = world.refused(Misdeed::Drip(Duration::from_millis(20))).await;
    assert_eq!((dripping.code(), dripping.may_be_taken()), ("TOTAL_TIMEOUT", true));
    let stalled = world.refused(Misdeed::Drip(Duration::from_secs(9))).await;
    assert_eq!((stalled.code(), stalled.may_be_taken()), ("STALLED", true));
}

#[tokio::test]
async fn an_answer_that_is_too_much_is_not_taken_in() {
    let mut world = World::new().await;
    for misdeed in [Misdeed::Huge, Misdeed::HugeLength] {
        let failure = world.refused(misdeed).await;
        assert_eq!((failure.code(), failure.may_be_taken()), ("BODY_TOO_LARGE", true));
        assert!(world.trace.received < 2 << 20);
    }
    let bomb = world.refused(Misdeed::GzipBomb).await;
    assert!(matches!(&bomb, Failure::Encoded(encoding) if encoding == "gzip"), "{bomb:?}");
    assert_eq!(bomb.code(), "WRONG_CONTENT_TYPE");
}

#[tokio::test]
async fn consent_in_strange_words_is_none() {
    let mut world = World::new().await;
    for misdeed in
        [Misdeed::Html, Misdeed::Json(b"{\"ok\":true}".to_vec()), Misdeed::Json(vec![]), say(204, "")]
    {
        let failure = world.refused(misdeed).await;
        assert_ne!(failure.code(), "REJECT_SERVER_ERROR");
        assert!(
            matches!(failure, Failure::Strange(_) | Failure::Stranger { status: 204, .. }),
            "{failure:?}"
        );
    }
    assert!(world.market.deals().is_empty());
}

#[tokio::test]
async fn a_status_that_is_none_is_said_to_be_none() {
    let mut world = World::new().await;
    world.propose(1).await.unwrap();
    let deep = [b"{\"ddo_v1\":".to_vec(), vec![b'['; 50_000]].concat();
    let wide = [b"{\"ddo_v1\":{\"status\":\"".to_vec(), vec![b'a'; 60_000]].concat();
    for bytes in [b"<html>".to_vec(), b"[]".to_vec(), b"{\"ddo_v1\":7}".to_vec(), vec![0xff; 100], deep, wide]
    {
        world.market.misbehave(Some(Misdeed::Json(bytes)));
        let failure = world.status(1).await.unwrap_err();
        assert!(matches!(failure, Failure::Malformed(_)), "{failure:?}");
        assert_eq!(failure.code(), "WRONG_CONTENT_TYPE");
    }
    for (misdeed, code) in [
        (Misdeed::Huge, "BODY_TOO_LARGE"),
        (Misdeed::GzipBomb, "WRONG_CONTENT_TYPE"),
        (Misdeed::Forget, "TCP_RESET"),
        (Misdeed::Redirect("/elsewhere".into()), "REDIRECT_OFFSITE"),
        (say(500, ""), "REJECT_SERVER_ERROR"),
    ] {
        world.market.misbehave(Some(misdeed));
        assert_eq!(world.status(1).await.unwrap_err().code(), code);
    }
    let patient = std::mem::replace(&mut world.client, impatient());
    world.market.misbehave(Some(Misdeed::Hang));
    assert_eq!(world.status(1).await.unwrap_err().code(), "TTFB_TIMEOUT");
    world.client = patient;
    // The deal goes on meanwhile.
    world.market.misbehave(None);
    world.market.set_progress(name(1), Progress::Complete);
    assert_eq!(world.status(1).await.unwrap().ddo_v1.unwrap().state, State::Complete);
}

#[tokio::test]
async fn nothing_is_sent_where_a_market_sends_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/market/mk20/deal", listener.local_addr().unwrap());
    let mut world = World::new().await;
    for to in [elsewhere.clone(), "/market/mk20/deal".into(), "http://169.254.169.254/".into()] {
        let failure = world.refused(Misdeed::Redirect(to.clone())).await;
        assert!(matches!(&failure, Failure::Redirected(found) if *found == to), "{failure:?}");
        assert_eq!((failure.code(), failure.may_be_taken()), ("REDIRECT_OFFSITE", false));
    }
    let came = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(came.is_err());
    assert_eq!(world.market.asked().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_taken() {
    let mut world = World::new().await;
    world.client = client(Reach::Global);
    let private = world.propose(1).await.unwrap_err();
    assert_eq!((private.code(), private.may_be_taken()), ("ADDR_PRIVATE", false));
    world.client = client(Reach::AlsoPrivate);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
    };
    let mut word = world.authorized(apogee_market_http::Endpoint::Deal);
    let refused = world.client.propose(&closed, b"{}", &word, &mut world.trace).await.unwrap_err();
    assert_eq!((refused.code(), refused.may_be_taken()), ("TCP_REFUSED", false));
    word.header.push('\n');
    let base = world.base();
    let header = world.client.propose(&base, b"{}", &word, &mut world.trace).await.unwrap_err();
    assert!(matches!(header, Failure::Header(_)) && !header.may_be_taken());
    assert!(world.market.asked().is_empty());
}
