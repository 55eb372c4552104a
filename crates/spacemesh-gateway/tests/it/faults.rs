use apogee_simmesh::{Fault, Mesh, Recorded};
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh_gateway::{
    Code, Dialect, Fault as Seen, Gateway, GatewayError, LayerStatus, Limits, Listing, SyncStatus,
};

use crate::world::{DIALECTS, Recording, client, limits, recording};

/// A layer with three rewards or more, so that half a page is something.
const LAYER: LayerId = LayerId(36);
const SOME: std::ops::RangeInclusive<LayerId> = LayerId(32)..=LayerId(40);

/// What each question comes to, by its method.
async fn ask(recording: &Recording, gateway: &Gateway) -> Vec<(&'static str, Result<(), GatewayError>)> {
    let executed = recording.open("state_a").executed(&(LayerId(1)..=LayerId(95))).unwrap().remove(0).row;
    let raw = apogee_spacemesh::scale::encode(executed.transaction.as_ref().unwrap());
    vec![
        ("NetworkService/Info", gateway.network().await.map(drop)),
        ("NodeService/Status", gateway.status().await.map(drop)),
        ("LayerService/List", gateway.layers(&SOME).await.map(drop)),
        ("RewardService/List", gateway.rewards(LAYER).await.map(drop)),
        ("ActivationService/", gateway.activations(EpochId(2)).await.map(drop)),
        ("MalfeasanceService/List", gateway.malfeasances().await.map(drop)),
        ("AccountService/List", gateway.account(&recording.faucet).await.map(drop)),
        ("TransactionService/List", gateway.transaction(&executed.id).await.map(drop)),
        ("TransactionService/List", gateway.transactions(&recording.faucet, &SOME).await.map(drop)),
        ("TransactionService/ParseTransaction", gateway.parse(&raw, true).await.map(drop)),
        ("TransactionService/EstimateGas", gateway.estimate_gas(&raw).await.map(drop)),
    ]
}

async fn every_question(
    recording: &Recording,
    mesh: &Mesh<Recorded>,
    fault: Fault,
    limits: Limits,
    right: fn(&Seen) -> bool,
) {
    for dialect in DIALECTS {
        mesh.misbehave(Some(fault.clone()));
        for (method, answer) in ask(recording, &client(mesh, dialect, limits)).await {
            let error = answer.expect_err(method);
            assert!(error.method.starts_with(method), "{error}");
            assert!(right(&error.fault), "{fault:?}: {error} {:?}", error.fault);
            assert!(error.to_string().contains(&mesh.url()), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_one_clear_error() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    type Right = fn(&Seen) -> bool;
    let cases: [(Fault, Right); 9] = [
        (Fault::Unavailable, |seen| seen.code() == Some(Code::Unavailable) && seen.is_passing()),
        (Fault::Html(200), |seen| matches!(seen, Seen::NotJson)),
        (Fault::Html(502), |seen| matches!(seen, Seen::Status(502)) && seen.is_passing()),
        (Fault::Html(403), |seen| matches!(seen, Seen::Status(403)) && !seen.is_passing()),
        (Fault::Redirect("http://127.0.0.1:1/".to_owned()), |seen| matches!(seen, Seen::Status(307))),
        (Fault::Truncated, |seen| matches!(seen, Seen::NotJson)),
        (Fault::ReplyLost, |seen| matches!(seen, Seen::Transport(_)) && seen.is_passing()),
        (Fault::HugeLength, |seen| matches!(seen, Seen::TooLarge { limit: 4_194_304 })),
        (Fault::WrongType, |seen| matches!(seen, Seen::Malformed { .. }) && !seen.is_passing()),
    ];
    for (fault, right) in cases {
        every_question(&recording, &mesh, fault, limits(), right).await;
    }
}

/// The error says which field of which row.
#[tokio::test]
async fn a_wrong_type_is_named() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    mesh.misbehave(Some(Fault::WrongType));
    for dialect in DIALECTS {
        let gateway = client(&mesh, dialect, limits());
        let error = gateway.rewards(LAYER).await.unwrap_err();
        let place = format!("RewardService/List at {}", mesh.url());
        assert_eq!(error.to_string(), format!("{place}: rewards[0].layer is no integer of 32 bits"));
        let error = gateway.status().await.unwrap_err();
        assert!(error.to_string().ends_with("connectedPeers is no integer of 64 bits"), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_right_is_refused() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    for dialect in DIALECTS {
        let gateway = client(&mesh, dialect, Limits { page: 4, ..limits() });
        let alpha = dialect == Dialect::V2Alpha1;
        let seen = async |fault: Fault| {
            mesh.misbehave(Some(fault));
            let listing = |answer: Result<(), GatewayError>| match answer.map_err(|error| error.fault) {
                Err(Seen::Listing(listing)) => Some(listing),
                Err(other) => panic!("{other}"),
                Ok(()) => None,
            };
            (
                listing(gateway.layers(&SOME).await.map(drop)),
                listing(gateway.rewards(LAYER).await.map(drop)),
                listing(gateway.activations(EpochId(2)).await.map(drop)),
            )
        };
        let (layers, rewards, activations) = seen(Fault::Duplicate).await;
        assert_eq!(layers, Some(Listing::Twice("32".to_owned())));
        assert!(matches!(rewards, Some(Listing::Twice(_))) && matches!(activations, Some(Listing::Twice(_))));

        let (layers, rewards, activations) = seen(Fault::OutOfRange).await;
        assert_eq!(layers, Some(Listing::Stranger("layer 1000000".to_owned())));
        assert_eq!(rewards, Some(Listing::Stranger("a reward in layer 1000000".to_owned())));
        assert_eq!(activations, Some(Listing::Stranger("an activation of epoch 1000000".to_owned())));

        let (layers, rewards, activations) = seen(Fault::Short).await;
        assert_eq!(layers, Some(Listing::Short { offset: 2 }));
        assert_eq!(activations, Some(Listing::Short { offset: 2 }));
        assert_eq!(rewards, Some(Listing::Short { offset: 2 }));

        let (layers, rewards, activations) = seen(Fault::WrongCount).await;
        let one_more = |found: usize| Some(Listing::Count { told: found as u64 + 1, found });
        assert_eq!(activations, one_more(16));
        assert_eq!(layers, if alpha { one_more(9) } else { None });
        assert_eq!(rewards.is_some(), alpha);

        // A row that is left out shows where rows are counted, and nowhere else.
        let (layers, rewards, _) = seen(Fault::Missing).await;
        assert_eq!(layers.is_some(), alpha);
        assert_eq!(rewards.is_some(), alpha);
        mesh.misbehave(Some(Fault::Missing));
        let whole = client(&mesh, dialect, limits()).activations(EpochId(2)).await.unwrap_err();
        assert!(matches!(whole.fault, Seen::Listing(Listing::Count { told: 16, found: 15 })), "{whole}");
    }
}

/// Some lies have the right form: the client hands on what the node tells, and says what it is worth.
#[tokio::test]
async fn what_only_the_chain_can_tell_is_handed_on() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a_at_60", 60).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    mesh.misbehave(Some(Fault::WrongGenesis));
    assert_ne!(gateway.network().await.unwrap().genesis, recording.network.genesis);
    mesh.misbehave(Some(Fault::NotSynced));
    assert_eq!(gateway.status().await.unwrap().sync, SyncStatus::Syncing);

    let honest = LayerId(52)..=LayerId(70);
    mesh.misbehave(Some(Fault::Future));
    let layers = gateway.layers(&honest).await.unwrap();
    let last = layers.last().unwrap();
    assert_eq!((last.layer, last.status), (LayerId(65), LayerStatus::Unspecified));
    assert_eq!((last.opinion, last.state, last.block), (None, None, None));

    mesh.misbehave(Some(Fault::Verified));
    let layers = gateway.layers(&honest).await.unwrap();
    assert!(layers.iter().all(|layer| layer.status == LayerStatus::Tallied));
}

/// A page of 101 rows is not asked for: a node refuses it.
#[tokio::test]
async fn a_page_is_no_larger_than_a_node_allows() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    for page in [0, 101, usize::MAX] {
        let gateway = client(&mesh, Dialect::V2Beta1, Limits { page, ..limits() });
        assert_eq!(gateway.layers(&SOME).await.unwrap().len(), 9);
    }
}
