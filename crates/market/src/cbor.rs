//! CBOR from strangers: measured first, decoded after.
//!
//! The market's protocols send one item without its length. [`Scanner`] finds where it ends while the bytes come in.

use fvm_ipld_encoding::Error as SerdeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The major type of maps.
const MAP: u8 = 5;

/// How much one item may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub bytes: usize,
    /// Bytes of one string, of text or of bytes.
    pub string: usize,
    /// Items within items.
    pub depth: usize,
    /// Items in all.
    pub items: u64,
}

impl Limits {
    /// Of a provider's reply: `cbor-gen` writes no text longer than 8,192 bytes.
    pub const REPLY: Self = Self { bytes: 64 << 10, string: 8_192, depth: 16, items: 4_096 };
    /// Of a client's request: the parameters of a transfer carry headers.
    pub const REQUEST: Self = Self { bytes: 64 << 10, string: 32 << 10, depth: 16, items: 1_024 };
}

/// Bytes that are not an item within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bound {
    /// More bytes than may be.
    #[error("the item has more than {0} bytes")]
    Bytes(usize),
    /// A string longer than may be.
    #[error("a string of {length} bytes at byte {at}, which is more than {most}")]
    String {
        /// Where its head is.
        at: usize,
        /// What its head says.
        length: u64,
        /// What is allowed.
        most: usize,
    },
    /// Deeper than may be.
    #[error("items are nested more than {0} deep")]
    Depth(usize),
    /// More items than may be.
    #[error("there are more than {0} items")]
    Items(u64),
    /// A head that DAG-CBOR does not have: reserved, or of an indefinite length.
    #[error("byte {at} ({byte:#04x}) begins no item of DAG-CBOR")]
    Head {
        /// Where it is.
        at: usize,
        /// What it is.
        byte: u8,
    },
}

/// An item that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Out of bounds.
    #[error("the item is out of bounds")]
    Bound(#[from] Bound),
    /// The bytes end within the item.
    #[error("{0} bytes end within the item")]
    Cut(usize),
    /// Bytes follow the item.
    #[error("{0} bytes follow the item")]
    Rest(usize),
    /// An item, but not of this type.
    #[error("the item is no {what}")]
    Type {
        /// What was expected.
        what: &'static str,
        /// What the decoder says.
        #[source]
        source: SerdeError,
    },
    /// Of the type, with a value that cannot be.
    #[error("the item is no {what}: {why}")]
    Value {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A message that could not be written, which none that this crate makes is.
#[derive(Debug, thiserror::Error)]
#[error("the message could not be written as DAG-CBOR")]
pub struct EncodeError(#[source] SerdeError);

/// Finds the end of an item while its bytes come in.
#[derive(Clone, Debug)]
pub struct Scanner {
    limits: Limits,
    /// Items that are still to come at each level.
    open: Vec<u64>,
    /// Where the next head is: perhaps behind what has come.
    next: usize,
    items: u64,
}

impl Scanner {
    /// A scanner at the first byte of an item.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: vec![1], next: 0, items: 0 }
    }

    /// Look at what has come so far: `bytes` are those of the last call and what came after. Gives the item's length as soon
    /// as it is whole.
    ///
    /// # Errors
    /// As soon as a head says that a bound will be broken; what it announces is not waited for.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Bound> {
        while self.close() {
            if self.next > self.limits.bytes {
                return Err(Bound::Bytes(self.limits.bytes));
            }
            let Some(head) = bytes.get(self.next..).filter(|rest| !rest.is_empty()) else { return Ok(None) };
            let Some((major, argument, length)) = self.head(head)? else { return Ok(None) };
            self.items += 1;
            if self.items > self.limits.items {
                return Err(Bound::Items(self.limits.items));
            }
            self.enter(major, argument, length)?;
        }
        if self.next > self.limits.bytes {
            return Err(Bound::Bytes(self.limits.bytes));
        }
        Ok((self.next <= bytes.len()).then_some(self.next))
    }

    /// Leave the levels that are full; whether one is open.
    fn close(&mut self) -> bool {
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        !self.open.is_empty()
    }

    /// The major type and argument of a head, and its length in bytes.
    fn head(&self, bytes: &[u8]) -> Result<Option<(u8, u64, usize)>, Bound> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let (major, short) = (first >> 5, first & 0x1f);
        let width = match short {
            0..=23 => return Ok(Some((major, u64::from(short), 1))),
            24..=27 => 1usize << (short - 24),
            _ => return Err(Bound::Head { at: self.next, byte: first }),
        };
        let Some(argument) = rest.get(..width) else { return Ok(None) };
        let argument = argument.iter().fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
        Ok(Some((major, argument, 1 + width)))
    }

    /// Take a head: count it, and open what it holds.
    fn enter(&mut self, major: u8, argument: u64, length: usize) -> Result<(), Bound> {
        let at = self.next;
        self.next += length;
        if let Some(left) = self.open.last_mut() {
            *left -= 1;
        }
        let holds = match major {
            2 | 3 => {
                let string = usize::try_from(argument).ok().filter(|&string| string <= self.limits.string);
                let long = Bound::String { at, length: argument, most: self.limits.string };
                self.next += string.ok_or(long)?;
                return Ok(());
            }
            4 => argument,
            MAP => argument.checked_mul(2).ok_or(Bound::Items(self.limits.items))?,
            6 => 1,
            _ => return Ok(()),
        };
        if holds > self.limits.items {
            return Err(Bound::Items(self.limits.items));
        }
        if self.open.len() > self.limits.depth {
            return Err(Bound::Depth(self.limits.depth));
        }
        self.open.push(holds);
        Ok(())
    }
}

/// Decode the one map that `bytes` are.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode<T: DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
    limits: Limits,
) -> Result<T, DecodeError> {
    match Scanner::new(limits).advance(bytes)? {
        None => Err(DecodeError::Cut(bytes.len())),
        Some(length) if length < bytes.len() => Err(DecodeError::Rest(bytes.len() - length)),
        // The decoder would take a list for one.
        Some(_) if bytes.first().is_none_or(|head| head >> 5 != MAP) => {
            Err(DecodeError::Value { what, why: "it is no map" })
        }
        Some(_) => fvm_ipld_encoding::from_slice(bytes).map_err(|source| DecodeError::Type { what, source }),
    }
}

/// The canonical DAG-CBOR of `item`.
///
/// # Errors
/// See [`EncodeError`].
pub(crate) fn encode<T: Serialize + ?Sized>(item: &T) -> Result<Vec<u8>, EncodeError> {
    fvm_ipld_encoding::to_vec(item).map_err(EncodeError)
}
