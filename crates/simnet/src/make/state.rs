use cid::Cid;
use fvm_ipld_encoding::tuple::*;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::econ::TokenAmount;

use super::MakeError;
use super::actors::{Init, code, map, put};
use crate::ledger::Ledger;

pub(super) const SYSTEM: ActorID = 0;
pub(super) const INIT: ActorID = 1;
pub(super) const REWARD: ActorID = 2;
pub(super) const CRON: ActorID = 3;
pub(super) const POWER: ActorID = 4;
pub(super) const MARKET: ActorID = 5;
/// Where fees are burnt.
pub(super) const BURNT: ActorID = 99;

const VERSION: u64 = 5;
const HAMT_WIDTH: u32 = 5;

/// An actor in the state tree.
#[derive(Clone, Debug, PartialEq, Serialize_tuple, Deserialize_tuple)]
pub(super) struct Actor {
    pub(super) code: Cid,
    pub(super) head: Cid,
    pub(super) nonce: u64,
    pub(super) balance: TokenAmount,
    pub(super) delegated: Option<Address>,
}

impl Actor {
    pub(super) fn new(kind: &str, head: Cid, balance: TokenAmount) -> Self {
        Self { code: code(kind), head, nonce: 0, balance, delegated: None }
    }
}

/// A state tree that is being changed.
pub(super) struct State<'a> {
    ledger: &'a Ledger,
    info: Cid,
    actors: Hamt<&'a Ledger, Actor>,
}

/// Version, actors, information: the root's tuple.
type Root = (u64, Cid, Cid);

fn key(id: ActorID) -> BytesKey {
    BytesKey(Address::new_id(id).to_bytes())
}

pub(super) fn read<T: serde::de::DeserializeOwned>(ledger: &Ledger, cid: &Cid) -> Result<T, MakeError> {
    let bytes = ledger.block(cid).ok_or_else(|| MakeError::State(format!("block {cid} is missing")))?;
    fvm_ipld_encoding::from_slice(&bytes).map_err(MakeError::state)
}

impl<'a> State<'a> {
    pub(super) fn empty(ledger: &'a Ledger) -> Result<Self, MakeError> {
        let info = put(ledger, &((), (), ()))?;
        Ok(Self { ledger, info, actors: Hamt::new_with_bit_width(ledger, HAMT_WIDTH) })
    }

    pub(super) fn open(ledger: &'a Ledger, root: &Cid) -> Result<Self, MakeError> {
        let (_, actors, info): Root = read(ledger, root)?;
        let actors = Hamt::load_with_bit_width(&actors, ledger, HAMT_WIDTH).map_err(MakeError::state)?;
        Ok(Self { ledger, info, actors })
    }

    /// Write what has changed.
    pub(super) fn flush(&mut self) -> Result<Cid, MakeError> {
        let actors = self.actors.flush().map_err(MakeError::state)?;
        put(self.ledger, &(VERSION, actors, self.info))
    }

    pub(super) const fn ledger(&self) -> &'a Ledger {
        self.ledger
    }

    pub(super) fn get(&self, id: ActorID) -> Result<Option<Actor>, MakeError> {
        Ok(self.actors.get(&key(id)).map_err(MakeError::state)?.cloned())
    }

    /// An actor that is there.
    pub(super) fn actor(&self, id: ActorID) -> Result<Actor, MakeError> {
        self.get(id)?.ok_or_else(|| MakeError::State(format!("there is no actor f0{id}")))
    }

    pub(super) fn set(&mut self, id: ActorID, actor: Actor) -> Result<(), MakeError> {
        self.actors.set(key(id), actor).map_err(MakeError::state)?;
        Ok(())
    }

    /// Change an actor that is there.
    pub(super) fn change(&mut self, id: ActorID, change: impl FnOnce(&mut Actor)) -> Result<(), MakeError> {
        let mut actor = self.actor(id)?;
        change(&mut actor);
        self.set(id, actor)
    }

    pub(super) fn add(&mut self, id: ActorID, amount: &TokenAmount) -> Result<(), MakeError> {
        if amount.is_zero() {
            return Ok(());
        }
        self.change(id, |actor| actor.balance += amount)
    }

    /// The id of an address, whether or not there is an actor.
    pub(super) fn resolve(&self, address: &Address) -> Result<Option<ActorID>, MakeError> {
        if let Payload::ID(id) = address.payload() {
            return Ok(Some(*id));
        }
        let init: Init = read(self.ledger, &self.actor(INIT)?.head)?;
        let map: Hamt<&Ledger, ActorID> =
            Hamt::load_with_bit_width(&init.addresses, self.ledger, HAMT_WIDTH).map_err(MakeError::state)?;
        Ok(map.get(&BytesKey(address.to_bytes())).map_err(MakeError::state)?.copied())
    }

    /// Make the actor that the first transfer to an address makes: an account for a key, a placeholder for an f4 address.
    /// `None` for an address that none can be made for.
    pub(super) fn create(&mut self, address: &Address) -> Result<Option<ActorID>, MakeError> {
        let kind = match address.payload() {
            Payload::Secp256k1(_) | Payload::BLS(_) => "account",
            Payload::Delegated(_) => "placeholder",
            Payload::ID(_) | Payload::Actor(_) => return Ok(None),
        };
        let mut actor = self.actor(INIT)?;
        let mut init: Init = read(self.ledger, &actor.head)?;
        let mut map: Hamt<&Ledger, ActorID> =
            Hamt::load_with_bit_width(&init.addresses, self.ledger, HAMT_WIDTH).map_err(MakeError::state)?;
        let id = init.next_id;
        map.set(BytesKey(address.to_bytes()), id).map_err(MakeError::state)?;
        init.addresses = map.flush().map_err(MakeError::state)?;
        init.next_id += 1;
        actor.head = put(self.ledger, &init)?;
        self.set(INIT, actor)?;
        let head =
            if kind == "account" { put(self.ledger, &(address,))? } else { put(self.ledger, &[0_u8; 0])? };
        let mut made = Actor::new(kind, head, TokenAmount::default());
        made.delegated = (kind == "placeholder").then_some(*address);
        self.set(id, made)?;
        Ok(Some(id))
    }
}

/// Write the state of the init actor.
pub(super) fn init(
    ledger: &Ledger,
    network: &str,
    next_id: ActorID,
    ids: impl IntoIterator<Item = (Address, ActorID)>,
) -> Result<Cid, MakeError> {
    put(ledger, &Init { addresses: map(ledger, ids)?, next_id, network: network.to_owned() })
}
