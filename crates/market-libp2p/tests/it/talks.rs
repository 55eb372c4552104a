use std::time::Duration;

use apogee_market::deal::Version;
use apogee_market::protocol;
use apogee_market::status::{Checkpoint, DealStatusRequest};
use apogee_market::transports::Transport;
use apogee_market::{ClientDealProposal, DealProposal, Label, Rejection, Secp256k1Key};
use apogee_simprovider::storage::{Listen, Progress, Recipe, StorageProvider};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tokio::time::{sleep, timeout};

use crate::made::{
    AGENT, MINER, any_port, caps, certificate, client, deal, deal_of, dialer, provider, recipe, session,
    target, terms,
};

#[tokio::test]
async fn everything_is_said_over_every_carrier() {
    let (tls, trust) = certificate();
    let address = Transport { name: "http".into(), addresses: vec![] };
    let recipe = Recipe { tls: Some(tls), transports: vec![address.clone()], ..recipe() };
    let carriers = [Listen::Tcp, Listen::WebSocket, Listen::SecureWebSocket];
    let at = carriers.map(|listen| (listen, any_port()));
    let provider = StorageProvider::start(recipe, &at).await.unwrap();
    let dialer = dialer(caps()).with_tls(trust);
    for (uuid, listen) in carriers.into_iter().enumerate() {
        let session = dialer.connect(&target(&provider, listen)).await.unwrap();
        assert_eq!(session.peer(), provider.peer());
        let identity = session.identify().await.unwrap();
        assert_eq!(identity.agent, "apogee-simprovider");
        assert!(identity.takes_deals() && identity.speaks(protocol::ASK_1_1_0), "{identity:?}");
        let ask = session.ask(MINER).await.unwrap().ask.unwrap().ask.unwrap();
        assert_eq!((ask.price, ask.miner), (TokenAmount::from_atto(1_000), MINER));
        let uuid = u8::try_from(uuid).unwrap();
        let mut terms = terms();
        terms.start += i64::from(uuid);
        let deal = deal_of(uuid, terms);
        let proposed = session.propose(&deal).await.unwrap();
        assert_eq!((proposed.version, proposed.response.rejection()), (Version::V1_2_1, None), "{listen:?}");
        let request = DealStatusRequest::signed(deal.deal_uuid, &client()).unwrap();
        let status = session.status(&request).await.unwrap().deal_status.unwrap();
        assert_eq!(status.checkpoint(), Some(Checkpoint::Accepted));
        assert_eq!(status.signed_proposal_cid, deal.client_deal_proposal.cid().unwrap());
        assert_eq!(session.transports().await.unwrap().protocols, std::slice::from_ref(&address));
        // The provider asks back who we are.
        timeout(Duration::from_secs(20), async {
            while provider.clients().len() <= usize::from(uuid) {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap();
    }
    assert_eq!(provider.deals().len(), 3);
    let clients = provider.clients();
    assert!(clients.iter().all(|client| client.agent == AGENT), "{clients:?}");
    assert!(clients.iter().all(|client| client.protocols.iter().all(|spoken| spoken.starts_with("/ipfs/"))));
}

#[tokio::test]
async fn an_older_provider_gets_the_older_form() {
    let speaks = vec![protocol::DEAL_1_2_0];
    let provider = provider(Recipe { speaks, ..recipe() }).await;
    let proposed = session(&provider).await.propose(&deal(1)).await.unwrap();
    assert_eq!((proposed.version, proposed.response.accepted), (Version::V1_2_0, true));
    // What the older form cannot say, the provider takes as `false`.
    assert!(!provider.deals()[0].skip_ipni_announce);
}

#[tokio::test]
async fn a_provider_without_deals_gets_no_proposal() {
    let provider = provider(Recipe { speaks: vec![protocol::ASK_1_1_0], ..recipe() }).await;
    let session = session(&provider).await;
    assert!(!session.identify().await.unwrap().takes_deals());
    let error = session.propose(&deal(1)).await.unwrap_err();
    assert_eq!((error.code(), error.sent), ("PROTOCOL_UNSUPPORTED", 0));
    assert_eq!(provider.proposals(), 0);
    // The connection is as good as before.
    assert!(session.ask(MINER).await.unwrap().ask.is_some());
}

#[tokio::test]
async fn a_provider_does_not_serve_anothers_ask() {
    let provider = provider(recipe()).await;
    assert_eq!(session(&provider).await.ask(Address::new_id(7)).await.unwrap().ask, None);
}

/// Something done to a proposal before it is signed.
type Change = fn(&mut DealProposal);

#[tokio::test]
async fn a_provider_that_checks_says_why_not() {
    let least_collateral = TokenAmount::from_atto(10);
    let escrow = TokenAmount::from_atto(16 * 518_400);
    let provider = provider(Recipe { least_collateral, escrow, ..recipe() }).await;
    let session = session(&provider).await;
    let good = || {
        let mut terms = terms();
        terms.least_collateral = TokenAmount::from_atto(10);
        terms
    };
    let said = async |deal| {
        let response = session.propose(&deal).await.unwrap().response;
        (response.rejection(), response.message)
    };
    let cases: [(&str, Change); 9] = [
        ("incorrect provider", |p| p.provider = Address::new_id(7)),
        ("less than asking price: 14 < 15", |p| p.storage_price_per_epoch = TokenAmount::from_atto(14)),
        ("has already elapsed", |p| p.start_epoch = 999),
        ("duration out of bounds", |p| p.end_epoch = p.start_epoch + 518_399),
        ("cannot be more than", |p| {
            p.end_epoch = 3_682_000;
            p.start_epoch = 900_000;
        }),
        ("below minimum 10", |p| p.provider_collateral = TokenAmount::from_atto(9)),
        ("above maximum 20", |p| p.provider_collateral = TokenAmount::from_atto(21)),
        ("at most 256 bytes, is 257", |p| p.label = Label::Bytes(vec![1; 257])),
        ("piece size is invalid", |p| p.piece_size.0 -= 1),
    ];
    for (words, change) in cases {
        let mut deal = deal_of(1, good());
        let proposal = &mut deal.client_deal_proposal.proposal;
        change(proposal);
        let signed = ClientDealProposal::sign(proposal.clone(), &client()).unwrap();
        deal.client_deal_proposal = signed;
        let (rejection, message) = said(deal).await;
        assert!(message.contains(words), "{message} for {words}");
        assert_eq!(rejection, Some(Rejection::Params), "{message}");
    }
    let mut forged = deal_of(1, good());
    forged.client_deal_proposal.proposal.verified_deal = true;
    assert_eq!(said(forged).await.1, "failed validation: invalid signature");
    let mut dear = good();
    dear.price = TokenAmount::from_atto(17);
    assert_eq!(said(deal_of(1, dear)).await.0, Some(Rejection::ClientFunds));
    assert_eq!(provider.deals().len(), 0);
    // And now it is in order; but only once.
    assert_eq!(said(deal_of(1, good())).await, (None, String::new()));
    let again = said(deal_of(1, good())).await;
    assert!(again.1.starts_with("deal proposal is identical to deal 01010101-0101-4101"), "{again:?}");
    let mut later = good();
    later.start += 1;
    let same = said(deal_of(1, later)).await;
    assert!(same.1.starts_with("deal has the same uuid as deal"), "{same:?}");
    assert_eq!([again.0, same.0], [Some(Rejection::SameDeal); 2]);
    assert_eq!(provider.deals().len(), 1);
}

#[tokio::test]
async fn a_deal_is_followed_to_its_end() {
    let published = deal(1).deal_data_root;
    let progress = vec![
        Progress::at("Accepted"),
        Progress { received: 10_485_760, ..Progress::at("Transferred") },
        Progress { publish: Some(published), chain_deal_id: 42, ..Progress::at("PublishConfirmed") },
        Progress { error: "sealing failed".into(), ..Progress::at("Complete") },
    ];
    let provider = provider(Recipe { progress, ..recipe() }).await;
    let session = session(&provider).await;
    let request = DealStatusRequest::signed(deal(1).deal_uuid, &client()).unwrap();
    let unknown = session.status(&request).await.unwrap();
    assert!(unknown.error.contains("no storage deal found") && unknown.deal_status.is_none());
    session.propose(&deal(1)).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let status = session.status(&request).await.unwrap();
        let deal = status.deal_status.unwrap();
        seen.push((deal.checkpoint().unwrap(), status.bytes_received, deal.chain_deal_id, deal.error));
    }
    let failed = (Checkpoint::Complete, 0, 0, "sealing failed".to_owned());
    assert_eq!(
        seen,
        [
            (Checkpoint::Accepted, 0, 0, String::new()),
            (Checkpoint::Transferred, 10_485_760, 0, String::new()),
            (Checkpoint::PublishConfirmed, 0, 42, String::new()),
            failed.clone(),
            failed,
        ]
    );
    let stranger = Secp256k1Key::from_bytes(&[8; 32]).unwrap();
    let request = DealStatusRequest::signed(deal(1).deal_uuid, &stranger).unwrap();
    assert_eq!(session.status(&request).await.unwrap().error, "signature verification failed");
}

#[tokio::test]
async fn many_talks_share_one_connection() {
    let provider = provider(recipe()).await;
    let session = session(&provider).await;
    let proposal = deal(1);
    let request = DealStatusRequest::signed(proposal.deal_uuid, &client()).unwrap();
    for _ in 0..5 {
        let talks = tokio::join!(
            session.identify(),
            session.ask(MINER),
            session.propose(&proposal),
            session.status(&request),
            session.transports(),
        );
        talks.0.unwrap();
        assert!(talks.1.unwrap().ask.is_some());
        talks.2.unwrap();
        talks.3.unwrap();
        talks.4.unwrap();
    }
    assert_eq!((provider.deals().len(), provider.proposals()), (1, 5));
}
