use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::subsidy::{self, SMIDGE, TOTAL, accumulated, after_genesis};
use proptest::prelude::*;

use crate::data;

#[test]
fn published_subsidies_are_exact() {
    let Some(vectors) = data("economics/subsidy_vectors.json") else { return };
    let layers = vectors["layer_after_effective_genesis__subsidy__accumulated"].as_array().unwrap();
    assert_eq!(layers.len(), 13);
    for vector in layers {
        let [n, layer, all] = [0, 1, 2].map(|index: usize| vector[index].as_u64().unwrap());
        let n = u32::try_from(n).unwrap();
        assert_eq!((after_genesis(n), accumulated(n)), (layer, all), "layer {n}");
    }
    for (n, all) in vectors["accumulated_exact_edge"].as_object().unwrap() {
        assert_eq!(accumulated(n.parse().unwrap()), all.as_u64().unwrap());
    }
}

/// Of the published table: the layer, the subsidy of a layer and of all layers so far in whole SMH. It begins with the
/// third epoch, one layer later than the network.
#[test]
fn the_ten_years_table_is_ours() {
    let Some(path) = apogee_testkit::data("spacemesh/economics/tenyears.txt") else { return };
    let table = std::fs::read_to_string(path).unwrap();
    let genesis = LayerId(2 * 4032);
    let mut rows = 0;
    for line in table.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(Ok(layer)) = cells.get(1).map(|cell| cell.parse::<u32>()) else { continue };
        let smh = |index: usize| cells[index].replace(',', "").parse::<u64>().unwrap();
        let subsidy = subsidy::of(LayerId(layer), genesis).unwrap_or(0);
        let issued = layer.checked_sub(genesis.0).map_or(0, accumulated);
        assert_eq!((subsidy / SMIDGE, issued / SMIDGE), (smh(8), smh(10)), "layer {layer}");
        rows += 1;
    }
    assert_eq!(rows, 264);
}

#[test]
fn the_recorded_network_pays_as_we_do() {
    let Some(expected) = data("devnet208/expected.json") else { return };
    let genesis = LayerId(u32::try_from(expected["effective_genesis"].as_u64().unwrap()).unwrap());
    let layers = expected["subsidy_by_layer"].as_object().unwrap();
    assert_eq!(layers.len(), 65);
    for (layer, amount) in layers {
        assert_eq!(subsidy::of(LayerId(layer.parse().unwrap()), genesis), amount.as_u64(), "layer {layer}");
    }
    assert_eq!(subsidy::of(LayerId(genesis.0 - 1), genesis), None);
}

#[test]
fn the_end_is_the_end() {
    assert_eq!((accumulated(u32::MAX), after_genesis(u32::MAX)), (TOTAL, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn issuance_only_grows_and_only_slower(n in 1_u32..400_000_000) {
        let [before, here, after] = [n - 1, n, n + 1].map(accumulated);
        prop_assert!(before <= here && here <= after && after <= TOTAL);
        // Each difference is of two numbers rounded down.
        prop_assert!(after - here <= here - before + 1);
    }
}
