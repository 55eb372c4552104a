//! Columns of an epoch come to what the series of its smeshers come to.

use apogee_domain::series::{
    ATX_WEIGHT, EXPECTED_LAYERS, EXPECTED_REWARD, REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS, SLOTS_ASSIGNED,
    SPACE_UNITS,
};
use apogee_spacemesh::id::EpochId;
use apogee_spacemesh_index::rollup::{Rollup, RollupError};
use apogee_spacemesh_state::{Limits, ReadError, State};

use crate::recording::recording;

#[tokio::test]
async fn every_column_is_the_growth_of_its_series() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a").await;
    let network = &recording.network;
    let state =
        State::open(&recording.path("state_a"), &recording.params.genesis, Limits::default()).unwrap();
    for number in 2..=5_u32 {
        let columns = Rollup::read(&state, &recording.params, EpochId(number), 1_000).unwrap();
        assert_eq!(columns.smeshers.len(), if number == 4 { 15 } else { 16 });
        assert!(columns.smeshers.is_sorted());
        let (before, last) = (i64::from(16 * number - 1), i64::from(16 * number + 15));
        for (row, smesher) in columns.smeshers.iter().enumerate() {
            let id = smesher.to_string();
            let at = async |series, layer| {
                database.board(network, &series, layer).await.get(&id).copied().flatten().unwrap_or(0)
            };
            let grown = async |series: &apogee_domain::SeriesName| {
                at(series.clone(), last).await - at(series.clone(), before).await
            };
            assert_eq!(at(SPACE_UNITS, last).await, columns.units[row].into());
            assert_eq!(at(ATX_WEIGHT, last).await, columns.weight[row].into());
            assert_eq!(grown(&SLOTS_ASSIGNED).await, columns.slots[row].into());
            assert_eq!(grown(&REWARD_LAYERS).await, columns.layers[row].into());
            assert_eq!(grown(&REWARD_BLOCK).await, u128::from(columns.subsidy[row]) * 1_000_000_000);
            assert_eq!(grown(&REWARD_GAS).await, u128::from(columns.fees[row]) * 1_000_000_000);
            assert_eq!(grown(&EXPECTED_LAYERS).await, columns.expected_layers[row].into());
            assert_eq!(grown(&EXPECTED_REWARD).await, columns.expected_reward[row]);
        }
    }
}

#[test]
fn who_was_paid_without_an_activation_has_a_row_and_bounds_hold() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = |statements: &str| {
        let copy = recording.changed("state_a", folder.path(), statements);
        State::open(&copy, &recording.params.genesis, Limits::default()).unwrap()
    };
    let whole = open("SELECT 1");
    let read = |state: &State, most| Rollup::read(state, &recording.params, EpochId(2), most);
    let full = |error| matches!(error, RollupError::Read(ReadError::Rows { .. }));
    assert!(full(read(&whole, 15).unwrap_err()));
    let before = read(&whole, 1_000).unwrap();
    let paid: u64 = before.subsidy.iter().sum();
    // Rows far apart are found by the index, as well.
    let sparse = open("UPDATE atxs SET rowid = rowid + 1000000 WHERE rowid % 2 = 0");
    assert_eq!(read(&sparse, 1_000).unwrap(), before);
    let fewer = read(&open("DELETE FROM atxs WHERE epoch = 1 AND rowid > 3"), 1_000).unwrap();
    assert_eq!(fewer.subsidy.iter().sum::<u64>(), paid);
    assert!(fewer.units.iter().filter(|units| **units == 0).count() > 10);
    assert!(fewer.smeshers.is_sorted());
    let much = read(&open("UPDATE rewards SET total_reward = 0 WHERE layer = 33"), 1_000).unwrap_err();
    assert!(matches!(much, RollupError::Overflow(EpochId(2))));
}
