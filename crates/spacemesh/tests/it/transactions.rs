use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh::result::TransactionResult;
use apogee_spacemesh::scale::{ScaleError, decode, encode};
use apogee_spacemesh::signature::SignatureError;
use apogee_spacemesh::template::{AccountState, Signers, Spawn, Template};
use apogee_spacemesh::transaction::{Body, Call, NotSigned, Payment, Signatures, Transaction};

use crate::made::{
    GENESIS, body, calls, header, keys, public, result, signed_by_one, signed_by_several, terms,
};

#[test]
fn every_call_is_read_as_it_is_written() {
    for call in calls() {
        for transaction in
            [signed_by_one(body(call.clone()), 1), signed_by_several(body(call.clone()), &[(0, 1), (2, 3)])]
        {
            let bytes = encode(&transaction);
            assert_eq!(Transaction::decode(&bytes), Ok(transaction.clone()));
            assert_eq!(transaction.id().0, *blake3::hash(&bytes).as_bytes());
        }
    }
}

#[test]
fn an_account_is_made_of_its_arguments() {
    for call in calls() {
        let body = body(call);
        match &body.call {
            Call::Spawn(spawn) => {
                assert_eq!(body.self_spawn(), Some(spawn));
                let state = AccountState { spawn: spawn.clone(), drained: 0 };
                assert_eq!(AccountState::decode(spawn.template(), &state.encode()), Ok(state));
                let other = Body { principal: Template::Wallet.address(), ..body.clone() };
                assert_eq!(other.self_spawn(), None);
            }
            _ => assert_eq!(body.self_spawn(), None),
        }
    }
    let drained = AccountState { spawn: Spawn::Vault(terms()), drained: 1 << 33 };
    assert_eq!(AccountState::decode(Template::Vault, &drained.encode()), Ok(drained));
}

#[test]
fn a_wallet_takes_its_key_alone() {
    let spawn = Spawn::Wallet(public(1));
    let transaction = signed_by_one(body(calls()[0].clone()), 1);
    assert_eq!(transaction.verify(&GENESIS, spawn.signers()), Ok(()));
    let mismatch = Err(NotSigned::Signature(SignatureError::Mismatch));
    assert_eq!(transaction.verify(&GenesisId([8; 20]), spawn.signers()), mismatch, "another network");
    assert_eq!(transaction.verify(&GENESIS, Signers::One(&public(2))), mismatch, "another key");
    assert_eq!(transaction.verify(&GENESIS, Signers::Several(&keys())), Err(NotSigned::Kind));
    assert_eq!(transaction.verify(&GENESIS, Signers::Nobody), Err(NotSigned::Kind));
}

#[test]
fn a_multisig_takes_as_many_keys_as_it_needs_in_order() {
    let spawn = Spawn::Vesting(keys());
    let verify =
        |by: &[(u8, u8)]| signed_by_several(body(calls()[5].clone()), by).verify(&GENESIS, spawn.signers());
    assert_eq!(verify(&[(0, 1), (1, 2)]), Ok(()));
    assert_eq!(verify(&[(0, 1), (2, 3)]), Ok(()));
    assert_eq!(verify(&[(0, 1)]), Err(NotSigned::Count { required: 2, found: 1 }));
    assert_eq!(verify(&[(0, 1), (1, 2), (2, 3)]), Err(NotSigned::Count { required: 2, found: 3 }));
    assert_eq!(verify(&[(1, 2), (0, 1)]), Err(NotSigned::Key(0)), "out of order");
    assert_eq!(verify(&[(0, 1), (0, 1)]), Err(NotSigned::Key(0)), "twice");
    assert_eq!(verify(&[(0, 1), (3, 4)]), Err(NotSigned::Key(3)), "no such key");
    let mismatch = Err(NotSigned::Signature(SignatureError::Mismatch));
    assert_eq!(verify(&[(0, 1), (1, 3)]), mismatch, "the key of another place");
}

#[test]
fn what_is_no_transaction_is_refused_with_its_place() {
    let good = signed_by_one(body(calls()[4].clone()), 1);
    let bytes = encode(&good);
    let changed = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Transaction::decode(&bytes)
    };
    assert_eq!(changed(0, 4), Err(ScaleError::Value { at: 0, what: "version of a transaction" }));
    assert_eq!(changed(25, 0x48), Err(ScaleError::Value { at: 25, what: "method of an account" }));
    let spawn = encode(&signed_by_one(body(calls()[0].clone()), 1));
    let mut other = spawn;
    other[49] = 5;
    let template = ScaleError::Value { at: 26, what: "template of a new network" };
    assert_eq!(Transaction::decode(&other), Err(template));
    let unsigned = encode(&good.body);
    let end = unsigned.len();
    assert_eq!(Transaction::decode(&unsigned), Err(ScaleError::Value { at: end, what: "signature" }));
    assert!(Transaction::decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(
        Transaction::decode(&[&bytes[..], &[0]].concat()).is_ok_and(|other| {
            // One byte more makes it the one signature of several, which no longer is of this message.
            matches!(&other.signatures, Signatures::Several(parts) if parts.len() == 1)
                && other.verify(&GENESIS, Spawn::Wallet(public(1)).signers()) == Err(NotSigned::Kind)
        }) || Transaction::decode(&[&bytes[..], &[0]].concat()).is_err()
    );
    let long = [&bytes[..], &[0; 1_024]].concat();
    let what = "transaction of at most 1,024 bytes";
    assert_eq!(Transaction::decode(&long), Err(ScaleError::Value { at: 0, what }));
}

#[test]
fn what_a_node_keeps_is_read_as_it_is_written() {
    assert_eq!(decode(&encode(&header())), Ok(header()));
    assert_eq!(decode(&encode(&result())), Ok(result()));
    assert_eq!(result().message(), "not enough");
    let mut status = encode(&result());
    status[0] = 8;
    let error = ScaleError::Value { at: 0, what: "status of a transaction" };
    assert_eq!(decode::<TransactionResult>(&status), Err(error));
}

#[test]
fn a_payment_may_go_to_reserved_bytes() {
    // A node executes it, so that its fee has to be counted.
    let payment = Payment { destination: apogee_spacemesh::address::Address([0xff; 24]), amount: 1 };
    let transaction = signed_by_one(body(Call::Spend(payment)), 1);
    assert_eq!(Transaction::decode(&encode(&transaction)), Ok(transaction));
}
