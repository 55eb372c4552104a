//! Which layers are counted together.

use apogee_tortoise::{Config, Layer};

/// Layers whose votes are counted at once, as by a node that starts when the last one is the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The first one: that of the network, or of the epoch in which the window begins.
    pub(crate) first: Layer,
    pub(crate) last: Layer,
}

/// The first layer of an epoch.
fn begin(config: &Config, layer: Layer) -> Layer {
    Layer(config.epoch_of(layer).0.saturating_mul(config.epoch))
}

impl Stage {
    /// What a node counts that starts with ballots up to `last`, and layers executed up to `applied`.
    pub(crate) fn recovery(config: &Config, applied: Layer, last: Layer) -> Self {
        let first = config.genesis.later(1);
        let window = applied.0.checked_sub(config.window).filter(|from| *from > 0);
        let first = window.map_or(first, |from| begin(config, Layer(from)).max(first));
        Self { first, last }
    }
}

/// The stages of a recount from `from` on: what a node counts now, and before that what nodes counted at the ends of
/// epochs, where it began with layers that are not counted again later. The last word on a layer is thus that of the
/// latest window with it.
pub(crate) fn stages(config: &Config, from: Option<Layer>, applied: Layer, last: Layer) -> Vec<Stage> {
    let now = Stage::recovery(config, applied, last);
    let from = from.unwrap_or(now.first).max(config.genesis.later(1));
    let (mut stages, mut covered, mut end) = (vec![now], now.first, last);
    while covered > from && end > from {
        end = begin(config, end).earlier(1);
        let stage = Stage::recovery(config, end.min(applied), end);
        if stage.first < covered && stage.first <= end {
            covered = stage.first;
            stages.push(stage);
        }
    }
    stages.reverse();
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(window: u32) -> Config {
        Config {
            hdist: 5,
            zdist: 2,
            window,
            exceptions: 5_000,
            delay: 16,
            layer_size: 5,
            epoch: 16,
            genesis: Layer(31),
        }
    }

    fn planned(window: u32, from: Option<u32>, last: u32) -> Vec<(u32, u32)> {
        let stages = stages(&config(window), from.map(Layer), Layer(last), Layer(last));
        stages.iter().map(|stage| (stage.first.0, stage.last.0)).collect()
    }

    #[test]
    fn a_history_within_the_window_is_one_stage() {
        assert_eq!(planned(200, None, 95), [(32, 95)]);
        assert_eq!(planned(200, Some(0), 95), [(32, 95)]);
        assert_eq!(planned(95, Some(0), 95), [(32, 95)]);
    }

    #[test]
    fn a_window_begins_with_an_epoch() {
        assert_eq!(planned(16, None, 95), [(64, 95)]);
        assert_eq!(planned(16, None, 96), [(80, 96)]);
        assert_eq!(planned(40, None, 95), [(48, 95)]);
    }

    #[test]
    fn what_no_later_window_has_is_counted_before() {
        assert_eq!(planned(16, Some(0), 95), [(32, 63), (48, 79), (64, 95)]);
        assert_eq!(planned(16, Some(50), 95), [(48, 79), (64, 95)]);
        assert_eq!(planned(16, Some(64), 95), [(64, 95)]);
        assert_eq!(planned(16, Some(0), 32), [(32, 32)]);
        let long = planned(20, Some(0), 1_000);
        assert!(long.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[1].0 <= pair[0].1 + 1), "{long:?}");
        assert_eq!((long.first().unwrap().0, long.last().unwrap().1), (32, 1_000));
    }
}
