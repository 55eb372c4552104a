//! A node that is asked over its gateway, while it takes back a split.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::series::{
    EMPTY_LAYERS, EXPECTED_REWARD, MALFEASANCE, REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS, SLOTS_FILLED,
    SPACE_UNITS, SUBSIDY,
};
use apogee_simmesh::{Fault, Mesh, Network, Recorded};
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_gateway::{Dialect, Endpoint, Gateway, Limits};
use apogee_spacemesh_index::{GatewaySource, IndexError};
use apogee_spacemesh_state::State;
use apogee_store::{Page, Store};

use crate::recording::{Database, Recording, epoch, recording, said};

async fn node(recording: &Recording, live: &str, head: u32) -> Mesh<Recorded> {
    let open = |name: &&str| {
        let path = recording.path(name);
        let state = State::open(&path, &recording.params.genesis, apogee_spacemesh_state::Limits::default());
        ((*name).to_owned(), state.unwrap())
    };
    let copies: BTreeMap<String, State> = ["state_a", "state_a_at_60"].iter().map(open).collect();
    let network = Network {
        genesis: recording.params.genesis,
        genesis_time: u32::try_from(recording.network.genesis_time.seconds()).unwrap(),
        layer_duration: recording.network.epoch_seconds,
        prefix: Prefix::TEST,
        effective_genesis: recording.params.first,
        epochs: recording.params.epochs(),
        labels_per_unit: 1_024,
    };
    Mesh::start(0, Recorded::new(network, copies, live, LayerId(head)).unwrap()).await.unwrap()
}

fn source(mesh: &Mesh<Recorded>, dialect: Dialect) -> Arc<GatewaySource> {
    let endpoint = Endpoint::new(&mesh.url()).unwrap();
    Arc::new(GatewaySource::new(Gateway::new(endpoint, dialect, Prefix::TEST, Limits::default()).unwrap()))
}

#[tokio::test]
async fn what_a_node_takes_back_is_taken_back_and_the_rest_is_as_from_its_database() {
    let Some(recording) = recording() else { return };
    let mesh = node(&recording, "state_a_at_60", 60).await;
    let database = Database::new().await;
    let network = &recording.network;
    let first = recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap();
    assert_eq!((first.epoch, first.final_epoch), (epoch(60), Some(epoch(50))));
    // Every layer is told as verified, which makes none of them final.
    mesh.misbehave(Some(Fault::Verified));
    mesh.chain().set("state_a", LayerId(64)).unwrap();
    let cursor = recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap();
    assert_eq!((cursor.epoch, cursor.final_epoch), (epoch(64), Some(epoch(54))));
    mesh.misbehave(None);
    mesh.chain().set("state_a", LayerId(95)).unwrap();
    recording.index(&database, source(&mesh, Dialect::V2Alpha1)).await.unwrap();

    let copy = recording.fresh("state_a").await;
    for series in
        [REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS, EXPECTED_REWARD, SPACE_UNITS, EMPTY_LAYERS, SUBSIDY]
    {
        for layer in [40, 52, 60, 95] {
            let (ours, its) = (database.board(network, &series, layer), copy.board(network, &series, layer));
            assert_eq!(ours.await, its.await, "{series} at {layer}");
        }
    }
    let keys = async |database: &Database| -> Vec<(String, String)> {
        let rows = database.store.epochs(&network.id, Page { after: None, limit: 100 }).await.unwrap();
        rows.into_iter().map(|row| (row.key, row.state_root)).collect()
    };
    assert_eq!(keys(&database).await, keys(&copy).await);
    let slots = database.board(network, &SLOTS_FILLED, 95).await;
    assert!(slots.len() == 16 && slots.values().all(Option::is_none));
    // Since when somebody is malfeasant is not told: it counts from the head at which it was heard of.
    let caught = async |layer| {
        let board = database.board(network, &MALFEASANCE, layer).await;
        board.into_values().filter(|value| *value == Some(1)).count()
    };
    assert_eq!((caught(63).await, caught(64).await), (0, 1));
}

#[tokio::test]
async fn another_network_or_a_node_that_fails_leaves_whole_batches() {
    let Some(recording) = recording() else { return };
    let mesh = node(&recording, "state_a", 95).await;
    let database = Database::new().await;
    mesh.misbehave(Some(Fault::WrongGenesis));
    let error = recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap_err();
    assert!(matches!(error, IndexError::Genesis { .. }), "{}", said(&error));
    assert!(database.store.networks().await.unwrap().is_empty());
    for fault in [Fault::Unavailable, Fault::WrongType, Fault::OutOfRange] {
        mesh.behave(move |asked| (asked.method == "RewardService/List").then(|| fault.clone()));
        let error = recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap_err();
        assert!(matches!(error, IndexError::Source(_)) && error.may_pass(), "{}", said(&error));
        assert!(database.store.networks().await.unwrap().is_empty());
    }
    // A node that says that it is behind has what it has.
    mesh.chain().set("state_a_at_60", LayerId(60)).unwrap();
    mesh.misbehave(None);
    recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap();
    let before = database.everything(&recording.network).await;
    mesh.misbehave(Some(Fault::NotSynced));
    let cursor = recording.index(&database, source(&mesh, Dialect::V2Beta1)).await.unwrap();
    assert_eq!(Some(cursor), before.cursor);
}
