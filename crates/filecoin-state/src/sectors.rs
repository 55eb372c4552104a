//! A miner's sectors by number, proven and pre-committed.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::clock::ChainEpoch;

use crate::amt::Amt;
use crate::cbor::Cbor;
use crate::hamt::Hamt;
use crate::node::whole;
use crate::{Fault, Miner, ReadError};

/// A sector on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sector {
    /// Its number.
    pub number: u64,
    /// Registered seal proof type.
    pub seal_proof: i64,
    /// `CommR` as a CID.
    pub sealed_cid: Cid,
    /// The epoch its proof was accepted in.
    pub activation: ChainEpoch,
    /// The epoch it expires at.
    pub expiration: ChainEpoch,
}

impl Sector {
    /// The first six fields are the same in all versions; 11 fields (actors v1), 13 (v2 to v6), 14 (v7, v8), 15 (v9 to v15), 16 (v16 on,
    /// where 15 may still be met).
    fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        let fields = cursor.tuple(&[11, 13, 14, 15, 16])?;
        let (number, seal_proof, sealed_cid) = (cursor.uint()?, cursor.int()?, cursor.link()?);
        cursor.skip()?; // deals
        let sector =
            Self { number, seal_proof, sealed_cid, activation: cursor.int()?, expiration: cursor.int()? };
        cursor.skip_many(fields - 6)?;
        Ok(sector)
    }
}

/// A sector that is pre-committed and not yet proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreCommit {
    /// Its number.
    pub number: u64,
    /// Registered seal proof type.
    pub seal_proof: i64,
    /// `CommR` as a CID.
    pub sealed_cid: Cid,
    /// The epoch whose randomness is the seal's ticket.
    pub seal_epoch: ChainEpoch,
    /// `CommD` as a CID, from actors v9 on; none where the sector holds no data.
    pub unsealed_cid: Option<Cid>,
    /// The epoch it would expire at.
    pub expiration: ChainEpoch,
    /// The epoch it was pre-committed in.
    pub epoch: ChainEpoch,
}

impl PreCommit {
    /// Fields: 5 around 10 (actors v1 to v8), 3 around 7 (v9 on).
    fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        let outer = cursor.tuple(&[3, 5])?;
        let inner = cursor.tuple(&[7, 10])?;
        let (seal_proof, number, sealed_cid, seal_epoch) =
            (cursor.int()?, cursor.uint()?, cursor.link()?, cursor.int()?);
        cursor.skip()?; // deals
        let expiration = cursor.int()?;
        let unsealed_cid = if inner == 7 {
            cursor.option(Cbor::link)?
        } else {
            cursor.skip_many(4)?; // the capacity it replaces
            None
        };
        cursor.amount()?; // deposit
        let epoch = cursor.int()?;
        cursor.skip_many(outer - 3)?; // deal weights
        Ok(Self { number, seal_proof, sealed_cid, seal_epoch, unsealed_cid, expiration, epoch })
    }
}

impl Miner {
    /// A sector; `None` where there is none of this number.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn sector<BS: Blockstore>(&self, store: &BS, number: u64) -> Result<Option<Sector>, ReadError> {
        Amt::new(store, "a miner's sectors").get(&self.sectors, number, Sector::read)
    }

    /// Every sector that is on chain, by number.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn sectors<BS: Blockstore>(&self, store: &BS) -> Result<Vec<Sector>, ReadError> {
        let mut sectors = Vec::new();
        Amt::new(store, "a miner's sectors").for_each(&self.sectors, &mut |_, value| {
            sectors.push(whole(value, Sector::read)?);
            Ok(())
        })?;
        Ok(sectors)
    }

    /// A pre-committed sector; `None` where there is none of this number.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn pre_commit<BS: Blockstore>(
        &self,
        store: &BS,
        number: u64,
    ) -> Result<Option<PreCommit>, ReadError> {
        Hamt::new(store, "a miner's pre-committed sectors").get(
            &self.pre_committed,
            &uvarint(number),
            PreCommit::read,
        )
    }
}

/// The key of a number in the actors' maps: an unsigned varint.
fn uvarint(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = number;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
