//! Recipients in the state of the recorded devnet.

use std::collections::BTreeSet;

use apogee_domain::Atto;
use apogee_faucet::{Operators, Unresolved, parse_recipient, recipient_in};
use apogee_filecoin_state::StateTree;
use fvm_shared::address::{Address, Payload};

use crate::refund::devnet;

#[test]
fn every_form_of_a_real_account_is_one_actor_with_its_balance() {
    let (store, tipsets) = devnet();
    let state = tipsets.last().unwrap().first().parent_state_root;
    let tree = StateTree::open(&store, &state).unwrap();
    let (mut with_keys, mut delegated, mut by_id, mut nobody) = (0, 0, 0, 0);
    for id in 100..1_200 {
        let Some(actor) = tree.actor(id).unwrap() else { continue };
        let found = recipient_in(&store, &state, &Address::new_id(id), 't', |_| id == 1_000);
        if let Err(Unresolved::NoRecipient { address, .. }) = &found {
            // The zero address of Ethereum.
            assert!(address.starts_with(&format!("t410f{}", "a".repeat(32))), "{address}");
            nobody += 1;
            continue;
        }
        let found = found.unwrap();
        assert_eq!(found.balance, Atto(u128::try_from(actor.balance.atto()).unwrap()));
        assert_eq!(found.miner, id == 1_000);
        let stable = parse_recipient(found.key.as_str(), 't').unwrap();
        match stable.payload() {
            Payload::ID(_) => by_id += 1,
            Payload::Delegated(_) => delegated += 1,
            _ => with_keys += 1,
        }
        let again = recipient_in(&store, &state, &stable, 't', |_| id == 1_000).unwrap();
        assert_eq!(again, found, "{id} by {}", found.key);
        let masked = format!("0xff{:038x}", id);
        assert_eq!(parse_recipient(&masked, 't'), Ok(Address::new_id(id)));
    }
    eprintln!("{with_keys} by key, {delegated} delegated, {by_id} by id");
    assert!(with_keys > 0 && by_id > 0 && nobody == 1);
}

#[test]
fn who_is_not_there_yet_can_be_paid_only_by_a_key() {
    let (store, tipsets) = devnet();
    let state = tipsets.last().unwrap().first().parent_state_root;
    let look = |address: &Address| recipient_in(&store, &state, address, 't', |_| true);
    let ethereum = parse_recipient("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", 't').unwrap();
    let found = look(&ethereum).unwrap();
    assert_eq!((found.balance, found.miner), (Atto(0), false));
    assert!(found.key.as_str().starts_with("t410f"));
    assert!(matches!(look(&Address::new_id(987_654)), Err(Unresolved::NoActor(text)) if text == "t0987654"));
    assert!(matches!(look(&Address::new_actor(b"nobody")), Err(Unresolved::NoActor(_))));
    for id in [0, 2, 5, 99] {
        assert!(matches!(look(&Address::new_id(id)), Err(Unresolved::NoRecipient { .. })), "{id}");
    }
    let other = tipsets.first().unwrap().cids_and_blocks().next().unwrap().0;
    let unread = recipient_in(&store, &other, &ethereum, 't', |_| true);
    assert!(matches!(unread, Err(Unresolved::Unavailable(_))), "{unread:?}");
}

#[test]
fn owner_worker_and_control_addresses_of_real_miners_operate_them_and_nobody_else_does() {
    let (store, tipsets) = devnet();
    let state = tipsets.last().unwrap().first().parent_state_root;
    let tree = StateTree::open(&store, &state).unwrap();
    let miners: BTreeSet<u64> =
        tree.power().unwrap().claims(&store).unwrap().into_iter().map(|(miner, _)| miner).collect();
    let read = Operators::read(&store, &state, &miners, &Operators::default()).unwrap();
    assert!(read.miners() == miners.len() && miners.len() > 1, "{miners:?}");
    let mut expected = BTreeSet::new();
    for miner in &miners {
        let info = tree.miner(*miner).unwrap().unwrap().info(&store).unwrap();
        expected
            .extend([info.owner, info.worker].into_iter().chain(info.control).map(|one| one.id().unwrap()));
    }
    let found: BTreeSet<u64> = (0..2_000).filter(|id| read.has(*id)).collect();
    assert_eq!(found, expected);
    assert!(miners.iter().all(|miner| !read.has(*miner)), "a miner does not operate itself");

    // Of others than those who are asked for, of numbers that are no miners, and of what is not there nobody is known.
    let none = Operators::read(&store, &state, &[9_999, 100].into(), &read).unwrap();
    assert!(none.miners() == 0 && expected.iter().all(|id| !none.has(*id)));
    let nowhere = tipsets.first().unwrap().cids_and_blocks().next().unwrap().0;
    assert!(Operators::read(&store, &nowhere, &miners, &read).is_err());
    let again = Operators::read(&store, &state, &miners, &read).unwrap();
    assert!(expected.iter().all(|id| again.has(*id)), "what has not changed is known without reading");
}
