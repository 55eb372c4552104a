//! Deals over HTTP, with a market of Curio's that misbehaves on purpose.

use std::sync::Arc;
use std::time::Duration;

use apogee_bot::{Checker, Patience};
use apogee_dealbot::fault::{Code, Stage};
use apogee_dealbot::protocol::{Greeting, Offer, Pass, Place, Task, Via};
use apogee_domain::Clock as _;
use apogee_market::{Secp256k1Key, Signs as _};
use apogee_market_http::{Endpoint, Format, Source, Terms, Ulid, Url, authorization};
use apogee_outbound::{Reach, Target};
use apogee_piece::Commitment;
use apogee_simprovider::curio::{Market, Misdeed, Recipe};
use apogee_simprovider::gateway::{Gateway, Library};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cid::Cid;
use fvm_shared::address::Network;

use crate::deals::{MINER, one, records};
use crate::world::RealClock;

fn key() -> Secp256k1Key {
    Secp256k1Key::from_bytes(&[7; 32]).unwrap()
}

fn piece() -> (Vec<u8>, Cid) {
    let bytes = vec![5; 2_000];
    let mut commitment = Commitment::default();
    commitment.add(&bytes);
    (bytes, commitment.finish().unwrap().v2())
}

async fn files() -> Gateway {
    let mut library = Library::default();
    let (bytes, cid) = piece();
    library.put_piece(cid, bytes);
    Gateway::start(library).await.unwrap()
}

async fn market() -> Market {
    Market::start(Recipe::honest(MINER, Arc::new(RealClock))).await.unwrap()
}

fn offer(number: u8, market: &Market, files: &Gateway) -> Offer {
    let base = Target::parse(&market.url()).unwrap();
    let id = Ulid::from_parts(1_780_000_000_000, [number; 10]);
    let (_, cid) = piece();
    let data = format!("{}piece/{cid}", files.url());
    let urls = vec![Url { url: data.clone(), headers: [].into(), priority: 0, fallback: false }];
    let terms = Terms {
        identifier: id,
        client: key().address(),
        provider: MINER,
        network: Network::Testnet,
        piece: cid,
        format: Format::Car {},
        source: Source::SourceHttp { urls },
        start: None,
        duration: 518_400,
        allocation: None,
        indexing: true,
        announce: false,
    };
    let present = RealClock.now().0.div_euclid(60_000_000);
    let pass = |minute| {
        let signed = |endpoint: Endpoint| {
            authorization(&key(), endpoint.method(), &endpoint.path(&base), minute).unwrap().header
        };
        Pass { minute, propose: signed(Endpoint::Deal), status: signed(Endpoint::Status(id)) }
    };
    Offer {
        via: Via::Http {
            url: market.url(),
            deal: STANDARD.encode(terms.deal().unwrap().to_json().unwrap()),
            passes: (present - 1..present + 5).map(pass).collect(),
        },
        id: id.to_string(),
        proposal: String::new(),
        piece: cid.to_string(),
        size: 2_000,
        data,
        cap: "1000".into(),
        sent: false,
        refused: false,
        private: true,
    }
}

fn task(offer: Offer) -> Task {
    Task::Deal(Box::new(offer))
}

fn proposals(market: &Market) -> usize {
    market.asked().iter().filter(|asked| asked.path.ends_with("/deal")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_a_market_takes_is_a_record_of_it() {
    let (market, files) = (market().await, files().await);
    let offered = offer(1, &market, &files);
    let record = one(offered.clone()).await;
    assert_eq!(record.failure, None, "{record:?}");
    let stages: Vec<Stage> = record.stages.iter().map(|passage| passage.stage).collect();
    assert_eq!(stages[0], Stage::Prepare);
    assert!(stages.contains(&Stage::Propose) && stages.contains(&Stage::L4), "{stages:?}");
    assert_eq!(stages.last(), Some(&Stage::Accepted));
    let said = record.deal.unwrap();
    assert_eq!((said.id.as_str(), said.proposal), (offered.id.as_str(), None));
    assert_eq!(said.piece.unwrap().0, piece().1);
    assert_eq!((record.target, record.remote.unwrap().0), (market.url(), market.address()));
    assert_eq!(record.answer.unwrap().status, 200);
    assert_eq!((market.deals().len(), proposals(&market)), (1, 1));
    // Asked for again, its status tells: nothing is proposed, whatever became of our own server.
    let again = Offer { sent: true, data: "http://127.0.0.1:9/".into(), ..offered };
    assert_eq!(one(again).await.failure, None);
    assert_eq!(proposals(&market), 1);
}

/// What is done wrong with requests whose path holds this, whether the deal was sent before, the code, how often it is proposed.
fn misdeeds() -> Vec<(&'static str, Misdeed, bool, Option<Code>, usize)> {
    use Misdeed as M;
    let say = |status, text: &str| M::Say(status, text.into());
    vec![
        ("/deal", say(426, "Reason: client not allowed by provider"), false, Some(Code::RejectFilter), 1),
        ("/deal", say(429, "Reason: busy"), false, Some(Code::RejectBackpressure), 1),
        ("/deal", say(503, "Reason: under maintenance"), false, Some(Code::RejectMaintenance), 1),
        ("/deal", say(500, ""), false, Some(Code::RejectServerError), 1),
        ("/deal", say(400, "Reason: bad"), false, Some(Code::RejectParams), 1),
        ("/deal", say(401, ""), false, Some(Code::RejectFilter), 1),
        ("/deal", say(402, "pay first"), false, Some(Code::Http4xx), 1),
        ("/deal", say(204, ""), false, Some(Code::WrongContentType), 1),
        ("/deal", say(502, "bad gateway"), false, Some(Code::Http5xx), 1),
        ("/deal", M::Hang, false, Some(Code::TtfbTimeout), 1),
        ("/deal", M::Drip(Duration::from_millis(100)), false, Some(Code::TotalTimeout), 1),
        ("/deal", M::HugeLength, false, Some(Code::BodyTooLarge), 1),
        ("/deal", M::Html, false, Some(Code::WrongContentType), 1),
        ("/deal", M::GzipBomb, false, Some(Code::WrongContentType), 1),
        ("/deal", M::Redirect("http://169.254.169.254/".into()), false, Some(Code::RedirectOffsite), 1),
        // The bot's clock is right, by what it is held to: the market's is not.
        ("/deal", M::Clock(5), false, Some(Code::RejectFilter), 1),
        ("/deal", M::Timeless, false, None, 1),
        // It was taken, and its status says so.
        ("/deal", M::Forget, false, None, 1),
        ("/status", M::Hang, true, Some(Code::TtfbTimeout), 0),
        ("/status", M::Html, true, Some(Code::WrongContentType), 0),
        ("/status", M::Json(b"[[[[".to_vec()), true, Some(Code::WrongContentType), 0),
        ("/status", say(502, "bad gateway"), true, Some(Code::Http5xx), 0),
        // It is not known there.
        ("/status", M::Timeless, true, None, 1),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misdeed_of_a_market_is_its_code_in_a_record() {
    let files = files().await;
    let (mut tasks, mut markets) = (vec![], vec![]);
    for (number, (path, misdeed, sent, ..)) in misdeeds().into_iter().enumerate() {
        let market = market().await;
        market.behave(move |asked| asked.path.contains(path).then(|| misdeed.clone()));
        tasks.push(task(Offer { sent, refused: sent, ..offer(number.try_into().unwrap(), &market, &files) }));
        markets.push(market);
    }
    for ((row, record), market) in misdeeds().into_iter().zip(records(tasks).await).zip(markets) {
        let (path, misdeed, _, code, count) = row.clone();
        assert_eq!(record.failure, code, "{row:?}: {record:?}");
        assert_eq!(proposals(&market), count, "{row:?}: {:?}", market.asked());
        assert_eq!(record.circumstances.retried.is_some(), code.is_some() && count > 0, "{row:?}");
        if let (Misdeed::Say(status, _), "/deal") = (misdeed, path) {
            assert_eq!(record.answer.unwrap().status, status, "{row:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_answer_was_lost_is_not_proposed_again() {
    let (market, files) = (market().await, files().await);
    market.behave(|asked| Some(if asked.path.ends_with("/deal") { Misdeed::Forget } else { Misdeed::Hang }));
    let offered = offer(1, &market, &files);
    let first = one(offered.clone()).await;
    assert_eq!((first.failure, market.deals().len(), proposals(&market)), (Some(Code::TcpReset), 1, 1));
    let again = Offer { sent: true, ..offered };
    assert_eq!(one(again.clone()).await.failure, Some(Code::TtfbTimeout));
    market.misbehave(None);
    assert_eq!(one(again).await.failure, None);
    assert_eq!((market.deals().len(), proposals(&market)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_on_our_side_is_said_before_anything_is_offered() {
    let (market, files) = (market().await, files().await);
    let good = || offer(1, &market, &files);
    let without = |change: fn(&mut Vec<Pass>, &mut String)| {
        let mut offer = good();
        if let Via::Http { passes, deal, .. } = &mut offer.via {
            change(passes, deal);
        }
        offer
    };
    let table = vec![
        (Offer { data: "http://127.0.0.1:9/".into(), ..good() }, Code::BotServerUnreachable),
        (without(|passes, _| passes.clear()), Code::ExpectedDataMissing),
        (without(|passes, _| passes.iter_mut().for_each(|pass| pass.minute -= 9)), Code::ExpectedDataMissing),
        (without(|_, deal| deal.insert(0, '!')), Code::ExpectedDataMissing),
        (Offer { id: "none".into(), ..good() }, Code::ExpectedDataMissing),
    ];
    let tasks = table.iter().map(|(offer, _)| task(offer.clone())).collect();
    for ((offer, code), record) in table.into_iter().zip(records(tasks).await) {
        assert_eq!(record.failure, Some(code), "{offer:?}: {record:?}");
    }
    assert_eq!(market.asked().len(), 0);
}

#[tokio::test]
async fn a_greeting_finds_a_market_and_offers_nothing() {
    let (market, files) = (market().await, files().await);
    let clock = Arc::new(RealClock);
    let checker =
        Checker::new(Reach::AlsoPrivate, &["127.0.0.1:9".parse().unwrap()], Patience::default(), clock)
            .unwrap();
    let at = Place::Http { url: market.url() };
    let greeting = Task::Greet(Box::new(Greeting { miner: "t01000".into(), at, private: true }));
    for task in [greeting, task(offer(1, &market, &files))] {
        let checked = checker.check(&task).await;
        assert_eq!((checked.failure, checked.status), (None, Some(200)), "{checked:?}");
    }
    assert_eq!(proposals(&market), 0);
}
