use std::collections::BTreeSet;
use std::time::Duration;

use apogee_simprovider::gateway::Fault;
use tempfile::tempdir;

use crate::controller::{Controller, Trick, lease};
use crate::world::{Bot, files, provider, settings, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_result_is_delivered_as_one_record_whatever_the_controller_does() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(24, &task);
    controller.trick(|path, number| match (path, number) {
        ("hello", 0) => Some(Trick::Status(503)),
        ("hello", 1) => Some(Trick::Away),
        ("canary", 0) => Some(Trick::Lost),
        ("canary", 1) => Some(Trick::Status(500)),
        ("leases", _) => Some(Trick::Twice),
        ("beat", number) if number % 3 == 0 => Some(Trick::Away),
        ("complete", number) => match number % 9 {
            0 => Some(Trick::Status(500)),
            2 => Some(Trick::Lost),
            3 => Some(Trick::Garbage),
            5 => Some(Trick::Status(401)),
            6 => Some(Trick::Status(429)),
            8 => Some(Trick::Slow(Duration::from_millis(100))),
            _ => None,
        },
        _ => None,
    });
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("all results are there, and the outbox is empty", || {
        controller.seen().results.len() == 24 && files(outbox.path()).is_empty()
    })
    .await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    assert!(seen.results.values().any(|results| results.len() > 1), "none was sent twice: nothing was tried");
    assert!(seen.records.values().all(|record| record.failure.is_none()));
    assert_eq!(files(&outbox.path().join("refused")), [""; 0]);
    // A lease that was given twice was made once: one request for each, and those of the canaries before and after.
    assert_eq!(gateway.asked().len(), 26);
    let canaries: BTreeSet<i64> = seen.canaries.iter().map(|told| told.at).collect();
    assert_eq!(canaries.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_wait_for_a_controller_that_is_away_and_survive_a_restart() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(5, &task);
    controller.trick(|path, _| matches!(path, "complete" | "canary").then_some(Trick::Away));
    let settings = settings(format!("http://{}", controller.address), outbox.path(), &gateway);
    let bot = Bot::start(settings.clone());
    // Five results and a canary.
    until("results wait", || files(outbox.path()).len() == 6).await;
    let waiting = files(outbox.path());
    bot.ended().await;
    assert_eq!(controller.seen().results.len(), 0);
    // All of them, and the canary that was made at the end.
    let left = files(outbox.path());
    assert!(left.len() == 7 && waiting.iter().all(|name| left.contains(name)), "{left:?}");
    controller.trick(|_, _| None);
    let bot = Bot::start(settings);
    until("the outbox is empty", || files(outbox.path()).is_empty()).await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    let cids = seen.records.keys().map(|cid| format!("{cid}.json"));
    assert!(cids.clone().all(|cid| waiting.contains(&cid)) && cids.count() == 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_good_is_set_aside_and_what_is_late_is_delivered() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(3, &task);
    controller.trick(|path, number| match (path, number) {
        ("complete", 0) => Some(Trick::Status(422)),
        ("complete", 1) => {
            // Another gets the slots meanwhile.
            Some(Trick::Slow(Duration::from_millis(300)))
        }
        _ => None,
    });
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("a result comes", || controller.seen().asked.get("/dealbot/v1/complete") == Some(&2)).await;
    controller.seen().given.clear();
    until("the outbox is empty", || controller.seen().results.len() == 2 && files(outbox.path()).is_empty())
        .await;
    bot.ended().await;
    controller.check();
    assert!(controller.seen().results.values().all(|results| results[0].1));
    assert_eq!(files(&outbox.path().join("refused")).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beats_keep_a_lease_and_end_with_it() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    let (canary, _) = provider().await;
    gateway.fault(Some(Fault::Stall(1000)));
    controller.offer(1, &task);
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.patience.idle = Duration::from_secs(60);
    settings.patience.retrieval = Duration::from_secs(60);
    let bot = Bot::start(settings);
    until("it beats", || controller.seen().beats.len() >= 3).await;
    controller.seen().taken = true;
    let beats = controller.seen().beats.len();
    until("it hears", || controller.seen().beats.len() > beats).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    {
        let seen = controller.seen();
        // One may have been on its way.
        assert!(seen.beats.len() <= beats + 2, "it beats on");
        assert!(seen.beats.windows(2).all(|pair| pair[0].beat < pair[1].beat));
        assert!(seen.beats.iter().all(|beat| beat.of == seen.beats[0].of && beat.stage == "http"));
        assert!(seen.results.is_empty());
    }
    // The place is free again.
    gateway.fault(None);
    controller.seen().taken = false;
    controller.seen().offer.push_back(lease(0, 2, task));
    until("the next lease has its result", || controller.seen().results.len() == 1).await;
    bot.ended().await;
    controller.check();
    assert!(controller.seen().results.contains_key(&("t00".into(), 7, 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_come_again_and_again_and_none_is_lost() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, _) = provider().await;
    controller.seen().welcome.canary = 400_000;
    controller.trick(|path, number| (path == "canary" && number < 4).then_some(Trick::Status(502)));
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("canaries come", || controller.seen().canaries.len() >= 4).await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    let mut at: Vec<i64> = seen.canaries.iter().map(|told| told.at).collect();
    at.sort_unstable();
    at.dedup();
    assert_eq!(at.len(), seen.canaries.len());
    // One may have been cut off by the end.
    assert!(gateway.asked().len() <= at.len() + 1, "{} of {}", at.len(), gateway.asked().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_miner_that_is_slow_holds_two_places_and_no_more() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (slow, stalls) = provider().await;
    let (canary, task) = provider().await;
    slow.fault(Some(Fault::Stall(1000)));
    for (kind, race) in [("retrieval", "a"), ("retrieval", "b"), ("retrieval", "c"), ("storage", "a")] {
        let mut lease = lease(0, 1, stalls.clone());
        lease.of.kind = kind.into();
        lease.of.race = race.into();
        controller.seen().offer.push_back(lease);
    }
    controller.seen().offer.push_back(lease(1, 1, task));
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.patience.idle = Duration::from_secs(60);
    settings.patience.retrieval = Duration::from_secs(60);
    settings.patience.drain = Duration::from_millis(100);
    let bot = Bot::start(settings);
    until("the others are given back, and another miner has its turn", || {
        let seen = controller.seen();
        seen.released.len() == 2 && seen.results.len() == 1
    })
    .await;
    assert_eq!(slow.asked().len(), 2);
    assert!(controller.seen().released.iter().all(|of| of.miner == "t00"));
    assert_eq!(controller.record(1).failure, None);
    bot.ended().await;
    controller.check();
}
