//! A competition on the made network: bots ask its miners for data, and the board shows who gives it back.

use std::net::SocketAddr;
use std::path::Path;

use apogee_bot::Canary;
use apogee_domain::{Clock, Network};
use apogee_store::Store;
use serde_json::json;

use super::fleet::Fleet;
use super::providers::{self, Providers};
use super::story::Story;
use crate::bots::{LOG_TITLE, SEED_TITLE};
use crate::cli::{Failure, operator};
use crate::config::Config;
use crate::edge::{self, SystemClock};

/// Name of the competition, in its rules.
const RACE: &str = "simnet-retrieval";

/// Seconds of a slot: long enough for the other bot to look again at what may be the first one's fault.
const SLOT: u32 = 15;
/// Seconds between canaries. A failure counts four times as long after it.
const CANARY: u32 = 4;
/// Seconds that a slot stays with a silent bot.
const LEASE: u32 = 4;
/// More slots than there are in the thirty days of the rules.
const SLOTS: u32 = 1_000_000;

const STORY: Story = Story {
    rules: include_str!("../../../../examples/rules/simnet-retrieval.toml"),
    why: "Miners of different honesty to look at.",
    title: ["Five miners are asked for data", "五个矿工被要求取回数据"],
    text: [
        "Two bots ask each miner every fifteen seconds for a file that it should have. t01000 gives everything back. t01001 has lost half of the files. t01002 changes a bit of what it \
         sends. t01003 does not listen. t01004 has the first block of each file alone. Whoever gives back four of five shares the pool, which is worth nothing.",
        "两个机器人每十五秒向每个矿工索取一个它应当保存的文件。t01000 如数返还；t01001 丢失了一半文件；t01002 篡改所发数据的一个比特；t01003 无人监听；t01004 只保存每个文件的第一个块。返还率达到五分之四者分享奖池——奖池并无价值。",
    ],
};

/// Providers and bots at work.
#[derive(Debug)]
pub(super) struct Retrieval {
    providers: Providers,
    fleet: Fleet,
}

impl Retrieval {
    /// Found the competition on `network`, start its providers and bots, and say in `config` what is probed. `folder` takes the files.
    pub(super) async fn start(
        store: &dyn Store,
        network: &Network,
        folder: &Path,
        served: SocketAddr,
        config: &mut Config,
    ) -> Result<Self, Failure> {
        STORY.found(store, network).await?;
        let providers = Providers::start(&edge::entropy()?).await?;
        let seed = folder.join("retrieval.seed");
        operator::made(&seed, SEED_TITLE)?;
        let log_key = folder.join("retrieval.log-key");
        operator::made(&log_key, LOG_TITLE)?;
        let files = providers.files.iter().map(|file| json!({ "root": file.root, "size": file.size }));
        // As an operator writes them.
        let probes = json!({
            "network": network.id,
            "seed": seed,
            "log_key": log_key,
            "start": SystemClock.now().to_string(),
            "retrieval_seconds": SLOT,
            "retrieval_slots": SLOTS,
            "canary_seconds": CANARY,
            "lease_seconds": LEASE,
            "allow_private": true,
            "gateways": providers.gateways,
            "data": files.collect::<Vec<_>>(),
        });
        config.probes.insert(RACE.to_owned(), serde_json::from_value(probes).map_err(Failure::world)?);
        let (url, file) = providers.own.clone();
        let canary = Canary { url, root: file.root, size: file.size };
        let fleet = Fleet::start(folder, served, &canary, &mut config.bots)?;
        println!(
            "Bots ask five providers for data; http://{served}/c/{RACE} shows in two minutes what they find:"
        );
        print!("{}", providers::told());
        Ok(Self { providers, fleet })
    }

    /// Let bots end, then providers.
    pub(super) async fn end(self) {
        self.fleet.end().await;
        drop(self.providers);
    }
}
