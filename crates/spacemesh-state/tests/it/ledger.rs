use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{GenesisId, LayerId};
use apogee_spacemesh::result::{TransactionHeader, TransactionResult};
use apogee_spacemesh::scale::{decode, encode};
use apogee_spacemesh::template::{Spawn, Template};
use apogee_spacemesh::transaction::Transaction;

use crate::recording::{FILES, all, raw, recording};

#[test]
fn every_transaction_is_read_as_it_is_written_and_is_signed() {
    let Some(recording) = recording() else { return };
    let faucet = recording.expected["faucet"].as_str().unwrap();
    let faucet = Address::parse(faucet, Prefix::TEST).unwrap();
    for name in FILES {
        let state = recording.open(name);
        let path = recording.path(name);
        for bytes in raw(&path, "transactions", "tx") {
            assert_eq!(encode(&Transaction::decode(&bytes).unwrap()), bytes, "{name}");
        }
        for bytes in raw(&path, "transactions", "header") {
            assert_eq!(encode(&decode::<TransactionHeader>(&bytes).unwrap()), bytes, "{name}");
        }
        for bytes in raw(&path, "transactions", "result") {
            assert_eq!(encode(&decode::<TransactionResult>(&bytes).unwrap()), bytes, "{name}");
        }
        let executed = state.executed(&all()).unwrap();
        let pending = state.pending().unwrap();
        assert_eq!(executed.len() + pending.len(), 4, "{name}");
        let account = state.account(&faucet, LayerId(u32::MAX)).unwrap().unwrap();
        let made = account.state.unwrap().spawn;
        assert_eq!((made.address(), made.template()), (faucet, Template::Wallet));
        for row in executed.iter().map(|executed| &executed.row).chain(&pending) {
            let transaction = row.transaction.as_ref().unwrap();
            assert_eq!(transaction.id(), row.id);
            let spawn = transaction.body.self_spawn().unwrap_or(&made);
            assert_eq!(spawn, &made);
            assert_eq!(transaction.verify(&recording.genesis, spawn.signers()), Ok(()));
            assert!(transaction.verify(&GenesisId([0; 20]), spawn.signers()).is_err());
            let header = row.header.unwrap();
            assert_eq!((header.principal, header.nonce), (faucet, transaction.body.nonce));
            assert_eq!(header.gas_price, transaction.body.gas_price);
        }
        for executed in &executed {
            let (result, header) = (&executed.result, executed.row.header.unwrap());
            assert_eq!(result.fee, result.gas * header.gas_price);
            assert!(result.addresses.contains(&faucet) && result.message.is_empty() == result.succeeded);
        }
    }
}

#[test]
fn transactions_are_those_that_were_sent() {
    let Some(recording) = recording() else { return };
    let executed = recording.open("state_a").executed(&all()).unwrap();
    let sent = recording.expected["txs"].as_array().unwrap();
    assert_eq!((executed.len(), sent.len()), (4, 4));
    for sent in sent {
        let raw = hex::decode(sent["raw"].as_str().unwrap()).unwrap();
        let id = sent["id"].as_str().unwrap();
        let found = executed.iter().find(|executed| executed.row.id.to_string() == id).unwrap();
        assert_eq!(encode(found.row.transaction.as_ref().unwrap()), raw);
        assert_eq!(u64::from(found.result.layer.0), sent["layer"].as_u64().unwrap());
    }
}

/// One transaction was executed in the split, undone, and executed again.
#[test]
fn an_account_is_what_it_was_in_its_layer() {
    let Some(recording) = recording() else { return };
    let faucet = recording.expected["faucet"].as_str().unwrap();
    let faucet = Address::parse(faucet, Prefix::TEST).unwrap();
    let state = recording.open("state_a");
    let at = |layer| state.account(&faucet, LayerId(layer)).unwrap();
    let before = at(33).unwrap();
    assert_eq!((before.next_nonce, before.state), (0, None));
    let spawned = at(34).unwrap();
    assert!(matches!(spawned.state.unwrap().spawn, Spawn::Wallet(_)));
    assert_eq!(at(95).unwrap().next_nonce, 4);
    let mut balance = before.balance;
    for executed in state.executed(&all()).unwrap() {
        let spent = executed.row.header.unwrap().max_spend;
        balance -= executed.result.fee + if executed.result.succeeded { spent } else { 0 };
    }
    assert_eq!(at(95).unwrap().balance, balance);
    assert_eq!(state.account(&Address([9; 24]), LayerId(95)).unwrap(), None);
}
