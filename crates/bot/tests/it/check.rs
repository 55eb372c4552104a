//! Looks that nobody scores.

use std::sync::Arc;
use std::time::Duration;

use apogee_bot::{Checker, Patience};
use apogee_dealbot::fault::{Code, Stage};
use apogee_dealbot::protocol::{Greeting, Offer, Place, Task};
use apogee_outbound::Reach;
use apogee_simprovider::gateway::Fault;
use apogee_simprovider::storage::{Misdeed, StorageProvider, Talk};

use crate::deals::{address, data, offer, recipe, storage};
use crate::world::{RealClock, provider};

fn checker(reach: Reach) -> Checker {
    let short = Duration::from_secs(4);
    let patience =
        Patience { connect: short, idle: short, retrieval: short, deal: short, ..Patience::default() };
    Checker::new(reach, &["127.0.0.1:9".parse().unwrap()], patience, Arc::new(RealClock)).unwrap()
}

fn greet(provider: &StorageProvider, private: bool) -> Task {
    let at = Place::Libp2p { peer: provider.peer().to_string(), addresses: vec![address(provider)] };
    Task::Greet(Box::new(Greeting { miner: "t01000".into(), at, private }))
}

#[tokio::test]
async fn a_greeting_says_who_is_there_and_offers_nothing() {
    let storage = storage(recipe(1)).await;
    let checked = checker(Reach::AlsoPrivate).check(&greet(&storage, true)).await;
    assert_eq!(checked.failure, None, "{checked:?}");
    assert_eq!(checked.agent.as_deref(), Some("apogee-simprovider"));
    assert!(checked.protocols.iter().any(|name| name == "/fil/storage/mk/1.2.1"));
    assert_eq!(checked.stages.last().unwrap().stage, Stage::Ask);
    assert!(checked.remote.is_some() && checked.errors.is_empty() && checked.ended >= checked.started);
    assert_eq!(storage.proposals(), 0);
    // Who may not reach it does not.
    let checked = checker(Reach::AlsoPrivate).check(&greet(&storage, false)).await;
    assert_eq!(checked.failure, Some(Code::AddrPrivate));
    let checked = checker(Reach::Global).check(&greet(&storage, true)).await;
    assert_eq!(checked.failure, Some(Code::Unclassified));
}

#[tokio::test]
async fn of_a_deal_all_is_looked_at_but_nothing_is_proposed_or_asked_after() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let checker = checker(Reach::AlsoPrivate);
    for sent in [false, true] {
        let deal = Offer { sent, ..offer(1, &storage, &data(&server)) };
        let checked = checker.check(&Task::Deal(Box::new(deal.clone()))).await;
        assert_eq!(checked.failure, None, "{checked:?}");
        assert_eq!(checked.stages.last().unwrap().stage, Stage::PriceCheck);
        let dear = Offer { cap: "1".into(), ..deal };
        let checked = checker.check(&Task::Deal(Box::new(dear))).await;
        assert_eq!(checked.failure, Some(Code::AskPriceOverCap));
        assert!(checked.errors[0].contains("the cap is"), "{checked:?}");
    }
    storage.misbehave(Talk::Ask, Some(Misdeed::Silent));
    let checked = checker.check(&greet(&storage, true)).await;
    assert_eq!(checked.failure, Some(Code::AskTimeout));
    assert!(checked.agent.is_some());
    assert_eq!(storage.proposals(), 0);
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn data_is_read_back_as_a_bot_would() {
    let (gateway, task) = provider().await;
    let checker = checker(Reach::AlsoPrivate);
    let checked = checker.check(&task).await;
    assert_eq!((checked.failure, checked.status), (None, Some(200)), "{checked:?}");
    assert!(checked.received > 400_000);
    gateway.fault(Some(Fault::Status(402)));
    let checked = checker.check(&task).await;
    assert_eq!((checked.failure, checked.status), (Some(Code::Http4xx), Some(402)));
    assert!(!checked.errors.is_empty());
}

#[tokio::test]
async fn a_market_over_http_is_one_that_shows_itself() {
    let (gateway, _) = provider().await;
    let at = Place::Http { url: gateway.url() };
    let task = Task::Greet(Box::new(Greeting { miner: "t01000".into(), at, private: true }));
    let checked = checker(Reach::AlsoPrivate).check(&task).await;
    assert_eq!((checked.failure, checked.status), (Some(Code::Http404), Some(404)), "{checked:?}");
}
