use apogee_payload::{Car, Dag, Layout};
use apogee_piece::Commitment;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::payload;

fn car(size: u64) -> Car {
    Car::new(Dag::new(payload("a", size), Layout::new(256, 3).unwrap()))
}

fn all(car: &Car) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(car.size()).unwrap() + 9];
    let many = car.read_at(0, &mut bytes);
    bytes.truncate(many);
    bytes
}

#[test]
fn the_length_is_known_before() {
    for size in [0, 1, 256, 257, 10_000] {
        assert_eq!(all(&car(size)).len() as u64, car(size).size(), "{size}");
    }
}

#[test]
fn any_range_is_that_of_the_whole() {
    let car = car(10_000);
    let whole = all(&car);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..3_000 {
        let from = random.random_range(0..=whole.len() + 5);
        let room = random.random_range(0..=1_000);
        let mut buffer = vec![7; room];
        let many = car.read_at(from as u64, &mut buffer);
        let start = from.min(whole.len());
        assert_eq!(&buffer[..many], &whole[start..(start + room).min(whole.len())], "{room} from {from}");
    }
    for (at, expected) in whole.iter().enumerate() {
        let mut byte = [0];
        assert_eq!((car.read_at(at as u64, &mut byte), byte[0]), (1, *expected));
    }
}

#[test]
fn the_piece_is_that_of_its_bytes() {
    for size in [0, 1, 300, 100_000] {
        let car = car(size);
        let mut commitment = Commitment::default();
        commitment.add(&all(&car));
        assert_eq!(Ok(car.piece()), commitment.finish());
        assert_eq!(car.piece().payload, car.size());
    }
}
