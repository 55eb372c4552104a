//! The messages that go into an epoch's blocks.

use std::collections::HashSet;

use apogee_filecoin::types::{Message, SignedMessage};
use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use super::MakeError;
use super::execute::gas_of;
use super::keys::{Wallet, derive};
use super::simulation::Simulation;
use super::state::State;

/// Accounts that send for every message in a block: with five blocks a message of an epoch finds an account that has not sent yet.
pub(super) const SENDERS_A_MESSAGE: u32 = 16;
/// Every so many messages one goes to an address that has no actor yet.
const NEWCOMERS: u64 = 40;
/// Every so many messages one is in two blocks.
const TWICE: usize = 5;

/// A message for a block.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Name on chain.
    pub(super) cid: Cid,
    pub(super) signed: SignedMessage,
}

impl Simulation {
    /// The messages of each of `blocks` blocks, in ticket order, on the state `root`.
    pub(super) fn offers(
        &self,
        epoch: i64,
        blocks: usize,
        base_fee: &TokenAmount,
        root: Cid,
    ) -> Result<Vec<Vec<Offer>>, MakeError> {
        let mut offers = vec![Vec::new(); blocks];
        if let Some(first) = offers.first_mut() {
            first.extend(self.selection(base_fee, root)?);
        }
        let count = usize::try_from(self.recipe.messages).unwrap_or(0) * blocks;
        if count == 0 {
            return Ok(offers);
        }
        let state = State::open(&self.ledger, &root)?;
        let mut sent = HashSet::new();
        for index in 0..count {
            let Some(signed) = self.transfer(epoch, index, base_fee, &state, &mut sent)? else { continue };
            let offer = Offer { cid: signed.cid(), signed };
            let mut put = |block: usize| {
                if let Some(block) = offers.get_mut(block) {
                    block.push(offer.clone());
                }
            };
            put(index % blocks);
            if index % TWICE == 0 && blocks > 1 {
                put((index + 1) % blocks);
            }
        }
        Ok(offers)
    }

    /// Transfer `index` of the epoch; `None` when its sender has sent one in this epoch already.
    fn transfer(
        &self,
        epoch: i64,
        index: usize,
        base_fee: &TokenAmount,
        state: &State<'_>,
        sent: &mut HashSet<usize>,
    ) -> Result<Option<SignedMessage>, MakeError> {
        let senders = &self.people.senders;
        let number = epoch.unsigned_abs().wrapping_mul(1 << 20).wrapping_add(index as u64);
        let chance = derive(self.recipe.seed, "transfer", number);
        let [a, b, c, d, ..] = chance;
        let dice = u64::from(u32::from_be_bytes([a, b, c, d]));
        let first = usize::try_from(epoch.unsigned_abs()).unwrap_or(0).wrapping_mul(7);
        let from = first.wrapping_add(index) % senders.len().max(1);
        let Some(sender) = senders.get(from).filter(|_| sent.insert(from)) else {
            return Ok(None);
        };
        let newcomer = dice.is_multiple_of(NEWCOMERS);
        let to = if newcomer {
            newcomer_address(&chance)?
        } else {
            let other = usize::try_from(dice).unwrap_or(0) % senders.len().max(1);
            senders.get(other).map_or(sender.address(), Wallet::address)
        };
        let id = state.resolve(&sender.address())?;
        let nonce = match id {
            Some(id) => state.actor(id)?.nonce,
            None => return Ok(None),
        };
        let premium = TokenAmount::from_atto(100_000 + dice % 100_000);
        let mut message = Message {
            version: 0,
            from: sender.address(),
            to,
            sequence: nonce,
            value: TokenAmount::from_nano(dice),
            method_num: 0,
            params: RawBytes::default(),
            gas_limit: u64::from(u32::MAX),
            gas_fee_cap: base_fee * 2_u64 + &premium,
            gas_premium: premium,
        };
        // Between nothing and a third too much.
        let needed = gas_of(state, &message, sender.chain_length(&message)?)?;
        message.gas_limit = needed + needed * (dice % 34) / 100;
        sender.sign(message).map(Some)
    }
}

/// An address that nobody has the key of.
fn newcomer_address(chance: &[u8; 32]) -> Result<Address, MakeError> {
    const PUBLIC_KEY: usize = 65;
    let bytes: Vec<u8> = chance.iter().copied().cycle().take(PUBLIC_KEY).collect();
    Address::new_secp256k1(&bytes).map_err(MakeError::key)
}
