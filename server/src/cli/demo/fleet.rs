//! Bots that probe the providers, as `apogee dealbot run` does, but in this process.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apogee_bot::{Canary, Patience, Settings};
use apogee_outbound::Reach;
use ed25519_dalek::SigningKey;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::Failure;
use crate::config;
use crate::edge::{self, SystemClock};

/// Names and regions.
const BOTS: [(&str, &str); 2] = [("eu-1", "eu"), ("asia-1", "asia")];
/// How long bots have to end.
const END: Duration = Duration::from_secs(5);

/// Bots at work. Dropped, they end where they are.
#[derive(Debug)]
pub(super) struct Fleet {
    end: watch::Sender<bool>,
    bots: JoinSet<()>,
}

impl Fleet {
    /// Start bots that ask the server at `served` for work, and say in `known` who they are. `folder` takes what they find.
    pub(super) fn start(
        folder: &Path,
        served: SocketAddr,
        canary: &Canary,
        known: &mut BTreeMap<String, config::Bot>,
    ) -> Result<Self, Failure> {
        let end = watch::Sender::new(false);
        let mut bots = JoinSet::new();
        for (name, region) in BOTS {
            let key = SigningKey::from_bytes(&edge::entropy()?);
            let public = hex::encode(key.verifying_key().as_bytes());
            known.insert(name.to_owned(), config::Bot { key: public, region: region.to_owned() });
            let settings = Settings {
                controller: format!("http://{}", near(served)),
                name: name.to_owned(),
                region: region.to_owned(),
                key,
                outbox: folder.join(name),
                attempts: 8,
                canary: canary.clone(),
                // Everything here is on loopback.
                reach: Reach::AlsoPrivate,
                resolvers: Vec::new(),
                patience: Patience {
                    ask: Duration::from_millis(500),
                    longest: Duration::from_secs(4),
                    drain: Duration::from_secs(1),
                    ..Patience::default()
                },
            };
            let ended = end.subscribe();
            bots.spawn(async move {
                if let Err(error) = apogee_bot::run(settings, Arc::new(SystemClock), ended).await {
                    tracing::error!(bot = name, error = &error as &dyn Error, "a bot of the demo ended");
                }
            });
        }
        Ok(Self { end, bots })
    }

    /// Let bots end, and wait for it: nothing writes into the folder any more.
    pub(super) async fn end(mut self) {
        self.end.send_replace(true);
        let all = async { while self.bots.join_next().await.is_some() {} };
        if tokio::time::timeout(END, all).await.is_err() {
            self.bots.shutdown().await;
        }
    }
}

/// Where a server that listens there is reached from here.
fn near(served: SocketAddr) -> SocketAddr {
    if served.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, served.port()).into() } else { served }
}
