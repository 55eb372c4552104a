//! Bots in processes of their own, killed at any moment.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use apogee_bot::{Canary, Settings};
use tempfile::tempdir;

use crate::controller::{Controller, Trick, lease};
use crate::faults;
use crate::world::{Bot, files, provider, settings, until};

/// A bot in a process of its own.
struct Alone(Child);

impl Alone {
    fn start(settings: &Settings) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::alone", "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let Canary { url, root, size } = &settings.canary;
        let told = serde_json::json!([settings.controller, settings.outbox, url, root, size]);
        child.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
        Self(child)
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Most memory that it ever had, KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run in a process of its own, which is told on its standard input what to do"]
async fn alone() {
    let mut told = String::new();
    std::io::stdin().read_to_string(&mut told).unwrap();
    let Ok((controller, outbox, url, root, size)) =
        serde_json::from_str::<(String, String, String, String, u64)>(&told)
    else {
        return;
    };
    let (gateway, _) = provider().await;
    let mut settings = settings(controller, Path::new(&outbox), &gateway);
    settings.canary = Canary { url, root, size };
    settings.attempts = 64;
    settings.patience.idle = Duration::from_secs(3);
    settings.patience.retrieval = Duration::from_secs(8);
    let _bot = Bot::start(settings);
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_is_killed_again_and_again_loses_nothing_and_says_nothing_twice_in_two_ways() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (gateway, task) = provider().await;
    let settings = settings(format!("http://{}", controller.address), outbox.path(), &gateway);
    controller.trick(|path, number| match (path, number % 4) {
        ("complete", 0) => Some(Trick::Slow(Duration::from_millis(60))),
        ("complete", 1) => Some(Trick::Lost),
        ("complete", 2) => Some(Trick::Status(500)),
        _ => None,
    });
    let mut promised = BTreeSet::new();
    for round in 1..=12_u64 {
        {
            // Who was killed is not heard of again: the slots are given to whoever comes.
            let mut seen = controller.seen();
            seen.given.clear();
            seen.offer = (0..6).map(|miner| lease(miner, round, task.clone())).collect();
        }
        let completes = || controller.seen().asked.get("/dealbot/v1/complete").copied().unwrap_or(0);
        let (before, mut bot) = (completes(), Alone::start(&settings));
        match round % 4 {
            // While attempts are made.
            0 => until("leases are given", || !controller.seen().given.is_empty()).await,
            // While results are sent.
            1 => until("a result is sent", || completes() > before).await,
            2 => until("results are sent", || completes() > before + 2).await,
            // While they are written.
            _ => until("results are written", || files(outbox.path()).len() > promised.len().min(1)).await,
        }
        tokio::time::sleep(Duration::from_millis(round * 7 % 30)).await;
        bot.kill();
        promised.extend(files(outbox.path()).into_iter().filter(|name| !name.starts_with("canary")));
    }
    controller.trick(|_, _| None);
    let bot = Bot::start(settings);
    until("the outbox is empty", || files(outbox.path()).is_empty()).await;
    bot.ended().await;
    controller.check();
    let seen = controller.seen();
    let delivered: BTreeSet<String> = seen.records.keys().map(|cid| format!("{cid}.json")).collect();
    let lost: Vec<_> = promised.difference(&delivered).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", promised.len());
    assert!(promised.len() >= 5, "only {} results were on disk at a kill: nothing was tried", promised.len());
    assert!(
        files(&outbox.path().join("torn")).is_empty() && files(&outbox.path().join("refused")).is_empty()
    );
    println!("{} results on disk at 12 kills, {} delivered", promised.len(), delivered.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malicious_gateways_cost_a_bot_less_than_64_mib() {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (canary, _) = provider().await;
    let mut providers = vec![];
    for (number, (fault, _)) in faults::table().into_iter().enumerate() {
        let (gateway, task) = provider().await;
        gateway.fault(Some(fault));
        controller.seen().offer.push_back(lease(number as u64, 1, task));
        providers.push(gateway);
    }
    let mut bot = Alone::start(&settings(format!("http://{}", controller.address), outbox.path(), &canary));
    until("all are over", || controller.seen().results.len() == providers.len()).await;
    let peak = bot.peak();
    bot.kill();
    controller.check();
    println!("peak: {peak} KiB");
    assert!(peak < 64 << 10, "{peak} KiB");
}
