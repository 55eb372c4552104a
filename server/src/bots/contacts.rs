//! How miners are reached, where the settings leave it to what they say on the chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use apogee_dealbot::protocol::Place;
use apogee_domain::Timestamp;
use apogee_indexer::contacts::{Contact, contacts};
use apogee_indexer::deals::{DealsError, StateAt};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use crate::config;
use crate::refunds::Readable;

/// How long what was read is good for, microseconds: so long it takes until a miner that has moved is found.
const FRESH: i64 = 300_000_000;
/// Addresses of a miner that a bot is told, and the longest of them, bytes.
const ADDRESSES: usize = 32;
const LONGEST: usize = 256;

/// What was read.
#[derive(Debug, Default)]
struct Known {
    /// When; `None` before anything was.
    at: Option<Timestamp>,
    places: BTreeMap<String, Place>,
}

/// What some miners say.
#[derive(Debug)]
pub(super) struct Contacts {
    wanted: BTreeSet<String>,
    known: Mutex<Known>,
}

impl Contacts {
    /// Of the miners of which the settings do not say it.
    pub(super) fn of(miners: &BTreeMap<String, config::Market>) -> Self {
        let wanted = miners.iter().filter(|(_, market)| matches!(market, config::Market::Chain { .. }));
        Self { wanted: wanted.map(|(miner, _)| miner.clone()).collect(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was read, or need not be.
    pub(super) fn are_known(&self) -> bool {
        self.wanted.is_empty() || self.known().at.is_some()
    }

    /// Where a miner is spoken to; `None` before it was read, and for whoever is no miner there.
    pub(super) fn of_miner(&self, miner: &str) -> Option<Place> {
        self.known().places.get(miner).cloned()
    }

    /// Read it again where it is time. What was read before stays where it cannot be.
    pub(super) async fn read(
        &self,
        nodes: Readable,
        state: StateAt,
        now: Timestamp,
    ) -> Result<(), DealsError> {
        let fresh = self.known().at.is_some_and(|at| now.0.saturating_sub(at.0) < FRESH);
        if fresh || self.wanted.is_empty() {
            return Ok(());
        }
        let ids: BTreeMap<u64, &String> =
            self.wanted.iter().filter_map(|name| Some((name.get(2..)?.parse().ok()?, name))).collect();
        let said = contacts(nodes, state, ids.keys().copied().collect()).await?;
        let places = said.iter().filter_map(|(id, contact)| Some(((*ids.get(id)?).clone(), place(contact))));
        let places = places.collect();
        *self.known() = Known { at: Some(now), places };
        Ok(())
    }
}

/// As bots are told it. What is neither a peer nor an address is told as its bytes, so that they find it unreadable, and say so.
fn place(contact: &Contact) -> Place {
    let peer = match contact.peer_id.as_slice() {
        [] => String::new(),
        bytes => PeerId::from_bytes(bytes).map_or_else(|_| digits(bytes), |peer| peer.to_string()),
    };
    let address = |bytes: &Vec<u8>| match Multiaddr::try_from(bytes.clone()) {
        Ok(address) if bytes.len() <= LONGEST => address.to_string(),
        _ => digits(bytes),
    };
    Place::Libp2p { peer, addresses: contact.multiaddresses.iter().take(ADDRESSES).map(address).collect() }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().take(LONGEST).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_miner_says_is_told_as_it_is() {
        let peer = libp2p_identity::Keypair::ed25519_from_bytes([7; 32]).unwrap().public().to_peer_id();
        let address: Multiaddr = "/ip4/203.0.113.9/tcp/24001".parse().unwrap();
        let long: Multiaddr = format!("/dns4/{}/tcp/1", "a".repeat(300)).parse().unwrap();
        let contact = Contact {
            peer_id: peer.to_bytes(),
            multiaddresses: vec![address.to_vec(), vec![0xff, 0x01], long.to_vec()],
        };
        let Place::Libp2p { peer: told, addresses } = place(&contact) else { panic!("it is no URL") };
        assert_eq!((told, addresses[0].as_str()), (peer.to_string(), "/ip4/203.0.113.9/tcp/24001"));
        assert_eq!(addresses[1], "ff01");
        assert!(addresses[2].parse::<Multiaddr>().is_err(), "nobody dials it");

        let Place::Libp2p { peer, addresses } = place(&Contact::default()) else { panic!("it is no URL") };
        assert_eq!((peer.as_str(), addresses.len()), ("", 0));
        let odd = Contact { peer_id: vec![1, 2], multiaddresses: vec![vec![4]; 100] };
        let Place::Libp2p { peer, addresses } = place(&odd) else { panic!("it is no URL") };
        assert_eq!((peer.as_str(), addresses.len()), ("0102", ADDRESSES));
    }
}
