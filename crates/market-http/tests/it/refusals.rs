//! What the double refuses, which is what Curio refuses.

use apogee_market::Signs;
use apogee_market_http::{Authorization, Endpoint, Failure, Terms, authorization};
use apogee_simprovider::curio::Recipe;
use fvm_shared::address::Address;
use serde_json::{Value, json};

use crate::world::{MINER, World, key};

/// The status and the words with which a document is refused, changed at this pointer; `None`: without it.
async fn changed(world: &mut World, at: &str, value: Option<Value>) -> (u16, String) {
    let mut deal = serde_json::to_value(world.terms(1).deal().unwrap()).unwrap();
    match value {
        Some(value) => *deal.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = value,
        None => {
            let (parent, name) = at.rsplit_once('/').unwrap();
            deal.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        }
    }
    refused(world.propose_json(deal.to_string().as_bytes()).await)
}

fn refused(result: Result<(), Failure>) -> (u16, String) {
    match result.unwrap_err() {
        Failure::Refused { code, reason } => (code.status(), reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_that_is_not_in_order_is_refused_for_what_is_wrong_with_it() {
    let mut world = World::new().await;
    let v1 = "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq";
    let many: Vec<Value> = (0..11).map(|_| json!({ "url": "https://x.example/" })).collect();
    let headers: Value =
        (0..11).map(|n| (n.to_string(), json!([]))).collect::<serde_json::Map<_, _>>().into();
    let ddo = "/products/ddo_v1";
    let cases = [
        ("/identifier", Some(json!("01ARZ")), 400, "ulid"),
        ("/client", Some(json!("")), 400, "client is empty"),
        ("/client", Some(json!(key(8).address().to_string())), 400, "does not match client"),
        // The same address, as another network writes it.
        ("/client", Some(json!(key(7).address().to_string())), 400, "does not match client"),
        ("/data", None, 400, "Data Source must be defined"),
        ("/data/piece_cid", None, 400, "piece cid is not defined"),
        ("/data/piece_cid", Some(json!(v1)), 400, "invalid type"),
        ("/data/piece_cid", Some(json!({ "/": v1 })), 400, "piece cid is not raw"),
        ("/data/format", Some(json!({})), 400, "no format defined"),
        ("/data/format", Some(json!({ "car": {}, "raw": {} })), 400, "multiple formats"),
        ("/data/format", Some(json!({ "raw": {} })), 400, "Raw bytes deal cannot be indexed"),
        ("/data/source_http", None, 400, "no source defined"),
        ("/data/source_http/urls", Some(json!([])), 430, "no urls defined"),
        ("/data/source_http/urls", Some(json!(many)), 430, "maximum 10 URLs"),
        ("/data/source_http/urls/0/headers", Some(headers), 430, "maximum 10 headers"),
        ("/data/source_http/urls/0/url", Some(json!("ftp://x.example/")), 400, "invalid url"),
        ("/data/source_http/urls/0/url", Some(json!("https://u:p@x.example/")), 400, "invalid url"),
        ("/products/ddo_v1", None, 425, "no products defined"),
        ("/products/retrieval_v1", None, 425, "retrieval v1 is required"),
        ("/products/retrieval_v1/announce_piece", Some(json!(true)), 425, "announce piece is not supported"),
        (&format!("{ddo}/provider"), Some(json!("t01001")), 400, "not available in Curio cluster"),
        (&format!("{ddo}/provider"), Some(json!("")), 425, "provider address is not set"),
        (&format!("{ddo}/start_epoch"), Some(json!(-1)), 425, "start epoch"),
        (&format!("{ddo}/start_epoch"), Some(json!(999)), 400, "less than the current chain height"),
        (&format!("{ddo}/start_epoch"), Some(json!(1_959)), 400, "PoRep seal duration"),
        (&format!("{ddo}/duration"), Some(json!(518_399)), 441, "at least 518400"),
        (&format!("{ddo}/market_address"), Some(json!("x")), 425, "must start with 0x"),
        (&format!("{ddo}/market_address"), Some(json!("0x00")), 425, "market deal id is not set"),
        (ddo, Some(json!(7)), 400, "invalid type"),
    ];
    for (at, value, status, words) in cases {
        let (found, reason) = changed(&mut world, at, value).await;
        assert_eq!(found, status, "{at}: {reason}");
        assert!(reason.contains(words), "{at}: {reason}");
    }
    let (status, reason) = refused(world.propose_json(b"{").await);
    assert_eq!(status, 400, "{reason}");
    assert!(world.market.deals().is_empty());
    // A head start that is just long enough.
    let late = Terms { start: Some(1_960), ..world.terms(1) };
    world.propose_json(&late.deal().unwrap().to_json().unwrap()).await.unwrap();
}

/// What a market of this kind answers to a deal that is in order.
async fn by(change: impl FnOnce(&mut Recipe)) -> (u16, String) {
    refused(World::with(change).await.propose(1).await)
}

#[tokio::test]
async fn a_market_refuses_as_it_is_set_up() {
    assert_eq!(by(|recipe| recipe.products = vec![]).await.0, 423);
    assert_eq!(by(|recipe| recipe.products[0].1 = false).await.0, 424);
    assert_eq!(by(|recipe| recipe.products[1].1 = false).await.0, 424);
    assert_eq!(by(|recipe| recipe.sources = vec![]).await.0, 422);
    assert_eq!(by(|recipe| recipe.sources[0].1 = false).await.0, 422);
    assert_eq!(by(|recipe| recipe.disabled = vec![MINER]).await.0, 425);
    assert_eq!(by(|recipe| recipe.allowed = Some(vec![])).await.0, 401);
    assert_eq!(by(|recipe| recipe.pressure = true).await.0, 429);
    assert_eq!(by(|recipe| recipe.sector = 1_024).await.0, 400);
    assert_eq!(by(|recipe| recipe.miners = vec![Address::new_id(7)]).await.0, 400);
    let me = key(7).address();
    World::with(|recipe| (recipe.known, recipe.allowed) = (Some(vec![me]), Some(vec![me])))
        .await
        .propose(1)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_market_counts_what_it_is_asked_in_a_second() {
    let mut world = World::with(|recipe| recipe.rate = 2).await;
    world.propose(1).await.unwrap();
    world.propose(2).await.unwrap();
    assert_eq!(world.propose(3).await.unwrap_err().code(), "REJECT_RATE_LIMIT");
    world.status(1).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    world.propose(3).await.unwrap();
}

#[tokio::test]
async fn an_authorization_for_something_else_is_refused() {
    let mut world = World::new().await;
    let (minute, base) = (world.minute(), world.base());
    let path = Endpoint::Deal.path(&base);
    let sign = |seed, method, path: &str, minute| authorization(&key(seed), method, path, minute).unwrap();
    let mine = sign(7, "POST", &path, minute);
    let theirs = sign(8, "POST", &path, minute);
    let fields: Vec<_> = theirs.header.split(':').collect();
    let borrowed = [fields[0], fields[1], mine.header.rsplit(':').next().unwrap()].join(":");
    let json = world.terms(1).deal().unwrap().to_json().unwrap();
    for word in [
        sign(7, "GET", &path, minute),
        sign(7, "POST", "/market/mk20/status/x", minute),
        Authorization { minute, ..sign(7, "POST", &path, minute - 2) },
        Authorization { minute, ..sign(7, "POST", &path, minute + 2) },
        Authorization { header: borrowed, minute },
        Authorization { header: "CurioAuth secp256k1:AA==:AA==".into(), minute },
    ] {
        let failure = world.client.propose(&base, &json, &word, &mut world.trace).await.unwrap_err();
        assert!(matches!(failure, Failure::Unauthorized { .. }), "{failure:?}");
    }
    // Somebody else's word is good for somebody else's deals alone.
    let other = refused(world.client.propose(&base, &json, &theirs, &mut world.trace).await);
    assert_eq!(other.0, 400);
    assert!(world.market.deals().is_empty());
    world.client.propose(&base, &json, &mine, &mut world.trace).await.unwrap();
}
