//! The crate from outside.

#[cfg(test)]
mod bytes;
#[cfg(test)]
mod car;
#[cfg(test)]
mod dag;
#[cfg(test)]
mod javascript;
#[cfg(test)]
mod sizes;

#[cfg(test)]
use apogee_payload::{Key, Payload};

/// The payload of a slot under a secret of ones.
#[cfg(test)]
fn payload(slot: &str, size: u64) -> Payload {
    Payload::new(Key::derive(&[1; 32], slot), size).unwrap()
}

/// All of it.
#[cfg(test)]
fn all(payload: &Payload) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(payload.size()).unwrap()];
    assert_eq!(payload.read_at(0, &mut bytes), bytes.len());
    bytes
}
