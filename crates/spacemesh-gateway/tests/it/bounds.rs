//! Nothing that a node does takes more time or room than it may.

use std::time::{Duration, Instant};

use apogee_simmesh::Fault;
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh_gateway::{Dialect, Endpoint, Fault as Seen, Gateway, Limits, Listing};

use crate::world::{DIALECTS, Wallet, client, limits, made, recording};

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit() {
    let mesh = made(&[]).await;
    mesh.misbehave(Some(Fault::Endless));
    for dialect in DIALECTS {
        let gateway = client(&mesh, dialect, Limits { body: 100_000, ..limits() });
        let error = gateway.status().await.unwrap_err();
        assert!(matches!(error.fault, Seen::TooLarge { limit: 100_000 }), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_in_time() {
    let mesh = made(&[]).await;
    let patience = Limits { timeout: Duration::from_millis(300), ..limits() };
    for fault in [Fault::Slow(Duration::from_secs(600)), Fault::Drip(Duration::from_millis(50))] {
        mesh.misbehave(Some(fault.clone()));
        for dialect in DIALECTS {
            let begun = Instant::now();
            let error = client(&mesh, dialect, patience).status().await.unwrap_err();
            assert!(matches!(error.fault, Seen::Timeout), "{fault:?}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
    }
    // What comes late and in time is an answer.
    mesh.misbehave(Some(Fault::Slow(Duration::from_millis(50))));
    assert!(client(&mesh, Dialect::V2Beta1, limits()).status().await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_an_error_at_once() {
    let mesh = made(&[]).await;
    let gateway = client(&mesh, Dialect::V2Alpha1, limits());
    assert!(gateway.status().await.is_ok());
    // The client still has a connection to it.
    drop(mesh);
    let error = gateway.status().await.unwrap_err();
    assert!(matches!(error.fault, Seen::Transport(_)) && error.fault.is_passing(), "{error}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::new(&address).unwrap();
    let gateway = Gateway::new(endpoint, Dialect::V2Beta1, Prefix::TEST, limits()).unwrap();
    let error = gateway.status().await.unwrap_err();
    assert!(matches!(error.fault, Seen::Transport(_)) && error.fault.is_passing(), "{error}");
}

#[tokio::test]
async fn lists_have_their_rows_and_pages_numbered() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    let all = LayerId(1)..=LayerId(95);
    for dialect in DIALECTS {
        let few = client(&mesh, dialect, Limits { rows: 60, ..limits() });
        let error = few.layers(&all).await.unwrap_err();
        assert!(matches!(error.fault, Seen::Listing(Listing::Budget { rows: 60, .. })), "{error}");
        let short = client(&mesh, dialect, Limits { page: 10, pages: 6, ..limits() });
        let before = mesh.asked().len();
        let error = short.layers(&all).await.unwrap_err();
        assert!(matches!(error.fault, Seen::Listing(Listing::Budget { pages: 6, .. })), "{error}");
        let asked = mesh.asked();
        let offsets: Vec<usize> = asked[before..].iter().map(|asked| asked.offset).collect();
        assert_eq!(offsets, [0, 10, 20, 30, 40, 50]);
        assert!(asked[before..].iter().all(|asked| asked.method == "LayerService/List"));
    }
}

/// Each page is in time, and there are many.
#[tokio::test]
async fn a_list_ends_in_time() {
    let Some(recording) = recording() else { return };
    let mesh = recording.mesh("state_a", 95).await;
    mesh.misbehave(Some(Fault::Slow(Duration::from_millis(100))));
    let patience = Limits { page: 1, list_timeout: Duration::from_millis(500), ..limits() };
    let begun = Instant::now();
    let gateway = client(&mesh, Dialect::V2Beta1, patience);
    let error = gateway.layers(&(LayerId(1)..=LayerId(95))).await.unwrap_err();
    assert!(matches!(error.fault, Seen::Timeout), "{error}");
    // Sixty-six pages would have taken longer.
    assert!(begun.elapsed() < Duration::from_secs(5) && mesh.asked().len() < 20);
}

/// A bound of zero is none to a node, so that layer 0 alone has no words.
#[tokio::test]
async fn what_has_no_words_is_not_sent() {
    let mesh = made(&[]).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    let wallet = Wallet::new(1).address;
    let nothing = LayerId(0)..=LayerId(0);
    let backwards = LayerId(9)..=LayerId(8);
    for error in [
        gateway.layers(&nothing).await.unwrap_err(),
        gateway.layers(&backwards).await.unwrap_err(),
        gateway.rewards(LayerId(0)).await.unwrap_err(),
        gateway.activations(EpochId(0)).await.unwrap_err(),
        gateway.transactions(&wallet, &nothing).await.unwrap_err(),
    ] {
        assert!(matches!(error.fault, Seen::Unaskable(_)), "{error}");
    }
    assert!(mesh.asked().is_empty());
}

/// A node of the other dialect says so.
#[tokio::test]
async fn a_path_that_is_not_there_is_a_refusal() {
    let mesh = made(&[]).await;
    let endpoint = Endpoint::new(&format!("{}/elsewhere", mesh.url())).unwrap();
    let gateway = Gateway::new(endpoint, Dialect::V2Beta1, Prefix::TEST, limits()).unwrap();
    let error = gateway.status().await.unwrap_err();
    assert_eq!(error.fault.code(), Some(apogee_spacemesh_gateway::Code::NotFound));
}
