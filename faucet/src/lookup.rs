//! Recipients looked up in a state of the network.

use apogee_domain::Atto;
use apogee_filecoin_state::{ActorKind, ReadError, StateTree};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};

use crate::{ActorKey, Recipient, Unresolved};

/// The actors below this are the network itself, and what is sent to them is lost (f099 burns).
const FIRST_OF_PEOPLE: ActorID = 100;

/// Whose address this is in a state. `operates` says whether an actor is owner or worker of a storage miner; addresses are written with `prefix`.
///
/// # Errors
/// [`Unresolved`]: a missing node is not a missing actor.
pub fn recipient_in<BS: Blockstore>(
    store: &BS,
    state: &Cid,
    address: &Address,
    prefix: char,
    operates: impl FnOnce(ActorID) -> bool,
) -> Result<Recipient, Unresolved> {
    let unread = |error: ReadError| Unresolved::Unavailable(Box::new(error));
    let text = |address: &Address| ActorKey::of(address, prefix).to_string();
    let tree = StateTree::open(store, state).map_err(unread)?;
    let id = tree.resolve(address).map_err(unread)?;
    if let Some(id) = id.filter(|id| *id < FIRST_OF_PEOPLE) {
        let address = text(&Address::new_id(id));
        return Err(Unresolved::NoRecipient { address, kind: "an actor of the network itself".to_owned() });
    }
    let actor = match id {
        Some(id) => tree.actor(id).map_err(unread)?.map(|actor| (id, actor)),
        None => None,
    };
    let Some((id, actor)) = actor else {
        // A key's account comes to be with the first money that it is sent; nothing else does.
        let comes = !matches!(address.payload(), Payload::ID(_) | Payload::Actor(_));
        let new = Recipient { key: ActorKey::of(address, prefix), balance: Atto::ZERO, miner: false };
        return if comes { Ok(new) } else { Err(Unresolved::NoActor(text(address))) };
    };
    let kind = match tree.kind(&actor.code) {
        Ok(kind) => Some(kind),
        // A code that no manifest names is none of the built-in actors.
        Err(ReadError::UnknownCode(_)) => None,
        Err(error) => return Err(unread(error)),
    };
    let by_id = Address::new_id(id);
    let stable = match (actor.delegated, kind) {
        (Some(delegated), _) => delegated,
        (None, Some(ActorKind::Account)) => tree.account_key(&by_id).map_err(unread)?.unwrap_or(by_id),
        (None, _) => by_id,
    };
    let key = ActorKey::of(&stable, prefix);
    // The Ethereum address 0 is an actor too.
    if crate::parse_recipient(key.as_str(), prefix).is_err() {
        let kind = "an address that nobody has a key to".to_owned();
        return Err(Unresolved::NoRecipient { address: key.to_string(), kind });
    }
    // Nothing that was ever minted comes near the end of a `u128`.
    let balance = u128::try_from(actor.balance.atto()).map_or(Atto(u128::MAX), Atto);
    Ok(Recipient { key, balance, miner: operates(id) })
}
