//! The state tree: actors by id, ids by address, keys by account.

use std::cell::OnceCell;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::econ::TokenAmount;

use crate::cbor::Cbor;
use crate::code::manifest_link;
use crate::hamt::Hamt;
use crate::market::Form;
use crate::node::{load, read, whole};
use crate::{ActorKind, Codes, Fault, Market, Miner, Multisig, Power, ReadError, Reward};

const SYSTEM: ActorID = 0;
const INIT: ActorID = 1;
const REWARD: ActorID = 2;
const POWER: ActorID = 4;
const MARKET: ActorID = 5;

/// An entry of the state tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What runs it; see [`StateTree::kind`].
    pub code: Cid,
    /// Its state.
    pub state: Cid,
    /// Messages it has sent (the next nonce).
    pub nonce: u64,
    /// What it owns, attoFIL.
    pub balance: TokenAmount,
    /// Its f4 address, from state tree version 5 on.
    pub delegated: Option<Address>,
}

/// The state after some epoch, by its root.
#[derive(Debug)]
pub struct StateTree<'a, BS> {
    store: &'a BS,
    actors: Cid,
    version: Option<u64>,
    codes: Codes,
    manifest: OnceCell<Codes>,
}

impl<'a, BS: Blockstore> StateTree<'a, BS> {
    /// Opens a tree of version 0 (bare HAMT) to 5.
    ///
    /// # Errors
    /// The root is missing or malformed.
    pub fn open(store: &'a BS, root: &Cid) -> Result<Self, ReadError> {
        let bytes = load(store, root)?;
        let (version, actors) = Self::root(&bytes, root).map_err(|source| ReadError::Malformed {
            what: "the state root",
            cid: *root,
            source,
        })?;
        Ok(Self { store, actors, version, codes: Codes::new(), manifest: OnceCell::new() })
    }

    fn root(bytes: &[u8], cid: &Cid) -> Result<(Option<u64>, Cid), Fault> {
        let mut cursor = Cbor::new(bytes);
        if cursor.tuple(&[2, 3])? == 2 {
            return Ok((None, *cid));
        }
        let version = match cursor.uint()? {
            version @ 1..=5 => version,
            _ => return Err(Fault::Invalid("is of an unknown version")),
        };
        let actors = cursor.link()?;
        cursor.link()?;
        cursor.end()?;
        Ok((Some(version), actors))
    }

    /// Knows these codes besides those of the network's own manifest.
    #[must_use]
    pub fn with_codes(self, codes: Codes) -> Self {
        Self { codes, ..self }
    }

    /// Version of the tree, 0 to 5.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.unwrap_or(0)
    }

    /// The store it reads from.
    #[must_use]
    pub fn store(&self) -> &'a BS {
        self.store
    }

    /// An actor; `None` where the tree proves that there is none.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn actor(&self, id: ActorID) -> Result<Option<Actor>, ReadError> {
        let key = Address::new_id(id).to_bytes();
        Hamt::new(self.store, "the state tree").get(&self.actors, &key, actor)
    }

    /// The actors that are not what they were in `before`, by id, as they are now; `None` for one that is gone. Only nodes that differ
    /// are read.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn actor_changes(&self, before: &Self) -> Result<Vec<(ActorID, Option<Actor>)>, ReadError> {
        let malformed = |source| ReadError::Malformed { what: "the state tree", cid: self.actors, source };
        let mut changes = Vec::new();
        for (key, (_, after)) in Hamt::new(self.store, "the state tree").diff(&before.actors, &self.actors)? {
            let Ok(Payload::ID(id)) = Address::from_bytes(&key).map(|address| *address.payload()) else {
                return Err(malformed(Fault::Invalid("holds an actor whose key is no actor id")));
            };
            changes.push((id, after.map(|value| whole(&value, actor)).transpose().map_err(malformed)?));
        }
        changes.sort_unstable_by_key(|(id, _)| *id);
        Ok(changes)
    }

    fn known(&self, id: ActorID) -> Result<Actor, ReadError> {
        self.actor(id)?.ok_or(ReadError::NoActor(id))
    }

    /// What kind of actor a code stands for: a `fil/N/name` code, one of the given table, or one of the manifest that
    /// the system actor names, which works on every network.
    ///
    /// # Errors
    /// The code is unknown, or the manifest is missing or malformed.
    pub fn kind(&self, code: &Cid) -> Result<ActorKind, ReadError> {
        if let Some(kind) = self.codes.kind(code) {
            return Ok(kind);
        }
        let manifest = match self.manifest.get() {
            Some(manifest) => manifest,
            None => {
                let link = manifest_link(self.store, &self.known(SYSTEM)?.state)?;
                let manifest = Codes::manifest(self.store, &link)?;
                self.manifest.get_or_init(|| manifest)
            }
        };
        manifest.kind(code).ok_or(ReadError::UnknownCode(*code))
    }

    /// The id of an address, through the init actor; `None` where it has none yet.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn resolve(&self, address: &Address) -> Result<Option<ActorID>, ReadError> {
        if let Payload::ID(id) = address.payload() {
            return Ok(Some(*id));
        }
        let map = read(self.store, &self.known(INIT)?.state, "the init actor's state", |cursor| {
            cursor.tuple(&[3])?;
            let map = cursor.link()?;
            cursor.skip_many(2)?;
            Ok(map)
        })?;
        Hamt::new(self.store, "the address map").get(&map, &address.to_bytes(), |cursor| cursor.uint())
    }

    /// The name of the network, from the init actor.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn network_name(&self) -> Result<String, ReadError> {
        read(self.store, &self.known(INIT)?.state, "the init actor's state", |cursor| {
            cursor.tuple(&[3])?;
            cursor.skip_many(2)?;
            cursor.text().map(str::to_owned)
        })
    }

    /// The key (f1 or f3) or delegated (f4) address that an account signs with; `None` where the actor is absent or signs nothing.
    ///
    /// # Errors
    /// A node is missing or malformed, or the actor's code is unknown.
    pub fn account_key(&self, address: &Address) -> Result<Option<Address>, ReadError> {
        if matches!(address.payload(), Payload::Secp256k1(_) | Payload::BLS(_)) {
            return Ok(Some(*address));
        }
        let Some(id) = self.resolve(address)? else { return Ok(None) };
        let Some(actor) = self.actor(id)? else { return Ok(None) };
        match self.kind(&actor.code)? {
            ActorKind::Account => read(self.store, &actor.state, "an account's state", |cursor| {
                cursor.tuple(&[1])?;
                cursor.address().map(Some)
            }),
            ActorKind::EthAccount | ActorKind::Placeholder => Ok(actor.delegated),
            _ => Ok(None),
        }
    }

    /// The power actor's state (f04).
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn power(&self) -> Result<Power, ReadError> {
        Power::read(self.store, &self.known(POWER)?.state)
    }

    /// The reward actor's state (f02).
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn reward(&self) -> Result<Reward, ReadError> {
        Reward::read(self.store, &self.known(REWARD)?.state)
    }

    /// The market actor's state (f05).
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn market(&self) -> Result<Market, ReadError> {
        let form = Form { recent: self.power()?.from_v15, wide_balances: self.version() >= 2 };
        Market::read(self.store, &self.known(MARKET)?.state, form)
    }

    /// A miner's state; `None` where there is no such actor.
    ///
    /// # Errors
    /// A node is missing or malformed; an actor that is no miner is malformed.
    pub fn miner(&self, id: ActorID) -> Result<Option<Miner>, ReadError> {
        self.actor(id)?.map(|actor| Miner::read(self.store, &actor.state)).transpose()
    }

    /// A multisig's state; `None` where there is no such actor, or it is none.
    ///
    /// # Errors
    /// A node is missing or malformed, or the actor's code is unknown.
    pub fn multisig(&self, address: &Address) -> Result<Option<Multisig>, ReadError> {
        let actor = self.resolve(address)?.map(|id| self.actor(id)).transpose()?.flatten();
        let Some(actor) = actor else { return Ok(None) };
        if self.kind(&actor.code)? != ActorKind::Multisig {
            return Ok(None);
        }
        Multisig::read(self.store, &actor.state).map(Some)
    }
}

fn actor(cursor: &mut Cbor<'_>) -> Result<Actor, Fault> {
    let fields = cursor.tuple(&[4, 5])?;
    Ok(Actor {
        code: cursor.link()?,
        state: cursor.link()?,
        nonce: cursor.uint()?,
        balance: cursor.amount()?,
        delegated: if fields == 5 { cursor.option(Cbor::address)? } else { None },
    })
}
