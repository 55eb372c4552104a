//! Accounts of the past, worked out from what a recorded node tells, against what its database has for every layer.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_simmesh::{Mesh, Network, Recorded};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, LayerId};
use apogee_spacemesh_gateway::{Dialect, Endpoint, Gateway, Limits};
use apogee_spacemesh_state::State;
use apogee_treasury::chain::{Account, Chain, ChainError};
use apogee_treasury_spacemesh::{Spacemesh, atto};
use serde_json::Value;

use crate::world::{database, text};

/// Two nodes of a network that split and healed, each in the split and after it.
const COPIES: [&str; 4] = ["state_a", "state_a_at_60", "state_b", "state_b_at_60"];

struct Recording {
    network: Network,
    copies: BTreeMap<&'static str, State>,
}

impl Recording {
    fn open(&self) -> BTreeMap<&'static str, State> {
        let folder = apogee_testkit::data("spacemesh/devnet208").unwrap();
        let open = |name| {
            let path = folder.join(name).with_extension("sql");
            (
                name,
                State::open(&path, &self.network.genesis, apogee_spacemesh_state::Limits::default()).unwrap(),
            )
        };
        COPIES.into_iter().map(open).collect()
    }
}

/// `None` where it is absent, which is said.
fn recording() -> Option<Recording> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let layers = u32::try_from(expected["layers_per_epoch"].as_u64().unwrap()).unwrap();
    let epochs = Epochs { layers: NonZeroU32::new(layers).unwrap() };
    let network = Network {
        genesis: expected["genesis_id"].as_str().unwrap().parse().unwrap(),
        genesis_time: 1_636_296_750,
        layer_duration: 300,
        prefix: Prefix::TEST,
        effective_genesis: epochs.first_effective_genesis(),
        epochs,
        labels_per_unit: 1_024,
    };
    let mut recording = Recording { network, copies: BTreeMap::new() };
    recording.copies = recording.open();
    Some(recording)
}

/// Everybody who was paid, or paid.
fn everybody(state: &State) -> BTreeSet<Address> {
    let all = LayerId(0)..=LayerId(u32::MAX);
    let rewarded = state.rewards(&all).unwrap().into_iter().map(|reward| reward.coinbase);
    let touched = state.executed(&all).unwrap().into_iter().flat_map(|done| done.result.addresses);
    rewarded.chain(touched).collect()
}

#[tokio::test]
async fn an_account_of_the_past_is_that_of_the_database_at_that_layer() {
    let Some(recording) = recording() else { return };
    let (store, _folder) = database().await;
    let mut compared = 0;
    for name in COPIES {
        let state = &recording.copies[name];
        let copies: BTreeMap<String, State> =
            recording.open().into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
        let node = Recorded::new(recording.network, copies, name, LayerId(95)).unwrap();
        let mesh = Mesh::start(0, node).await.unwrap();
        let gateway = Gateway::new(
            Endpoint::new(&mesh.url()).unwrap(),
            Dialect::V2Alpha1,
            Prefix::TEST,
            Limits::default(),
        )
        .unwrap();
        let network = gateway.network().await.unwrap();
        let chain = Arc::new(Spacemesh::new(gateway, network, store.clone(), "recorded".parse().unwrap()));
        let head = chain.head().await.unwrap();
        assert!(head.epoch.height() >= 60, "{head:?}");
        for address in everybody(state) {
            for layer in (28..=head.epoch.height()).step_by(3) {
                let tip = chain.ancestor(&head, Epoch::new(layer).unwrap()).await.unwrap();
                assert_eq!(tip.epoch.height(), layer);
                let found = chain.account(&tip, &text(&address)).await.unwrap();
                let before = LayerId(u32::try_from(layer).unwrap() - 1);
                let row = state.account(&address, before.max(recording.network.effective_genesis)).unwrap();
                let expected = row.map_or_else(Account::default, |row| Account {
                    nonce: row.next_nonce,
                    balance: atto(row.balance),
                });
                assert_eq!(found, expected, "{name}, {} before layer {layer}", text(&address));
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
    eprintln!("{compared} accounts of the past");
}

/// What is told of the faucet's transactions is what the database has.
#[tokio::test]
async fn what_was_executed_is_told_with_its_results() {
    let Some(recording) = recording() else { return };
    let (store, _folder) = database().await;
    let state = &recording.copies["state_a"];
    let copies: BTreeMap<String, State> =
        recording.open().into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
    let mesh = Mesh::start(0, Recorded::new(recording.network, copies, "state_a", LayerId(95)).unwrap());
    let mesh = mesh.await.unwrap();
    let endpoint = Endpoint::new(&mesh.url()).unwrap();
    let gateway = Gateway::new(endpoint, Dialect::V2Beta1, Prefix::TEST, Limits::default()).unwrap();
    let network = gateway.network().await.unwrap();
    let chain = Spacemesh::new(gateway, network, store, "recorded".parse().unwrap());
    let head = chain.head().await.unwrap();
    let first = chain.ancestor(&head, Epoch::GENESIS).await.unwrap();
    let done = state.executed(&(LayerId(0)..=LayerId(95))).unwrap();
    let principals: BTreeSet<Address> =
        done.iter().map(|done| done.row.transaction.as_ref().unwrap().body.principal).collect();
    let mut count = 0;
    for principal in principals {
        let told = chain.executed(&text(&principal), &first, &head).await.unwrap();
        let own =
            || done.iter().filter(|done| done.row.transaction.as_ref().unwrap().body.principal == principal);
        assert_eq!(told.len(), own().count());
        for (told, done) in told.iter().zip(own()) {
            assert_eq!((told.id.clone(), told.cost), (done.row.id.to_string(), atto(done.result.fee)));
            assert_eq!(told.exit_code == 0, done.result.succeeded);
            assert_eq!(told.tip.epoch.height(), i64::from(done.result.layer.0));
            assert_eq!(told.tip, chain.ancestor(&head, told.tip.epoch).await.unwrap());
            count += 1;
        }
        // Half of them, from where the first half ends.
        if let Some(middle) = told.get(told.len() / 2) {
            let rest = chain.executed(&text(&principal), &middle.tip, &head).await.unwrap();
            assert!(told.ends_with(&rest) && rest.contains(middle));
        }
    }
    assert_eq!(count, done.len());
}

/// What a real node took back when its side of the split turned out to be the wrong one.
#[tokio::test]
async fn a_recorded_revert_makes_other_tips_of_the_same_layers() {
    let Some(recording) = recording() else { return };
    let (store, _folder) = database().await;
    let copies = recording.open().into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
    let node = Recorded::new(recording.network, copies, "state_a_at_60", LayerId(60)).unwrap();
    let mesh = Mesh::start(0, node).await.unwrap();
    let endpoint = Endpoint::new(&mesh.url()).unwrap();
    let gateway = Gateway::new(endpoint, Dialect::V2Beta1, Prefix::TEST, Limits::default()).unwrap();
    let network = gateway.network().await.unwrap();
    let chain = Spacemesh::new(gateway, network, store, "recorded".parse().unwrap());
    let split = chain.head().await.unwrap();
    assert_eq!(split.epoch.height(), 60);
    let mut before = Vec::new();
    for layer in 45..=60 {
        before.push(chain.ancestor(&split, Epoch::new(layer).unwrap()).await.unwrap());
    }
    mesh.chain().set("state_a", LayerId(95)).unwrap();
    let healed = chain.head().await.unwrap();
    for tip in before {
        let now = chain.ancestor(&healed, tip.epoch).await.unwrap();
        assert_eq!(now == tip, tip.epoch.height() < 52, "{}", tip.epoch);
    }
    assert!(matches!(chain.ancestor(&split, Epoch::GENESIS).await, Err(ChainError::Unavailable(_))));
}
