use apogee_spacemesh::address::{Address, InvalidAddress, Prefix};
use apogee_spacemesh::id::{GenesisId, PublicKey};
use apogee_spacemesh::template::{Spawn, Template};
use proptest::prelude::*;

use crate::{bytes, data};

#[test]
fn published_addresses_are_ours() {
    let Some(vectors) = data("crypto/scale_addr_vrf_gas_vectors.json") else { return };
    for vector in vectors["principal"].as_array().unwrap() {
        let key = PublicKey(bytes(vector["pubkey"].as_str().unwrap()));
        assert_eq!(format!("{:?}", Spawn::Wallet(key).address()), vector["principal"].as_str().unwrap());
    }
    let mut checked = 0;
    for vector in vectors["address"].as_array().unwrap() {
        let address = match vector["hex"].as_str() {
            Some(hex) => Address(bytes(hex)),
            None => Spawn::Wallet(PublicKey(bytes(vector["pubkey"].as_str().unwrap()))).address(),
        };
        for (prefix, text) in [(Prefix::MAIN, &vector["sm"]), (Prefix::TEST, &vector["stest"])] {
            let Some(text) = text.as_str() else { continue };
            assert_eq!(address.text(prefix), text);
            assert_eq!(Address::parse(text, prefix), Ok(address));
            assert_eq!(Address::parse(&text.to_uppercase(), prefix), Ok(address));
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

#[test]
fn what_a_node_refuses_is_refused_for_its_reason() {
    let Some(vectors) = data("crypto/scale_addr_vrf_gas_vectors.json") else { return };
    let mut reasons = Vec::new();
    for vector in vectors["address_invalid_stest"].as_array().unwrap() {
        let error = Address::parse(vector[0].as_str().unwrap(), Prefix::TEST).unwrap_err();
        let reason = match error {
            InvalidAddress::Reserved => "reserved bytes not zero",
            InvalidAddress::Prefix { .. } => "network",
            InvalidAddress::Text(_) => "text",
            InvalidAddress::Length(_) => "length",
        };
        reasons.push(reason);
    }
    // A wrong character and a missing prefix are no Bech32 to begin with. What is too short has a prefix up to its
    // second 1, which is looked at first.
    assert_eq!(reasons, ["reserved bytes not zero", "text", "text", "network", "network"]);
}

#[test]
fn a_text_says_which_network() {
    let template = Template::Wallet.address();
    let other = Address::parse(&template.text(Prefix::MAIN), Prefix::TEST).unwrap_err();
    assert_eq!(other, InvalidAddress::Prefix { found: "sm".into(), expected: "stest".into() });
    assert_eq!(other.to_string(), r#"the address begins with "sm", and those of this network with "stest""#);
    assert_eq!(Prefix::new("stest"), Ok(Prefix::TEST));
    assert_eq!(Prefix::new("standalone").map(|prefix| prefix.to_string()), Ok("standalone".to_owned()));
    assert!(Prefix::new("").is_err() && Prefix::new("STEST").is_err() && Prefix::new("ä").is_err());
}

#[test]
fn templates_have_numbers() {
    for (template, number) in
        [(Template::Wallet, 1), (Template::Multisig, 2), (Template::Vesting, 3), (Template::Vault, 4)]
    {
        let address = template.address();
        assert_eq!((address.0[..23].to_vec(), address.0[23]), (vec![0; 23], number));
        assert_eq!(Template::at(&address), Some(template));
    }
    assert_eq!(Template::at(&Address::default()), None);
}

/// The main network began at 2023-07-14 08:00:00 UTC.
#[test]
fn the_main_network_has_its_genesis_id() {
    let id = GenesisId::of(1_689_321_600, "00000000000000000001a6bc150307b5c1998045752b3c87eccf3c013036f3cc");
    assert_eq!(id.to_string(), "9eebff023abb17ccb775c602daade8ed708f0a50");
    assert_eq!("9eebff023abb17ccb775c602daade8ed708f0a50".parse(), Ok(id));
    assert!("9eebff".parse::<GenesisId>().is_err());
}

proptest! {
    #[test]
    fn every_address_has_one_text(hash: [u8; 20], place in 0_usize..51, character in "[a-z0-9]") {
        let mut address = Address::default();
        address.0[4..].copy_from_slice(&hash);
        let text = address.text(Prefix::TEST);
        prop_assert_eq!(Address::parse(&text, Prefix::TEST), Ok(address));
        let mut changed = text.clone();
        changed.replace_range(place..=place, &character);
        prop_assert_eq!(Address::parse(&changed, Prefix::TEST).is_ok(), changed == text);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Address::parse(&text, Prefix::MAIN);
        let _ = Prefix::new(&text);
    }
}
