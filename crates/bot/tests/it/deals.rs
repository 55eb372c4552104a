//! Deals over libp2p, with providers that misbehave on purpose.

use std::time::Duration;

use apogee_dealbot::fault::{Circumstances, Code, Stage};
use apogee_dealbot::protocol::{Offer, Task, Via};
use apogee_dealbot::record::Record;
use apogee_market::deal::{DealParams, HttpRequest, Transfer, Version};
use apogee_market::status::DealStatusRequest;
use apogee_market::{ClientDealProposal, DealUuid, Label, Secp256k1Key, Signs as _, Terms, protocol};
use apogee_market_libp2p::Keypair;
use apogee_simprovider::gateway::Gateway;
use apogee_simprovider::storage::{Listen, Misdeed, Recipe, StorageProvider, Talk};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use tempfile::tempdir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::controller::{Controller, lease};
use crate::world::{Bot, file, provider, settings, until};

pub(crate) const MINER: Address = Address::new_id(1_000);
const PIECE: &str = "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq";

fn client() -> Secp256k1Key {
    Secp256k1Key::from_bytes(&[7; 32]).unwrap()
}

/// A deal that an honest provider takes.
fn deal(number: u8, url: &str) -> DealParams {
    let terms = Terms {
        piece_cid: PIECE.parse().unwrap(),
        piece_size: PaddedPieceSize(16 << 20),
        verified: false,
        client: client().address(),
        provider: MINER,
        label: Label::Text(format!("slot {number}")),
        start: 6_760,
        duration: 518_400,
        price: TokenAmount::from_atto(16),
        least_collateral: TokenAmount::from_atto(0),
    };
    let request = HttpRequest { url: url.into(), headers: [].into() };
    DealParams {
        deal_uuid: DealUuid::from_random([number; 16]),
        is_offline: false,
        client_deal_proposal: ClientDealProposal::sign(terms.proposal().unwrap(), &client()).unwrap(),
        deal_data_root: file().0,
        transfer: Transfer::http(&request, "slot".into(), 10_485_760).unwrap(),
        remove_unsealed_copy: false,
        skip_ipni_announce: true,
    }
}

/// Where the data of deals is.
pub(crate) fn data(server: &Gateway) -> String {
    format!("{}/ipfs/{}?format=raw", server.url().trim_end_matches('/'), file().0)
}

pub(crate) fn recipe(number: u8) -> Recipe {
    Recipe::honest(Keypair::ed25519_from_bytes([number; 32]).unwrap(), MINER)
}

pub(crate) async fn storage(recipe: Recipe) -> StorageProvider {
    let any = "127.0.0.1:0".parse().unwrap();
    StorageProvider::start(recipe, &[(Listen::Tcp, any), (Listen::WebSocket, any)]).await.unwrap()
}

pub(crate) fn address(provider: &StorageProvider) -> String {
    format!("/ip4/127.0.0.1/tcp/{}", provider.address(Listen::Tcp).unwrap().port())
}

/// The offer of the deal of this number to somebody.
pub(crate) fn offer_to(number: u8, peer: &str, addresses: &[String], url: &str) -> Offer {
    let deal = deal(number, url);
    let status = DealStatusRequest::signed(deal.deal_uuid, &client()).unwrap().signature;
    let status = [&[status.sig_type as u8][..], &status.bytes].concat();
    Offer {
        via: Via::Libp2p {
            peer: peer.into(),
            addresses: addresses.to_vec(),
            deal: STANDARD.encode(deal.encode(Version::V1_2_1).unwrap()),
            status: STANDARD.encode(status),
        },
        id: deal.deal_uuid.to_string(),
        proposal: deal.client_deal_proposal.cid().unwrap().to_string(),
        piece: PIECE.into(),
        size: 10_485_760,
        data: url.into(),
        cap: "1000".into(),
        sent: false,
        refused: false,
        private: true,
    }
}

pub(crate) fn offer(number: u8, provider: &StorageProvider, url: &str) -> Offer {
    offer_to(number, &provider.peer().to_string(), &[address(provider)], url)
}

fn task(offer: Offer) -> Task {
    Task::Deal(Box::new(offer))
}

/// What a bot that has all of these leases at once says of them, in their order.
pub(crate) async fn records(tasks: Vec<Task>) -> Vec<Record> {
    let (controller, outbox) = (Controller::start().await, tempdir().unwrap());
    let (canary, _) = provider().await;
    let count = tasks.len();
    for (number, task) in tasks.into_iter().enumerate() {
        let mut lease = lease(number as u64, 1, task);
        lease.of.kind = "storage".into();
        controller.seen().offer.push_back(lease);
    }
    let mut settings = settings(format!("http://{}", controller.address), outbox.path(), &canary);
    settings.attempts = 64;
    settings.patience.idle = Duration::from_secs(3);
    settings.patience.deal = Duration::from_secs(4);
    let bot = Bot::start(settings);
    until("all are over", || controller.seen().results.len() == count).await;
    bot.ended().await;
    controller.check();
    (0..count).map(|number| controller.record(number as u64)).collect()
}

pub(crate) async fn one(offer: Offer) -> Record {
    records(vec![task(offer)]).await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_is_taken_is_a_record_of_who_took_what_and_how() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let offered = offer(1, &storage, &data(&server));
    let record = one(offered.clone()).await;
    assert_eq!(record.failure, None, "{record:?}");
    let stages: Vec<Stage> = record.stages.iter().map(|passage| passage.stage).collect();
    let course = [
        Stage::Resolve,
        Stage::Resolve,
        Stage::L4,
        Stage::Handshake,
        Stage::Identify,
        Stage::Ask,
        Stage::PriceCheck,
        Stage::Prepare,
        Stage::Propose,
        Stage::Accepted,
    ];
    assert_eq!(stages, course);
    assert_eq!(record.agent.as_deref(), Some("apogee-simprovider"));
    assert!(record.protocols.iter().any(|name| name == protocol::DEAL_1_2_1), "{record:?}");
    assert_eq!(
        (record.target, record.remote.unwrap().0),
        (address(&storage), storage.address(Listen::Tcp).unwrap())
    );
    let said = record.deal.unwrap();
    assert_eq!(said.id, offered.id);
    assert_eq!(said.proposal.unwrap().0, offered.proposal.parse::<Cid>().unwrap());
    assert_eq!(said.piece.unwrap().0, PIECE.parse::<Cid>().unwrap());
    assert_eq!((record.root, record.piece, record.answer), (None, None, None));
    assert_eq!((storage.deals().len(), storage.proposals()), (1, 1));
    assert_eq!(storage.deals()[0], deal(1, &offered.data));
    // Its address was asked for one byte of the data, and no more than once.
    assert_eq!(server.asked().len(), 1);
}

/// What a provider does in which talk, whether the deal was sent before, the code, and how often a deal is proposed.
fn misdeeds() -> Vec<(Talk, Misdeed, bool, Option<Code>, u64)> {
    use Misdeed as M;
    let late = || M::Slow(Duration::from_secs(60));
    let mut rows = vec![
        (Talk::Ask, M::Reset, false, Some(Code::AskStreamReset), 0),
        (Talk::Ask, M::Forget, false, Some(Code::AskStreamReset), 0),
        (Talk::Ask, M::Reject("no".into()), false, Some(Code::AskStreamReset), 0),
        (Talk::Ask, M::Silent, false, Some(Code::AskTimeout), 0),
        (Talk::Ask, late(), false, Some(Code::AskTimeout), 0),
        (Talk::Ask, M::Bytes(vec![0x80]), false, Some(Code::WrongContentType), 0),
        (Talk::Status, M::Reset, true, Some(Code::TcpReset), 0),
        (Talk::Status, M::Forget, true, Some(Code::TcpReset), 0),
        (Talk::Status, M::Silent, true, Some(Code::TtfbTimeout), 0),
        (Talk::Status, late(), true, Some(Code::TtfbTimeout), 0),
        (Talk::Status, M::Bytes(vec![0x80]), true, Some(Code::WrongContentType), 0),
        (Talk::Deal, M::Reset, false, Some(Code::TcpReset), 1),
        (Talk::Deal, M::Silent, false, Some(Code::TtfbTimeout), 1),
        (Talk::Deal, late(), false, Some(Code::TtfbTimeout), 1),
        (Talk::Deal, M::Bytes(vec![0x80]), false, Some(Code::WrongContentType), 1),
        // It was taken, and its status says so.
        (Talk::Deal, M::Forget, false, None, 1),
        // Nobody asks.
        (Talk::Transports, M::Silent, false, None, 1),
    ];
    for (talk, sent, proposals) in [(Talk::Ask, false, 0), (Talk::Status, true, 0), (Talk::Deal, false, 1)] {
        for bomb in [M::deep_bomb(), M::wide_bomb(), M::long_bomb(), M::indefinite()] {
            rows.push((talk, bomb, sent, Some(Code::WrongContentType), proposals));
        }
    }
    for (words, code) in [
        ("server error: no space left on device", Code::RejectServerError),
        ("deal rejected due to backpressure. Please retry in some time.", Code::RejectBackpressure),
        ("too many requests", Code::RejectRateLimit),
        ("client not allowed by provider", Code::RejectFilter),
        ("failed validation: invalid signature", Code::RejectParams),
        ("client available funds in escrow 0 not enough", Code::RejectClientFunds),
        ("offline deals are not allowed on this provider", Code::RejectMaintenance),
        ("the moon is in the wrong quarter", Code::Unclassified),
    ] {
        for sent in [false, true] {
            rows.push((Talk::Deal, M::Reject(words.into()), sent, Some(code), 1));
        }
    }
    let same = "deal has the same uuid as deal 01010101 (proposed at some time)";
    rows.push((Talk::Deal, M::Reject(same.into()), true, None, 1));
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misdeed_of_a_provider_is_its_code_in_a_record() {
    let (server, _) = provider().await;
    let (mut tasks, mut providers) = (vec![], vec![]);
    for (number, (talk, misdeed, sent, ..)) in misdeeds().into_iter().enumerate() {
        let number = u8::try_from(number).unwrap();
        let storage = storage(recipe(number)).await;
        storage.misbehave(talk, Some(misdeed));
        tasks.push(task(Offer { sent, refused: sent, ..offer(number, &storage, &data(&server)) }));
        providers.push(storage);
    }
    let records = records(tasks).await;
    for ((row, record), storage) in misdeeds().into_iter().zip(records).zip(providers) {
        let (_, _, sent, code, proposals) = row.clone();
        assert_eq!(record.failure, code, "{row:?}: {record:?}");
        assert_eq!(storage.proposals(), proposals, "{row:?}");
        assert!(record.deal.is_some() && record.agent.is_some(), "{row:?}");
        let asked_of_the_offer = proposals > 0 && code.is_some();
        let known = Circumstances { retried: asked_of_the_offer.then_some(sent), ..Default::default() };
        assert_eq!(record.circumstances, known, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_answer_was_lost_is_not_proposed_again() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let offered = offer(1, &storage, &data(&server));
    // The deal is taken; neither that nor its status is ever answered.
    storage.misbehave(Talk::Deal, Some(Misdeed::Forget));
    storage.misbehave(Talk::Status, Some(Misdeed::Reset));
    let first = one(offered.clone()).await;
    assert_eq!((first.failure, storage.deals().len(), storage.proposals()), (Some(Code::TcpReset), 1, 1));
    // It cannot be known yet, and still nothing is proposed.
    let again = Offer { sent: true, ..offered };
    let second = one(again.clone()).await;
    assert_eq!((second.failure, storage.proposals()), (Some(Code::TcpReset), 1));
    storage.misbehave(Talk::Deal, None);
    storage.misbehave(Talk::Status, None);
    let third = one(again.clone()).await;
    assert_eq!(third.failure, None, "{third:?}");
    assert_eq!(third.stages.last().unwrap().stage, Stage::Accepted);
    assert_eq!((storage.deals().len(), storage.proposals()), (1, 1));
    // Not even where the provider would by now refuse it, or our own server is gone.
    let gone = Offer { data: "http://127.0.0.1:9/".into(), cap: "1".into(), ..again };
    assert_eq!(one(gone).await.failure, None);
    assert_eq!(storage.proposals(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_the_provider_does_not_know_is_proposed_once() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let again = Offer { sent: true, ..offer(1, &storage, &data(&server)) };
    assert_eq!(one(again.clone()).await.failure, None);
    assert_eq!((storage.deals().len(), storage.proposals()), (1, 1));
    // One that is offered as if for the first time is known by its name, and stays one deal.
    assert_eq!(one(Offer { sent: false, ..again }).await.failure, None);
    assert_eq!((storage.deals().len(), storage.proposals()), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_speaks_and_asks_decides_before_anything_is_offered() {
    let (server, _) = provider().await;
    let speaks = |without: &'static str, mut recipe: Recipe| {
        recipe.speaks.retain(|name| !name.contains(without));
        recipe
    };
    let mut dear = recipe(3);
    dear.ask.price = TokenAmount::from_atto(1_001);
    let mut large = recipe(4);
    large.ask.min_piece_size = PaddedPieceSize(32 << 20);
    let mut other = recipe(5);
    other.miner = Address::new_id(7);
    let table = [
        (speaks("mk/", recipe(1)), false, Some(Code::ProtocolUnsupported), 0),
        (speaks("ask/", recipe(2)), false, None, 1),
        (dear, false, Some(Code::AskPriceOverCap), 0),
        (large, false, Some(Code::PieceSizeOutOfRange), 0),
        // Of this miner it has no ask; what it does not take it refuses.
        (other, false, Some(Code::RejectParams), 1),
        (speaks("status/", recipe(6)), true, None, 1),
        (speaks("1.2.1", recipe(7)), false, None, 1),
    ];
    let (mut tasks, mut rows) = (vec![], vec![]);
    for (number, (recipe, sent, code, proposals)) in table.into_iter().enumerate() {
        let storage = storage(recipe).await;
        tasks.push(task(Offer {
            sent,
            refused: sent,
            ..offer(number.try_into().unwrap(), &storage, &data(&server))
        }));
        rows.push((storage, code, proposals));
    }
    for (record, (storage, code, proposals)) in records(tasks).await.into_iter().zip(rows) {
        assert_eq!((record.failure, storage.proposals()), (code, proposals), "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_tried_in_their_order_and_the_furthest_tells() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let peer = storage.peer().to_string();
    let stranger = recipe(2).key.public().to_peer_id().to_string();
    let good = address(&storage);
    let web = format!("/ip4/127.0.0.1/tcp/{}/ws", storage.address(Listen::WebSocket).unwrap().port());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr().unwrap().port())
    };
    let metadata = "/ip4/169.254.169.254/tcp/4001".to_owned();
    let quic = "/ip4/127.0.0.1/udp/4001/quic-v1".to_owned();
    let page = format!("{good}/http");
    // They answer, and are nobody's peers.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mail = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = |listener: &TcpListener| format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr().unwrap().port());
    let (quiet, babbles) = (at(&mute), at(&mail));
    let serving = tokio::spawn(async move {
        let mut kept = vec![];
        loop {
            tokio::select! {
                Ok((stream, _)) = mute.accept() => kept.push(stream),
                Ok((mut stream, _)) = mail.accept() => {
                    let _ = stream.write_all(&b"220 mail ready\r\n".repeat(99)).await;
                    kept.push(stream);
                }
            }
        }
    });
    let (peer, stranger) = (peer.as_str(), stranger.as_str());
    let table: Vec<(&str, Vec<&String>, Option<Code>, &str)> = vec![
        ("", vec![&good], Some(Code::MinerNoPeerId), good.as_str()),
        ("nobody", vec![&good], Some(Code::MinerNoPeerId), good.as_str()),
        (peer, vec![], Some(Code::NoAddrs), ""),
        (peer, vec![&quic, &page], Some(Code::AddrUnparseable), quic.as_str()),
        (peer, vec![&quic, &metadata], Some(Code::AddrUnparseable), quic.as_str()),
        (peer, vec![&metadata], Some(Code::AddrPrivate), metadata.as_str()),
        (peer, vec![&metadata, &closed], Some(Code::TcpRefused), closed.as_str()),
        (stranger, vec![&closed, &good, &metadata], Some(Code::PeerIdMismatch), good.as_str()),
        (peer, vec![&babbles], Some(Code::NoiseFail), babbles.as_str()),
        (peer, vec![&quiet], Some(Code::TcpTimeout), quiet.as_str()),
        (peer, vec![&quic, &metadata, &closed, &good], None, good.as_str()),
        (peer, vec![&web], None, web.as_str()),
        // Behind the fourth, nobody looks.
        (peer, vec![&closed, &closed, &closed, &closed, &good], Some(Code::TcpRefused), closed.as_str()),
    ];
    let tasks = table.iter().enumerate().map(|(number, (peer, addresses, ..))| {
        let addresses: Vec<String> = addresses.iter().map(|address| (*address).clone()).collect();
        task(offer_to(number.try_into().unwrap(), peer, &addresses, &data(&server)))
    });
    let mut tasks: Vec<Task> = tasks.collect();
    // The provider's library drops a stream that comes while another of its protocol waits: deals that it is to take come one by one.
    let alone = tasks.split_off(10);
    let mut found = records(tasks).await;
    for task in alone {
        found.extend(records(vec![task]).await);
    }
    serving.abort();
    for ((peer, addresses, code, target), record) in table.into_iter().zip(found) {
        assert_eq!(record.failure, code, "{peer} {addresses:?}: {record:?}");
        assert_eq!(record.target, target, "{addresses:?}");
        assert_eq!(record.stages[0].stage, Stage::Resolve);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_on_our_side_is_said_before_anything_is_offered() {
    let (server, _) = provider().await;
    let storage = storage(recipe(1)).await;
    let good = || offer(1, &storage, &data(&server));
    let deal_of = |change: fn(&mut String, &mut String)| {
        let mut offer = good();
        if let Via::Libp2p { deal, status, .. } = &mut offer.via {
            change(deal, status);
        }
        offer
    };
    let missing = format!("{}/ipfs/bafkqaaa7", server.url());
    let table = vec![
        (Offer { data: missing, ..good() }, Code::BotServerUnreachable),
        (Offer { data: "http://127.0.0.1:9/".into(), ..good() }, Code::BotServerUnreachable),
        (Offer { data: "nowhere".into(), ..good() }, Code::BotServerUnreachable),
        (Offer { cap: "much".into(), ..good() }, Code::ExpectedDataMissing),
        (Offer { id: "00000000-0000-4000-8000-000000000000".into(), ..good() }, Code::ExpectedDataMissing),
        (Offer { id: "none".into(), ..good() }, Code::ExpectedDataMissing),
        (deal_of(|deal, _| deal.insert(0, '!')), Code::ExpectedDataMissing),
        (deal_of(|deal, _| *deal = STANDARD.encode(b"\xa0")), Code::ExpectedDataMissing),
        (deal_of(|_, status| *status = STANDARD.encode(b"\x09abc")), Code::ExpectedDataMissing),
        // It may reach private addresses, and still does not where the task does not say so.
        (Offer { private: false, ..good() }, Code::AddrPrivate),
    ];
    let tasks = table.iter().map(|(offer, _)| task(offer.clone())).collect();
    for ((offer, code), record) in table.into_iter().zip(records(tasks).await) {
        assert_eq!(record.failure, Some(code), "{offer:?}: {record:?}");
        assert_eq!(record.deal.unwrap().id, offer.id);
    }
    assert_eq!(storage.proposals(), 0);
}
