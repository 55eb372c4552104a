use apogee_payload::{Key, Payload, TooLarge};
use hmac::{Hmac, Mac};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use sha2::Sha256;

use crate::{all, payload};

#[test]
fn bytes_are_the_key_stream_of_another_implementation() {
    let key = Hmac::<Sha256>::new_from_slice(&[1; 32]).unwrap().chain_update(b"a").finalize();
    let mut expected = vec![0; 100_000];
    ChaCha20Rng::from_seed(key.into_bytes().into()).fill_bytes(&mut expected);
    assert_eq!(all(&payload("a", 100_000)), expected);
}

#[test]
fn any_range_is_made_again_as_it_was_in_the_whole() {
    let payload = payload("a", 70_001);
    let whole = all(&payload);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let (from, room) = (random.random_range(0..=70_100), random.random_range(0..=900));
        let mut buffer = vec![7; room];
        let many = payload.read_at(from as u64, &mut buffer);
        let expected = &whole[from.min(70_001)..(from + room).min(70_001).max(from.min(70_001))];
        assert_eq!(&buffer[..many], expected, "{room} from {from}");
    }
}

#[test]
fn the_far_end_of_the_largest_payload_is_read_and_nothing_behind_it() {
    let payload = payload("a", Payload::MOST);
    let mut buffer = [0; 64];
    assert_eq!(payload.read_at(Payload::MOST - 10, &mut buffer), 10);
    assert_eq!(payload.read_at(u64::MAX, &mut buffer), 0);
    let size = Payload::MOST + 1;
    assert_eq!(Payload::new(Key::from_bytes([0; 32]), size), Err(TooLarge { size }));
}

#[test]
fn other_slots_and_secrets_have_other_bytes() {
    let a = all(&payload("a", 64));
    assert_ne!(a, all(&payload("b", 64)));
    assert_ne!(a, all(&Payload::new(Key::derive(&[2; 32], "a"), 64).unwrap()));
}

#[test]
fn the_first_byte_that_differs_is_found() {
    let payload = payload("a", 20_000);
    let whole = all(&payload);
    assert_eq!(payload.difference(0, &whole), None);
    assert_eq!(payload.difference(19_999, &whole[19_999..]), None);
    for place in [0, 1, 4_095, 4_096, 12_345, 19_999] {
        let mut wrong = whole.clone();
        wrong[place] ^= 1;
        assert_eq!(payload.difference(0, &wrong), Some(place as u64));
        assert_eq!(payload.difference(0, &wrong[..place]), None);
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(payload.difference(0, &longer), Some(20_000), "a byte too many");
    assert_eq!(payload.difference(u64::MAX, &[0]), Some(u64::MAX));
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", Key::from_bytes([3; 32])), "Key(…)");
    assert!(!format!("{:?}", payload("a", 1)).contains('['));
}
