//! Single deals: what was agreed, and what became of it.

use std::fmt;
use std::ops::ControlFlow;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;

use super::{Market, PROPOSALS, STATES};
use crate::amt::Amt;
use crate::cbor::Cbor;
use crate::node::whole;
use crate::{Fault, ReadError};

/// Bytes of the longest label (`DEAL_MAX_LABEL_SIZE`).
const LONGEST_LABEL: u64 = 256;

/// What a client wrote on a deal: text, or bytes that are none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DealLabel {
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl fmt::Debug for DealLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// What was agreed (`DealProposal`, alike in every version; labels are text or bytes from v8 on, text before).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealTerms {
    /// The piece's commitment.
    pub piece: Cid,
    /// Its padded bytes.
    pub bytes: u64,
    /// Whether it spends `DataCap`.
    pub verified: bool,
    /// Who pays; on chain always an actor id.
    pub client: Address,
    /// Who stores; on chain always an actor id.
    pub provider: Address,
    /// Anything of at most 256 bytes.
    pub label: DealLabel,
    /// The last epoch in which it can be activated.
    pub start: ChainEpoch,
    /// The epoch with which it ends.
    pub end: ChainEpoch,
    /// attoFIL an epoch, for the deal as a whole.
    pub price: TokenAmount,
    /// attoFIL that the provider locked.
    pub provider_collateral: TokenAmount,
    /// attoFIL that the client locked.
    pub client_collateral: TokenAmount,
}

/// What became of a deal that was activated (`DealState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DealState {
    /// The epoch in which its sector was proven; `None` before.
    pub sector_start: Option<ChainEpoch>,
    /// The epoch of the last payment; `None` before any.
    pub last_updated: Option<ChainEpoch>,
    /// The epoch in which it was slashed; `None` where it was not. From actors v13 on a slashed deal is removed at once instead (FIP-0074).
    pub slashed: Option<ChainEpoch>,
    /// Its sector, from actors v13 on.
    pub sector: Option<u64>,
}

impl DealState {
    /// Whether it was activated and not slashed.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.sector_start.is_some() && self.slashed.is_none()
    }
}

/// Some of the proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposals {
    /// By deal, in ascending order.
    pub found: Vec<(u64, DealTerms)>,
    /// Where to go on: no proposal below was left out.
    pub next: u64,
}

impl Market {
    /// The proposal of a deal; `None` where it was never published, or is removed.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn proposal<BS: Blockstore>(&self, store: &BS, deal: u64) -> Result<Option<DealTerms>, ReadError> {
        Amt::new(store, PROPOSALS).get(&self.proposals, deal, terms)
    }

    /// The proposals of deals `from` to below `to`, at most `limit` of them: no more than these and the nodes above them is read.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn proposals<BS: Blockstore>(
        &self,
        store: &BS,
        (from, to): (u64, u64),
        limit: usize,
    ) -> Result<Proposals, ReadError> {
        let mut found = Vec::new();
        let mut next = from.max(to);
        Amt::new(store, PROPOSALS).range(&self.proposals, (from, to), &mut |deal, value| {
            if found.len() >= limit {
                next = deal;
                return Ok(ControlFlow::Break(()));
            }
            found.push((deal, whole(value, terms)?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Proposals { found, next })
    }

    /// What became of a deal; `None` where it was not activated, or is removed.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn deal<BS: Blockstore>(&self, store: &BS, deal: u64) -> Result<Option<DealState>, ReadError> {
        Amt::new(store, STATES).get(&self.states, deal, |cursor| self.state(cursor))
    }

    /// `[start, updated, slashed]` (v1 to v8), with the claim behind (v9 to v12) or the sector in front (v13 on).
    pub(super) fn state(&self, cursor: &mut Cbor<'_>) -> Result<DealState, Fault> {
        let fields = cursor.tuple(&[3, 4])?;
        let sector = if fields == 4 && self.sector_first { Some(cursor.uint()?) } else { None };
        let mut epoch = || cursor.int().map(|epoch| (epoch >= 0).then_some(epoch));
        let (sector_start, last_updated, slashed) = (epoch()?, epoch()?, epoch()?);
        if fields == 4 && !self.sector_first {
            cursor.uint()?;
        }
        Ok(DealState { sector_start, last_updated, slashed, sector })
    }
}

/// `[piece, bytes, verified, client, provider, label, start, end, price, provider's collateral, client's collateral]`.
fn terms(cursor: &mut Cbor<'_>) -> Result<DealTerms, Fault> {
    cursor.tuple(&[11])?;
    let (piece, bytes, verified) = (cursor.link()?, cursor.uint()?, cursor.boolean()?);
    let (client, provider) = (cursor.address()?, cursor.address()?);
    id(&client)?;
    id(&provider)?;
    Ok(DealTerms {
        piece,
        bytes,
        verified,
        client,
        provider,
        label: label(cursor)?,
        start: cursor.int()?,
        end: cursor.int()?,
        price: cursor.amount()?,
        provider_collateral: cursor.amount()?,
        client_collateral: cursor.amount()?,
    })
}

/// The actor resolves both parties before it keeps a proposal.
pub(super) fn id(address: &Address) -> Result<ActorID, Fault> {
    match address.payload() {
        Payload::ID(id) => Ok(*id),
        _ => Err(Fault::Invalid("names a party of a deal that is no actor id")),
    }
}

/// Text that is no UTF-8 stood on chain before v8, whose migration made bytes of it; so do we.
fn label(cursor: &mut Cbor<'_>) -> Result<DealLabel, Fault> {
    let (text, bytes) = match cursor.major()? {
        3 => (true, cursor.text_bytes()?),
        _ => (false, cursor.bytes()?),
    };
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if found > LONGEST_LABEL {
        return Err(Fault::TooMany { found, limit: LONGEST_LABEL });
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(read) if text => DealLabel::Text(read.to_owned()),
        _ => DealLabel::Bytes(bytes.to_vec()),
    })
}
