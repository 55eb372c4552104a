//! `apogee simnet`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::car::Limits;
use apogee_simnet::{Access, Recording, Replay, SimNode};
use clap::{Args, Subcommand};

use super::{Answer, Failure, serve};
use crate::edge;

#[derive(Debug, Subcommand)]
pub(super) enum Simnet {
    /// Play a recorded network as a node that speaks Lotus' JSON-RPC.
    Run(Run),
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Folder of the recording
    #[arg(long, value_name = "DIR")]
    recording: PathBuf,
    /// Play what one recorded node went through, forks included, in place of the final chain: n0, n1
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// Milliseconds of an epoch
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    epoch: u64,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:1234")]
    listen: SocketAddr,
    /// The token that may do everything; without it any token is good
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

impl Simnet {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self::Run(run) = self;
        let recording = Recording::open(&run.recording, &Limits::DEFAULT).map_err(Failure::input)?;
        let replay = match &run.node {
            None => Replay::chain(recording),
            Some(node) => Replay::node(recording, node).map_err(Failure::input)?,
        };
        let replay = Arc::new(replay);
        let listener = serve::listen(run.listen).await?;
        let node =
            SimNode::start(listener, replay.clone(), Access { token: run.token }).map_err(Failure::world)?;
        println!("{}", node.url());
        let play = async {
            replay.run(Duration::from_millis(run.epoch)).await;
            eprintln!(
                "apogee: the recording ends at epoch {}; the node goes on answering",
                replay.last_epoch()
            );
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = play => {}
            () = edge::interrupted() => {}
        }
        node.shutdown().await;
        Ok(Answer::Yes)
    }
}
