use std::time::Duration;

use apogee_market_http::{Clock, DealCode, Failure, Source, State, Terms};
use apogee_outbound::{Pace, Reach, Request, Target};
use apogee_simprovider::curio::{Fetched, Misdeed, Progress};
use apogee_simprovider::gateway::Fault;

use crate::world::{World, http, key, name, piece};

#[tokio::test]
async fn a_deal_is_taken_fetched_and_followed_to_its_end() {
    let mut world = World::new().await;
    world.propose(1).await.unwrap();
    assert_eq!(world.market.settled(name(1)).await, Fetched::Verified);
    assert_eq!(world.files.asked()[0].path, format!("/piece/{}", piece().1));
    let json = world.terms(1).deal().unwrap().to_json().unwrap();
    assert_eq!(world.market.deals()[0].1.json, json);
    let steps = [
        (Progress::Accepted, State::Accepted),
        (Progress::Processing, State::Processing),
        (Progress::Sealing, State::Sealing),
        (Progress::Indexing, State::Indexing),
        (Progress::Complete, State::Complete),
    ];
    for (progress, state) in steps {
        world.market.set_progress(name(1), progress);
        let ddo = world.status(1).await.unwrap().ddo_v1.unwrap();
        assert_eq!((ddo.state, ddo.error.as_str()), (state, ""));
    }
    world.market.set_progress(name(1), Progress::Failed("no sector".into()));
    let ddo = world.status(1).await.unwrap().ddo_v1.unwrap();
    assert_eq!((ddo.state, ddo.error.as_str()), (State::Failed, "no sector"));
}

#[tokio::test]
async fn a_market_moves_its_deals_by_itself_if_it_is_told_to() {
    let ahead = vec![Progress::Sealing, Progress::Complete];
    let mut world = World::with(|recipe| recipe.ahead = ahead).await;
    world.propose(1).await.unwrap();
    world.market.settled(name(1)).await;
    for state in [State::Sealing, State::Complete, State::Complete] {
        assert_eq!(world.status(1).await.unwrap().ddo_v1.unwrap().state, state);
    }
}

#[tokio::test]
async fn a_deal_that_is_proposed_again_is_known_and_taken_once() {
    let mut world = World::new().await;
    world.propose(1).await.unwrap();
    let again = world.propose(1).await.unwrap_err();
    assert!(
        matches!(&again, Failure::Refused { code: DealCode::ServerError, reason } if reason.is_empty()),
        "{again:?}"
    );
    assert!(again.may_be_taken());
    assert!(world.status(1).await.is_ok());
    assert_eq!(world.market.deals().len(), 1);
    world.market.settled(name(1)).await;
    assert_eq!(world.files.asked().len(), 1);
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_a_deal_that_can_be_asked_for() {
    let mut world = World::new().await;
    let lost = world.refused(Misdeed::Forget).await;
    assert_eq!((lost.code(), lost.may_be_taken()), ("TCP_RESET", true));
    world.market.misbehave(None);
    assert!(world.status(1).await.is_ok());
    assert_eq!(world.market.deals().len(), 1);
}

#[tokio::test]
async fn a_deal_that_is_not_there_is_told_from_a_clock_that_is_wrong() {
    let mut world = World::new().await;
    let none = world.status(9).await.unwrap_err();
    assert!(matches!(none, Failure::Unauthorized { clock: Clock::Agrees }), "{none:?}");
    assert!(none.is_unknown_deal() && !none.may_be_taken());
    world.propose(1).await.unwrap();
    // Another client's is not told from one that is not there.
    world.key = key(8);
    assert!(world.status(1).await.unwrap_err().is_unknown_deal());
    world.key = key(7);
    world.market.misbehave(Some(Misdeed::Clock(2)));
    let late = world.status(1).await.unwrap_err();
    assert!(!late.is_unknown_deal());
    assert_eq!(late.code(), "CLOCK_SKEW");
}

#[tokio::test]
async fn data_that_is_not_fetched_or_not_believed_shows_at_the_file_server_and_in_the_status() {
    let mut world = World::new().await;
    world.market.misbehave(Some(Misdeed::NeverFetch));
    world.propose(1).await.unwrap();
    world.market.misbehave(Some(Misdeed::ReportMismatch));
    world.propose(2).await.unwrap();
    assert_eq!(world.market.settled(name(2)).await, Fetched::Failed);
    assert_eq!(world.files.asked().len(), 1);
    let ddo = world.status(2).await.unwrap().ddo_v1.unwrap();
    assert_eq!(ddo.state, State::Failed);
    assert!(ddo.reports_mismatch(), "{}", ddo.error);
    assert_eq!(world.status(1).await.unwrap().ddo_v1.unwrap().state, State::Accepted);
    world.market.misbehave(Some(Misdeed::FetchHalf));
    world.propose(3).await.unwrap();
    while world.files.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.status(3).await.unwrap().ddo_v1.unwrap().state, State::Processing);
}

#[tokio::test]
async fn data_is_held_against_its_piece_cid() {
    let mut world = World::new().await;
    for (number, fault) in
        [(1, Fault::WrongBytes), (2, Fault::Status(404)), (3, Fault::Truncated), (4, Fault::FlippedBit)]
    {
        world.files.fault(Some(fault));
        world.propose(number).await.unwrap();
        assert_eq!(world.market.settled(name(number)).await, Fetched::Failed, "{number}");
        let ddo = world.status(number).await.unwrap().ddo_v1.unwrap();
        assert_eq!(ddo.state, State::Failed);
        let words = if number == 2 { "status 404" } else { "mismatch" };
        assert!(ddo.error.contains(words), "{}", ddo.error);
        assert_eq!(ddo.reports_mismatch(), number != 2);
    }
}

#[tokio::test]
async fn data_that_is_to_be_sent_is_awaited() {
    let mut world = World::new().await;
    let terms = Terms { source: Source::SourceHttpPut {}, ..world.terms(1) };
    world.propose_json(&terms.deal().unwrap().to_json().unwrap()).await.unwrap();
    assert_eq!(world.status(1).await.unwrap().ddo_v1.unwrap().state, State::Uploading);
    assert!(world.files.asked().is_empty());
}

#[tokio::test]
async fn a_market_says_what_it_is_to_everybody() {
    let world = World::new().await;
    let target: Target = world.base().with_path("/market/mk20/info/swagger.json").unwrap();
    let request = Request {
        target: &target,
        accept: "*/*",
        range: None,
        body: 1 << 16,
        total: Duration::from_secs(5),
        pace: Pace::ANY,
    };
    let mut trace = world.trace.clone();
    let mut response =
        http(Reach::AlsoPrivate, Duration::from_secs(20)).get(&request, &mut trace).await.unwrap();
    let mut json = vec![];
    while let Some(piece) = response.body.next(&mut trace).await.unwrap() {
        json.extend_from_slice(&piece);
    }
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["swagger"], &json["basePath"]), (&"2.0".into(), &"/market/mk20".into()));
    assert!(json["paths"]["/deal"]["post"].is_object());
}
