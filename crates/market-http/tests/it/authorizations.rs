use apogee_market::{SignError, Signs};
use apogee_market_http::{Endpoint, NotAuthorized, Refused, Ulid, authorization, verify_authorization};
use apogee_outbound::Target;
use fvm_shared::address::Address;
use fvm_shared::crypto::signature::Signature;

use crate::world::key;

const PATH: &str = "/market/mk20/deal";
const MINUTE: i64 = 29_681_590;

/// Says that it is somebody else.
struct Impostor;

impl Signs for Impostor {
    fn address(&self) -> Address {
        key(1).address()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        key(2).sign(message)
    }
}

#[test]
fn a_header_is_good_for_its_method_path_key_and_minute_alone() {
    let header = authorization(&key(7), "POST", PATH, MINUTE).unwrap().header;
    for minute in [MINUTE - 1, MINUTE, MINUTE + 1] {
        assert_eq!(verify_authorization(&header, "POST", PATH, minute), Ok(key(7).address()));
    }
    let refused = |header: &str, method, path, minute| {
        matches!(verify_authorization(header, method, path, minute), Err(Refused::Signature(_)))
    };
    assert!(refused(&header, "POST", PATH, MINUTE + 2));
    assert!(refused(&header, "POST", PATH, MINUTE - 2));
    assert!(refused(&header, "GET", PATH, MINUTE));
    assert!(refused(&header, "POST", "/market/mk20/deal/", MINUTE));
    let other = authorization(&key(8), "POST", PATH, MINUTE).unwrap().header;
    let (mine, theirs): (Vec<_>, Vec<_>) = (header.split(':').collect(), other.split(':').collect());
    assert!(refused(&[theirs[0], theirs[1], mine[2]].join(":"), "POST", PATH, MINUTE));
    assert!(matches!(authorization(&Impostor, "POST", PATH, MINUTE), Err(NotAuthorized::Signature(_))));
}

#[test]
fn what_is_no_header_of_curio_is_refused() {
    let header = authorization(&key(7), "POST", PATH, MINUTE).unwrap().header;
    let long = format!("{header}{}", "A".repeat(2_000));
    let bad = [
        "",
        "CurioAuth ",
        "CurioAuth secp256k1:",
        "CurioAuth secp256k1::",
        &header.replacen("CurioAuth", "Bearer", 1),
        &header.replacen("secp256k1", "bls", 1),
        &header.replacen("secp256k1:", "secp256k1:!", 1),
        &header.replacen(":A", ":B", 2),
        &format!("{header}=="),
        &format!("{header}:"),
        &long,
    ];
    for header in bad {
        let refused = verify_authorization(header, "POST", PATH, MINUTE);
        assert!(matches!(refused, Err(Refused::Form | Refused::Address)), "{header}: {refused:?}");
    }
}

/// The signature was checked by an implementation of secp256k1 and of Filecoin's addresses that shares nothing with this one.
#[test]
fn a_header_is_these_very_bytes() {
    let header = authorization(&key(7), "POST", PATH, MINUTE).unwrap().header;
    assert_eq!(
        header,
        "CurioAuth secp256k1:AUCV6VVbRrcBmb/h86xTlpOjjNAW:ARJROlfYcCEKw7asTD4LJmH76tNP/rorXkz731hksfdGcJVVXoXzDYZ/ZC8nO6WIIUvNqb3X2ziozn/RKPp6RFoB"
    );
}

#[test]
fn paths_are_below_the_address_that_a_market_has() {
    let deal = Ulid([0; 16]);
    for (base, path) in [
        ("https://sp.example", "/market/mk20/deal"),
        ("https://sp.example/", "/market/mk20/deal"),
        ("https://sp.example/curio/?x=/", "/curio/market/mk20/deal"),
    ] {
        assert_eq!(Endpoint::Deal.path(&Target::parse(base).unwrap()), path);
    }
    let status = Endpoint::Status(deal).path(&Target::parse("https://sp.example").unwrap());
    assert_eq!(status, "/market/mk20/status/00000000000000000000000000");
    assert_eq!((Endpoint::Deal.method(), Endpoint::Status(deal).method()), ("POST", "GET"));
}
