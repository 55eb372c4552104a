//! The values of a row, each with its type.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh::scale::{Scale, decode};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::error::ReadError;

/// A row of `table`, whose columns were asked for in the order of `columns`.
pub(crate) struct Cells<'a> {
    pub(crate) row: &'a Row<'a>,
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [&'static str],
}

impl Cells<'_> {
    pub(crate) fn wrong(&self, index: usize, why: &'static str) -> ReadError {
        let column = self.columns.get(index).copied().unwrap_or("?");
        ReadError::Cell { table: self.table, column, why }
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, ReadError> {
        self.row.get_ref(index).map_err(|source| ReadError::Sqlite { table: self.table, source })
    }

    /// How many bytes the row has.
    pub(crate) fn size(&self) -> Result<usize, ReadError> {
        (0..self.columns.len()).try_fold(0_usize, |sum, index| {
            Ok(match self.value(index)? {
                ValueRef::Blob(bytes) | ValueRef::Text(bytes) => sum.saturating_add(bytes.len()),
                ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => sum,
            })
        })
    }

    fn integer(&self, index: usize) -> Result<Option<i64>, ReadError> {
        match self.value(index)? {
            ValueRef::Integer(value) => Ok(Some(value)),
            ValueRef::Null => Ok(None),
            _ => Err(self.wrong(index, "no integer")),
        }
    }

    /// The bytes of a blob; `None` for NULL.
    pub(crate) fn bytes(&self, index: usize) -> Result<Option<&[u8]>, ReadError> {
        match self.value(index)? {
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            ValueRef::Null => Ok(None),
            _ => Err(self.wrong(index, "no blob")),
        }
    }

    pub(crate) fn some<T>(&self, index: usize, value: Option<T>) -> Result<T, ReadError> {
        value.ok_or_else(|| self.wrong(index, "null"))
    }

    /// An unsigned integer, which a node stores with the sign's bit as its highest.
    pub(crate) fn u64(&self, index: usize) -> Result<u64, ReadError> {
        self.some(index, self.integer(index)?).map(i64::cast_unsigned)
    }

    pub(crate) fn optional_u64(&self, index: usize) -> Result<Option<u64>, ReadError> {
        Ok(self.integer(index)?.map(i64::cast_unsigned))
    }

    pub(crate) fn i64(&self, index: usize) -> Result<i64, ReadError> {
        self.some(index, self.integer(index)?)
    }

    pub(crate) fn u32(&self, index: usize) -> Result<u32, ReadError> {
        let value = self.some(index, self.integer(index)?)?;
        value.try_into().map_err(|_| self.wrong(index, "no number of 32 bits"))
    }

    pub(crate) fn layer(&self, index: usize) -> Result<LayerId, ReadError> {
        self.u32(index).map(LayerId)
    }

    pub(crate) fn epoch(&self, index: usize) -> Result<EpochId, ReadError> {
        self.u32(index).map(EpochId)
    }

    /// Yes or no; `None` for NULL.
    pub(crate) fn flag(&self, index: usize) -> Result<Option<bool>, ReadError> {
        match self.integer(index)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err(self.wrong(index, "neither 0 nor 1")),
        }
    }

    pub(crate) fn array<const N: usize>(&self, index: usize) -> Result<[u8; N], ReadError> {
        let array = self.optional_array(index)?;
        self.some(index, array)
    }

    pub(crate) fn optional_array<const N: usize>(&self, index: usize) -> Result<Option<[u8; N]>, ReadError> {
        let bytes = self.bytes(index)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| self.wrong(index, "of another length"))).transpose()
    }

    /// An id of 20 bytes, which a node stores in 32.
    pub(crate) fn padded(&self, index: usize) -> Result<[u8; 20], ReadError> {
        let stored: [u8; 32] = self.array(index)?;
        let (id, padding) = stored.split_first_chunk::<20>().ok_or_else(|| self.wrong(index, "no id"))?;
        if padding.iter().all(|byte| *byte == 0) {
            Ok(*id)
        } else {
            Err(self.wrong(index, "no id of 20 bytes"))
        }
    }

    pub(crate) fn address(&self, index: usize) -> Result<Address, ReadError> {
        self.array(index).map(Address)
    }

    /// What a blob is the bytes of.
    pub(crate) fn decoded<T: Scale>(&self, index: usize) -> Result<T, ReadError> {
        let bytes = self.bytes(index)?;
        let bytes = self.some(index, bytes)?;
        let column = self.columns.get(index).copied().unwrap_or("?");
        decode(bytes).map_err(|source| ReadError::Bytes { table: self.table, column, source })
    }
}
