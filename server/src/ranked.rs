//! Makes rankings of networks with many participants as their epochs come, so that no visitor waits for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apogee_rankings::Rankings;
use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::web::{Now, ranked_by};

/// Of the time, at most one part in so many is spent on this: an index that catches up would be ranked without end.
const PART: u32 = 5;

/// Look every `interval` for networks that moved, for ever.
pub(crate) async fn keep(rankings: Arc<Rankings>, now: Arc<ArcSwap<Now>>, interval: Duration) {
    let mut seen = HashMap::new();
    loop {
        let begun = Instant::now();
        for network in &now.load_full().networks {
            let id = &network.network.id;
            let Some(newest) = network.newest(&ranked_by(network.network.kind)) else { continue };
            if seen.get(id) != Some(&network.indexed) {
                rankings.renew_all(&newest).await;
                seen.insert(id.clone(), network.indexed);
            }
        }
        tokio::time::sleep(interval.max(begun.elapsed() * (PART - 1))).await;
    }
}
