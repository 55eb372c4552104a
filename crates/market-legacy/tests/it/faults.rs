use apogee_filecoin::rpc::Fault;
use apogee_market_legacy::Failure;
use serde_json::json;

use crate::stub::{Does, Stub, cid};

/// What is wrong with an answer to a question, which is asked once.
async fn fault(does: Does) -> Fault {
    let stub = Stub::start(does).await;
    let failure = stub.node.deal_size(&cid()).await.unwrap_err();
    assert_eq!(stub.asked().0, "ClientDealSize");
    match failure {
        Failure::Rpc(error) => error.fault,
        other => panic!("{other:?}"),
    }
}

fn says(text: impl ToString) -> Does {
    Does::Says(200, text.to_string())
}

#[tokio::test]
async fn a_node_that_is_silent_or_says_too_much_is_left() {
    assert!(matches!(fault(Does::Hangs).await, Fault::Timeout));
    assert!(matches!(fault(Does::Endless).await, Fault::TooLarge { limit: 65_536 }));
    assert!(matches!(fault(says("x".repeat(1 << 20))).await, Fault::TooLarge { .. }));
}

#[tokio::test]
async fn an_answer_that_is_not_to_the_question_is_none() {
    let size = json!({ "PayloadSize": 9, "PieceSize": 1 });
    let bad = [
        json!({ "jsonrpc": "2.0", "id": 2, "result": size }).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1 }).to_string(),
        json!({ "id": 1, "result": { "PayloadSize": "nine", "PieceSize": 1 } }).to_string(),
        json!({ "id": 1, "result": { "PayloadSize": -1, "PieceSize": 1 } }).to_string(),
        json!({ "id": 1, "result": null }).to_string(),
        "<!doctype html><title>Sorry</title>".to_owned(),
        String::new(),
        "[".repeat(60_000),
        format!("{{\"id\":1,\"result\":{}", "{\"a\":".repeat(10_000)),
    ];
    for text in bad {
        let fault = fault(says(&text)).await;
        assert!(matches!(fault, Fault::Malformed(_)), "{}: {fault:?}", &text[..text.len().min(60)]);
    }
}

#[tokio::test]
async fn what_a_node_refuses_is_in_its_words_and_nobodys_fault() {
    let error = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "miner\n is asleep" } });
    for status in [200, 500] {
        match fault(Does::Says(status, error.to_string())).await {
            Fault::Rpc { code: 1, message, .. } => assert_eq!(message, "miner  is asleep"),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(fault(Does::Says(401, "<html>".into())).await, Fault::Status(401)));
    // Nothing passing is asked again: a deal would be started twice.
    assert!(matches!(fault(Does::Says(503, String::new())).await, Fault::Status(503)));
    assert!(matches!(fault(Does::Says(302, "http://127.0.0.1:1/".into())).await, Fault::Status(302)));
}
