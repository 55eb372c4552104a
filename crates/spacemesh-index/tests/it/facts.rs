//! What is indexed is what the network's recorder wrote down.

use std::collections::BTreeMap;

use apogee_domain::series::{
    ATX_STREAK, ATX_WEIGHT, BURN_ROUNDING, EMPTY_LAYERS, EXPECTED_LAYERS, EXPECTED_REWARD, MALFEASANCE,
    REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS, SLOTS_ASSIGNED, SLOTS_FILLED, SLOTS_MISSED, SPACE_UNITS,
    SUBSIDY,
};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::subsidy;
use apogee_spacemesh_index::odds::expected_layers;
use apogee_spacemesh_index::{Ballots, import};
use apogee_spacemesh_state::{Limits, State};
use apogee_store::{EpochKind, Store};

use crate::recording::{Database, epoch, recording};

const ATTO: u128 = 1_000_000_000;
/// An expected number of layers or slots by smesher.
type Numbers = BTreeMap<String, Option<u128>>;

#[tokio::test]
async fn every_layer_is_indexed_and_every_check_passes() {
    let Some(recording) = recording() else { return };
    let database = Database::new().await;
    let copy = recording.path("state_a");
    let cursor =
        import(database.store.clone(), &copy, recording.network.clone(), recording.params).await.unwrap();
    assert_eq!((cursor.epoch, cursor.final_epoch), (epoch(95), Some(epoch(85))));
    let all = database.everything(&recording.network).await;
    assert_eq!((all.epochs.len(), all.cursor.as_ref()), (65, Some(&cursor)));
    let empty: Vec<i64> =
        all.epochs.iter().filter(|row| row.kind == EpochKind::Null).map(|row| row.epoch.height()).collect();
    assert_eq!(empty, [43, 41, 31]);
    assert!(all.epochs.iter().all(|row| row.key.len() == 64));
    assert!(all.epochs.iter().flat_map(|row| &row.reconciled).all(|sum| sum.agrees() == Some(true)));
    let counts: BTreeMap<&str, (u64, u64, u64)> = cursor
        .checks
        .iter()
        .map(|check| {
            let not_made = check.not_made.iter().map(|unmade| unmade.count).sum();
            (check.check.as_str(), (check.passed, check.failed, not_made))
        })
        .collect();
    assert_eq!(counts["ballots"], (221, 0, 0));
    assert_eq!(counts["rewards"], (202, 0, 0));
    // 63 activations. A declaration comes in the first layer of the epoch, or confirms what was estimated there; that of the malfeasant smesher,
    // whose one slot in the last epoch is in 95, never comes.
    let (declared, failed, estimated) = counts["slots_estimated"];
    assert_eq!((declared, failed), (62, 0));
    assert!(estimated > 40 && estimated < 63, "{estimated}");
    assert_eq!(counts.len(), 3);
    // The layers of two blocks each, and the transaction in 57.
    let paid = all.epochs.iter().find(|row| row.epoch == epoch(57)).unwrap();
    assert_eq!(paid.time.seconds(), 1_636_296_750 - (84 - 57) * 300);
    assert!(paid.blocks.iter().all(|block| block.cid.len() == 40 && block.messages == 1));
}

#[tokio::test]
async fn slots_and_space_are_those_that_were_recorded() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a").await;
    let network = &recording.network;
    let filled = database.board(network, &SLOTS_FILLED, 95).await;
    let missed = database.board(network, &SLOTS_MISSED, 95).await;
    let (mut all, mut drawn) = (0, 0);
    for smesher in recording.expected["smeshers"].as_array().unwrap() {
        let id = smesher["smesher"].as_str().unwrap();
        let by_epoch = smesher["slots_by_epoch"].as_object().unwrap();
        let (mut assigned, mut nano, mut streak) = (0_u128, 0_u128, 0_u128);
        for number in 2..=5_i64 {
            let slots = by_epoch.get(&number.to_string()).map_or(0, |slots| slots.as_u64().unwrap());
            assigned += u128::from(slots);
            nano += u128::from(expected_layers(slots as u32, recording.params.epochs().layers));
            streak = if slots > 0 { streak + 1 } else { 0 };
            let units = if slots > 0 { smesher["units"].as_u64().unwrap() } else { 0 };
            // From the first layer of the epoch to its last.
            for layer in [16 * number, 16 * number + 15] {
                let at = |board: &Numbers| board[id];
                assert_eq!(at(&database.board(network, &SLOTS_ASSIGNED, layer).await), Some(assigned));
                assert_eq!(at(&database.board(network, &EXPECTED_LAYERS, layer).await), Some(nano));
                assert_eq!(at(&database.board(network, &ATX_STREAK, layer).await), Some(streak));
                assert_eq!(at(&database.board(network, &SPACE_UNITS, layer).await), Some(units.into()));
                let weight = Some(u128::from(units * 100));
                assert_eq!(at(&database.board(network, &ATX_WEIGHT, layer).await), weight);
            }
        }
        let of = |board: &Numbers| board.get(id).copied().flatten().unwrap_or(0);
        assert_eq!(of(&filled) + of(&missed), assigned, "{id}");
        all += assigned;
        drawn += of(&filled);
    }
    // 303 draws are in ballots. Smeshers that were cut off, or malfeasant, missed the others.
    assert_eq!(drawn, 303);
    assert!(all > drawn);
    let total = |board: Numbers| board["network"];
    assert_eq!(total(database.board(network, &SPACE_UNITS, 63).await), Some(103));
    assert_eq!(total(database.board(network, &SPACE_UNITS, 64).await), Some(102));
    assert_eq!(total(database.board(network, &ATX_WEIGHT, 64).await), Some(10_200));
}

#[tokio::test]
async fn rewards_come_to_what_was_issued_and_burnt() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a").await;
    let network = &recording.network;
    let copy = rusqlite::Connection::open(recording.path("state_a")).unwrap();
    let rows =
        "SELECT lower(hex(pubkey)), sum(layer_reward), sum(total_reward), count(*) FROM rewards GROUP BY 1";
    let mut statement = copy.prepare(rows).unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
    });
    let (block, gas) =
        (database.board(network, &REWARD_BLOCK, 95).await, database.board(network, &REWARD_GAS, 95).await);
    let layers = database.board(network, &REWARD_LAYERS, 95).await;
    let (mut told, mut smeshers) = (0_u128, 0);
    for (id, subsidy, total, count) in rows.unwrap().map(Result::unwrap) {
        let of = |board: &Numbers| board.get(&id).copied().flatten().unwrap_or(0);
        assert_eq!(of(&block), subsidy as u128 * ATTO);
        assert_eq!(of(&gas), (total - subsidy) as u128 * ATTO);
        assert_eq!(of(&layers), count as u128);
        told += total as u128 * ATTO;
        smeshers += 1;
    }
    assert_eq!((block.len(), smeshers), (16, 16));
    let network_sum = async |series| database.board(network, &series, 95).await["network"].unwrap();
    assert_eq!(network_sum(EMPTY_LAYERS).await, 2);
    let issued: u64 = (32..=95_u32)
        .filter(|layer| ![41, 43].contains(layer))
        .map(|layer| subsidy::of(LayerId(layer), recording.params.first).unwrap())
        .sum();
    assert_eq!(network_sum(SUBSIDY).await, u128::from(issued) * ATTO);
    let state =
        State::open(&recording.path("state_a"), &recording.params.genesis, Limits::default()).unwrap();
    let executed = state.executed(&(LayerId(32)..=LayerId(95))).unwrap();
    let fees: u128 = executed.iter().map(|done| u128::from(done.result.fee) * ATTO).sum();
    let burnt = network_sum(BURN_ROUNDING).await;
    assert_eq!(told + burnt, u128::from(issued) * ATTO + fees);
    assert!(fees > 0 && burnt > 0 && burnt < 202 * ATTO, "less than a smidge for each share: {burnt}");
}

#[tokio::test]
async fn what_could_be_expected_is_every_layers_subsidy_by_weight() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a").await;
    let board = database.board(&recording.network, &EXPECTED_REWARD, 95).await;
    let issued: u128 = (32..=95_u32)
        .map(|layer| u128::from(subsidy::of(LayerId(layer), recording.params.first).unwrap()) * ATTO)
        .sum();
    let sum: u128 = board.values().map(|value| value.unwrap()).sum();
    assert!(issued - sum < 63, "63 parts are rounded down: {issued} and {sum}");
    // The third smesher has one unit of 103, and none of 102 in the fourth epoch.
    let third = recording.expected["smeshers"][3]["smesher"].as_str().unwrap();
    let epochs = [32..=47, 48..=63, 80..=95_u32].map(|layers| {
        let issued =
            layers.map(|layer| u128::from(subsidy::of(LayerId(layer), recording.params.first).unwrap()));
        issued.sum::<u128>() * ATTO / 103
    });
    assert_eq!(board[third], Some(epochs.iter().sum()));
}

#[tokio::test]
async fn malfeasance_holds_from_the_layer_in_which_it_was_known() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a").await;
    // Nothing is known against anybody before.
    let before = database.board(&recording.network, &MALFEASANCE, 83).await;
    assert!(before.len() == 16 && before.values().all(|value| *value == Some(0)));
    let caught = recording.expected["malicious_from_layer_84"].as_str().unwrap().to_owned();
    let board = database.board(&recording.network, &MALFEASANCE, 84).await;
    let expected = before.into_keys().map(|who| (who.clone(), Some(u128::from(who == caught))));
    assert_eq!(board, expected.collect::<BTreeMap<_, _>>());
}

#[tokio::test]
async fn unchecked_ballots_are_said_to_be_so_and_change_nothing_else() {
    let Some(recording) = recording() else { return };
    let checked = Database::new().await;
    let source = recording.at(&recording.path("state_b"), Ballots::Checked);
    recording.index(&checked, source).await.unwrap();
    let database = Database::new().await;
    let cursor = recording.index(&database, recording.source("state_a")).await.unwrap();
    let ballots = cursor.checks.iter().find(|check| check.check == "ballots").unwrap();
    assert_eq!((ballots.passed, ballots.not_made[0].count), (0, 221));
    assert_eq!(ballots.not_made[0].reason, "switched_off");
    let id = &recording.network.id;
    assert_eq!(checked.store.cursor(id).await.unwrap().unwrap().digest, cursor.digest);
}
