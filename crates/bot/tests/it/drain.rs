use std::time::{Duration, Instant};

use apogee_simprovider::gateway::Fault;
use tempfile::tempdir;

use crate::controller::{Controller, Trick};
use crate::world::{Bot, files, provider, settings, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_end_soon_are_delivered_with_a_canary_behind_them() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    let (canary, _) = provider().await;
    gateway.fault(Some(Fault::SlowFirstByte(Duration::from_secs(1))));
    controller.offer(20, &task);
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &canary));
    until("attempts are made", || gateway.asked().len() == 8).await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    assert_eq!((seen.results.len(), seen.offer.len(), seen.released.len()), (8, 12, 0));
    let last = seen.records.values().map(|record| record.ended.0).max().unwrap();
    assert!(seen.canaries.iter().any(|told| told.at >= last && told.code.is_empty()));
    assert_eq!(files(outbox.path()), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_do_not_end_are_given_back() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    let (canary, _) = provider().await;
    gateway.fault(Some(Fault::Stall(10)));
    controller.offer(20, &task);
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.patience.idle = Duration::from_secs(600);
    settings.patience.retrieval = Duration::from_secs(600);
    settings.patience.drain = Duration::from_secs(1);
    let bot = Bot::start(settings);
    until("attempts are made", || gateway.asked().len() == 8).await;
    let began = Instant::now();
    bot.ended().await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    controller.check();
    let seen = controller.seen();
    assert_eq!((seen.results.len(), seen.offer.len(), seen.released.len()), (0, 12, 8));
    assert!(seen.given.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_that_come_too_late_are_given_back_and_not_begun() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    controller.offer(3, &task);
    controller.trick(|path, _| (path == "leases").then_some(Trick::Slow(Duration::from_millis(800))));
    let bot = Bot::start(settings(format!("http://{}", controller.address), outbox.path(), &gateway));
    until("it asks", || controller.seen().asked.contains_key("/dealbot/v1/leases")).await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    assert_eq!((seen.results.len(), seen.released.len()), (0, 3));
    // The canary alone.
    assert_eq!(gateway.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_is_gone_does_not_keep_a_bot_from_ending() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    let (canary, _) = provider().await;
    gateway.fault(Some(Fault::Stall(10)));
    controller.offer(8, &task);
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.patience.drain = Duration::from_secs(1);
    let bot = Bot::start(settings);
    until("attempts are made", || gateway.asked().len() == 8).await;
    controller.trick(|_, _| Some(Trick::Away));
    let began = Instant::now();
    bot.ended().await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
