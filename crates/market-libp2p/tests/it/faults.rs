use std::time::{Duration, Instant};

use apogee_market::Rejection;
use apogee_market::cbor::{Bound, DecodeError};
use apogee_market::status::DealStatusRequest;
use apogee_market_libp2p::{Caps, ExchangeError, StreamFault};
use apogee_simprovider::storage::{Listen, Misdeed, StorageProvider, Talk};

use crate::made::{MINER, caps, client, deal, dialer, provider, recipe, session, target};

/// What comes of an ask to a provider that does this.
async fn asked(misdeed: Misdeed) -> ExchangeError {
    let provider = provider(recipe()).await;
    provider.misbehave(Talk::Ask, Some(misdeed));
    session(&provider).await.ask(MINER).await.unwrap_err()
}

fn impatient() -> Caps {
    let cap = Duration::from_millis(500);
    Caps { ask: cap, propose: cap, status: cap, transports: cap, ..caps() }
}

#[tokio::test]
async fn a_reset_stream_is_one() {
    let error = asked(Misdeed::Reset).await;
    assert!(matches!(error.fault, StreamFault::Reset), "{error:?}");
    assert_eq!((error.code(), error.received), ("ASK_STREAM_RESET", 0));
    assert!(error.sent > 0);
}

#[tokio::test]
async fn half_a_reply_is_a_reset_stream() {
    let error = asked(Misdeed::Bytes(vec![0xa1, 0x63, b'A', b's'])).await;
    assert!(matches!(error.fault, StreamFault::Reset), "{error:?}");
    assert_eq!((error.code(), error.received), ("ASK_STREAM_RESET", 4));
}

#[tokio::test]
async fn silence_and_slowness_end_with_the_time() {
    let provider = provider(recipe()).await;
    let session = dialer(impatient()).connect(&target(&provider, Listen::Tcp)).await.unwrap();
    for misdeed in [Misdeed::Silent, Misdeed::Slow(Duration::from_secs(60))] {
        provider.misbehave(Talk::Ask, Some(misdeed));
        let begun = Instant::now();
        let error = session.ask(MINER).await.unwrap_err();
        assert_eq!(error.code(), "ASK_TIMEOUT", "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    // The connection outlives it.
    provider.misbehave(Talk::Ask, None);
    assert!(session.ask(MINER).await.is_ok());
    provider.misbehave(Talk::Ask, Some(Misdeed::Slow(Duration::from_millis(50))));
    assert!(session.ask(MINER).await.is_ok());
}

#[tokio::test]
async fn a_bomb_is_refused_at_its_head() {
    let bombs = [
        (Misdeed::deep_bomb(), Bound::Depth(16)),
        (Misdeed::wide_bomb(), Bound::Items(4_096)),
        (Misdeed::long_bomb(), Bound::String { at: 0, length: u64::MAX, most: 8_192 }),
        (Misdeed::indefinite(), Bound::Head { at: 0, byte: 0x9f }),
    ];
    for (bomb, bound) in bombs {
        let error = asked(bomb).await;
        assert_eq!(error.code(), "WRONG_CONTENT_TYPE");
        // No more than came with the head.
        assert!(error.received <= 4_096, "{error:?}");
        match error.fault {
            StreamFault::Malformed(DecodeError::Bound(found)) => assert_eq!(found, bound),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_endless_reply_is_read_to_its_bound() {
    // A list of as many strings as may be, each as long as may be.
    let error = asked(Misdeed::Bytes(vec![0x99, 0x0f, 0xff, 0x59, 0x20, 0x00])).await;
    assert!(matches!(error.fault, StreamFault::Reset), "{error:?}");
    let long =
        [&[0x99, 0x0f, 0xff][..], &[&[0x59, 0x20, 0x00][..], &[0; 8_192]].concat().repeat(20)].concat();
    let error = asked(Misdeed::Bytes(long)).await;
    let bound = matches!(error.fault, StreamFault::Malformed(DecodeError::Bound(Bound::Bytes(65_536))));
    assert!(bound && error.received <= 65_536 + 8_192, "{error:?}");
}

#[tokio::test]
async fn what_is_no_reply_is_malformed() {
    for bytes in [vec![0x80], vec![0x01], b"\xa1\x63Ask\x01".to_vec(), vec![0xfb; 9]] {
        let error = asked(Misdeed::Bytes(bytes.clone())).await;
        assert!(matches!(error.fault, StreamFault::Malformed(_)), "{bytes:02x?}: {error:?}");
    }
}

#[tokio::test]
async fn a_provider_rejects_in_its_own_words() {
    let provider = provider(recipe()).await;
    let session = session(&provider).await;
    for (words, meaning) in [
        ("server error: provider has no space left for storage deals", Rejection::ServerError),
        ("deal rejected due to backpressure. Please retry in some time.", Rejection::Backpressure),
        ("client not allowed by provider", Rejection::Filter),
        ("offline deals are not allowed on this provider", Rejection::Maintenance),
        ("the moon is in the wrong quarter", Rejection::Unknown),
    ] {
        provider.misbehave(Talk::Deal, Some(Misdeed::Reject(words.into())));
        let response = session.propose(&deal(1)).await.unwrap().response;
        assert_eq!((response.rejection(), response.message.as_str()), (Some(meaning), words));
    }
    assert!(provider.deals().is_empty());
}

#[tokio::test]
async fn a_proposal_without_an_answer_may_have_been_taken() {
    let provider = provider(recipe()).await;
    let session = session(&provider).await;
    provider.misbehave(Talk::Deal, Some(Misdeed::Forget));
    let error = session.propose(&deal(1)).await.unwrap_err();
    assert!(matches!(error.fault, StreamFault::Reset) && error.sent > 0, "{error:?}");
    assert_eq!(error.code(), "TCP_RESET");
    // So the status is asked for, and the deal is there; proposed again, it is said to be.
    let request = DealStatusRequest::signed(deal(1).deal_uuid, &client()).unwrap();
    assert!(session.status(&request).await.unwrap().deal_status.is_some());
    provider.misbehave(Talk::Deal, None);
    let again = session.propose(&deal(1)).await.unwrap().response;
    assert_eq!(again.rejection(), Some(Rejection::SameDeal));
    assert_eq!((provider.deals().len(), provider.proposals()), (1, 2));
}

#[tokio::test]
async fn a_malformed_answer_to_a_proposal_says_that_it_was_sent() {
    let provider = provider(recipe()).await;
    provider.misbehave(Talk::Deal, Some(Misdeed::Bytes(vec![0x80])));
    let error = session(&provider).await.propose(&deal(1)).await.unwrap_err();
    assert!(matches!(error.fault, StreamFault::Malformed(_)) && error.sent > 0, "{error:?}");
}

#[tokio::test]
async fn other_talks_fail_as_the_ask_does() {
    let provider = provider(recipe()).await;
    let session = session(&provider).await;
    let request = DealStatusRequest::signed(deal(1).deal_uuid, &client()).unwrap();
    for talk in [Talk::Status, Talk::Transports] {
        provider.misbehave(talk, Some(Misdeed::Reset));
    }
    let status = session.status(&request).await.unwrap_err();
    let transports = session.transports().await.unwrap_err();
    assert!(matches!(status.fault, StreamFault::Reset), "{status:?}");
    assert!(matches!(transports.fault, StreamFault::Reset), "{transports:?}");
    provider.misbehave(Talk::Status, Some(Misdeed::wide_bomb()));
    let bomb = session.status(&request).await.unwrap_err();
    assert!(matches!(bomb.fault, StreamFault::Malformed(_)), "{bomb:?}");
}

#[tokio::test]
async fn a_status_of_another_deal_is_none() {
    let other = DealStatusRequest::signed(deal(9).deal_uuid, &client()).unwrap();
    let provider = provider(recipe()).await;
    let session = session(&provider).await;
    let reply = session.status(&other).await.unwrap().encode().unwrap();
    provider.misbehave(Talk::Status, Some(Misdeed::Bytes(reply)));
    let request = DealStatusRequest::signed(deal(1).deal_uuid, &client()).unwrap();
    let error = session.status(&request).await.unwrap_err();
    assert!(matches!(error.fault, StreamFault::Malformed(DecodeError::Value { .. })), "{error:?}");
}

#[tokio::test]
async fn a_provider_that_dies_is_lost() {
    let provider: StorageProvider = provider(recipe()).await;
    let session = session(&provider).await;
    provider.misbehave(Talk::Ask, Some(Misdeed::Silent));
    let asking = tokio::spawn({
        let session = session.clone();
        async move { session.ask(MINER).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(provider);
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "ASK_STREAM_RESET", "{error:?}");
    let after = session.ask(MINER).await.unwrap_err();
    assert!(matches!(after.fault, StreamFault::Lost | StreamFault::Reset), "{after:?}");
    assert_eq!((after.code(), after.sent), ("ASK_STREAM_RESET", 0));
}
