//! What is paid with, from the final standings and the addresses that the ledger shows.

use std::collections::{BTreeMap, HashSet};

use apogee_package::payout::{
    Address, AuditTree, GenesisTerms, PaymentList, fil, genesis_months, genesis_multisigs, multisig_script,
    plain_csv,
};
use apogee_rules::{Id, Vesting};

use crate::shared::{contents, finally, founded, history};

/// The list that a stranger makes of the package.
fn list() -> PaymentList {
    let competition = founded(contents()).unwrap().competition;
    let addresses: BTreeMap<Id, Address> = competition
        .entities()
        .iter()
        .filter_map(|(id, entity)| Some((id.clone(), entity.address.as_ref()?.parse().unwrap())))
        .collect();
    let standings = finally(contents().rules.last().unwrap());
    assert_eq!(addresses.len(), standings.payouts.len(), "nobody else's address is shown");
    PaymentList::owed(&standings, &addresses).unwrap()
}

#[test]
fn the_approved_root_is_that_of_what_a_stranger_would_pay() {
    let list = list();
    assert_eq!(list, history().payments);
    let (payout, paid) = history().competition.payout().unwrap();
    assert_eq!((payout.root, payout.total.0, paid.0), (AuditTree::new(&list).root(), list.total().0, 0));
    assert!(AuditTree::new(&list).inclusion(&list, "invented-001").unwrap().holds());
}

#[test]
fn an_entity_without_an_address_is_named() {
    let standings = finally(contents().rules.last().unwrap());
    let refused = PaymentList::owed(&standings, &BTreeMap::new()).unwrap_err();
    assert_eq!(refused.to_string(), "invented-001: it has no payout address");
}

/// Columns of `lotus-seed genesis add-msigs` (cmd/lotus-seed/genesis.go): version, id, amount, months, custodian, M, N, addresses, type, two signatures.
#[test]
fn every_payment_is_a_row_of_the_genesis_table() {
    let list = list();
    let Vesting::Linear { epochs } = contents().rules.last().unwrap().vesting else { unreachable!() };
    let (months, _) = genesis_months(epochs);
    let table = genesis_multisigs(&list, GenesisTerms { months, custodian: 1 }).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), list.payments().len());
    for (row, payment) in rows.iter().zip(list.payments()) {
        let (address, amount) = (payment.addresses[0].to_string(), fil(payment.amount));
        let entity = payment.entity.as_str();
        assert_eq!(row[..], ["1", entity, &amount, "6", "1", "1", "1", &address, "payout", "", ""]);
        assert!(payment.addresses[0].is_key());
    }
    let signers: HashSet<&str> = rows.iter().map(|row| row[7]).collect();
    assert_eq!(signers.len(), rows.len(), "everybody is paid to an address of its own");
}

#[test]
fn script_and_table_pay_the_same_list() {
    let list = list();
    let script = multisig_script(&list, &"t01010".parse().unwrap()).unwrap();
    assert_eq!(script.matches("lotus msig propose").count(), list.payments().len());
    let table = plain_csv(&list);
    assert_eq!(table.lines().count(), list.payments().len() + 1);
    assert!(table.contains("invented-001,\"Invented 001\",t"), "{}", table.lines().nth(1).unwrap());
}
