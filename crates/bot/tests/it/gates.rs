use std::time::Duration;

use apogee_simprovider::gateway::Fault;
use tempfile::tempdir;

use crate::controller::Controller;
use crate::world::{Bot, provider, settings, until};

fn asked(controller: &Controller, what: &str) -> u64 {
    controller.seen().asked.get(&format!("/dealbot/v1/{what}")).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_whose_clock_is_wrong_asks_for_nothing_until_it_is_right() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(1, &task);
    // Requests are still taken.
    controller.seen().ahead = 20_000_000;
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("it says hello", || asked(&controller, "hello") > 5).await;
    // Now they are not.
    controller.seen().ahead = -50_000_000;
    let hellos = asked(&controller, "hello");
    until("it says hello", || asked(&controller, "hello") > hellos + 3).await;
    assert_eq!(asked(&controller, "leases"), 0);
    controller.seen().ahead = 0;
    until("it works", || controller.seen().results.len() == 1).await;
    bot.ended().await;
    controller.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_whose_canary_fails_asks_for_nothing_and_says_why() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(1, &task);
    controller.seen().welcome.canary = 4_000_000;
    gateway.fault(Some(Fault::FlippedBit));
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("it says so", || controller.seen().canaries.len() >= 2).await;
    assert!(controller.seen().canaries.iter().all(|told| told.code == "HASH_MISMATCH"));
    assert_eq!(asked(&controller, "leases"), 0);
    gateway.fault(None);
    until("it works", || controller.seen().results.len() == 1).await;
    bot.ended().await;
    controller.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_cannot_write_asks_for_nothing() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(1, &task);
    // Where it would write, something else is.
    let obstacle = outbox.path().join("room.part");
    std::fs::create_dir(&obstacle).unwrap();
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("it says hello", || asked(&controller, "hello") > 5).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(&controller, "leases"), 0);
    std::fs::remove_dir(&obstacle).unwrap();
    until("it works", || controller.seen().results.len() == 1).await;
    bot.ended().await;
    controller.check();
}
