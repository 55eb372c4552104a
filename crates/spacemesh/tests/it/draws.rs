use std::num::NonZeroU32;

use apogee_spacemesh::eligibility::{Committee, Slot};
use apogee_spacemesh::id::{Beacon, EpochId, Epochs, LayerId, SmesherId};
use apogee_spacemesh::vrf::{Proof, VrfError};
use proptest::prelude::*;

use crate::{bytes, data};

/// RFC 9381, B.4: key, message and proof of the first example.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const PROOF: &str = "7d9c633ffeee27349264cf5c667579fc583b4bda63ab71d001f89c10003ab46f14adf9a3cd8b8412d9038531e865c341\
                     cafa73589b023d14311c331a9ad15ff2fb37831e00f0acaa6d73bc9997b06501";
const OUTPUT: &str = "9d574bf9b8302ec0fc1e21c3ec5368269527b87b462ce36dab2d14ccf80c53cccf6758f058c5b1c856b116388152bbe5\
                      09ee3b9ecfe63d93c3b4346c1fbc6c54";

fn epochs(layers: u32) -> Epochs {
    Epochs { layers: NonZeroU32::new(layers).unwrap() }
}

#[test]
fn the_examples_of_the_rfc_verify() {
    assert_eq!(Proof(bytes(PROOF)).verify(&SmesherId(bytes(KEY)), b"").unwrap(), bytes::<64>(OUTPUT));
    let Some(vectors) = data("crypto/scale_addr_vrf_gas_vectors.json") else { return };
    let vectors = vectors["ecvrf_rfc9381"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let text = |index: usize| vector[index].as_str().unwrap();
        let (key, message) = (SmesherId(bytes(text(0))), hex::decode(text(1)).unwrap());
        assert!(Proof(bytes(text(2))).verify(&key, &message).is_ok());
        assert_eq!(Proof(bytes(text(2))).verify(&key, b"another"), Err(VrfError::Mismatch));
    }
}

#[test]
fn a_key_of_small_order_draws_nothing() {
    // The neutral element, a point of order 8, and the neutral element in its second form.
    for key in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(Proof(bytes(PROOF)).verify(&SmesherId(bytes(key)), b""), Err(VrfError::Key), "{key}");
    }
}

#[test]
fn slots_are_those_of_a_real_node() {
    let Some(vectors) = data("crypto/scale_addr_vrf_gas_vectors.json") else { return };
    for vector in vectors["slots"].as_array().unwrap() {
        let number = |name: &str| vector[name].as_u64().unwrap();
        let committee = Committee {
            size: NonZeroU32::new(number("committee") as u32).unwrap(),
            least_weight: number("min_weight"),
            epochs: epochs(number("layers_per_epoch") as u32),
        };
        let slots = committee.slots(number("weight"), number("total"));
        assert_eq!(slots, Some(number("slots").into()));
        assert_eq!(committee.slots(0, number("total")), Some(1), "everybody has one");
        assert!(committee.slots(u64::MAX, 0) > Some(1), "a small network is taken for a larger one");
        assert_eq!(Committee { least_weight: 0, ..committee }.slots(1, 0), None, "and no size breaks it");
    }
}

#[test]
fn a_draw_is_made_on_beacon_epoch_nonce_and_index() {
    let slot = Slot { beacon: Beacon([1, 2, 3, 4]), epoch: EpochId(2), nonce: 867, index: 64 };
    assert_eq!(slot.message(), [0x0c, 1, 2, 3, 4, 0x08, 0x8d, 0x0d, 0x01, 0x01]);
}

#[test]
fn epochs_have_their_layers() {
    let epochs = epochs(16);
    assert_eq!([31, 32, 47, 48].map(|layer| epochs.of(LayerId(layer)).0), [1, 2, 2, 3]);
    assert_eq!(epochs.first(EpochId(2)), Some(LayerId(32)));
    assert_eq!(epochs.first(EpochId(u32::MAX)), None);
    assert_eq!(epochs.first_effective_genesis(), LayerId(31));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_proof_proves_nothing(place in 0_usize..80, flip in 1_u8..) {
        let mut proof = Proof(bytes(PROOF));
        proof.0[place] ^= flip;
        prop_assert!(proof.verify(&SmesherId(bytes(KEY)), b"").is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(key: [u8; 32], low: [u8; 32], high: [u8; 32], message: Vec<u8>) {
        let mut proof = Proof([0; 80]);
        proof.0[..32].copy_from_slice(&low);
        proof.0[48..].copy_from_slice(&high);
        prop_assert!(proof.verify(&SmesherId(key), &message).is_err());
    }
}
