use std::time::Duration;

use apogee_domain::Atto;
use apogee_treasury::Config;

use crate::money::SMIDGE;

/// For small grants on a network whose layers take `layer`: final ten layers deep, beyond which votes decide and no longer the hare, and paid again no
/// sooner than after 288, a day of the main network; at most 0.001 SMH for the gas of a message, 1,000 SMH and 0.1 SMH of gas a day, and one SMH that
/// always stays.
#[must_use]
pub fn drips(layer: Duration) -> Config {
    const SMH: u128 = 1_000_000_000 * SMIDGE;
    let layers = |count: u32| layer.saturating_mul(count);
    Config {
        depth: 10,
        requeue_depth: 288,
        memory: 2_000,
        // A node keeps a hundred transactions of an account, and one that is lost takes those behind it with it.
        window: 20,
        reserve: Atto(SMH),
        max_fee: Atto(SMH / 1_000),
        value_per_day: Atto(1_000 * SMH),
        fees_per_day: Atto(SMH / 10),
        bump_percent: 125,
        replace_after: layers(6),
        rebroadcast_after: layers(1),
        lease: Duration::from_secs(120),
        // A layer is executed one or two after its own time.
        stale_after: layers(6),
    }
}

/// For prizes: as [`drips`], and final only `finality` layers deep, where the network's operators take it for final.
#[must_use]
pub fn large(layer: Duration, finality: u32) -> Config {
    let small = drips(layer);
    let depth = small.depth.max(finality);
    let requeue_depth = small.requeue_depth.max(depth);
    Config { depth, requeue_depth, memory: small.memory.max(requeue_depth.saturating_mul(2)), ..small }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prizes_are_final_no_sooner_than_the_network() {
        let layer = Duration::from_secs(300);
        assert_eq!(large(layer, 3).depth, drips(layer).depth);
        let deep = large(layer, 1_500);
        assert_eq!((deep.depth, deep.requeue_depth, deep.memory), (1_500, 1_500, 3_000));
        assert_eq!(deep.value_per_day, drips(layer).value_per_day);
    }
}
