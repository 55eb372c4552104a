use std::path::Path;
use std::sync::Arc;

use apogee_domain::Network;
use apogee_spacemesh_state::Limits;
use apogee_store::{Cursor, Store};

use crate::{Ballots, CopySource, IndexError, Indexer, Params};

/// Index a copy of a node's `state.sql` up to its last executed layer, ballots checked, and hand back the cursor. Where an earlier
/// copy said otherwise about layers that are not final, they are taken back first.
///
/// # Errors
/// See [`IndexError`]. A copy that is refused leaves the database as it is; another copy may go on from there.
pub async fn import(
    store: Arc<dyn Store>,
    copy: &Path,
    network: Network,
    params: Params,
) -> Result<Cursor, IndexError> {
    params.check(&network)?;
    let path = copy.to_owned();
    let opened = move || CopySource::open(&path, &params, Limits::default(), Ballots::Checked);
    let source = tokio::task::spawn_blocking(opened).await.map_err(IndexError::Worker)??;
    Indexer::new(store, Arc::new(source), network, params)?.reach_head().await
}
