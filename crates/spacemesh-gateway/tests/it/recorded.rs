use std::collections::BTreeSet;

use apogee_simmesh::Fault;
use apogee_spacemesh::id::{EpochId, LayerId, SmesherId};
use apogee_spacemesh::result::TransactionHeader;
use apogee_spacemesh::scale::encode;
use apogee_spacemesh_gateway::{
    Code, Dialect, Domain, Gateway, LayerStatus, Limits, SubmitOutcome, SyncStatus, TransactionState,
};
use apogee_spacemesh_state::{Applied, State};

use crate::world::{DIALECTS, Recording, client, limits, recording};

const ALL: std::ops::RangeInclusive<LayerId> = LayerId(1)..=LayerId(95);

/// Everything that the client reads is what is in the copy.
async fn everything(recording: &Recording, gateway: &Gateway, state: &State) {
    let network = gateway.network().await.unwrap();
    assert_eq!(network.genesis, recording.network.genesis);
    assert_eq!((network.genesis_time, network.layer_duration), (1_636_296_750_000, 300_000));
    assert_eq!((network.prefix, network.epochs), (recording.network.prefix, recording.network.epochs));
    assert_eq!((network.effective_genesis, network.labels_per_unit), (LayerId(31), 1_024));

    let rows = state.layers(&ALL).unwrap();
    let status = gateway.status().await.unwrap();
    let last = |good: fn(&Applied) -> bool| rows.iter().rfind(|row| good(&row.applied)).unwrap().layer;
    assert_eq!((status.sync, status.peers, status.current), (SyncStatus::Synced, 3, LayerId(95)));
    assert_eq!(status.latest, last(|applied| matches!(applied, Applied::Block(_))));
    assert_eq!(status.applied, last(|applied| *applied != Applied::NotYet));
    assert_eq!(status.processed, rows.iter().rfind(|row| row.tallied).unwrap().layer);

    let layers = gateway.layers(&ALL).await.unwrap();
    assert_eq!((layers.len(), rows.len()), (65, 65));
    for (layer, row) in layers.iter().zip(&rows) {
        assert_eq!((layer.layer, layer.opinion, layer.state), (row.layer, row.opinion, row.state));
        let block = match row.applied {
            Applied::Block(block) => Some(block),
            Applied::Empty | Applied::NotYet => None,
        };
        assert_eq!(layer.block, block);
        assert_eq!(layer.status == LayerStatus::Tallied, row.tallied);
    }

    let mut rewards = Vec::new();
    for layer in 1..=95 {
        rewards.extend(gateway.rewards(LayerId(layer)).await.unwrap());
    }
    assert_eq!(rewards.len(), 202);
    assert_eq!(rewards, state.rewards(&ALL).unwrap());
    for coinbase in rewards.iter().map(|reward| reward.coinbase).collect::<BTreeSet<_>>() {
        for layers in [ALL, LayerId(40)..=LayerId(57)] {
            let own = rewards.iter().filter(|row| row.coinbase == coinbase && layers.contains(&row.layer));
            assert_eq!(
                gateway.rewards_of(&coinbase, &layers).await.unwrap(),
                own.copied().collect::<Vec<_>>()
            );
        }
    }

    let mut activations = 0;
    for epoch in (1..=6).map(EpochId) {
        let told = gateway.activations(epoch).await.unwrap();
        let rows = state.activations(&(epoch..=epoch)).unwrap();
        assert_eq!(told.len(), rows.len());
        for (told, row) in told.iter().zip(&rows) {
            assert_eq!((told.id, told.smesher, told.published), (row.id, row.smesher, row.published));
            assert_eq!((told.coinbase, told.units), (row.coinbase, row.units));
            assert_eq!((told.weight, Some(told.height)), (row.weight, row.height()));
        }
        activations += told.len();
    }
    assert_eq!(activations, 79);

    let malicious: BTreeSet<SmesherId> = state.malicious().unwrap().into_keys().collect();
    let told = gateway.malfeasances().await.unwrap();
    assert_eq!(told.iter().map(|told| told.smesher).collect::<BTreeSet<_>>(), malicious);
    assert!(told.iter().all(|told| (told.domain, told.kind) == (Domain::Legacy, 1)) && told.len() == 1);
}

async fn money(recording: &Recording, gateway: &Gateway, state: &State) {
    let row = state.account(&recording.faucet, LayerId(95)).unwrap().unwrap();
    let account = gateway.account(&recording.faucet).await.unwrap().unwrap();
    assert_eq!(account.address, recording.faucet);
    assert_eq!((account.current.next_nonce, account.current.balance), (row.next_nonce, row.balance));
    assert_eq!(account.current.layer, row.updated);
    let projected = (account.projected.next_nonce, account.projected.balance);
    assert_eq!(projected, (row.next_nonce, row.balance));
    let made = row.state.unwrap().spawn;
    let template = (gateway.dialect() == Dialect::V2Beta1).then(|| made.template().address());
    assert_eq!(account.template, template);
    let nobody = apogee_spacemesh::address::Address([0; 24]);
    assert_eq!(gateway.account(&nobody).await.unwrap(), None);

    let executed = state.executed(&ALL).unwrap();
    let told = gateway.transactions(&recording.faucet, &ALL).await.unwrap();
    assert_eq!((told.len(), executed.len()), (4, 4));
    for (told, row) in told.iter().zip(&executed) {
        assert_eq!((told.id, told.result.as_ref()), (row.row.id, Some(&row.result)));
        assert_eq!((told.header, told.state), (row.row.header, TransactionState::Processed));
        assert_eq!(told.raw, encode(row.row.transaction.as_ref().unwrap()));
        assert_eq!(gateway.transaction(&told.id).await.unwrap().as_ref(), Some(told));

        // The recording's headers of payments lack their gas; what was used is known.
        let header = TransactionHeader { max_gas: row.result.gas, ..row.row.header.unwrap() };
        assert_eq!(gateway.parse(&told.raw, true).await.unwrap(), header);
        assert_eq!(gateway.estimate_gas(&told.raw).await.unwrap(), row.result.gas);
    }
    let some = gateway.transactions(&recording.faucet, &(LayerId(37)..=LayerId(57))).await.unwrap();
    assert_eq!(some, told[1..=2]);
    let unknown = apogee_spacemesh::id::TransactionId([9; 32]);
    assert_eq!(gateway.transaction(&unknown).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_read_is_what_is_in_the_copy() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    let state = recording.open("state_a");
    for dialect in DIALECTS {
        // By pages of three rows it is the same.
        for page in [100, 3] {
            let gateway = client(&mesh, dialect, Limits { page, ..limits() });
            everything(&recording, &gateway, &state).await;
            money(&recording, &gateway, &state).await;
        }
    }
}

/// Early nodes wrap rows, and nothing obliges a gateway to write what has the value that it has by itself.
#[tokio::test]
async fn other_good_forms_are_read_alike() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    let state = recording.open("state_a");
    for dialect in DIALECTS {
        let gateway = client(&mesh, dialect, limits());
        for form in [Fault::Wrapped, Fault::Sparse, Fault::Uncounted] {
            mesh.misbehave(Some(form.clone()));
            everything(&recording, &gateway, &state).await;
            money(&recording, &gateway, &state).await;
        }
    }
}

/// Inside a layer order does not matter, as long as the layer is one page.
#[tokio::test]
async fn rewards_that_rank_alike_are_not_mixed_up() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    mesh.misbehave(Some(Fault::Ties));
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    let rows = recording.open("state_a").rewards(&ALL).unwrap();
    let mut told = Vec::new();
    for layer in 1..=95 {
        told.extend(gateway.rewards(LayerId(layer)).await.unwrap());
    }
    assert_eq!(told, rows);
    // Of several pages it does, and what is lost on one comes twice on another.
    let small = client(&mesh, Dialect::V2Beta1, Limits { page: 2, ..limits() });
    let mut lost = 0;
    for layer in 32..=95 {
        match small.rewards(LayerId(layer)).await {
            Ok(told) => {
                assert!(told.iter().eq(rows.iter().filter(|row| row.layer == LayerId(layer))));
            }
            Err(error) => {
                assert!(error.to_string().contains("comes twice") && error.fault.is_passing(), "{error}");
                lost += 1;
            }
        }
    }
    assert!(lost > 0);
}

/// What two real nodes did when each had been on a wrong side of the split.
#[tokio::test]
async fn a_revert_changes_layers_rewards_and_transactions() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    let split = LayerId(50)..=LayerId(60);
    for (node, first, lost, moved) in [("state_a", 52, 8, false), ("state_b", 54, 7, true)] {
        let mut seen = Vec::new();
        for (copy, head) in
            [(format!("{node}_at_60"), 60), (format!("{node}_at_64"), 64), (node.to_owned(), 95)]
        {
            mesh.chain().set(&copy, LayerId(head)).unwrap();
            assert_eq!(gateway.status().await.unwrap().current, LayerId(head));
            let layers = gateway.layers(&split).await.unwrap();
            let mut rewards = Vec::new();
            for layer in 50..=60 {
                rewards.extend(gateway.rewards(LayerId(layer)).await.unwrap());
            }
            assert_eq!(rewards, recording.open(&copy).rewards(&split).unwrap());
            assert!(gateway.layers(&(LayerId(head + 1)..=LayerId(200))).await.unwrap().is_empty());
            let paid = gateway.transactions(&recording.faucet, &(LayerId(57)..=LayerId(57))).await.unwrap();
            assert_eq!(paid.len(), 1, "{copy}");
            seen.push((layers, rewards, paid));
        }
        let [before, healing, after] = &seen[..] else { panic!("three moments") };
        // While it heals nothing has been undone yet.
        assert_eq!((&before.1, &before.2), (&healing.1, &healing.2));
        let pairs = before.0.iter().zip(&after.0);
        let differing: Vec<u32> = pairs
            .filter(|(before, after)| before.opinion != after.opinion)
            .map(|(before, _)| before.layer.0)
            .collect();
        assert_eq!(differing, (first..=60).collect::<Vec<_>>());
        let gone = before.1.iter().filter(|reward| !after.1.contains(reward)).count();
        assert_eq!(gone, lost);
        // The payment of layer 57 was undone; one node executed it again in another block.
        let block = |paid: &[apogee_spacemesh_gateway::Transaction]| paid[0].result.clone().unwrap().block;
        assert_eq!(block(&before.2) != block(&after.2), moved);
    }
}

/// What a recording does not have it does not take.
#[tokio::test]
async fn a_recording_stays_as_it_is() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    assert!(mesh.chain().set("state_z", LayerId(1)).is_err());
    let gateway = client(&mesh, Dialect::V2Alpha1, limits());
    assert_eq!(gateway.status().await.unwrap().current, LayerId(95));
    let executed = recording.open("state_a").executed(&ALL).unwrap().remove(1).row.transaction.unwrap();
    let outcome = gateway.submit(&encode(&executed)).await;
    let SubmitOutcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.fault.code(), Some(Code::Unimplemented));
    let before = LayerId(33);
    mesh.chain().set("state_a", before).unwrap();
    // The faucet's account has coins then, and has not been made.
    let error = gateway.estimate_gas(&encode(&executed)).await.unwrap_err();
    assert_eq!(error.fault.code(), Some(Code::NotFound));
    assert_eq!(
        error.to_string(),
        format!(
            "TransactionService/EstimateGas at {}: the node says: account is not spawned (not found)",
            mesh.url()
        )
    );
}
