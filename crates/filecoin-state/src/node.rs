//! Loads nodes and says which one was missing or malformed.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::cbor::Cbor;
use crate::{Fault, ReadError};

/// A node larger than this is refused: Lotus refuses blocks above 2 MiB to begin with (`go-bitswap`).
const MAX_NODE: usize = 8 << 20;
const IDENTITY_HASH: u64 = 0;

/// The bytes of a node.
pub(crate) fn load<BS: Blockstore>(store: &BS, cid: &Cid) -> Result<Vec<u8>, ReadError> {
    if cid.hash().code() == IDENTITY_HASH {
        return Ok(cid.hash().digest().to_vec());
    }
    let bytes = store
        .get(cid)
        .map_err(|error| ReadError::Store { cid: *cid, source: error.into() })?
        .ok_or(ReadError::Missing(*cid))?;
    if bytes.len() > MAX_NODE {
        let fault = Fault::TooMany { found: bytes.len() as u64, limit: MAX_NODE as u64 };
        return Err(ReadError::Malformed { what: "the size", cid: *cid, source: fault });
    }
    Ok(bytes)
}

/// Loads a node and decodes all of it.
pub(crate) fn read<BS: Blockstore, T>(
    store: &BS,
    cid: &Cid,
    what: &'static str,
    decode: impl FnOnce(&mut Cbor<'_>) -> Result<T, Fault>,
) -> Result<T, ReadError> {
    let bytes = load(store, cid)?;
    whole(&bytes, decode).map_err(|source| ReadError::Malformed { what, cid: *cid, source })
}

/// Decodes all of `bytes`.
pub(crate) fn whole<T>(
    bytes: &[u8],
    decode: impl FnOnce(&mut Cbor<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut cursor = Cbor::new(bytes);
    let value = decode(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}
