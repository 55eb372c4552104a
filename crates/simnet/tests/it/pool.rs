//! The message pool of a made chain, over the wire.

use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::rpc::{Client, Meaning, RpcError};
use apogee_filecoin::source::{CarSource, Source};
use apogee_filecoin::types::{Message, SignedMessage};
use apogee_filecoin_state::StateTree;
use apogee_simnet::{Misdeed, Recipe, Refusal, SimNode, Simulation};
use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;

use super::make::{assert_accepted, reports};
use super::wire::{client, node, source};

const GAS: u64 = 2_000_000;

fn atto(amount: u64) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

/// A signed transfer between two wallets.
pub(crate) fn transfer(
    made: &Simulation,
    from: usize,
    to: usize,
    nonce: u64,
    value: u64,
    premium: u64,
) -> SignedMessage {
    sign(made, from, message(made, from, to, nonce, value, premium))
}

fn message(made: &Simulation, from: usize, to: usize, nonce: u64, value: u64, premium: u64) -> Message {
    Message {
        version: 0,
        from: made.wallet(from).unwrap().address(),
        to: made.wallet(to).unwrap().address(),
        sequence: nonce,
        value: atto(value),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: GAS,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: atto(premium),
    }
}

fn sign(made: &Simulation, from: usize, message: Message) -> SignedMessage {
    made.wallet(from).unwrap().sign(message).unwrap()
}

async fn network() -> (Arc<Simulation>, SimNode, Client) {
    let recipe = Recipe { miners: 3, network_version: 28, ..Recipe::default() };
    let made = Arc::new(Simulation::new(recipe).unwrap());
    made.mine().unwrap();
    let node = node(made.clone()).await;
    let client = client(&node, Duration::from_secs(10));
    (made, node, client)
}

/// What an account owns once the head has been executed.
fn balance(made: &Simulation, address: &Address) -> TokenAmount {
    let next = made.mine().unwrap();
    let tree = StateTree::open(&**made.ledger(), &next.first().parent_state_root).unwrap();
    let id = tree.resolve(address).unwrap().unwrap();
    tree.actor(id).unwrap().unwrap().balance
}

fn meaning(error: &RpcError) -> Meaning {
    error.fault.meaning().unwrap_or_else(|| panic!("{error:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_estimated_pushed_mined_and_found() {
    let (made, node, client) = network().await;
    for (from, to) in [(0, 1), (1, 0)] {
        let (sender, receiver) = (made.wallet(from).unwrap().address(), made.wallet(to).unwrap().address());
        let before = balance(&made, &receiver);
        let draft = Message {
            gas_limit: 0,
            gas_fee_cap: atto(0),
            gas_premium: atto(0),
            ..message(&made, from, to, 0, 77, 0)
        };
        let nonce = client.mpool_nonce(&sender).await.unwrap();
        let estimated = client.gas_estimate(&Message { sequence: nonce, ..draft }, None, None).await.unwrap();
        let signed = sign(&made, from, estimated);
        let cid = client.mpool_push(&signed).await.unwrap();
        assert_eq!(client.mpool_nonce(&sender).await.unwrap(), nonce + 1);
        assert_eq!(client.mpool_pending(None).await.unwrap(), std::slice::from_ref(&signed));
        assert_eq!(client.state_search_msg(None, &cid, 100).await.unwrap(), None, "nobody has mined it");
        let mined = made.mine().unwrap();
        assert_eq!(client.state_search_msg(None, &cid, 100).await.unwrap(), None, "nobody has executed it");
        assert_eq!(client.mpool_pending(None).await.unwrap(), []);
        assert_eq!(client.mpool_nonce(&sender).await.unwrap(), nonce + 1);
        let child = made.mine().unwrap();
        let found = client.state_search_msg(None, &cid, 100).await.unwrap().unwrap();
        assert_eq!((found.message, &found.tipset, found.epoch), (cid, child.key(), child.epoch()));
        assert_eq!(child.parents(), *mined.key());
        assert_eq!(found.receipt.exit_code, ExitCode::OK);
        assert!(found.receipt.gas_used <= signed.message.gas_limit);
        assert!(
            found.receipt.gas_used * 5 / 4 + 4 >= signed.message.gas_limit,
            "the estimate is a quarter more"
        );
        assert!(found.receipt.gas_used > 1_000_000);
        assert_eq!(balance(&made, &receiver) - before, atto(77));
    }
    accept(&made);
    node.shutdown().await;
}

fn accept(made: &Simulation) -> CarSource {
    let source = super::make::source(made);
    assert_accepted(&reports(made, &source));
    source
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_refuses_what_lotus_refuses() {
    let (made, node, client) = network().await;
    client.mpool_push(&transfer(&made, 0, 1, 0, 1, 100_000)).await.unwrap();
    made.mine().unwrap();
    let changed = |change: fn(&mut Message)| {
        let mut message = message(&made, 0, 1, 1, 1, 100_000);
        change(&mut message);
        sign(&made, 0, message)
    };
    let mut badly_signed = transfer(&made, 0, 1, 1, 1, 100_000);
    badly_signed.message.value = atto(2);
    let mut by_another = transfer(&made, 2, 1, 1, 1, 100_000);
    by_another.message.from = made.wallet(0).unwrap().address();
    let mut secp = transfer(&made, 1, 0, 0, 1, 100_000);
    secp.signature.bytes[7] ^= 1;
    for (signed, words) in [
        (transfer(&made, 0, 1, 0, 9, 100_000), "minimum expected nonce is 1, got 0: message nonce too low"),
        (transfer(&made, 0, 1, 6, 9, 100_000), "unfulfilled nonce gap"),
        (changed(|message| message.gas_fee_cap = TokenAmount::from_whole(1)), "not enough funds"),
        (changed(|message| message.gas_premium = TokenAmount::from_nano(2)), "greater than its gas fee cap"),
        (changed(|message| message.gas_limit = 10_000_000_001), "greater than that of a block"),
        (
            changed(|message| message.value = TokenAmount::from_whole(2_000_000_001)),
            "more than there will ever be",
        ),
        (changed(|message| message.value = TokenAmount::from_atto(-1)), "negative"),
        (changed(|message| message.version = 1), "version"),
        (
            changed(|message| {
                message.gas_fee_cap = atto(99);
                message.gas_premium = atto(1);
            }),
            "gas fee cap too low",
        ),
        (changed(|message| message.params = RawBytes::new(vec![0; 66_000])), "message too big"),
        (badly_signed, "invalid signature"),
        (by_another, "invalid signature"),
        (secp, "invalid signature"),
    ] {
        let error = client.mpool_push(&signed).await.unwrap_err();
        let told = format!("{:?}", error.fault);
        assert!(told.contains(words), "{told} without {words}");
    }
    assert_eq!(client.mpool_pending(None).await.unwrap(), []);
    // Gas for three quarters of what it has, twice.
    let half = |nonce| {
        let mut message = message(&made, 4, 1, nonce, 1, 100_000);
        message.gas_fee_cap = TokenAmount::from_nano(37_500_000);
        sign(&made, 4, message)
    };
    client.mpool_push(&half(0)).await.unwrap();
    let error = client.mpool_push(&half(1)).await.unwrap_err();
    assert!(format!("{error:?}").contains("not enough funds including pending messages"), "{error:?}");
    let stranger = Address::new_secp256k1(&[4; 65]).unwrap();
    let draft = Message { from: stranger, gas_limit: 0, ..message(&made, 0, 1, 0, 1, 1) };
    let error = client.gas_estimate(&draft, None, None).await.unwrap_err();
    assert_eq!(meaning(&error), Meaning::ActorNotFound);
    assert_eq!(client.mpool_nonce(&stranger).await.unwrap(), 0);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_replaced_by_one_that_pays_a_tenth_more() {
    let (made, node, client) = network().await;
    let first = transfer(&made, 1, 0, 0, 5, 100_000);
    client.mpool_push(&first).await.unwrap();
    let again = client.mpool_push(&first).await.unwrap_err();
    assert_eq!(meaning(&again), Meaning::AlreadyInPool);
    let error = client.mpool_push(&transfer(&made, 1, 0, 0, 5, 110_000)).await.unwrap_err();
    assert_eq!(meaning(&error), Meaning::FeeTooLow);
    assert!(format!("{error:?}").contains("increase GasPremium to 110001 from 110000"), "{error:?}");
    let second = transfer(&made, 1, 0, 0, 5, 110_001);
    client.mpool_push(&second).await.unwrap();
    assert_eq!(client.mpool_pending(None).await.unwrap(), std::slice::from_ref(&second));
    made.mine().unwrap();
    made.mine().unwrap();
    // Only fees differ: asking for the old one finds the new one.
    let found = client.state_search_msg(None, &first.cid(), 50).await.unwrap().unwrap();
    assert_eq!(found.message, second.cid());
    // Something else was sent in its place: that is said.
    let (small, large) = (transfer(&made, 1, 0, 1, 1, 100_000), transfer(&made, 1, 0, 1, 9, 200_000));
    client.mpool_push(&small).await.unwrap();
    client.mpool_push(&large).await.unwrap();
    made.mine().unwrap();
    made.mine().unwrap();
    let error = client.state_search_msg(None, &small.cid(), 50).await.unwrap_err();
    assert_eq!(meaning(&error), Meaning::Replaced);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_wait_for_the_ones_before_them() {
    let (made, node, client) = network().await;
    let sender = made.wallet(3).unwrap().address();
    for nonce in [2, 1] {
        client.mpool_push(&transfer(&made, 3, 0, nonce, 1, 100_000)).await.unwrap();
    }
    let error = client.mpool_push(&transfer(&made, 3, 0, 2, 1, 900_000)).await.unwrap_err();
    assert!(format!("{error:?}").contains("unfulfilled nonce gap"), "{error:?}");
    assert_eq!(client.mpool_nonce(&sender).await.unwrap(), 0);
    made.mine().unwrap();
    assert_eq!(client.mpool_pending(None).await.unwrap().len(), 2);
    client.mpool_push(&transfer(&made, 3, 0, 0, 1, 100_000)).await.unwrap();
    assert_eq!(client.mpool_nonce(&sender).await.unwrap(), 3);
    made.mine().unwrap();
    assert_eq!(client.mpool_pending(None).await.unwrap(), []);
    assert_eq!(client.mpool_nonce(&sender).await.unwrap(), 3);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_puts_messages_back_into_the_pool() {
    let (made, node, client) = network().await;
    // Of either kind: on the chain a BLS message has lost its signature.
    let sent = [transfer(&made, 0, 1, 0, 5, 100_000), transfer(&made, 1, 0, 0, 5, 100_000)];
    for signed in &sent {
        client.mpool_push(signed).await.unwrap();
    }
    made.mine().unwrap();
    made.mine().unwrap();
    for signed in &sent {
        assert!(client.state_search_msg(None, &signed.cid(), 9).await.unwrap().is_some());
    }
    made.fork(2, 3, 1).unwrap();
    for signed in &sent {
        assert_eq!(client.state_search_msg(None, &signed.cid(), 9).await.unwrap(), None);
    }
    let mut pending = client.mpool_pending(None).await.unwrap();
    pending.sort_by_key(|signed| signed.message.from != sent[0].message.from);
    assert_eq!(pending, sent);
    made.mine().unwrap();
    made.mine().unwrap();
    for signed in &sent {
        let found = client.state_search_msg(None, &signed.cid(), 9).await.unwrap().unwrap();
        assert_eq!(found.receipt.exit_code, ExitCode::OK);
    }
    assert_eq!(client.mpool_pending(None).await.unwrap(), []);
    accept(&made);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_message_ends_with_its_confidence() {
    let (made, node, client) = network().await;
    let signed = transfer(&made, 0, 1, 0, 5, 100_000);
    client.mpool_push(&signed).await.unwrap();
    let cid = signed.cid();
    let waiting = tokio::spawn(async move { client.state_wait_msg(&cid, 3, 100).await });
    let mut heads = vec![];
    while !waiting.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if heads.len() < 6 {
            heads.push(made.mine().unwrap());
        }
    }
    let found = waiting.await.unwrap().unwrap();
    assert_eq!((found.message, found.tipset), (cid, heads[1].key().clone()));
    assert!(heads.last().unwrap().epoch().since(found.epoch) >= 3);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_may_be_accepted_and_answered_with_an_error_or_the_other_way_round() {
    let (made, node, client) = network().await;
    let signed = transfer(&made, 0, 1, 0, 5, 100_000);
    let refuse = |executed| Misdeed::Refuse { refusal: Refusal::application("database is locked"), executed };
    node.mischief().next("MpoolPush", 1, refuse(false));
    assert!(client.mpool_push(&signed).await.is_err());
    assert_eq!(client.mpool_pending(None).await.unwrap(), [], "refused and not accepted");
    node.mischief().next("MpoolPush", 1, refuse(true));
    assert!(client.mpool_push(&signed).await.is_err());
    assert_eq!(
        client.mpool_pending(None).await.unwrap(),
        std::slice::from_ref(&signed),
        "refused and accepted all the same"
    );
    let again = client.mpool_push(&signed).await.unwrap_err();
    assert_eq!(meaning(&again), Meaning::AlreadyInPool);
    // A connection that breaks after the call was carried out says nothing at all.
    let next = transfer(&made, 0, 1, 1, 5, 100_000);
    node.mischief().next("MpoolPush", 1, Misdeed::Truncate(3));
    assert!(client.mpool_push(&next).await.is_err());
    assert_eq!(client.mpool_pending(None).await.unwrap(), [signed, next]);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_executed_is_mined_with_its_exit_code_and_nobody_loses_a_coin() {
    let (made, node, client) = network().await;
    let change = |from, nonce, change: fn(&mut Message)| {
        let mut message = message(&made, from, 1, nonce, 5, 100_000);
        change(&mut message);
        sign(&made, from, message)
    };
    let newcomer = |message: &mut Message| message.to = Address::new_secp256k1(&[4; 65]).unwrap();
    let cases = [
        (
            change(0, 0, |message| message.value = TokenAmount::from_whole(200_000)),
            ExitCode::SYS_INSUFFICIENT_FUNDS,
        ),
        (change(2, 0, |message| message.gas_limit = 1_000_000), ExitCode::SYS_OUT_OF_GAS),
        (change(3, 0, |message| message.gas_limit = 100_000), ExitCode::SYS_OUT_OF_GAS),
        (change(4, 0, |message| message.method_num = 2), ExitCode::USR_UNHANDLED_MESSAGE),
        (change(5, 0, newcomer), ExitCode::SYS_OUT_OF_GAS),
        (change(6, 0, |message| message.to = Address::new_id(987_654)), ExitCode::SYS_INVALID_RECEIVER),
        (
            change(7, 0, |message| {
                message.to = Address::new_secp256k1(&[5; 65]).unwrap();
                message.gas_limit = 8_000_000;
            }),
            ExitCode::OK,
        ),
    ];
    let before = coins(&made);
    for (signed, _) in &cases {
        client.mpool_push(signed).await.unwrap();
    }
    made.mine().unwrap();
    made.mine().unwrap();
    for (index, (signed, exit)) in cases.iter().enumerate() {
        let found = client.state_search_msg(None, &signed.cid(), 9).await.unwrap().unwrap();
        assert_eq!(found.receipt.exit_code, *exit, "case {index}");
        // Below the cost of inclusion nothing happens at all; everything else uses up a nonce.
        let nonce = client.mpool_nonce(&signed.message.from).await.unwrap();
        assert_eq!(
            (nonce, found.receipt.gas_used > 0),
            if index == 2 { (0, false) } else { (1, true) },
            "{index}"
        );
    }
    assert_eq!(coins(&made), before);
    let source = accept(&made);
    traces_agree(&made, &node, &source).await;
    node.shutdown().await;
}

/// What all actors own together.
fn coins(made: &Simulation) -> TokenAmount {
    let head = made.mine().unwrap();
    let tree = StateTree::open(&**made.ledger(), &head.first().parent_state_root).unwrap();
    (0..2_000).filter_map(|id| tree.actor(id).unwrap()).map(|actor| actor.balance).sum()
}

/// What `StateCompute` tells of every tipset agrees with the chain and with the reward actor.
async fn traces_agree(made: &Simulation, node: &SimNode, chain: &CarSource) {
    let rpc = source(&[node]);
    let tipsets: Vec<_> = chain.chain().collect();
    let minted = |root: &Cid| StateTree::open(&**made.ledger(), root).unwrap().reward().unwrap().total_minted;
    for pair in tipsets[1..].windows(2) {
        let [tipset, child] = [pair[0], pair[1]];
        let trace = rpc.trace(tipset).await.unwrap().unwrap();
        assert_eq!(trace.root, child.first().parent_state_root);
        assert_eq!(trace.awards.len(), tipset.blocks().len());
        let tips: TokenAmount = trace.messages.iter().map(|one| one.gas.miner_tip.clone()).sum();
        assert_eq!(trace.awards.iter().map(|award| award.gas_reward.clone()).sum::<TokenAmount>(), tips);
        let paid: TokenAmount = trace.awards.iter().map(|award| award.paid()).sum();
        let minted = minted(&trace.root) - minted(&tipset.first().parent_state_root);
        assert_eq!(paid, minted + tips);
        let parent = chain.tipset(&tipset.parents()).await.unwrap();
        assert_eq!(trace.crons.len() as i64, tipset.epoch().since(parent.epoch()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evicted_message_waits_no_longer_and_can_be_pushed_again() {
    let (made, _node, client) = network().await;
    let signed = transfer(&made, 0, 1, 0, 5, 200_000);
    let cid = client.mpool_push(&signed).await.unwrap();
    assert!(made.evict(&cid));
    assert!(!made.evict(&cid), "it is gone");
    assert_eq!(client.mpool_pending(None).await.unwrap(), []);
    assert_eq!(client.mpool_nonce(&signed.message.from).await.unwrap(), 0);
    made.mine().unwrap();
    assert_eq!(client.mpool_push(&signed).await.unwrap(), cid);
    made.mine().unwrap();
    made.mine().unwrap();
    assert!(client.state_search_msg(None, &cid, -1).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn miners_leave_what_pays_too_little_until_it_is_replaced() {
    let (made, _node, client) = network().await;
    made.set_least_premium(atto(300_000));
    let cheap = client.mpool_push(&transfer(&made, 0, 1, 0, 5, 200_000)).await.unwrap();
    made.mine().unwrap();
    made.mine().unwrap();
    assert_eq!(client.mpool_pending(None).await.unwrap().len(), 1);
    let dear = client.mpool_push(&transfer(&made, 0, 1, 0, 5, 300_000)).await.unwrap();
    made.mine().unwrap();
    made.mine().unwrap();
    let found = client.state_search_msg(None, &cheap, -1).await.unwrap().unwrap();
    assert_eq!(found.message, dear);
}
