//! `apogee treasury spawn`

use std::time::Duration;

use apogee_domain::NetworkId;
use apogee_spacemesh::id::PublicKey;
use apogee_treasury_spacemesh::{SpawnError, Spawned};
use clap::Args;

use super::tellers;
use crate::cli::source::Database;
use crate::cli::{Answer, Failure};
use crate::tellers::{Teller, is_made};

/// How long to wait until it is looked again.
const BEAT: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(in crate::cli) struct Spawn {
    #[command(flatten)]
    database: Database,
    /// The wallet
    wallet: String,
    /// The public key that it is made of, as `signer list` prints it
    #[arg(long, value_name = "KEY")]
    key: PublicKey,
    /// Wait until it is made, and so deep that payments can begin
    #[arg(long)]
    wait: bool,
}

impl From<SpawnError> for Failure {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Funds { .. } => Self::input(error),
            error => Self::world(error),
        }
    }
}

impl Spawn {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (config, place) = self.database.place()?;
        let teller = tellers(&config)?.into_iter().find(|teller| teller.key().1 == self.wallet);
        let teller =
            teller.ok_or_else(|| Failure::input(format!("the settings name no wallet {}", self.wallet)))?;
        let (network, name) = teller.key();
        let node = teller.node().ok_or_else(|| {
            Failure::input(format!(
                "{network}/{name} is of Filecoin, where an account comes to be with its first money"
            ))
        })?;
        let (of_key, address) = (node.address_of(self.key), teller.address());
        if of_key != address {
            return Err(Failure::input(format!("the key is that of {of_key}, and the wallet is {address}")));
        }
        let store = place.open().await?;
        let chain = node.chain(std::sync::Arc::clone(&store)).await.map_err(Failure::world)?;
        loop {
            // Whoever pays from it now is the one who may have it signed.
            let lease = store.lease(&network, &name).await.map_err(Failure::world)?;
            let fence = lease.map_or(0, |lease| lease.fence);
            let spawned = chain.spawn(&teller.signer(), &self.key, fence).await?;
            let deep = spawned == Spawned::Done && deep(&teller, &chain).await?;
            if deep || !self.wait {
                return Ok(said(spawned, deep, (&network, &name)));
            }
            tokio::time::sleep(BEAT).await;
        }
    }
}

async fn deep(teller: &Teller, chain: &dyn apogee_treasury::chain::Chain) -> Result<bool, Failure> {
    is_made(chain, teller.address(), teller.measures().depth).await.map_err(Failure::world)
}

fn said(spawned: Spawned, deep: bool, (network, name): (&NetworkId, &str)) -> Answer {
    match spawned {
        Spawned::Waits(id) => {
            println!("{network}/{name} waits to be made by {id}: the same again tells how far it is")
        }
        Spawned::Done if deep => println!("{network}/{name} is made, and can be paid from"),
        Spawned::Done => println!(
            "{network}/{name} is made; a fork could undo it: payments begin when it is as deep as they have to be"
        ),
    }
    if deep { Answer::Yes } else { Answer::No }
}
