use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Epoch, NetworkId};
use apogee_indexer::{IndexError, Indexer};
use apogee_store::{Cursor, Store, StoreError};

use super::Failure;
use crate::networks::Chain;

/// How often a terminal is told, and how often a log.
const TERMINAL: Duration = Duration::from_millis(200);
const PLAIN: Duration = Duration::from_secs(5);

/// Index up to the head of a chain, and say on standard error how far it is.
pub(super) async fn backfill(
    indexer: &mut Indexer,
    chain: &Chain,
    store: &Arc<dyn Store>,
) -> Result<Cursor, Failure> {
    let head = chain.source.head().await.map_err(Failure::world)?.epoch();
    let terminal = stderr().is_terminal();
    let mut ticks = tokio::time::interval(if terminal { TERMINAL } else { PLAIN });
    let mut done = std::pin::pin!(indexer.backfill_to_head());
    let cursor = loop {
        tokio::select! {
            cursor = &mut done => break cursor.map_err(failure)?,
            _ = ticks.tick() => {
                let cursor = match store.cursor(&chain.network.id).await {
                    // The first batch brings the network with it.
                    Err(StoreError::UnknownNetwork(_)) => None,
                    cursor => cursor.map_err(Failure::world)?,
                };
                tell(terminal, &chain.network.id, cursor.map(|cursor| cursor.epoch), head);
            }
        }
    };
    if terminal {
        eprint!("\r\x1b[K");
    }
    Ok(cursor)
}

fn tell(terminal: bool, network: &NetworkId, at: Option<Epoch>, head: Epoch) {
    let at = at.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
    let (before, after) = if terminal { ("\r\x1b[K", "") } else { ("", "\n") };
    eprint!("{before}indexing {network}: epoch {at} of {head}{after}");
    // Only the progress would be late.
    drop(stderr().flush());
}

/// What was given is wrong when the chain is not the database's; otherwise the world failed.
pub(super) fn failure(error: IndexError) -> Failure {
    match &error {
        IndexError::OtherChain { .. }
        | IndexError::NoGenesis { .. }
        | IndexError::Checkpoint { .. }
        | IndexError::Views { .. }
        | IndexError::Store(StoreError::Conflict { .. }) => Failure::input(error),
        _ => Failure::world(error),
    }
}
